"""What a text mentions: devices, sites, types, metrics, times, numbers - found by their form, not looked up.

    text ─► tokens ─► each mention becomes one, `<device>`, `<site>` … ─► the masked text for the rules

A device is a noun of one with a number or code behind it, an id, or a quoted name; a site is what stands
where a site stands and is no word of ours. Whoever knows the real names (`Names`) gives them: those come
first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from homepot_ai.questions import mention_forms
from homepot_ai.questions.lexicon import Lexicon, fold, lexicon
from homepot_ai.questions.line import TOKEN, Line, bounded, split

_PARTS_OF_NAMES = {
    "new",
    "bad",
    "north",
    "south",
    "east",
    "west",
    "upper",
    "lower",
    "old",
    "st",
    "main",
    "gross",
}
_CONNECTORS = {"am", "an", "der", "upon", "on", "im", "de", "la", "le", "sur", "of", "ob", "bei"}
_GERMAN_PLACES = {"in", "aus", "bei", "von", "vom", "fuer", "um", "nach"}
_AFTER_FIRST = (
    r"vs|versus|and|or|und|oder|status|health|uptime|overview|<site>|against|gegen|is|ist|has|store|open"
)
#: Tokens that a name may have to be found in a text.
_NAME_TOKENS = 8
_AFTER_N = r"(?:most|worst|best|highest|lowest|riskiest|noisiest|least|unhealthiest|sickest|poorest|hottest)"


@dataclass(frozen=True)
class Names:
    """Real names, as a line of tokens each: what is here is found whatever its form."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    spelled: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def said_in(self, text: str) -> bool:
        """Whether a text holds any of them."""
        found = read(text, self)
        return any(
            " ".join(fold(part[0]) for part in TOKEN.finditer(mention.words)) in self.kinds
            for mention in found.mentions
            if mention.kind in ("device", "site")
        )

    @classmethod
    def of(cls, devices: Iterable[str] = (), sites: Iterable[str] = ()) -> Names:
        """Of names as they are written.

        >>> read("is Oktopus ok", Names.of(devices=["Oktopus"])).masked
        'is <device> ok'
        """
        words = lexicon()
        kinds: dict[str, str] = {}
        spelled: dict[str, set[str]] = {}
        for kind, names in (("site", sites), ("device", devices)):
            for name in names:
                tokens = [fold(match[0]) for match in TOKEN.finditer(name[:200])]
                # A name of only our words (`Status`, `Help`) would turn every question over: it needs
                # quotes, or to be written as it is and be longer than a word.
                if not 0 < len(tokens) <= _NAME_TOKENS:
                    continue
                key = " ".join(tokens)
                if all(token.isdigit() for token in tokens) or len(key) < 2:
                    continue
                kinds.setdefault(key, kind)
                if all(words.is_known(token) or not token.isalnum() for token in tokens):
                    spelled.setdefault(key, set()).add(" ".join(name.split()))
        return cls(kinds, {key: frozenset(texts) for key, texts in spelled.items()})


@dataclass(frozen=True)
class Mention:
    """A stretch of the text that names something.

    Attributes:
        kind: `device`, `site`, `name` (of either), `type`, `metric`, `when`, `since`, `ahead`, `incident`,
            `n`, `person`, `severity`, `category`, `number`.
        words: as they stand in the text.
    """

    kind: str
    words: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """A text and what it mentions.

    Attributes:
        masked: folded, spelled right, with `<kind>` for every mention.
        unknown: folded words that are neither ours nor a name.
    """

    text: str
    masked: str
    mentions: tuple[Mention, ...]
    unknown: tuple[str, ...]

    def of(self, kind: str) -> list[Mention]:
        """The mentions of a kind, from left to right."""
        return [mention for mention in self.mentions if mention.kind == kind]


def read(text: str, names: Names | None = None) -> Reading:
    """Find what a text mentions.

    >>> read("How is Till 3 at Berlin Mitte doing since yesterday?").masked
    'how is <device> at <site> doing <since> ?'
    """
    words = lexicon()
    line = Line(text, words)
    split(line)
    if names is not None:
        _named(line, names)
    _named_sites(line)
    mention_forms.incidents(line)
    mention_forms.devices(line)
    line.mark("incident", bounded(r"#\d+"))
    mention_forms.called(line)
    mention_forms.kinds_of_incidents(line)
    line.mark("metric", bounded(words.metrics))
    line.mark("type", bounded(r"(?:type|typ|art) (?P<it>[a-z][\w-]{2,})"), "it")
    types = rf"(?:(?:{words.device_nouns}) )*(?:{words.device_nouns})"
    line.mark("type", bounded(types))
    _spelled(line)
    line.mark("metric", bounded(words.metrics))
    line.mark("type", bounded(types))
    _strangers(line)
    _counts(line)
    masked, _ = line.joined()
    mentions = tuple(
        Mention(token.kind, text[token.start : token.end], token.start, token.end)
        for token in line.tokens
        if token.kind
    )
    unknown = tuple(token.folded for n, token in enumerate(line.tokens) if line.strange(n))
    return Reading(text, masked, mentions, unknown)


def _named(line: Line, names: Names) -> None:
    """Real names, the longest first at each place."""
    index = 0
    while index < len(line.tokens):
        for length in range(min(_NAME_TOKENS, len(line.tokens) - index), 0, -1):
            part = line.tokens[index : index + length]
            if any(token.kind and token.kind != "name" for token in part):
                continue
            key = " ".join(token.folded for token in part)
            kind = names.kinds.get(key)
            if kind is None:
                continue
            written = " ".join(line.text[part[0].start : part[-1].end].split())
            if (
                key in names.spelled
                and part[0].kind != "name"
                and (length == 1 or written not in names.spelled[key])
            ):
                continue
            line.merge(index, index + length, kind)
            break
        index += 1


