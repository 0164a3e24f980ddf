"""HOMEPOT's `configuration_history`: which settings of which devices were changed, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("fleet/sql/configuration.sql")


@dataclass(frozen=True)
class Change:
    """A changed setting of one device, by its public id. Texts are written by others: clean them."""

    public_id: str
    at: datetime
    parameter: str
    by: str
    rolled_back: bool


def changes(conn: Connection, after: datetime, until: datetime) -> Sequence[Change] | None:
    """Changes with `after < at <= until`, in order of time; None: this HOMEPOT keeps no such record.

    The values are not read: a setting may be a password.
    """
    if conn.execute(_SQL["there"]).fetchone() != (True,):
        return None
    rows = conn.execute(_SQL["changes"], {"after": after, "until": until}).fetchall()
    return [Change(*row) for row in rows]
