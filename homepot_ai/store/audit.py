"""Who or what changed which data for which purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/audit.sql")


def record(
    conn: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    purpose: str,
    details: Mapping[str, Any],
) -> None:
    """Add a row to the audit log, in the transaction of what it tells of."""
    conn.execute(
        _SQL["audit"],
        {
            "at": at,
            "actor": actor,
            "action": action,
            "subject": subject,
            "purpose": purpose,
            "details": orjson.dumps(dict(details)).decode(),
        },
    )


@dataclass(frozen=True)
class Entry:
    """A row of the audit log; `details` as they were recorded."""

    at: datetime
    actor: str
    action: str
    subject: str
    purpose: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Search:
    """What is looked for; texts are parts of what stands there, in any case. None: anything."""

    since: datetime
    until: datetime
    actor: str | None = None
    action: str | None = None
    subject: str | None = None


def listed(conn: Connection, search: Search, *, limit: int = 100) -> list[Entry]:
    """The newest rows that fit, the newest first."""
    rows = conn.execute(_SQL["listed"], {**asdict(search), "limit": limit}).fetchall()
    return [
        Entry(at, actor, action, subject, why, more or {}) for at, actor, action, subject, why, more in rows
    ]


def count(conn: Connection, search: Search) -> int:
    """How many rows fit."""
    (found,) = conn.execute(_SQL["count"], asdict(search)).fetchone() or (0,)
    return int(found)
