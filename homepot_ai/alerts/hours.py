"""When somebody wants to be told: weekdays and a range of local time, also over midnight. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAYS = frozenset(range(1, 8))
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Hours:
    """From a local time to another, on some weekdays.

    A range that goes over midnight belongs to the day on which it begins: Friday 22:00-06:00 ends on
    Saturday morning. The same time twice is the whole day. A time that the clock skips in spring is
    when it goes on; one that happens twice in autumn begins the first time and ends the last.

    >>> night = Hours(frozenset({5}), time(22), time(6), "Europe/Berlin")
    >>> night.contain(datetime(2026, 11, 21, 3, tzinfo=UTC))
    True
    >>> night.contain(datetime(2026, 11, 21, 6, tzinfo=UTC))
    False
    """

    weekdays: frozenset[int]
    begin: time
    end: time
    timezone: str

    def contain(self, moment: datetime) -> bool:
        """Whether a moment (aware) lies inside."""
        return any(begin <= moment < end for begin, end in self._around(moment))

    def next_begin(self, moment: datetime) -> datetime:
        """When they begin next, strictly after a moment; in UTC."""
        return min(begin for begin, _ in self._around(moment) if begin > moment)

    def _around(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Every range from the local day before to nine days on, so that each weekday is among them."""
        today = moment.astimezone(ZoneInfo(self.timezone)).date()
        for offset in range(-1, 10):
            day = today + offset * DAY
            if day.isoweekday() in self.weekdays:
                last = day if self.begin < self.end else day + DAY
                begin, end = self._at(day, self.begin, 0), self._at(last, self.end, 1)
                if begin < end:
                    yield begin, end

    def _at(self, day: date, moment: time, fold: int) -> datetime:
        zone = ZoneInfo(self.timezone)
        local = datetime.combine(day, moment, zone)
        there = local.replace(fold=fold).astimezone(UTC)
        if there.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            return _gap_end(local)
        return there

    def __str__(self) -> str:
        days = ",".join(WEEKDAYS[number - 1] for number in sorted(self.weekdays))
        days = {"mon,tue,wed,thu,fri,sat,sun": "daily", "mon,tue,wed,thu,fri": "mon-fri"}.get(days, days)
        return f"{days} {self.begin:%H:%M}-{self.end:%H:%M} {self.timezone}"


def _gap_end(local: datetime) -> datetime:
    """The first moment after the gap of a local time that does not exist."""
    zone = local.tzinfo
    assert zone is not None
    # Read with the offset after the gap, such a time lies before it; step to where the offset changes.
    low, high = local.replace(fold=1).astimezone(UTC), local.replace(fold=0).astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high.replace(microsecond=0)
