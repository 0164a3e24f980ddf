"""The metrics of a device together: each may be normal and the combination not.

Deviations from the daily course, in units of their own tail and clipped, mostly move in a few
directions of the space of all metrics: load raises processor, memory and traffic at once.  Two such
directions are learned per device by Oja's rule, one sample at a time::

    c = W' y,   rest = y - W c,   W += gain * rest c' / |y|^2

What the directions leave of a metric is its fourth residual, judged by a tail of its own: two
metrics that always rose and fell together and stop doing so leave much, though each stays where it
was.  Needs two metrics for one direction and four for two.

It does not see a combination that was never usual, nor lags between metrics.

References: E. Oja, 1982, A simplified neuron model as a principal component analyzer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import BaselineConfig
from homepot_ai.health.records import Codes, Floats, Ints
from homepot_ai.health.table import Matrix
from homepot_ai.health.tails import TINY

DIRECTIONS = 2
# Metrics that a second direction takes: of fewer it would leave nothing.
FOR_TWO = 4
LARGEST = 3.0
HEAD_START = 50.0
# The first day's gain is so many times 1/n: directions are found sooner than they are kept.
EAGER = 10.0
INITIAL = 0.2
EVERY = 3

Index = npt.NDArray[np.intp]


def first_pattern(metric: Codes | Ints) -> Matrix:
    """Where the directions of new series begin [2, n]: anywhere but at zero, the same in every run."""
    turn = metric.astype(np.float64) + 1
    return np.array(
        [INITIAL * np.sin(12.9898 * turn + 78.233 * (k + 1)) for k in range(DIRECTIONS)], np.float32
    )


def remainder(
    pattern: Matrix,
    deviation: Floats,
    scale: Floats,
    known: npt.NDArray[np.bool_],
    owner: Codes,
    weight: Floats,
    minutes: Floats,
    learning: Floats,
    turn: int,
    config: BaselineConfig,
) -> Floats:
    """What the usual directions leave of each deviation, in units of ``scale``; moves ``pattern`` [2, n].

    Args:
        deviation: from the daily course, in the metric's unit, [n].
        scale: where its tail begins, [n].
        known: series whose scale is known; the others take no part.
        owner: the device of each series, in one run per device, [n].
        weight, minutes, learning: as for the tails.
        turn: the number of the minute; one in three teaches, three times as much.
    """
    y = np.clip(deviation / np.maximum(scale, TINY), -LARGEST, LARGEST)
    if not known.all():
        y *= known
    start = np.flatnonzero(np.diff(owner, prepend=-1))
    count = np.diff(start, append=len(owner))
    onto = np.add.reduceat(pattern * y, start, axis=1)
    onto[1] *= count >= FOR_TWO
    rest: Floats = y - pattern[0] * np.repeat(onto[0], count)
    rest -= pattern[1] * np.repeat(onto[1], count)
    # Scattered by Knuth's multiplier: no rhythm of samples misses all lessons.
    if turn * 2654435761 % 2**32 // 65536 % EVERY == 0:
        energy = np.add.reduceat(y * y, start) + np.float32(1e-9)
        gain = np.maximum(EAGER / (weight + HEAD_START), minutes / np.float32(config.together_days * 1440))
        lesson = np.minimum(gain * EVERY, 0.5)
        lesson *= learning
        lesson *= rest
        onto /= energy
        for k in range(DIRECTIONS):
            pattern[k] += lesson * np.repeat(onto[k], count)
    return rest
