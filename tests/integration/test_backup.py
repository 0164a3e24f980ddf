"""A backup is made, proven, damaged, restored, gone back from: real PostgreSQL, real Chroma, real models."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from homepot_ai.backup import archive, drill, places, restoring, scratch, service
from homepot_ai.backup.records import Stored
from homepot_ai.cli import main as cli
from homepot_ai.errors import ArchiveDamaged, BackupError, NotFound
from homepot_ai.memory import embedder, keeping
from homepot_ai.memory.index import Folder
from homepot_ai.memory.manuals import folder_of
from homepot_ai.settings import MemorySettings, load_settings
from homepot_ai.store.database import Database
from homepot_ai.testing import archives
from tests.backup_world import SECRETS, Fleet, backed_up, new_database, remembered, settings_of
from tests.incident_rows_mem import NOW

pytestmark = pytest.mark.slow
DAY = timedelta(days=1)
QUESTIONS = ["archive", "database", "rows", "index", "golden", "rebuilt"]


@pytest.fixture(scope="module", autouse=True)
def models() -> embedder.Embedder:
    return embedder.load(MemorySettings())


@pytest.fixture(scope="module")
def fleet(postgres: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """One fleet with one backup, for the tests in their order: the later ones change it."""
    settings = settings_of(tmp_path_factory.mktemp("fleet"))
    db = new_database(postgres, empty_template)
    remembered(db, settings)
    return Fleet(db, settings, backed_up(db, settings))


@pytest.fixture
def copy(fleet: Fleet, tmp_path: Path) -> Path:
    """A copy of the archive, without the checksum beside it, to be maltreated."""
    return Path(shutil.copy(fleet.made.stored.path, tmp_path))


def opened(path: Path, tmp_path: Path) -> Any:
    files = tmp_path / "scratch" / "files"
    files.mkdir(parents=True, exist_ok=True)
    return archive.extract(path, files, None)


class TestMade:
    def test_it_was_restored_and_questioned_before_it_got_its_name(self, fleet: Fleet) -> None:
        made = fleet.made
        assert [check.what for check in made.drill.checks] == QUESTIONS
        assert all(check.passed for check in made.drill.checks)
        assert fleet.rows("SELECT name, outcome, bytes FROM ai_backups") == [
            (made.stored.name, "good", made.stored.bytes)
        ]
        assert fleet.rows("SELECT backup, kind, outcome FROM ai_restore_drills") == [
            (made.stored.name, "nightly", "passed")
        ]
        assert {table: count.rows for table, count in made.manifest.tables.items()}[
            "ai_incident_patterns"
        ] == 4
        assert made.manifest.homepot_tables["sites"].rows == 1
        # Each incident is found by what it was.
        assert [one.ids[:1] for one in made.manifest.golden if one.category] != [()]
        assert sorted(one.ids[0] for one in made.manifest.golden if one.category) == [1, 2, 3, 4]

    def test_the_standard_programs_read_it(self, fleet: Fleet, tmp_path: Path) -> None:
        path = fleet.made.stored.path
        subprocess.run(
            ["sha256sum", "--check", "--quiet", f"{path.name}.sha256"], cwd=path.parent, check=True
        )
        subprocess.run(["tar", "xzf", str(path), "-C", str(tmp_path)], check=True)
        from homepot_ai.backup import tools

        listed = subprocess.run(
            [tools.find(18).program("pg_restore"), "--list", "database.dump"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert "TABLE DATA homepot_ai ai_incident_patterns" in listed
        assert "TABLE DATA public sites" in listed
        assert (tmp_path / "runbooks" / "tills.md").read_text().startswith("# Tills")

    def test_no_secret_is_in_it(self, fleet: Fleet, tmp_path: Path) -> None:
        subprocess.run(["tar", "xzf", str(fleet.made.stored.path), "-C", str(tmp_path)], check=True)
        everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert [secret for secret in SECRETS.values() if secret.encode() in everything] == []
        assert set(fleet.made.manifest.secrets) >= {"mail.password", "watch.ping_url"}

    def test_only_its_owner_reads_it_and_nothing_half_is_left(self, fleet: Fleet) -> None:
        path = fleet.made.stored.path
        assert path.stat().st_mode & 0o777 == 0o600
        assert sorted(file.name for file in path.parent.iterdir()) == [
            ".lock", path.name, f"{path.name}.sha256",
        ]  # fmt: skip
        left = fleet.rows("SELECT datname FROM pg_database WHERE datname LIKE '%drill%'")
        assert left == []


class TestDamaged:
    """Whatever was done to an archive: one sentence, and nothing of it is used."""

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.99])
    def test_cut_off(self, copy: Path, tmp_path: Path, share: float) -> None:
        archives.cut_off(copy, share)
        with pytest.raises(ArchiveDamaged, match="is cut off, damaged, or no backup at all"):
            opened(copy, tmp_path)

    @pytest.mark.parametrize("share", [0.005, 0.01, 0.02, 0.03, 0.5, 0.9])
    def test_a_bit_turned_around(self, copy: Path, tmp_path: Path, share: float) -> None:
        archives.flip(copy, share)
        with pytest.raises(ArchiveDamaged):
            opened(copy, tmp_path)

    def test_one_whose_checksum_is_another_is_not_even_opened(self, fleet: Fleet, tmp_path: Path) -> None:
        path = fleet.made.stored.path
        kept = path.read_bytes()
        archives.flip(path, 0.5)
        try:
            result = service.verify(fleet.db, fleet.settings, NOW + DAY, fleet.made.stored)
            assert not result.passed
            assert "its checksum is another one" in result.detail
            assert service.listed(fleet.db, fleet.settings, NOW + DAY).bad == {fleet.made.stored.name}
            with pytest.raises(ArchiveDamaged, match="checksum"):
                restoring.restore(fleet.db, fleet.settings, fleet.made.stored, NOW + DAY, actor="test")
        finally:
            path.write_bytes(kept)
            fleet.do("DELETE FROM ai_restore_drills WHERE kind = 'by hand'")

    def test_foreign_files(self, tmp_path: Path) -> None:
        foreign = tmp_path / "backup-x.tar.gz"
        with tarfile.open(foreign, "w:gz") as tar:
            tar.add(__file__, "holiday.jpg")
        with pytest.raises(ArchiveDamaged, match="is no backup of this program"):
            opened(foreign, tmp_path)
        foreign.write_bytes(b"PK\x03\x04 not a tar at all")
        with pytest.raises(ArchiveDamaged):
            opened(foreign, tmp_path)

    @pytest.mark.parametrize("where", ["../outside", "/tmp/outside-7f3a", "chroma/../../outside"])
    def test_a_path_that_leads_elsewhere(self, copy: Path, tmp_path: Path, where: str) -> None:
        evil = tmp_path / "backup-evil.tar.gz"

        def named(said: dict[str, Any]) -> None:
            said["members"][where] = {
                "bytes": 0,
                "sha256": "e3b0c442" + "98fc1c149afbf4c8996fb924" + "0" * 32,
            }

        archives.repack(copy, evil, manifest=named, added=tarfile.TarInfo(where))
        with pytest.raises(ArchiveDamaged, match="was altered"):
            opened(evil, tmp_path)
        assert not (tmp_path / "outside").exists()
        assert not Path("/tmp/outside-7f3a").exists()

    def test_a_link_is_no_file(self, copy: Path, tmp_path: Path) -> None:
        link = tarfile.TarInfo("settings.yaml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        evil = tmp_path / "backup-evil.tar.gz"
        archives.repack(copy, evil, left_out="settings.yaml", added=link)
        with pytest.raises(ArchiveDamaged, match="was altered"):
            opened(evil, tmp_path)

    def test_a_member_that_was_changed_or_left_out(self, copy: Path, tmp_path: Path) -> None:
        evil = tmp_path / "backup-evil.tar.gz"
        archives.repack(copy, evil, replaced={"blocks.json": b"[1]"})
        with pytest.raises(ArchiveDamaged, match="is not what was packed"):
            opened(evil, tmp_path)
        archives.repack(copy, evil, left_out="blocks.json")
        shutil.rmtree(tmp_path / "scratch")
        with pytest.raises(ArchiveDamaged, match=r"lacks 'blocks\.json'"):
            opened(evil, tmp_path)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"format": 2}, "newer version of this program .format 2, here 1.: update the program"),
            ({"format": 3, "tables": []}, "newer version of this program"),
            ({"program": "other"}, "is a backup of 'other', not of this program"),
            ({"tables": 7}, "manifest of .* is wrong .tables"),
        ],
    )
    def test_manifests_of_others(self, copy: Path, tmp_path: Path, change: dict[str, Any], said: str) -> None:
        other = tmp_path / "backup-other.tar.gz"
        archives.repack(copy, other, manifest=lambda known: known.update(change))
        with pytest.raises(BackupError, match=said):
            opened(other, tmp_path)

    def test_tables_of_a_later_version(self, fleet: Fleet, copy: Path, tmp_path: Path) -> None:
        newer = tmp_path / "backup-newer.tar.gz"
        archives.repack(copy, newer, manifest=lambda known: known.update(migration="0999"))
        with (
            pytest.raises(BackupError, match="newer version of this program: its tables are at 0999"),
            drill.unpacked(newer, fleet.settings),
        ):
            raise AssertionError

    def test_rows_that_are_not_those_of_the_dump_fail_the_drill(
        self, fleet: Fleet, copy: Path, tmp_path: Path
    ) -> None:
        def other(said: dict[str, Any]) -> None:
            said["tables"]["ai_incident_patterns"]["rows"] = 5
            said["golden"][0]["ids"] = [99]

        wrong = tmp_path / "backup-wrong.tar.gz"
        archives.repack(copy, wrong, manifest=other)
        result = drill.question(wrong, fleet.db, fleet.settings, NOW)
        failed = {check.what: check.said for check in result.checks if not check.passed}
        assert set(failed) == {"rows", "golden", "rebuilt"}
        assert "ai_incident_patterns, 5 rows then, 4 restored" in failed["rows"]


class TestWhileOthersWork:
    def test_the_index_is_copied_between_two_batches_of_a_writer(self, fleet: Fleet, tmp_path: Path) -> None:
        code = (
            "import sys, time, numpy as np\nfrom pathlib import Path\n"
            "from homepot_ai.memory.index import Folder\n"
            "folder, number = Folder(Path(sys.argv[1]), 60), 0\n"
            "while True:\n"
            "    with folder.writing() as index:\n"
            "        index.make('noise.x.1')\n"
            "        for _ in range(2):\n"
            "            ids = list(range(number, number + 10)); number += 10\n"
            "            vectors = np.random.default_rng(number).random((10, 8), dtype=np.float32)\n"
            "            index.put('noise.x.1', ids, vectors, [{'hash': 'x'}] * 10)\n"
            "    print(number, flush=True)\n"
            "    time.sleep(0.2)\n"
        )
        source = Folder(tmp_path / "index", 60.0)
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(source.path)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert writer.stdout is not None
            counts = []
            for number in range(3):
                writer.stdout.readline()
                copied = Folder(tmp_path / f"copy{number}", 60.0)
                source.copy_to(copied.path)
                with copied.reading() as index:
                    counts.append(index.count("noise.x.1"))
                    assert len(index.hashes("noise.x.1")) == counts[-1]
        finally:
            writer.kill()
            writer.wait()
        assert all(count and count % 20 == 0 for count in counts)

    def test_rows_written_meanwhile_are_not_in_it(self, fleet: Fleet) -> None:
        said: list[str] = []

        def meanwhile(step: str) -> None:
            said.append(step)
            fleet.do(
                "INSERT INTO ai_audit_log (at, actor, action, subject) VALUES (now(), 'busy', 'wrote', 'a "
                "row')"
            )

        before = fleet.rows("SELECT count(*) FROM ai_audit_log")[0][0]
        made = service.make(fleet.db, fleet.settings, NOW + DAY, actor="test", told=meanwhile)
        assert made.drill.passed
        assert "dumping the database" in said
        # Of the moment of the snapshot: not one more, whatever came while it was dumped and counted.
        assert made.manifest.tables["ai_audit_log"].rows == before
        assert fleet.rows("SELECT count(*) FROM ai_audit_log WHERE actor = 'busy'")[0][0] == len(said)

    def test_killed_in_the_middle_the_last_good_one_is_there_and_the_next_one_tidies_up(
        self, fleet: Fleet
    ) -> None:
        code = (
            "import os, sys, signal\nfrom datetime import datetime\nfrom pathlib import Path\n"
            "from homepot_ai.backup import service\nfrom homepot_ai.store.database import Database\n"
            "from tests.backup_world import settings_of\n"
            "def told(step):\n"
            "    if 'scratch database' in step: os.kill(os.getpid(), signal.SIGKILL)\n"
            "service.make(Database(sys.argv[1]), settings_of(Path(sys.argv[2])),\n"
            "             datetime.fromisoformat(sys.argv[3]), actor='test', told=told)\n"
        )
        at = NOW + 2 * DAY
        ended = subprocess.run(
            [sys.executable, "-c", code, fleet.db.url, str(fleet.settings.var_dir), at.isoformat()],
            check=False, timeout=300,
        )  # fmt: skip
        assert ended.returncode == -signal.SIGKILL
        folder = places.folder_of(fleet.settings)
        assert any(path.name.startswith(places.PART) for path in folder.iterdir())
        assert [one.made_at for one in fleet.stored] == [NOW + DAY, NOW]
        # An index that lost its way fails the next one, which tidies up all the same.
        with Folder.of(fleet.settings).writing() as index:
            name = next(name for name in index.names() if name.startswith("incident_history"))
            row = index.nearest(name, embedder.load(MemorySettings()).encode(["till"])[0], 1)[0]
            index.put(name, [row.id], row.vector[None], [{"hash": "another text", "category": row.category}])
        with pytest.raises(BackupError, match=r"did not pass its restore drill \(index: .*1 of another text"):
            backed_up(fleet.db, fleet.settings, NOW + 3 * DAY)
        assert [one.made_at for one in fleet.stored] == [NOW + DAY, NOW]
        assert not any(path.name.startswith(places.PART) for path in folder.iterdir())
        assert len(list(folder.glob("*.failed"))) == 1
        assert [row[:2] for row in fleet.rows("SELECT outcome, detail FROM ai_backups ORDER BY started_at")][
            2:
        ] == [
            ("failed", "was interrupted before it had ended"),
            ("failed", fleet.rows("SELECT detail FROM ai_backups ORDER BY started_at DESC LIMIT 1")[0][0]),
        ]
        assert all(one.fine for one in _repaired(fleet))


def _repaired(fleet: Fleet) -> list[keeping.Checked]:
    keeping.check(fleet.db, fleet.settings, NOW)
    return keeping.check(fleet.db, fleet.settings, NOW, repair=False)


@pytest.fixture(scope="module")
def hurt(fleet: Fleet) -> Fleet:
    """Yesterday's backup; since then something was lost, and something went out of the house."""
    fleet.do(
        "INSERT INTO ai_api_tokens (name, token_hash, scopes, made_at) VALUES ('dash', 'h', '{read}', "
        "now());"
        "INSERT INTO ai_subscriptions (email, kind, scope, mode) VALUES ('a@b.example', 'daily', "
        "'fleet', "
        "'executive');"
        "INSERT INTO ai_mail_outbox (key, kind, reference, recipient, subject, message_id, payload, "
        "state) "
        "VALUES ('one', 'report', 'r', 'a@b.example', 's', 'm1', '', 'queued'), "
        "('two', 'report', 'r', 'a@b.example', 's', 'm2', '', 'queued'), "
        "('gone', 'report', 'r', 'a@b.example', 's', 'm3', '', 'queued')"
    )
    fleet.made = backed_up(fleet.db, fleet.settings, NOW + 4 * DAY)
    fleet.do(
        "UPDATE ai_mail_outbox SET state = 'sent', sent_at = now() WHERE key = 'one';"
        "DELETE FROM ai_mail_outbox WHERE key = 'gone';"
        "INSERT INTO ai_mail_outbox (key, kind, reference, recipient, subject, message_id, payload, "
        "state) "
        "VALUES ('new', 'report', 'r', 'a@b.example', 's', 'm4', '', 'sent');"
        "UPDATE ai_api_tokens SET revoked_at = now();"
        "UPDATE ai_subscriptions SET active = false;"
        "DELETE FROM ai_incident_patterns WHERE id IN (2, 3);"
        "UPDATE ai_incident_patterns SET resolution = 'overwritten';"
        "SELECT nextval(pg_get_serial_sequence('ai_incidents', 'id')) FROM generate_series(1, 50)"
    )
    Folder.of(fleet.settings).close()
    shutil.rmtree(Folder.of(fleet.settings).path)
    (folder_of(fleet.settings) / "tills.md").unlink()
    return fleet


