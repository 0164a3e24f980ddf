"""A series' own expectation, learned as its samples come, and how far a sample leaves it.

Three residuals complement each other: against a fast EWMA (onsets), against the profile of
the time of day plus a slow EWMA (the shape of a day), and against the value before (jumps).
Each becomes evidence, in decades of ``-log10 p``, by its own tail: up to its 98 % point ``q``
in proportion, beyond it exponentially with the mean excess::

    evidence = T * min(|r| / q, 1) + max(|r| - q, 0) / (slope * ln 10)
    T = -log10(1 - 0.98),   slope = mean(max(|r| - q, 0)) / (1 - 0.98), over all samples

so no unit, scale or shape has to be known.  ``q`` and the mean excess are running estimates
(stochastic approximation); a sample's evidence includes the sample itself in the tail, which
is why the first movement of a long constant series weighs much and that of a young one
little.  There are two tables.  The alarm's learns from every sample.  The health's stops
learning, all but a little, while the device is being reported, and once mature it takes no
sample for larger than a few slopes.

It does not work before some twenty samples, and it adapts to a lasting new level within days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import BaselineConfig
from homepot_ai.health.records import Doubles, Flags, Floats
from homepot_ai.health.table import Field, Matrix, Stamps

LN10 = float(np.log(10.0))
TINY = np.float32(1e-30)
LARGEST = 1e30
ALARM, HEALTH = 0, 1
TABLES = 2
RESIDUALS = 3
DAY_S = 86400.0
# Gains never start above one in eleven: the first samples are not yet typical.
HEAD_START = 10.0
# Three slopes hold 95 % of what an exponential tail teaches.
LEAST_CLIP = 3.0


@dataclass(frozen=True)
class Samples:
    """New values of some series, and the rows of the tables they belong to.

    ``rows`` is ``[field, n]``, a view or a copy that the caller writes back; ``profile`` the
    level at this time of day, NaN where there is none yet (also changed in place).
    ``learning`` is the weight of the health table's lesson; ``interval_s`` is the device's.
    ``offset`` is what the day of the week adds to the profile (None: nothing is known of it).
    """

    value: Doubles
    origin: Doubles
    at: float
    first_at: Stamps
    last_at: Stamps
    rows: Matrix
    profile: Floats
    learning: Floats
    interval_s: Floats
    offset: Floats | None = None


def observe(samples: Samples, config: BaselineConfig) -> None:
    """Take in new values: evidence, note and expectation of their series are brought up to date.

    Changes ``samples.rows`` and ``samples.profile``; costs about a hundred passes over n.
    """
    rows, profile = samples.rows, samples.profile
    minutes = _minutes_since(samples)
    x = np.clip(samples.value - samples.origin, -LARGEST, LARGEST).astype(np.float32)
    fast, slow = rows[Field.FAST], rows[Field.SLOW]
    weekly = x if samples.offset is None else x - samples.offset
    unknown = np.isnan(profile)
    if unknown.any():
        np.copyto(profile, fast - slow + (weekly - x), where=unknown)
    gap = _gap(samples, minutes)
    if gap is not None:
        np.copyto(fast, x, where=gap)
        np.copyto(rows[Field.LAST], x, where=gap)
    off_profile = weekly - profile
    residual = np.stack([x - fast, off_profile - slow, x - rows[Field.LAST]])
    size = np.abs(residual)
    evidence, each = _weigh(samples, size, minutes, config)
    _hold(samples, residual, evidence, each, minutes, config)
    _learn_level(samples, off_profile, residual, minutes, config)
    rows[Field.LAST] = x
    rows[Field.WEIGHT] += 1
    rows[Field.SEEN] += 1


def eligible(rows: Matrix, config: BaselineConfig) -> Flags:
    """Which series know enough to deviate: enough samples, or a few and the type's tails."""
    lent = rows[Field.WEIGHT] > rows[Field.SEEN]
    out: Flags = rows[Field.SEEN] >= np.where(lent, min(5, config.min_samples), config.min_samples)
    return out


def _minutes_since(samples: Samples) -> Floats:
    # A scalar where all series share one rhythm: exponentials of it are then free.
    last = samples.last_at
    if len(last) and last.min() == last.max():
        return np.full(1, max((samples.at - float(last[0])) / 60.0, 0.0), np.float32)
    return ((samples.at - last.astype(np.float64)) / 60.0).astype(np.float32)


def _gap(samples: Samples, minutes: Floats) -> Flags | None:
    """Series that were silent so long that the value before says nothing of this one."""
    limit = np.maximum(3 * samples.interval_s / 60, 30)
    gap: Flags = minutes > limit
    return gap if gap.any() else None


def _gain(minutes: Floats, constant: float | Floats) -> Floats:
    out: Floats = -np.expm1(
        -minutes / np.float32(constant) if isinstance(constant, float) else -minutes / constant
    )
    return out


