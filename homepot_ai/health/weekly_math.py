"""The arithmetic of the week: what repeats from week to week, and how far it can be trusted.

Of each series there are hour means of some whole weeks.  A week's *deviation* is what an hour differs
from the usual level of the same hour of the day in that week, straightened::

    y[w, d, k] = m[w, d, k] - median_d m[w, d, k] - slope * (days from the middle of the week)

with one slope per series, the median step of these levels from week to week over seven days, where
that explains more than no slope: a disk that fills is no shape of the week.  What repeats is the median
over weeks.  How well it is known follows from the spread between neighbouring weeks::

    sigma = median |y[w+1] - y[w]| / (0.6745 sqrt(2))        v = sigma^2 * pi / (2 n + pi - 2)

(v: variance of a median of n normal values).  The shape g that the device type shows in this metric is
scaled to the series, mu = beta g with beta = <theta, g> / <g, g>, as far as that is known, never negative.
Each day's 24 hours are shrunk together towards it, by the positive-part James-Stein factor::

    offset = mu + max(0, 1 - (p - 2) v / |theta - mu|^2) * (theta - mu)        p: hours known of that day

so a Sunday that repeats is kept and a Tuesday that only looks unusual is not.  Last, a shape has to have
helped: fitted without the last week it must bring that week's deviations nearer to zero, and the same of
the week before; otherwise the series has none.

James and Stein, Estimation with quadratic loss, 1961; Efron and Morris, Stein's estimation rule and its
competitors, JASA 68, 1973 (towards a regression, positive part); Cai, Adaptive wavelet estimation: a
block thresholding and oracle inequality approach, Annals of Statistics 27, 1999 (by blocks).

Arrays are [series, week, hour of the week] or [series, hour of the week] in the metric's unit, NaN
where nothing is known; no loop runs over series.
"""

from __future__ import annotations

import numpy as np

from homepot_ai.health.records import Flags, Floats
from homepot_ai.health.week import HOURS

DAYS, DAY_HOURS = 7, 24
# A level needs so many days of a week, an hour of the week so many weeks.
LEAST_DAYS, LEAST_WEEKS = 4, 2
# What a held-out week must come nearer by, both of them together.
HELPS = 0.98
# The middle and the upper quarter of the absolute values of a standard normal.
HALF, MOST = 0.6745, 1.1503
# Units that one hour of a held-out week can be off by.
LARGEST = 5.0


def median(values: Floats) -> Floats:
    """Median over the last axis, leaving NaN out; NaN where there is nothing.

    >>> median(np.array([[3, np.nan, 1], [np.nan] * 3], np.float32)).tolist()
    [2.0, nan]
    """
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1), axis=-1)
    # Where all are known and the count is even, `high` is the upper of the two in the middle.
    out: Floats = ((low + high) / 2)[..., 0].astype(np.float32)
    return out


