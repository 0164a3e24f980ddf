"""Where a limit will be reached: a leak is normal at every minute.

Three levels of a series, after the shape of the day is taken off, look back 30 minutes, 3 hours and
2 days.  On a straight line each lags behind by its memory, so that the distance between two of them,
divided by the difference of their memories, is the slope.  The two slopes agree on a line and disagree
after a step, in noise and on a wave; their mean is believed::

    s1 = (fast - slow) / (3 h - 0.5 h)     s2 = (slow - level) / (2 d - 3 h)     1/3 <= s1/s2 <= 3

The rise must be more than what is usual (the 98 % point of the series' residual) and the slopes must
have agreed for an hour longer than they did not.  Hours until the limit are ``(limit - now) / slope``.

It does not work in a device's first two days, within some twenty hours of a leak's begin, and for
metrics without a limit, which have nothing to reach.  Some seven hours after a large step it can be
fooled for an hour or two.
"""

from __future__ import annotations

import numpy as np

from homepot_ai.health.config import HealthConfig
from homepot_ai.health.records import Doubles, Flags, Floats

# How far the two slopes may disagree.
AGREE = 3.0
SETTLED_MINUTES, LONGEST_MINUTES = 60.0, 180.0


def rising(
    fast: Floats, slow: Floats, level: Floats, usual: Floats, config: HealthConfig
) -> tuple[Floats, Flags]:
    """Slopes in units an hour [n], and where they are a trend.

    Args:
        fast, slow, level: what the profile of the day leaves of a series, over 30 min, 3 h and 2 days.
        usual: the size that 2 % of the residuals from the slow level exceed.

    >>> one = np.ones(1, np.float32)
    >>> slope, trend = rising(40 * one, 37.5 * one, one * -7.5, one, HealthConfig())  # 1 an hour for days
    >>> round(float(slope[0]), 2), bool(trend[0])
    (1.0, True)
    """
    b = config.baseline
    first = (fast - slow) / np.float32((b.slow_minutes - b.fast_minutes) / 60)
    second = (slow - level) / np.float32(b.level_days * 24 - b.slow_minutes / 60)
    smaller = np.minimum(first, second)
    agreed = (smaller > 0) & (np.maximum(first, second) <= AGREE * smaller)
    slope: Floats = ((first + second) / 2).astype(np.float32)
    return slope, agreed & (slow - level > usual)


def evidence(
    slope: Floats, minutes: Floats, value: Doubles, limit: Doubles, horizon_hours: float
) -> tuple[Floats, Doubles]:
    """Evidence u [n] and hours until the limit: 1.0 at the horizon, 2.2 when the limit is reached.

    >>> one = np.ones(1)
    >>> u, hours = evidence(one * 0.5, one * 90, one * 84, one * 90, 24.0)
    >>> round(float(u[0]), 2), float(hours[0])
    (1.6, 12.0)
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        hours = np.maximum((limit - value) / slope, 0)
    due = (minutes >= SETTLED_MINUTES) & (slope > 0) & (hours <= horizon_hours)
    u = np.where(due, 1 + 1.2 * (1 - np.where(due, hours, 0) / horizon_hours), 0).astype(np.float32)
    return u, np.where(due, hours, np.nan)