def _weigh(samples: Samples, size: Matrix, minutes: Floats, config: BaselineConfig) -> tuple[Matrix, Matrix]:
    """Move the tails; returns evidence per table [2, n] and the health's per residual [3, n]."""
    rows = samples.rows
    n = size.shape[1]
    start = rows[Field.START : Field.START + 6].reshape(TABLES, RESIDUALS, n)
    excess = rows[Field.EXCESS : Field.EXCESS + 6].reshape(TABLES, RESIDUALS, n)
    beyond = 1.0 - config.tail_quantile
    body = np.float32(-np.log10(beyond))
    weight = rows[Field.WEIGHT]
    if n and weight.min() < config.warm_samples:
        # So few samples hold no 2 %: their largest stands for it.
        np.maximum(start, size, out=start, where=weight < config.warm_samples)
    gain = 1.0 / (np.maximum(weight + (1 - config.warm_samples), 1) + np.float32(HEAD_START))
    np.maximum(gain, np.minimum(minutes, 60) / np.float32(config.tail_days * 1440), out=gain)
    gains = np.empty((TABLES, 1, n), np.float32)
    gains[ALARM, 0] = gain
    gains[HEALTH, 0] = gain * samples.learning
    # Of a young series one sample is many: an event must not become the rule while it lasts.
    clip = np.empty((TABLES, 1, n), np.float32)
    np.clip(np.float32(config.tail_growth * beyond) / gain, LEAST_CLIP, config.tail_clip, out=clip[ALARM, 0])
    mature = samples.at - config.mature_days * DAY_S > samples.first_at
    clip[HEALTH, 0] = np.where(mature, np.float32(config.mature_clip), clip[ALARM, 0])

    over = np.maximum(size - start, 0)
    slope = excess * np.float32(1 / beyond)
    np.minimum(over, np.where(slope > 0, slope * clip, over), out=over)
    excess += gains * (over - excess)
    slope = excess * np.float32(1 / beyond)
    step = (over > 0) - np.float32(beyond)
    step *= np.minimum(gains * np.float32(1 / beyond), 0.5)
    step *= slope
    start += step
    np.maximum(start, 0, out=start)

    over = np.maximum(size - start, 0)
    over /= np.maximum(slope * np.float32(LN10), TINY)
    evidence = size / np.maximum(start, TINY)
    np.minimum(evidence, 1, out=evidence)
    evidence *= body
    evidence += over
    np.minimum(evidence[ALARM], np.float32(config.alarm_cap), out=evidence[ALARM])
    np.minimum(evidence[HEALTH], np.float32(config.evidence_cap), out=evidence[HEALTH])
    together = np.empty((TABLES, n), np.float32)
    np.dot(np.float32(config.alarm_weights), evidence[ALARM], out=together[ALARM])
    np.mean(evidence[HEALTH], axis=0, out=together[HEALTH])
    together *= eligible(rows, config)
    return together, evidence[HEALTH]


def _hold(
    samples: Samples,
    residual: Matrix,
    evidence: Matrix,
    each: Matrix,
    minutes: Floats,
    config: BaselineConfig,
) -> None:
    """Hold the health's evidence with a decay, and note what was seen where it is news."""
    rows = samples.rows
    rows[Field.ALARM] = evidence[ALARM]
    held, now = rows[Field.HELD], evidence[HEALTH]
    held *= np.exp(-minutes / np.float32(config.hold_minutes))
    replaced = now >= held
    np.maximum(held, now, out=held)
    # What an older, weaker or forgotten note said is not true of this evidence.
    np.copyto(rows[Field.NOTE_VALUE], np.float32(np.nan), where=replaced)
    news = np.flatnonzero(replaced & (now > config.note_at))
    if not len(news):
        return
    # The band is that of the residual that weighs most, at the edge of what is expected.
    heaviest = each[:, news].argmax(axis=0)
    value = np.clip(samples.value[news] - samples.origin[news], -LARGEST, LARGEST)
    centre = value - residual[heaviest, news]
    width = band_width(rows, heaviest, news, config)
    rows[Field.NOTE_VALUE, news] = value
    rows[Field.NOTE_LOW, news] = centre - width
    rows[Field.NOTE_HIGH, news] = centre + width


def band_width(
    rows: Matrix, residual: npt.NDArray[np.intp], series: npt.NDArray[np.intp], config: BaselineConfig
) -> Floats:
    """Half the expected band of some series, in the metric's unit: where evidence is the edge."""
    beyond = 1.0 - config.tail_quantile
    slopes = max(config.edge + np.log10(beyond), 0.0) * LN10 / beyond
    start = rows[Field.START + RESIDUALS + residual, series]
    out: Floats = start + rows[Field.EXCESS + RESIDUALS + residual, series] * np.float32(slopes)
    return out


def _learn_level(
    samples: Samples, off_profile: Floats, residual: Matrix, minutes: Floats, config: BaselineConfig
) -> None:
    """Move the EWMAs and the profile, by no more than what the tails find usual."""
    rows, beyond = samples.rows, 1.0 - config.tail_quantile
    usual = rows[Field.START : Field.START + 2] + rows[Field.EXCESS : Field.EXCESS + 2] * np.float32(
        config.level_clip / beyond
    )
    moved = np.clip(residual[:2], -usual, usual)
    rows[Field.FAST] += _gain(minutes, config.fast_minutes) * moved[0]
    rows[Field.SLOW] += _gain(minutes, config.slow_minutes) * moved[1]
    # A slot takes its first day's mean within the day and averages over days later.
    days: Floats = ((samples.at - samples.first_at) / DAY_S).astype(np.float32)
    np.minimum(days, np.float32(config.profile_days), out=days)
    inside = np.minimum(minutes, np.float32(config.slot_minutes))
    gain = _gain(inside, days * config.slot_minutes + config.slot_minutes)
    samples.profile[...] += gain * np.clip(off_profile, -usual[1], usual[1])


def lend(rows: Matrix, start: Matrix, excess: Matrix, known: Flags, weight: float) -> None:
    """Give new series the tails of their device type, [3, n] each, as if `weight` samples old."""
    for table in range(TABLES):
        at = table * RESIDUALS
        np.copyto(rows[Field.START + at : Field.START + at + RESIDUALS], start, where=known)
        np.copyto(rows[Field.EXCESS + at : Field.EXCESS + at + RESIDUALS], excess, where=known)
    rows[Field.WEIGHT] = np.where(known, np.float32(weight), 0)
