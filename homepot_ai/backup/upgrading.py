"""Migrate with a way back: what is there is dumped before the first migration touches it.

Not a backup as `backup-memory` makes it: that one writes into tables which an older version need not have.
This is pg_dump's own format, of our schema alone, in `before-upgrade` of the state folder; `docs/deploy.md`
(Downgrade) says how it is put back.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai.errors import BackupError
from homepot_ai.store import migrate
from homepot_ai.store.database import Database, require_not_newer

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

#: So many dumps are kept: an upgrade that went wrong may be tried again.
KEPT = 3


def upgrade(
    db: Database, settings: Settings, now: datetime, *, may_add_indexes: bool | None = None
) -> list[str]:
    """Bring our tables to this program's version; tables of an older one are dumped first.

    Args:
        may_add_indexes: on HOMEPOT's own tables; None: as the settings say.

    Returns:
        What was done, one sentence each.

    Raises:
        DatabaseNewer: a newer program has migrated them; nothing was changed.
        BackupError: they could not be dumped, for example without room; nothing was changed.
    """
    found = migrate.current(db)
    require_not_newer(found)
    done = []
    if found is not None and found != migrate.head():
        dumped = dump(db, folder(settings), found, now)
        done.append(
            f"our tables at version {found} were dumped to {dumped} ({dumped.stat().st_size:,} bytes)"
        )
    allowed = settings.database.may_add_indexes if may_add_indexes is None else may_add_indexes
    return [*done, *migrate.upgrade(db, may_add_indexes=allowed)]


def folder(settings: Settings) -> Path:
    """Where the dumps lie."""
    return settings.var_dir / "before-upgrade"


def dump(db: Database, into: Path, version: str, now: datetime) -> Path:
    """Dump our schema as it is at this moment; older dumps beyond the third go.

    Raises:
        BackupError: pg_dump failed, or there is no room; nothing half is left.
    """
    from homepot_ai.backup import tools

    target = into / f"{db.schema}-{version}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.dump"
    half = target.with_name(f"{target.name}.part")
    made = False
    try:
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        half.unlink(missing_ok=True)
        made = True
        # It holds people's addresses: nobody else reads it, from its first byte on.
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with db.snapshot() as conn:
            snapshot = str(conn.execute("SELECT pg_export_snapshot()").fetchone()[0])  # type: ignore[index]
            program = tools.find(conn.info.server_version // 10000)
            tools.dump(program, db.url, [db.schema], half, snapshot=snapshot)
        with half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(target)
    except (OSError, BackupError) as error:
        if made:
            half.unlink(missing_ok=True)
        raise BackupError(
            f"nothing was migrated, because our tables could not be dumped to {into} first: {error}. Make "
            "room there and start again"
        ) from error
    for old in sorted(into.glob(f"{db.schema}-*.dump"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink()
    return target
