"""What a text speaks of: parts, faults and causes, found by the field's own words in several languages.

An embedding hears the tone of a sentence; that *disk full of logs* and *disk dying* are two causes is
something that a word list knows better. Both are asked (`matching.py`).

Formula: |A ∩ B| / |A ∪ B| over the concepts of two texts, by section, each concept weighted by how rare it
is in the field (`RARE`: 1; the few that nearly every incident mentions count less).
When it does not work: a text of which no word is known has no concepts, and nothing is said then (0).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

Section = Literal["part", "fault", "cause", "remedy"]
SECTIONS: tuple[Section, ...] = ("part", "fault", "cause", "remedy")
#: Read of a text at most: what a person writes about an incident is shorter.
READ_CHARACTERS = 4000


@dataclass(frozen=True)
class Concepts:
    """The concepts of one text, by section."""

    part: frozenset[str]
    fault: frozenset[str]
    cause: frozenset[str]
    remedy: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """What is wrong with what and why; what was done about it is left out."""
        return self.part | self.fault | self.cause


def fold(text: str) -> str:
    """Lower case without accents, so that *Lüfter* and *lufter* are one word.

    >>> fold("Lüfter défectueux, Straße")
    'lufter defectueux, strasse'
    """
    decomposed = unicodedata.normalize("NFKD", text[:READ_CHARACTERS].casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(plain.split())


@lru_cache(maxsize=8192)
def concepts(text: str) -> Concepts:
    """What a text speaks of.

    >>> found = concepts("Bondrucker Papierstau, Messer klemmt")
    >>> sorted(found.part), sorted(found.fault)
    (['paper', 'printer'], ['blocked'])
    """
    folded = fold(text)
    found: dict[str, set[str]] = {section: set() for section in SECTIONS}
    for section, name, word, pattern in _lexicon():
        # The plain look for the letters is fifty times as fast as the expression, and nearly always says no.
        if word in folded and name not in found[section] and pattern.search(folded):
            found[section].add(name)
    return Concepts(*(frozenset(found[section]) for section in SECTIONS))


def overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared concepts over all of both, 0 to 1; 0 where neither has any.

    >>> overlap(frozenset({"disk", "full"}), frozenset({"disk", "broken"}))
    0.3333333333333333
    """
    union = a | b
    return len(a & b) / len(union) if union else 0.0


@lru_cache(maxsize=1)
def _lexicon() -> tuple[tuple[Section, str, str, re.Pattern[str]], ...]:
    text = files("homepot_ai.memory").joinpath("concepts.txt").read_text(encoding="utf-8")
    return tuple(
        (section, name, word.strip("-"), re.compile(_pattern(word)))
        for section, entries in parse(text).items()
        for name, words in entries.items()
        for word in words
    )


def parse(text: str) -> Mapping[Section, Mapping[str, tuple[str, ...]]]:
    """The lexicon's file: sections, concepts, words.

    Raises:
        ValueError: naming the line that is none, or the concept that is there twice.
    """
    found: dict[Section, dict[str, tuple[str, ...]]] = {section: {} for section in SECTIONS}
    section: Section | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        if line.startswith("["):
            name = line.strip("[]")
            section = next((known for known in SECTIONS if known == name), None)
            if section is None:
                raise ValueError(f"line {number}: there is no section {name!r}, only {', '.join(SECTIONS)}")
            continue
        concept, colon, words = line.partition(":")
        if section is None or not colon:
            raise ValueError(f"line {number} is neither a section nor `concept: words`: {line!r}")
        if concept in found[section]:
            raise ValueError(f"line {number}: the concept {concept!r} is there twice")
        found[section][concept] = tuple(word for item in words.split(",") if (word := fold(item.strip())))
    return found


def _pattern(word: str) -> str:
    front = "" if word.startswith("-") else r"(?<!\w)"
    back = "" if word.endswith("-") else r"(?!\w)"
    return front + re.escape(word.strip("-")) + back