def mean(values: Floats, axis: int | tuple[int, ...] = -1) -> Floats:
    """Mean over an axis, leaving NaN out; NaN where there is nothing."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=axis, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        out: Floats = (total / known.sum(axis=axis)).astype(np.float32)
    return out


def deviations(hours: Floats, first_hour: int) -> Floats:
    """Each week's deviations [series, week, 168] of hour means [series, weeks * 168] in time.

    Args:
        first_hour: hour of the week that the first column is.
    """
    series, weeks = len(hours), hours.shape[1] // HOURS
    value = np.roll(hours.reshape(series, weeks, HOURS), first_hour, axis=-1)
    days = value.reshape(series, weeks, DAYS, DAY_HOURS)
    by_hour = days.swapaxes(2, 3)
    level = median(by_hour)
    level[np.isfinite(by_hour).sum(axis=-1) < LEAST_DAYS] = np.nan
    flat = days - level[:, :, None, :]
    if weeks > 1:
        slope = np.nan_to_num(median(np.diff(level, axis=1).reshape(series, (weeks - 1) * DAY_HOURS)) / DAYS)
        # Days from the middle of the week, which began at first_hour.
        away = ((np.arange(HOURS) - first_hour) % HOURS // DAY_HOURS - DAYS // 2).astype(np.float32)
        drift = slope[:, None, None, None] * away.reshape(1, 1, DAYS, DAY_HOURS)
        straight = flat - drift
        better = np.nansum(np.abs(straight), axis=(1, 2, 3)) < np.nansum(np.abs(flat), axis=(1, 2, 3))
        flat = np.where(better[:, None, None, None], straight, flat)
    return flat.reshape(series, weeks, HOURS)


def centred(shape: Floats) -> Floats:
    """A shape [series, 168] whose mean over the days is zero for each hour of the day."""
    days = shape.reshape(-1, DAYS, DAY_HOURS)
    known = np.isfinite(days).sum(axis=1, keepdims=True)
    out = np.where(known >= LEAST_DAYS, days - mean(days, axis=1)[:, None, :], np.nan)
    return out.reshape(-1, HOURS).astype(np.float32)


def repeating(y: Floats, least: int = LEAST_WEEKS) -> Floats:
    """What repeats: the median over weeks [series, 168], centred; NaN where fewer than `least` say."""
    by_hour = y.swapaxes(1, 2)
    theta = median(by_hour)
    theta[np.isfinite(by_hour).sum(axis=-1) < least] = np.nan
    return centred(theta)


def noise(y: Floats) -> Floats:
    """Spread between neighbouring weeks [series], in the metric's unit; NaN where none are neighbours.

    The larger of what the half and the three quarters of the steps say, so that a metric that mostly
    does not move is not taken for known exactly.
    """
    # Every third hour: its neighbours say much the same, and sorting is what a fit takes longest for.
    steps = np.abs(np.diff(y[:, :, ::3], axis=1))
    steps = np.sort(steps.reshape(len(y), steps.shape[1] * steps.shape[2]), axis=1)
    count = np.isfinite(steps).sum(axis=1)
    half, most = (
        np.take_along_axis(steps, np.maximum(q * count // 4 - 1, 0)[:, None], axis=1)[:, 0] for q in (2, 3)
    )
    out: Floats = (np.maximum(half / HALF, most / MOST) / np.sqrt(2)).astype(np.float32)
    return out


def spread(y: Floats) -> Floats:
    """A series' own unit [series]: its usual mean absolute deviation, the shape of the week included.

    Zero where nothing repeats in any hour of the week: rare bursts have no shape.
    """
    return mean(median(np.abs(y).swapaxes(1, 2)))


def shrunk(theta: Floats, target: Floats, variance: Floats) -> Floats:
    """Each day's hours moved towards `target` as far as their variance asks; 0 where unknown.

    Args:
        theta, target: [n, 168]; variance: of one hour of each day, [n, 7].
    """
    known = np.isfinite(theta)
    away = np.where(known, theta - target, 0).reshape(-1, DAYS, DAY_HOURS)
    size = (away.astype(np.float64) ** 2).sum(axis=2)
    p = known.reshape(-1, DAYS, DAY_HOURS).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(size > 0, np.clip(1 - np.maximum(p - 2, 1) * variance / size, 0, 1), 0)
    moved = target + (factor[:, :, None] * away).reshape(-1, HOURS)
    return np.nan_to_num(centred(np.where(known, moved, np.nan).astype(np.float32)))


def scaled(shape: Floats, theta: Floats, variance: Floats) -> Floats:
    """A type's shape [series, 168] in each series' unit, by regression on what the series itself shows.

    Shrunk to zero as far as the slope is not known; a series that shows the opposite gets none.
    """
    known = np.isfinite(theta)
    shape = np.where(known, shape, np.float32(0))
    size = (shape.astype(np.float64) ** 2).sum(axis=1)
    along = (shape * np.where(known, theta, 0)).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.maximum(along / size, 0)
        slope *= np.clip(1 - variance.mean(axis=1) / (slope**2 * size), 0, 1)
    out: Floats = (np.nan_to_num(slope)[:, None] * shape).astype(np.float32)
    return out


def median_variance(sigma: Floats, y: Floats) -> Floats:
    """Variance of a median over the weeks that are known, [series, 7]."""
    weeks = np.isfinite(y).sum(axis=1).reshape(-1, DAYS, DAY_HOURS).mean(axis=2)
    out: Floats = (sigma[:, None] ** 2 * np.pi / (2 * weeks + np.pi - 2)).astype(np.float32)
    return out


def without(y: Floats, week: int) -> Floats:
    """The weeks but one."""
    return np.delete(y, week, axis=1)


def helped(y: Floats, week: int, offset: Floats, unit: Floats) -> tuple[Floats, Floats]:
    """How far a week's deviations lie from a shape fitted without it, and from none: sums [series].

    Each is taken from its own median over the days, so that a wrong hour moves no other and neither has
    the better level; no hour counts for more than some units.
    """
    held = y[:, week]
    distances = []
    for left in (held - offset, held):
        days = left.reshape(-1, DAYS, DAY_HOURS)
        off = np.abs(days - median(days.swapaxes(1, 2))[:, None, :]).reshape(-1, HOURS)
        distances.append(np.nansum(np.minimum(off, LARGEST * unit[:, None]), axis=1))
    return distances[0], distances[1]


def passes(with_shape: list[Floats], plain: list[Floats]) -> Flags:
    """Whether a shape helped in every held-out week, and in all of them together by enough."""
    each = np.stack(with_shape) < np.stack(plain)
    out: Flags = each.all(axis=0) & (np.sum(with_shape, axis=0) < HELPS * np.sum(plain, axis=0))
    return out


def as_the_engine(hours: Floats, offset: Floats, unit: Floats) -> Floats:
    """Mean absolute residual [series] of the last 24 columns, as the engine's slow residual sees them.

    Expected is the profile (mean of the seven days before at that hour of the day, outliers clipped)
    plus the offset plus a slow EWMA of what these two left, of three hours, begun half a day before.

    Args:
        hours: hour means [series, at least 8 days] in time; unit: [series], clips outliers.
        offset: of the last 36 hours, [series, 36].
    """
    week = hours[:, -8 * DAY_HOURS : -DAY_HOURS].reshape(-1, DAYS, DAY_HOURS)
    usual = median(week.swapaxes(1, 2))[:, None, :]
    reach = 5 * unit[:, None, None]
    profile = mean(np.clip(week, usual - reach, usual + reach), axis=1)
    half = DAY_HOURS // 2
    left = hours[:, -36:] - np.concatenate([profile[:, half:], profile], axis=1) - offset
    slow = np.zeros(len(hours), np.float32)
    gain = np.float32(-np.expm1(-60 / 180))
    error = np.full((len(hours), DAY_HOURS), np.nan, np.float32)
    for column in range(left.shape[1]):
        off = left[:, column] - slow
        if column >= half:
            error[:, column - half] = np.abs(off)
        slow += gain * np.nan_to_num(off)
    return mean(error)
