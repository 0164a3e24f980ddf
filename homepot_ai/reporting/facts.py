"""The facts of a daily report: what is stored, hashed, embedded in the PDF and said in words.

Everything in a report comes from one :class:`DailyFacts`; nothing on a page is computed from
anything else. All times are aware UTC. Counts of minutes are device-minutes: one device during
one minute. Health is kept as a sum in ten-thousandths, so that sums are exact and the same
facts always have the same hash.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict

Provenance = Literal["real", "controlled", "mixed", "simulated"]
Status = Literal["healthy", "warning", "critical", "no_data", "in_maintenance", "not_scored"]
Severity = Literal["info", "warning", "critical"]
ScopeKind = Literal["fleet", "site"]

#: The class that a headline speaks of is the first of these that is present.
PROVENANCE_ORDER: tuple[Provenance, ...] = ("real", "controlled", "mixed", "simulated")
STATUSES: tuple[Status, ...] = ("healthy", "warning", "critical", "no_data", "in_maintenance", "not_scored")
POINTS = 10_000


class Fact(BaseModel):
    """Base of every record: frozen, and no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(Fact):
    """What a report is about; `id` is HOMEPOT's `sites.id`, None for the fleet."""

    kind: ScopeKind
    id: int | None = None

    @property
    def slug(self) -> str:
        """Part of a report's id: `fleet` or `site7`."""
        return "fleet" if self.kind == "fleet" else f"site{self.id}"


class ScopeName(Fact):
    """How the scope is called. Names are cleaned and capped."""

    name: str
    public_id: str | None = None
    location: str | None = None


class PeriodFacts(Fact):
    """The closed period and what it is compared with (local days)."""

    start: datetime
    end: datetime
    timezone: str
    day: date
    label: str
    day_before: date
    week_before: date


class StatusCounts(Fact):
    """One number per status."""

    healthy: int = 0
    warning: int = 0
    critical: int = 0
    no_data: int = 0
    in_maintenance: int = 0
    not_scored: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.get(status) for status in STATUSES)

    def get(self, status: Status) -> int:
        """The number of one status."""
        value: int = getattr(self, status)
        return value


class DayFigures(Fact):
    """The numbers of one group of devices over one period.

    Attributes:
        devices: devices in the group; `scored_devices` had a score in at least one minute.
        status_at_end: devices by the status of their last minute.
        status_minutes: device-minutes spent in each status.
        score_points, scored_minutes: fleet health = score_points / 10000 / scored_minutes.
        minutes_due: device-minutes of the period since each device exists.
        minutes_judged: of these, those that count for availability (not in maintenance, not
            excluded, and scoring ran); minutes_with_data: of these, those with fresh data.
        opened, closed, still_open: anomalies begun in the period, ended in it, open at its end.
        attention: devices critical, in warning or without data at the end, or with an open
            anomaly that is more than informative.
    """

    devices: int
    scored_devices: int
    status_at_end: StatusCounts
    status_minutes: StatusCounts
    score_points: int
    scored_minutes: int
    minutes_due: int
    minutes_judged: int
    minutes_with_data: int
    opened: int
    closed: int
    still_open: int
    attention: int

    @property
    def health(self) -> float | None:
        """Mean score over the scored device-minutes, 0-1; None when nothing was scored."""
        return self.score_points / POINTS / self.scored_minutes if self.scored_minutes else None

    @property
    def availability(self) -> float | None:
        """Share of the judged device-minutes with data, 0-1; None when none was judged."""
        return self.minutes_with_data / self.minutes_judged if self.minutes_judged else None


class ClassFacts(Fact):
    """One provenance class; a comparison is None when nothing was scored then."""

    provenance: Provenance
    day: DayFigures
    day_before: DayFigures | None
    week_before: DayFigures | None


class SiteFacts(Fact):
    """One site of a fleet report: figures of the headline class, and what it has besides."""

    id: int
    public_id: str
    name: str
    timezone: str
    figures: DayFigures
    other_devices: int


class DeviceRef(Fact):
    """Who: HOMEPOT's ids and cleaned names."""

    id: int
    public_id: str
    name: str
    type: str
    site: str
    provenance: Provenance


class TimelineBin(Fact):
    """A stretch of the day, headline class: device-minutes by status and the mean health in it."""

    start: datetime
    minutes: StatusCounts
    score_points: int
    scored_minutes: int


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


class ThresholdFacts(Fact):
    """A device type whose alarm threshold marks had moved, as it stood at the period's end.

    Attributes:
        offset: decades added to the designed threshold; positive wakes later.
        marked_true, marked_false: the marks that it rests on.
    """

    device_type: str
    offset: float
    marked_true: int
    marked_false: int
    since: datetime


