"""Rules of direction, rank, comparison, level and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from homepot_ai.language import metrics
from homepot_ai.language.facts import Fact
from homepot_ai.language.owners import same, whole
from homepot_ai.language.reading import Clause, Refused, Token
from homepot_ai.language.words import Words

if TYPE_CHECKING:
    from homepot_ai.language.assertions import Scene

_LEVELS = frozenset({"value", "share", "count", "duration", "rank"})
_DIRECTIONS = ("up", "down", "better", "worse", "flat")


def directions(scene: Scene) -> None:
    """Rose, fell, better, unchanged agree with every change in the clause, and there is one.

    Raises:
        Refused: `direction`, or `comparison` where two subjects are compared without a fact of both.
    """
    words = scene.words
    if _than_subject(scene):
        return  # the comparison's own rule
    for place, token in enumerate(scene.clause.tokens):
        if token.kind != "word" or not words.among(token.text, *_DIRECTIONS, "change"):
            continue
        if _own_word(token, scene):
            continue
        changes = [fact for fact in scene.scope if fact.kind == "delta" and not fact.other]
        changes = _of_named(changes, scene, place)
        if not changes or not all(_agrees(token.text, fact, words) for fact in changes):
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
    levels = [fact for fact in (scene.shown if said else scene.found.shown) if fact.kind in _LEVELS]
    return [fact for fact in changes if any(metrics.alike(fact, level, scene.words) for level in levels)]


def _agrees(word: str, fact: Fact, words: Words) -> bool:
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
    if words.stem(word) in own and fact.value in {None, 1}:
        return True
    other = {
        stem for stem in stems
        if stem not in own
        and any(stem in metrics.own(f, words) for f in scene.book.facts if f.kind in _LEVELS)
    }  # fmt: skip
    if not everything & own or (other and not stems & own):
        return False
    if words.among(word, "highest") and fact.direction == 1:
        return True
    if words.among(word, "lowest") and fact.direction == -1:
        return True
    better = fact.better
    if better is None and own & words.stem_set("good_up"):
        better = fact.direction == 1
    return (words.among(word, "best") and better is True) or (words.among(word, "worst") and better is False)


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


def levels(scenes: Sequence[Scene]) -> None:
    """A change is not told as a level, nor a level as a change, nor a part as its whole."""
    for scene in scenes:
        words, clause = scene.words, scene.clause
        _parts(scene)
        for place, fact in clause.facts:
            before, after = clause.at(place - 1), clause.at(place + 1)
            second = clause.at(place - 2)
            moved_before = _moves(before, words)
            moved_after = _moves(after, words) and not _moves_is_name(after, fact, words)
            by = before is not None and before.text in words.sets["by"]
            of_move = before is not None and before.text in words.sets["of"] and _moves(second, words)
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
                if not (
                    noun or moved_before or moved_after or by or of_move or _count_more(clause, place, words)
                ):
                    raise Refused("level")
                continue
            if fact.kind not in _LEVELS:
                continue
            # "auf {f4} gestiegen", "mit {f4} höher als": the value belongs to the word in front of it.
            ended = place + 2 == len(clause.tokens)
            if before is not None and (
                (ended and before.text in words.sets["to"]) or before.text in words.sets["with"]
            ):
                moved_after = False
            if moved_before or moved_after or of_move or (noun and not _names_between(clause, place, scene)):
                raise Refused("level")
            if by and any(_moves(token, words) for token in clause.tokens):
                raise Refused("level")
            _to(place, fact, scene)


def _names_between(clause: Clause, place: int, scene: Scene) -> bool:
    """`the rise in {D1}'s load to {f1}`: a level behind its own preposition."""
    before = clause.at(place - 1)
    return before is not None and before.text in scene.words.sets["to"] | {"at", "bei"}


_OVER = frozenset({"over", "under", "über", "unter"})


def _moves(token: Token | None, words: Words) -> bool:
    return token is not None and token.kind == "word" and words.among(token.text, *_DIRECTIONS, "change")


def _moves_is_name(token: Token | None, fact: Fact, words: Words) -> bool:
    return token is not None and token.stem in metrics.own(fact, words)


def _count_more(clause: Clause, place: int, words: Words) -> bool:
    """`um 14 Punkte gestiegen`: the verb stands at the end."""
    return any(_moves(token, words) for token in clause.tokens[place + 1 : place + 4]) and not any(
        other > place for other, _ in clause.facts
    )


def _to(place: int, fact: Fact, scene: Scene) -> None:
    """`fell to {f1}`: where it came to is the newer of two values; `from` needs both, and a change."""
    words, clause = scene.words, scene.clause
    before = clause.at(place - 1)
    if before is None or fact.kind not in {"value", "share", "count"}:
        return
    moving = any(_moves(token, words) for token in clause.tokens)
    came = before.text in words.sets["from"] and (moving or before.text not in words.sets["of"])
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
            moves = [t.text for t in scene.clause.tokens if _moves(t, words)]
            if not moves:
                moves = [t.text for s in scenes for t in s.clause.tokens if _moves(t, words)]
            if not moves or not all(_compares(first, second, move, scene) for move in moves):
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
        return _agrees(move, _turned(fact, sign, better), words)
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
            if mine.kind not in _LEVELS or (mine.metric, mine.unit, mine.period) != (
                theirs.metric, theirs.unit, theirs.period,
            ):  # fmt: skip
                continue
            if not set(stems) & (metrics.own(mine, words) - generic):
                continue
            if not isinstance(mine.value, (int, float)) or not isinstance(theirs.value, (int, float)):
                continue
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
    if not words.among(behind[0].text, "time", "past_period") and behind[0].text not in _BEFORE | {"last"}:
        raise Refused("comparison")
    if not any(fact.kind == "delta" for fact in scene.scope):
        raise Refused("comparison")


_CONNECTING: frozenset[str] = frozenset(
    {"the", "with", "to", "in", "on", "der", "die", "das", "dem", "den", "am", "im"}
)
_BEFORE = frozenset({"daybefore", "weekbefore", "monthbefore"})


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


def times(scenes: Sequence[Scene]) -> None:
    """Times that are said are the facts' own; what is of another time is not put under them.

    Raises:
        Refused: `time`.
    """
    words = scenes[0].words
    said = [_times(scene) for scene in scenes]
    somewhere = any(said)
    for number, scene in enumerate(scenes):
        own = said[number]
        scope = scene.shown or list(scene.scope)
        if own:
            periods = [metrics.period(fact, words) for fact in scope if fact.period]
            changes = [metrics.period(f, words) for f in scene.scope if f.kind == "delta" and f.period]
            for word in own:
                if not any(word in period for period in [*periods, *changes]):
                    raise Refused("time")
        near = [said[n] for n in (*range(number - 1, -1, -1), *range(number + 1, len(said))) if said[n]]
        # "Currently" is not carried over: what has no time of its own is read as of now anyway.
        inherited = own or (near[0] - {words.stem("now")} if near else frozenset())
        if not somewhere:
            stems = {token.stem for token in scene.clause.tokens}
            for fact in scene.scope:
                if fact.kind == "state" and fact in scene.found.hidden and stems & metrics.own(fact, words):
                    _tense(fact, scene)
        for place, fact in scene.clause.facts:
            if not fact.period or fact.kind == "moment":
                continue
            may = metrics.period(fact, words)
            if inherited and not inherited & may and not _arrived(place, scene, own):
                raise Refused("time")
            if not somewhere:
                _tense(fact, scene)
                _two_periods(fact, scene)


def _times(scene: Scene) -> frozenset[str]:
    """Words of time in a clause, but for those that are part of what something is called (`last seen`)."""
    called = {
        word
        for fact in scene.scope
        for word in metrics.own(fact, scene.words)
    }  # fmt: skip
    periods = metrics.moments(scene.book, scene.words)
    return frozenset(
        token.stem
        for token in scene.clause.tokens
        if token.kind == "word"
        and (token.text in scene.words.sets["time"] or token.text in _BEFORE or token.stem in periods)
        and token.stem not in called
    )


def _arrived(place: int, scene: Scene, own: frozenset[str]) -> bool:
    """`fell since yesterday to {f1}`: a value of now behind "to" or with a verb of its own."""
    words, clause = scene.words, scene.clause
    fact = scene.book.fact(clause.tokens[place].text)
    before = clause.at(place - 1)
    if fact is None or not metrics.period(fact, words) & words.sets["now_period"]:
        return False
    to = before is not None and (before.text in words.sets["to"] or before.text in _ARRIVES)
    if to and any(f.kind == "delta" for f in scene.found.facts):
        return True
    return not own and any(words.among(word, "present") for word in clause.words)


_ARRIVES = frozenset({"at", "auf", "bei"})


def _tense(fact: Fact, scene: Scene) -> None:
    """What was is not told as what is, where no time is said."""
    words = scene.words
    if fact.kind not in {"value", "share", "state", "rank"}:
        return
    gone = metrics.period(fact, words) & words.sets["past_period"]
    if gone and scene.has("present") and not any(w in words.sets["past_tense"] for w in scene.clause.words):
        raise Refused("time")


def _two_periods(fact: Fact, scene: Scene) -> None:
    """Where a book holds the same of two times, a text must say which; the present one may go without."""
    words = scene.words
    if fact.kind not in {"value", "share", "count", "state", "duration"}:
        return
    if metrics.period(fact, words) & words.sets["now_period"]:
        return
    for other in scene.book.facts:
        if (
            other != fact and other.kind == fact.kind and other.subject == fact.subject
            and other.metric == fact.metric and other.period != fact.period
        ):  # fmt: skip
            raise Refused("time")
