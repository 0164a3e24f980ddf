"""Evidence of whole devices, from that of their series: health, alarm, limits, and the edge.

All arrays are over the device table unless said otherwise; decades are of ``-log10 p``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health import baseline, limits, trend
from homepot_ai.health.memory import Memory
from homepot_ai.health.records import Doubles, Flags, Floats, Observations
from homepot_ai.health.routine import track
from homepot_ai.health.table import DeviceField, DeviceStamp, Field

Index = npt.NDArray[np.intp]
# A device's first two days are learned whatever they bring.
YOUNG_S = 2 * baseline.DAY_S
# Held evidence hardly changes from minute to minute: many rows say what a few would.
EDGE_HEAD = 500.0


def _fade(memory: Memory, at: float, interval_of_device: Floats) -> Floats | None:
    """Decay of the evidence of series that stopped coming; None when all are fresh."""
    last = memory.series.last_at
    if not len(last) or at - last.min() <= 60:
        return None
    owner = memory.layout().owner
    grace = memory.config.liveness.intervals * interval_of_device[owner] / 60
    overdue = np.maximum((at - last.astype(np.float64)) / 60 - grace, 0).astype(np.float32)
    out: Floats = np.exp(-overdue / np.float32(memory.config.baseline.hold_minutes))
    return out


def of_devices(memory: Memory, at: float, interval_of_device: Floats) -> tuple[Floats, Floats, Floats]:
    """Over the device table: health and alarm evidence in decades, and series that count."""
    rows, segments, settings = memory.series.rows, memory.layout(), memory.config.baseline
    held, alarm = rows[Field.HELD], rows[Field.ALARM]
    fade = _fade(memory, at, interval_of_device)
    if fade is not None:
        held, alarm = held * fade, alarm * fade
    counted = segments.sum(baseline.eligible(rows, settings).astype(np.float32))
    health, level, count = np.zeros((3, len(memory.devices)), np.float32)
    health[segments.device_pos] = segments.top_mean(held, settings.top_metrics)
    # Half of how much moves at all, half of how far the most moved ones are off.
    rms = np.sqrt(segments.sum(alarm * alarm) / np.maximum(counted, 1))
    wide = segments.top_mean(alarm, memory.config.alarm.wide_metrics)
    level[segments.device_pos] = 0.5 * rms + 0.25 * wide
    count[segments.device_pos] = counted
    return health, level, count


def edge(
    memory: Memory,
    at: float,
    framed: Index,
    health: Floats,
    count: Floats,
    fresh: Flags,
    minutes: Floats,
    interval: Floats,
) -> Floats:
    """The edge of each framed device's own evidence before this minute; learns from it after.

    At first it is where chance alone brings the mean of the largest, from so many metrics held
    for so many samples.
    """
    settings, devices = memory.config.baseline, memory.devices
    before = devices.rows[DeviceField.EDGE, framed]
    draws = np.maximum(count, 1) * (1 + settings.hold_minutes * 60 / interval)
    chance = np.log10(draws / np.clip(count, 1, settings.top_metrics)).astype(np.float32)
    before = np.where(np.isnan(before) | (count == 0), chance, before)
    with np.errstate(invalid="ignore"):
        age = at - devices.stamps[DeviceStamp.FIRST_SAMPLE, framed]
        mature, settled = age > settings.mature_days * baseline.DAY_S, age > YOUNG_S
    # A young edge is the quantile of all so far, a mature one moves with its memory.
    seen = np.where(mature, np.float32(np.inf), devices.rows[DeviceField.ROWS, framed])
    after = track(
        before, health, seen, minutes,
        quantile=settings.edge_quantile, days=settings.edge_days, head=EDGE_HEAD,
    )  # fmt: skip
    # What is being reported, and what is still held of it, is no routine.
    calm = np.isnan(devices.stamps[DeviceStamp.OPENED, framed])
    calm &= ~(at - devices.stamps[DeviceStamp.CLOSED, framed] < settings.hold_minutes * 60)
    # Nor is a day in which all is high: few hours may raise an edge.
    budget = devices.rows[DeviceField.BUDGET, framed]
    filled = np.minimum(budget + minutes * np.float32(settings.edge_share), np.float32(settings.hold_minutes))
    above = health > before
    allowed = ~above | (filled >= minutes) | ~settled
    devices.rows[DeviceField.BUDGET, framed] = np.where(
        fresh & settled, np.where(above & allowed, filled - minutes, filled), budget
    )
    learn = fresh & (count > 0) & allowed & (mature | calm)
    devices.rows[DeviceField.EDGE, framed] = np.where(learn, after, before)
    out: Floats = np.maximum(before, np.float32(settings.edge))
    return out


@dataclass(frozen=True)
class Limited:
    """What limits say of the limited series, [L]: values, evidence, and that of trends towards them."""

    value: Doubles
    limit: Floats
    trend: Floats
    hours: Doubles


def of_limits(
    memory: Memory, obs: Observations, pos: Index | None, interval_of_device: Floats, expected: Floats
) -> Limited:
    """Judge every limited series; counts the minutes over the limit, and of a trend towards it.

    ``expected`` is the profile of this time, with the week's offset, of all series.
    """
    index, series = memory.limit_index(), memory.series
    limited = index.series
    value = series.rows[Field.LAST, limited] + series.origin[limited]
    over = series.rows[Field.OVER, limited]
    here = np.ones(len(limited), bool) if pos is None else np.zeros(len(limited), bool)
    if pos is not None:
        which = index.lookup[pos]
        here[which[which >= 0]] = True
    apart = np.minimum(interval_of_device[memory.layout().owner[limited]] / 60, 60)
    config, limit = memory.config, index.table[0]
    slope, trending = trend.rising(
        series.rows[Field.FAST, limited] - expected[limited],
        series.rows[Field.SLOW, limited],
        series.rows[Field.LEVEL, limited],
        series.rows[Field.START + 1, limited],
        config,
    )
    trending &= obs.at - series.first_at[limited] > config.baseline.level_days * baseline.DAY_S
    # Minutes over the limit count up from zero, those of a trend towards it down.
    above = np.maximum(over, 0) + apart
    # A leak that touches its limit and falls back for a sample is still one.
    began = np.where(over > 0, -trend.SETTLED_MINUTES, over)
    going = began + np.where(trending, -apart, apart)
    below = np.clip(going, -trend.LONGEST_MINUTES, 0)
    over = np.where(here, np.where(value >= limit, above, below), over)
    series.rows[Field.OVER, limited] = over
    minutes = np.where(over > 0, np.where(trending, trend.SETTLED_MINUTES, 0), -over)
    foretold, hours = trend.evidence(slope, minutes, value, limit, config.trend_hours)
    passed = limits.graded(value, np.maximum(over, 0), index.table)
    # One metric is one trouble: what is foretold of it counts as far as it is worse than what is there.
    beyond = np.sqrt(np.maximum(foretold**2 - passed**2, 0)).astype(np.float32)
    return Limited(value, passed, beyond, hours)
