"""How somebody reads: mode and language, by user. A subscription keeps its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/preferences.sql")


@dataclass(frozen=True)
class Preference:
    """What somebody prefers."""

    mode: Literal["maintenance", "predictive", "executive"]
    language: Literal["en", "de"]


def get(conn: Connection, user: str) -> Preference | None:
    """What a user prefers; None: nobody said."""
    row = conn.execute(_SQL["get"], {"user": user.strip().casefold()}).fetchone()
    return None if row is None else Preference(*row)


def put(conn: Connection, user: str, wanted: Preference, now: datetime) -> None:
    """Keep what a user prefers."""
    conn.execute(
        _SQL["put"],
        {"user": user.strip().casefold(), "mode": wanted.mode, "language": wanted.language, "now": now},
    )
