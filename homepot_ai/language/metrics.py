"""What a value is of: a fact's own words, and whether each value stands with its own."""

from __future__ import annotations

import re
from functools import lru_cache

from homepot_ai.language.facts import Book, Fact
from homepot_ai.language.reading import Clause, Read, Refused
from homepot_ai.language.words import Words, words_of

#: A state in more words than these is somebody's text, whose words prove nothing.
_STATE_WORDS = 4
_NUMERIC = frozenset({"value", "delta", "rank", "share", "count", "duration"})


def own(fact: Fact, words: Words) -> frozenset[str]:
    """Stems of a fact's own words: its metric, its state, its unit.

    >>> from homepot_ai.language.facts import Fact
    >>> sorted(own(Fact("f1", "state", "D1", "status", "no data", "no data"), words_of("en")))
    ['nodata', 'statu']
    """
    return _own(fact, words.language)


@lru_cache(maxsize=4096)
def _own(fact: Fact, language: str) -> frozenset[str]:
    words = words_of("de" if language == "de" else "en")
    told = [fact.metric]
    if fact.kind in {"state", "cause"}:
        told += [
            text for text in (fact.shown, str(fact.value or ""))
            if len(text.split()) <= _STATE_WORDS or fact.kind == "cause"
        ]  # fmt: skip
    return frozenset().union(*(words.stems(text) for text in told))


def generics(words: Words) -> frozenset[str]:
    """Stems that name no metric: use, time, number."""
    return words.stem_set("generic")


def qualifiers(fact: Fact, words: Words) -> frozenset[str]:
    """Stems of a metric without which it would be another: average, critical, without data."""
    soft = generics(words) | {words.stem("opened"), words.stem("affected")}
    if fact.kind in {"count", "share"}:
        # What is counted is all of its words: "predictions that came true" are not "predictions".
        return _own_words(fact, words) - soft
    hard = words.stem_set("qualifier", "state") | _JOINED
    return frozenset(words.stems(fact.metric) & hard) - soft


_JOINED = frozenset({"cametrue", "heldback", "nodata", "notscored"})


def _own_words(fact: Fact, words: Words) -> frozenset[str]:
    """Stems of a metric without little words."""
    return words.stems(fact.metric) - words.stem_set("function", "not", "none")


def period(fact: Fact, words: Words) -> frozenset[str]:
    """Words that may say when a fact is about."""
    return _period(fact.period.lower(), words.language)


@lru_cache(maxsize=2048)
def _period(told: str, language: str) -> frozenset[str]:
    words = words_of("de" if language == "de" else "en")
    found = re.findall(r"[^\W\d_]+", told)
    said = {*found, *words.join(found)}
    for pattern, more in words.periods.items():
        if re.search(pattern, told):
            said |= more
    return frozenset(said | {words.stem(word) for word in said - words.sets["unit"]})


def moments(book: Book, words: Words) -> frozenset[str]:
    """Stems that say a time in some period of the book: of an action, of a day; no function words."""
    return _moments(tuple(sorted({fact.period for fact in book.facts})), words.language)


@lru_cache(maxsize=512)
def _moments(periods: tuple[str, ...], language: str) -> frozenset[str]:
    words = words_of("de" if language == "de" else "en")
    every: set[str] = set()
    for period_ in periods:
        every |= {
            words.stem(word)
            for word in re.findall(r"[^\W\d_]+", period_.lower())
            if not words.among(word, "function", "since", "until", "not", "none", "all")
        }
    return frozenset(every) | {words.stem("past")}


def alike(first: Fact, second: Fact, words: Words) -> bool:
    """Whether two facts are of the same metric of the same subject."""
    if second.subject not in {first.subject, first.other}:
        return False
    generic = generics(words)
    mine, theirs = own(first, words) - generic, own(second, words) - generic
    return first.metric == second.metric or bool(mine and theirs and (mine <= theirs or theirs <= mine))


def kept(fact: Fact, words: Words) -> bool:
    """Whether a fact itself says that something lasts."""
    return bool(own(fact, words) & words.stem_set("kept"))


def check(found: Read, book: Book, words: Words) -> None:
    """Every value with the words of its metric, nearest to it, qualifiers included.

    Raises:
        Refused: `metric`.
    """
    said = frozenset(token.stem for clause in found.clauses for token in clause.tokens)
    for fact in found.shown:
        if not qualifiers(fact, words) <= said | implied(fact, found, words):
            raise Refused("metric")
    for fact in found.hidden:
        # "Latency rose", where its mean did: unshown, a statistic is named as one too.
        statistic = words.stems(fact.metric) & words.stem_set("statistic")
        noun = own(fact, words) - generics(words) - words.stem_set("qualifier", "function")
        told = any(noun & own(shown, words) for shown in found.shown)
        if fact.kind in _NUMERIC and statistic - said and noun & said and not told:
            raise Refused("metric")
    _named_at_all(found, said, book, words)
    for fact in found.shown:
        called = words.stems(fact.metric) - generics(words) - words.stem_set("function")
        plain = words.stems(fact.shown) & words.stem_set("state")
        # "{I1} is {f9}", where f9 is who acknowledged it.
        if fact.kind == "state" and called and not called & said and not plain:
            raise Refused("metric")
    before: str | None = None
    for number, clause in enumerate(found.clauses):
        names = _names(clause, found, words)
        for place, fact in clause.facts:
            if fact.kind == "moment":
                if not _dated(number, fact, found, words):
                    raise Refused("metric")
            elif fact.kind in _NUMERIC and not _stands(place, fact, number, names, before, found, words):
                raise Refused("metric")
        if names:
            before = names[-1][1]


