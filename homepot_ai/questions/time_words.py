"""The grammar of times in English and German: patterns, and what each means on a clock.

Patterns are written in lower case; they find a time within a text and read it alone. A meaning is a start and
an end, aware; None: this rule does not fit after all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Range = tuple[datetime, datetime]
Unit = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "thirty": 30, "couple of": 2,
    "couple": 2, "few": 3, "several": 3, "half an": 0.5, "half a": 0.5,
    "ein": 1, "eine": 1, "einer": 1, "einem": 1, "einen": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
    "fuenf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12,
    "zwoelf": 12, "zwanzig": 20, "dreißig": 30, "dreissig": 30, "paar": 3, "halbe": 0.5, "halben": 0.5,
}  # fmt: skip
UNITS: dict[Unit, str] = {
    "minute": r"minutes?|minuten?|mins?",
    "hour": r"hours?|hrs?|stunden?|std|h",
    "day": r"days?|tage?n?|d",
    "week": r"weeks?|wks?|wochen?|w",
    "month": r"months?|monat(?:e|en|s)?",
    "quarter": r"quarters?|quartal(?:e|en|s)?",
    "year": r"years?|jahr(?:e|en|es)?",
}
WEEKDAYS = (
    "monday|mon|montags?", "tuesday|tues|tue|dienstags?", "wednesday|wed|mittwochs?",
    "thursday|thurs|thu|donnerstags?", "friday|fri|freitags?", "saturday|sat|samstags?|sonnabends?",
    "sunday|sun|sonntags?",
)  # fmt: skip
MONTHS = (
    "january|januar|jan", "february|februar|feb", "march|märz|maerz|mar", "april|apr", "may|mai",
    "june|juni|jun", "july|juli|jul", "august|aug", "september|sept|sep",
    "october|oktober|oct|okt", "november|nov",
    "december|dezember|dec|dez",
)  # fmt: skip
#: Local hours of a day's parts; beyond 24 is the next day.
PARTS = {
    "early morning|(?:am )?(?:frühen|fruehen) morgen|früh|frueh": (5, 9),
    "morning|vormittags?|morgens?": (6, 12),
    "noon|midday|lunchtime|mittags?": (11, 14),
    "afternoon|nachmittags?": (12, 18),
    "evening|abends?": (18, 22),
    "night|nachts?": (20, 30),
}
LAST = r"last|past|previous|preceding|letzte[nrms]?|vergangene[nrms]?|vorige[nrms]?"
NEXT = r"next|coming|following|upcoming|nächste[nrms]?|naechste[nrms]?|kommende[nrms]?"
THIS = r"this|current|diese[nrms]?|laufende[nrms]?|aktuelle[nrms]?"

_COUNT = rf"(?P<count>\d{{1,4}}|(?:{'|'.join(sorted(NUMBERS, key=len, reverse=True))})(?= ))"
_UNIT = rf"(?P<unit>{'|'.join(UNITS.values())})"
_WORD_UNIT = rf"(?P<unit>{'|'.join(UNITS[unit] for unit in ('week', 'month', 'quarter', 'year'))})".replace(
    "|w)", ")"
)
_PART = rf"(?P<part>{'|'.join(PARTS)})"
_DAYWORD = (
    r"(?P<word>the day before yesterday|day before yesterday|the day after tomorrow|day after tomorrow"
    r"|yesterday|today|tomorrow|vorgestern|gestern|heute|übermorgen|uebermorgen|morgen)"
)
_LONG_WEEKDAY = "|".join(
    name for names in WEEKDAYS for name in names.split("|") if len(name) > 5 or name.endswith("day")
)
ANY_WEEKDAY = "|".join(WEEKDAYS)
_MONTH = rf"(?P<month>{'|'.join(MONTHS)})"
_LONG_MONTH = "|".join(
    name for names in MONTHS for name in names.split("|") if len(name) > 3 and name not in ("march",)
)
_DATE = (
    r"(?:(?P<iso>\d{4}-\d\d-\d\d)"
    r"|(?P<dotted>\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)?|\d{1,2}/\d{1,2}/\d{2,4})"
    rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? ?{_MONTH}\.?(?:,? (?P<year>\d{{4}}))?"
    rf"|{_MONTH.replace('<month>', '<month2>')}\.? (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?"
    r"(?:,? (?P<year2>\d{4}))?(?![\d:.]))"
)
_TIME = (
    r"(?P<time>(?:\d{1,2}(?:[:.]\d\d)? ?(?:am|pm|a\.m\.|p\.m\.|o'clock|uhr)(?: [0-5]\d(?!\d))?|\d{1,2}:\d\d"
    r"|noon|midday|midnight|mittag|mitternacht))"
)
_AT = rf"(?:,? ?(?:at|um|t|@)? ?{_TIME})"


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


@dataclass(frozen=True)
class Rule:
    """A way to say a time.

    Attributes:
        ahead: it lies before us whatever the clock says.
        alone: it is a time without `since` or `until` before it, too.
    """

    pattern: re.Pattern[str]
    meaning: Callable[[re.Match[str], Clock], Range | None]
    ahead: bool = False
    alone: bool = True


def lowered(text: str) -> str:
    """In lower case, as long as before: offsets stay.

    >>> lowered("ÜBER"), len(lowered("İstanbul"))
    ('über', 8)
    """
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def unnamed(pattern: str) -> str:
    """A pattern without its groups' names, to stand in another twice."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def _unit(word: str) -> Unit:
    return next(unit for unit, names in UNITS.items() if re.fullmatch(names, word))


