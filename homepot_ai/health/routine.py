"""What a device does routinely, and how far it stands above that.

Two levels are watched: the mean of the last two samples, and a moving average over some ten
minutes for what is weak but lasts.  Each has to stand out in two ways at once:

- above what the device did of late.  A share of its recent peaks (a running 99.5 % point with a
  memory of a day or less) is routine and subtracted: evidence is a logarithm, so dividing would be
  wrong.  A share and not above `routine_most`, since a device on which much happens must not fall
  asleep.
- above what chance brings.  If the upper half of its own distribution went on exponentially, the
  level would be exceeded `false_alarms_per_week` times a week (twice, when fewer are wanted)::

      x(rate) = q90 + s * ln(0.1 * samples per week / rate)      s = (q90 - q50) / ln 5

  The two points are running quantiles with a memory of a month; events that fill less than a tenth
  of the time do not move them.  Real devices have heavier tails than that, through what happens to
  them: it is the edge of chance, not of what is worth telling.

Running quantiles are stochastic approximations: up by ``gain * SPREAD / (1 - q)`` times ``q`` when
the value lies above, down by the rest otherwise.  They follow nothing faster than their memory,
which is their purpose.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from homepot_ai.health.config import AlarmConfig
from homepot_ai.health.records import Flags, Floats
from homepot_ai.health.table import DeviceField

DAY_MINUTES = 1440.0
WEEK_MINUTES = 7 * DAY_MINUTES
# Evidence is exponential in its upper range: about half a decade per factor e.
SPREAD = 0.5
MIDDLE, UPPER = 0.5, 0.9
HEAD_START = 10.0
FIRST_PEAKS, FIRST_MIDDLE, FIRST_UPPER = 1.0, 0.4, 0.8
LEAST_SPREAD = 0.01
# Rarer than twice a week, the half of a distribution that is common says little of its end.
LEAST_RATE = 2.0


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


def chance_level(middle: Floats, upper: Floats, minutes: Floats, rate: float) -> Floats:
    """What an exponential upper half exceeds ``rate`` times a week, at one value per ``minutes``.

    >>> one = np.ones(1, np.float32)
    >>> float(chance_level(one * 0.5, one, one, rate=1008.0)[0])  # the 90 % point: 1008 of 10080
    1.0
    """
    spread = np.maximum(upper - middle, LEAST_SPREAD) / np.float32(math.log((1 - MIDDLE) / (1 - UPPER)))
    often = np.float32((1 - UPPER) * WEEK_MINUTES / rate) / minutes
    out: Floats = upper + spread * np.log(np.maximum(often, 1))
    return out


class _Watch(NamedTuple):
    """The fields of one watched level."""

    peaks: DeviceField
    middle: DeviceField
    upper: DeviceField


QUICK = _Watch(DeviceField.PEAKS, DeviceField.MIDDLE, DeviceField.UPPER)
SUSTAINED = _Watch(DeviceField.SUSTAINED_PEAKS, DeviceField.SUSTAINED_MIDDLE, DeviceField.SUSTAINED_UPPER)


def stands_out(
    rows: Floats,
    level: Floats,
    metrics: Floats,
    minutes: Floats,
    fresh: Flags,
    config: AlarmConfig,
) -> Floats:
    """Decades above routine [D], to be compared with `opens_at`; learns from ``level`` where fresh.

    Args:
        rows: device fields [field, D], changed in place.
        level: the alarm's evidence; metrics: series that it rests on; minutes: since the sample before.
    """
    _begin(rows, level)
    before = rows[DeviceField.LEVEL]
    quick = np.where(np.isnan(before), level, (level + before) / 2)
    sustained = rows[DeviceField.SUSTAINED]
    sustained = sustained - np.expm1(-minutes / np.float32(config.sustained_minutes)) * (level - sustained)
    # The mean of few metrics varies more by chance than that of many, except over time.
    few = np.sqrt(1 + config.few_metrics / metrics)
    share = few * (config.sustained_share - config.sustained_few / metrics)
    above = np.maximum(
        _above(rows, quick, few, minutes, QUICK, config),
        _above(rows, sustained, share, minutes, SUSTAINED, config),
    )
    _learn(rows, quick, minutes, fresh, QUICK, config.peak_days, config)
    _learn(rows, sustained, minutes, fresh, SUSTAINED, config.sustained_peak_days, config)
    np.copyto(before, level, where=fresh)
    np.copyto(rows[DeviceField.SUSTAINED], sustained, where=fresh)
    rows[DeviceField.ROWS] += fresh
    out: Floats = above
    return out


def _begin(rows: Floats, level: Floats) -> None:
    new = np.isnan(rows[DeviceField.PEAKS])
    if not new.any():
        return
    for peaks, middle, upper in (QUICK, SUSTAINED):
        rows[peaks, new], rows[middle, new], rows[upper, new] = FIRST_PEAKS, FIRST_MIDDLE, FIRST_UPPER
    rows[DeviceField.SUSTAINED, new] = level[new]


def _above(
    rows: Floats, value: Floats, scale: Floats, minutes: Floats, watch: _Watch, config: AlarmConfig
) -> Floats:
    middle, upper = rows[watch.middle], rows[watch.upper]
    spread = (upper - middle) / np.float32(math.log((1 - MIDDLE) / (1 - UPPER)))
    quiet = np.clip(spread / np.float32(config.quiet_spread), np.float32(config.quiet_share), 1)
    recent = (value - np.float32(config.routine_share) * rows[watch.peaks]) / (scale * quiet)
    chance = chance_level(middle, upper, minutes, max(config.false_alarms_per_week, LEAST_RATE))
    by_chance = np.float32(config.opens_at) * value / np.maximum(chance, np.float32(LEAST_SPREAD))
    out: Floats = np.minimum(recent, by_chance)
    return out


def _learn(
    rows: Floats,
    value: Floats,
    minutes: Floats,
    fresh: Flags,
    watch: _Watch,
    peak_days: float,
    config: AlarmConfig,
) -> None:
    for field, quantile, days in (
        (watch.peaks, config.peak_quantile, peak_days),
        (watch.middle, MIDDLE, config.noise_days),
        (watch.upper, UPPER, config.noise_days),
    ):
        now = rows[field]
        after = track(
            now, value, rows[DeviceField.ROWS], minutes, quantile=quantile, days=days, head=HEAD_START
        )
        np.copyto(now, after, where=fresh)
    # One great event must not hide the next: what reaches further is told each time.
    np.minimum(rows[watch.peaks], np.float32(config.routine_most), out=rows[watch.peaks])
