"""Intervals: of a share, and how good an interval forecast was. Pure."""

from __future__ import annotations

import math

Z = 1.959964


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a share (E. B. Wilson, JASA 22, 1927, p. 209).

    Args:
        n: how many independent cases; it may be fractional where cases overlap. 0 says nothing: 0 to 1.

    >>> [round(edge, 2) for edge in wilson(1.0, 6)]
    [0.61, 1.0]
    """
    if n <= 0:
        return 0.0, 1.0
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(max(0.0, share * (1 - share) / n) + Z * Z / (4 * n * n))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def interval_score(low: float, high: float, observed: float, coverage: float) -> float:
    """Width, and a penalty for what lies outside, in the unit of the interval; less is better.

    Gneiting and Raftery, JASA 102 (2007), p. 370, equation 43.

    >>> interval_score(10.0, 20.0, 15.0, 0.8), interval_score(10.0, 20.0, 21.0, 0.8)
    (10.0, 20.0)
    """
    miss = max(low - observed, observed - high, 0.0)
    return high - low + 2.0 / round(1.0 - coverage, 9) * miss
