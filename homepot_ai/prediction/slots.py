"""When a visit disturbs nobody: outside a site's opening and peak hours, by the site's own clock. Pure.

Of the times that would do the earliest between six and twenty-two o'clock is taken, then the earliest of the
night, then (a site that never closes) the earliest outside its peak. Nothing begins at an hour that the
clock skips, and a quarter of an hour is looked at after the other, so that a night with 23 or 25 hours needs
no rule. When it does not work: holidays and exceptions are not in HOMEPOT's weekly schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from homepot_ai.fleet.schedules import OpenDay

STEP = timedelta(minutes=15)
EVERY_MINUTES = 30
DAY_BEGINS, DAY_ENDS = time(6), time(22)
#: Where a site says nothing of its hours: when offices are staffed.
OFFICE_BEGINS, OFFICE_ENDS = time(9), time(17)


@dataclass(frozen=True)
class Hours:
    """A site's weekly hours; without days nobody knows them."""

    timezone: str
    days: Mapping[int, OpenDay] = field(default_factory=dict)


@dataclass(frozen=True)
class Slot:
    """A time for a visit, aware; `note`: what is not ideal about it, or empty."""

    at: datetime
    until: datetime
    note: str = ""


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the site is open at a moment.

    >>> friday = OpenDay(1, 4, time(18), time(2), False)
    >>> is_open(Hours("UTC", {4: friday}), datetime(2026, 11, 21, 1, 30, tzinfo=UTC))  # Saturday
    True
    """
    local = at.astimezone(ZoneInfo(hours.timezone))
    return _covers(hours, local, lambda d: None if d.is_closed else _span(d.open_time, d.close_time))


def is_peak(hours: Hours, at: datetime) -> bool:
    """Whether it is one of the site's busiest hours."""
    local = at.astimezone(ZoneInfo(hours.timezone))
    return _covers(hours, local, lambda d: _span(d.peak_from, d.peak_to))


def free(hours: Hours, at: datetime, until: datetime) -> bool:
    """Whether the site is neither open nor at its peak at any time of a span."""
    return all(not is_open(hours, moment) and not is_peak(hours, moment) for moment in _steps(at, until))


def find(hours: Hours, first: datetime, last: datetime, minutes: int) -> Slot | None:
    """The best time for a visit that begins at `first` or later and ends at `last` or before; None: none.

    >>> day = {n: OpenDay(1, n, time(8), time(20), False) for n in range(7)}
    >>> found = find(Hours("Europe/Berlin", day), datetime(2026, 11, 20, 9, tzinfo=UTC),
    ...              datetime(2026, 11, 22, tzinfo=UTC), 60)
    >>> str(found.at)
    '2026-11-20 19:00:00+00:00'
    """
    length = timedelta(minutes=minutes)
    begins = [at for at in _begins(hours.timezone, first, last) if at + length <= last]
    if not hours.days:
        office = (at for at in begins if _office(hours, at, at + length))
        return _slot(next(office, None), length, "the site's opening hours are not known")
    by_day = [at for at in begins if _in_the_day(hours, at, at + length)]
    for candidates in (by_day, begins):
        found = next((at for at in candidates if free(hours, at, at + length)), None)
        if found is not None:
            return _slot(found, length, "")
    week = _begins(hours.timezone, first, first + timedelta(days=8))
    if any(free(hours, at, at + length) for at in week):
        return None
    quiet = (
        at
        for at in [*by_day, *begins]
        if not any(is_peak(hours, moment) for moment in _steps(at, at + length))
    )
    return _slot(next(quiet, None), length, "the site is open then; it is outside its peak hours")


def _slot(at: datetime | None, length: timedelta, note: str) -> Slot | None:
    return None if at is None else Slot(at, at + length, note)


def _span(begin: time | None, end: time | None) -> tuple[time, time] | None:
    return None if begin is None or end is None else (begin, end)


def _covers(hours: Hours, local: datetime, span_of: Callable[[OpenDay], tuple[time, time] | None]) -> bool:
    clock = local.time()
    for back in (0, 1):
        day = hours.days.get((local.weekday() - back) % 7)
        span = None if day is None else span_of(day)
        if span is None:
            continue
        begin, end = span
        past_midnight = end <= begin
        if back == 0 and begin <= clock and (past_midnight or clock < end):
            return True
        if back == 1 and past_midnight and clock < end:
            return True
    return False


def _steps(at: datetime, until: datetime) -> Iterator[datetime]:
    moment = at
    while moment < until:
        yield moment
        moment += STEP


def _begins(timezone: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """Every half hour of the site's clock in a span, in order; what the clock skips is no time."""
    zone = ZoneInfo(timezone)
    day, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    while day <= end:
        for minute in range(0, 24 * 60, EVERY_MINUTES):
            local = datetime.combine(day, time(minute // 60, minute % 60), zone)
            at = local.astimezone(UTC)
            if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) and first <= at <= last:
                yield at
        day += timedelta(days=1)


def _in_the_day(hours: Hours, at: datetime, until: datetime) -> bool:
    zone = ZoneInfo(hours.timezone)
    begin, end = at.astimezone(zone), until.astimezone(zone)
    return begin.date() == end.date() and begin.time() >= DAY_BEGINS and end.time() <= DAY_ENDS


def _office(hours: Hours, at: datetime, until: datetime) -> bool:
    zone = ZoneInfo(hours.timezone)
    begin, end = at.astimezone(zone), until.astimezone(zone)
    return (
        begin.weekday() < 5
        and begin.date() == end.date()
        and begin.time() >= OFFICE_BEGINS
        and end.time() <= OFFICE_ENDS
    )