class TestRestored:
    def test_a_dry_run_shows_the_differences_and_changes_nothing(self, hurt: Fleet) -> None:
        seen = restoring.preview(hurt.db, hurt.settings, hurt.made.stored)
        found = {one.table: (one.backup, one.now) for one in seen.tables}
        assert found["ai_incident_patterns"] == (4, 2)
        assert found["ai_mail_outbox"] == (3, 3)  # as many, others
        assert "ai_incidents" not in found
        assert "public.sites" not in found
        assert seen.pages == ("tills.md",)
        assert hurt.rows("SELECT count(*) FROM ai_incident_patterns") == [(2,)]

    def test_it_is_as_it_was_and_what_happened_outside_is_not_undone(self, hurt: Fleet) -> None:
        numbers = hurt.rows("SELECT last_value FROM ai_incidents_id_seq")[0][0]
        result = restoring.restore(hurt.db, hurt.settings, hurt.made.stored, NOW + 5 * DAY, actor="Ann")
        assert result.drill is not None
        assert [(one.what, one.passed) for one in result.drill.checks][-1] == ("in force", True)
        assert hurt.rows("SELECT count(*), count(*) FILTER (WHERE resolution = 'overwritten') "
                         "FROM ai_incident_patterns") == [(4, 0)]  # fmt: skip
        assert all(one.fine for one in keeping.check(hurt.db, hurt.settings, NOW, repair=False))
        assert (folder_of(hurt.settings) / "tills.md").is_file()
        # The same questions, the same ids.
        assert hurt.rows("SELECT kind, outcome FROM ai_restore_drills ORDER BY id DESC LIMIT 1") == [
            ("restore", "passed")
        ]
        # Sent stays sent; what nobody knows of is asked about; the token and the subscription stay off.
        assert dict(hurt.rows("SELECT key, state FROM ai_mail_outbox")) == {
            "one": "sent", "two": "queued", "gone": "unknown", "new": "sent",
        }  # fmt: skip
        assert hurt.rows("SELECT count(*) FROM ai_api_tokens WHERE revoked_at IS NULL") == [(0,)]
        assert hurt.rows("SELECT active FROM ai_subscriptions") == [(False,)]
        assert hurt.rows("SELECT last_value FROM ai_incidents_id_seq")[0][0] == numbers
        assert hurt.rows("SELECT actor, action, subject FROM ai_audit_log ORDER BY id DESC LIMIT 1") == [
            ("Ann", "restored", hurt.made.stored.name)
        ]
        assert hurt.rows("SELECT outcome FROM ai_backups ORDER BY started_at DESC LIMIT 1") == [("good",)]
        # The roles have their rights on what is there now.
        with hurt.db.writer() as conn:
            conn.execute("UPDATE ai_subscriptions SET active = active")
        with hurt.db.asker(None) as conn:
            assert conn.execute("SELECT count(*) FROM ai_incident_patterns").fetchone() == (4,)

    def test_undo_goes_back_and_again_forth(self, hurt: Fleet) -> None:
        back = restoring.undo(hurt.db, hurt.settings, NOW + 6 * DAY, actor="Ann")
        assert back.name.startswith("before ")
        assert hurt.rows("SELECT count(*) FROM ai_incident_patterns") == [(2,)]
        assert all(one.fine for one in keeping.check(hurt.db, hurt.settings, NOW, repair=False))
        restoring.undo(hurt.db, hurt.settings, NOW + 7 * DAY, actor="Ann")
        assert hurt.rows("SELECT count(*) FROM ai_incident_patterns") == [(4,)]
        assert all(one.fine for one in keeping.check(hurt.db, hurt.settings, NOW, repair=False))

    def test_killed_between_database_and_folder_the_rest_is_done_by_the_next_run(self, hurt: Fleet) -> None:
        folder = Folder.of(hurt.settings)
        result = restoring.restore(hurt.db, hurt.settings, hurt.made.stored, NOW + 8 * DAY, actor="Ann")
        # What is on the disk when the process dies after the commit.
        aside = folder.path.with_name(f"chroma.before-{result.before}")
        assert aside.is_dir()
        folder.close()
        folder.path.rename(folder.path.with_name(f"chroma.restoring-{result.before}"))
        aside.rename(folder.path)
        restoring.finish(hurt.db, hurt.settings)
        assert aside.is_dir()
        assert not list(folder.path.parent.glob("*.restoring-*"))
        assert all(one.fine for one in keeping.check(hurt.db, hurt.settings, NOW, repair=False))

    def test_what_is_set_aside_is_bounded(self, hurt: Fleet) -> None:
        assert len(restoring.kept(hurt.db)) == restoring.KEPT
        assert len(list(Folder.of(hurt.settings).path.parent.glob("chroma.before-*"))) <= restoring.KEPT

    def test_a_new_server_gets_everything_back(self, hurt: Fleet, postgres: str, tmp_path: Path) -> None:
        settings = settings_of(tmp_path / "new")
        fresh = new_database(postgres, None)
        result = restoring.restore(fresh, settings, hurt.made.stored, NOW + 9 * DAY, actor="Ann")
        assert result.before is None
        with fresh.admin() as conn:
            assert conn.execute("SELECT name FROM public.sites").fetchall() == [("Berlin",)]
            # Nobody knows what became of these since.
            states = conn.execute("SELECT DISTINCT state FROM ai_mail_outbox").fetchall()
        assert states == [("unknown",)]
        assert all(one.fine for one in keeping.check(fresh, settings, NOW, repair=False))
        assert (folder_of(settings) / "tills.md").is_file()


