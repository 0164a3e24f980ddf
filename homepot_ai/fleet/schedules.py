"""Maintenance by HOMEPOT's operating schedules.

HOMEPOT flags a weekday as one with maintenance but does not say when; its
notes speak of the night. So the window is taken as the part of a flagged day
in which the site is not open, in the site's own zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("fleet/sql/devices.sql")


@dataclass(frozen=True)
class MaintenanceDay:
    """A weekday (0 = Monday) on which a site is maintained while it is not open."""

    site_id: int
    weekday: int
    open_time: time | None
    close_time: time | None
    is_closed: bool


def read(conn: Connection) -> list[MaintenanceDay]:
    """Every flagged weekday of every site."""
    rows: list[tuple[Any, ...]] = conn.execute(_SQL["maintenance_schedule"]).fetchall()
    return [MaintenanceDay(*row) for row in rows]


def sites_in_maintenance(
    days: Sequence[MaintenanceDay], zones: Mapping[int, str], at: datetime
) -> frozenset[int]:
    """Ids of the sites whose window covers the moment `at` (aware).

    >>> from datetime import UTC
    >>> day = MaintenanceDay(1, 2, time(8), time(22), False)
    >>> night = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)  # a Wednesday
    >>> sites_in_maintenance([day], {1: "UTC"}, night)
    frozenset({1})
    """
    found = set()
    for day in days:
        local = at.astimezone(ZoneInfo(zones.get(day.site_id, "UTC")))
        if local.weekday() != day.weekday:
            continue
        if day.is_closed or day.open_time is None or day.close_time is None:
            found.add(day.site_id)
            continue
        clock = local.time()
        if day.open_time <= day.close_time:
            is_open = day.open_time <= clock < day.close_time
        else:  # open past midnight
            is_open = clock >= day.open_time or clock < day.close_time
        if not is_open:
            found.add(day.site_id)
    return frozenset(found)


@dataclass(frozen=True)
class OpenDay:
    """When a site is open on a weekday (0 = Monday), by its own clock; a close at or before the opening is
    the next day's.

    Attributes:
        peak_from, peak_to: the busiest time; None: not said.
    """

    site_id: int
    weekday: int
    open_time: time | None
    close_time: time | None
    is_closed: bool
    peak_from: time | None = None
    peak_to: time | None = None


def operating_hours(conn: Connection, site_ids: Sequence[int]) -> dict[int, dict[int, OpenDay]]:
    """By site and weekday, when it is open; a site without a schedule is not in the answer."""
    if conn.execute(_SQL["schedules_there"]).fetchone() != (True,):
        return {}
    found: dict[int, dict[int, OpenDay]] = {}
    for row in conn.execute(_SQL["operating_hours"], {"ids": sorted(set(site_ids))}):
        day = OpenDay(*row)
        found.setdefault(day.site_id, {})[day.weekday] = day
    return found


def open_stretches(
    days: Mapping[int, OpenDay], timezone: str, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """When a site is open between two moments: stretches in UTC, in order, none touching another.

    A weekday without an entry is one on which it is closed.

    >>> friday = OpenDay(1, 4, time(22), time(2), False)  # open past midnight
    >>> begin = datetime(2026, 11, 21, tzinfo=UTC)  # a Saturday
    >>> [(a.hour, b.hour) for a, b in open_stretches({4: friday}, "UTC", begin, begin + timedelta(days=1))]
    [(0, 2)]
    """
    zone = ZoneInfo(timezone)
    found: list[tuple[datetime, datetime]] = []
    first, last = (start - timedelta(days=1)).astimezone(zone).date(), end.astimezone(zone).date()
    for number in range((last - first).days + 1):
        which = first + timedelta(days=number)
        hours = days.get(which.weekday())
        if hours is None or hours.is_closed or hours.open_time is None or hours.close_time is None:
            continue
        until = which if hours.close_time > hours.open_time else which + timedelta(days=1)
        # Of an hour that happens twice a shop is open for both: it opens at the first, closes at the last.
        opens = datetime.combine(which, hours.open_time, zone).astimezone(UTC)
        closes = datetime.combine(until, hours.close_time.replace(fold=1), zone).astimezone(UTC)
        opens, closes = max(opens, start), min(closes, end)
        if opens >= closes:
            continue
        if found and opens <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], closes))
        else:
            found.append((opens, closes))
    return found
