"""Which of many names was meant: by its letters, its words, words like them, or nearly its letters. Pure.

Numbers in a name are never guessed: "POS 3" is nobody else's "POS 13".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rapidfuzz import fuzz, process

from homepot_ai.errors import QuestionError
from homepot_ai.settings import project_home

#: Nearly the letters: how alike at least, and by how much the best must lead to be taken alone.
NEARLY, MARGIN = 80.0, 6.0
#: What is offered where nothing is near enough to be taken.
REMINDS = 60.0
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_SMALL = str.maketrans({"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "ø": "o", "æ": "ae", "å": "a"})


class Alike(BaseModel):
    """Words for the same kind of thing.

    Attributes:
        words: parts of devices' names.
        loose: of these, what people say without meaning a name: it stands for the others, in small letters.
        german: the same in German, where every noun has a capital.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: tuple[str, ...]
    loose: tuple[str, ...] = ()
    german: tuple[str, ...] = ()


class Synonyms(BaseModel):
    """Words that people use, as `templates/questions/synonyms.yaml` says them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics: Mapping[str, tuple[str, ...]]
    types: Mapping[str, tuple[str, ...]]
    severity: Mapping[str, tuple[str, ...]]
    category: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[str, ...]]
    alike: tuple[Alike, ...]
    fillers: Annotated[tuple[str, ...], Field(min_length=1)]


def synonyms() -> Synonyms:
    """The words, read once."""
    return _read(project_home() / "templates" / "questions" / "synonyms.yaml")


@lru_cache(maxsize=4)
def _read(file: Path) -> Synonyms:
    try:
        return Synonyms.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise QuestionError(f"the synonyms cannot be read: {error}") from error


@lru_cache(maxsize=200_000)
def fold(text: str) -> tuple[str, ...]:
    """A name's words and numbers as they are compared: no case, accents, marks or leading zeros.

    >>> fold("POS-03"), fold("Kühlraum\\u202e 2")
    (('pos', '3'), ('kuehlraum', '2'))
    """
    plain = unicodedata.normalize("NFKC", text[:200]).casefold().translate(_SMALL)
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if unicodedata.category(c)[0] not in "MC")
    return tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in _PARTS.findall(plain))


def meaning(words: str, known: Mapping[str, Iterable[str]]) -> str | None:
    """Which of some keys is meant by words; plurals and small slips are taken as well.

    >>> meaning("Temps", {"temperature_celsius": ("temp", "heat"), "disk_percent": ("disk",)})
    'temperature_celsius'
    >>> meaning("colour", {"disk_percent": ("disk",)}) is None
    True
    """
    said = tuple(word for word in fold(words) if word not in _fillers()) or fold(words)
    if not said:
        return None
    table = {fold(word): key for key, others in known.items() for word in (key, *others)}
    for tried in (said, tuple(_singular(word) for word in said)):
        if tried in table:
            return table[tried]
    singular = {tuple(_singular(word) for word in words): key for words, key in table.items()}
    tried = tuple(_singular(word) for word in said)
    if tried in singular:
        return singular[tried]
    # "the cpu temperature of it": the longest synonym that stands in it as a whole.
    inside = [words for words in table if len(words) <= len(said) and set(words) <= set(said)]
    if inside:
        best = max(inside, key=lambda words: (len(words), said.index(words[-1])))
        return table[best]
    letters = " ".join(said)
    close = process.extract(
        letters, [" ".join(words) for words in table], scorer=fuzz.ratio, limit=2, score_cutoff=NEARLY
    )
    return table[tuple(close[0][0].split())] if close and len(letters) > 3 else None


def number(words: str) -> int | None:
    """A small number said in digits or words.

    >>> number("top 3"), number("zwei"), number("many")
    (3, 2, None)
    """
    parts = fold(words)
    digits = [part for part in parts if part.isdecimal()]
    if digits:
        return int(digits[0][:6])
    told = {fold(word): int(key) for key, others in synonyms().numbers.items() for word in others}
    return next((told[part,] for part in parts if (part,) in told), None)


@dataclass(frozen=True)
class Entry:
    """Something with a name.

    Attributes:
        id: HOMEPOT's number; public: the id that people see.
        place: name of where it is; "" where that says nothing.
    """

    id: int
    public: str
    name: str
    place: str = ""


class Index:
    """Names that are looked for often, folded once.

    >>> index = Index([Entry(1, "D-1", "POS 3", "Berlin"), Entry(2, "D-2", "POS 13", "Berlin"),
    ...                Entry(3, "D-3", "POS 3", "Hamburg")])
    >>> [entry.id for entry in index.find("pos 13")], [entry.id for entry in index.find("pos-03")]
    ([2], [1, 3])
    >>> [entry.id for entry in index.find("till 3 in hamburg")]
    [3]
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Fold every name."""
        self.entries = tuple(entries)
        self._public = {entry.public.casefold(): entry for entry in entries}
        self._ids = {entry.id: entry for entry in entries}
        self._names: dict[str, list[Entry]] = {}
        self._folded: dict[tuple[str, ...], list[Entry]] = {}
        self._holding: dict[str, set[int]] = {}
        for place, entry in enumerate(self.entries):
            self._names.setdefault(entry.name.strip().casefold(), []).append(entry)
            self._folded.setdefault(fold(entry.name), []).append(entry)
            for word in {*fold(entry.name), *fold(entry.place), *fold(entry.public)}:
                self._holding.setdefault(word, set()).add(place)

    def one(self, id: int) -> Entry | None:
        """By HOMEPOT's number."""
        return self._ids.get(id)

    def find(self, said: str, among: Callable[[Entry], bool] | None = None) -> list[Entry]:
        """What is meant; several where it could be each of them; none where it is nobody.

        Args:
            among: only these (of a site, say).
        """
        told = said.strip().strip("\"'“”„‘’«»`").strip()
        for found in self._steps(told):
            kept = [entry for entry in found if among is None or among(entry)]
            if kept:
                return kept
        return []

    def spelled(self, said: str) -> list[Entry]:
        """Names a part of which is nearly what was said: as another language spells it.

        >>> index = Index([Entry(1, "S-1", "Singapore Orchard Road"), Entry(2, "S-2", "Berlin")])
        >>> [entry.id for entry in index.spelled("Singapur")]
        [1]
        """
        bare = [word for word in fold(said) if word not in _fillers()]
        if not bare or not all(word.isdecimal() or len(word) > 4 for word in bare):
            return []

        def is_in(word: str, name: Collection[str]) -> bool:
            return word in name or (
                not word.isdecimal() and any(fuzz.ratio(word, one) >= NEARLY for one in name)
            )

        return [entry for entry in self.entries if all(is_in(word, fold(entry.name)) for word in bare)]

    def near(self, said: str, among: Callable[[Entry], bool] | None = None, limit: int = 5) -> list[Entry]:
        """Names that remind of what was said, the most alike first."""
        pool = [entry for entry in self.entries if among is None or among(entry)]
        alike = [entry for other in _alike(fold(said)) for entry in self._folded.get(other, [])]
        first = [entry for entry in alike if among is None or among(entry)]
        hits = process.extract(
            " ".join(fold(said)), [" ".join(fold(entry.name)) for entry in pool], scorer=fuzz.WRatio,
            limit=limit, score_cutoff=REMINDS,
        )  # fmt: skip
        kept = {entry.id: entry for entry in (*first, *(pool[place] for _, _, place in hits))}
        return list(kept.values())[:limit]

    def _steps(self, said: str) -> Iterable[list[Entry]]:
        """From what is certain to what is likely; each step is taken where those before found nothing."""
        yield [entry] if (entry := self._public.get(said.casefold())) else []
        yield self._names.get(said.casefold(), [])
        words = fold(said)
        yield self._folded.get(words, [])
        bare = tuple(word for word in words if word not in _fillers())
        if not bare:
            return
        yield self._folded.get(bare, [])
        if len(bare) == 1 and bare[0].isdecimal():
            yield [entry] if (entry := self._ids.get(int(bare[0][:9]))) else []
        yield self._holding_all(bare)
        # "till 4" may be Checkout 4 or Register 4: which of them is for who asks to say.
        others = _alike(bare, _loose_in(said))
        yield [entry for other in others for entry in self._folded.get(other, [])]
        held = [entry for other in others for entry in self._holding_all(other)]
        yield list({entry.id: entry for entry in held}.values())
        yield self._nearly(bare)

    def _holding_all(self, words: Sequence[str]) -> list[Entry]:
        """Names that hold all these words, in themselves or in where they are; a whole name first."""
        sets = [self._holding.get(word, set()) for word in words]
        places = set.intersection(*sets) if sets else set()
        found = [self.entries[place] for place in sorted(places)]
        # "Berlin" is in every name of Berlin's: at least one word must be of the name itself.
        found = [entry for entry in found if set(words) & {*fold(entry.name), *fold(entry.public)}]
        found = [entry for entry in found if _same_numbers(entry, words)]
        exact = [entry for entry in found if set(fold(entry.name)) <= set(words)]
        return exact or found

    def _nearly(self, words: Sequence[str]) -> list[Entry]:
        numbers = sorted(word for word in words if word.isdecimal() or len(word) == 1)
        letters = [word for word in words if word not in numbers]
        if not letters:
            return []
        pool = [
            folded for folded in self._folded
            if sorted(word for word in folded if word.isdecimal() or len(word) == 1) == numbers
        ]  # fmt: skip
        hits = process.extract(
            " ".join(words), [" ".join(folded) for folded in pool], scorer=fuzz.token_sort_ratio, limit=10,
            score_cutoff=NEARLY,
        )  # fmt: skip
        if not hits:
            return []
        best = hits[0][1]
        return [
            entry for _, score, place in hits if score > best - MARGIN for entry in self._folded[pool[place]]
        ]


