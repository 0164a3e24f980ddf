"""Incidents as a report tells them: what, since when, who took it up, and the nearest one before it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.base import DeviceRef, Fact, Provenance, Severity

IncidentKind = Literal["device", "gateway", "site", "storm"]
Conclusion = Literal["CONFIRMED", "LIKELY", "INCONCLUSIVE"]
#: By itself, by a person, or by rule because it had been open for so long.
Ended = Literal["recovered", "by_hand", "forgotten"]


class PastIncident(Fact):
    """An earlier incident that looked like it, and how that ended.

    Attributes:
        similarity: 0-1; None: it is the one of the same trouble before, found by its fingerprint.
        resolution: what a person wrote; None: it ended by itself, or nobody wrote anything.
        held: whether it stayed away for a week after its close; None: not known.
    """

    id: int
    similarity: float | None
    opened_at: datetime | None
    closed_at: datetime | None
    ended: Ended | None
    resolution: str | None
    held: bool | None


class IncidentFacts(Fact):
    """One incident, as far as it was known when the report was made.

    Attributes:
        cause: `metric.high`, `metric.low`, a counted signal, `silent`, `storm`.
        severity: the worst it had. devices: how many it held at most.
        device_id: of its root, also when HOMEPOT no longer knows that device (then `device` is None).
        provenance: the class of its devices; of several, the one that a headline would speak of.
        recurrence: how often the same trouble had been there before.
        mark: what people marked it; None: nobody did.
    """

    id: int
    kind: IncidentKind
    cause: str
    category: str
    severity: Severity
    conclusion: Conclusion
    device_id: int | None
    device: DeviceRef | None
    site: str | None
    devices: int
    provenance: Provenance
    started_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    ended: Ended | None
    closed_by: str | None
    resolution: str | None
    recurrence: int
    flapping: bool
    mark: bool | None
    past: PastIncident | None = None

    def lasted(self, until: datetime) -> float:
        """Minutes from the first symptom to its close, or to `until` while it is open."""
        return ((self.closed_at or until) - self.started_at).total_seconds() / 60


class IncidentsFacts(Fact):
    """The incidents that overlap a period, open ones first. `incidents` is capped; counts are not.

    Attributes:
        opened, closed, still_open, unacknowledged: of the headline class: begun in the period, ended in
            it, open at its end, and of these those that nobody had taken up when the report was made.
        others: incidents of other classes, counted in none of these.
    """

    incidents: tuple[IncidentFacts, ...]
    total: int
    opened: int
    closed: int
    still_open: int
    unacknowledged: int
    others: int
