"""Statistics of every series of a fleet at once: which are on their way to a limit?

Per series, from the medians of its days: Theil-Sen slope (Sen 1968, JASA 63, 1379-1389) with the interval
that the ranks of the pairwise slopes give, since the last lasting jump (a disk that was cleaned, a service
that was restarted, a new level); how much repeats by hour and by weekday; when the line reaches the limit.

    slope = median of (x_j - x_i) / (j - i) over all pairs of days i < j

A quarter of the days may be anything without moving it. Where the last ten days rise faster than the whole
can, they count. What stands out is looked at again, hour by hour, by `prediction.forecast`. Metrics without a
limit have a slope and no date: nothing is invented for them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import HealthConfig
from homepot_ai.prediction.history import DAY_S, EVENTS, LOST, MAINTAINED, Courses, Floats, Ints
from homepot_ai.prediction.records import Histories

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
#: Normal quantile of the slope's interval (95 %); days before and after a jump that are compared; how many
#: usual steps, how many days of the trend and how many of the steps beside it a jump is at least.
Z, BESIDE, STEPS, WORTH_DAYS, SHARP = 1.96, 3, 9.0, 3.0, 2.5
#: A line that reaches its limit later than this is no news today.
LOOK_AHEAD_DAYS = 30.0
#: A course that bends upwards is judged by its last days.
RECENT_DAYS = 10
CHUNK = 20_000


@dataclass(frozen=True)
class Screen:
    """What the statistics say, by series (in the order of `Courses`) and by device (in that of the fleet).

    Attributes:
        slope, slope_low, slope_high: float32 [S], units a day with its 95 % interval; NaN below three days.
        days: int64 [S], days with values since the last jump; start: int64 [S], the day of it, 0: none.
        now: float32 [S], where the line through the busy hours stands at the end.
        limit, severe: float64 [S], upper limits of the metric; NaN where there is none.
        to_limit, to_limit_low, to_limit_high: float64 [S], days until `target`, the limit or, once that is
            passed, the severe one; infinite where the line does not reach it.
        daily, weekly: float32 [S], share of the variance that repeats by hour, by day of the week.
        stands_out: bool [S], a rising line with a limit ahead of it.
        anomalies, errors: float64 [D], per day over the last week; health_lost: hours a day over the last
            week, health_slope: its Theil-Sen slope, hours a day each day.
        age_days, maintained_days: float64 [D], NaN unknown.
    """

    slope: Floats
    slope_low: Floats
    slope_high: Floats
    days: Ints
    start: Ints
    now: Floats
    limit: Doubles
    severe: Doubles
    target: Doubles
    to_limit: Doubles
    to_limit_low: Doubles
    to_limit_high: Doubles
    daily: Floats
    weekly: Floats
    stands_out: Flags
    anomalies: Doubles
    errors: Doubles
    health_lost: Doubles
    health_slope: Doubles
    age_days: Doubles
    maintained_days: Doubles


def screen(
    courses: Courses, histories: Histories, kinds: Sequence[str], config: HealthConfig, *, least_days: int
) -> Screen:
    """Look at every series and device.

    Args:
        histories: of the same fleet and days; kinds: the devices' types.
        least_days: a younger line (since its last jump) does not stand out.
    """
    slope, low, high, days, start, now, weekly = _by_chunks(courses)
    limit, severe = _limits(courses, kinds, config)
    # By the busy hours of the last day, not by the line: it may be a little ahead of them.
    newest = np.where(np.isnan(courses.busy[-1]), now, courses.busy[-1]) if courses.days else now
    target = np.where(newest >= limit, severe, limit)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = target - now
        mid, soon, late = (
            np.where(np.isfinite(target), np.where(left <= 0, 0.0, np.where(s > 0, left / s, np.inf)), np.nan)
            for s in (slope, high, low)
        )
    fresh = courses.until - courses.last_t <= 2 * DAY_S
    stands_out = (low > 0) & (days >= least_days) & (soon <= LOOK_AHEAD_DAYS) & (newest < target) & fresh
    return Screen(
        slope, low, high, days, start, now, limit, severe, target, mid, soon, late,
        courses.daily, weekly, np.asarray(stands_out, bool), **_devices(histories, len(kinds), courses.days),
    )  # fmt: skip


def theil_sen(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Slopes per row of [n days, S] with their 95 % interval; NaN below three values.

    The ranks of the interval are those of Kendall's statistic: (N -+ Z sqrt(n (n - 1) (2 n + 5) / 18)) / 2.

    >>> slope, low, high = theil_sen(np.array([[0.0], [1], [2], [30], [4]], np.float32))
    >>> float(slope[0])
    1.0
    """
    n_rows = len(x)
    i, j = np.triu_indices(n_rows, 1)
    pairs = ((x[j] - x[i]) / (j - i)[:, None].astype(np.float32)).T
    pairs = np.sort(pairs, axis=1)
    n = np.isfinite(x).sum(axis=0)
    count = n * (n - 1) // 2
    half = Z * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    every = np.arange(pairs.shape[0])

    def at(rank: npt.NDArray[Any]) -> Floats:
        place = np.clip(rank, 0, np.maximum(count - 1, 0)).astype(np.intp)
        return np.asarray(np.where(n >= 3, pairs[every, place], np.nan), np.float32)

    if not pairs.shape[1]:
        nothing = np.full(x.shape[1], np.nan, np.float32)
        return nothing, nothing, nothing
    middle = (at((count - 1) // 2) + at(count // 2)) / np.float32(2)
    return middle.astype(np.float32), at(np.floor((count - half) / 2) - 1), at(np.ceil((count + half) / 2))


def last_jump(x: Floats) -> Ints:
    """Per column of [n days, S]: the day with which its course since the last lasting jump begins; 0: none.

    A jump is a difference between the medians of the three days before and after that is far more than the
    usual step from day to day, and more than three days of the trend; a spike does not last and is none.
    """
    n, s = x.shape
    found = np.zeros(s, np.int64)
    if n < 4:
        return found
    filled = _filled(x)
    step = np.diff(filled, axis=0)
    # Before its first value a series has no steps.
    begun = np.arange(1, n)[:, None] > np.argmax(np.isfinite(x), axis=0)
    usual = np.nan_to_num(_median(np.where(begun, step, np.float32(np.nan))))
    size = np.where(begun, np.abs(step - usual), np.float32(0))
    spread = 1.4826 * np.nan_to_num(_median(np.where(begun, size, np.float32(np.nan))))
    least = np.maximum(STEPS * spread, WORTH_DAYS * np.abs(usual)) + 1e-6 * np.abs(filled).max(axis=0) + 1e-9
    three, raw = _median3(filled), np.abs(step)
    for day in range(2, n - 1):
        before = three[max(0, day - BESIDE)]
        after = three[day] if day < n - 2 else filled[day:].mean(axis=0)
        jump = np.abs(after - before - BESIDE * usual) > least
        largest = size[day - 1] >= size[max(0, day - 3) : day + 2].max(axis=0)
        # Where a line bends its steps are as large the day after: that is no jump.
        beside = np.maximum(
            np.median(raw[max(0, day - 4) : max(1, day - 1)], axis=0), np.median(raw[day : day + 3], axis=0)
        )
        sharp = raw[day - 1] > SHARP * beside
        found = np.where(jump & largest & sharp & begun[max(day - 2, 0)], day, found)
    return found


def weekly_share(x: Floats) -> Floats:
    """Per column of [n days, S]: share of the variance around a line that repeats by weekday, 0..1.

    Zero below two weeks; what chance would repeat is taken off.
    """
    n = len(x)
    if n < 14:
        return np.zeros(x.shape[1], np.float32)
    residual = x - np.nanmean(x, axis=0)
    t = np.arange(n, dtype=np.float32)[:, None] - np.float32((n - 1) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        lean = np.nansum(residual * t, axis=0) / np.where(np.isnan(x), 0, t * t).sum(axis=0)
        residual = residual - t * lean
        by_day = np.stack([np.nanmean(residual[day::7], axis=0) for day in range(7)])
        rest = residual - by_day[np.arange(n) % 7]
        share = 1 - np.nansum(rest**2, axis=0) / np.nansum(residual**2, axis=0) * (n - 2) / (n - 8)
    return np.asarray(np.clip(np.nan_to_num(share, nan=0, posinf=0, neginf=0), 0, 1), np.float32)


def _filled(x: Floats) -> Floats:
    """Days without a value get the one before, or the first one; 0 where there is none at all."""
    row = np.where(np.isnan(x), -1, np.arange(len(x))[:, None])
    np.maximum.accumulate(row, axis=0, out=row)
    first = np.argmax(np.isfinite(x), axis=0)
    return np.nan_to_num(np.take_along_axis(x, np.where(row < 0, first, row), axis=0))


def _median(x: Floats) -> Floats:
    """Medians of columns, over what is no NaN; NaN where nothing is."""
    ordered = np.sort(x, axis=0)
    n = np.isfinite(x).sum(axis=0)
    every = np.arange(x.shape[1])
    low, high = ordered[np.maximum(n - 1, 0) // 2, every], ordered[np.minimum(n // 2, len(x) - 1), every]
    return np.asarray(np.where(n > 0, (low + high) / 2, np.nan), np.float32)


def _median3(x: Floats) -> Floats:
    """Medians of three days, by the first of them; [n - 2, S]."""
    a, b, c = x[:-2], x[1:-1], x[2:]
    return np.asarray(np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c)))


def _by_chunks(courses: Courses) -> tuple[Floats, Floats, Floats, Ints, Ints, Floats, Floats]:
    days, series = courses.level.shape
    slope, low, high, now, weekly = (np.full(series, np.nan, np.float32) for _ in range(5))
    count, start = np.zeros(series, np.int64), np.zeros(series, np.int64)
    day = np.arange(days)[:, None]
    with np.errstate(invalid="ignore"), _quiet():
        for first in range(0, series, CHUNK):
            part = slice(first, first + CHUNK)
            x = courses.level[:, part]
            start[part] = last_jump(x)
            kept = np.where(day >= start[part], x, np.float32(np.nan))
            whole, recent = theil_sen(kept), theil_sen(kept[-RECENT_DAYS:])
            # A leak that began last week: the line of the last days is steeper than the whole can be.
            bends = recent[1] > np.fmax(whole[2], 0)
            slope[part], low[part], high[part] = (
                np.where(bends, new, old) for new, old in zip(recent, whole, strict=True)
            )
            count[part] = np.isfinite(kept).sum(axis=0)
            since = np.where(bends, np.maximum(start[part], days - RECENT_DAYS), start[part])
            busy = np.where(day >= since, courses.busy[:, part], np.float32(np.nan))
            line = busy - slope[part] * (day - (days - 0.5)).astype(np.float32)
            now[part] = np.nanmedian(line, axis=0)
            weekly[part] = weekly_share(kept)
    return slope, low, high, count, start, now, weekly


@contextmanager
def _quiet() -> Iterator[None]:
    """A median of nothing is NaN, and no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _limits(courses: Courses, kinds: Sequence[str], config: HealthConfig) -> tuple[Doubles, Doubles]:
    """The limits in force of every series, by its device's type."""
    types = sorted(set(kinds))
    table = np.full((len(types), len(courses.names), 2), np.nan)
    for row, kind in enumerate(types):
        limits = config.limits_for(kind)
        for column, name in enumerate(courses.names):
            if name in limits:
                table[row, column] = limits[name].value, limits[name].severe
    code = np.searchsorted(types, list(kinds)) if kinds else np.zeros(0, np.int64)
    found = table[code[courses.device], courses.metric] if len(courses.device) else np.zeros((0, 2))
    return found[:, 0], found[:, 1]


def _devices(histories: Histories, n: int, days: int) -> dict[str, Doubles]:
    """What is counted by device over the last week."""
    recent = histories.event_step >= max(days - 7, 0)
    week = min(7, days)
    names = np.array(histories.event_names)

    def rate(matches: Callable[[str], bool]) -> Doubles:
        wanted = np.array([matches(name) for name in names])[histories.event_kind]
        mine = histories.event_device[recent & wanted]
        return np.asarray(np.bincount(mine[mine < n], minlength=n) / week, np.float64)

    lost = histories.measures[:n, :, histories.measure_names.index(LOST)].T
    with _quiet():
        health_lost = np.nanmean(lost[-7:], axis=0).astype(np.float64)
    maintained = np.full(n, np.nan)
    kept = histories.event_kind == EVENTS.index(MAINTAINED)
    kept &= histories.event_device < n
    np.fmax.at(maintained, histories.event_device[kept], histories.event_step[kept])
    return {
        "anomalies": rate(lambda name: name.endswith("anomaly")),
        "errors": rate(lambda name: name.endswith("log")),
        "health_lost": health_lost,
        "health_slope": theil_sen(lost)[0].astype(np.float64),
        "age_days": histories.age[:n] + days,
        "maintained_days": days - maintained,
    }
