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
from functools import lru_cache

from homepot_ai.questions import times
from homepot_ai.questions.lexicon import Lexicon, fold, lexicon

_INCIDENT_NOUN = (
    r"(?:incidents?|tickets?|cases?|outages?|problems?|issues?|alarms?|alerts?|vorf(?:all|aelle)[ns]?"
    r"|stoerung(?:en)?|faelle|fall|probleme?|meldung(?:en)?|ausf(?:all|aelle)[ns]?|failures?|faults?)"
)
_NUMBERED = r"(?:number|no\.?|nr\.?|num|nummer|id)"
_CODE = r"(?:#?\d{1,6}[a-z]?)"
_TOKEN = re.compile(
    r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|#\d+"
    r"|[^\W_]+(?:[-_.:/][^\W_]+)*(?:['’](?=[^\W\d])[^\W_]+)?|[^\w\s]"
)
_CONTRACTED = {"what", "who", "where", "how", "that", "it", "there", "let", "when", "why", "here", "wie"}
_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]{1,120})[\"“”„«»]|(?<!\w)['‘‚]([^'’‘‚]{2,120})['’](?!\w)")
_ID = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*", re.IGNORECASE)
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
_PLURALS = ("s", "kassen", "waagen", "kameras", "sensoren", "tueren", "truhen", "automaten", "anlagen", "en")
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
            " ".join(fold(part[0]) for part in _TOKEN.finditer(mention.words)) in self.kinds
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
                tokens = [fold(match[0]) for match in _TOKEN.finditer(name[:200])]
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


@dataclass
class _Token:
    folded: str
    start: int
    end: int
    kind: str = ""

    @property
    def shown(self) -> str:
        return f"<{self.kind}>" if self.kind else self.folded


@dataclass
class _Line:
    text: str
    words: Lexicon
    tokens: list[_Token] = field(default_factory=list)

    def joined(self) -> tuple[str, list[int]]:
        """The masked text, and where in it each token begins."""
        starts, length = [], 0
        for token in self.tokens:
            starts.append(length)
            length += len(token.shown) + 1
        return " ".join(token.shown for token in self.tokens), starts

    def mark(self, kind: str, pattern: str, group: str | int = 0) -> None:
        """Every match of a pattern in the masked text becomes a mention; `group`: the part that does."""
        position = 0
        while True:
            text, starts = self.joined()
            match = _compiled(pattern).search(text, position)
            if match is None:
                return
            first, last = match.span(group)
            covered = [
                n for n, start in enumerate(starts)
                if start < last and start + len(self.tokens[n].shown) > first
            ]  # fmt: skip
            position = max(match.end(), match.start() + 1)
            if covered and not any(self.tokens[n].kind for n in covered):
                self.merge(covered[0], covered[-1] + 1, kind)
                position = starts[covered[0]] + len(kind) + 2

    def merge(self, first: int, after: int, kind: str) -> None:
        """Tokens become one mention."""
        part = self.tokens[first:after]
        folded = " ".join(token.folded for token in part)
        self.tokens[first:after] = [_Token(folded, part[0].start, part[-1].end, kind)]

    def capital(self, index: int) -> bool:
        """Written with a capital or in capitals."""
        return self.text[self.tokens[index].start].isupper()

    def strange(self, index: int) -> bool:
        """A word that is neither a mention nor ours."""
        token = self.tokens[index]
        if token.kind or not re.match(r"[^\W\d_]", token.folded):
            return False
        # A compound is ours where all its parts are (`up-to-date`).
        return not all(self.words.is_known(part) for part in re.split(r"[-/.:]", token.folded) if part) and (
            not self.words.is_known(token.folded)
        )


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _bounded(pattern: str) -> str:
    return rf"(?<![^\s])(?:{pattern})(?![^\s])"


def read(text: str, names: Names | None = None) -> Reading:
    """Find what a text mentions.

    >>> read("How is Till 3 at Berlin Mitte doing since yesterday?").masked
    'how is <device> at <site> doing <since> ?'
    """
    words = lexicon()
    line = _Line(text, words)
    _tokens(line)
    if names is not None:
        _named(line, names)
    _named_sites(line)
    _numbers_of_incidents(line)
    _devices(line)
    line.mark("incident", _bounded(r"#\d+"))
    _called(line)
    _kinds_of_incidents(line)
    line.mark("metric", _bounded(words.metrics))
    line.mark("type", _bounded(r"(?:type|typ|art) (?P<it>[a-z][\w-]{2,})"), "it")
    types = rf"(?:(?:{words.device_nouns}) )*(?:{words.device_nouns})"
    line.mark("type", _bounded(types))
    _spelled(line)
    line.mark("metric", _bounded(words.metrics))
    line.mark("type", _bounded(types))
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


