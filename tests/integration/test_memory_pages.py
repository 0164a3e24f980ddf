"""Operators' pages are read, quoted and forgotten; a killed investigation is done once; the command line."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pypdf import PdfWriter

from homepot_ai.memory import embedder, investigate, keeping, manuals, pairs, passages
from homepot_ai.settings import MemorySettings, Settings
from homepot_ai.store import memory as store
from homepot_ai.store.database import Database
from tests.incident_rows_mem import NOW, incident, metric, past

pytestmark = pytest.mark.slow
PAIRS = Path(__file__).resolve().parents[1] / "data" / "incident_pairs.jsonl"


@pytest.fixture(scope="module")
def models() -> embedder.Embedder:
    return embedder.load(MemorySettings())


@pytest.fixture
def folder(settings: Settings) -> Path:
    path = manuals.folder_of(settings)
    path.mkdir(parents=True)
    return path


def pdf(text: str) -> bytes:
    from weasyprint import HTML

    made = HTML(string=f"<h1>Router manual</h1><p>{text}</p>").write_pdf()
    assert isinstance(made, bytes)
    return made


def test_the_accuracy_on_pairs_that_did_not_choose_the_cut_off(models: embedder.Embedder) -> None:
    labelled = pairs.read(PAIRS)
    judged = pairs.judge(labelled, pairs.score(models, labelled))
    assert judged.accuracy > 0.88, judged
    assert judged.shipped > 0.9, judged
    assert judged.false_alarms < 0.12, judged


class TestTheFolder:
    def test_what_is_there_is_read_and_what_is_gone_goes(
        self, database: Database, settings: Settings, folder: Path, models: embedder.Embedder
    ) -> None:
        (folder / "tills").mkdir()
        (folder / "tills" / "printer.md").write_text(
            "# Printer\n\n## Paper jam\nOpen the lid, remove the paper scrap from the cutter.\n\n"
            "```\n# not a heading\n```\n## Faint print\nReplace the thermal head.\n"
        )
        (folder / "network.txt").write_text("The uplink modem: power it off for a minute, then on again.")
        (folder / "router.pdf").write_bytes(pdf("If the router overheats, clean the fan from dust."))
        read = manuals.read_folder(database, settings, NOW)
        assert (read.files, read.read, read.skipped) == (3, 3, ())
        with database.reader() as conn:
            known = store.passages(conn)
        assert {(p.path, p.heading, p.page) for p in known} == {
            ("tills/printer.md", "Printer › Paper jam", None),
            ("tills/printer.md", "Printer › Faint print", None),
            ("network.txt", "network", None), ("router.pdf", "Router manual", 1),
        }  # fmt: skip
        found = passages.quoted(
            models,
            known,
            ["Bondrucker Papierstau, Messer klemmt", "routeur en surchauffe, ventilateur encrassé", "zzz"],
        )
        assert found[0][0].passage.heading == "Printer › Paper jam"
        assert found[1][0].passage.path == "router.pdf"
        assert "page 1 (Router manual): “" in manuals.quote(found[1][0].passage)
        assert found[2] == ()

        assert manuals.read_folder(database, settings, NOW).read == 0, "nothing changed"
        (folder / "network.txt").write_text("Ask the provider.")
        (folder / "router.pdf").unlink()
        again = manuals.read_folder(database, settings, NOW)
        assert (again.files, again.read, again.removed) == (2, 1, 1)
        with database.reader() as conn:
            assert {p.body for p in store.passages(conn) if p.path == "network.txt"} == {"Ask the provider."}

    def test_what_cannot_be_read_is_named_and_skipped(
        self, database: Database, settings: Settings, folder: Path, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret.md"
        secret.write_text("# Secret\nnot for memory\n")
        (folder / "link.md").symlink_to(secret)
        (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n garbage \xff\xfe")
        (folder / "binary.txt").write_bytes(b"\x00\x01\x02" * 500)
        (folder / "empty.md").write_text("\n\n")
        (folder / "huge.txt").write_text("x" * 3000)
        (folder / "good.md").write_text("# Good\nRead me.\n")
        encrypted = PdfWriter()
        encrypted.add_blank_page(100, 100)
        encrypted.encrypt("secret")
        buffer = io.BytesIO()
        encrypted.write(buffer)
        (folder / "locked.pdf").write_bytes(buffer.getvalue())
        small = settings.model_copy(update={"memory": MemorySettings(runbook_file_bytes=2000)})
        read = manuals.read_folder(database, small, NOW)
        reasons = dict(read.skipped)
        assert set(reasons) == {"link.md", "broken.pdf", "binary.txt", "empty.md", "huge.txt", "locked.pdf"}
        assert "leads out of the folder" in reasons["link.md"]
        assert "no text" in reasons["empty.md"]
        assert "runbook_file_bytes" in reasons["huge.txt"]
        with database.reader() as conn:
            assert [p.path for p in store.passages(conn)] == ["good.md"]

    def test_a_named_folder_that_is_away_makes_nothing_forgotten(
        self, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        named = tmp_path / "mounted"
        named.mkdir()
        (named / "a.md").write_text("# A\nText.\n")
        there = settings.model_copy(update={"memory": MemorySettings(runbooks_dir=named)})
        assert manuals.read_folder(database, there, NOW).files == 1
        named.rename(tmp_path / "away")
        away = manuals.read_folder(database, there, NOW)
        assert away.files == 1
        assert "is not there" in away.skipped[0][1]
        with database.reader() as conn:
            assert len(store.passages(conn)) == 1


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from homepot_ai.memory import investigate
from homepot_ai.settings import MemorySettings, Settings
from homepot_ai.store import memory as store
from homepot_ai.store.database import Database
write = store.append_event
def slowly(conn, number, **more):
    found = write(conn, number, **more)
    print(number, flush=True)
    if number == int(sys.argv[3]):
        sys.stdin.read()
    return found
store.append_event = slowly
# A model that is not here: it goes on without, and the test need not wait for one to load.
without = MemorySettings(model="all-mpnet-base-v2", models_dir=Path("/none"))
investigate.investigate(
    Database(sys.argv[1]), Settings(var_dir=Path(sys.argv[2]), memory=without), datetime.now(UTC)
)
"""


