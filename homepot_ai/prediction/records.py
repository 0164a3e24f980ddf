"""What predictions are made from and what they are: the records that the parts of `prediction` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Level = Literal["unknown", "low", "moderate", "high", "critical"]
#: Failure within: from and until, in hours after the forecast.
HORIZONS: Mapping[str, tuple[int, int]] = {"24h": (0, 24), "7d": (0, 7 * 24), "7-30d": (7 * 24, 30 * 24)}


@dataclass(frozen=True)
class Histories:
    """Courses of n devices on a grid of steps, with what happened to them: what hazards are learned from.

    A step is a day for fleets, a cycle for engines; nothing in the estimator depends on which.

    Attributes:
        devices: n names or ids.
        kinds: [n], the model or type of each device: its peers.
        first_step: [n], the first step in which a device was seen.
        last_step: [n], the last one (retired, failed for good, or the end of the record): right-censored
            there unless a failure is recorded.
        age: [n], steps in service before step 0 of the grid; NaN where unknown. A replacement restarts it.
        measures: [n, steps, m] float32, NaN where nothing was measured.
        measure_names: m names.
        event_device, event_step, event_kind: [e], positions and fractional steps; kinds index `event_names`.
        event_names: errors, log severities, failed jobs, anomalies, maintenance, replacements ...
        failure_device, failure_step: [f], what is to be predicted.
        failure_cause: [f], indices of `causes`.
    """

    devices: npt.NDArray[Any]
    kinds: npt.NDArray[Any]
    first_step: npt.NDArray[np.float64]
    last_step: npt.NDArray[np.float64]
    age: npt.NDArray[np.float64]
    measures: npt.NDArray[np.float32]
    measure_names: tuple[str, ...]
    event_device: npt.NDArray[np.int64]
    event_step: npt.NDArray[np.float64]
    event_kind: npt.NDArray[np.int64]
    event_names: tuple[str, ...]
    failure_device: npt.NDArray[np.int64]
    failure_step: npt.NDArray[np.float64]
    failure_cause: npt.NDArray[np.int64]
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One thing that pushed a probability, in words an operator understands.

    Attributes:
        name: the feature, e.g. "disk_percent trend".
        value: as it is, in `unit`.
        usual: what is usual for its peers; None when unknown.
        effect: change of the log odds against the usual value; above 0 pushes towards failure.
    """

    name: str
    value: float | None
    unit: str
    usual: float | None
    effect: float


@dataclass(frozen=True)
class Crossing:
    """When a metric is expected to cross its limit.

    Attributes:
        low, mid, high: earliest (edge of the 80 % interval), most likely and latest moment; None: not within
            the horizon that was looked at.
    """

    metric: str
    unit: str
    limit: float
    direction: Literal["high", "low"]
    now: float
    per_day: float
    low: datetime | None
    mid: datetime | None
    high: datetime | None
    forecaster: str


@dataclass(frozen=True)
class Refusal:
    """Why there is no forecast: said instead of a number."""

    code: Literal["short_history", "bad_fit", "no_data", "vanished", "just_replaced", "no_model"]
    text: str


@dataclass(frozen=True)
class DeviceRisk:
    """The judgement of one device at one moment: a row of `ai_device_risks`.

    Attributes:
        probabilities: per name of `HORIZONS`; empty when refused.
        life: remaining useful life in days: 0.1, 0.5 and 0.9 quantiles; None where it cannot be said.
    """

    device_id: int
    at: datetime
    level: Level
    cause: str | None
    metric: str | None
    probabilities: Mapping[str, float]
    forecaster: str
    version: str
    crossing: Crossing | None
    life: tuple[float, float, float] | None
    refused: Refusal | None
    action: str | None
    facts: tuple[Fact, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
