"""What to recommend for an incident, by rule from what helped before and from operators' pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homepot_ai.memory.effect import Effect, Rate, wilson
from homepot_ai.memory.manuals import quote
from homepot_ai.memory.passages import Quoted
from homepot_ai.memory.similar import Found
from homepot_ai.store.actions import TakenAction
from homepot_ai.text import clean

HELD = {
    "held": "it held",
    "came_back": "it came back within a week",
    "unknown": "too early to say whether it held",
}
DONE_CAP = 160


@dataclass(frozen=True)
class Advice:
    """A recommendation and what it rests on.

    Attributes:
        action: what is recommended to be done; None: nothing is known that helped.
        effect: that action beside doing nothing, over all incidents of the category; None: never judged.
        rate: how often it helped, with its interval.
    """

    text: str
    action: str | None
    effect: Effect | None
    rate: Rate
    useful: bool


def advise(
    category: str,
    found: Found,
    done: Mapping[int, Sequence[TakenAction]],
    effects: Sequence[Effect],
    passages: Sequence[Quoted],
) -> Advice:
    """One to three sentences: the action that helped in similar incidents, its rate, then the page to read.

    Of several actions the one with the highest lower end of its interval is named; where none was judged
    often enough, that of the most similar incident. An action that is shown to be worse than doing nothing
    is not.
    """
    known = {effect.action_key: effect for effect in effects if effect.category == category}
    candidates: list[tuple[float, float, TakenAction]] = []
    for similar in found.similar:
        if similar.pattern.incident_id is None:
            continue
        for taken in done.get(similar.pattern.incident_id, ()):
            its = known.get(taken.action_key)
            if taken.outcome == "did_not_help" or (its is not None and its.verdict.startswith("worse")):
                continue
            low = its.taken.low if its is not None and its.taken.low is not None else 0.0
            candidates.append((low, similar.similarity, taken))
    sentences: list[str] = []
    action: str | None = None
    effect: Effect | None = None
    rate = wilson(0, 0)
    if candidates:
        _, _, best = max(candidates, key=lambda c: (c[0], c[1], -c[2].id))
        action, effect = best.action, known.get(best.action_key)
        rate = effect.taken if effect is not None else rate
        was = clean(best.action, DONE_CAP).rstrip(".")
        sentences.append(f"In a similar incident ({best.incident_id}) this was done: “{was}”.")
        sentences.append(_record(rate, effect))
    elif found.similar:
        first = found.similar[0]
        said = f"The most similar incident is {first.pattern.incident_id}"
        told = first.pattern.resolution
        sentences.append(
            f"{said}: “{clean(told, DONE_CAP).rstrip('.')}”." if told else f"{said}; it ended by itself."
        )
    else:
        sentences.append("Nothing similar is known.")
    if passages:
        sentences.append(f"Read {quote(passages[0].passage)}.")
    useful = bool(found.similar or passages)
    if not useful:
        sentences.append("Record what helps, so that it is known the next time.")
    return Advice(" ".join(sentences), action, effect, rate, useful)


def outcome_of(outcome: str | None) -> str:
    """A pattern's outcome in words."""
    return HELD.get(outcome or "unknown", HELD["unknown"])


def _record(rate: Rate, effect: Effect | None) -> str:
    if effect is None or rate.rate is None:
        return f"Whether it helps is not known: {rate}."
    verdict = effect.verdict[0].upper() + effect.verdict[1:]
    return f"It helped in {rate}; doing nothing: {effect.nothing}. {verdict}."
