"""A small constructed fleet for tests of the health engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from homepot_ai.health.engine import DeviceFrame, Engine, MinuteResult, Observations

START = 1_750_032_000.0  # a Monday, 00:00 UTC
MINUTE = 60.0


@dataclass
class Fleet:
    """Devices with named metrics; `feed` steps an engine with one value per device and metric."""

    metrics: Sequence[str]
    devices: Sequence[int]
    types: Sequence[str] | None = None
    interval_s: float = 60.0
    created: float = np.nan
    heartbeat: float | None = None  # None: as fresh as the minute
    excluded: Sequence[int] = ()
    maintenance: Sequence[int] = ()
    signals: Mapping[str, np.ndarray] = field(default_factory=dict)

    def frame(self, at: float, last_sample: np.ndarray | None = None) -> DeviceFrame:
        ids = np.array(sorted(self.devices), np.int64)
        n = len(ids)
        return DeviceFrame(
            device_id=ids,
            device_type=np.array(self.types or ["till"] * n, dtype=object),
            interval_s=np.full(n, self.interval_s, np.float32),
            last_sample=np.full(n, np.nan) if last_sample is None else last_sample,
            last_heartbeat=np.full(n, at if self.heartbeat is None else self.heartbeat),
            created=np.full(n, self.created),
            excluded=np.isin(ids, self.excluded),
            maintenance=np.isin(ids, self.maintenance),
            sample_count=np.ones(n, np.int32),
            signals=self.signals,
        )

    def observations(self, engine: Engine, at: float, values: Mapping[int, Sequence[float]]) -> Observations:
        codes = engine.metric_code(list(self.metrics))
        order = np.argsort(codes)
        ids = sorted(values)
        flat = [np.asarray(values[d], float)[order] for d in ids]
        device = np.repeat(np.array(ids, np.int64), len(codes))
        metric = np.tile(codes[order], len(ids))
        value = np.concatenate(flat) if flat else np.zeros(0)
        there = np.isfinite(value)
        return Observations(at, device[there], metric[there], value[there])

    def feed(
        self, engine: Engine, minute: float, values: Mapping[int, Sequence[float]], emit: bool = True
    ) -> MinuteResult:
        at = START + MINUTE * minute
        return engine.step(self.observations(engine, at, values), self.frame(at), emit)


def noise(fleet: Fleet, minutes: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """[minute, device, metric] of ordinary values around levels of their own."""
    rng = np.random.default_rng(seed)
    shape = (len(fleet.devices), len(fleet.metrics))
    level = rng.uniform(20, 40, shape)
    return scale * (level + rng.normal(0, 1, (minutes, *shape)))


def run(engine: Engine, fleet: Fleet, values: np.ndarray, first: int = 1) -> list[MinuteResult]:
    """Feed [minute, device, metric]; NaN is a missing sample."""
    ids = sorted(fleet.devices)
    return [
        fleet.feed(engine, first + t, {d: row[i] for i, d in enumerate(ids)}) for t, row in enumerate(values)
    ]