def _named_at_all(found: Read, said: frozenset[str], book: Book, words: Words) -> None:
    """ "{D1} rose by {f2}" is of nothing, where two things of it changed."""
    little = generics(words) | words.stem_set("function")
    lasted = any(words.among(word, "lasting") for clause in found.clauses for word in clause.words)
    for fact in found.shown:
        if fact.kind == "duration" and lasted:
            continue
        mine = own(fact, words) - little
        if fact.kind not in _NUMERIC or mine & said:
            continue
        if any(
            other.subject == fact.subject and other.kind == fact.kind and not mine & own(other, words)
            for other in book.facts
            if other != fact
        ):
            raise Refused("metric")


def _stands(
    place: int, fact: Fact, number: int, names: list[tuple[int, str]], before: str | None, found: Read,
    words: Words,
) -> bool:  # fmt: skip
    """Whether the metric named nearest to a value is its own; `before`: the last one of clauses before."""
    clause, mine = found.clauses[number], own(fact, words)
    after = clause.at(place + 1)
    if after is not None and after.kind == "word":
        if after.stem in mine:
            return True
        if after.stem in {words.stem(noun) for noun in words.kinds_flat()}:
            return False  # "{f4} devices", where f4 counts anomalies
    if fact.kind == "duration" and any(words.among(word, "lasting") for word in clause.words):
        return True
    stem = _nearest(place, clause, names)
    if stem is None and mine & {token.stem for token in clause.tokens}:
        return True
    if stem is None:
        stem = before if before is not None else _later(number, found, words)
    return stem is None or stem in mine


def implied(fact: Fact, found: Read, words: Words) -> frozenset[str]:
    """What a shown state or verb says already: `lowest` of a rank is looked at elsewhere."""
    said: set[str] = set()
    if fact.kind == "rank":
        said |= words.stem_set("highest", "lowest")
    if fact.kind == "state":
        said |= words.stems(fact.shown)
    if any(words.among(word, "future", "may") for clause in found.clauses for word in clause.words):
        said |= words.stem_set("future_fact") - {words.stem("risk")}
    if fact.kind == "duration" and any(
        words.among(w, "lasting") for clause in found.clauses for w in clause.words
    ):
        said |= {words.stem("open"), words.stem("offen")}
    for clause in found.clauses:
        for place, token in enumerate(clause.tokens):
            if token.text in words.measured_as and place and clause.tokens[place - 1].kind == "fact":
                said.add(token.stem)
    return frozenset(said)


def named(found: Read, words: Words) -> frozenset[str]:
    """Stems of the metrics of all cited facts, without what only qualifies them."""
    every = frozenset().union(*(own(fact, words) for fact in found.facts))
    return every - generics(words) - words.stem_set("state", "qualifier", "function")


def _names(clause: Clause, found: Read, words: Words) -> list[tuple[int, str]]:
    """Places of words that name some cited fact's metric."""
    telling = named(found, words)
    return [
        (place, token.stem)
        for place, token in enumerate(clause.tokens)
        if token.kind == "word" and token.stem in telling and token.text not in _SMALL
        and not words.among(token.text, "by", "to", "from", "of", "article")
    ]  # fmt: skip


_SMALL = frozenset(
    ("in", "on", "at", "for", "with", "and", "or", "im", "am", "an", "auf", "zu", "um", "mit", "bei", "für")
)


def _nearest(place: int, clause: Clause, names: list[tuple[int, str]]) -> str | None:
    following = clause.at(place + 1)
    for at, stem in names:
        if following is not None and at == place + 1:
            return stem
    before = [stem for at, stem in names if at < place]
    behind = [stem for at, stem in names if at > place]
    return before[-1] if before else behind[0] if behind else None


def _later(number: int, found: Read, words: Words) -> str | None:
    """The first metric named after a clause that names none, in the same sentence."""
    for clause in found.clauses[number + 1 :]:
        names = _names(clause, found, words)
        if names:
            return names[0][1]
    return None


def _dated(number: int, fact: Fact, found: Read, words: Words) -> bool:
    """A moment stands with what happened then: in its clause, or before where its own says nothing."""
    nouns = (
        own(fact, words)
        - generics(words)
        - words.stem_set("state", "qualifier", "function", "since", "until")
    )
    if nouns and not nouns & {token.stem for clause in found.clauses for token in clause.tokens}:
        return False  # "{D1} will be full", where its memory will
    for clause in reversed(found.clauses[: number + 1]):
        stems = {token.stem for token in clause.tokens if token.kind == "word"}
        if stems & own(fact, words):
            return True
        silent = words.stem("nodata") in stems and words.stem("seen") in own(fact, words)
        if silent and any(words.among(word, "since") for word in clause.words):
            return True
        if stems - words.stem_set("function", "since", "until"):
            return False
    clause = found.clauses[min(number + 1, len(found.clauses) - 1)]
    return bool({token.stem for token in clause.tokens} & own(fact, words))
