"""Evidence of residuals by their own tails, in decades of ``-log10 p``, learned as they come.

Up to its 98 % point ``q`` a residual's evidence grows in proportion, beyond it exponentially with
the mean excess::

    evidence = T * min(|r| / q, 1) + max(|r| - q, 0) / (slope * ln 10)
    T = -log10(1 - 0.98),   slope = mean(max(|r| - q, 0)) / (1 - 0.98), over all samples

so no unit, scale or shape has to be known.  ``q`` and the mean excess are running estimates
(stochastic approximation, gain 1/n down to a memory in days).  A sample's evidence includes the
sample itself in the tail, which is why the first movement of a long constant series weighs much
and that of a young one little.

It does not work before some twenty samples.  A tail of which one sample in a thousand is a
thousand times the usual is not exponential: such a sample weighs more than its rarity.
"""

from __future__ import annotations

import numpy as np

from homepot_ai.health.config import BaselineConfig
from homepot_ai.health.records import Floats
from homepot_ai.health.table import Matrix

LN10 = float(np.log(10.0))
TINY = np.float32(1e-30)
# Metrics of coarse steps have residuals that are equal but for the rounding of float32.
ROUNDING = np.float32(1e-5)
# Gains never start above one in eleven: the first samples are not yet typical.
HEAD_START = 10.0
# Three slopes hold 95 % of what an exponential tail teaches.
LEAST_CLIP = 3.0


def gain_of(weight: Floats, minutes: Floats, config: BaselineConfig) -> Floats:
    """How much one more sample teaches tails that rest on ``weight`` samples."""
    gain: Floats = 1.0 / (np.maximum(weight + (1 - config.warm_samples), 1) + np.float32(HEAD_START))
    np.maximum(gain, np.minimum(minutes, 60) / np.float32(config.tail_days * 1440), out=gain)
    return gain


def clip_of(gain: Floats, config: BaselineConfig) -> Floats:
    """Slopes that one sample may teach: of a young series one is many, an event must not become the rule."""
    growth = np.float32(config.tail_growth * (1.0 - config.tail_quantile))
    clip: Floats = np.clip(growth / gain, LEAST_CLIP, config.tail_clip)
    return clip


def weigh(
    start: Matrix,
    excess: Matrix,
    size: Matrix,
    gain: Floats,
    clip: Floats,
    cap: float,
    config: BaselineConfig,
) -> Matrix:
    """Move the tails of residuals [r, n] by one sample each, and return their evidence [r, n].

    Changes ``start`` and ``excess``; ``gain`` and ``clip`` are per series [n],
    ``cap`` is the most that one may weigh, in decades.
    """
    beyond = 1.0 - config.tail_quantile
    over = _beyond(size, start, np.empty_like(size))
    # One slope is a factor of e, one decade LN10 of them.
    decade = excess * np.float32(LN10 / beyond)
    bound = decade * (clip / np.float32(LN10))
    if decade.size and decade.min() <= 0:
        np.copyto(bound, over, where=decade <= 0)
    np.minimum(over, bound, out=over)
    step = (over > 0) - np.float32(beyond)
    over -= excess
    over *= gain
    excess += over
    np.multiply(excess, np.float32(LN10 / beyond), out=decade)
    step *= decade
    step *= np.minimum(gain * np.float32(1 / beyond), 0.5) / np.float32(LN10)
    start += step
    np.maximum(start, TINY, out=start)

    _beyond(size, start, over)
    over /= np.maximum(decade, TINY, out=decade)
    evidence: Matrix = np.divide(size, start, out=step)
    evidence *= np.float32(-np.log10(beyond))
    np.minimum(evidence, np.float32(-np.log10(beyond)), out=evidence)
    evidence += over
    np.minimum(evidence, np.float32(cap), out=evidence)
    return evidence


def _beyond(size: Matrix, start: Matrix, out: Matrix) -> Matrix:
    """How far residuals lie beyond the start; what float32 rounds away is not beyond it."""
    np.multiply(start, -(1 + ROUNDING), out=out)
    out += size
    np.maximum(out, 0, out=out)
    return out


def edge_of(start: Floats, excess: Floats, config: BaselineConfig) -> Floats:
    """The size of a residual at which its evidence is the edge of what is expected."""
    beyond = 1.0 - config.tail_quantile
    slopes = max(config.edge + np.log10(beyond), 0.0) * LN10 / beyond
    out: Floats = start + excess * np.float32(slopes)
    return out


def usual(start: Matrix, excess: Matrix, config: BaselineConfig) -> Matrix:
    """What tails find usual: their start and a few slopes more."""
    out: Matrix = start + excess * np.float32(config.level_clip / (1.0 - config.tail_quantile))
    return out
