"""Every night a backup that is proven; on demand the way back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import State
from prefect.utilities.annotations import quote
from pydantic import Field

from blocks import SecondPlace
from flows.common import (
    FAILURE_HOOKS,
    as_utc,
    done,
    open_fleet,
    person,
    publish,
    skipped,
    too_late,
    utc_now,
)
from homepot_ai.backup import page, places
from homepot_ai.settings import load_settings
from tasks import backup

Wish = Literal["list", "dry run", "restore", "undo", "rebuild index"]


@flow(name="backup-memory", timeout_seconds=7200, **FAILURE_HOOKS)
def backup_memory(at: datetime | None = None) -> State[Any]:
    """Back up tables, index, operators' pages and settings; prove it; let go of backups that are too many.

    A backup that does not pass its restore drill fails the run, and the last good one is kept.

    Args:
        at: the moment that the backup is named after; what is in it is always of now. Default now.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(days=1)):
        return skipped(reason)
    try:
        blocks = backup.block_documents()
    except Exception as error:
        get_run_logger().warning(
            "Prefect's blocks could not be read, the backup goes without them: %s", error
        )
        blocks = []
    result = backup.make_backup(
        open_fleet(), load_settings(), blocks=quote(blocks), command=quote(SecondPlace.load_if_there()),
        now=now if at is None else as_utc(at),
    )  # fmt: skip
    publish("backup-memory", page.made(result))
    return done(f"{result.stored.name}, {page.size(result.stored.bytes)}: {result.drill.detail}")


@flow(name="restore-memory", timeout_seconds=7200, **FAILURE_HOOKS)
def restore_memory(
    action: Wish = "list",
    backup_name: Annotated[str, Field(max_length=100)] = "",
    whole: bool = False,
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """List backups, show what one would change, put it into force, or go back. With nothing filled in it
    lists.

    Args:
        action: "dry run" shows the differences per table; "restore" puts a backup into force, "undo" goes
            back to what was in use before; "rebuild index" makes the index out of PostgreSQL alone.
        backup_name: as listed; empty: the newest, or the newest until `at`.
        whole: HOMEPOT's own tables as well; only of the embedded database.
        by: who does it; goes into the audit log.
        at: the point to go back to: the newest backup that was made until then (UTC where no zone is given).
    """
    now, settings, database = utc_now(), load_settings(), open_fleet()
    until = None if at is None else as_utc(at)
    if action == "undo":
        back = backup.undo_restore(database, settings, by=person(by), now=now)
        publish("restore-memory", page.restored(back))
        return done(f"gone back to {back.name}")
    if action == "rebuild index":
        built = backup.rebuild_from_record(database, settings, now=now)
        lines = [f"- {one.collection}: {one}" for one in built]
        publish("restore-memory", "\n".join(["**The index was built anew from the record**", "", *lines, ""]))
        return done(f"{sum(one.indexed for one in built)} patterns indexed")
    found = backup.list_backups(database, settings, now=now)
    if action == "list":
        publish("restore-memory", page.listing(found))
        return done(f"{len(found.stored)} backups in {found.folder.name}")
    chosen = places.pick(found.stored, name=backup_name.strip() or None, at=until)
    if action == "dry run":
        seen = backup.preview_restore(database, settings, chosen)
        publish("restore-memory", page.preview(seen))
        return done(f"dry run: {len(seen.tables)} tables differ from {chosen.name}")
    result = backup.restore_backup(database, settings, chosen, whole=whole, by=person(by), now=now)
    publish("restore-memory", page.restored(result))
    return done(f"{result.name} is in force")
