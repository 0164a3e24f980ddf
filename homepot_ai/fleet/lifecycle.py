"""What HOMEPOT's state history says of a device's life: maintenance, replacement, retirement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("fleet/sql/lifecycle.sql")


@dataclass(frozen=True)
class Change:
    """A change of state that is more than coming and going.

    Attributes:
        previous, new: in lower case; reason: written by others.
        next_at: of the device's next such change.
    """

    id: int
    device_id: int
    at: datetime
    previous: str | None
    new: str
    reason: str | None
    next_at: datetime | None


def changes(conn: Connection, after: datetime, until: datetime) -> list[Change]:
    """Changes in `after < at <= until`, oldest first; none where HOMEPOT keeps no state history."""
    if conn.execute(_SQL["there"]).fetchone() != (True,):
        return []
    return [Change(*row) for row in conn.execute(_SQL["changes"], {"after": after, "until": until})]
