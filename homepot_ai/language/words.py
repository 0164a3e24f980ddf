"""The words of a language that a claim may use, by what they assert: data in `templates/language/*.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from homepot_ai.errors import LanguageError
from homepot_ai.language.facts import Language
from homepot_ai.settings import project_home

_SETS = (
    "function", "up", "down", "better", "worse", "flat", "change", "highest", "lowest", "best", "worst",
    "all", "none", "not", "kept", "cause", "effect", "may", "state", "time", "future", "compare", "than",
    "pronoun", "split", "refused_number", "refused_quantity", "refused_advice", "refused_judgement",
    "refused_time", "refused_doubt", "generic", "qualifier", "above", "below", "present", "capital",
    "now_period", "past_period", "future_fact", "starts", "ends", "by", "to", "from", "of", "since", "until",
    "has", "article", "good_up", "possessive", "past_tense", "ever", "agent", "as", "everywhere", "lasting",
    "noun", "with", "unit", "within", "grounds", "turning", "statistic", "refused_cause", "condition",
    "copula", "link", "good_state", "verb",
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """A language's words.

    Attributes:
        sets: of words or stems, by what they assert (`up`, `all`, `cause` …).
        synonyms: stem to the representative of its group.
        phrases: several words that mean one: longest first.
        kinds: nouns by the kind of subject that they stand for.
        measured_as: adjective to the metrics that it tells a level of (`86 % full`).
        opposite: word to its counterparts: a state that a fact denies.
        ways, lengths: last and next, hours and days as a period may have them with a number, by every form.
        prompt, notes: what a model is told; what became of its call, in a clause.
    """

    language: Language
    letters: re.Pattern[str]
    endings: tuple[str, ...]
    sets: Mapping[str, frozenset[str]]
    synonyms: Mapping[str, str]
    phrases: tuple[tuple[tuple[str, ...], str], ...]
    kinds: Mapping[str, frozenset[str]]
    measured_as: Mapping[str, frozenset[str]]
    periods: Mapping[str, frozenset[str]]
    ways: Mapping[str, str]
    lengths: Mapping[str, str]
    prompt: Mapping[str, Any]
    notes: Mapping[str, str]

    def stem(self, word: str) -> str:
        """What a word is compared by: lower case, without its ending, the representative of its group.

        >>> words_of("en").stem("Devices"), words_of("en").stem("RAM"), words_of("de").stem("Geräten")
        ('device', 'memory', 'gerät')
        """
        lower = word.lower()
        if lower in self.synonyms:
            return self.synonyms[lower]
        bare = self._bare(lower)
        return self.synonyms.get(bare, bare)

    def _bare(self, lower: str) -> str:
        return bare(lower, self.endings)

    def among(self, word: str, *names: str) -> bool:
        """Whether a word (lower case) is in one of the sets."""
        return any(word in self.sets[name] for name in names)

    def stem_set(self, *names: str) -> frozenset[str]:
        """Stems of the words in some sets."""
        return _stem_set(self.language, names)

    def kinds_flat(self) -> frozenset[str]:
        """Every noun for a kind of subject."""
        return frozenset().union(*self.kinds.values())

    def join(self, words: list[str]) -> list[str]:
        """Phrases made one word.

        >>> words_of("en").join(["sends", "no", "data"])
        ['sends', 'nodata']
        """
        joined: list[str] = []
        at = 0
        while at < len(words):
            for phrase, one in self.phrases:
                if tuple(words[at : at + len(phrase)]) == phrase:
                    joined.append(one)
                    at += len(phrase)
                    break
            else:
                joined.append(words[at])
                at += 1
        return joined

    def stems(self, text: str) -> frozenset[str]:
        """Of a fact's own words (its metric, its state)."""
        found = re.findall(r"[^\W\d_]+", text.lower())
        return frozenset(self.stem(word) for word in self.join(found))


@lru_cache(maxsize=256)
def _stem_set(language: Language, names: tuple[str, ...]) -> frozenset[str]:
    words = words_of(language)
    return frozenset(words.stem(word) for name in names for word in words.sets[name])


def bare(lower: str, endings: Iterable[str]) -> str:
    """Without the first ending that fits and leaves three letters or more."""
    for ending in endings:
        cut, _, put = ending.partition(">")
        if lower.endswith(cut) and len(lower) - len(cut) >= 3:
            return lower[: len(lower) - len(cut)] + put
    return lower


@lru_cache(maxsize=4)
def words_of(language: Language, home: Path | None = None) -> Words:
    """The words of a language.

    Raises:
        LanguageError: the file is missing or not what is expected.
    """
    file = (home or project_home()) / "templates" / "language" / f"{language}.yaml"
    try:
        read: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        return _words(language, read)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise LanguageError(
            f"the words of the language {language!r} cannot be read ({error}): look at {file}"
        ) from error


def _words(language: Language, read: dict[str, Any]) -> Words:
    endings = tuple(read["endings"])
    synonyms: dict[str, str] = {}
    for group in read["synonyms"]:
        first, *_ = members = str(group).split()
        for member in members:
            synonyms[member] = first
            synonyms.setdefault(bare(member, endings), first)
    sets = {name: frozenset(str(read["sets"].get(name) or "").split()) for name in _SETS}
    unknown = set(read["sets"]) - set(_SETS)
    if unknown:
        raise KeyError(f"unknown sets: {', '.join(sorted(unknown))}")
    phrases = sorted(
        ((tuple(str(phrase).split()), str(one)) for one, many in read["phrases"].items() for phrase in many),
        key=lambda pair: -len(pair[0]),
    )
    return Words(
        language,
        re.compile(read["letters"]),
        endings,
        sets,
        synonyms,
        tuple(phrases),
        {kind: frozenset(str(nouns).split()) for kind, nouns in read["kinds"].items()},
        {word: frozenset(str(metrics).split()) for word, metrics in read["measured_as"].items()},
        {pattern: frozenset(str(words).split()) for pattern, words in read["periods"].items()},
        _forms(read["ways"]),
        _forms(read["lengths"]),
        read["prompt"],
        read["notes"],
    )


def _forms(groups: Iterable[str]) -> dict[str, str]:
    """Every member of a group to its first."""
    return {member: str(group).split()[0] for group in groups for member in str(group).split()}
