"""Stretches of time with a number, `in the last 7 days`: where they stand so in the period of a fact."""

from __future__ import annotations

import re
from functools import lru_cache

from homepot_ai.language.words import Words, words_of


@lru_cache(maxsize=8)
def _pattern(language: str) -> re.Pattern[str]:
    words = words_of("de" if language == "de" else "en")
    way, unit = ("|".join(sorted(told, key=len, reverse=True)) for told in (words.ways, words.lengths))
    return re.compile(rf"(?<![^\W_])({way})\s+([1-9][0-9]{{0,2}})\s?({unit})(?![^\W_]|')", re.IGNORECASE)


def spelled(text: str, words: Words) -> str:
    """With one space between number and unit, and the unit written out."""
    return _pattern(words.language).sub(
        lambda found: f"{found[1]} {found[2]} {words.lengths[found[3].lower()]}", text
    )


def without(text: str, words: Words) -> str:
    """Without the numbers of such stretches: any digit that is left is none of a period's.

    >>> without("up {f1} in the last 7 days", words_of("en")), without("in 7 days", words_of("en"))
    ('up {f1} in the last days', 'in 7 days')
    """
    return _pattern(words.language).sub(lambda found: f"{found[1]} {found[3]}", text)


def span(way: str, number: str, unit: str, words: Words) -> str:
    """A stretch in the form in which two are compared; "" where it is none."""
    direction, length = words.ways.get(way.lower(), ""), words.lengths.get(unit.lower(), "")
    return f"{direction} {number} {length}" if direction and length else ""


def stretches(period: str, words: Words) -> frozenset[str]:
    """Those of a fact's period.

    >>> stretches("last 24 h", words_of("en")) == stretches("past 24 hours", words_of("en"))
    True
    """
    return _stretches(period, words.language)


@lru_cache(maxsize=2048)
def _stretches(period: str, language: str) -> frozenset[str]:
    words = words_of("de" if language == "de" else "en")
    return frozenset(
        span(way, number, unit, words) for way, number, unit in _pattern(language).findall(period)
    )