def _tokens(line: _Line) -> None:
    """Words, with quoted names, mail addresses and times as mentions already."""
    taken: list[tuple[int, int, str]] = []
    for match in _QUOTED.finditer(line.text):
        start, end = match.span(1) if match[1] is not None else match.span(2)
        taken.append((start, end, "quoted"))
    for said in times.spot(line.text):
        if not any(start < said.end and said.start < end for start, end, _ in taken):
            kind = {"period": "when", "since": "since", "ahead": "ahead"}[said.kind]
            inner = line.text.find(said.words, said.start)
            taken.append((said.start, said.end, f"{kind}:{inner}:{inner + len(said.words)}"))
    position = 0
    for start, end, kind in [*sorted(taken), (len(line.text), len(line.text), "")]:
        for match in _TOKEN.finditer(line.text, position, start):
            _word(line, match)
        if kind == "quoted":
            line.tokens.append(_Token(fold(line.text[start:end]), start, end, "name"))
        elif kind:
            name, first, after = kind.split(":")
            line.tokens.append(_Token(fold(line.text[start:end]), int(first), int(after), name))
        position = end


def _word(line: _Line, match: re.Match[str]) -> None:
    word, start, end = match[0], match.start(), match.end()
    if match["mail"]:
        line.tokens.append(_Token(fold(word), start, end, "person"))
        return
    stem, quote, rest = word.replace("’", "'").partition("'")
    if quote and fold(stem) not in _CONTRACTED and rest.lower() == "s":
        end = start + len(stem)  # a possessive
        line.tokens.append(_Token(fold(stem), start, end))
    elif word not in "\"“”„«»'‘’‚":
        line.tokens.append(_Token(fold(word).replace("'", "").replace("’", ""), start, end))


def _named(line: _Line, names: Names) -> None:
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


def _numbers_of_incidents(line: _Line) -> None:
    line.mark(
        "incident",
        _bounded(rf"{_INCIDENT_NOUN}(?: with)?(?: {_NUMBERED})?(?: the)? (?P<it>#?\d+)"),
        "it",
    )
    line.mark(
        "incident",
        _bounded(r"(?:similar to|like|aehnlich wie|wie|number|no\.?|nummer|nr\.?) (?P<it>\d+)"),
        "it",
    )
    line.mark(
        "incident",
        _bounded(
            r"(?:what(?: is|s| was)?|was (?:ist|war)(?: mit)?|worum (?:geht|ging) es (?:bei|in))"
            r" (?P<it>#?\d+)(?: about| genau)?(?= [?.!]|$)"
        ),
        "it",
    )
    line.mark("incident", _bounded(r"(?P<it>#?\d+)(?:st|nd|rd|th)? (?:incident|vorfall|ticket)"), "it")


def _devices(line: _Line) -> None:
    """A noun with a number, an id; a name with capitals that ends in a noun of devices."""
    words = line.words
    noun = rf"(?:{words.device_nouns}|{words.generic})"
    line.mark("device", _bounded(rf"(?:{noun} )*{noun}(?: {_NUMBERED})?(?: -)? {_CODE}"))
    for index, token in enumerate(line.tokens):
        if token.kind or not re.search(r"\d", token.folded) or not _ID.fullmatch(token.folded):
            continue
        if re.match(rf"(?:{words.site_nouns})[-_]?\d", token.folded):
            line.merge(index, index + 1, "site")
        elif re.search(r"[a-z]", token.folded) and not re.fullmatch(r"q[1-4]|ipv[46]|\d.*", token.folded):
            line.merge(index, index + 1, "device")
    # `Lathe 4`: a word of nobody with a number.
    index = 0
    while index + 1 < len(line.tokens):
        following = line.tokens[index + 1]
        if (line.strange(index) and not following.kind and re.fullmatch(_CODE, following.folded)) or (
            re.fullmatch(rf"{noun}", line.tokens[index].folded)
            and not line.tokens[index].kind
            and not following.kind
            and re.fullmatch(r"[A-Z]\d{0,4}", line.text[following.start : following.end])
        ):
            line.merge(index, index + 2, "device")
        index += 1
    # Words of nobody before it belong to it: `front desk printer 2`.
    index = 1
    while index < len(line.tokens):
        token = line.tokens[index]
        verb = line.tokens[index - 1].folded.endswith(("ing", "ed"))
        if (
            token.kind == "device"
            and line.strange(index - 1)
            and not verb
            and not _at_a_place(line, index - 1)
        ):
            line.merge(index - 1, index + 1, "device")
            index -= 1
        index = max(index + 1, 1)
    # `Front Door Scanner`
    index = 1
    while index < len(line.tokens):
        token = line.tokens[index]
        if not token.kind and re.fullmatch(words.device_nouns, token.folded) and line.capital(index):
            first = index
            while first > 1 and line.capital(first - 1) and not line.tokens[first - 1].kind:
                first -= 1
            if first < index and any(line.strange(n) for n in range(first, index)):
                line.merge(first, index + 1, "device")
                index = first
        index += 1


