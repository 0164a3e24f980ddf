"""Measuring the understanding on phrasings: `{"question", "intent", "slots"}` per line.

`intent` null: it must be refused. `slots`: words of the question by slot. `after`: the question before it,
which it refers to. `split`: where the file holds a part that nobody looked at while building.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from homepot_ai.errors import QuestionError
from homepot_ai.questions import times
from homepot_ai.questions.lexicon import fold, lexicon
from homepot_ai.questions.names import number
from homepot_ai.questions.nearest import Near
from homepot_ai.questions.types import Understood
from homepot_ai.questions.understand import implied_metric, understand

#: Times are compared by what they mean at this moment.
_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
_TIMES = ("period", "since")
_BEFORE = re.compile(
    r"^(?:(?:the|a|an|all|our|my|in|on|at|for|over|of|during|within|from|site|store|device|incident|type)\s+"
    r"|(?:last|past|der|die|das|den|dem|des|im|am|in den|in der|von|fuer|standort|filiale|alle[r]?)\s+"
    r"|unsere[nr]?\s+)+"
)


class Phrasing(BaseModel):
    """A question and what it asks."""

    question: Annotated[str, Field(max_length=100_000)]
    intent: str | None
    slots: Mapping[str, str | int] = {}
    after: str | None = None
    split: str = ""


@dataclass(frozen=True)
class Scored:
    """What was understood of a phrasing; `intent`, `slots`: whether that was right; it took `seconds`."""

    phrasing: Phrasing
    understood: Understood
    intent: bool
    slots: bool
    seconds: float

    @property
    def right(self) -> bool:
        """The intent and every slot."""
        return self.intent and self.slots


@dataclass(frozen=True)
class Score:
    """Shares of a set.

    Attributes:
        intent: right intents; both: right intents and slots, refusals counted.
        refused: of what must be refused, what was; refused_wrongly: of what can be answered, what was.
        p50_ms, p95_ms: of understanding one question.
    """

    n: int
    intent: float
    both: float
    refused: float | None
    refused_wrongly: float | None
    p50_ms: float
    p95_ms: float


def read(path: Path) -> list[Phrasing]:
    """The phrasings of a file.

    Raises:
        QuestionError: naming the line that is none.
    """
    found = []
    for number_, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                found.append(Phrasing.model_validate_json(line))
            except ValidationError as error:
                raise QuestionError(f"{path.name}, line {number_}, is no phrasing: {error}") from error
    if not found:
        raise QuestionError(f"{path.name} holds no phrasings")
    return found


def score(phrasings: Sequence[Phrasing], near: Near | None = None) -> list[Scored]:
    """Understand every phrasing; what it refers to is understood first, and not counted."""
    scored = []
    for phrasing in phrasings:
        after = understand(phrasing.after, near=near) if phrasing.after else None
        began = time.perf_counter()
        found = understand(phrasing.question, after=after, near=near)
        seconds = time.perf_counter() - began
        right = found.intent == phrasing.intent
        slots = right and (found.intent is None or same_slots(phrasing, found.slots))
        scored.append(Scored(phrasing, found, right, slots, seconds))
    return scored


def summary(scored: Sequence[Scored]) -> Score:
    """The shares of what was scored."""
    answerable = [one for one in scored if one.phrasing.intent is not None]
    others = [one for one in scored if one.phrasing.intent is None]
    took = np.array([one.seconds for one in scored]) * 1000
    return Score(
        n=len(scored),
        intent=float(np.mean([one.intent for one in scored])),
        both=float(np.mean([one.right for one in scored])),
        refused=float(np.mean([one.intent for one in others])) if others else None,
        refused_wrongly=(
            float(np.mean([one.understood.intent is None for one in answerable])) if answerable else None
        ),
        p50_ms=float(np.percentile(took, 50)),
        p95_ms=float(np.percentile(took, 95)),
    )


def same_slots(phrasing: Phrasing, got: Mapping[str, str]) -> bool:
    """Whether slots hold the same words: folded, without articles; times and numbers by what they mean.

    A metric that only an adjective stands for (`how hot`) may be named or not.

    >>> wanted = Phrasing(question="", intent="uptime", slots={"device": "the Till 3"})
    >>> same_slots(wanted, {"device": "till 3"}), same_slots(wanted, {})
    (True, False)
    """
    wanted = {name: str(words) for name, words in phrasing.slots.items()}
    found = dict(got)
    implied = implied_metric(phrasing.question)
    if implied and "metric" not in found:
        said = fold(wanted.get("metric", ""))
        adjectives = "|".join(lexicon().implied.values())
        if said == implied or re.fullmatch(adjectives, said):
            wanted.pop("metric")
    if not _same_time(wanted, found):
        return False
    names = (wanted.keys() | found.keys()) - set(_TIMES)
    return all(_same(name, wanted.get(name), found.get(name)) for name in names)


def _same(name: str, wanted: str | None, found: str | None) -> bool:
    if wanted is None or found is None:
        return False
    one, other = _bare(wanted), _bare(found)
    if one == other:
        return True
    if name == "n":
        return number(one) is not None and number(one) == number(other)
    if name == "horizon":
        return (hours := _hours(wanted)) is not None and hours == _hours(found)
    return False


def _same_time(wanted: Mapping[str, str], found: Mapping[str, str]) -> bool:
    """Under either name: `since Monday` may be the period or the since."""
    left = [(name, wanted[name]) for name in _TIMES if name in wanted]
    right = [(name, found[name]) for name in _TIMES if name in found]
    if len(left) != len(right):
        return False
    if not left:
        return True
    (one, one_words), (other, other_words) = left[0], right[0]
    if one == other and _bare(one_words) == _bare(other_words):
        return True
    meant = _span(one, one_words)
    return meant is not None and meant == _span(other, other_words)


def _span(name: str, words: str) -> tuple[datetime, datetime] | None:
    since = name == "since" or re.match(r"(?:since|seit)\b", fold(words))
    try:
        span = (times.since if since else times.period)(words, _AT, "Europe/Berlin")
    except QuestionError:
        return None
    return span.start, span.end


def _hours(words: str) -> int | None:
    try:
        return times.ahead(words, _AT, "Europe/Berlin")
    except QuestionError:
        return None


def _bare(words: str) -> str:
    """Folded, on one line, without articles before and signs around it."""
    plain = " ".join(fold(words).split()).strip(" ?!.,;:'\"#")
    return _BEFORE.sub("", plain).lstrip("#") or plain
