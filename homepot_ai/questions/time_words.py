"""The grammar of times in English and German: patterns, and what each means on a clock.

Patterns are written in lower case; they find a time within a text and read it alone. A meaning is a start and
an end, aware; None: this rule does not fit after all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from homepot_ai.questions import time_meanings as meanings
from homepot_ai.questions.time_meanings import Clock, Range
from homepot_ai.questions.time_vocabulary import (
    ANY_WEEKDAY,
    AT,
    COUNT,
    DATE,
    DAYWORD,
    LAST,
    LONG_MONTH,
    LONG_WEEKDAY,
    MONTH,
    NEXT,
    PART,
    THIS,
    TIME,
    UNIT,
    WORD_UNIT,
)


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
    clocked = re.fullmatch(TIME, right) is not None
    if clocked:  # `yesterday 8am to 10am`: the second is of the same day
        time = meanings.clock_time(right)
        if time is None:
            return None
        day = first[0].astimezone(clock.now.tzinfo).date()
        end = clock.at(day, *time)
        return first[0], end if end > first[0] else clock.at(day + timedelta(days=1), *time)
    ends_at_hour = re.search(TIME + "$", right) is not None
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


_FUTURE_WORDS = DAYWORD.replace(
    r"|yesterday|today|tomorrow|vorgestern|gestern|heute|übermorgen|uebermorgen|morgen",
    r"|tomorrow|übermorgen|uebermorgen|morgen",
).replace("the day before yesterday|day before yesterday|", "")
_PARTED = rf"(?: ?(?:(?:in the|at|am|in der) )?{PART}|{AT})?"
_SIMPLE = (
    _rule(rf"(?:{LAST}) {COUNT} {UNIT}", meanings.back),
    _rule(rf"(?P<last>{LAST}) ?(?:(?P<count>\d{{1,4}}) ?)?{UNIT}", meanings.back),
    _rule(rf"{COUNT} ?{UNIT} ago", meanings.ago),
    _rule(rf"vor {COUNT} ?{UNIT}", meanings.ago),
    _rule(rf"(?:{NEXT}) (?:{COUNT} ?)?{UNIT}", meanings.forward, ahead=True),
    _rule(
        rf"(?:within|innerhalb von|innerhalb|in) (?:the )?(?:{NEXT} )?{COUNT} ?{UNIT}",
        meanings.forward,
        ahead=True,
    ),
    _rule(rf"(?:{THIS}) {WORD_UNIT}", meanings.current),
    _rule(rf"{_FUTURE_WORDS}{_PARTED}", meanings.dayword, ahead=True),
    _rule(rf"{DAYWORD}{_PARTED}", meanings.dayword),
    _rule(r"last night|letzte nacht|vergangene nacht|over night|overnight|über nacht", meanings.last_night),
    _rule(rf"(?:this|diese[nr]?) {PART}", meanings.this_part),
    _rule(rf"(?:{LAST}) {PART}", meanings.last_part),
    _rule(r"tonight", meanings.tonight, ahead=True),
    _rule(rf"(?P<which>{NEXT}) (?P<weekday>{ANY_WEEKDAY}){_PARTED}", meanings.on_weekday, ahead=True),
    _rule(
        rf"(?:(?:on|am|vom) )?(?:the )?(?P<which>{LAST}|{THIS}) (?P<weekday>{ANY_WEEKDAY})"
        rf"{_PARTED}",
        meanings.on_weekday,
    ),
    _rule(rf"(?:on|am) (?P<weekday>{ANY_WEEKDAY}){_PARTED}", meanings.on_weekday),
    _rule(rf"(?P<weekday>{LONG_WEEKDAY}){_PARTED}", meanings.on_weekday),
    _rule(rf"(?P<weekday>{ANY_WEEKDAY}){_PARTED}", meanings.on_weekday, alone=False),
    _rule(
        rf"(?:(?:on|over|at|am|übers) )?(?:the )?(?:(?P<which>{LAST}|{THIS}|{NEXT}) )?"
        r"(?:weekend|wochenende)",
        meanings.weekend,
    ),
    _rule(rf"(?:(?:on|am|vom) )?(?:the )?{DATE}{_PARTED}", meanings.on_date),
    _rule(
        rf"(?:(?:in|im|last|this|letzten) )(?:monat )?{MONTH}(?: (?P<year>\d{{4}}))?(?! \d)",
        meanings.in_month,
    ),
    _rule(rf"(?P<month>{LONG_MONTH})(?: (?P<year>\d{{4}}))?(?! \d)", meanings.in_month),
    _rule(rf"{MONTH}(?: (?P<year>\d{{4}}))?(?! \d)", meanings.in_month, alone=False),
    _rule(r"(?:in )?q(?P<quarter>[1-4])(?: (?P<year>\d{4}))?", meanings.in_quarter),
    _rule(r"(?:in|im jahr) (?P<year>20\d\d)", meanings.in_year),
    _rule(r"(?P<year>20\d\d)", meanings.in_year, alone=False),
    _rule(rf"(?:at |um )?{TIME}", meanings.at_hour),
    _rule(rf"(?P<count>\d{{1,4}}) ?{UNIT}", meanings.back),
    _rule(rf"(?:for |over )?{COUNT} ?{UNIT}", meanings.back, alone=False),
)  # fmt: skip
_ANY = "|".join(unnamed(rule.pattern.pattern) for rule in _SIMPLE) + r"|\d{1,2}"
#: In order: the first that fits is meant. What is longer stands before what it begins with.
RULES: tuple[Rule, ...] = (
    _rule(
        rf"(?:(?P<on>{unnamed(DAYWORD)}) )?(?:between|from|zwischen|von) (?:the )?(?P<left>{_ANY})"
        rf" ?(?:and|to|till|until|und|bis|-|–) ?"
        rf"(?:the )?(?P<right>{_ANY})",
        _between,
    ),
    *_SIMPLE,
)
