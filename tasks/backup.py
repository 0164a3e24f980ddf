"""Backups, one call each: make, list, look at, put into force, go back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger

from homepot_ai.backup import places, restoring, service
from homepot_ai.backup.records import Made, Stored
from homepot_ai.memory import keeping
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"backup"}
# What is told while a backup is made or restored: so many lines in all.
STEPS = 9


@stage("read-blocks", timeout_seconds=60, tags=TAGS)
def block_documents() -> Sequence[Mapping[str, Any]]:
    """The documents of Prefect's blocks; their secrets stay in the server."""
    with get_client(sync_client=True) as client:
        body = {"include_secrets": False, "limit": 200}
        answer = client.request("POST", "/block_documents/filter", json=body)
        return list(answer.raise_for_status().json())


@stage("make-backup", timeout_seconds=7000, tags=TAGS)
def make_backup(
    database: Database, settings: Settings, *, blocks: Sequence[Mapping[str, Any]],
    command: places.Command | None, now: datetime,
) -> Made:  # fmt: skip
    """Make a backup, restore it into a scratch place, question it, store it."""
    result = service.make(
        database, settings, now, blocks=blocks, command=command, actor="backup-memory",
        told=_told("backup-memory"),
    )  # fmt: skip
    get_run_logger().info(
        "backup name=%s bytes=%d rows=%d drill=%s removed=%d",
        result.stored.name, result.stored.bytes, result.manifest.rows, result.drill.detail,
        len(result.removed),
    )  # fmt: skip
    return result


@stage("list-backups", timeout_seconds=60, tags=TAGS)
def list_backups(database: Database, settings: Settings, *, now: datetime) -> service.Listed:
    """The backups that are there, and how the last drill of each went."""
    return service.listed(database, settings, now)


@stage("preview-restore", timeout_seconds=3600, tags=TAGS)
def preview_restore(database: Database, settings: Settings, stored: Stored) -> restoring.Preview:
    """What a restore would change, table by table."""
    return restoring.preview(database, settings, stored)


# Not tried again by itself: who restores wants to know why it did not go.
@stage("restore-backup", timeout_seconds=7000, tags=TAGS, retries=0)
def restore_backup(
    database: Database, settings: Settings, stored: Stored, *, whole: bool, by: str, now: datetime
) -> restoring.Restored:
    """Question a backup in a scratch place, then put it into force in one step."""
    result = restoring.restore(
        database, settings, stored, now, whole=whole, actor=by, told=_told("restore-memory")
    )
    get_run_logger().info("restored name=%s before=%s", result.name, result.before)
    return result


@stage("undo-restore", timeout_seconds=3600, tags=TAGS, retries=0)
def undo_restore(database: Database, settings: Settings, *, by: str, now: datetime) -> restoring.Restored:
    """Go back to what was in use before the last restore."""
    return restoring.undo(database, settings, now, actor=by)


@stage("rebuild-from-record", timeout_seconds=7000, tags=TAGS)
def rebuild_from_record(
    database: Database, settings: Settings, *, now: datetime
) -> Sequence[keeping.Checked]:
    """Build the index anew out of PostgreSQL alone."""
    return keeping.rebuild(database, settings, now, afresh=True)


def _told(flow: str) -> Callable[[str], None]:
    bar = create_progress_artifact(progress=0.0, key=f"{flow}-progress", description="Steps of this run")
    logger, done = get_run_logger(), [0]

    def told(said: str) -> None:
        done[0] += 1
        logger.info("%s", said)
        update_progress_artifact(artifact_id=bar, progress=min(99.0, 100.0 * done[0] / STEPS))

    return told
