"""Directions, ranks and comparisons: by the sign of a change, a rank, or a fact of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from homepot_ai.language import metrics
from homepot_ai.language.facts import Fact
from homepot_ai.language.owners import same, whole
from homepot_ai.language.reading import Refused, Token
from homepot_ai.language.scene import BEFORE, DIRECTIONS, LEVELS, Scene, moves
from homepot_ai.language.words import Words


def directions(scene: Scene) -> None:
    """Rose, fell, better, unchanged agree with every change in the clause, and there is one.

    Raises:
        Refused: `direction`, or `comparison` where two subjects are compared without a fact of both.
    """
    words = scene.words
    if _than_subject(scene):
        return  # the comparison's own rule
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not words.among(token.text, *DIRECTIONS, "change"):
            continue
        if _own_word(token, scene):
            continue
        changes = [fact for fact in scene.scope if fact.kind == "delta" and not fact.other]
        changes = _of_named(changes, scene, place)
        if not changes or not all(agrees(token.text, fact, words) for fact in changes):
            raise Refused("direction")
        # "Changed", of what did not: a denial of it is looked at with the negations.
        told = words.among(token.text, "change") and not scene.has("not", "none")
        if told and any(fact.direction == 0 for fact in changes):
            raise Refused("direction")


def _own_word(token: Token, scene: Scene) -> bool:
    """A state that is called so (`down`), said of it; a metric that is (`state changes`), shown."""
    if any(fact.kind != "delta" and token.stem in metrics.own(fact, scene.words) for fact in scene.shown):
        return True
    return any(fact.kind == "state" for fact in scene.told_by(token.stem)) and not any(
        fact.kind == "delta" for fact in scene.shown
    )


def _of_named(changes: list[Fact], scene: Scene, place: int) -> list[Fact]:
    """Changes of the metric that the clause names; those shown in it before those that are not."""
    shown = [fact for fact in changes if fact in scene.shown]
    if shown:
        return shown
    generic = metrics.generics(scene.words)
    stems = {token.stem for token in scene.clause.tokens if token.kind == "word"} - generic
    named = [fact for fact in changes if stems & (metrics.own(fact, scene.words) - generic)]
    if named:
        return named
    said = any(stems & (metrics.own(fact, scene.words) - generic) for fact in scene.found.facts)
    levels = [fact for fact in (scene.shown if said else scene.found.shown) if fact.kind in LEVELS]
    return [fact for fact in changes if any(metrics.alike(fact, level, scene.words) for level in levels)]


def agrees(word: str, fact: Fact, words: Words) -> bool:
    if words.among(word, "up"):
        return fact.direction == 1
    if words.among(word, "down"):
        return fact.direction == -1
    if words.among(word, "better"):
        return fact.better is True
    if words.among(word, "worse"):
        return fact.better is False
    if words.among(word, "flat"):
        return fact.direction == 0
    return True


def ranks(scene: Scene) -> None:
    """Highest, lowest, best, worst are a rank fact's, of the subject spoken of and the metric named."""
    words = scene.words
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not words.among(token.text, "highest", "lowest", "best", "worst"):
            continue
        ranked = [fact for fact in scene.scope if fact.kind == "rank"]
        behind = scene.clause.at(place + 1)
        if behind is not None and behind.kind == "word" and words.among(behind.text, "unit", "time"):
            raise Refused("rank")  # "its worst day"
        if any(_ranks(token.text, fact, scene) for fact in ranked):
            continue
        # The metric itself is called so; then it must not read as if somebody had it of all.
        called = [f for f in scene.told_by(token.stem) if f.kind != "rank"]
        before = scene.clause.tokens[:place]
        owner = next((n for n, t in enumerate(before) if t.kind == "subject"), None)
        own = place > 0 and before[-1].text in words.sets["possessive"]
        has = owner is not None and any(t.text in words.sets["has"] for t in before[owner:])
        if not called or (has and not own):
            raise Refused("rank")


