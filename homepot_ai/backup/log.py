"""`ai_backups` and `ai_restore_drills`: every backup that was tried and every time one was questioned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from homepot_ai.backup.records import Drill, DrillKind, Manifest, Place, Stored
from homepot_ai.store import named_sql
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("backup/sql/backup.sql")
DETAIL = 2000


@dataclass(frozen=True)
class LastDrill:
    """The last time that a backup was questioned."""

    backup: str
    at: datetime
    kind: str
    passed: bool
    detail: str


def begin(conn: Connection, name: str, now: datetime) -> None:
    """Note that a backup is being made; one that was begun and never ended failed."""
    conn.execute(_SQL["interrupted"], {"now": now})
    conn.execute(_SQL["begin"], {"name": name, "now": now})


def end(
    conn: Connection, name: str, now: datetime, *, good: bool, detail: str = "", bytes_: int | None = None,
    sha256: str | None = None, manifest: Manifest | None = None, places: Sequence[Place] = (),
) -> None:  # fmt: skip
    """Note what came of it."""
    contents: dict[str, Any] = {}
    if manifest is not None:
        contents = {
            "tables": {key: table.rows for key, table in manifest.tables.items()},
            "homepot_tables": {key: table.rows for key, table in manifest.homepot_tables.items()},
            "migration": manifest.migration, "versions": manifest.versions, "no_index": manifest.no_index,
            "golden": len(manifest.golden),
        }  # fmt: skip
    conn.execute(
        _SQL["end"],
        {
            "name": name,
            "now": now,
            "outcome": "good" if good else "failed",
            "bytes": bytes_,
            "sha256": sha256,
            "contents": orjson.dumps(contents).decode(),
            "places": orjson.dumps([asdict(place) for place in places]).decode(),
            "detail": clean(detail, DETAIL) if detail else "",
        },
    )


def found(conn: Connection, stored: Stored, sha256: str | None) -> None:
    """Note a backup that the database does not know, since it was itself restored from it."""
    conn.execute(_SQL["found"], {**_row(stored), "sha256": sha256})


def drilled(conn: Connection, drill: Drill, kind: DrillKind, now: datetime) -> None:
    """Note that a backup was questioned."""
    conn.execute(
        _SQL["drill"],
        {
            "now": now,
            "backup": drill.backup,
            "kind": kind,
            "outcome": "passed" if drill.passed else "failed",
            "seconds": drill.seconds,
            "checks": orjson.dumps([asdict(check) for check in drill.checks]).decode(),
            "detail": clean(drill.detail, DETAIL),
        },
    )


def last_drills(conn: Connection) -> Mapping[str, LastDrill]:
    """Of each backup the last time that it was questioned."""
    return {
        name: LastDrill(name, at, kind, outcome == "passed", detail)
        for name, at, kind, outcome, detail in conn.execute(_SQL["last_drills"])
    }


def failures(conn: Connection, since: datetime) -> list[tuple[str, datetime, str]]:
    """Backups that failed: (name, begun, why), the newest first."""
    return conn.execute(_SQL["failures"], {"since": since}).fetchall()


def last_bytes(conn: Connection) -> int | None:
    """The size of the last good archive."""
    row = conn.execute(_SQL["last_bytes"]).fetchone()
    return None if row is None else int(row[0])


def table_bytes(conn: Connection, schemas: Sequence[str]) -> int:
    """What the tables of some schemas take."""
    row = conn.execute(_SQL["sizes"], {"names": list(schemas)}).fetchone()
    return int(row[0]) if row else 0


def _row(stored: Stored) -> dict[str, Any]:
    return {"name": stored.name, "made_at": stored.made_at, "bytes": stored.bytes}