def test_an_investigation_that_is_killed_is_done_by_the_next_run_once(
    database: Database, settings: Settings, models: embedder.Embedder
) -> None:
    past(database)
    keeping.learn(database, settings, NOW)
    numbers = [incident(database, device=n, metrics=[metric("disk_percent", 91, high=80)]) for n in range(3)]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, database.url, str(settings.var_dir), str(numbers[1])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert [int(child.stdout.readline()) for _ in range(2)] == numbers[:2]
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdin.close()
        child.stdout.close()
    # The first was committed; the second was written, but its transaction died with the process.
    result = investigate.investigate(database, settings, NOW)
    assert [finding.incident.id for finding in result.findings] == numbers[1:]
    with database.admin() as conn:
        counted = conn.execute(
            "SELECT incident_id, count(*) FROM ai_incident_events WHERE kind = 'investigated' "
            "GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert counted == [(number, 1) for number in numbers]


def test_two_investigations_at_once_write_one_event_each(
    database: Database, settings: Settings, models: embedder.Embedder
) -> None:
    past(database)
    keeping.learn(database, settings, NOW)
    numbers = [incident(database, device=n, metrics=[metric("disk_percent", 91, high=80)]) for n in range(5)]
    failures: list[BaseException] = []

    def look() -> None:
        try:
            investigate.investigate(database, settings, NOW)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.admin() as conn:
        counted = conn.execute(
            "SELECT incident_id, count(*) FROM ai_incident_events WHERE kind = 'investigated' "
            "GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert counted == [(number, 1) for number in numbers]


def test_the_command_line(database: Database, settings: Settings, models: embedder.Embedder) -> None:
    from typer.testing import CliRunner

    from homepot_ai.cli import main as cli
    from homepot_ai.settings import load_settings

    past(database)
    number = incident(database, device=1)
    runner = CliRunner()
    environment = {"HOMEPOT_AI_DATABASE_URL": database.url, "HOMEPOT_AI_VAR_DIR": str(settings.var_dir)}

    def homepot(*arguments: str) -> tuple[int, str]:
        load_settings.cache_clear()
        try:
            answer = runner.invoke(cli.app, list(arguments), env=environment)
        finally:
            load_settings.cache_clear()
        return answer.exit_code, answer.output

    code, said = homepot("memory", "search", "Festplatte voll", "--category", "storage")
    assert code == 0
    assert "no index was built yet" in said
    code, said = homepot("memory", "rebuild")
    assert code == 0, said
    assert "incident_history: 4 of 4 patterns, ids and hashes agree" in said
    code, said = homepot("memory", "search", "Festplatte voll, Logdateien")
    assert code == 0
    assert "Alte Logdateien gelöscht" in said
    assert homepot("memory", "search", "zzz qqq")[1].startswith("Nothing similar: the nearest past incident")
    assert homepot("memory", "check")[0] == 0
    assert homepot("memory", "runbooks")[0] == 0
    code, said = homepot("record-action", str(number), "replaced the disk", "--by", "Ann")
    assert code == 0
    assert "counted as: replace: disk" in said
    assert "too few to tell" in homepot("actions")[1]
    began = time.monotonic()
    assert "record-action" in homepot("--help")[1]
    assert time.monotonic() - began < 5
