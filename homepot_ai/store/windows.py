"""`ai_windows` and `ai_suppressed`: when nobody wants to be told, and what was not told then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Literal

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/windows.sql")

Scope = Literal["fleet", "site", "device"]
Why = Literal["window", "homepot_schedule", "snooze", "flapping", "storm", "budget"]
Outcome = Literal["told_after", "recovered", "closed_by_hand"]


@dataclass(frozen=True)
class Window:
    """A time in which incidents of a scope are recorded and not told.

    Once: `starts_at` to `ends_at`. Recurring: on `weekdays` (0 = Monday) from `local_start` on the clock
    of `timezone`, for so many minutes of that clock, between two dates where those are given.
    """

    id: int
    scope: Scope
    scope_id: int | None
    name: str
    starts_at: datetime | None
    ends_at: datetime | None
    weekdays: Sequence[int] | None
    local_start: time | None
    minutes: int | None
    timezone: str | None
    valid_from: date | None
    valid_until: date | None
    comment: str | None
    created_by: str
    created_at: datetime
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None


@dataclass(frozen=True)
class Silenced:
    """An incident that was not told, why, and what became of it."""

    id: int
    incident_id: int
    why: Why
    window_id: int | None
    begun_at: datetime
    until: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    title: str
    severity: str


def windows(conn: Connection, at: datetime | None = None, limit: int = 1000) -> list[Window]:
    """Windows, the newest first.

    Args:
        at: only those that can still cover this moment or a later one; None: all that there ever were.
    """
    return [Window(*row) for row in conn.execute(_SQL["windows"], {"at": at, "limit": limit}).fetchall()]


def window(conn: Connection, id: int) -> Window | None:
    """One window by its number."""
    row = conn.execute(_SQL["window"], {"id": id}).fetchone()
    return None if row is None else Window(*row)


def insert(conn: Connection, wanted: Window) -> tuple[int, bool]:
    """Write a window; one that says the same and is in force is left as it is.

    Returns:
        Its number, and whether it is new.
    """
    parameters = asdict(wanted)
    parameters["weekdays"] = None if wanted.weekdays is None else sorted(wanted.weekdays)
    same = conn.execute(_SQL["same_window"], parameters).fetchone()
    if same is not None:
        return int(same[0]), False
    row = conn.execute(_SQL["insert_window"], parameters).fetchone()
    assert row is not None
    return int(row[0]), True


def cancel(conn: Connection, id: int, *, by: str, at: datetime) -> bool:
    """End a window for good; False when it was cancelled already, or never was."""
    return conn.execute(_SQL["cancel_window"], {"id": id, "by": by, "at": at}).rowcount == 1


def silenced(conn: Connection, since: datetime | None = None, limit: int = 50) -> list[Silenced]:
    """What is not told now, and what was not told since then with its outcome."""
    rows = conn.execute(_SQL["silenced"], {"since": since, "limit": limit}).fetchall()
    return [Silenced(*row) for row in rows]
