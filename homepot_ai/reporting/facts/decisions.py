"""What waits for somebody to decide."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.base import DeviceRef, Fact, Severity
from homepot_ai.reporting.facts.incidents import IncidentFacts

DecisionKind = Literal["incident", "visit", "risk", "silent", "recurring"]


class Decision(Fact):
    """One thing to decide. What does not apply is None.

    Attributes:
        kind: take up an incident; accept or decline a visit; plan something for a device at risk without a
            visit; find out about a device that was silent all the period; mend what comes back.
        since: how long it waits; until: when it is too late.
        times: of what comes back.
    """

    kind: DecisionKind
    severity: Severity
    device: DeviceRef | None
    incident: IncidentFacts | None = None
    number: int | None = None
    cause: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    probability: float | None = None
    cost: float | None = None
    cost_if_not: float | None = None
    currency: str | None = None
    times: int | None = None


class DecisionsFacts(Fact):
    """The most urgent first. `decisions` is capped; `total` is not."""

    decisions: tuple[Decision, ...]
    total: int
