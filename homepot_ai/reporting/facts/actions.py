"""What was done about incidents, and whether it held."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.base import Fact

ActionOutcome = Literal["helped", "did_not_help", "cannot_tell"]


class ActionFacts(Fact):
    """One action. `action` and `by` are a person's words.

    Attributes:
        outcome: None: its day of watching was not over when the report was made.
        recovered_at: when health was back; None: not within four hours.
        held_until: of one that recovered, until when it stayed so (at most a day is watched).
    """

    incident_id: int
    cause: str
    device: str | None
    action: str
    by: str
    done_at: datetime
    outcome: ActionOutcome | None
    recovered_at: datetime | None
    held_until: datetime | None


class EffectFacts(Fact):
    """An action of the fleet's whole record beside doing nothing about incidents of the category.

    Attributes:
        rate, low, high: share that helped, with its 95 % Wilson interval; None: fewer than five judged.
        difference: the rate minus that of doing nothing, and its interval; None: too few of either.
    """

    category: str
    action: str
    helped: int
    judged: int
    rate: float | None
    low: float | None
    high: float | None
    nothing_helped: int
    nothing_judged: int
    difference: tuple[float, float, float] | None


class ActionsFacts(Fact):
    """Actions of a period (headline class). `actions` is capped; the counts are not."""

    actions: tuple[ActionFacts, ...]
    total: int
    helped: int
    did_not_help: int
    cannot_tell: int
    waiting: int
    effects: tuple[EffectFacts, ...]