def _same_numbers(entry: Entry, words: Sequence[str]) -> bool:
    """Whether a name's own numbers were said: `Register 2` with the id DEVICE-4 is nobody's Register 4."""
    said = {word for word in words if word.isdecimal()}
    named = {word for word in fold(entry.name) if word.isdecimal()}
    public = set(fold(entry.public)) <= set(words)
    return not said or public or ((not named or bool(said & named)) and said <= {*named, *fold(entry.place)})


def _alike(words: Sequence[str], loose: Collection[str] | None = None) -> list[tuple[str, ...]]:
    """The words with one of them in another's place that means the same.

    Args:
        loose: those that may be replaced; None: any, to remind of what is there.

    >>> ("pos", "3") in _alike(("till", "3"), {"till"}), _alike(("register", "3"), {"till"})
    (True, [])
    """
    found: list[tuple[str, ...]] = []
    for place, word in enumerate(words):
        if loose is not None and word not in loose:
            continue
        for group, *_ in _groups():
            if word in group or _singular(word) in group:
                found += [(*words[:place], other, *words[place + 1 :]) for other in group if other != word]
    return list(dict.fromkeys(found))


def _loose_in(said: str) -> frozenset[str]:
    """Words that were said for a kind of device; `Till 4` has the form of a name, `till 4` and `Kasse 4` not.

    >>> sorted(_loose_in("till 4")), sorted(_loose_in("Till 4")), sorted(_loose_in("Kasse 4"))
    (['till'], [], ['kasse'])
    """
    small = {part for word in said.split() if not word[:1].isupper() for part in fold(word)}
    every = set(fold(said))
    found: set[str] = set()
    for _, loose, german in _groups():
        found |= {word for word in small if word in loose or _singular(word) in loose}
        found |= {word for word in every if word in german or _singular(word) in german}
    return frozenset(found)


@lru_cache(maxsize=1)
def _groups() -> tuple[tuple[tuple[str, ...], frozenset[str], frozenset[str]], ...]:
    def folded(words: Iterable[str]) -> list[str]:
        return [" ".join(fold(word)) for word in words]

    return tuple(
        (tuple(folded(one.words)), frozenset(folded(one.loose)), frozenset(folded(one.german)))
        for one in synonyms().alike
    )


@lru_cache(maxsize=1)
def _fillers() -> frozenset[str]:
    return frozenset(part for word in synonyms().fillers for part in fold(word))


def _singular(word: str) -> str:
    """Without the plural's end, English or German; only to be compared with others treated alike."""
    for end in ("en", "es", "s", "n", "e"):
        if len(word) > len(end) + 2 and word.endswith(end):
            return word[: -len(end)]
    return word
