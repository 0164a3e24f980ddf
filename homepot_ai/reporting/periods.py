"""Closed periods in local time: what a report is about.

A period is a pure function of (kind, a moment, a time zone). Boundaries are local
midnights turned into UTC one by one, so a day has 23, 24 or 25 hours (or 23.5 and 24.5,
on Lord Howe Island) as the zone says, and a week 167, 168 or 169; 24 hours are never added.
A week is Monday to Sunday. A fleet whose sites lie in several zones is reported in its own.

A minute is named by its end, so the minutes of a period are those with
`start < at <= end`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from homepot_ai.errors import ReportError
from homepot_ai.reporting.facts import EarlierKind, Kind

#: A range asked for is at most so long: scores by the hour are kept for half a year by default.
LONGEST = timedelta(days=400)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """A closed stretch of local time.

    Attributes:
        start, end: aware, in UTC; the period is [start, end).
        first_day, last_day: the local days it touches, both included. A custom or an incident's
            period may begin and end within a day, the others are made of whole ones.
    """

    kind: Kind
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
        first, last = (f"{d:%A} {d.day} {d:%B %Y}" for d in (self.first_day, self.last_day))
        return first if first == last else f"{first} to {last}"

    @property
    def short_label(self) -> str:
        """ISO days, for subjects and file names.

        >>> of_day("weekly", date(2026, 11, 19), "Europe/Berlin").short_label
        '2026-11-16 to 2026-11-22'
        """
        first, last = self.first_day.isoformat(), self.last_day.isoformat()
        return first if first == last else f"{first} to {last}"

    @property
    def whole_days(self) -> bool:
        """Whether it begins and ends at local midnights."""
        return (self.start, self.end) == (
            start_of_day(self.first_day, self.timezone),
            start_of_day(self.last_day + timedelta(days=1), self.timezone),
        )

    @property
    def days(self) -> tuple[Period, ...]:
        """The local days it touches, whole; one that a zone skipped is not among them."""
        length = (self.last_day - self.first_day).days + 1
        every = [self.first_day + timedelta(days=n) for n in range(length)]
        return tuple(day(d, self.timezone) for d in every if _exists(d, self.timezone))

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


def of_day(kind: Kind, which: date, timezone: str) -> Period:
    """The day, the week (Monday to Sunday) or the month that a local day lies in; it need not be over.

    >>> of_day("weekly", date(2026, 3, 29), "Europe/Berlin").minutes / 60  # its Sunday has 23 hours
    167.0
    >>> of_day("monthly", date(2026, 2, 14), "UTC").last_day.isoformat()
    '2026-02-28'

    Raises:
        ReportError: reports of that kind are not about a day, a week or a month.
    """
    if kind == "daily":
        return day(which, timezone)
    if kind == "weekly":
        first = which - timedelta(days=which.weekday())
        return _days(kind, first, first + timedelta(days=6), timezone)
    if kind == "monthly":
        first = which.replace(day=1)
        return _days(kind, first, _next_month(first) - timedelta(days=1), timezone)
    raise ReportError(f"a report of kind {kind!r} has no calendar: say from when to when")


def period_for(kind: Kind, moment: datetime, timezone: str) -> Period:
    """The period of a kind of report made at a moment: the last day, week or month that was over then.

    Args:
        moment: aware; at local midnight sharp the one that just ended is meant.

    >>> period_for("weekly", datetime(2026, 11, 23, 5, tzinfo=UTC), "Europe/Berlin").short_label
    '2026-11-16 to 2026-11-22'
    """
    yesterday = previous_day(moment, timezone)
    found = of_day(kind, yesterday.last_day, timezone)
    if found.end > yesterday.end:
        # Yesterday's week or month goes on today: the one before it is over.
        found = of_day(kind, found.first_day - timedelta(days=1), timezone)
    return found


def custom(
    start: date | datetime,
    end: date | datetime,
    timezone: str,
    *,
    kind: Kind = "custom",
    now: datetime | None = None,
) -> Period:
    """A range as it is asked for, in whole minutes.

    Args:
        start, end: days, both included; or moments, the end excluded. A moment without an offset is on
            the zone's clock: one that happens twice is the first of the two unless it has `fold=1`.
        kind: `incident` for an incident's own stretch.
        now: given, the range must be over.

    >>> custom(date(2026, 11, 19), date(2026, 11, 25), "Europe/Berlin").minutes == 7 * 1440
    True

    Raises:
        ReportError: it ends before it begins, is too long, not over, or names a time that never was.
    """
    opens = _moment(start, timezone)
    closes = _moment(end if isinstance(end, datetime) else end + timedelta(days=1), timezone)
    if closes <= opens:
        raise ReportError(f"the range from {start} to {end} has no minute: let it end after it begins")
    if closes - opens > LONGEST:
        raise ReportError(f"the range from {start} to {end} is longer than {LONGEST.days} days: ask for less")
    if now is not None and closes > now:
        raise ReportError(
            f"the range from {start} to {end} is not over in {timezone}; a report is about a closed period"
        )
    first, last = local(opens, timezone).date(), local(closes - _INSTANT, timezone).date()
    return Period(kind, opens, closes, timezone, first, last)


def comparisons(period: Period) -> Mapping[EarlierKind, Period]:
    """What a period is compared with, as local days of their own.

    A day: the one before and the same weekday a week earlier. A week: the one before and the one four
    weeks before. A month: the one before and the same a year before. Any other range: the equally
    many local days (or, within days, minutes) before it.

    >>> comparisons(day(date(2026, 3, 30), "Europe/Berlin"))["day_before"].minutes
    1380
    """
    zone_, first = period.timezone, period.first_day
    if period.kind == "daily":
        return {
            "day_before": previous_day(period.start, zone_),
            "same_weekday": day(first - timedelta(days=7), zone_),
        }
    if period.kind == "weekly":
        return {
            "week_before": of_day("weekly", first - timedelta(days=7), zone_),
            "four_weeks_before": of_day("weekly", first - timedelta(days=28), zone_),
        }
    if period.kind == "monthly":
        return {
            "month_before": of_day("monthly", first - timedelta(days=1), zone_),
            "year_before": of_day("monthly", first.replace(year=first.year - 1), zone_),
        }
    if period.whole_days:
        length = (period.last_day - first).days + 1
        return {
            "before": _days(period.kind, first - timedelta(days=length), first - timedelta(days=1), zone_)
        }
    start = period.start - (period.end - period.start)
    days = local(start, zone_).date(), local(period.start - _INSTANT, zone_).date()
    return {"before": Period(period.kind, start, period.start, zone_, *days)}


def _days(kind: Kind, first: date, last: date, timezone: str) -> Period:
    start, end = start_of_day(first, timezone), start_of_day(last + timedelta(days=1), timezone)
    return Period(kind, start, end, timezone, first, last)


def _exists(which: date, timezone: str) -> bool:
    return start_of_day(which, timezone) < start_of_day(which + timedelta(days=1), timezone)


def _next_month(first: date) -> date:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


def _moment(which: date | datetime, timezone: str) -> datetime:
    """A border of a range in UTC."""
    if not isinstance(which, datetime):
        return start_of_day(which, timezone)
    if which.second or which.microsecond:
        raise ReportError(f"{which.isoformat()} lies within a minute; ranges are of whole minutes")
    if which.tzinfo is not None:
        return which.astimezone(UTC)
    there = which.replace(tzinfo=zone(timezone))
    moment = there.astimezone(UTC)
    if local(moment, timezone).replace(tzinfo=None, fold=0) != which.replace(fold=0):
        raise ReportError(
            f"{which.isoformat()} never was in {timezone}: the clock skipped it; ask for another"
        )
    return moment
