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
