"""Visits that are planned."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.base import DeviceRef, Fact


class VisitFacts(Fact):
    """One device's part in a visit; those of a site at the same time are one visit.

    Attributes:
        action: what is to be done, as the plan words it. needed_by: before when it would do.
        cost, cost_if_not: from configured rates, in `currency`; None: the rates do not say.
    """

    id: int
    device: DeviceRef
    cause: str
    level: Literal["low", "moderate", "high", "critical"]
    state: Literal["proposed", "accepted", "done"]
    visit_at: datetime
    visit_until: datetime
    needed_by: datetime | None
    timezone: str
    probability: float | None
    action: str
    cost: float | None
    cost_if_not: float | None
    currency: str | None


class VisitsFacts(Fact):
    """The days after a period. `visits` is capped; the counts are not.

    Attributes:
        until: the end of what is looked at. overdue: accepted visits before the period's end that nobody
            noted as made.
    """

    until: datetime
    days: int
    visits: tuple[VisitFacts, ...]
    total: int
    proposed: int
    accepted: int
    overdue: int
