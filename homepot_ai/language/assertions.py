"""The rules of assertion: what each kind of word needs from the facts of its clause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from homepot_ai.language import comparing, metrics
from homepot_ai.language.facts import Book, Claim, Fact
from homepot_ai.language.owners import Owned, names, same, whole
from homepot_ai.language.reading import Clause, Read, Refused, Token
from homepot_ai.language.words import Words

#: What a word is refused for in every case, by its set.
_NEVER = {
    "refused_number": "number",
    "refused_quantity": "quantifier",
    "refused_advice": "advice",
    "refused_judgement": "judgement",
    "refused_time": "time",
    "refused_doubt": "hedge",
    "refused_cause": "cause",
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
        _agents(scene)
        _since(scene)
        _transitive(scene)
        _identity(scene)
    _bare(scenes)
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


_REFUSED_JOINED = {"nolonger": "negation", "atleast": "quantifier", "hadto": "judgement"}
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
    if scene.has("ever") or not any(_proves(fact, "none", scene) for fact in scene.scope):
        raise Refused("negation")


def _universals(scene: Scene) -> None:
    """All, every, always need a fact that proves it of what the clause speaks of."""
    if not scene.has("all"):
        return
    universal = [word for word in scene.clause.words if scene.words.among(word, "all")]
    proving = [fact for fact in scene.scope if _proves(fact, "all", scene)]
    if scene.has("ever"):
        # Of all the time only a share of it tells.
        proving = [fact for fact in proving if fact.kind == "share"]
    if not proving or len(universal) > 1:
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
    # "Nothing was closed" does not say nothing of what.
    nouns = own - scene.words.stem_set("state", "qualifier") - metrics.generics(scene.words)
    return bool(named & (nouns or own)) and needed <= named | _claimed(scene)


def _claimed(scene: Scene) -> frozenset[str]:
    return frozenset(token.stem for clause in scene.found.clauses for token in clause.tokens)


def _content(word: str, stem: str, scene: Scene) -> bool:
    """A word that names something, or says what it is like."""
    words = scene.words
    if words.among(word, "state", "highest", "lowest", "best", "worst", "up", "down"):
        return True
    if words.among(word, *_TAGS) or word in words.sets["function"] or stem in metrics.generics(words):
        return stem in {words.stem(noun) for noun in words.kinds_flat()}
    return True


def _states(scene: Scene) -> None:
    """Healthy, critical, silent and their like are a state fact's, or part of what is counted or timed."""
    words = scene.words
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not (token.text in words.sets["state"] or token.text in _JOINED_STATES):
            continue
        if _fills(place, scene) or (words.among(token.text, "up", "down") and not scene.told_by(token.stem)):
            continue
        holding = [fact for fact in scene.told_by(token.stem) if _holds(fact, place, scene)]
        if not holding or _denied(token.stem, holding, scene):
            raise Refused("state")
        if _listed(scene) and not all(
            any(same(fact.subject, alias, scene.book) for fact in holding) for alias in scene.who.subjects
        ):
            raise Refused("state")
    if _listed(scene) and scene.has("all", "none", "not"):
        raise Refused("universal")
    if scene.has("kept") and not any(
        (f.kind == "delta" and f.direction == 0) or f.universal == "all"
        or (f.kind in {"duration", "moment"} and f in scene.found.shown) or metrics.kept(f, words)
        for f in scene.scope
    ):  # fmt: skip
        raise Refused("time")


def _listed(scene: Scene) -> bool:
    """Whether a clause says the same of several subjects."""
    return len(scene.who.subjects) > 1 and not scene.who.compared


def _denied(stem: str, holding: Sequence[Fact], scene: Scene) -> bool:
    """What was (a time spent open) is not told as what is, where the state is another."""
    words = scene.words
    if any(fact.kind in {"state", "cause"} or fact.universal for fact in holding) or (
        scene.has("past_tense") or not scene.has("present")
    ):
        return False
    subjects = {fact.subject for fact in holding if fact.kind in {"duration", "moment"}}
    states = [
        metrics.own(fact, words) & words.stem_set("state")
        for fact in scene.book.facts
        if fact.kind == "state" and fact.subject in subjects
    ]
    known = [found for found in states if found & words.stem_set("condition")]
    if stem not in words.stem_set("condition"):
        return False
    return bool(known) and not any(stem in found for found in known)


_JOINED_STATES = frozenset({"nodata", "notscored", "heldback", "cametrue"})


