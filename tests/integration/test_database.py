"""Roles, migrations, schemas: who may do what, and that HOMEPOT's tables stay as they were."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from alembic import command

from homepot_ai.errors import DatabaseNewer, DatabaseUnreachable, HomepotSchemaMissing, NotMigrated
from homepot_ai.fleet import schema
from homepot_ai.store import checks, embedded, migrate
from homepot_ai.store.database import NEWEST_TABLE, NEWEST_VERSION, Database
from tests.support import table_checksums


def test_reader_reads_both_and_writes_nothing(database: Database) -> None:
    with database.reader() as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("homepot_ai_reader",)
        conn.execute("SELECT count(*) FROM devices")
        conn.execute("SELECT count(*) FROM ai_health_scores")
    for statement in (
        "INSERT INTO ai_audit_log (actor, action, subject) VALUES ('a', 'b', 'c')",
        "UPDATE devices SET name = 'x'",
        "SET TRANSACTION READ WRITE; DELETE FROM ai_audit_log",
    ):
        with pytest.raises(psycopg.Error), database.reader() as conn:
            conn.execute(statement)


def test_writer_writes_ours_and_only_alerts_of_homepot(database: Database) -> None:
    with database.writer() as conn:
        conn.execute("INSERT INTO ai_audit_log (actor, action, subject) VALUES ('a', 'b', 'c')")
        conn.execute(
            "INSERT INTO alerts (timestamp, title, severity, category) VALUES (now(), 't', 'low', 'system')"
        )
    for statement in (
        "DELETE FROM alerts",
        "UPDATE devices SET name = 'x'",
        "INSERT INTO device_metrics (timestamp, device_id) VALUES (now(), 1)",
        "SELECT * FROM users",
        "DROP TABLE ai_audit_log",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.writer() as conn:
            conn.execute(statement)


def test_the_session_zone_is_utc_whatever_the_server_says(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        name = conn.info.dbname
        conn.execute(f"ALTER DATABASE {name} SET TimeZone = 'America/New_York'")
    with database.reader() as conn:
        assert conn.execute("SHOW TimeZone").fetchone() == ("UTC",)


def test_writer_rolls_back_on_an_error(database: Database) -> None:
    with pytest.raises(RuntimeError), database.writer() as conn:
        conn.execute("INSERT INTO ai_audit_log (actor, action, subject) VALUES ('a', 'b', 'c')")
        raise RuntimeError
    with database.reader() as conn:
        assert conn.execute("SELECT count(*) FROM ai_audit_log").fetchone() == (0,)


def test_a_homepot_that_was_never_prepared_says_what_to_do(raw_homepot_dump: Database) -> None:
    with pytest.raises(NotMigrated, match="homepot-ai db upgrade"), raw_homepot_dump.reader():
        pass
    assert migrate.current(raw_homepot_dump) is None
    with pytest.raises(NotMigrated, match="has no tables of ours"):
        migrate.require_current(raw_homepot_dump)


def test_a_database_of_an_older_version_says_what_to_do(raw_homepot_dump: Database) -> None:
    command.upgrade(migrate._alembic(raw_homepot_dump), "0001")
    with raw_homepot_dump.admin() as conn:
        migrate._roles(raw_homepot_dump, conn)
    for door in (raw_homepot_dump.reader, raw_homepot_dump.writer, raw_homepot_dump.session):
        with (
            pytest.raises(NotMigrated, match="older version than this program: run `homepot-ai db up"),
            door(),
        ):
            pass
    migrate.upgrade(raw_homepot_dump)
    with raw_homepot_dump.writer() as conn:
        conn.execute("DELETE FROM ai_baseline_pages")


def test_the_newest_migration_makes_the_table_that_is_looked_for() -> None:
    newest = Path(migrate.__file__).parent / "migrations" / "versions"
    (found,) = newest.glob(f"{migrate.head()}_*.py")
    assert f"CREATE TABLE {NEWEST_TABLE} " in found.read_text()


def test_the_newest_version_is_the_one_that_is_known() -> None:
    assert migrate.head() == NEWEST_VERSION


def test_an_older_program_does_nothing_with_a_newer_database(database: Database) -> None:
    with database.admin() as conn:
        conn.execute("UPDATE homepot_ai.alembic_version SET version_num = '9999'")
    before = table_checksums(database, "homepot_ai")
    for door in (database.reader, database.writer, database.session):
        with pytest.raises(DatabaseNewer, match="version 9999 by a newer homepot-ai; this one knows"), door():
            pass
    for attempt in (migrate.upgrade, migrate.require_current):
        with pytest.raises(DatabaseNewer, match="restore the backup from before the upgrade"):
            attempt(database)
    assert "made by a newer program" in checks.migrated(database).detail
    assert table_checksums(database, "homepot_ai") == before


def test_upgrade_is_repeatable_and_leaves_homepot_as_it_was(raw_homepot_dump: Database) -> None:
    before = table_checksums(raw_homepot_dump, "public")
    assert len(before) > 20
    migrate.upgrade(raw_homepot_dump)
    migrate.upgrade(raw_homepot_dump)
    assert migrate.current(raw_homepot_dump) == migrate.head()
    assert table_checksums(raw_homepot_dump, "public") == before
    with raw_homepot_dump.admin() as conn:
        # HOMEPOT keeps a version table of its own under the same name.
        theirs = conn.execute("SELECT version_num FROM public.alembic_version").fetchone()
        ours = conn.execute("SELECT version_num FROM homepot_ai.alembic_version").fetchone()
    assert theirs != ours


def test_indexes_are_built_only_when_allowed(raw_homepot_dump: Database) -> None:
    def indexes() -> set[str]:
        with raw_homepot_dump.admin() as conn:
            rows = conn.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'").fetchall()
        return {row[0] for row in rows if row[0].startswith("ai_")}

    migrate.upgrade(raw_homepot_dump)
    assert indexes() == set()
    notes = migrate.upgrade(raw_homepot_dump, may_add_indexes=True)
    assert indexes() == {"ai_health_checks_device_time"}
    assert sum("built" in note for note in notes) == 1


def test_two_pods_live_side_by_side(clone: Callable[[str], Database], dump_template: str) -> None:
    first = clone(dump_template)
    second = Database(first.url, schema="other_pod")
    migrate.upgrade(first)
    migrate.upgrade(second)
    with second.writer() as conn:
        conn.execute("INSERT INTO ai_audit_log (actor, action, subject) VALUES ('a', 'b', 'c')")
    with first.reader() as conn:
        assert conn.execute("SELECT count(*) FROM ai_audit_log").fetchone() == (0,)


def test_an_older_homepot_is_told_what_suffers(homepot_dump: Database) -> None:
    with homepot_dump.admin() as conn:
        conn.execute("ALTER TABLE public.health_checks RENAME TO gone")
        conn.execute("ALTER TABLE public.job_outcomes RENAME COLUMN error_message TO message")
    with homepot_dump.reader() as conn:
        found = [str(item) for item in schema.require_vital(conn, "public")]
    assert found == [
        "table health_checks (suffers: failed checks as evidence)",
        "column(s) error_message of job_outcomes (suffers: failed jobs)",
    ]
    with homepot_dump.admin() as conn:
        conn.execute("ALTER TABLE public.device_metrics RENAME TO other")
    with homepot_dump.reader() as conn, pytest.raises(HomepotSchemaMissing, match="device_metrics"):
        schema.require_vital(conn, "public")


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    db = Database("postgresql://me:topsecret@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnreachable) as caught, db.reader():
        pass
    assert "topsecret" not in str(caught.value)
    assert "topsecret" not in repr(db)


def test_an_embedded_server_that_was_killed_starts_again_in_the_same_process() -> None:
    var_dir = Path(tempfile.mkdtemp(prefix="hp-test-"))
    server = embedded.start(var_dir)
    try:
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        postmaster = int((embedded.data_dir(var_dir) / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(postmaster)] if psutil.pid_exists(postmaster) else [], timeout=10)
        assert embedded.running_url(var_dir) is None
        server = embedded.start(var_dir)
        with psycopg.connect(server.url) as conn:
            assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)
    finally:
        server.stop()
        shutil.rmtree(var_dir, ignore_errors=True)
