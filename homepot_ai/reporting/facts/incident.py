"""One incident from its first symptom to its close."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.actions import ActionFacts
from homepot_ai.reporting.facts.base import DeviceRef, Fact, Severity
from homepot_ai.reporting.facts.incidents import IncidentFacts, PastIncident

MomentKind = Literal[
    "first_symptom", "anomaly", "told", "quiet", "done",
    "opened", "worsened", "eased", "grew", "acknowledged", "snoozed", "snooze_ended", "flapping",
    "commented", "marked", "investigated", "suppressed", "released", "closed",
]  # fmt: skip
Unknown = Literal[
    "still_open", "cause", "nobody_took_it_up", "nothing_done", "action_not_judged", "action_cannot_tell",
    "ended_by_itself", "not_marked", "nothing_similar", "not_investigated", "searched_by_words",
    "minutes_unjudged", "opening_hours", "told_nobody",
]  # fmt: skip


class IncidentHeader(Fact):
    """What the incident is.

    Attributes:
        final: it is closed; otherwise the report is preliminary and ends when it was made.
        initial_severity: at its opening. quiet_since: since when nothing of it is to be seen.
    """

    incident: IncidentFacts
    final: bool
    initial_severity: Severity
    quiet_since: datetime | None


class IncidentMoment(Fact):
    """Something that happened. What does not apply is None.

    Attributes:
        actor: a person or channel; None: by rule.
        comment: a person's words, cleaned.
        before, after: severities; count: devices or flips or recipients; why: what silenced it.
    """

    at: datetime
    what: MomentKind
    actor: str | None = None
    comment: str | None = None
    device: str | None = None
    metric: str | None = None
    observed: float | None = None
    low: float | None = None
    high: float | None = None
    before: str | None = None
    after: str | None = None
    count: int | None = None
    until: datetime | None = None
    why: str | None = None
    verdict: bool | None = None


class IncidentTimeline(Fact):
    """Everything that happened, in order. `moments` is capped."""

    moments: tuple[IncidentMoment, ...]
    total: int


class ImpactDevice(Fact):
    """What one device lost: minutes as in the list of worst devices, and of these minutes of silence."""

    device_id: int
    device: DeviceRef | None
    joined_at: datetime
    left_at: datetime | None
    minutes_lost: float
    minutes_silent: int


class IncidentImpact(Fact):
    """What it cost, from the first symptom to the close (or until the report was made).

    Attributes:
        minutes: of the incident's length.
        minutes_lost: sum of (1 - score) over the scored device-minutes plus the silent ones.
        minutes_silent: device-minutes without data. minutes_judged: device-minutes that were judged at
            all; minutes_due: all that there were.
        open_minutes: minutes within the sites' opening hours; open_minutes_lost: device-minutes lost in
            them; None: HOMEPOT has no operating schedule of the site.
        pages: told messages, each once whoever got it; told: recipients; held_back: messages not told.
        devices: capped; devices_total is not.
    """

    minutes: int
    devices: tuple[ImpactDevice, ...]
    devices_total: int
    minutes_lost: float
    minutes_silent: int
    minutes_judged: int
    minutes_due: int
    open_minutes: int | None
    open_minutes_lost: float | None
    pages: int
    told: int
    held_back: int
    first_told_at: datetime | None


class EvidenceSeries(Fact):
    """A metric of one device over the incident and a while before and after.

    Attributes:
        metric: None: the health score.
        values: mean of each step; None: nothing came.
        low, high: the expected band as it was when the anomaly opened; None: open on that side.
        since, until: of the anomaly.
    """

    device: str
    metric: str | None
    start: datetime
    step_seconds: int
    values: tuple[float | None, ...]
    low: float | None = None
    high: float | None = None
    since: datetime | None = None
    until: datetime | None = None


class IncidentEvidence(Fact):
    """What speaks for it. `anomalies`: how many are linked; `not_drawn`: series beyond the cap."""

    series: tuple[EvidenceSeries, ...]
    anomalies: int
    not_drawn: int


class IncidentSimilar(Fact):
    """Similar past incidents, the most alike first.

    Attributes:
        investigated_at: when memory was asked; None: not yet, only the same trouble before is known.
        by_words: no index could be asked: found by words and exact facts.
    """

    past: tuple[PastIncident, ...]
    investigated_at: datetime | None
    by_words: bool


class IncidentActions(Fact):
    """What was done, and what was advised (a person's or the memory's words, quoted)."""

    actions: tuple[ActionFacts, ...]
    advice: str | None


class IncidentUnknown(Fact):
    """What nobody knows yet, as codes; `minutes_unjudged`: how many device-minutes."""

    points: tuple[Unknown, ...]
    minutes_unjudged: int