def _count(word: str | None) -> float:
    return 1 if not word else float(word) if word.isdigit() else NUMBERS[word]


def _months_on(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _calendar(unit: Unit, clock: Clock, offset: int) -> Range:
    """The whole week, month, quarter or year that is `offset` away from the current one."""
    today = clock.today
    if unit == "week":
        return clock.whole(today - timedelta(days=today.weekday()) + timedelta(weeks=offset), 7)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = date(today.year, (today.month - 1) // months * months + 1, 1)
    return clock.at(_months_on(first, offset * months), 0), clock.at(
        _months_on(first, (offset + 1) * months), 0
    )


def _moved(clock: Clock, count: float, unit: Unit) -> datetime:
    """So far from now: minutes and hours as elapsed time, days and more by the calendar."""
    if unit in ("minute", "hour") or count != int(count):
        seconds = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 30 * 86400}.get(
            unit, 365 * 86400
        )
        return clock.now.astimezone(UTC) + timedelta(seconds=count * seconds)
    days = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}[unit]
    return clock.now + timedelta(days=count * days)


def _back(match: re.Match[str], clock: Clock) -> Range:
    unit, said = _unit(match["unit"]), match.groupdict().get("count")
    rolling = said or unit in ("minute", "hour", "day") or match.groupdict().get("last") == "past"
    if rolling:
        return _moved(clock, -_count(said), unit), clock.now
    return _calendar(unit, clock, -1)


def _forward(match: re.Match[str], clock: Clock) -> Range:
    unit, said = _unit(match["unit"]), match.groupdict().get("count")
    if said or unit in ("minute", "hour", "day"):
        return clock.now, _moved(clock, _count(said), unit)
    return _calendar(unit, clock, 1)


def _ago(match: re.Match[str], clock: Clock) -> Range:
    """From then on so long as the unit is: `3 days ago` is that day, `2 hours ago` that hour."""
    unit = _unit(match["unit"])
    then = _moved(clock, -_count(match["count"]), unit).astimezone(clock.now.tzinfo)
    if unit in ("minute", "hour"):
        return then, then + timedelta(minutes=1 if unit == "minute" else 60)
    return clock.whole(then.date())


def _this(match: re.Match[str], clock: Clock) -> Range:
    return _calendar(_unit(match["unit"]), clock, 0)


def _part_hours(word: str) -> tuple[int, int]:
    return next(hours for names, hours in PARTS.items() if re.fullmatch(names, word))


def _time(word: str) -> tuple[int, int] | None:
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


def _within(day: date, match: re.Match[str], clock: Clock) -> Range | None:
    """A day, a part of it, or the hour that begins at a time of it."""
    groups = match.groupdict()
    if groups.get("time"):
        time = _time(groups["time"])
        if time is None:
            return None
        start = clock.at(day, *time)
        return start, (start.astimezone(UTC) + timedelta(hours=1))
    if groups.get("part"):
        first, last = _part_hours(groups["part"])
        return clock.at(day, first), clock.at(day, last)
    return clock.whole(day)


def _dayword(match: re.Match[str], clock: Clock) -> Range | None:
    word = match["word"].removeprefix("the ")
    offset = {
        "day before yesterday": -2, "vorgestern": -2, "yesterday": -1, "gestern": -1, "today": 0, "heute": 0,
        "tomorrow": 1, "morgen": 1, "day after tomorrow": 2, "übermorgen": 2, "uebermorgen": 2,
    }[word]  # fmt: skip
    # Before noon, `heute Nacht` is the night that has just been.
    if word == "heute" and (match.groupdict().get("part") or "").startswith("nacht") and clock.now.hour < 12:
        offset = -1
    return _within(clock.today + timedelta(days=offset), match, clock)