def _beyond(scene: Scene, fact: Fact) -> bool:
    """`in the fleet`, where the passage is not about the fleet: the rank's set is not known."""
    words = scene.words
    wider = [t for t in scene.clause.tokens if t.kind == "word" and t.text in words.sets["everywhere"]]
    known = any(whole(f.subject, scene.book) for f in scene.book.facts)
    return any(t.stem not in metrics.own(fact, words) for t in wider) and not known


def _ranks(word: str, fact: Fact, scene: Scene) -> bool:
    words = scene.words
    if _beyond(scene, fact) or (len(scene.who.subjects) > 1 and fact not in scene.shown):
        return False
    stems = {token.stem for token in scene.clause.tokens if token.kind == "word"} - metrics.generics(words)
    everything = {t.stem for c in scene.found.clauses for t in c.tokens if t.kind == "word"}
    own = metrics.own(fact, words) - metrics.generics(words)
    other = {
        stem for stem in stems
        if stem not in own
        and any(stem in metrics.own(f, words) for f in scene.book.facts if f.kind in LEVELS)
    }  # fmt: skip
    called = words.stem_set("highest", "lowest", "best", "worst")
    if not everything & (own - called) or (other and not stems & (own - called)):
        return False
    if words.stem(word) in own and fact.value in {None, 1}:
        return True  # the metric itself says which end it is
    if words.among(word, "highest") and fact.direction == 1:
        return True
    if words.among(word, "lowest") and fact.direction == -1:
        return True
    better = fact.better
    if better is None and own & words.stem_set("good_up"):
        better = fact.direction == 1
    return (words.among(word, "best") and better is True) or (words.among(word, "worst") and better is False)


def _than_subject(scene: Scene) -> bool:
    """Whether the clause compares two subjects: `than`, `versus` and a name behind it."""
    return _split_at_than(scene) is not None


def _split_at_than(scene: Scene) -> tuple[str | None, str] | None:
    tokens = scene.clause.tokens
    for place, token in enumerate(tokens):
        if token.kind == "word" and scene.words.among(token.text, "than", "compare"):
            behind = next((t.text for t in tokens[place:] if t.kind == "subject"), None)
            if behind is not None:
                ahead = [t.text for t in tokens[:place] if t.kind == "subject" and t.text != behind]
                first = next((alias for alias in ahead if alias in scene.who.subjects), None)
                return first or _before(scene, behind), behind
    return None


def _before(scene: Scene, behind: str) -> str | None:
    """The subject that a comparison began with, in front of a bracket."""
    clauses = scene.found.clauses
    ahead = [alias for clause in clauses[: clauses.index(scene.clause)] for alias in clause.subjects]
    known = [alias for alias in (*scene.who.subjects, *ahead) if alias != behind]
    return known[0] if len(set(known)) == 1 else None


def pairs(scenes: Sequence[Scene]) -> None:
    """Two subjects are compared only by a fact of both, or by two values of the same metric and time."""
    told: set[Fact] = set()
    for scene in scenes:
        words = scene.words
        for ahead, behind in pairwise(scene.clause.tokens):
            if ahead.kind == "word" and words.among(ahead.text, "than") and behind.kind == "fact":
                raise Refused("quantifier")
        sides = _split_at_than(scene)
        if sides is not None:
            first, second = sides
            if first is None:
                raise Refused("comparison")
            moved = [t.text for t in scene.clause.tokens if moves(t, words)]
            if not moved:
                moved = [t.text for s in scenes for t in s.clause.tokens if moves(t, words)]
            if not moved or not all(_compares(first, second, move, scene) for move in moved):
                raise Refused("comparison")
            told |= {fact for fact in scene.found.facts if fact.other}
        elif any(words.among(word, "than", "compare") for word in scene.clause.words):
            _than_time(scene)
        _edges(scene)
    for scene in scenes:
        for fact in scene.shown:
            if fact.other and fact not in told:
                raise Refused("comparison")


