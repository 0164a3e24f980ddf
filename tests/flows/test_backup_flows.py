"""The flows of backups: a real Prefect server, real models, real Chroma, real PostgreSQL."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.backup import backup_memory, restore_memory
from homepot_ai.answers.caching import Cache
from homepot_ai.answers.prefect_api import PrefectApi
from homepot_ai.answers.status import status
from homepot_ai.backup import places
from homepot_ai.errors import BackupError
from homepot_ai.memory import embedder
from homepot_ai.settings import MemorySettings
from homepot_ai.store.database import Database
from tests.backup_world import remembered
from tests.flows.conftest import Connect, artifact, rows, run

pytestmark = pytest.mark.slow
AT = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def models() -> embedder.Embedder:
    return embedder.load(MemorySettings())


def test_backed_up_listed_looked_at_restored_and_gone_back(
    database: Database, connect: Connect, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    second.mkdir()
    settings = connect(
        database,
        MAIL__PASSWORD="marker-mail-7f3a",
        ALERTS__CHANNELS='{"ops": "json://hooks.example/marker-channel-7f3a"}',
        BACKUP__WHOLE_DATABASE="true",
        BACKUP__SECOND_DIR=str(second),
        BACKUP__SECOND_COMMAND='["cp", "{archive}", "' + str(tmp_path / "by-command.tar.gz") + '"]',
        BACKUP__SECOND_COMMAND_ENV='{"TOKEN": "marker-second-7f3a"}',
    )
    remembered(database, settings)
    assert run(restore_memory).message == "0 backups in backup"
    made = run(backup_memory, at=AT)
    assert made.name == "Completed", made.message
    assert made.message is not None
    assert made.message.startswith("backup-20261121T021500Z, ")
    assert made.message.endswith(": 6 checks passed")
    page = artifact("backup-memory")
    assert page.startswith("**backup-20261121T021500Z: proven and stored**")
    assert "| golden | ● passed | 7 questions, the same ids |" in page
    assert "copied and read back" in page
    one = places.pick(places.stored(places.folder_of(settings)))
    assert (second / one.path.name).read_bytes() == one.path.read_bytes()
    assert (tmp_path / "by-command.tar.gz").read_bytes() == one.path.read_bytes()
    # The blocks are in it, their secrets are not.
    with tarfile.open(one.path) as tar:
        files = {info.name: tar.extractfile(info).read() for info in tar if info.isfile()}  # type: ignore[union-attr]
    assert b"mail-server" in files["blocks.json"]
    assert b"second-place" in files["blocks.json"]
    for data in files.values():
        assert b"marker-" not in data
    assert "marker-" not in page

    with database.admin() as conn:
        conn.execute("DELETE FROM ai_incident_patterns WHERE id > 2")
    assert run(restore_memory).message == "1 backups in backup"
    assert "● passed" in artifact("restore-memory")
    seen = run(restore_memory, action="dry run", at=AT)
    assert seen.message is not None
    assert seen.message.endswith("tables differ from backup-20261121T021500Z")
    assert "| ai_incident_patterns | 4 | 2 | +2 |" in artifact("restore-memory")
    assert rows(database, "SELECT count(*) FROM ai_incident_patterns") == [(2,)]

    done = run(restore_memory, action="restore", backup_name=one.name, by="Ann")
    assert done.message == "backup-20261121T021500Z is in force", done.message
    assert "homepot-ai restore --undo" in artifact("restore-memory")
    assert rows(database, "SELECT count(*) FROM ai_incident_patterns") == [(4,)]
    back = run(restore_memory, action="undo")
    assert back.message is not None
    assert back.message.startswith("gone back to before ")
    assert rows(database, "SELECT count(*) FROM ai_incident_patterns") == [(2,)]

    api = PrefectApi(settings)
    told = status(database, settings, prefect=api, cache=Cache(), now=AT)
    api.close()
    assert told.last_backup is not None
    assert told.last_backup > AT
    assert told.last_restore_drill is not None


def test_a_backup_that_fails_fails_its_run_and_says_why(database: Database, connect: Connect) -> None:
    settings = connect(database, BACKUP__SECOND_DIR="/not/mounted")
    folder = places.folder_of(settings)
    state = run(backup_memory, at=AT)
    assert state.name == "Failed"
    with pytest.raises(BackupError, match=r"is good and lies in .* but the second place has none: .*mounted"):
        state.result()
    # The backup itself is there, and proven.
    assert [one.name for one in places.stored(folder)] == ["backup-20261121T021500Z"]
    assert "docs/runbooks/backup-memory.md" in artifact("backup-memory")
    assert run(restore_memory, action="restore", at=datetime(2026, 1, 1, tzinfo=UTC)).name == "Failed"
    assert rows(database, "SELECT outcome FROM ai_backups") == [("good",)]