def _called(line: _Line) -> None:
    """`the cold room sensor hub`: one device, called by what it is, after an article or at the start."""
    index = 0
    while index < len(line.tokens):
        after = index
        while after < len(line.tokens) and _noun(line, after):
            after += 1
        if after == index or line.tokens[after - 1].folded.endswith(_PLURALS):
            index = max(after, index + 1)
            continue
        first = index
        while first > 0 and _part(line, line.tokens[first - 1]):
            first -= 1
        before = line.tokens[first - 1].folded if first else ""
        if 1 < after - first <= 4 + after - index and (first == 0 or before in line.words.before_called):
            line.merge(first, after, "device")
            after = first + 1
        index = after


def _noun(line: _Line, index: int) -> bool:
    token = line.tokens[index]
    return not token.kind and re.fullmatch(line.words.device_nouns, token.folded) is not None


def _part(line: _Line, token: _Token) -> bool:
    """Whether a word may be a part of what a device is called."""
    return (
        not token.kind
        and re.fullmatch(r"[a-z]+(?:-[a-z]+)*", token.folded) is not None
        and token.folded not in line.words.no_part
    )


def _at_a_place(line: _Line, index: int) -> bool:
    """After `at` or `in`, a word is the site's: `at Berlin till 3`."""
    return index > 0 and line.tokens[index - 1].folded in ("at", "in", "near", "bei", "im", "from", "aus")


def _after_preposition(line: _Line, index: int) -> bool:
    return index > 0 and re.fullmatch(line.words.before_site, line.tokens[index - 1].folded) is not None


def _named_sites(line: _Line) -> None:
    nouns = line.words.site_nouns
    line.mark("site", _bounded(rf"(?:{nouns})(?: {_NUMBERED})? #?\d{{1,5}}"))


def _kinds_of_incidents(line: _Line) -> None:
    words = line.words
    nouns = rf"(?:[a-z]+ )?(?:{_INCIDENT_NOUN}|incidents?)"
    line.mark(
        "severity", _bounded(rf"(?P<it>{words.severities}) (?:open |active |offene[nr]? )?{nouns}"), "it"
    )
    line.mark("category", _bounded(rf"(?P<it>{words.categories})(?:[ -]related)? {_INCIDENT_NOUN}"), "it")
    line.mark(
        "category",
        _bounded(rf"{_INCIDENT_NOUN} (?:with|mit)(?: the| der| dem)? (?P<it>{words.categories})"),
        "it",
    )
    line.mark(
        "category",
        _bounded(rf"(?P<it>(?:{words.categories})(?:probleme?n?|stoerung(?:en)?|vorf(?:all|aelle)n?))"),
        "it",
    )


def _spelled(line: _Line) -> None:
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


def _german(line: _Line) -> bool:
    return language_of(" ".join(token.folded for token in line.tokens)) == "de"


def _strangers(line: _Line) -> None:
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


def _all_capitals(line: _Line) -> bool:
    """Most words begin with one: they tell nothing (`HOW IS EVERYTHING`, `What Is Wrong`)."""
    words = [n for n, token in enumerate(line.tokens) if not token.kind and re.match(r"[a-z]", token.folded)]
    return len(words) > 2 and sum(line.capital(n) for n in words) > 0.7 * len(words)


def _goes_on(line: _Line, index: int) -> bool:
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


def _counts(line: _Line) -> None:
    """How many are wanted; what number is left may be an incident's."""
    number = rf"(?:\d{{1,4}}|{line.words.numbers})"
    line.mark(
        "n", _bounded(rf"(?:top|first|worst|best|schlimmsten|schlechtesten|limit) (?P<it>{number})"), "it"
    )
    line.mark(
        "n",
        _bounded(
            rf"(?P<it>{number}) (?:[a-z]+ ){{0,2}}(?:{line.words.generic}|<type>|{_AFTER_N}|[a-z]+sten)"
        ),
        "it",
    )
    line.mark("n", _bounded(rf"(?:die|the|show|zeige|list) (?P<it>{number}) [a-z]+"), "it")
    line.mark("number", _bounded(r"\d{1,9}"))


def language_of(folded: str) -> str:
    """`en`, `de`, or "" where nothing tells.

    >>> language_of("wie geht es kasse 3"), language_of("till 3"), language_of("was muss ich heute warten")
    ('de', '', 'de')
    """
    words = re.findall(r"[a-z]+", folded)
    english = sum(word in lexicon().english for word in words)
    german = sum(word in lexicon().german for word in words)
    return "" if english == german else "en" if english > german else "de"
