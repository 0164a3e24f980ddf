"""Memory with the real models, a real Chroma folder and a real PostgreSQL."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from homepot_ai.errors import IndexUnavailable, ModelMissing
from homepot_ai.memory import describe, embedder, investigate, keeping, similar
from homepot_ai.memory.index import Folder
from homepot_ai.memory.similar import Question, find
from homepot_ai.settings import MemorySettings, Settings
from homepot_ai.store import memory as store
from homepot_ai.store.database import Database
from tests.incident_rows_mem import NOW, PAST, incident, metric, past

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def models() -> embedder.Embedder:
    """Loaded once for the module: it takes seconds."""
    return embedder.load(MemorySettings())


@pytest.fixture
def learned(database: Database, settings: Settings) -> Database:
    """Four past incidents in the record and in the index."""
    past(database)
    assert keeping.learn(database, settings, NOW).embedded == len(PAST)
    return database


def ask(db: Database, settings: Settings, number: int) -> investigate.Finding:
    with db.reader() as conn:
        row = store.incident(conn, number)
    assert row is not None
    return investigate.look(db, settings, [row]).findings[0]


def hashes(db: Database, settings: Settings) -> tuple[dict[int, str], dict[int, str]]:
    """(record, index)"""
    with db.reader() as conn:
        recorded = store.pattern_hashes(conn, "incident")
        row = store.index_row(conn, "incident_history")
    assert row is not None
    with Folder.of(settings).reading() as opened:
        return recorded, opened.hashes(row.active)


def test_the_most_similar_one_comes_first_with_its_resolution(learned: Database, settings: Settings) -> None:
    number = incident(
        learned,
        device=2,
        metrics=[metric("disk_percent", 91.0, high=80.0)],
        events=["old logs fill the disk"],
    )
    finding = ask(learned, settings, number)
    first = finding.found.similar[0]
    assert first.pattern.resolution == PAST[0]["resolution"]
    assert first.similarity > 0.5
    assert first.pattern.outcome == "held"
    assert finding.found.degraded is None


def test_nothing_similar_is_said_instead_of_the_least_bad(learned: Database, settings: Settings) -> None:
    number = incident(
        learned, cause="failed_logins", category="security", device=3, device_type="gateway",
        title="Password guessing", events=["4000 failed ssh logins from one address"],
    )  # fmt: skip
    found = ask(learned, settings, number).found
    assert found.similar == ()
    assert found.nearest is not None
    assert found.nearest < 0.24


def test_an_incident_is_not_similar_to_itself_nor_to_what_came_later(
    learned: Database, settings: Settings
) -> None:
    with learned.reader() as conn:
        row = store.incident(conn, 1)
    assert row is not None
    question = Question(describe.describe(row), describe.exact(row), row.opened_at, row.id)
    with learned.reader() as conn:
        found = find(conn, Folder.of(settings), settings, [question])[0]
    assert all(s.pattern.happened_at < row.opened_at and s.pattern.incident_id != 1 for s in found.similar)


def test_who_may_see_one_site_finds_its_incident_behind_a_hundred_of_another(
    database: Database, settings: Settings
) -> None:
    disk = PAST[0]
    for day in range(crowd := similar.NEIGHBOURS + 10):
        incident(database, state="closed", opened=NOW - timedelta(days=10 + day), **disk)
    other = {
        **disk,
        "device": 21,
        "title": "Disk of the scale is full",
        "events": ["a backup fills the disk"],
    }
    theirs = incident(database, state="closed", opened=NOW - timedelta(days=9), **other)
    with database.admin() as conn:
        conn.execute("UPDATE ai_incidents SET site_id = 2 WHERE id = %s", [theirs])
    assert keeping.learn(database, settings, NOW).embedded == crowd + 1
    now = incident(database, device=2, metrics=disk["metrics"], events=disk["events"])
    with database.reader() as conn:
        row = store.incident(conn, now)
        assert row is not None
        wanted = Question(describe.describe(row), describe.exact(row), row.opened_at, row.id, sites={2})
        indexed = find(conn, Folder.of(settings), settings, [wanted])[0]
        # Without an index it is the same.
        worded = find(conn, Folder(settings.var_dir / "nowhere"), settings, [wanted])[0]
    assert [one.pattern.incident_id for one in indexed.similar] == [theirs]
    assert indexed.degraded is None
    assert worded.degraded is not None
    assert {one.pattern.site_id for one in worded.similar} <= {2}


def test_learning_twice_writes_nothing_twice(learned: Database, settings: Settings) -> None:
    before = hashes(learned, settings)
    again = keeping.learn(learned, settings, NOW)
    assert (again.patterns, again.embedded, again.waiting) == (0, 0, 0)
    assert hashes(learned, settings) == before
    assert before[0] == before[1]


def test_a_resolution_written_later_and_a_recurrence_follow(learned: Database, settings: Settings) -> None:
    with learned.admin() as conn:
        conn.execute("UPDATE ai_incidents SET resolution = 'Replaced the disk' WHERE id = 1")
        conn.execute("UPDATE ai_incidents SET fingerprint = 'same' WHERE id = 2")
    incident(learned, fingerprint="same", opened=NOW - timedelta(days=6), device=12)
    keeping.learn(learned, settings, NOW)
    with learned.reader() as conn:
        known = {p.incident_id: p for p in store.patterns(conn, [1, 2, 3, 4]).values()}
    assert known[1].resolution == "Replaced the disk"
    assert known[2].outcome == "came_back"


class TestTheFolder:
    """Whatever happens to it: said clearly, and made again by one command."""

    def degraded(self, db: Database, settings: Settings) -> str:
        number = incident(db, device=5, metrics=[metric("disk_percent", 92.0, high=80.0)], events=["logs"])
        finding = ask(db, settings, number)
        assert finding.found.degraded is not None
        # PostgreSQL alone still finds it, by words and exact facts.
        assert finding.found.similar[0].pattern.resolution == PAST[0]["resolution"]
        return finding.found.degraded

    def healed(self, db: Database, settings: Settings) -> None:
        assert all(checked.fine for checked in keeping.rebuild(db, settings, NOW))
        recorded, indexed = hashes(db, settings)
        assert recorded == indexed
        number = incident(
            db, device=6, opened=NOW + timedelta(hours=1), metrics=[metric("disk_percent", 92.0, high=80.0)]
        )
        assert ask(db, settings, number).found.degraded is None

    def test_missing(self, learned: Database, settings: Settings) -> None:
        shutil.rmtree(Folder.of(settings).path)
        assert "there is no index" in self.degraded(learned, settings)
        assert not keeping.check(learned, settings, NOW)[0].fine
        self.healed(learned, settings)

    def test_damaged(self, learned: Database, settings: Settings) -> None:
        path = Folder.of(settings).path
        with (path / "chroma.sqlite3").open("r+b") as file:
            file.write(b"\x00garbage" * 200)
        assert "damaged" in self.degraded(learned, settings)
        self.healed(learned, settings)
        assert list(path.parent.glob("chroma.aside-*")), "the damaged one is kept for whoever wants to look"

    def test_of_another_version(self, learned: Database, settings: Settings) -> None:
        (Folder.of(settings).path / "homepot-ai.version").write_text("format 0, chromadb 0.4\n")
        assert "another version (format 0, chromadb 0.4" in self.degraded(learned, settings)
        self.healed(learned, settings)

    def test_locked_by_another_process(self, learned: Database, settings: Settings) -> None:
        impatient = settings.model_copy(update={"memory": MemorySettings(lock_seconds=0.3)})
        lock = Folder.of(settings).path.parent / "chroma.lock"
        with lock.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            assert "locked by another process" in self.degraded(learned, impatient)
            with pytest.raises(IndexUnavailable, match="locked"):
                keeping.rebuild(learned, impatient, NOW)
        assert Folder.of(settings).path.exists(), "a lock is waited for, never broken"
        assert keeping.check(learned, settings, NOW)[0].fine

    def test_two_rebuilds_at_once(self, learned: Database, settings: Settings) -> None:
        with store.one_rebuild(learned) as mine:
            assert mine
            with pytest.raises(IndexUnavailable, match="another run"):
                keeping.rebuild(learned, settings, NOW)


def test_the_check_puts_in_what_is_missing_and_removes_what_is_too_much(
    learned: Database, settings: Settings
) -> None:
    with learned.reader() as conn:
        row = store.index_row(conn, "incident_history")
    assert row is not None
    with Folder.of(settings).writing() as opened:
        vector = embedder.load(settings.memory).encode(["of nothing"])
        opened.put(row.active, [9999], vector, [{"hash": "x", "category": "power"}])
        opened.put(row.active, [1], vector, [{"hash": "wrong", "category": "power"}])
        opened.remove(row.active, [2])
    found = keeping.check(learned, settings, NOW)[1 - 1]
    assert (found.missing, found.changed, found.too_many) == (1, 1, 1)
    assert keeping.check(learned, settings, NOW)[0].fine
    assert hashes(learned, settings)[0] == hashes(learned, settings)[1]


def test_a_model_that_is_not_here_is_never_fetched(learned: Database, settings: Settings) -> None:
    other = settings.model_copy(
        update={"memory": MemorySettings(model="all-mpnet-base-v2", models_dir=Path("/none"))}
    )
    with pytest.raises(ModelMissing, match="all-mpnet-base-v2"):
        keeping.rebuild(learned, other, NOW)
    number = incident(learned, device=7, metrics=[metric("disk_percent", 92.0, high=80.0)], events=["logs"])
    assert "all-mpnet-base-v2" in (ask(learned, other, number).found.degraded or "")


def test_nothing_leaves_the_machine(
    learned: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and str(address[0]) not in {"127.0.0.1", "::1"}:  # type: ignore[index]
            raise AssertionError(f"a connection to {address}")
        return original(self, address)

    original = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", refuse)
    keeping.rebuild(learned, settings, NOW)
    ask(learned, settings, incident(learned, device=8))


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from homepot_ai.memory import index, keeping
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
index.BATCH = 4
done = []
def told(n, total):
    print(n, flush=True)
keeping.rebuild(Database(sys.argv[1]), Settings(var_dir=Path(sys.argv[2])), datetime.now(UTC), progress=told)
print("ended", flush=True)
"""


