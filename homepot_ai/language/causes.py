"""Why: only what a rule has proved, in its direction, or a supposition of two facts."""

from __future__ import annotations

from collections.abc import Sequence

from homepot_ai.language import metrics
from homepot_ai.language.facts import Fact
from homepot_ai.language.reading import Refused, Token
from homepot_ai.language.scene import LEVELS, Scene


def causes(scenes: Sequence[Scene]) -> None:
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
    for scene in scenes:
        _grounds(scene)
    _supposed(scenes)
    hedged = any(scene.has("may") for scene in scenes)
    if hedged and claim.stance != "hypothesis":
        raise Refused("hedge")
    if not causal:
        if any(fact.kind == "cause" for fact in first.found.shown):
            raise Refused("cause")  # shown as something else than a cause
        return
    if claim.stance == "hypothesis":
        return
    causes = [fact for fact in first.found.shown if fact.kind == "cause"]
    if len(causes) != 1 or any(word in words.sets["effect"] for _, _, word in causal):
        raise Refused("cause")
    if {fact.subject for fact in first.found.facts} != {causes[0].subject}:
        raise Refused("cause")
    if any(scene.has("good_state") for scene in scenes):
        raise Refused("cause")  # what a rule has proved is why something went wrong
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
    if first.claim.stance == "hypothesis" or not first.shown or not first.clause.words:
        return
    if first.clause.tokens[0].text not in words.sets["with"]:
        return
    moves = ("up", "down", "better", "worse")
    apart = [fact for fact in first.shown[1:] if not metrics.alike(first.shown[0], fact, words)]
    if apart and first.has(*moves):
        raise Refused("cause")
    if first.clause.ends_sentence:
        return
    for scene in scenes[1:]:
        moved = scene.has(*moves)
        others = [fact for fact in scene.scope if fact not in first.shown]
        if moved and others and not any(metrics.alike(a, b, words) for a in first.shown for b in others):
            raise Refused("cause")


def _grounds(scene: Scene) -> None:
    """`is critical given a disk usage of {f7}`: a preposition that makes one thing the reason of another."""
    words, tokens = scene.words, scene.clause.tokens
    for place, token in enumerate(tokens):
        if token.kind != "word" or not words.among(token.text, "grounds"):
            continue
        grounds = _ground(place, scene)
        if not grounds:
            continue
        ahead, before = tokens[:place], scene.clause.at(place - 1)
        # "A rise in disk usage", "the level of": a noun of its own in front.
        if before is not None and before.kind == "word" and not _predicate(before, scene) and (
            words.among(before.text, *_MOVES, "noun") or before.stem in metrics.own(grounds[0], words)
        ):  # fmt: skip
            continue
        told = [fact for at, fact in scene.clause.facts if at < place]
        told += [
            fact for fact in scene.found.facts
            if fact.kind == "state" and fact not in told
            and any(_predicate(t, scene) and t.stem in metrics.own(fact, words) for t in ahead)
        ]  # fmt: skip
        # A health score is what a status is made of.
        if token.text in {"at", "bei"} and metrics.own(grounds[0], words) & words.stem_set("good_up"):
            continue
        if not ahead and token.text not in {"of", "in", "at", "im", "am", "an", "von", "vom"}:
            own = scene.found.clauses.index(scene.clause)
            told += [fact for c in scene.found.clauses[own:] for _, fact in c.facts]
            told += [fact for fact in scene.found.hidden if fact.kind == "state"]
            told = [fact for fact in told if fact not in grounds]
        if any(not any(metrics.alike(fact, ground, words) for ground in grounds) for fact in told):
            raise Refused("cause")


def _predicate(token: Token, scene: Scene) -> bool:
    return token.kind == "word" and scene.words.among(token.text, "state", "good_state", "condition")


def _ground(place: int, scene: Scene) -> list[Fact]:
    """What is shown behind a preposition, where the next word of weight is the name of its metric."""
    words = scene.words
    behind = [
        (at, token) for at, token in enumerate(scene.clause.tokens)
        if at > place and not (token.kind == "word" and _light(token, scene))
    ]  # fmt: skip
    if not behind:
        return []
    at, token = behind[0]
    shown = [(n, fact) for n, fact in scene.clause.facts if n > place]
    if token.kind == "fact":
        following = behind[1][1] if len(behind) > 1 else None
        fact = next(fact for n, fact in shown if n == at)
        named = following is not None and following.stem in metrics.own(fact, words)
        return [fact] if fact.kind in {"value", "count", "share"} and named else []
    if token.kind != "word":
        return []
    every = [fact for _, fact in shown] or list(scene.found.shown)
    return [
        fact for fact in every if fact.kind in LEVELS | {"delta"} and token.stem in metrics.own(fact, words)
    ][:1]


def _light(token: Token, scene: Scene) -> bool:
    called = token.span or token.stem in metrics.named(scene.found, scene.words)
    return not called and scene.words.among(token.text, "article", "function", "possessive")


def _supposed(scenes: Sequence[Scene]) -> None:
    """A supposition rests on a fact of each that it names, and says which; what is proved is not supposed."""
    first = scenes[0]
    if first.claim.stance != "hypothesis":
        return
    words, found, book = first.words, first.found, first.book
    said = {token.stem for clause in found.clauses for token in clause.tokens if token.kind == "word"}
    if any(fact.kind == "cause" for fact in found.facts):
        raise Refused("supposition")
    places = {book.about.get(alias) for alias in found.subjects}
    for alias in found.subjects:
        mine = [fact for fact in found.facts if alias in {fact.subject, fact.other}]
        if not mine and alias not in places:
            raise Refused("supposition")
        subject = book.subject(alias)
        if mine and subject is not None and subject.kind != "incident" and not any(
            fact in found.shown or metrics.own(fact, words) & said for fact in mine
        ):  # fmt: skip
            raise Refused("supposition")


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


def transitive(scene: Scene) -> None:
    """`{f1} improved the error ratio` makes one fact the doer of another."""
    for place, token in enumerate(scene.clause.tokens):
        after = scene.clause.at(place + 1)
        if token.kind != "word" or after is None or after.kind != "word":
            continue
        if scene.words.among(token.text, *_MOVES) and scene.words.among(after.text, "article"):
            raise Refused("cause")


_MOVES = ("up", "down", "better", "worse", "change")
