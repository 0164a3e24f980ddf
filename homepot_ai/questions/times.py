"""About when somebody asks: relative times in English and German, on the asker's clock.

    text ─► `spot`: where a time is said, and which kind ─► `period`, `since`, `ahead`: what it means

One grammar (:mod:`homepot_ai.questions.time_words`) finds and reads. Days begin at local midnight, whatever
daylight saving does to their length; hours and minutes are counted in elapsed time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from homepot_ai.errors import QuestionError
from homepot_ai.language.facts import Language
from homepot_ai.questions.time_meanings import Clock
from homepot_ai.questions.time_vocabulary import ANY_WEEKDAY, LAST
from homepot_ai.questions.time_words import RULES, Rule, lowered, unnamed
from homepot_ai.questions.types import Span
from homepot_ai.reporting.voice import Voice
from homepot_ai.text import NBSP, clean

Kind = Literal["period", "since", "ahead"]
#: Nothing is kept longer, and a span of a century would only be a slow question.
LONGEST = timedelta(days=3 * 366)
_LEADING = re.compile(
    r"^(?:(?:in|over|during|for|on|at|of|by|until|till|since|from|after|as of|the|über|ueber|während"
    r"|im|in den|in der|am|um|an|seit|ab|nach|bis|zum|der|den|dem|die|das) +)+"
)
_SINCE = r"(?:since|as of|starting|beginning|after|seit(?:dem)?|ab|nach)"
_ONWARDS = r"(?: +(?:on|onwards?|an))?"
_UNTIL = r"(?:until|till|by|before|up to|bis(?: +zu[mr]?)?)"


@dataclass(frozen=True)
class Said:
    """A time somewhere in a text.

    Attributes:
        start, end: offsets in the text; with `since` or `until` before it.
        words: the time alone.
        kind: `ahead` lies before us whatever the clock says (`next week`, `tomorrow`).
    """

    start: int
    end: int
    words: str
    kind: Kind


def spot(text: str) -> list[Said]:
    """Where a text says a time, from left to right.

    >>> [(said.words, said.kind) for said in spot("changes since yesterday 8am, and in the next 3 days?")]
    [('yesterday 8am', 'since'), ('next 3 days', 'ahead')]
    """
    plain = lowered(text)
    found = []
    position = 0
    while match := _finder().search(plain, position):
        group = str(match.lastgroup)
        words = text[match.start(group) : match.end(group)]
        kind: Kind = "since" if group in ("since", "from") else "ahead" if group == "until" else "period"
        if group in ("span", "range") and any(
            rule.ahead and rule.pattern.fullmatch(lowered(words)) for rule in RULES
        ):
            kind = "ahead"
        found.append(Said(match.start(), match.end(), words, kind))
        position = match.end()
    return found


def period(words: str, now: datetime, timezone: str, language: Language = "en") -> Span:
    """The stretch of time that words mean; `today` ends at midnight, not now.

    Args:
        now: aware; timezone: IANA name of the asker's zone.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> period("yesterday morning", noon, "Europe/Berlin").words.replace(NBSP, " ")
    'Thu 19 Nov 06:00 to 12:00, Europe/Berlin'

    Raises:
        QuestionError: they say no time.
    """
    start, end = _read(words, _clock(now, timezone))
    return _span(start, end, now, timezone, language)


def since(words: str, now: datetime, timezone: str, language: Language = "en") -> Span:
    """From the moment that words mean until now.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> since("Monday 8am", noon, "Europe/Berlin").start.isoformat()
    '2026-11-16T07:00:00+00:00'

    Raises:
        QuestionError: they say no time, or one that is yet to come.
    """
    clock = _clock(now, timezone)
    start, _ = _read(words, clock, moment=True)
    if start >= now:
        raise QuestionError(f"{clean(words, 60)!r} is yet to come: since when, in the past?")
    return _span(start, now, now, timezone, language)


def past(words: str, now: datetime, timezone: str, language: Language = "en") -> Span:
    """As `period`, but what has not happened yet is cut off.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> past("today", noon, "UTC").end == noon
    True

    Raises:
        QuestionError: they say no time, or one that is yet to come.
    """
    found = period(words, now, timezone, language)
    if found.start >= now:
        raise QuestionError(f"{clean(words, 60)!r} is yet to come: ask about a time that has passed")
    return found if found.end <= now else _span(found.start, now, now, timezone, language)


def ahead(words: str, now: datetime, timezone: str) -> int:
    """Hours from now to the end of what words mean, at least 1.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> ahead("next 7 days", noon, "UTC"), ahead("7 days", noon, "UTC"), ahead("tomorrow", noon, "UTC")
    (168, 168, 36)

    Raises:
        QuestionError: they say no time, or one that has passed.
    """
    start, end = _read(words, _clock(now, timezone))
    if end <= now:
        plain = _LEADING.sub("", _plain(words))
        # A bare length (`7 days`) or day (`until Friday`) reads as the past where nothing says otherwise.
        if end == now and not re.match(LAST, plain):
            end = now + (now - start)
        elif re.match(ANY_WEEKDAY, plain):
            end += timedelta(days=7)
        else:
            raise QuestionError(f"{clean(words, 60)!r} has passed: ask about a time to come")
    return max(1, math.ceil((end - now) / timedelta(hours=1)))


def _span(start: datetime, end: datetime, now: datetime, timezone: str, language: Language) -> Span:
    return Span(start, end, shown(start, end, now, timezone, language))


def shown(start: datetime, end: datetime, now: datetime, timezone: str, language: Language = "en") -> str:
    """A stretch of time as it is printed: on the clock of a zone, which is named.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> shown(noon - timedelta(hours=12), noon + timedelta(hours=12), noon, "UTC").replace(NBSP, " ")
    'Fri 20 Nov, UTC'
    """
    zone = ZoneInfo(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    voice = Voice(language, timezone)
    to = " bis " if language == "de" else " to "

    def day(moment: datetime) -> str:
        year = "" if moment.year == now.astimezone(zone).year else f"{NBSP}{moment.year}"
        return voice.day(moment.date(), "short") + year

    if first.time() == last.time() == datetime.min.time():
        before = last - timedelta(hours=12)
        text = day(first) if first.date() == before.date() else f"{day(first)}{to}{day(before)}"
    elif first.date() == last.date():
        text = f"{day(first)} {first:%H:%M}{to}{last:%H:%M}"
    else:
        text = f"{day(first)} {first:%H:%M}{to}{day(last)} {last:%H:%M}"
    return f"{text}, {timezone}"


def until(moment: datetime, now: datetime, timezone: str, language: Language = "en") -> str:
    """A moment as it is printed: the end of a stretch of time.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> until(noon + timedelta(days=7), noon, "UTC").replace(NBSP, " ")
    'Fri 27 Nov 12:00, UTC'
    """
    there = moment.astimezone(ZoneInfo(timezone))
    year = "" if there.year == now.astimezone(ZoneInfo(timezone)).year else f"{NBSP}{there.year}"
    return f"{Voice(language, timezone).day(there.date(), 'short')}{year} {there:%H:%M}, {timezone}"


def _clock(now: datetime, timezone: str) -> Clock:
    return Clock(now.astimezone(ZoneInfo(timezone)))


def _plain(words: str) -> str:
    plain = " ".join(lowered(words).split()).strip(" ?!,;")
    # The dot of `3.11.` belongs to it, that of a sentence does not.
    return plain if re.search(r"\d\.\d{1,2}\.$", plain) else plain.rstrip(".")


def _read(words: str, clock: Clock, *, moment: bool = False) -> tuple[datetime, datetime]:
    """Start and end in UTC. `moment`: a bare number is an hour (`since 8`)."""
    said, bare = _plain(words), _LEADING.sub("", _plain(words))
    now = clock.now.astimezone(UTC)
    if moment and re.fullmatch(r"\d{1,2}", bare):
        bare += ":00"
    try:
        # `in 3 days` lies ahead; only what makes no sense with its preposition is read without.
        found = (
            next(_meanings(said, clock), None)
            or next(_meanings(bare, clock), None)
            or _by_library(words, clock)
        )
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise QuestionError(
            f"{clean(words, 60)!r} is no time that is understood; write for example 'yesterday', "
            "'last 7 days', 'since Monday 8am', '2026-11-20'"
        )
    start, end = (edge.astimezone(UTC) for edge in found)
    if not start < end:
        raise QuestionError(f"{clean(words, 60)!r} ends before it begins")
    if start < now - LONGEST or end > now + LONGEST:
        raise QuestionError(f"{clean(words, 60)!r} is further away than anything that is kept: three years")
    return start, end


def _meanings(plain: str, clock: Clock) -> Iterator[tuple[datetime, datetime]]:
    for rule in RULES:
        match = rule.pattern.fullmatch(plain)
        if match and (meant := rule.meaning(match, clock)) is not None:
            yield meant


def _by_library(words: str, clock: Clock) -> tuple[datetime, datetime] | None:
    """What the grammar does not know and dateparser does; a date without an hour is its whole day."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dateparser

        parsed = dateparser.parse(
            words[:60],
            languages=["en", "de"],
            settings={
                "RELATIVE_BASE": clock.now.replace(tzinfo=None),
                "PREFER_DATES_FROM": "past",
                "DATE_ORDER": "DMY",
                "REQUIRE_PARTS": ["day", "month"],
            },
        )
    if parsed is None:
        return None
    start = parsed.replace(tzinfo=clock.now.tzinfo)
    if parsed.time() in (datetime.min.time(), clock.now.time()):
        return clock.whole(start.date())
    return start, start + timedelta(hours=1)


@lru_cache(maxsize=1)
def _finder() -> re.Pattern[str]:
    """Every rule as one pattern; the longest is tried first at each place."""

    def any_of(rules: list[Rule]) -> str:
        return "|".join(unnamed(rule.pattern.pattern) for rule in rules)

    between, *simple = RULES
    alone = any_of([rule for rule in simple if rule.alone])
    every = any_of(simple)
    hour = r"\d{1,2}(?= *(?:$|[?.!,]))"
    return re.compile(
        rf"(?<![\w.#-])(?:(?P<range>{unnamed(between.pattern.pattern)})"
        rf"|(?<!look )(?<!looking ){_SINCE} +(?:the +|dem +|der +|den +)?(?P<since>{every}|{hour}){_ONWARDS}"
        rf"|from +(?:the +)?(?P<from>{every}|{hour}) +(?:on|onwards?)"
        rf"|{_UNTIL} +(?:the +|next +)?(?P<until>{every})"
        rf"|(?P<span>{alone}))(?![\w-])"
    )