class AlarmFacts(Fact):
    """How right the alarms were, as far as people marked them; headline class, when the report was made.

    Attributes:
        opened, marked_true, marked_false: anomalies that began in the period.
        window_days: of the longer window that ends with the period; window_opened, window_true,
            window_false: the same of all that began in it.
    """

    opened: int
    marked_true: int
    marked_false: int
    window_days: int
    window_opened: int
    window_true: int
    window_false: int
    thresholds: tuple[ThresholdFacts, ...]

    @property
    def marked(self) -> int:
        """Of the window, those with a verdict."""
        return self.window_true + self.window_false

    @property
    def precision(self) -> float | None:
        """True ones of the marked ones of the window, 0-1; None when nothing is marked."""
        return self.window_true / self.marked if self.marked else None


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


class Count(Fact):
    """A named count."""

    name: str
    count: int


class Silenced(Fact):
    """What was kept quiet. HOMEPOT's maintenance windows and devices excluded from scoring."""

    maintenance_devices: int
    maintenance_minutes: int
    excluded_devices: int


class PredictedDevice(Fact):
    """A device that was likely to fail at the period's end.

    Attributes:
        low, high: edges of the 80 % interval of when its limit is crossed; None: no such date.
        probability: of a failure within seven days of the last judgement.
        visit_at, visit_state: what is planned or was done about it.
    """

    device: DeviceRef
    level: Literal["high", "critical"]
    since: datetime
    reason: str
    action: str | None
    probability: float | None
    low: datetime | None
    high: datetime | None
    visit_at: datetime | None
    visit_state: str | None


class ForecastFacts(Fact):
    """What was predicted at the period's end. `devices` is capped; `record`: how good forecasts were."""

    judged: int
    devices: tuple[PredictedDevice, ...]
    total: int
    record: str


class ScoringFacts(Fact):
    """Our own availability over the period, for the whole fleet.

    Attributes:
        minutes_scored, minutes_due: shard-minutes; due since the first minute ever scored.
        rejected: telemetry rows that could not be used, by reason; rows_read: all that were read.
    """

    shards: int
    minutes_scored: int
    minutes_due: int
    rows_read: int
    rejected: tuple[Count, ...]
    longest_gap_minutes: int
    slowest_seconds: float | None

    @property
    def share(self) -> float | None:
        """Minutes scored of minutes due, 0-1."""
        return self.minutes_scored / self.minutes_due if self.minutes_due else None


class ServiceState(Fact):
    """What the last check said of one service."""

    service: str
    state: Literal["ok", "degraded", "down"]
    detail: str
    since: datetime
    checked_at: datetime


class Made(Fact):
    """How things stood when the report was made. Left out when two revisions are compared."""

    at: datetime
    last_scored: datetime | None
    services: tuple[ServiceState, ...]
    outbox: tuple[Count, ...]


class Problem(Fact):
    """A section that could not be made, and why."""

    section: str
    reason: str


class DailyFacts(Fact):
    """All facts of one daily report."""

    schema_version: Literal[1] = 1
    report_type: Literal["daily"] = "daily"
    organisation: str
    scope: Scope
    name: ScopeName
    period: PeriodFacts
    classes: tuple[ClassFacts, ...]
    deleted_devices: int
    sites: tuple[SiteFacts, ...]
    timeline: tuple[TimelineBin, ...]
    worst: tuple[WorstDevice, ...]
    troubled_devices: int
    anomalies: tuple[AnomalyFacts, ...]
    anomalies_total: int
    alarms: AlarmFacts | None = None
    completeness: Completeness | None
    silenced: Silenced
    forecasts: ForecastFacts | None = None
    scoring: ScoringFacts | None
    made: Made
    problems: tuple[Problem, ...]

    @property
    def headline(self) -> ClassFacts | None:
        """The class that the headline speaks of; None when the scope has no devices."""
        return self.classes[0] if self.classes else None

    def problem(self, section: str) -> str | None:
        """Why a section is missing, or None when it is there."""
        return next((problem.reason for problem in self.problems if problem.section == section), None)


def canonical_json(facts: DailyFacts) -> bytes:
    """The one way to write these facts down: sorted keys, UTC times ending in Z, UTF-8, indented.

    Indented because an auditor opens the attachment with a text editor.
    """
    data = facts.model_dump(mode="json")
    if facts.forecasts is None:
        # Reports from before there were forecasts keep the hash that they were stored with.
        del data["forecasts"]
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def facts_hash(facts: DailyFacts) -> str:
    """SHA-256 of :func:`canonical_json`: `sha256sum` of the PDF's attachment gives the same."""
    return hashlib.sha256(canonical_json(facts)).hexdigest()


def restore(data: object) -> DailyFacts:
    """Facts back from their stored JSON; the same hash as before."""
    return DailyFacts.model_validate_json(orjson.dumps(data))