def _compares(first: str, second: str, move: str, scene: Scene) -> bool:
    words = scene.words
    stems = {t.stem for c in scene.found.clauses for t in c.tokens if t.kind == "word"}
    generic = metrics.generics(words)
    for fact in scene.found.facts:
        if not fact.other or fact.direction is None:
            continue
        if {fact.subject, fact.other} != {first, second}:
            continue
        if not stems & (metrics.own(fact, words) - generic):
            continue
        turned = fact.subject != first
        sign = -fact.direction if turned else fact.direction
        better = None if fact.better is None else fact.better != turned
        return agrees(move, _turned(fact, sign, better), words)
    return _by_values(first, second, move, stems, scene)


def _turned(fact: Fact, direction: int, better: bool | None) -> Fact:
    return replace(fact, direction=direction, better=better)  # type: ignore[arg-type]


def _by_values(first: str, second: str, move: str, stems: Iterable[str], scene: Scene) -> bool:
    """Two cited levels of the same metric, unit and time."""
    words, book = scene.words, scene.book
    generic = metrics.generics(words)
    for mine in scene.found.facts:
        for theirs in scene.found.facts:
            if not (same(mine.subject, first, book) and same(theirs.subject, second, book)):
                continue
            if mine.kind not in LEVELS or (mine.metric, mine.unit, mine.period) != (
                theirs.metric, theirs.unit, theirs.period,
            ):  # fmt: skip
                continue
            if not set(stems) & (metrics.own(mine, words) - generic):
                continue
            if not isinstance(mine.value, (int, float)) or not isinstance(theirs.value, (int, float)):
                continue
            if mine.kind in {"count", "share"} and not metrics.qualifiers(mine, words) <= set(stems):
                continue  # "more devices than", of those that are critical
            sign = (mine.value > theirs.value) - (mine.value < theirs.value)
            if words.among(move, "up"):
                return sign > 0
            if words.among(move, "down"):
                return sign < 0
            if metrics.own(mine, words) & words.stem_set("good_up"):
                return (words.among(move, "better") and sign > 0) or (words.among(move, "worse") and sign < 0)
    return False


def _than_time(scene: Scene) -> None:
    """`than yesterday`: a time behind it, which the change's period names; `than expected` is not told."""
    tokens, words = scene.clause.tokens, scene.words
    place = next(
        n for n, t in enumerate(tokens) if t.kind == "word" and words.among(t.text, "than", "compare")
    )
    behind = [t for t in tokens[place + 1 :] if t.kind != "word" or t.text not in _CONNECTING]
    if not behind or behind[0].kind != "word":
        raise Refused("quantifier" if behind and behind[0].kind == "fact" else "comparison")
    if not words.among(behind[0].text, "time", "past_period") and behind[0].text not in BEFORE | {"last"}:
        raise Refused("comparison")
    if not any(fact.kind == "delta" for fact in scene.scope):
        raise Refused("comparison")


_CONNECTING: frozenset[str] = frozenset(
    {"the", "with", "to", "in", "on", "der", "die", "das", "dem", "den", "am", "im"}
)


def _edges(scene: Scene) -> None:
    """Above and below stand between two shown values of one thing, and are true of them."""
    words = scene.words
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not words.among(token.text, "above", "below"):
            continue
        if any(token.stem in metrics.own(fact, words) for fact in scene.scope):
            continue
        every = [fact for clause in scene.found.clauses for _, fact in clause.facts]
        behind = [fact for at, fact in scene.clause.facts if at > place]
        ahead = every[: every.index(behind[0])] if behind else []
        if not behind or not ahead:
            raise Refused("comparison")
        left, right = ahead[-1], behind[0]
        if left.subject != right.subject or left.unit != right.unit or not _share_metric(left, right, words):
            raise Refused("comparison")
        if not isinstance(left.value, (int, float)) or not isinstance(right.value, (int, float)):
            raise Refused("comparison")
        if words.among(token.text, "above") != (left.value > right.value) or left.value == right.value:
            raise Refused("comparison")


def _share_metric(first: Fact, second: Fact, words: Words) -> bool:
    generic = metrics.generics(words)
    return bool((metrics.own(first, words) & metrics.own(second, words)) - generic)
