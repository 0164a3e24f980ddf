"""When a level that stays becomes the new normal, and is said to.

Once an hour a series' hourly mean, less the daily profile, is compared with its level of days.  One
that lies beyond the edge of what is expected is watched.  When it has done so for `accept_days` on
one side, and meanwhile moved by less than half of the way, the series' origin is moved by as much:
all that is known of it, the shape of its day included, holds from then on about the new level.  One
that returns, or keeps moving, is not accepted.  While a series is watched its profile does not learn; so
a series in its first week is not watched, since a part of the day that is new looks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from homepot_ai.health import baseline
from homepot_ai.health.config import BaselineConfig
from homepot_ai.health.keyed import KeyedRows
from homepot_ai.health.layout import METRIC_MASK
from homepot_ai.health.records import Accepted, Floats
from homepot_ai.health.table import Field, SeriesTable, device_of

Index = npt.NDArray[np.intp]
# Of a level's own size: closer to it float32 sums say nothing.
NOISE = 1e-5
# So much of the way may be left in the profile.
LEFT = 0.1


class Watch(IntEnum):
    """Rows of the table of watched series, relative to the series' origin and the profile."""

    HOURS = 0  # beyond the edge for so many hours
    OLD = 1  # the level before
    LOW = 2  # of the hourly means since
    HIGH = 3


WATCHES = 4


def close_hour(
    watched: KeyedRows,
    series: SeriesTable,
    mean: Floats,
    profile: Floats,
    at: float,
    names: Sequence[str],
    config: BaselineConfig,
) -> list[Accepted]:
    """Watch what is beyond its level, and accept what stayed; changes ``watched`` and ``series``.

    Args:
        mean: of the finished hour, relative to the origin, NaN where there was no sample, [series].
        profile: of the hour's last quarter, NaN where there is none, [series].
    """
    rows = series.rows
    off = mean - profile
    edge = baseline.level_edge(rows, config)
    noise = np.float32(NOISE) * np.maximum(np.abs(mean), np.abs(rows[Field.LEVEL] + profile))
    away = off - rows[Field.LEVEL]
    with np.errstate(invalid="ignore"):
        beyond = np.abs(away) > np.maximum(edge, noise)
    beyond &= series.first_at < np.uint32(max(at - config.accept_from_days * baseline.DAY_S, 0))
    was = np.zeros(len(series), bool)
    if len(watched.key):
        was[np.searchsorted(series.key, np.intersect1d(watched.key, series.key, assume_unique=True))] = True
    # An hour without a sample neither goes on nor ends it.
    chosen = np.flatnonzero(beyond | (was & np.isnan(off)))
    state = watched.align(series.key[chosen], np.full((WATCHES, 1), np.nan, np.float32))
    off, level = off[chosen], rows[Field.LEVEL, chosen]
    new = np.isnan(state[Watch.HOURS])
    side = np.sign(off - state[Watch.OLD]) != np.sign(off - level)
    new |= side & ~np.isnan(off)
    state[Watch.HOURS] = np.where(new, 0, state[Watch.HOURS])
    for row, value in ((Watch.OLD, level), (Watch.LOW, off), (Watch.HIGH, off)):
        state[row] = np.where(new, value, state[row])
    state[Watch.HOURS] += ~np.isnan(off)
    state[Watch.LOW] = np.fmin(state[Watch.LOW], off)
    state[Watch.HIGH] = np.fmax(state[Watch.HIGH], off)
    due = (state[Watch.HOURS] >= config.accept_days * 24) & ~np.isnan(off)
    stayed = state[Watch.HIGH] - state[Watch.LOW] < 0.5 * np.abs(off - state[Watch.OLD])
    # What still moves is watched for another while.
    state[Watch.HOURS, due] = 0
    state[Watch.LOW, due] = state[Watch.HIGH, due] = off[due]
    due &= stayed
    return _accept(series, chosen[due], state[Watch.OLD, due], mean, profile, at, names)


def _accept(
    series: SeriesTable,
    which: Index,
    old: Floats,
    mean: Floats,
    profile: Floats,
    at: float,
    names: Sequence[str],
) -> list[Accepted]:
    rows = series.rows
    moved = mean[which] - profile[which] - old
    rows[Field.LEVEL, which] = old
    for field in (Field.LAST, Field.FAST, Field.SLOW, Field.NOTE_VALUE, Field.NOTE_LOW, Field.NOTE_HIGH,
                  Field.HOUR_MIN, Field.HOUR_MAX):  # fmt: skip
        rows[field, which] -= moved
    rows[Field.HOUR_SUM, which] -= moved * rows[Field.HOUR_N, which]
    rows[Field.HELD, which] = 0  # what is normal now is no evidence any more
    rows[Field.NOTE_VALUE, which] = np.nan
    # The profile took in some of it before the series was watched: for a series that never moved, much.
    for tail in (baseline.ONSET, baseline.SHAPE, baseline.LEVEL):
        own = Field.START + baseline.ALARMS + tail
        rows[own, which] = np.maximum(rows[own, which], np.float32(LEFT) * np.abs(moved))
    before = old + profile[which] + series.origin[which]
    series.origin[which] += moved
    device, metric = device_of(series.key[which]), series.key[which] & METRIC_MASK
    return [
        Accepted(at=at, device_id=d, metric=names[m], old=o, new=o + by)
        for d, m, o, by in zip(device.tolist(), metric.tolist(), before.tolist(), moved.tolist(), strict=True)
    ]