def _this_part(match: re.Match[str], clock: Clock) -> Range:
    first, last = _part_hours(match["part"])
    day = clock.today
    if match["part"].startswith(("night", "nacht")):
        return _night(match, clock) if clock.now.hour < 6 else (clock.at(day, 20), clock.at(day, 30))
    if clock.now < clock.at(day, first):
        return clock.at(day, 0), clock.at(day, last)
    return clock.at(day, first), clock.at(day, last)


def _night(match: re.Match[str], clock: Clock) -> Range:
    return clock.at(clock.today - timedelta(days=1), 20), clock.at(clock.today, 6)


def _last_part(match: re.Match[str], clock: Clock) -> Range:
    first, last = _part_hours(match["part"])
    day = clock.today - timedelta(days=1)
    return clock.at(day, first), clock.at(day, last)


def _tonight(match: re.Match[str], clock: Clock) -> Range:
    return clock.at(clock.today, 18), clock.at(clock.today, 30)


def _weekday(match: re.Match[str], clock: Clock) -> Range | None:
    wanted = next(n for n, names in enumerate(WEEKDAYS) if re.fullmatch(names, match["weekday"]))
    which = match.groupdict().get("which") or ""
    days = (clock.today.weekday() - wanted) % 7
    if re.fullmatch(NEXT, which):
        return _within(clock.today + timedelta(days=7 - days), match, clock)
    if re.fullmatch(LAST, which) and days == 0:
        days = 7
    if re.fullmatch(THIS, which):
        days = clock.today.weekday() - wanted
    return _within(clock.today - timedelta(days=days), match, clock)


def _weekend(match: re.Match[str], clock: Clock) -> Range:
    which = match["which"] or ""
    saturday = clock.today - timedelta(days=clock.today.weekday()) + timedelta(days=5)
    if re.fullmatch(NEXT, which):
        saturday += timedelta(days=7 if clock.today >= saturday else 0)
    elif re.fullmatch(LAST, which) or (not re.fullmatch(THIS, which) and clock.today < saturday):
        saturday -= timedelta(days=7)
    return clock.whole(saturday, 2)


def _date(match: re.Match[str], clock: Clock) -> Range | None:
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
    return _within(day, match, clock)


def _month(match: re.Match[str], clock: Clock) -> Range:
    month = 1 + next(n for n, names in enumerate(MONTHS) if re.fullmatch(names, match["month"]))
    said = match["year"]
    year = int(said) if said else clock.today.year - (month > clock.today.month)
    first = date(year, month, 1)
    return clock.at(first, 0), clock.at(_months_on(first, 1), 0)


def _quarter(match: re.Match[str], clock: Clock) -> Range:
    quarter = int(match["quarter"])
    first_month = quarter * 3 - 2
    year = int(match["year"]) if match["year"] else clock.today.year - (first_month > clock.today.month)
    first = date(year, first_month, 1)
    return clock.at(first, 0), clock.at(_months_on(first, 3), 0)


def _year(match: re.Match[str], clock: Clock) -> Range:
    first = date(int(match["year"]), 1, 1)
    return clock.at(first, 0), clock.at(_months_on(first, 12), 0)


def _hour(match: re.Match[str], clock: Clock) -> Range | None:
    """The last such hour: at 7 in the morning, `8am` was yesterday."""
    found = _within(clock.today, match, clock)
    if found is not None and found[0] > clock.now:
        return _within(clock.today - timedelta(days=1), match, clock)
    return found


def _between(match: re.Match[str], clock: Clock) -> Range | None:
    """From the start of one time to the start of another; to the end of a day or more."""
    left, right = match["left"].strip(), match["right"].strip()
    bare = r"\d{1,2}"
    if re.fullmatch(bare, left):
        suffix = re.search(r"(?:am|pm|uhr|o'clock)", right)
        left += suffix[0] if suffix else ":00"
    if re.fullmatch(bare, right):
        right += ":00"
    if match["on"]:
        left = f"{match['on']} {left}"
    first, last = _first(left, clock), _first(right, clock)
    if first is None or last is None:
        return None
    clocked = re.fullmatch(_TIME, right) is not None
    if clocked:  # `yesterday 8am to 10am`: the second is of the same day
        time = _time(right)
        if time is None:
            return None
        day = first[0].astimezone(clock.now.tzinfo).date()
        end = clock.at(day, *time)
        return first[0], end if end > first[0] else clock.at(day + timedelta(days=1), *time)
    ends_at_hour = re.search(_TIME + "$", right) is not None
    return first[0], last[0] if ends_at_hour else last[1]


def _first(words: str, clock: Clock) -> Range | None:
    for rule in RULES:
        match = rule.pattern.fullmatch(words)
        if match and rule.meaning is not _between and (meant := rule.meaning(match, clock)) is not None:
            return meant
    return None


