"""What a device does routinely: running quantiles of its own evidence.

Stochastic approximation: up by ``gain * SPREAD / (1 - q)`` times ``q`` when the value lies above,
down by the rest otherwise.  The gain falls with the minutes seen until it reaches the memory.
It does not follow anything faster than its memory, which is its purpose.
"""

from __future__ import annotations

import numpy as np

from homepot_ai.health.records import Floats

DAY_MINUTES = 1440.0
# Evidence is exponential in its upper range: about half a decade per factor e.
SPREAD = 0.5


def track(
    level: Floats, value: Floats, seen: Floats, minutes: Floats, *, quantile: float, days: float, head: float
) -> Floats:
    """The quantile after ``value``, [D]; ``seen`` are rows so far, ``head`` rows it starts as if seen.

    >>> one = np.ones(1, np.float32)
    >>> float(track(one, one * 2, one * 90, one, quantile=0.9, days=1, head=10)[0])  # 1 + .9 * .05
    1.0449999570846558
    """
    gain = np.maximum(1.0 / (seen + np.float32(head)), minutes / np.float32(days * DAY_MINUTES))
    step = np.minimum(gain * np.float32(SPREAD / (1 - quantile)), np.float32(SPREAD))
    step *= (value > level) - np.float32(1 - quantile)
    out: Floats = level + step
    return out
