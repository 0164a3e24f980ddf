"""The rules of assertion: what each kind of word needs from the facts of its clause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from homepot_ai.language import comparing, metrics
from homepot_ai.language.facts import Book, Claim, Fact
from homepot_ai.language.owners import Owned, same, whole
from homepot_ai.language.reading import Clause, Read, Refused
from homepot_ai.language.words import Words

#: What a word is refused for in every case, by its set.
_NEVER = {
    "refused_number": "number",
    "refused_quantity": "quantifier",
    "refused_advice": "advice",
    "refused_judgement": "judgement",
    "refused_time": "time",
    "refused_doubt": "hedge",
}
_NODATA = "nodata"


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


def check(found: Read, owned: Sequence[Owned], claim: Claim, book: Book, words: Words) -> None:
    """Hold every clause against the rules.

    Raises:
        Refused: with the rule's name.
    """
    scenes = [
        Scene(clause, who, _scope(clause, who, found, book, words), found, claim, book, words)
        for clause, who in zip(found.clauses, owned, strict=True)
    ]
    if claim.stance == "hypothesis" and len(found.facts) < 2:
        raise Refused("supposition")
    for scene in scenes:
        _known(scene)
        _negations(scene)
        _universals(scene)
        _states(scene)
        comparing.directions(scene)
        comparing.ranks(scene)
        _future(scene)
    metrics.check(found, book, words)
    comparing.levels(scenes)
    comparing.pairs(scenes)
    _causes(scenes)
    comparing.times(scenes)


def _scope(clause: Clause, who: Owned, found: Read, book: Book, words: Words) -> list[Fact]:
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


def _known(scene: Scene) -> None:
    """Every word is neutral, asserts something that a rule looks at, or is a cited fact's own."""
    words = scene.words
    kinds = _kinds(scene)
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word":
            continue
        word, stem = token.text, token.stem
        own = {fact.id for fact in scene.told_by(stem, scene.found.facts)}
        for name, reason in _NEVER.items():
            # A metric or period may have such a word in its name; it is then its name.
            if word in words.sets[name] and not (own and name != "refused_number" and _named(word, scene)):
                raise Refused(reason)
        if word in _REFUSED_JOINED:
            raise Refused(_REFUSED_JOINED[word])
        if own or stem in kinds or any(stem in metrics.period(f, words) for f in scene.scope):
            continue
        if _fills(place, scene) or _tagged(word, words) or word in words.sets["function"] or word in _JOINED:
            continue
        raise Refused("word")


_REFUSED_JOINED = {"nolonger": "negation", "atleast": "quantifier"}
_JOINED = frozenset({"because", "asof", "nodata", "notscored", "daybefore", "monthbefore", "weekbefore"})
_TAGS = (
    "up", "down", "better", "worse", "flat", "change", "highest", "lowest", "best", "worst", "all", "none",
    "not", "kept", "cause", "effect", "may", "state", "time", "future", "compare", "than", "above", "below",
    "since", "until", "pronoun",
)  # fmt: skip


def _tagged(word: str, words: Words) -> bool:
    return words.among(word, *_TAGS)


def _named(word: str, scene: Scene) -> bool:
    """Whether a word is part of a metric's name (not only of a value that others wrote)."""
    return any(
        re.search(rf"\b{re.escape(word)}\b", f"{fact.metric} {fact.period}".lower())
        for fact in scene.found.facts
    )


def _kinds(scene: Scene) -> frozenset[str]:
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


def _fills(place: int, scene: Scene) -> bool:
    """`86 % full`: right behind a value of a metric that it tells a level of."""
    token, before = scene.clause.tokens[place], scene.clause.at(place - 1)
    metric_stems = scene.words.measured_as.get(token.text)
    if metric_stems is None or before is None or before.kind != "fact":
        return False
    fact = scene.book.fact(before.text)
    return fact is not None and bool(metric_stems & metrics.own(fact, scene.words))


def _negations(scene: Scene) -> None:
    """A negation needs a fact that proves none of what the clause speaks of, or a change of nothing."""
    words = scene.words
    denying = [w for w in scene.clause.words if words.among(w, "none", "not")]
    if not denying:
        return
    if len(denying) > 1:
        raise Refused("negation")
    if scene.has("change") and any(f.kind == "delta" and f.direction == 0 for f in scene.scope):
        return
    if denying[0] in words.sets["not"]:
        raise Refused("negation")
    if not any(_proves(fact, "none", scene) for fact in scene.scope):
        raise Refused("negation")


def _universals(scene: Scene) -> None:
    """All, every, always need a fact that proves it of what the clause speaks of."""
    if not scene.has("all"):
        return
    if not any(_proves(fact, "all", scene) for fact in scene.scope):
        raise Refused("universal")


