"""A series' own expectation, learned as its samples come, and how far a sample leaves it.

Residuals that complement each other, each judged by its own tail (:mod:`homepot_ai.health.tails`):

- onset: against a fast EWMA;
- shape: against the profile of the time of day plus a slow EWMA;
- jump: against the value before (alarm only);
- level: the fast EWMA against the profile plus the level of days (health only): an event is a
  change, a state lasts;
- together: what the device's other metrics do not explain (health only, see
  :mod:`homepot_ai.health.together`).

There are two tables of tails.  The alarm's learns from every sample, and takes a weighted mean of
its three.  The health's stops learning, all but a little, while the device is being reported, and
once mature it takes no sample for larger than a few slopes; it takes the root of a weighted mean of
squares.

It does not work before some twenty samples, and it adapts to a lasting new level within days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health import tails, together
from homepot_ai.health.config import BaselineConfig
from homepot_ai.health.records import Codes, Doubles, Flags, Floats, Small
from homepot_ai.health.table import Field, Matrix, Stamps

LARGEST = 1e30
DAY_S = 86400.0
# The alarm's residuals, and after them the health's.
ALARMS, HEALTHS = 3, 4
ONSET, SHAPE, LEVEL, TOGETHER = range(HEALTHS)
TAILS = ALARMS + HEALTHS
#: Tails that a device type lends: the alarm's, and the health's level.
LENT = (0, 1, 2, ALARMS + LEVEL)
# Samples before the directions of a device mean something.
PATTERN_SAMPLES = 500
FADING = 0.97
ALONE = 0


@dataclass(frozen=True)
class Samples:
    """New values of some series, and the rows of the tables they belong to.

    ``rows`` is ``[field, n]``, a view or a copy that the caller writes back; ``profile`` the
    level at this time of day, NaN where there is none yet (also changed in place).
    ``learning`` and ``alarm_learning`` weigh the lesson of either table; ``interval_s`` is the device's.
    ``owner`` is each series' device, all series of one side by side; ``kind`` says of what the noted
    evidence is (changed in place).  ``offset`` is what the day of the week adds to the profile (None:
    nothing is known of it); ``watched`` marks series whose level may become a new one: while it may,
    it is none of the day's (None: there are none).
    """

    value: Doubles
    origin: Doubles
    at: float
    first_at: Stamps
    last_at: Stamps
    rows: Matrix
    profile: Floats
    learning: Floats
    alarm_learning: Floats
    interval_s: Floats
    owner: Codes
    kind: Small
    offset: Floats | None = None
    watched: Flags | None = None


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
    off_level = fast - rows[Field.LEVEL] - profile
    if samples.offset is not None:
        off_level -= samples.offset
    residual = np.empty((4, len(x)), np.float32)
    np.subtract(x, fast, out=residual[ONSET])
    np.subtract(off_profile, slow, out=residual[SHAPE])
    np.subtract(x, rows[Field.LAST], out=residual[2])
    residual[3] = off_level
    moved = _Moved(x, residual, minutes)
    each, rest = _weigh(samples, moved, config)
    _hold(samples, moved, each, rest, config)
    _learn_level(samples, off_profile, moved, config)
    rows[Field.LAST] = x
    rows[Field.WEIGHT] += 1
    rows[Field.SEEN] += 1


@dataclass(frozen=True)
class _Moved:
    """New values relative to the origin [n]; onset, shape, jump and level residual [4, n]; minutes passed."""

    value: Floats
    residual: Matrix
    minutes: Floats


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


def _weigh(samples: Samples, moved: _Moved, config: BaselineConfig) -> tuple[Matrix, Floats]:
    """Move the tails and note the alarm's evidence; returns the health's [4, n].

    Also returns what the device's directions leave of each series, in units of its shape's tail.
    """
    rows = samples.rows
    start = rows[Field.START : Field.START + TAILS]
    excess = rows[Field.EXCESS : Field.EXCESS + TAILS]
    weight, seen = rows[Field.WEIGHT], rows[Field.SEEN]
    warm = weight >= config.warm_samples
    rest = together.remainder(
        rows[Field.PATTERN : Field.PATTERN + together.DIRECTIONS], moved.residual[SHAPE], start[SHAPE], warm,
        samples.owner, seen, moved.minutes, samples.learning, int(samples.at // 60),
        config,
    )  # fmt: skip
    size = np.abs(moved.residual[:ALARMS])
    health = np.empty((HEALTHS, len(weight)), np.float32)
    health[:LEVEL] = size[:LEVEL]
    np.abs(moved.residual[3], out=health[LEVEL])
    np.abs(rest, out=health[TOGETHER])
    _start_young(start, size, health, warm, seen, config)
    gain = tails.gain_of(weight, moved.minutes, config)
    clip = tails.clip_of(gain, config)
    counts = eligible(rows, config)
    alarm = tails.weigh(
        start[:ALARMS], excess[:ALARMS], size, gain * samples.alarm_learning, clip, config.alarm_cap, config
    )
    alarm *= np.array(config.alarm_weights, np.float32)[:, None]
    np.sum(alarm, axis=0, out=rows[Field.ALARM])
    mature = samples.first_at < np.uint32(max(samples.at - config.mature_days * DAY_S, 0))
    if mature.any():
        clip = np.where(mature, np.float32(config.mature_clip), clip)
    each = tails.weigh(
        start[ALARMS:], excess[ALARMS:], health, gain * samples.learning, clip, config.evidence_cap, config
    )
    if not counts.all():
        rows[Field.ALARM] *= counts
        each *= counts
    if len(seen) and seen.min() < PATTERN_SAMPLES:
        each[TOGETHER] *= seen >= PATTERN_SAMPLES
    return each, rest


def _start_young(
    start: Matrix, size: Matrix, health: Matrix, warm: Flags, seen: Floats, config: BaselineConfig
) -> None:
    """So few samples hold no 2 %: their largest stands for it."""
    if not warm.all():
        np.maximum(start[:ALARMS], size, out=start[:ALARMS], where=~warm)
        own = start[ALARMS : ALARMS + TOGETHER]
        np.maximum(own, health[:TOGETHER], out=own, where=~warm)
    # Directions have to be found first: until then a fading maximum stands for the tail.
    if len(seen) and seen.min() < PATTERN_SAMPLES:
        own, young = start[ALARMS + TOGETHER], seen < PATTERN_SAMPLES
        np.maximum(own * np.float32(FADING), health[TOGETHER], out=own, where=young)


def _hold(samples: Samples, moved: _Moved, each: Matrix, rest: Floats, config: BaselineConfig) -> None:
    """Hold the health's evidence with a decay, and note what was seen where it is news."""
    rows = samples.rows
    now = each[ONSET] * each[ONSET]
    now += each[SHAPE] * each[SHAPE]
    now += np.float32(config.level_weight) * each[LEVEL] * each[LEVEL]
    now += np.float32(config.together_weight) * each[TOGETHER] * each[TOGETHER]
    now *= np.float32(1 / (2 + config.level_weight + config.together_weight))
    np.sqrt(now, out=now)
    held = rows[Field.HELD]
    held *= np.exp(-moved.minutes / np.float32(config.hold_minutes))
    replaced = now >= held
    np.maximum(held, now, out=held)
    # What an older, weaker or forgotten note said is not true of this evidence.
    np.copyto(rows[Field.NOTE_VALUE], np.float32(np.nan), where=replaced)
    np.copyto(samples.kind, ALONE, where=replaced)
    news = np.flatnonzero(replaced & (now > config.note_at))
    if len(news):
        _note(samples, moved, each, rest, news, config)


