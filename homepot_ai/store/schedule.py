"""`ai_maintenance_schedule`: visits, and the rates that their costs are estimated from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import orjson

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/schedule.sql")

State = Literal["proposed", "accepted", "declined", "done", "lapsed"]


@dataclass(frozen=True)
class Visit:
    """What is to be done at one device; those of a site at the same time are one visit to the site.

    Attributes:
        needed_by: before when it would do; None: nobody knows.
        timezone: of the site, for people; visit_at and visit_until are UTC.
        sequence: raised whenever the appointment changes, as calendars ask.
    """

    id: int
    device_id: int
    site_id: int | None
    cause: str
    episode_id: int | None
    prediction_id: int | None
    visit_at: datetime
    visit_until: datetime
    needed_by: datetime | None
    timezone: str
    state: State
    reason: str
    action: str
    level: str
    probability: float | None
    cost: Decimal | None
    cost_if_not: Decimal | None
    currency: str | None
    cost_basis: Mapping[str, Any] | None
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    done_at: datetime | None
    comment: str | None
    sequence: int
    updated_at: datetime


@dataclass(frozen=True)
class NewVisit:
    """A visit to be proposed; fields as in `Visit`."""

    device_id: int
    site_id: int | None
    cause: str
    episode_id: int | None
    prediction_id: int | None
    visit_at: datetime
    visit_until: datetime
    needed_by: datetime | None
    timezone: str
    reason: str
    action: str
    level: str
    probability: float | None
    cost: Decimal | None
    cost_if_not: Decimal | None
    currency: str | None
    cost_basis: Mapping[str, Any] | None


def live(conn: Connection) -> list[Visit]:
    """Proposed and accepted visits, the next one first."""
    return [Visit(*row) for row in conn.execute(_SQL["live"])]


def last_of_each(conn: Connection, devices: Sequence[int]) -> dict[tuple[int, str], Visit]:
    """By device and cause: the last visit that was declined or done."""
    rows = conn.execute(_SQL["last_of_each"], {"devices": list(devices)})
    return {(visit.device_id, visit.cause): visit for visit in (Visit(*row) for row in rows)}


def listed(conn: Connection, since: datetime, site_id: int | None = None) -> list[Visit]:
    """Live visits and those that changed since then, of a site or (None) all."""
    return [Visit(*row) for row in conn.execute(_SQL["listed"], {"since": since, "site_id": site_id})]


def one(conn: Connection, number: int) -> Visit | None:
    """A visit by its number."""
    row = conn.execute(_SQL["one"], {"id": number}).fetchone()
    return None if row is None else Visit(*row)


def near(conn: Connection, number: int) -> list[str]:
    """Numbers of visits near a wrong one, live ones first."""
    return [str(row[0]) for row in conn.execute(_SQL["near"], {"id": number})]


def propose(conn: Connection, visit: NewVisit, now: datetime) -> int | None:
    """Write a proposal; None when its device and cause have a live visit."""
    row = conn.execute(_SQL["propose"], {**vars(visit), "cost_basis": _json(visit.cost_basis), "now": now})
    found = row.fetchone()
    return None if found is None else int(found[0])


def move(
    conn: Connection,
    number: int,
    *,
    visit_at: datetime,
    visit_until: datetime,
    needed_by: datetime | None,
    timezone: str,
    reason: str,
    now: datetime,
) -> bool:
    """Move a proposal; an accepted visit stays."""
    parameters = {
        "id": number, "visit_at": visit_at, "visit_until": visit_until, "needed_by": needed_by,
        "timezone": timezone, "reason": reason, "now": now,
    }  # fmt: skip
    return conn.execute(_SQL["move"], parameters).rowcount == 1


def refresh(
    conn: Connection,
    number: int,
    *,
    cost: Decimal | None,
    cost_if_not: Decimal | None,
    currency: str | None,
    cost_basis: Mapping[str, Any] | None,
    level: str,
    probability: float | None,
    now: datetime,
) -> None:
    """Bring a proposal's estimates up to date."""
    parameters = {
        "id": number, "cost": cost, "cost_if_not": cost_if_not, "currency": currency,
        "cost_basis": _json(cost_basis), "level": level, "probability": probability, "now": now,
    }  # fmt: skip
    conn.execute(_SQL["refresh"], parameters)


def decide(
    conn: Connection,
    number: int,
    state: State,
    *,
    before: Sequence[State],
    by: str,
    comment: str | None,
    now: datetime,
) -> bool:
    """Accept or decline a visit that is in one of the states `before`."""
    parameters = {
        "id": number, "state": state, "before": list(before), "by": by, "comment": comment, "now": now,
    }  # fmt: skip
    return conn.execute(_SQL["decide"], parameters).rowcount == 1


def done(
    conn: Connection, number: int, *, done_at: datetime, by: str, comment: str | None, now: datetime
) -> bool:
    """Note that a live visit was made."""
    parameters = {"id": number, "done_at": done_at, "by": by, "comment": comment, "now": now}
    return conn.execute(_SQL["done"], parameters).rowcount == 1


def lapse(conn: Connection, number: int, why: str, now: datetime) -> bool:
    """Withdraw a proposal that is not needed any more."""
    return conn.execute(_SQL["lapse"], {"id": number, "why": why, "now": now}).rowcount == 1


def rates(conn: Connection, site_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Cost rates by site; sites without any are not there."""
    return dict(conn.execute(_SQL["rates"], {"ids": sorted(set(site_ids))}).fetchall())


def set_rates(
    conn: Connection, site_id: int, values: Mapping[str, Any], *, default_timezone: str, now: datetime
) -> None:
    """Set a site's cost rates; empty ones end them."""
    parameters = {
        "site_id": site_id, "rates": _json(values or None), "default_timezone": default_timezone, "now": now,
    }  # fmt: skip
    conn.execute(_SQL["set_rates"], parameters)


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(dict(value)).decode()