def _proves(fact: Fact, what: str, scene: Scene) -> bool:
    """Whether a fact proves all or none, and of exactly what the clause names."""
    none = fact.kind in {"count", "share"} and fact.value == 0
    if fact.universal != what and not (what == "none" and none):
        return False
    own = metrics.own(fact, scene.words)
    named = {
        token.stem
        for token in scene.clause.tokens
        if token.kind == "word" and _content(token.text, token.stem, scene)
    }
    if named - own - _kinds(scene):
        return False
    # What qualifies the fact must be said: "no devices" is not "no critical devices".
    needed = metrics.qualifiers(fact, scene.words)
    return bool(named & own) and needed <= named | _claimed(scene)


def _claimed(scene: Scene) -> frozenset[str]:
    return frozenset(token.stem for clause in scene.found.clauses for token in clause.tokens)


def _content(word: str, stem: str, scene: Scene) -> bool:
    """A word that names something, or says what it is like."""
    words = scene.words
    if words.among(word, "state", "highest", "lowest", "best", "worst", "up", "down"):
        return True
    if words.among(word, *_TAGS) or word in words.sets["function"] or stem in metrics.generics(words):
        return word in words.kinds_flat()
    return True


def _states(scene: Scene) -> None:
    """Healthy, critical, silent and their like are a state fact's, or part of what is counted or timed."""
    words = scene.words
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not (token.text in words.sets["state"] or token.text in _JOINED_STATES):
            continue
        if _fills(place, scene) or (words.among(token.text, "up", "down") and not scene.told_by(token.stem)):
            continue
        if not any(_holds(fact, place, scene) for fact in scene.told_by(token.stem)):
            raise Refused("state")
    if scene.has("kept") and not any(
        (f.kind == "delta" and f.direction == 0) or f.universal == "all" or f.kind in {"duration", "moment"}
        or metrics.kept(f, words) for f in scene.scope
    ):  # fmt: skip
        raise Refused("time")
    group = scene.who.subjects
    if len(group) > 1 and scene.has("state") and not scene.who.compared and not scene.shown:
        for alias in group:
            if not any(same(fact.subject, alias, scene.book) for fact in scene.scope):
                raise Refused("state")


_JOINED_STATES = frozenset({"nodata", "notscored", "heldback", "cametrue"})


def _holds(fact: Fact, place: int, scene: Scene) -> bool:
    """Whether a fact bears out a state word at a place: of one's own state, or of what is counted."""
    if fact.kind in {"state", "cause"}:
        return True
    if fact.universal and (scene.has("all", "none")):
        return True
    if fact.kind in {"count", "share"}:
        where = [at for at, shown in scene.clause.facts if shown == fact]
        behind = scene.clause.at(place + 1)
        noun = behind is not None and behind.kind == "word" and behind.stem in metrics.own(fact, scene.words)
        # "{S1} is critical with {f3} devices" would call the site critical.
        near = bool(where) and place < where[0] <= place + (2 if fact.kind == "share" else 1)
        return bool(where) and (place > where[0] or noun or near)
    return True


def _future(scene: Scene) -> None:
    """Will and would need a forecast."""
    if scene.has("future"):
        stems = scene.words.stem_set("future_fact")
        if not any(
            stems & (metrics.own(fact, scene.words) | metrics.period(fact, scene.words))
            for fact in scene.scope
        ):
            raise Refused("future")


def _causes(scenes: Sequence[Scene]) -> None:
    """Causal words need a cause that a rule has proved, in its place, or a supposition of two facts."""
    first = scenes[0]
    words, claim = first.words, first.claim
    causal = [
        (number, place, token.text)
        for number, scene in enumerate(scenes)
        for place, token in enumerate(scene.clause.tokens)
        if token.kind == "word" and (words.among(token.text, "cause", "effect") or token.text == "because")
    ]
    hedged = any(scene.has("may") for scene in scenes)
    if hedged and claim.stance != "hypothesis":
        raise Refused("hedge")
    if not causal:
        return
    if claim.stance == "hypothesis":
        if any(w in words.sets["effect"] and w not in _SUPPOSING for _, _, w in causal):
            raise Refused("cause")
        return
    causes = [fact for fact in first.found.shown if fact.kind == "cause"]
    if len(causes) != 1 or any(word in words.sets["effect"] for _, _, word in causal):
        raise Refused("cause")
    if {fact.subject for fact in first.found.facts} != {causes[0].subject}:
        raise Refused("cause")
    if any(fact.kind == "delta" for fact in first.found.facts) or len(causal) > 1:
        raise Refused("cause")
    number, place, word = causal[0]
    shown_at = next(
        (n, p) for n, scene in enumerate(scenes) for p, fact in scene.clause.facts if fact == causes[0]
    )
    # "{cause} caused {I1}" forwards; "caused by", "because of", "the cause was" backwards.
    if (word in _FORWARDS) != (shown_at < (number, place)):
        raise Refused("cause")


# "caused by" was joined to "because": these are the ones whose cause stands in front of them.
_FORWARDS = frozenset(
    {"caused", "causes", "causing", "triggers", "trigger", "triggered", "verursachte", "verursacht"}
)
_SUPPOSING = frozenset({"after", "following", "so", "behind", "leading", "led", "resulting", "nach"})
