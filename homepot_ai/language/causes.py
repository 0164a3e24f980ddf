"""Why: only what a rule has proved, in its direction, or a supposition of two facts."""

from __future__ import annotations

from collections.abc import Sequence

from homepot_ai.language import metrics
from homepot_ai.language.reading import Refused
from homepot_ai.language.scene import Scene


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
