"""From an older version to this one, and back from the dump that was made before."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command

from homepot_ai.backup import tools, upgrading
from homepot_ai.errors import BackupError, DatabaseNewer
from homepot_ai.settings import Settings
from homepot_ai.store import migrate
from homepot_ai.store.database import NEWEST_VERSION, Database
from tests.support import table_checksums

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
OLDER = "0008"


@pytest.fixture
def older(raw_homepot_dump: Database) -> Database:
    """Our tables as the version before this one made them, with something in them."""
    command.upgrade(migrate._alembic(raw_homepot_dump), OLDER)
    with raw_homepot_dump.admin() as conn:
        conn.execute(
            "INSERT INTO ai_audit_log (actor, action, subject) VALUES ('ops', 'closed', 'incident 7')"
        )
    return raw_homepot_dump


def test_what_is_there_is_dumped_and_can_be_put_back(older: Database, settings: Settings) -> None:
    before = table_checksums(older, "homepot_ai")
    done = upgrading.upgrade(older, settings, NOW)
    assert migrate.current(older) == NEWEST_VERSION
    [dump] = upgrading.folder(settings).iterdir()
    assert dump.name == "homepot_ai-0008-20261122T030000Z.dump"
    assert dump.stat().st_mode & 0o077 == 0
    assert str(dump) in done[0]
    # The way back, as docs/deploy.md has it.
    with older.admin() as conn:
        server = conn.info.server_version // 10000
        conn.execute("DROP SCHEMA homepot_ai CASCADE")
        conn.execute("DROP SCHEMA IF EXISTS homepot_ai_ask CASCADE")
    restore = tools.find(server).program("pg_restore")
    subprocess.run([restore, "--no-owner", "--dbname", older.url, str(dump)], check=True, capture_output=True)
    assert migrate.current(older) == OLDER
    assert table_checksums(older, "homepot_ai") == before
    # And forward again, with everything in it.
    upgrading.upgrade(older, settings, NOW + timedelta(minutes=1))
    with older.reader() as conn:
        assert conn.execute("SELECT subject FROM ai_audit_log").fetchall() == [("incident 7",)]
    assert len(list(upgrading.folder(settings).iterdir())) == 2


def test_nothing_to_migrate_dumps_nothing(database: Database, settings: Settings) -> None:
    upgrading.upgrade(database, settings, NOW)
    assert not upgrading.folder(settings).exists()


def test_a_first_installation_dumps_nothing(raw_homepot_dump: Database, settings: Settings) -> None:
    upgrading.upgrade(raw_homepot_dump, settings, NOW)
    assert migrate.current(raw_homepot_dump) == NEWEST_VERSION
    assert not upgrading.folder(settings).exists()


def test_without_a_dump_nothing_is_migrated(older: Database, settings: Settings) -> None:
    """The place cannot be written: a file lies where the folder is to be."""
    settings.var_dir.mkdir(parents=True)
    upgrading.folder(settings).write_text("in the way")
    with pytest.raises(BackupError, match="nothing was migrated, because our tables could not be dumped"):
        upgrading.upgrade(older, settings, NOW)
    assert migrate.current(older) == OLDER


def test_a_dump_that_breaks_off_leaves_nothing_half(
    older: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, as pg_dump meets it: /dev/full stands in for the rest of the disk."""
    real = tools.find

    def find(server: int) -> tools.Tools:
        program = tmp_path / "bin" / "pg_dump"
        program.parent.mkdir(exist_ok=True)
        found = real(server)
        program.write_text(
            f'#!/bin/sh\n{found.program("pg_dump")} --file=/dev/full "$@" 2>&1 >/dev/null | cat >&2; exit 1\n'
        )
        program.chmod(0o755)
        return tools.Tools(program.parent, found.major)

    monkeypatch.setattr(tools, "find", find)
    with pytest.raises(BackupError, match="nothing was migrated"):
        upgrading.upgrade(older, settings, NOW)
    assert list(upgrading.folder(settings).iterdir()) == []
    assert migrate.current(older) == OLDER


def test_only_the_last_dumps_are_kept(older: Database, settings: Settings) -> None:
    into = upgrading.folder(settings)
    made = [upgrading.dump(older, into, OLDER, NOW + timedelta(minutes=n)) for n in range(upgrading.KEPT + 2)]
    assert sorted(into.iterdir()) == made[-upgrading.KEPT :]
    assert shutil.disk_usage(into).free


def test_a_newer_database_is_left_alone(
    clone: Callable[[str], Database], empty_template: str, settings: Settings
) -> None:
    db = clone(empty_template)
    with db.admin() as conn:
        conn.execute("UPDATE homepot_ai.alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer):
        upgrading.upgrade(db, settings, NOW)
    assert not upgrading.folder(settings).exists()
