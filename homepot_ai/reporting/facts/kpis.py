"""Key figures, each as what was counted, of how much, and what is in neither. docs/kpis.md defines them.

Classes of data are never added up; what concerns the service itself is of the whole fleet.
"""

from __future__ import annotations

from typing import Literal

from homepot_ai.reporting.facts.base import Count, Fact, Provenance

#: What the plan promises. Those without a record in operation say so.
PromiseKey = Literal[
    "anomaly_accuracy",
    "anomaly_precision",
    "false_positives",
    "failure_prediction",
    "pattern_matching",
    "own_availability",
    "question_seconds",
    "api_milliseconds",
    "embedding_milliseconds",
    "memory_gigabytes",
    "rows_an_hour",
]


class Ratio(Fact):
    """A part of a whole; `left_out`: what is in neither, by reason."""

    numerator: int
    denominator: int
    left_out: tuple[Count, ...] = ()

    @property
    def share(self) -> float | None:
        """0-1; None when there is nothing to count in.

        >>> Ratio(numerator=3, denominator=4).share, Ratio(numerator=0, denominator=0).share
        (0.75, None)
        """
        return self.numerator / self.denominator if self.denominator else None


class FailureKpis(Fact):
    """How often devices failed and how long that took.

    Attributes:
        began, ended: failures that did so in the period; open_at_end: begun and not ended by its end.
        repair_minutes: from beginning to end, of those that ended; without_end: recorded without an end.
        running_minutes: device-minutes with data and not critical.
    """

    began: int
    ended: int
    open_at_end: int
    without_end: int
    repair_minutes: int
    running_minutes: int

    @property
    def mttr(self) -> float | None:
        """Mean time to repair, minutes; None when nothing was repaired."""
        return self.repair_minutes / self.ended if self.ended else None

    @property
    def mtbf(self) -> float | None:
        """Mean time between failures, minutes; None when nothing failed (it is longer than what ran)."""
        return self.running_minutes / self.began if self.began else None


class Freshness(Fact):
    """Device-minutes by the age of their newest data.

    Attributes:
        within: cumulative, at most 30 s, 1, 2, 5, 15 min, 1 h old; minutes: all whose age is known.
        p50_seconds, p95_seconds: half, and 95 of 100, are at most so old; None: older than an hour, or none.
    """

    within: tuple[int, ...]
    minutes: int
    p50_seconds: int | None
    p95_seconds: int | None


class ClassKpis(Fact):
    """Key figures of one class of data.

    Attributes:
        devices_without_hours: whose site states no opening hours: not in the figures within these.
        availability: minutes with fresh data of minutes judged; uptime: and not critical.
        completeness: rows received of rows expected; connectivity: rows whose probe was answered of those
            of devices that probe. None: telemetry could not be counted.
        continuity: device-hours without a silent minute; compliance: healthy minutes of scored ones.
        precision: anomalies marked true of those marked; recall: failures that others recorded and an
            anomaly told of.
    """

    provenance: Provenance
    devices: int
    devices_without_hours: int
    availability: Ratio
    availability_open: Ratio
    uptime: Ratio
    uptime_open: Ratio
    failures: FailureKpis
    completeness: Ratio | None
    connectivity: Ratio | None
    continuity: Ratio
    freshness: Freshness
    compliance: Ratio
    precision: Ratio
    recall: Ratio


class DayCounts(Fact):
    """Device-days by what was true and what was said; `unjudged`: only an anomaly that nobody marked."""

    alarmed_bad: int
    alarmed_fine: int
    silent_bad: int
    silent_fine: int
    unjudged: int

    @property
    def known(self) -> int:
        """Those of which the truth is known."""
        return self.alarmed_bad + self.alarmed_fine + self.silent_bad + self.silent_fine


class Promise(Fact):
    """One promise of the plan beside what is measured and what a trivial answer would reach.

    Attributes:
        target: to be exceeded (`at_least`) or kept below.
        value, of: what was counted and of how much; None: see `why`.
        trivial: the answer of whoever says always the same; None: there is none.
        why: why nothing is measured.
    """

    key: PromiseKey
    target: float
    at_least: bool
    value: float | None = None
    of: float | None = None
    trivial: float | None = None
    why: Literal["", "nothing_yet", "not_recorded", "not_built"] = ""

    @property
    def measured(self) -> float | None:
        """The figure; None when there is nothing to count in."""
        return None if self.value is None or not self.of else self.value / self.of

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; None when nothing is measured."""
        found = self.measured
        return None if found is None else found > self.target if self.at_least else found < self.target


class KpisFacts(Fact):
    """Key figures of a period.

    Attributes:
        days: of the headline's class.
        own: shard-minutes scored of those due; valid_rows: telemetry rows that could be used of those read.
        claims: sentences of a model that were refused, of all that it wrote; None: it wrote none.
        lost_minutes: minutes of the period whose scores are kept nowhere any more.
    """

    classes: tuple[ClassKpis, ...]
    days: DayCounts
    own: Ratio
    valid_rows: Ratio
    claims: Ratio | None = None
    promises: tuple[Promise, ...]
    lost_minutes: int


class TypeKpis(Fact):
    """Key figures of the devices of one type and class."""

    device_type: str
    provenance: Provenance
    devices: int
    availability: Ratio
    availability_open: Ratio
    failures: FailureKpis


class TypesFacts(Fact):
    """Device types, the headline's class first, least available first."""

    types: tuple[TypeKpis, ...]