def test_a_rebuild_that_is_killed_goes_on_and_the_old_index_answers_meanwhile(
    database: Database, settings: Settings
) -> None:
    past(database, copies=12)
    keeping.learn(database, settings, NOW)
    with database.reader() as conn:
        before = store.index_row(conn, "incident_history")
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, database.url, str(settings.var_dir)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        while (line := child.stdout.readline()) and int(line) < 12:
            pass
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    with database.reader() as conn:
        killed = store.index_row(conn, "incident_history")
    assert before is not None
    assert killed is not None
    assert killed.active == before.active, "not switched"
    assert killed.building is not None
    assert killed.built_to >= 8
    assert ask(database, settings, incident(database, device=9)).found.degraded is None
    steps: list[int] = []
    began = time.monotonic()
    checked = keeping.rebuild(database, settings, NOW, progress=lambda done, total: steps.append(done))
    assert checked[0].fine, str(checked[0])
    assert steps[0] <= 48 - killed.built_to, f"it began again: {steps}"
    recorded, indexed = hashes(database, settings)
    assert recorded == indexed
    assert len(indexed) == 48
    assert time.monotonic() - began < 60


def test_a_document_takes_less_than_100_ms(models: embedder.Embedder) -> None:
    texts = [f"Till {n}: disk nearly full, log files grow since the update" for n in range(20)]
    models.encode(texts[:2])
    took = []  # of the processor's time: others may be busy on this machine
    for text in texts:
        began = time.process_time()
        models.encode([text])
        took.append(time.process_time() - began)
    assert sorted(took)[len(took) // 2] < 0.1
