"""Closed periods in local time: what a report is about.

A period is a pure function of (kind, a moment, a time zone). Boundaries are local
midnights turned into UTC one by one, so a day has 23, 24 or 25 hours (or 23.5 and 24.5,
on Lord Howe Island) as the zone says; 24 hours are never added.

A minute is named by its end, so the minutes of a period are those with
`start < at <= end`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from homepot_ai.errors import ReportError

PeriodKind = Literal["daily", "weekly", "monthly", "incident", "custom"]


@dataclass(frozen=True)
class Period:
    """A closed stretch of local days.

    Attributes:
        start, end: aware, in UTC; the period is [start, end).
        first_day, last_day: the local days it covers, both included.
    """

    kind: PeriodKind
    start: datetime
    end: datetime
    timezone: str
    first_day: date
    last_day: date

    @property
    def minutes(self) -> int:
        """How many minutes it has: 1440, or 1380 and 1500 when the clock changes."""
        return round((self.end - self.start).total_seconds() / 60)

    @property
    def label(self) -> str:
        """What a person calls it.

        >>> day(date(2026, 11, 19), "Europe/Berlin").label
        'Thursday 19 November 2026'
        """
        return f"{self.first_day:%A} {self.first_day.day} {self.first_day:%B %Y}"

    @property
    def short_label(self) -> str:
        """ISO day, for subjects, ids and file names."""
        return self.first_day.isoformat()

    @property
    def range_text(self) -> str:
        """Both ends with their offsets, and the length when it is not the usual one.

        >>> day(date(2026, 10, 25), "Europe/Berlin").range_text
        '00:00 CEST (UTC+02:00) to 24:00 CET (UTC+01:00), 25 hours: the clock was changed'
        """
        opens, closes = local(self.start, self.timezone), local(self.end, self.timezone)
        last = closes.strftime("%H:%M").replace("00:00", "24:00")
        if opens.utcoffset() == closes.utcoffset():
            return f"{opens:%H:%M} to {last} {zone_text(self.start, self.timezone)}"
        hours = f"{self.minutes / 60:g}"
        return (
            f"{opens:%H:%M} {zone_text(self.start, self.timezone)} to "
            f"{last} {zone_text(self.end, self.timezone)}, {hours} hours: the clock was changed"
        )


@dataclass(frozen=True)
class Comparisons:
    """The closed periods that a day is compared with."""

    day_before: Period
    week_before: Period


def local(moment: datetime, timezone: str) -> datetime:
    """The same moment on the wall clock of a zone."""
    return moment.astimezone(zone(timezone))


def zone(timezone: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        ReportError: there is no such zone.
    """
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        raise ReportError(
            f"{timezone!r} is no IANA time zone; set one such as Europe/Berlin in ai_site_settings or "
            "HOMEPOT_AI_REPORTS__TIMEZONE"
        ) from error


def zone_text(moment: datetime, timezone: str) -> str:
    """Abbreviation and offset in force at a moment.

    >>> zone_text(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Singapore")
    'UTC+08:00'
    """
    there = local(moment, timezone)
    offset = there.strftime("%z")
    sign, hours, minutes = offset[0], offset[1:3], offset[3:5]
    text = f"UTC{sign}{hours}:{minutes}" if offset[1:5] != "0000" else "UTC"
    name = there.tzname() or ""
    # Zones without an abbreviation call themselves "+08": that says nothing new.
    return f"{name} ({text})" if name.isalpha() and name != "UTC" else text


def start_of_day(which: date, timezone: str) -> datetime:
    """The first instant of a local day, in UTC.

    Where the clock jumps over midnight the day begins at the jump (fold=0 reads the skipped
    midnight with the offset before it); where midnight happens twice, it begins at the first.

    >>> start_of_day(date(2026, 9, 6), "America/Santiago").isoformat()  # 00:00 does not exist
    '2026-09-06T04:00:00+00:00'
    """
    return datetime.combine(which, time(), tzinfo=zone(timezone)).astimezone(UTC)


def day(which: date, timezone: str) -> Period:
    """One local day.

    >>> day(date(2026, 3, 29), "Europe/Berlin").minutes  # spring: 23 hours
    1380
    """
    start, end = start_of_day(which, timezone), start_of_day(which + timedelta(days=1), timezone)
    if start == end:
        raise ReportError(f"{which} never happened in {timezone}: that zone skipped the day; ask for another")
    return Period("daily", start, end, timezone, which, which)


def previous_day(moment: datetime, timezone: str) -> Period:
    """The last local day that was over at a moment.

    Args:
        moment: aware; at local midnight sharp the day that just ended is meant.

    >>> previous_day(datetime(2026, 11, 20, 5, 0, tzinfo=UTC), "Europe/Berlin").short_label
    '2026-11-19'
    """
    if moment.tzinfo is None:
        raise ReportError(f"the moment {moment.isoformat()} has no time zone; give one with an offset")
    today = local(moment, timezone).date()
    # The instant before today's first: in a zone that skipped a day this is two dates back.
    before = start_of_day(today, timezone) - timedelta(microseconds=1)
    return day(local(before, timezone).date(), timezone)


def period_for(kind: str, moment: datetime, timezone: str) -> Period:
    """The period of a kind of report made at a moment.

    Raises:
        ReportError: the kind is not known yet.
    """
    if kind != "daily":
        raise ReportError(f"reports of kind {kind!r} do not exist yet; make a 'daily' one")
    return previous_day(moment, timezone)


def comparisons(period: Period) -> Comparisons:
    """The day before, and the same weekday a week earlier, as local days of their own.

    >>> comparisons(day(date(2026, 3, 30), "Europe/Berlin")).day_before.minutes
    1380
    """
    before = previous_day(period.start, period.timezone)
    week_earlier = period.first_day - timedelta(days=7)
    return Comparisons(before, day(week_earlier, period.timezone))