def _rule(
    pattern: str,
    meaning: Callable[[re.Match[str], Clock], Range | None],
    *,
    ahead: bool = False,
    alone: bool = True,
) -> Rule:
    return Rule(re.compile(pattern), meaning, ahead, alone)


_FUTURE_WORDS = _DAYWORD.replace(
    r"|yesterday|today|tomorrow|vorgestern|gestern|heute|übermorgen|uebermorgen|morgen",
    r"|tomorrow|übermorgen|uebermorgen|morgen",
).replace("the day before yesterday|day before yesterday|", "")
_PARTED = rf"(?: ?(?:(?:in the|at|am|in der) )?{_PART}|{_AT})?"
_SIMPLE = (
    _rule(rf"(?:{LAST}) {_COUNT} {_UNIT}", _back),
    _rule(rf"(?P<last>{LAST}) ?(?:(?P<count>\d{{1,4}}) ?)?{_UNIT}", _back),
    _rule(rf"{_COUNT} ?{_UNIT} ago", _ago),
    _rule(rf"vor {_COUNT} ?{_UNIT}", _ago),
    _rule(rf"(?:{NEXT}) (?:{_COUNT} ?)?{_UNIT}", _forward, ahead=True),
    _rule(
        rf"(?:within|innerhalb von|innerhalb|in) (?:the )?(?:{NEXT} )?{_COUNT} ?{_UNIT}", _forward, ahead=True
    ),
    _rule(rf"(?:{THIS}) {_WORD_UNIT}", _this),
    _rule(rf"{_FUTURE_WORDS}{_PARTED}", _dayword, ahead=True),
    _rule(rf"{_DAYWORD}{_PARTED}", _dayword),
    _rule(r"last night|letzte nacht|vergangene nacht|over night|overnight|über nacht", _night),
    _rule(rf"(?:this|diese[nr]?) {_PART}", _this_part),
    _rule(rf"(?:{LAST}) {_PART}", _last_part),
    _rule(r"tonight", _tonight, ahead=True),
    _rule(rf"(?P<which>{NEXT}) (?P<weekday>{ANY_WEEKDAY}){_PARTED}", _weekday, ahead=True),
    _rule(
        rf"(?:(?:on|am|vom) )?(?:the )?(?P<which>{LAST}|{THIS}) (?P<weekday>{ANY_WEEKDAY})"
        rf"{_PARTED}",
        _weekday,
    ),
    _rule(rf"(?:on|am) (?P<weekday>{ANY_WEEKDAY}){_PARTED}", _weekday),
    _rule(rf"(?P<weekday>{_LONG_WEEKDAY}){_PARTED}", _weekday),
    _rule(rf"(?P<weekday>{ANY_WEEKDAY}){_PARTED}", _weekday, alone=False),
    _rule(
        rf"(?:(?:on|over|at|am|übers) )?(?:the )?(?:(?P<which>{LAST}|{THIS}|{NEXT}) )?"
        r"(?:weekend|wochenende)",
        _weekend,
    ),
    _rule(rf"(?:(?:on|am|vom) )?(?:the )?{_DATE}{_PARTED}", _date),
    _rule(rf"(?:(?:in|im|last|this|letzten) )(?:monat )?{_MONTH}(?: (?P<year>\d{{4}}))?(?! \d)", _month),
    _rule(rf"(?P<month>{_LONG_MONTH})(?: (?P<year>\d{{4}}))?(?! \d)", _month),
    _rule(rf"{_MONTH}(?: (?P<year>\d{{4}}))?(?! \d)", _month, alone=False),
    _rule(r"(?:in )?q(?P<quarter>[1-4])(?: (?P<year>\d{4}))?", _quarter),
    _rule(r"(?:in|im jahr) (?P<year>20\d\d)", _year),
    _rule(r"(?P<year>20\d\d)", _year, alone=False),
    _rule(rf"(?:at |um )?{_TIME}", _hour),
    _rule(rf"(?P<count>\d{{1,4}}) ?{_UNIT}", _back),
    _rule(rf"(?:for |over )?{_COUNT} ?{_UNIT}", _back, alone=False),
)  # fmt: skip
_ANY = "|".join(unnamed(rule.pattern.pattern) for rule in _SIMPLE) + r"|\d{1,2}"
#: In order: the first that fits is meant. What is longer stands before what it begins with.
RULES: tuple[Rule, ...] = (
    _rule(
        rf"(?:(?P<on>{unnamed(_DAYWORD)}) )?(?:between|from|zwischen|von) (?:the )?(?P<left>{_ANY})"
        rf" ?(?:and|to|till|until|und|bis|-|–) ?"
        rf"(?:the )?(?P<right>{_ANY})",
        _between,
    ),
    *_SIMPLE,
)
