"""One clause with everything that its rules look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homepot_ai.language import metrics
from homepot_ai.language.facts import Book, Claim, Fact
from homepot_ai.language.owners import Owned, same, whole
from homepot_ai.language.reading import Clause, Read, Token
from homepot_ai.language.words import Words

TAGS = (
    "up", "down", "better", "worse", "flat", "change", "highest", "lowest", "best", "worst", "all", "none",
    "not", "kept", "cause", "effect", "may", "state", "time", "future", "compare", "than", "above", "below",
    "since", "until", "pronoun",
)  # fmt: skip


JOINED_STATES = frozenset({"nodata", "notscored", "heldback", "cametrue"})


LEVELS = frozenset({"value", "share", "count", "duration", "rank"})


DIRECTIONS = ("up", "down", "better", "worse", "flat")


BEFORE = frozenset({"daybefore", "weekbefore", "monthbefore"})


@dataclass(frozen=True)
class Scene:
    """One clause with everything that its rules look at.

    Attributes:
        scope: facts that may prove something here: those shown in it, those that the claim rests on without
            showing, those of the same thing; all of the claim's where it shows none itself.
    """

    clause: Clause
    who: Owned
    scope: Sequence[Fact]
    found: Read
    claim: Claim
    book: Book
    words: Words

    @property
    def shown(self) -> list[Fact]:
        """Facts that the clause shows."""
        return [fact for _, fact in self.clause.facts]

    def has(self, *sets: str) -> bool:
        """Whether the clause has a word of one of the sets."""
        return any(self.words.among(word, *sets) for word in self.clause.words)

    def told_by(self, stem: str, facts: Sequence[Fact] | None = None) -> list[Fact]:
        """Facts whose own words include one."""
        return [f for f in (self.scope if facts is None else facts) if stem in metrics.own(f, self.words)]


def scope(clause: Clause, who: Owned, found: Read, book: Book, words: Words) -> list[Fact]:
    shown = [fact for _, fact in clause.facts]
    mine = [fact for fact in found.facts if _of(fact, who, book)]
    if not shown:
        return mine
    close = [
        fact for fact in mine if fact not in shown
        and (fact in found.hidden or any(metrics.alike(fact, near, words) for near in shown))
    ]  # fmt: skip
    return [*shown, *close]


def _of(fact: Fact, who: Owned, book: Book) -> bool:
    if not who.subjects:
        return True
    return any(
        same(fact.subject, alias, book) or (fact.other and fact.other == alias) for alias in who.subjects
    )


def kinds(scene: Scene) -> frozenset[str]:
    """Nouns that stand for the kinds of the subjects spoken of."""
    present = {
        subject.kind
        for alias in (*scene.found.subjects, *(fact.subject for fact in scene.found.facts))
        if (subject := scene.book.subject(alias)) is not None
    }
    if any(whole(fact.subject, scene.book) for fact in scene.found.facts):
        present.add("fleet")
    return frozenset().union(
        *({scene.words.stem(noun) for noun in scene.words.kinds.get(kind, ())} for kind in present)
    )


def claimed(scene: Scene) -> frozenset[str]:
    return frozenset(token.stem for clause in scene.found.clauses for token in clause.tokens)


def listed(scene: Scene) -> bool:
    """Whether a clause says the same of several subjects."""
    return len(scene.who.subjects) > 1 and not scene.who.compared


def fills(place: int, scene: Scene) -> bool:
    """`86 % full`: right behind a value of a metric that it tells a level of."""
    token, before = scene.clause.tokens[place], scene.clause.at(place - 1)
    metric_stems = scene.words.measured_as.get(token.text)
    if metric_stems is None or before is None or before.kind != "fact":
        return False
    fact = scene.book.fact(before.text)
    return fact is not None and bool(metric_stems & metrics.own(fact, scene.words))


def moves(token: Token | None, words: Words) -> bool:
    return token is not None and token.kind == "word" and words.among(token.text, *DIRECTIONS, "change")