def _after_preposition(line: Line, index: int) -> bool:
    return index > 0 and re.fullmatch(line.words.before_site, line.tokens[index - 1].folded) is not None


def _named_sites(line: Line) -> None:
    nouns = line.words.site_nouns
    line.mark("site", bounded(rf"(?:{nouns})(?: {mention_forms.NUMBERED})? #?\d{{1,5}}"))


def _spelled(line: Line) -> None:
    """Typos of our words are put right; what stands where a name stands is left alone."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    for index, token in enumerate(line.tokens):
        word = token.folded
        if not line.strange(index) or not word.isalpha() or len(word) < 4 or _after_preposition(line, index):
            continue
        if line.capital(index) and index > 0 and not _german(line):
            continue
        allowed = 1 if len(word) < 7 else 2
        near = [
            (distance, abs(len(choice) - len(word)), choice)
            for choice, distance, _ in process.extract(
                word, line.words.spelled, scorer=OSA.distance, score_cutoff=allowed, limit=10
            )
            if choice[0] == word[0]
        ]
        if near:
            token.folded = min(near)[2]


def _german(line: Line) -> bool:
    return language_of(" ".join(token.folded for token in line.tokens)) == "de"


def _strangers(line: Line) -> None:
    """Words of nobody, where a name may stand, are one."""
    words = line.words
    nouns = words.site_nouns
    german = _german(line)
    index = 0
    while index < len(line.tokens):
        if not line.strange(index):
            index += 1
            continue
        after = index + 1
        while after < len(line.tokens) and (line.strange(after) or _goes_on(line, after)):
            after += 1
        first = index
        if first > 0 and line.tokens[first - 1].folded in _PARTS_OF_NAMES and not line.tokens[first - 1].kind:
            whole = first > 1 and (
                line.tokens[first - 2].folded in line.words.before_name
                or re.fullmatch(line.words.before_site, line.tokens[first - 2].folded)
            )
            if line.capital(first - 1) or whole:
                first -= 1
        before = line.tokens[first - 1].folded if first else ""
        behind = line.tokens[after].folded if after < len(line.tokens) else ""
        named = re.fullmatch(nouns, before) or re.fullmatch(nouns, behind)
        asked = before in words.before_name and _may_follow(words, behind)
        placed = re.fullmatch(line.words.before_site, before) and (
            (_may_follow(words, behind) and before != "to")
            or (line.capital(first) and (not german or before in _GERMAN_PLACES))
        )
        # In English a capital within a sentence makes a name; German writes every noun with one.
        capital = line.capital(first) and first > 0 and not german and not _all_capitals(line)
        lone = first == 0 and line.capital(first) and re.fullmatch(_AFTER_FIRST, behind)
        person = re.search(r"(?:does|do|is|was|did|has|bekommt|erhaelt|hat)$", before) and re.match(
            r"get|gets|receive|receives|subscribed|acknowledge|bekommt|erhaelt|notified|told", behind
        )
        if person:
            line.merge(first, after, "person")
        elif named or asked or placed or capital or lone:
            line.merge(first, after, "site")
        else:
            first = after - 1
        index = first + 1


def _may_follow(words: Lexicon, behind: str) -> bool:
    """Whether a name may end before a word."""
    return behind in words.after_name or not re.match(r"[\w<]", behind)


def _all_capitals(line: Line) -> bool:
    """Most words begin with one: they tell nothing (`HOW IS EVERYTHING`, `What Is Wrong`)."""
    words = [n for n, token in enumerate(line.tokens) if not token.kind and re.match(r"[a-z]", token.folded)]
    return len(words) > 2 and sum(line.capital(n) for n in words) > 0.7 * len(words)


def _goes_on(line: Line, index: int) -> bool:
    """`Frankfurt am Main`: a small word between two of a name."""
    if line.tokens[index].kind or index + 1 >= len(line.tokens):
        return False
    return (
        line.tokens[index].folded in _CONNECTORS
        and not line.tokens[index + 1].kind
        and (line.strange(index + 1) or line.tokens[index + 1].folded in _PARTS_OF_NAMES)
        and line.capital(index + 1)
        and line.capital(index - 1)
    )


def _counts(line: Line) -> None:
    """How many are wanted; what number is left may be an incident's."""
    number = rf"(?:\d{{1,4}}|{line.words.numbers})"
    line.mark(
        "n", bounded(rf"(?:top|first|worst|best|schlimmsten|schlechtesten|limit) (?P<it>{number})"), "it"
    )
    line.mark(
        "n",
        bounded(rf"(?P<it>{number}) (?:[a-z]+ ){{0,2}}(?:{line.words.generic}|<type>|{_AFTER_N}|[a-z]+sten)"),
        "it",
    )
    line.mark("n", bounded(rf"(?:die|the|show|zeige|list) (?P<it>{number}) [a-z]+"), "it")
    line.mark("number", bounded(r"\d{1,9}"))


def language_of(folded: str) -> str:
    """`en`, `de`, or "" where nothing tells.

    >>> language_of("wie geht es kasse 3"), language_of("till 3"), language_of("was muss ich heute warten")
    ('de', '', 'de')
    """
    words = re.findall(r"[a-z]+", folded)
    english = sum(word in lexicon().english for word in words)
    german = sum(word in lexicon().german for word in words)
    return "" if english == german else "en" if english > german else "de"
