"""When: only the times that the facts are about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from homepot_ai.language import metrics
from homepot_ai.language.facts import Fact
from homepot_ai.language.reading import Refused, Token
from homepot_ai.language.scene import BEFORE, DIRECTIONS, Scene
from homepot_ai.language.spans import stretches


def times(scenes: Sequence[Scene]) -> None:
    """Times that are said are the facts' own; what is of another time is not put under them.

    Raises:
        Refused: `time`.
    """
    words = scenes[0].words
    _stretched(scenes)
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
        # "Up {f2} since yesterday" dates the change alone, and no other clause.
        around = (*range(number - 1, -1, -1), *range(number + 1, len(said)))
        near = [said[n] for n in around if said[n] and not scenes[n].has("since")]
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


def _stretched(scenes: Sequence[Scene]) -> None:
    """`in the last 7 days`: the very period of what is shown with it, or of all that the claim shows.

    Raises:
        Refused: `number`.
    """
    words = scenes[0].words
    told = {token.span for scene in scenes for token in scene.clause.tokens if token.span}
    if not told:
        return
    if any(_of_now(fact, scene, told) for scene in scenes for fact in scene.found.hidden):
        raise Refused("number")
    for scene in scenes:
        own = [place for place, token in enumerate(scene.clause.tokens) if token.span]
        if len(own) > 1 or not all(_inside(place - 2, scene) for place in own):
            raise Refused("number")
        spans = {scene.clause.tokens[place].span for place in own} or told
        if own and not scene.shown:
            _apart(scene, spans, told)
        matched = False
        for place, fact in scene.clause.facts:
            known = stretches(fact.period, words)
            matched = matched or bool(known & spans)
            arrived = not known and _arrived(place, scene, frozenset(spans if own else ()))
            if (known or own) and not known & spans and not arrived:
                raise Refused("number")
        if own and scene.shown and not matched:
            raise Refused("number")


def _apart(scene: Scene, spans: set[str], told: set[str]) -> None:
    """A clause of its own ("In the last 7 days, …") says when and nothing else; or a change, unshown."""
    words, found = scene.words, scene.found
    facts = found.shown or found.hidden
    if not found.shown:
        if not all(f.kind == "delta" and stretches(f.period, words) & spans for f in facts):
            raise Refused("number")
        return
    if _asserts(scene) or len(told) > 1 or not any(stretches(f.period, words) & spans for f in facts):
        raise Refused("number")


def _inside(place: int, scene: Scene) -> bool:
    """`in the`, `over the` in front of a stretch; its beginning where nothing stands in front."""
    ahead = scene.clause.tokens[: max(0, place)]
    if place < 0:
        return True
    at = scene.clause.tokens[place]
    if at.kind == "word" and scene.words.among(at.text, "article"):
        if len(ahead) == 0:
            return False
        at = ahead[-1]
    return at.kind == "word" and scene.words.among(at.text, "within")


def _asserts(scene: Scene) -> bool:
    """Whether a clause says anything that a fact has to bear out."""
    own = metrics.named(scene.found, scene.words)
    return any(
        token.kind == "word"
        and (scene.words.among(token.text, *_TELLING) or token.stem in own or token.text == "nodata")
        for token in scene.clause.tokens
    )


_TELLING = (
    "state", "up", "down", "better", "worse", "flat", "change", "highest", "lowest", "best", "worst",
    "present", "past_tense", "has", "kept", "all", "none", "not",
)  # fmt: skip


def _of_now(fact: Fact, scene: Scene, told: set[str]) -> bool:
    """A state of another time that a clause names by its words: in the stretch, or as what was."""
    if fact.kind != "state" or stretches(fact.period, scene.words) & told:
        return False
    stems = {token.stem for token in scene.clause.tokens if token.kind == "word"}
    named = stems & metrics.own(fact, scene.words) & scene.words.stem_set("state", "good_state")
    own = any(token.span for token in scene.clause.tokens)
    ahead = any(
        not clause.facts and any(token.span for token in clause.tokens) for clause in scene.found.clauses
    )
    return bool(named) and (own or ahead or scene.has("past_tense"))


def _times(scene: Scene) -> frozenset[str]:
    """Words of time in a clause, but for those that are part of what something is called (`last seen`)."""
    called = {
        word
        for fact in scene.scope
        for word in metrics.own(fact, scene.words)
    }  # fmt: skip
    periods = metrics.moments(scene.book, scene.words)
    return frozenset(
        token.text if token.text in scene.words.sets["unit"] else token.stem
        for token in scene.clause.tokens
        if token.kind == "word"
        and not token.span
        and (token.text in scene.words.sets["time"] or token.text in BEFORE or token.stem in periods)
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
    told = metrics.period(fact, words)
    at_once = bool(re.search(r"^(now|jetzt|currently|derzeit|aktuell)$", fact.period.strip().lower()))
    if at_once and told and scene.has("past_tense") and not scene.has("present", "change", *DIRECTIONS):
        raise Refused("time")
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


def since(scene: Scene) -> None:
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
