"""What a said time means on the asker's clock: a start and an end, aware.

None: these words do not fit after all (`25:00`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from homepot_ai.questions.time_vocabulary import (
    LAST,
    MONTHS,
    NEXT,
    NUMBERS,
    PARTS,
    THIS,
    UNITS,
    WEEKDAYS,
    Unit,
)

Range = tuple[datetime, datetime]


@dataclass(frozen=True)
class Clock:
    """The asker's clock: `now` is aware, in their zone."""

    now: datetime

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        """A wall time; hours beyond 24 are the next day's."""
        day += timedelta(days=hour // 24)
        return datetime(day.year, day.month, day.day, hour % 24, minute, tzinfo=self.now.tzinfo)

    def whole(self, day: date, days: int = 1) -> Range:
        """From local midnight to local midnight."""
        return self.at(day, 0), self.at(day + timedelta(days=days), 0)

    @property
    def today(self) -> date:
        """The day it is there."""
        return self.now.date()


def unit_of(word: str) -> Unit:
    return next(unit for unit, names in UNITS.items() if re.fullmatch(names, word))


def count_of(word: str | None) -> float:
    return 1 if not word else float(word) if word.isdigit() else NUMBERS[word]


def months_on(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def whole_unit(unit: Unit, clock: Clock, offset: int) -> Range:
    """The whole week, month, quarter or year that is `offset` away from the current one."""
    today = clock.today
    if unit == "week":
        return clock.whole(today - timedelta(days=today.weekday()) + timedelta(weeks=offset), 7)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = date(today.year, (today.month - 1) // months * months + 1, 1)
    return clock.at(months_on(first, offset * months), 0), clock.at(
        months_on(first, (offset + 1) * months), 0
    )


def moved(clock: Clock, count: float, unit: Unit) -> datetime:
    """So far from now: minutes and hours as elapsed time, days and more by the calendar."""
    if unit in ("minute", "hour") or count != int(count):
        seconds = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 30 * 86400}.get(
            unit, 365 * 86400
        )
        return clock.now.astimezone(UTC) + timedelta(seconds=count * seconds)
    days = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}[unit]
    return clock.now + timedelta(days=count * days)


def back(match: re.Match[str], clock: Clock) -> Range:
    unit, said = unit_of(match["unit"]), match.groupdict().get("count")
    rolling = said or unit in ("minute", "hour", "day") or match.groupdict().get("last") == "past"
    if rolling:
        return moved(clock, -count_of(said), unit), clock.now
    return whole_unit(unit, clock, -1)


def forward(match: re.Match[str], clock: Clock) -> Range:
    unit, said = unit_of(match["unit"]), match.groupdict().get("count")
    if said or unit in ("minute", "hour", "day"):
        return clock.now, moved(clock, count_of(said), unit)
    return whole_unit(unit, clock, 1)


def ago(match: re.Match[str], clock: Clock) -> Range:
    """From then on so long as the unit is: `3 days ago` is that day, `2 hours ago` that hour."""
    unit = unit_of(match["unit"])
    then = moved(clock, -count_of(match["count"]), unit).astimezone(clock.now.tzinfo)
    if unit in ("minute", "hour"):
        return then, then + timedelta(minutes=1 if unit == "minute" else 60)
    return clock.whole(then.date())


def current(match: re.Match[str], clock: Clock) -> Range:
    return whole_unit(unit_of(match["unit"]), clock, 0)


def hours_of(word: str) -> tuple[int, int]:
    return next(hours for names, hours in PARTS.items() if re.fullmatch(names, word))


def clock_time(word: str) -> tuple[int, int] | None:
    """Hour and minute of a clock's time; None: there is no such hour."""
    if word in ("noon", "midday", "mittag"):
        return 12, 0
    if word in ("midnight", "mitternacht"):
        return 0, 0
    numbers = [int(number) for number in re.findall(r"\d+", word)]
    hour, minute = numbers[0], numbers[1] if len(numbers) > 1 else 0
    if re.search(r"p\.?m", word) and hour < 12:
        hour += 12
    elif re.search(r"a\.?m", word) and hour == 12:
        hour = 0
    return (hour, minute) if hour <= 24 and minute < 60 else None


def within(day: date, match: re.Match[str], clock: Clock) -> Range | None:
    """A day, a part of it, or the hour that begins at a time of it."""
    groups = match.groupdict()
    if groups.get("time"):
        time = clock_time(groups["time"])
        if time is None:
            return None
        start = clock.at(day, *time)
        return start, (start.astimezone(UTC) + timedelta(hours=1))
    if groups.get("part"):
        first, last = hours_of(groups["part"])
        return clock.at(day, first), clock.at(day, last)
    return clock.whole(day)


def dayword(match: re.Match[str], clock: Clock) -> Range | None:
    word = match["word"].removeprefix("the ")
    offset = {
        "day before yesterday": -2, "vorgestern": -2, "yesterday": -1, "gestern": -1, "today": 0, "heute": 0,
        "tomorrow": 1, "morgen": 1, "day after tomorrow": 2, "übermorgen": 2, "uebermorgen": 2,
    }[word]  # fmt: skip
    # Before noon, `heute Nacht` is the night that has just been.
    if word == "heute" and (match.groupdict().get("part") or "").startswith("nacht") and clock.now.hour < 12:
        offset = -1
    return within(clock.today + timedelta(days=offset), match, clock)


def this_part(match: re.Match[str], clock: Clock) -> Range:
    first, last = hours_of(match["part"])
    day = clock.today
    if match["part"].startswith(("night", "nacht")):
        return last_night(match, clock) if clock.now.hour < 6 else (clock.at(day, 20), clock.at(day, 30))
    if clock.now < clock.at(day, first):
        return clock.at(day, 0), clock.at(day, last)
    return clock.at(day, first), clock.at(day, last)


def last_night(match: re.Match[str], clock: Clock) -> Range:
    return clock.at(clock.today - timedelta(days=1), 20), clock.at(clock.today, 6)


def last_part(match: re.Match[str], clock: Clock) -> Range:
    first, last = hours_of(match["part"])
    day = clock.today - timedelta(days=1)
    return clock.at(day, first), clock.at(day, last)


def tonight(match: re.Match[str], clock: Clock) -> Range:
    return clock.at(clock.today, 18), clock.at(clock.today, 30)


def on_weekday(match: re.Match[str], clock: Clock) -> Range | None:
    wanted = next(n for n, names in enumerate(WEEKDAYS) if re.fullmatch(names, match["weekday"]))
    which = match.groupdict().get("which") or ""
    days = (clock.today.weekday() - wanted) % 7
    if re.fullmatch(NEXT, which):
        return within(clock.today + timedelta(days=7 - days), match, clock)
    if re.fullmatch(LAST, which) and days == 0:
        days = 7
    if re.fullmatch(THIS, which):
        days = clock.today.weekday() - wanted
    return within(clock.today - timedelta(days=days), match, clock)


def weekend(match: re.Match[str], clock: Clock) -> Range:
    which = match["which"] or ""
    saturday = clock.today - timedelta(days=clock.today.weekday()) + timedelta(days=5)
    if re.fullmatch(NEXT, which):
        saturday += timedelta(days=7 if clock.today >= saturday else 0)
    elif re.fullmatch(LAST, which) or (not re.fullmatch(THIS, which) and clock.today < saturday):
        saturday -= timedelta(days=7)
    return clock.whole(saturday, 2)


def on_date(match: re.Match[str], clock: Clock) -> Range | None:
    groups = match.groupdict()
    if groups["iso"]:
        day = date.fromisoformat(groups["iso"])
    else:
        if groups["dotted"]:
            numbers = [int(number) for number in re.findall(r"\d+", groups["dotted"])]
            number, month, year = numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else None
            year = year + 2000 if year is not None and year < 100 else year
        else:
            number = int(groups["day"] or groups["day2"])
            named = groups["month"] or groups["month2"]
            month = 1 + next(n for n, names in enumerate(MONTHS) if re.fullmatch(names, named))
            said = groups["year"] or groups["year2"]
            year = int(said) if said else None
        day = date(year or clock.today.year, month, number)
        # Without a year it is the last such day, but next week's is meant where it is near.
        if year is None and day > clock.today + timedelta(days=60):
            day = date(clock.today.year - 1, month, number)
    return within(day, match, clock)


def in_month(match: re.Match[str], clock: Clock) -> Range:
    month = 1 + next(n for n, names in enumerate(MONTHS) if re.fullmatch(names, match["month"]))
    said = match["year"]
    year = int(said) if said else clock.today.year - (month > clock.today.month)
    first = date(year, month, 1)
    return clock.at(first, 0), clock.at(months_on(first, 1), 0)


def in_quarter(match: re.Match[str], clock: Clock) -> Range:
    quarter = int(match["quarter"])
    first_month = quarter * 3 - 2
    year = int(match["year"]) if match["year"] else clock.today.year - (first_month > clock.today.month)
    first = date(year, first_month, 1)
    return clock.at(first, 0), clock.at(months_on(first, 3), 0)


def in_year(match: re.Match[str], clock: Clock) -> Range:
    first = date(int(match["year"]), 1, 1)
    return clock.at(first, 0), clock.at(months_on(first, 12), 0)


def at_hour(match: re.Match[str], clock: Clock) -> Range | None:
    """The last such hour: at 7 in the morning, `8am` was yesterday."""
    found = within(clock.today, match, clock)
    if found is not None and found[0] > clock.now:
        return within(clock.today - timedelta(days=1), match, clock)
    return found