def _holds(fact: Fact, place: int, scene: Scene) -> bool:
    """Whether a fact bears out a state word at a place: of one's own state, or of what is counted."""
    words = scene.words
    if fact.kind in {"state", "cause"}:
        # "The temperature of {D1} is critical" says it of something that has no state.
        ahead = {t.stem for t in scene.clause.tokens[:place] if t.kind == "word"} & metrics.named(
            scene.found, words
        )
        behind = scene.clause.at(place + 1)
        if behind is not None and behind.kind == "word":
            ahead |= {behind.stem} & metrics.named(scene.found, words)
        return not ahead - metrics.own(fact, words) - _kinds(scene) - metrics.generics(words)
    if not metrics.qualifiers(fact, words) <= _claimed(scene) | metrics.implied(fact, scene.found, words):
        return False
    if not _risked(fact, place, scene):
        return False
    if fact.universal and (scene.has("all", "none")):
        return True
    if fact.kind in {"count", "share"}:
        where = [at for at, shown in scene.clause.facts if shown == fact]
        behind = scene.clause.at(place + 1)
        noun = behind is not None and behind.kind == "word" and behind.stem in metrics.own(fact, scene.words)
        # "{S1} is critical with {f3} devices" would call the site critical.
        near = bool(where) and place < where[0] <= place + (2 if fact.kind == "share" else 1)
        return bool(where) and (place > where[0] or noun or near)
    return fact in scene.found.shown or fact.kind in {"delta", "rank"}


def _risked(fact: Fact, place: int, scene: Scene) -> bool:
    """A failure that is only a risk is told as one: `the risk that {D1} fails`, `failure risk`."""
    ahead = scene.words.stem_set("future_fact") & metrics.own(fact, scene.words)
    if not ahead or fact.kind == "count":
        return True
    token, tokens = scene.clause.tokens[place], scene.clause.tokens
    if token.stem in ahead:
        return True
    near = [t.stem for t in tokens[: place + 2]]
    return any(stem in ahead for stem in near) or scene.has("future", "may")


def _agents(scene: Scene) -> None:
    """Who did it (`acknowledged by {P1}`) is who the fact names, or whose fact it is."""
    tokens = scene.clause.tokens
    for place, token in enumerate(tokens):
        before = scene.clause.at(place - 1)
        if token.kind != "subject" or before is None or not scene.words.among(before.text, "by", "agent"):
            continue
        deeds = [
            t.stem for t in tokens[:place] if t.kind == "word" and scene.told_by(t.stem, scene.found.facts)
        ]
        if not deeds or not any(
            same(fact.subject, token.text, scene.book) or names(fact, token.text, scene.book)
            for fact in scene.told_by(deeds[-1], scene.found.facts)
        ):
            raise Refused("subject")


def _since(scene: Scene) -> None:
    """Since and until stand before a moment or a time: not before a length, and not for because."""
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not scene.words.among(token.text, "since", "until"):
            continue
        behind = [
            t for t in scene.clause.tokens[place + 1 :]
            if t.kind != "word" or not scene.words.among(t.text, "article", "to")
        ][:1]  # fmt: skip
        if not behind or not _when(behind[0], scene) or _other_end(token.text, behind[0], scene):
            raise Refused("time")


def _other_end(word: str, token: Token, scene: Scene) -> bool:
    """`since {f6}` of a moment until which something lasts, or which is yet to come; and the reverse."""
    fact = scene.book.fact(token.text) if token.kind == "fact" else None
    if fact is None:
        return False
    named = set(re.findall(r"[^\W\d_]+", fact.metric.lower()))
    since = scene.words.among(word, "since")
    return bool(named & scene.words.sets["ends" if since else "starts"])


def _when(token: Token, scene: Scene) -> bool:
    if token.kind == "fact":
        fact = scene.book.fact(token.text)
        return fact is not None and fact.kind == "moment"
    timed = scene.words.among(token.text, "time", "past_period") or token.text in {"last", "daybefore"}
    return token.kind == "word" and (timed or token.stem in metrics.moments(scene.book, scene.words))


def _transitive(scene: Scene) -> None:
    """`{f1} improved the error ratio` makes one fact the doer of another."""
    for place, token in enumerate(scene.clause.tokens):
        after = scene.clause.at(place + 1)
        if token.kind != "word" or after is None or after.kind != "word":
            continue
        if scene.words.among(token.text, *_MOVES) and scene.words.among(after.text, "article"):
            raise Refused("cause")