class TestCommands:
    """As somebody at a terminal uses them, on the fleet as it is by now."""

    @pytest.fixture
    def invoke(self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
        monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(fleet.settings.var_dir))
        monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(fleet.settings.var_dir / "homepot-ai.yaml"))
        monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", fleet.db.url)
        monkeypatch.setenv("COLUMNS", "200")

        def run(*words: str) -> Result:
            load_settings.cache_clear()
            return CliRunner().invoke(cli.app, list(words))

        yield run
        load_settings.cache_clear()

    def test_the_backups_are_listed(self, fleet: Fleet, invoke: Callable[..., Result]) -> None:
        for words in (["backup"], ["backup", "list"]):
            shown = invoke(*words)
            assert shown.exit_code == 0
            assert [one.name in shown.output for one in fleet.stored] == [True] * len(fleet.stored)

    def test_a_dry_run_by_name_by_path_and_by_moment(
        self, fleet: Fleet, invoke: Callable[..., Result]
    ) -> None:
        oldest = fleet.stored[-1]
        for words in ([oldest.name], [str(oldest.path)], ["--at", f"{oldest.made_at:%Y-%m-%dT%H:%M}"]):
            shown = invoke("restore", "--dry-run", *words)
            assert shown.exit_code == 0, shown.output
            assert f"Dry run: {oldest.name} differs" in shown.output

    def test_one_thing_at_a_time_and_names_that_are_not_there(self, invoke: Callable[..., Result]) -> None:
        assert isinstance(invoke("restore", "--undo", "--rebuild").exception, BackupError)
        assert isinstance(invoke("restore", "backup-2020", "--dry-run").exception, NotFound)


def test_a_login_that_may_make_no_database_gets_a_server_of_its_own(
    postgres: str, database: Database, tmp_path: Path
) -> None:
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute("CREATE ROLE plain_login LOGIN")
    url = psycopg.conninfo.make_conninfo(database.url, user="plain_login")
    places_made: list[str] = []
    with scratch.database(Database(url), tmp_path) as place, place.admin() as conn:
        places_made += conn.execute("SHOW data_directory").fetchone() or ()
        conn.execute("CREATE SCHEMA tried")
    assert "hp-drill-" in places_made[0]
    assert not Path(places_made[0]).exists()
    assert not (tmp_path / scratch.SERVER).exists()


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(postgres: str) -> Iterator[None]:
    """No scratch database outlives its drill."""
    yield
    with psycopg.connect(postgres) as conn:
        assert conn.execute("SELECT datname FROM pg_database WHERE datname LIKE '%drill%'").fetchall() == []


def test_the_list_works_without_a_database(fleet: Fleet) -> None:
    found = service.listed(Database("host=/nonexistent"), fleet.settings, NOW)
    assert [one.name for one in found.stored] == [one.name for one in fleet.stored]
    assert found.unknown is not None
    assert isinstance(found.stored[0], Stored)
