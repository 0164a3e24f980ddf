"""What something is, who did it, and what will be: said only of those of whom a fact says it."""

from __future__ import annotations

from collections.abc import Sequence

from homepot_ai.language import metrics
from homepot_ai.language.facts import Fact
from homepot_ai.language.owners import names, same
from homepot_ai.language.reading import Refused, Token
from homepot_ai.language.scene import JOINED_STATES, Scene, claimed, fills, kinds, listed


def states(scene: Scene) -> None:
    """Healthy, critical, silent and their like are a state fact's, or part of what is counted or timed."""
    words = scene.words
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not (token.text in words.sets["state"] or token.text in JOINED_STATES):
            continue
        if fills(place, scene) or (words.among(token.text, "up", "down") and not scene.told_by(token.stem)):
            continue
        holding = [fact for fact in scene.told_by(token.stem) if _holds(fact, place, scene)]
        if not holding or _denied(token.stem, holding, scene) or _turned(place, holding, scene):
            raise Refused("state")
        if listed(scene) and not all(
            any(same(fact.subject, alias, scene.book) for fact in holding) for alias in scene.who.subjects
        ):
            raise Refused("state")
    if listed(scene) and scene.has("all", "none", "not"):
        raise Refused("universal")
    if scene.has("kept") and not any(
        (f.kind == "delta" and f.direction == 0) or f.universal == "all"
        or (f.kind in {"duration", "moment"} and f in scene.found.shown) or metrics.kept(f, words)
        for f in scene.scope
    ):  # fmt: skip
        raise Refused("time")


def _turned(place: int, holding: Sequence[Fact], scene: Scene) -> bool:
    """`became critical`: that it is does not say that it was not before."""
    ahead = [t.text for t in scene.clause.tokens[:place] if t.kind == "word"][-3:]
    while ahead and ahead[-1] in _BEING:
        ahead.pop()
    turning = bool(ahead) and scene.words.among(ahead[-1], "turning")
    return turning and all(fact.kind == "state" for fact in holding)


_BEING = frozenset({"to", "be", "being", "in", "into", "zu", "sein"})


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
        return not ahead - metrics.own(fact, words) - kinds(scene) - metrics.generics(words)
    if not metrics.qualifiers(fact, words) <= claimed(scene) | metrics.implied(fact, scene.found, words):
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
        # "Open incidents: {f3}", "of these critical: {f4}": a heading in front of its number.
        if scene.who.compared and noun and fact in scene.found.facts:
            return True  # "more open incidents than": the comparison's own rule
        headed = fact in scene.found.shown and (noun or _heads(place, fact, scene))
        return headed or (bool(where) and (place > where[0] or near))
    return fact in scene.found.shown or fact.kind in {"delta", "rank"}


def _heads(place: int, fact: Fact, scene: Scene) -> bool:
    """Whether a word ends a clause without a verb, right in front of a fact."""
    clauses = scene.found.clauses
    number = clauses.index(scene.clause) + 1
    if place + 1 != len(scene.clause.tokens) or number >= len(clauses) or scene.has("present", "past_tense"):
        return False
    return clauses[number].tokens[0].text == fact.id


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


def agents(scene: Scene) -> None:
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


def orders(scenes: Sequence[Scene]) -> None:
    """A sentence that begins with a bare verb tells somebody to do something."""
    begins = True
    for scene in scenes:
        first = scene.clause.tokens[0]
        if begins and first.kind == "word" and first.text in scene.words.sets["verb"]:
            raise Refused("advice")
        begins = scene.clause.ends_sentence


def identity(scene: Scene) -> None:
    """`{D1} is {D2}` says that one is the other."""
    tokens = scene.clause.tokens
    for place, token in enumerate(tokens):
        before = scene.clause.at(place - 1)
        if token.kind != "subject" or before is None or before.kind != "word":
            continue
        if scene.words.among(before.text, "copula") and any(t.kind == "subject" for t in tokens[:place]):
            raise Refused("subject")


def bare(scenes: Sequence[Scene]) -> None:
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
        or token.text in JOINED_STATES
    )  # fmt: skip


def future(scene: Scene) -> None:
    """Will and would need a forecast."""
    if scene.has("future"):
        scope = scene.shown or scene.scope
        stems = scene.words.stem_set("future_fact")
        told = [metrics.own(fact, scene.words) | metrics.period(fact, scene.words) for fact in scope]
        if not told or not all(stems & words for words in told):
            raise Refused("future")
