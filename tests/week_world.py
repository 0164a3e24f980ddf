"""A fleet with a week: hour means that quieten down on Saturdays and Sundays, in memory and in our tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from homepot_ai.health.records import HourRollup
from homepot_ai.health.week import HOURS, hour_of_week
from homepot_ai.store import scores
from homepot_ai.store.database import Database

HOUR_S = 3600.0
UNTIL = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # a Sunday: the last day checked is mostly a Saturday


def weekend(depth: float = 20.0) -> npt.NDArray[np.float64]:
    """A shape [168]: opening hours on Saturday and Sunday are quieter by up to `depth`."""
    hour = np.arange(HOURS)
    open_ = np.clip(np.sin(np.pi * (hour % 24 - 6) / 14), 0, None)
    return np.where(hour // 24 >= 5, -depth * open_, 0.0)


def hour_values(
    series: int, hours: int, *, until: datetime = UNTIL, shape: npt.NDArray[np.float64] | None = None,
    noise: float = 2.0, seed: int = 1,
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Hour means [series, hours] in time: a day's wave, a shape of the week, noise that lasts for hours."""
    t = until.timestamp() + (np.arange(hours) - hours) * HOUR_S
    week_hour = np.array([hour_of_week(x) for x in t])
    rng = np.random.default_rng(seed)
    error = rng.normal(0, noise, (series, hours))
    for column in range(1, hours):
        error[:, column] = 0.6 * error[:, column - 1] + 0.8 * error[:, column]
    day = 50 + 10 * np.sin(2 * np.pi * (t % 86400) / 86400)
    return day + (weekend() if shape is None else shape)[week_hour] + error


def rollups(
    values: npt.NDArray[np.float64], device_id: Sequence[int], *, until: datetime = UNTIL, metric: int = 0
) -> list[HourRollup]:
    """Hour means [device, hours] of one metric as an engine hands them out; NaN is no sample."""
    ids, count = np.array(device_id, np.int64), values.shape[1]
    out = []
    for column in range(count):
        there = np.isfinite(values[:, column])
        mean = values[there, column].astype(np.float32)
        code = np.full(len(mean), metric, np.int32)
        hour = until.timestamp() + (column - count) * HOUR_S
        n = np.full(len(mean), 60, np.int32)
        out.append(HourRollup(hour, ids[there], code, n, mean, mean, mean, mean))
    return out


def write_hours(
    db: Database, values: npt.NDArray[np.float64], *, until: datetime = UNTIL, first_device: int = 1
) -> None:
    """Rows of ai_metric_hours from hour means [device, metric, hours]; NaN is no sample."""
    devices, metrics, count = values.shape
    names = [f"load_{i}" for i in range(metrics)]
    device = np.repeat(np.arange(first_device, first_device + devices), metrics)
    metric = np.tile(np.arange(metrics, dtype=np.int32), devices)
    with db.writer() as conn:
        for column in range(count):
            mean = values[:, :, column].reshape(-1).astype(np.float32)
            there = np.isfinite(mean)
            mean = mean[there]
            n = np.full(len(mean), 60, np.int32)
            hour = until + timedelta(hours=column - count)
            scores.insert_hours(
                conn,
                [scores.HourRows(hour, names, device[there], metric[there], n, mean, mean, mean, mean)],
            )
