"""Graded limits: absolute ones of metrics, and of per-device counts (signals).

Evidence is 0 up to the limit.  From it on it grows linearly from 1.0 at ``value`` to
``severe_u`` at ``severe``, times a ramp from 0.6 to 1 over the first ``minutes`` above it: a
short visit beyond a limit is no warning yet, a long one always is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import HealthConfig, Limit
from homepot_ai.health.records import Doubles, Floats

AT_ONCE = 0.6
# value, severe, minutes, severe_u
LimitTable = npt.NDArray[np.float64]


def as_row(limit: Limit | None) -> tuple[float, float, float, float]:
    """A limit as numbers; NaN where there is none."""
    if limit is None:
        return (np.nan, np.nan, np.nan, np.nan)
    return (limit.value, limit.severe, limit.minutes, limit.severe_u)


def graded(value: Doubles, minutes_over: Doubles | Floats | float, limits: LimitTable) -> Floats:
    """Evidence u of values against limits [4, n]; 0 where there is no limit or no value.

    >>> graded(np.array([80.0, 90.0, 97.0]), 30.0, np.array([[90.0], [97.0], [10.0], [3.5]])).tolist()
    [0.0, 1.0, 3.5]
    """
    start, severe, needed, top = limits
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        over = np.clip((value - start) / (severe - start), 0, 1)
        ramp = np.where(needed > 0, np.minimum(minutes_over / needed, 1), 1)
        u = (1 + (top - 1) * over) * (AT_ONCE + (1 - AT_ONCE) * ramp)
        return np.where(value >= start, u, 0).astype(np.float32)


class LimitIndex:
    """Which series and signals have limits, for one layout of series and types.

    ``series`` are the positions of limited series in the flat order, ``table`` their limits.
    """

    def __init__(
        self,
        config: HealthConfig,
        types: Sequence[str],
        type_of_device: npt.NDArray[np.int32],
        metric_of_series: npt.NDArray[np.int64],
        owner: npt.NDArray[np.int32],
        metric_names: Sequence[str],
    ) -> None:
        per_type = [config.limits_for(name) for name in types]
        names = sorted({name for limits in per_type for name in limits} & set(metric_names))
        column = np.full(len(metric_names) + 1, -1)
        for i, name in enumerate(names):
            column[metric_names.index(name)] = i
        grid = np.array(
            [[as_row(limits.get(name)) for name in names] for limits in per_type], np.float64
        ).reshape(len(types), len(names), 4)
        candidates = np.flatnonzero(column[metric_of_series] >= 0)
        table = grid[type_of_device[owner[candidates]], column[metric_of_series[candidates]]]
        limited = ~np.isnan(table[:, 0])
        self.series = candidates[limited]
        self.table: LimitTable = np.ascontiguousarray(table[limited].T)
        self.lookup = np.full(len(metric_of_series), -1, np.int32)
        self.lookup[self.series] = np.arange(len(self.series))
        self._type = type_of_device
        self._signals = [config.signals_for(name) for name in types]
        self.signal_names = sorted({name for limits in self._signals for name in limits})
        self._signal_tables = {
            name: np.array([as_row(limits.get(name)) for limits in self._signals], np.float64)
            for name in self.signal_names
        }

    def signals(
        self, counts: Mapping[str, Floats], device_pos: npt.NDArray[np.intp]
    ) -> list[tuple[str, Floats, Floats, Doubles]]:
        """(name, counts, evidence, limit) per known signal, arrays over the frame's devices."""
        out = []
        types = self._type[device_pos]
        for name in self.signal_names:
            if name not in counts:
                continue
            values = np.nan_to_num(counts[name].astype(np.float64))
            table = self._signal_tables[name][types].T
            out.append((name, counts[name], graded(values, np.inf, table), table[0]))
        return out
