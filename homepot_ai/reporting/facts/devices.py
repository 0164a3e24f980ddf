"""What is told of single devices: the worst, their anomalies, their telemetry."""

from __future__ import annotations

from datetime import datetime

from homepot_ai.reporting.facts.base import DeviceRef, Fact, Severity, Status
from homepot_ai.reporting.facts.figures import StatusCounts


class SparkBin(Fact):
    """A stretch of one device's day: lowest score in it (None: none), and minutes without data."""

    lowest: float | None
    no_data: int


class WorstDevice(Fact):
    """One of the devices that lost most.

    Attributes:
        minutes_lost: sum of (1 - score) over the scored minutes plus the minutes without data:
            the order of the list, in minutes.
        since: when the status at the end began; None when it held all day.
        healthy_above: the score above which this device type counts as healthy.
        main_metric: what took most from the score, and main_share: which share of it.
    """

    device: DeviceRef
    status_at_end: Status
    since: datetime | None
    attention: bool
    mean: float | None
    lowest: float | None
    lowest_at: datetime | None
    last: float | None
    minutes: StatusCounts
    minutes_lost: float
    healthy_above: float
    main_metric: str | None
    main_share: float | None
    open_anomalies: int
    spark: tuple[SparkBin, ...]


class AnomalyFacts(Fact):
    """One anomaly that overlaps the period, as it stood at the period's end.

    Attributes:
        ended_at: None when it was still open then.
        observed, expected_low, expected_high: in the metric's own unit, at the opening.
        initial_score: health when it opened; lowest_score: the worst since.
        mark: whether people marked it true or false; None when nobody did.
    """

    id: int
    device: DeviceRef
    severity: Severity
    metric: str | None
    observed: float | None
    expected_low: float | None
    expected_high: float | None
    started_at: datetime
    ended_at: datetime | None
    opened_in_period: bool
    initial_score: float | None
    lowest_score: float | None
    mark: bool | None = None


class DeviceRows(Fact):
    """Telemetry rows of one device: `rows` arrived, `moments` of them distinct, `expected` by its
    collection interval (None: the interval is not known)."""

    device: DeviceRef
    rows: int
    moments: int
    expected: int | None
    interval_seconds: int | None

    @property
    def share(self) -> float | None:
        """Received of expected, 0-1, at most 1; None when nothing could be expected."""
        return min(self.moments / self.expected, 1.0) if self.expected else None


class Completeness(Fact):
    """Rows received against expected. `devices` is capped; the totals are over all."""

    devices: tuple[DeviceRows, ...]
    devices_total: int
    rows: int
    moments_counted: int
    expected: int
    devices_without_interval: int

    @property
    def share(self) -> float | None:
        """Received of expected over all devices whose interval is known."""
        return self.moments_counted / self.expected if self.expected else None
