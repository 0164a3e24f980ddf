"""The running hour per series, and the finished one.

Sums are of values relative to the series' first one, in float32: at most sixty terms.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from homepot_ai.health.layout import METRIC_MASK
from homepot_ai.health.records import Doubles, Floats, HourRollup
from homepot_ai.health.table import Field, SeriesTable, device_of

HOUR_S = 3600.0


def hour_of(at: float) -> float:
    """Start of the hour that the minute ending at ``at`` belongs to."""
    return float(np.floor((at - 1.0) / HOUR_S) * HOUR_S)


def means(series: SeriesTable) -> Floats:
    """Means of the running hour, relative to the series' origin; NaN where there was no sample."""
    n = series.rows[Field.HOUR_N]
    out: Floats = series.rows[Field.HOUR_SUM] / np.where(n > 0, n, np.float32(np.nan))
    return out


def accumulate(rows: npt.NDArray[np.float32], value: Doubles, origin: Doubles) -> None:
    """Add new values of some series to their running hour; changes ``rows`` [field, n]."""
    x = (value - origin).astype(np.float32)
    first = rows[Field.HOUR_N] == 0
    rows[Field.HOUR_SUM] += x
    rows[Field.HOUR_N] += 1
    np.minimum(rows[Field.HOUR_MIN], x, out=rows[Field.HOUR_MIN])
    np.maximum(rows[Field.HOUR_MAX], x, out=rows[Field.HOUR_MAX])
    if first.any():
        np.copyto(rows[Field.HOUR_MIN], x, where=first)
        np.copyto(rows[Field.HOUR_MAX], x, where=first)


def close(series: SeriesTable, hour: float) -> HourRollup:
    """The finished hour of the series that were seen in it; starts the next one."""
    rows = series.rows
    seen = np.flatnonzero(rows[Field.HOUR_N])
    n = rows[Field.HOUR_N, seen]
    origin = series.origin[seen]
    out = HourRollup(
        hour=hour,
        device_id=device_of(series.key[seen]),
        metric=(series.key[seen] & METRIC_MASK).astype(np.int32),
        n=n.astype(np.int32),
        mean=(rows[Field.HOUR_SUM, seen] / n + origin).astype(np.float32),
        min=(rows[Field.HOUR_MIN, seen] + origin).astype(np.float32),
        max=(rows[Field.HOUR_MAX, seen] + origin).astype(np.float32),
        last=(rows[Field.LAST, seen] + origin).astype(np.float32),
    )
    rows[Field.HOUR_N : Field.HOUR_MAX + 1] = 0
    return out
