"""Figures about alerting over a time: pages, what makes the noise, what was silenced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import args_row

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/alert_review.sql")
SHOWN = 10


@dataclass(frozen=True)
class SiteBudget:
    """A site with its zone and its pages per day, None where it has none of its own."""

    id: int
    name: str
    timezone: str | None
    budget: float | None


@dataclass(frozen=True)
class DayPages:
    """Pages of a site (0: of no site) on one of its local days; each counts once, whoever was told."""

    site_id: int
    day: date
    pages: int
    critical: int
    incidents: int


@dataclass(frozen=True)
class Noise:
    """A rule, as device type and cause, and what it brought.

    Attributes:
        marked_true, marked_false: incidents that people judged.
        passed: closed without that anybody acknowledged them.
    """

    device_type: str
    cause: str
    pages: int
    incidents: int
    marked_true: int
    marked_false: int
    passed: int


@dataclass(frozen=True)
class Silence:
    """What was silenced for one reason, and what became of it."""

    why: str
    count: int
    live: int
    told_after: int
    recovered: int
    closed_by_hand: int


@dataclass(frozen=True)
class SilencedNow:
    """An incident that is silenced at this moment."""

    incident_id: int
    title: str
    why: str
    begun_at: datetime
    until: datetime | None


@dataclass(frozen=True)
class Untold:
    """An incident that nobody was told of: no route or subscription covers it."""

    id: int
    title: str
    severity: str
    opened_at: datetime


def sites(conn: Connection) -> list[SiteBudget]:
    """Every site."""
    rows = conn.execute(_SQL["sites"]).fetchall()
    return [SiteBudget(i, n, z, None if b is None else float(b)) for i, n, z, b in rows]


def pages(conn: Connection, zones: Mapping[int, str], since: datetime, now: datetime) -> list[DayPages]:
    """Pages by site and local day."""
    cursor = conn.cursor(row_factory=args_row(DayPages))
    parameters = {"sites": list(zones), "zones": list(zones.values()), "since": since, "now": now}
    return cursor.execute(_SQL["pages"], parameters).fetchall()


def held_back(
    conn: Connection, zones: Mapping[int, str], since: datetime, now: datetime
) -> dict[tuple[int, date], int]:
    """Incidents that the budget held back, by site and local day."""
    parameters = {"sites": list(zones), "zones": list(zones.values()), "since": since, "now": now}
    return {(s, d): int(n) for s, d, n in conn.execute(_SQL["held_back"], parameters).fetchall()}


def noisiest(conn: Connection, since: datetime, now: datetime) -> list[Noise]:
    """The rules that brought most pages."""
    cursor = conn.cursor(row_factory=args_row(Noise))
    return cursor.execute(_SQL["noisiest"], {"since": since, "now": now, "limit": SHOWN}).fetchall()


def suppressed(conn: Connection, since: datetime, now: datetime) -> list[Silence]:
    """What was silenced, by reason."""
    cursor = conn.cursor(row_factory=args_row(Silence))
    return cursor.execute(_SQL["suppressed"], {"since": since, "now": now}).fetchall()


def suppressed_now(conn: Connection, now: datetime) -> list[SilencedNow]:
    """What is silenced at this moment, the oldest first."""
    cursor = conn.cursor(row_factory=args_row(SilencedNow))
    return cursor.execute(_SQL["suppressed_now"], {"now": now, "limit": SHOWN}).fetchall()


def nobody(conn: Connection, since: datetime, now: datetime) -> list[Untold]:
    """Incidents that opened without that anybody was told, the newest first."""
    cursor = conn.cursor(row_factory=args_row(Untold))
    return cursor.execute(_SQL["nobody"], {"since": since, "now": now, "limit": SHOWN}).fetchall()
