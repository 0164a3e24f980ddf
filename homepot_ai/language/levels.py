"""A level is told as a level, a change as a change, a part as a part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from homepot_ai.language import metrics
from homepot_ai.language.facts import Fact
from homepot_ai.language.reading import Clause, Refused, Token
from homepot_ai.language.scene import LEVELS, Scene, moves
from homepot_ai.language.words import Words


def levels(scenes: Sequence[Scene]) -> None:
    """A change is not told as a level, nor a level as a change, nor a part as its whole."""
    for scene in scenes:
        words, clause = scene.words, scene.clause
        _parts(scene)
        for place, fact in clause.facts:
            before, after = clause.at(place - 1), clause.at(place + 1)
            second = clause.at(place - 2)
            moved_before = moves(before, words)
            moved_after = moves(after, words) and not _moves_is_name(after, fact, words)
            by = before is not None and before.text in words.sets["by"]
            of_move = before is not None and before.text in words.sets["of"] and moves(second, words)
            noun = any(
                words.among(token.text, "noun") and words.among(ahead.text, "article")
                for ahead, token in pairwise(clause.tokens[:place])
            )
            if (
                after is not None
                and words.among(after.text, "unit")
                and not _moves_is_name(after, fact, words)
            ):
                raise Refused("unit")
            if before is not None and before.text in _OVER:
                raise Refused("quantifier")
            if fact.kind == "delta":
                if before is not None and before.text in words.sets["to"]:
                    raise Refused("level")
                if not (
                    noun or moved_before or moved_after or by or of_move or _count_more(clause, place, words)
                ):
                    raise Refused("level")
                continue
            if fact.kind not in LEVELS:
                continue
            # "auf {f4} gestiegen", "mit {f4} höher als": the value belongs to the word in front of it.
            ended = place + 2 == len(clause.tokens)
            if before is not None and (
                (ended and before.text in words.sets["to"]) or before.text in words.sets["with"]
            ):
                moved_after = False
            if moved_before or moved_after or of_move or (noun and not _names_between(clause, place, scene)):
                raise Refused("level")
            if by and any(moves(token, words) for token in clause.tokens):
                raise Refused("level")
            _to(place, fact, scene)


def _parts(scene: Scene) -> None:
    """`{f1} of {f2}`: a part is not more than its whole."""
    clause = scene.clause
    for (first, part), (second, whole_) in pairwise(clause.facts):
        between = [token.text for token in clause.tokens[first + 1 : second]]
        if not between or not any(text in scene.words.sets["of"] for text in between):
            continue
        if any(text not in scene.words.sets["of"] and not scene.words.among(text, "article") and text != "out"
               for text in between):  # fmt: skip
            continue
        if part.kind != "count" or whole_.kind != "count" or not _numbers(part, whole_):
            raise Refused("metric")
        if float(part.value or 0) > float(whole_.value or 0):
            raise Refused("metric")


def _numbers(*facts: Fact) -> bool:
    return all(isinstance(fact.value, (int, float)) for fact in facts)


def _names_between(clause: Clause, place: int, scene: Scene) -> bool:
    """`the rise in {D1}'s load to {f1}`: a level behind its own preposition."""
    before = clause.at(place - 1)
    return before is not None and before.text in scene.words.sets["to"] | {"at", "bei"}


_OVER = frozenset({"over", "under", "über", "unter"})


def _moves_is_name(token: Token | None, fact: Fact, words: Words) -> bool:
    return token is not None and token.stem in metrics.own(fact, words)


def _count_more(clause: Clause, place: int, words: Words) -> bool:
    """`um 14 Punkte gestiegen`: the verb stands at the end."""
    return any(moves(token, words) for token in clause.tokens[place + 1 : place + 4]) and not any(
        other > place for other, _ in clause.facts
    )


def _to(place: int, fact: Fact, scene: Scene) -> None:
    """`fell to {f1}`: where it came to is the newer of two values; `from` needs both, and a change."""
    words, clause = scene.words, scene.clause
    before = clause.at(place - 1)
    if before is None or fact.kind not in {"value", "share", "count"}:
        return
    moving = any(moves(token, words) for token in clause.tokens)
    noun = clause.at(place - 2)
    of = before.text in words.sets["of"] and noun is not None and noun.stem in metrics.own(fact, words)
    came = before.text in words.sets["from"] and not of and (moving or before.text not in words.sets["of"])
    if came and isinstance(fact.value, (int, float)):
        following = [(at, other) for at, other in clause.facts if at > place]
        if not following or not _from_to(fact, following[0][1], scene):
            raise Refused("comparison")
    elif before.text in words.sets["to"] and moving:
        others = [
            other for other in scene.book.facts
            if other.kind == fact.kind and other != fact and other.subject == fact.subject
            and other.metric == fact.metric
        ]  # fmt: skip
        past = bool(metrics.period(fact, words) & words.sets["past_period"])
        if others and past:
            raise Refused("time")


def _from_to(first: Fact, second: Fact, scene: Scene) -> bool:
    changes = [f for f in scene.found.facts if f.kind == "delta" and metrics.alike(f, second, scene.words)]
    if not changes or not isinstance(first.value, (int, float)) or not isinstance(second.value, (int, float)):
        return False
    sign = (second.value > first.value) - (second.value < first.value)
    return metrics.alike(first, second, scene.words) and all(change.direction == sign for change in changes)