def _note(
    samples: Samples,
    moved: _Moved,
    each: Matrix,
    rest: Floats,
    news: npt.NDArray[np.intp],
    config: BaselineConfig,
) -> None:
    """Keep value and band of some series: those of the residual that weighs most, at the edge."""
    rows = samples.rows
    weights = np.array([[1], [1], [config.level_weight], [config.together_weight]], np.float32)
    heaviest = (each[:, news] * np.sqrt(weights)).argmax(axis=0)
    residual, value = moved.residual[:, news], moved.value[news].copy()
    centre = value - np.choose(np.minimum(heaviest, SHAPE), residual[: SHAPE + 1])
    width = band_width(rows, heaviest, news, config)
    state = heaviest == LEVEL
    value[state] = rows[Field.FAST, news[state]]
    centre[state] = value[state] - residual[3, state]
    both = heaviest == TOGETHER
    scale = rows[Field.START + SHAPE, news[both]]
    off = np.clip(residual[SHAPE, both], -together.LARGEST * scale, together.LARGEST * scale)
    centre[both] += off - rest[news[both]] * scale
    rows[Field.NOTE_VALUE, news] = value
    rows[Field.NOTE_LOW, news] = centre - width
    rows[Field.NOTE_HIGH, news] = centre + width
    samples.kind[news] = both


