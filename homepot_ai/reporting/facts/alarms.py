"""How right the alarms were, what was silenced, what is predicted."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.base import DeviceRef, Fact


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


class Silenced(Fact):
    """What was kept quiet. HOMEPOT's maintenance windows and devices excluded from scoring."""

    maintenance_devices: int
    maintenance_minutes: int
    excluded_devices: int


class PredictedDevice(Fact):
    """A device that was likely to fail at the period's end.

    Attributes:
        metric, limit, rises: which limit it is expected to reach, from below or from above; None: no such
            limit, only a probability.
        low, mid, high: when, with the edges of the 80 % interval; None: no such date.
        action: what was proposed, in the words of whoever recorded what helped before.
        probability: of a failure within seven days of the last judgement.
        visit_at, visit_state: what is planned or was done about it.
    """

    device: DeviceRef
    level: Literal["high", "critical"]
    since: datetime
    metric: str | None
    limit: float | None
    rises: bool | None
    action: str | None
    probability: float | None
    low: datetime | None
    mid: datetime | None
    high: datetime | None
    visit_at: datetime | None
    visit_state: str | None


class ForecastRecord(Fact):
    """How good forecasts and warnings have been, as known when the report was made.

    Attributes:
        settled: daily forecasts whose time is over.
        horizon, forecaster, n, happened, brier, base_brier, skill, anecdotal: of the leading forecaster's
            probabilities of a failure; None: none of those is settled. `base_brier`: had the base rate
            always been said.
        told, false_alarms: warnings that could be judged; `false_low`, `false_high`: 95 % interval of the
            share of false ones.
        lead_hours: median time from a true warning to the failure; `averted`: warnings followed by a visit.
    """

    settled: int
    horizon: str | None = None
    forecaster: str | None = None
    n: int = 0
    happened: int = 0
    brier: float | None = None
    base_brier: float | None = None
    skill: float | None = None
    anecdotal: bool = True
    told: int = 0
    false_alarms: int = 0
    false_low: float | None = None
    false_high: float | None = None
    lead_hours: float | None = None
    averted: int = 0


class ForecastFacts(Fact):
    """What was predicted at the period's end. `devices` is capped; `record`: how good forecasts were."""

    judged: int
    devices: tuple[PredictedDevice, ...]
    total: int
    record: ForecastRecord