def _identity(scene: Scene) -> None:
    """`{D1} is {D2}` says that one is the other."""
    tokens = scene.clause.tokens
    for place, token in enumerate(tokens):
        before = scene.clause.at(place - 1)
        if token.kind != "subject" or before is None or before.kind != "word":
            continue
        if scene.words.among(before.text, "copula") and any(t.kind == "subject" for t in tokens[:place]):
            raise Refused("subject")


def _bare(scenes: Sequence[Scene]) -> None:
    """`{D2} is healthy, {D1} too`: a name of which nothing is said takes over what was said of another.

    It may stand in front of what is said of it (`{D1}: …`), or where it only says what belongs where.
    """
    for number, scene in enumerate(scenes):
        own = [
            alias
            for alias in scene.clause.subjects
            if scene.book.about.get(alias) not in scene.clause.subjects
        ]
        if not own or scene.shown or any(_says(token, scene) for token in scene.clause.tokens):
            continue
        behind = scenes[number + 1] if number + 1 < len(scenes) else None
        placed = all(
            alias in scene.book.about.values() or scene.book.about.get(alias) in scene.clause.subjects
            for alias in own
        )
        if placed and len(scene.clause.subjects) > 1:
            continue
        taken = behind is not None and set(behind.clause.subjects) - set(scene.book.about.values())
        if behind is None or taken or len(own) > 1 or scene.clause.ends_sentence:
            # "At {S1}, {D1} is …": a place in front of who is there.
            if behind is not None and placed and not scene.clause.ends_sentence:
                continue
            raise Refused("subject")


def _says(token: Token, scene: Scene) -> bool:
    return token.kind == "word" and (
        scene.words.among(token.text, "state", "cause", "than", "highest", "lowest", "best", "worst")
        or scene.words.among(token.text, "up", "down", "better", "worse", "flat", "change")
        or token.stem in metrics.named(scene.found, scene.words)
        or token.text in _JOINED_STATES
    )  # fmt: skip


_MOVES = ("up", "down", "better", "worse", "change")


def _future(scene: Scene) -> None:
    """Will and would need a forecast."""
    if scene.has("future"):
        scope = scene.shown or scene.scope
        stems = scene.words.stem_set("future_fact")
        told = [metrics.own(fact, scene.words) | metrics.period(fact, scene.words) for fact in scope]
        if not told or not all(stems & words for words in told):
            raise Refused("future")


def _causes(scenes: Sequence[Scene]) -> None:
    """Causal words need a cause that a rule has proved, in its place, or a supposition of two facts."""
    first = scenes[0]
    words, claim = first.words, first.claim
    causal = [
        (number, place, token.text)
        for number, scene in enumerate(scenes)
        for place, token in enumerate(scene.clause.tokens)
        if token.kind == "word"
        and (words.among(token.text, "cause", "effect") or token.text == "because")
        and not _called(place, scene)
    ]
    _leading_with(scenes)
    hedged = any(scene.has("may") for scene in scenes)
    if hedged and claim.stance != "hypothesis":
        raise Refused("hedge")
    if not causal:
        return
    if claim.stance == "hypothesis":
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


def _leading_with(scenes: Sequence[Scene]) -> None:
    """`With memory at {f4}, health fell`: put in front, one thing explains the other."""
    first = scenes[0]
    words = first.words
    if len(scenes) < 2 or first.claim.stance == "hypothesis" or first.clause.ends_sentence:
        return
    if not first.clause.words or first.clause.tokens[0].text not in words.sets["with"] or not first.shown:
        return
    for scene in scenes[1:]:
        moved = scene.has("up", "down", "better", "worse")
        others = [fact for fact in scene.scope if fact not in first.shown]
        if moved and others and not any(metrics.alike(a, b, words) for a in first.shown for b in others):
            raise Refused("cause")


def _called(place: int, scene: Scene) -> bool:
    """`reported as critical`: as what, not because."""
    token, after = scene.clause.tokens[place], scene.clause.at(place + 1)
    if token.text not in scene.words.sets["as"] or after is None:
        return False
    fact = scene.book.fact(after.text) if after.kind == "fact" else None
    state = fact is not None and fact.kind == "state"
    return state or (after.kind == "word" and scene.words.among(after.text, "state") and place > 0)


# "caused by" was joined to "because": these are the ones whose cause stands in front of them.
_FORWARDS = frozenset(
    {"caused", "causes", "causing", "triggers", "trigger", "triggered", "verursachte", "verursacht"}
)