def band_width(
    rows: Matrix, residual: npt.NDArray[np.intp], series: npt.NDArray[np.intp], config: BaselineConfig
) -> Floats:
    """Half the expected band of some series, in the metric's unit: where evidence is the edge."""
    at = ALARMS + residual
    width = tails.edge_of(rows[Field.START + at, series], rows[Field.EXCESS + at, series], config)
    unit = np.where(residual == TOGETHER, rows[Field.START + SHAPE, series], np.float32(1))
    return width * unit


def _learn_level(samples: Samples, off_profile: Floats, moved: _Moved, config: BaselineConfig) -> None:
    """Move the EWMAs, the level and the profile, by no more than what the tails find usual."""
    rows, residual, minutes = samples.rows, moved.residual, moved.minutes
    usual = tails.usual(rows[Field.START : Field.START + 2], rows[Field.EXCESS : Field.EXCESS + 2], config)
    step = np.clip(residual[:2], -usual, usual)
    rows[Field.FAST] += _gain(minutes, config.fast_minutes) * step[0]
    rows[Field.SLOW] += _gain(minutes, config.slow_minutes) * step[1]
    # A young level is the mean so far.
    gain, seen = _gain(minutes, config.level_days * 1440), rows[Field.SEEN]
    if len(seen) and (seen.min() + 1) * gain.min() < 1:
        gain = np.maximum(gain, 1 / (seen + 1))
    own = ALARMS + LEVEL
    bound = tails.usual(rows[Field.START + own], rows[Field.EXCESS + own], config)
    rows[Field.LEVEL] += gain * np.clip(residual[3], -bound, bound)
    # A slot takes its first day's mean within the day and averages over days later.
    first = samples.first_at
    if len(first) and first.max() < max(samples.at - config.profile_days * DAY_S, 0):
        first = first[:1]  # all are old enough: exponentials of one are free
    days: Floats = ((samples.at - first) / DAY_S).astype(np.float32)
    np.minimum(days, np.float32(config.profile_days), out=days)
    inside = np.minimum(minutes, np.float32(config.slot_minutes))
    gain = _gain(inside, days * config.slot_minutes + config.slot_minutes)
    lesson = gain * np.clip(off_profile, -usual[1], usual[1])
    if samples.watched is not None:
        lesson *= ~samples.watched
    samples.profile[...] += lesson


def level_edge(rows: Matrix, config: BaselineConfig) -> Floats:
    """How far the level may leave that of days until it is at the edge, in the metric's unit."""
    own = ALARMS + LEVEL
    return tails.edge_of(rows[Field.START + own], rows[Field.EXCESS + own], config)


def lend(rows: Matrix, start: Matrix, excess: Matrix, known: Flags, weight: float) -> None:
    """Give new series the tails of their device type, [4, n] each as in LENT, as if `weight` samples old."""
    for tail in range(ALARMS + TOGETHER):
        lender = LENT.index(tail) if tail in LENT else tail - ALARMS
        np.copyto(rows[Field.START + tail], start[lender], where=known)
        np.copyto(rows[Field.EXCESS + tail], excess[lender], where=known)
    rows[Field.WEIGHT] = np.where(known, np.float32(weight), 0)
