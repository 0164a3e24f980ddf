"""Whole series through the engine at once: each named series is a device of its own type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import HealthConfig
from homepot_ai.health.engine import STATUSES, DeviceFrame, Engine, Episode, MinuteResult, Observations

START = 1_704_067_200.0  # a Monday, 00:00 UTC
DAY_S = 86_400.0
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One device: values [row, metric] (NaN: no sample), the metrics' names and its type (None: its own)."""

    values: Array
    metrics: Sequence[str] = ()
    device_type: str | None = None

    def names(self) -> list[str]:
        return list(self.metrics) or [f"m{i:02d}" for i in range(self.values.shape[1])]


@dataclass
class Course:
    """What the engine said: arrays [row, device], episodes with the row they opened or closed in."""

    names: list[str]
    score: npt.NDArray[np.float32]
    status: npt.NDArray[np.int8]
    alarm: npt.NDArray[np.bool_]
    level: npt.NDArray[np.float32]
    opened: list[tuple[int, Episode]] = field(default_factory=list)
    closed: list[tuple[int, Episode]] = field(default_factory=list)
    minutes: list[MinuteResult] = field(default_factory=list)

    def of(self, name: str) -> int:
        return self.names.index(name)

    def scores(self, name: str) -> npt.NDArray[np.float32]:
        return self.score[:, self.of(name)]

    def alarms(self, name: str) -> npt.NDArray[np.bool_]:
        return self.alarm[:, self.of(name)]

    def statuses(self, name: str) -> list[str]:
        return [STATUSES[s] for s in self.status[:, self.of(name)].tolist()]

    def openings(self, name: str, first: int = 0, last: int = 10**9) -> list[int]:
        """Rows in [first, last) in which an episode of this device opened."""
        device = self.of(name)
        return [row for row, e in self.opened if e.device_id == device and first <= row < last]


def run(
    series: Mapping[str, Series],
    period_s: float,
    config: HealthConfig | None = None,
    *,
    engine: Engine | None = None,
    start: float = START,
    keep: bool = False,
    explain: bool = False,
) -> Course:
    """Feed all series row by row, `period_s` apart; shorter ones end together with the longest."""
    engine = engine or Engine(config or HealthConfig())
    names, rows = list(series), max(len(s.values) for s in series.values())
    code = {name: engine.metric_code([name])[0] for s in series.values() for name in s.names()}
    device = np.repeat(np.arange(len(names)), [s.values.shape[1] for s in series.values()])
    metric = np.array([code[name] for s in series.values() for name in s.names()], np.int32)
    value = np.full((rows, len(device)), np.nan)
    for i, s in enumerate(series.values()):
        value[rows - len(s.values) :, device == i] = s.values
    order = np.lexsort((metric, device))
    device, metric, value = device[order].astype(np.int64), metric[order], value[:, order]
    nobody = np.full(len(names), np.nan)
    frame = DeviceFrame(
        device_id=np.arange(len(names), dtype=np.int64),
        device_type=np.array([s.device_type or name for name, s in series.items()], dtype=object),
        interval_s=np.full(len(names), period_s, np.float32),
        last_sample=nobody,
        last_heartbeat=nobody,
        created=nobody,
        excluded=np.zeros(len(names), bool),
        maintenance=np.zeros(len(names), bool),
        sample_count=np.ones(len(names), np.int32),
    )
    shape = (rows, len(names))
    out = Course(
        names,
        np.full(shape, np.nan, np.float32),
        np.zeros(shape, np.int8),
        np.zeros(shape, bool),
        np.zeros(shape, np.float32),
    )
    for row in range(rows):
        here = np.isfinite(value[row])
        obs = Observations(start + period_s * (row + 1), device[here], metric[here], value[row, here])
        result = engine.step(obs, frame, explain)
        out.score[row], out.status[row] = result.score, result.status
        out.alarm[row], out.level[row] = result.alarm, result.alarm_level
        out.opened += [(row, e) for e in result.opened]
        out.closed += [(row, e) for e in result.closed]
        if keep:
            out.minutes.append(result)
    return out
