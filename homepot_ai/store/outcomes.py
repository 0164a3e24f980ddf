"""`ai_device_outcomes`: what devices went through, out of incidents, state history, visits and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/outcomes.sql")

Kind = Literal["failure", "replaced", "maintained", "retired"]
Source = Literal["incident", "state_history", "visit", "person"]
KINDS: tuple[Kind, ...] = ("failure", "replaced", "maintained", "retired")


@dataclass(frozen=True)
class Outcome:
    """Something that a device went through. Comments and names are written by others.

    Attributes:
        ended_at: None while it lasts, or where nobody knows.
        reference: what makes it the same one when it is seen again, within its source.
    """

    id: int
    device_id: int
    at: datetime
    ended_at: datetime | None
    kind: Kind
    cause: str | None
    source: Source
    reference: str
    comment: str | None
    recorded_by: str
    withdrawn_at: datetime | None = None


@dataclass(frozen=True)
class NewOutcome:
    """An outcome to be recorded; fields as in `Outcome`."""

    device_id: int
    at: datetime
    kind: Kind
    source: Source
    reference: str
    recorded_by: str
    ended_at: datetime | None = None
    cause: str | None = None
    comment: str | None = None


def gather_failures(conn: Connection, since: datetime, now: datetime) -> tuple[int, int]:
    """Take failures out of the incidents opened since then, and withdraw what was refuted.

    Returns:
        How many were written or got their end; how many were withdrawn or restored.
    """
    parameters = {"since": since, "now": now}
    moved = conn.execute(_SQL["withdraw_refuted"], parameters).rowcount
    moved += conn.execute(_SQL["restore_confirmed"], parameters).rowcount
    return conn.execute(_SQL["gather_failures"], parameters).rowcount, moved


def put(conn: Connection, outcome: NewOutcome, now: datetime) -> int | None:
    """Record an outcome; None when it is there already, just so."""
    row = conn.execute(_SQL["put"], {**vars(outcome), "now": now}).fetchone()
    return None if row is None else int(row[0])


def withdraw(conn: Connection, number: int, *, by: str, now: datetime) -> bool:
    """Take an outcome back; False when it was already."""
    return conn.execute(_SQL["withdraw"], {"id": number, "by": by, "now": now}).rowcount == 1


def one(conn: Connection, number: int) -> Outcome | None:
    """An outcome by its number."""
    row = conn.execute(_SQL["one"], {"id": number}).fetchone()
    return None if row is None else Outcome(*row)


def between(
    conn: Connection, since: datetime, until: datetime, devices: Sequence[int] | None = None
) -> list[Outcome]:
    """What happened in `since < at <= until` or lasted into it, by device and time; without what was
    withdrawn."""
    parameters = {"since": since, "until": until, "ids": None if devices is None else list(devices)}
    return [Outcome(*row) for row in conn.execute(_SQL["between"], parameters)]


def newest(conn: Connection, device_id: int | None = None, limit: int = 50) -> list[Outcome]:
    """The newest ones, also withdrawn ones."""
    return [Outcome(*row) for row in conn.execute(_SQL["newest"], {"device_id": device_id, "limit": limit})]


def state_history_read_to(conn: Connection) -> datetime | None:
    """The newest outcome that came out of HOMEPOT's state history."""
    row = conn.execute(_SQL["gathered_to"]).fetchone()
    return None if row is None else row[0]
