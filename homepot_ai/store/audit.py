"""Who or what changed which data for which purpose."""

from __future__ import annotations

from collections.abc import Mapping
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
