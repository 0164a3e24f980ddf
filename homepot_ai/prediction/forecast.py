"""The future of one metric, hour by hour, with an 80 % interval; and when its edge crosses the limit.

What repeats is taken out (`prediction.seasonal`), the daily means of the rest are carried on by a structural
model of statsmodels (Harvey 1989: local level, with a slope where that is twice its own uncertainty), and
the interval holds three uncertainties: the level's and the slope's (of the model), and that of an hour around
its day (the 10 % and 90 % points seen).

    level of day k  ~  N(m_k, s_k^2)            edge = mid -+ sqrt((1.28 s_k)^2 + q^2)

It refuses, with a reason, where the history since the last jump is short, where values are missing, and
where the interval says nothing. It does not work for what has not happened yet: an update, a new user.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from homepot_ai.fleet.metrics import ABSURD
from homepot_ai.prediction import screen, seasonal
from homepot_ai.prediction.records import Crossing, Refusal

Doubles = npt.NDArray[np.float64]
DAY = 24
HORIZON_HOURS = 30 * DAY
#: Of the interval: its share, its normal quantile.
COVERAGE, Z = 0.8, 1.2816
#: Hours without a value that still leave a series one; share of hours that must have one.
SILENT_HOURS, FILLED = 48, 0.5
#: An interval a week ahead that is so many times as wide as everything that was seen says nothing.
SAYS_NOTHING = 3.0
#: The last week is forecast from before it where there are so many days; the interval is widened by what it
#: would have needed, at most so many times.
TRIAL_DAYS, TRIAL_HOURS, WIDEST = 14, 7 * DAY, 3.0
#: A slope is one when it is so many times its own uncertainty.
SLOPE_Z = 2.0
#: Where a level bends, two joined lines explain so much of its variance, and leave so many times less than
#: one line does.
BENT, BEND_GAIN = 0.97, 5.0


@dataclass(frozen=True)
class Forecast:
    """Hour means of one metric in the hours to come: low, mid, high [hours], in the metric's unit.

    `hours` before now were used; `forecaster` names the method.
    """

    low: Doubles
    mid: Doubles
    high: Doubles
    per_day: float
    used: int
    forecaster: str


def forecast(
    y: npt.ArrayLike,
    horizon: int = HORIZON_HOURS,
    *,
    least_days: int,
    lowest: float = -math.inf,
    highest: float = math.inf,
) -> Forecast | Refusal:
    """Carry a series of hourly means on.

    Args:
        y: [n] hourly means, the newest last, NaN where there is none.
        horizon: hours ahead.
        least_days: of history since the last jump.
        lowest, highest: values that the metric cannot go beyond.

    >>> found = forecast(50 + np.arange(240) / 24, 48, least_days=5)
    >>> round(float(found.mid[-1]))
    62
    """
    series = np.asarray(y, np.float64)
    series = np.where(np.abs(series) <= ABSURD, series, np.nan)
    there = np.flatnonzero(np.isfinite(series))
    if not len(there):
        return Refusal("no_data", "there are no values")
    if len(series) - 1 - there[-1] >= SILENT_HOURS:
        return Refusal("vanished", f"the last value is {len(series) - 1 - there[-1]} hours old")
    late = len(series) - 1 - int(there[-1])
    series = series[there[0] : there[-1] + 1]
    begin = _since_jump(series)
    jumped, series = begin > 0, series[begin:]
    there = np.isfinite(series)
    if len(series) < least_days * DAY:
        since = "since it jumped to another level" if jumped else "of history"
        return Refusal("short_history", f"{len(series) / DAY:.1f} days {since}: {least_days} are needed")
    if there.mean() < FILLED:
        return Refusal("short_history", f"only {there.mean():.0%} of the hours have values")
    hours = np.arange(len(series))
    filled = np.interp(hours, hours[there], series[there])
    found = _carried_on(filled, late + horizon, least_days)
    if isinstance(found, Refusal) or found.forecaster == "constant":
        return found
    wider = _trial(filled, found, least_days)
    mid = found.mid[late:]
    low, high = (mid + wider * (edge[late:] - mid) for edge in (found.low, found.high))
    week = min(7 * DAY, horizon) - 1
    if high[week] - low[week] > SAYS_NOTHING * float(np.ptp(filled)):
        return Refusal("bad_fit", "its interval a week ahead is wider than all that was seen says")
    floor = max(lowest, 0.0) if filled.min() >= 0 else lowest
    low, mid, high = (np.clip(edge, floor, highest) for edge in (low, mid, high))
    return replace(found, low=low, mid=mid, high=high)


def _trial(filled: Doubles, found: Forecast, least_days: int) -> float:
    """How many times wider the interval had to be to hold 80 % of the last week, forecast from before it.

    At least 1, at most WIDEST; 1 where there is too little history before that week.
    """
    if found.used < TRIAL_DAYS * DAY:
        return 1.0
    past, came = filled[-found.used : -TRIAL_HOURS], filled[-TRIAL_HOURS:]
    before = _carried_on(past, TRIAL_HOURS, least_days)
    if isinstance(before, Refusal):
        return 1.0
    off = came - before.mid
    half = np.where(off > 0, before.high - before.mid, before.mid - before.low)
    tiny = 1e-9 * (1 + np.abs(before.mid))
    needed = np.quantile(np.abs(off) / np.maximum(half, tiny), COVERAGE)
    return float(np.clip(needed, 1.0, WIDEST))


def _since_jump(series: Doubles) -> int:
    """The hour with which the course since its last lasting jump begins."""
    n = len(series) // DAY
    if n < 4:
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        days = np.nanmedian(series[-n * DAY :].reshape(n, DAY), axis=1)
    day = int(screen.last_jump(days[:, None].astype(np.float32))[0])
    if not day:
        return 0
    first = len(series) - (n - day + 1) * DAY
    window = series[first : first + 2 * DAY + 1]
    known = np.interp(
        np.arange(len(window)), np.flatnonzero(np.isfinite(window)), window[np.isfinite(window)]
    )
    return int(first + np.argmax(np.abs(np.diff(known))) + 1)


def _carried_on(filled: Doubles, horizon: int, least_days: int) -> Forecast | Refusal:
    """A series without gaps, carried on; edges may be values that are not possible."""
    parts = seasonal.take_apart(filled, horizon)
    n = len(filled) // DAY
    level = parts.rest[-n * DAY :].reshape(n, DAY).mean(axis=1)
    # What an hour differs from its day's line by, once what repeats is taken out.
    centre: Doubles = np.arange(n, dtype=np.float64) * DAY + (DAY - 1) / 2
    around: Doubles = parts.rest[-n * DAY :] - _line(np.arange(n * DAY, dtype=np.float64), centre, level)
    scale = float(np.std(level)) or float(np.std(around)) or 0.0
    if scale <= 1e-9 * (1 + abs(float(level.mean()))):
        mid = np.full(horizon, float(level[-1])) + parts.ahead
        return Forecast(mid, mid, mid, 0.0, len(filled), "constant")
    days = math.ceil(horizon / DAY) + 1
    bend = _bend(level, least_days)
    found = _level_model((level[bend:] - level.mean()) / scale, days)
    if found is None:
        return Refusal("bad_fit", "no model of its level converged")
    mean, spread, name = found
    mean, spread = mean * scale + level.mean(), spread * scale
    hours = np.arange(horizon) + 0.5
    at = np.concatenate([[-DAY / 2], (np.arange(days) + 0.5) * DAY])
    path = np.interp(hours, at, np.concatenate([[level[-1]], mean]))
    width = np.interp(hours, at[1:], spread)
    # The newest hours' distance from their day fades as it used to.
    memory = (
        float(np.clip(np.corrcoef(around[:-1], around[1:])[0, 1], 0, 0.97)) if np.std(around) > 0 else 0.0
    )
    fading = float(np.mean(around[-3:])) * memory ** (np.arange(horizon) + 2.0)
    mid = path + parts.ahead + fading
    below, above = (float(q) for q in np.quantile(around, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]))
    low = mid - np.sqrt((Z * width) ** 2 + min(below, 0.0) ** 2)
    high = mid + np.sqrt((Z * width) ** 2 + max(above, 0.0) ** 2)
    per_day = float(mean[min(7, days) - 1] - mean[0]) / max(min(7, days) - 1, 1)
    used = (n - bend) * DAY if bend else len(filled)
    return Forecast(low, mid, high, per_day, used, f"{name}{'+' + parts.name if parts.name else ''}")


def _bend(level: Doubles, least_days: int) -> int:
    """The day from which a level goes another way: where two joined lines are almost all there is; else 0.

    A wandering level is fitted by two lines as well, but never so well; it has no bend.
    """
    n = len(level)
    t = np.arange(n, dtype=np.float64)

    def left(*columns: Doubles) -> float:
        design = np.stack([np.ones(n), t, *columns], axis=1)
        fitted, *_ = np.linalg.lstsq(design, level, rcond=None)
        return float(np.square(level - design @ fitted).sum())

    total, straight = float(np.square(level - level.mean()).sum()), left()
    candidates = [(left(np.maximum(t - day, 0)), day) for day in range(3, n - least_days)]
    if not candidates:
        return 0
    bent, day = min(candidates)
    found = bent <= (1 - BENT) * total and bent * BEND_GAIN <= straight
    return day if found else 0


def _line(hours: Doubles, centre: Doubles, level: Doubles) -> Doubles:
    """The levels of days, joined by lines through their middles and carried on at both ends."""
    if len(level) < 2:
        return np.full(len(hours), level[0])
    inner = np.interp(hours, centre, level)
    first, last = (level[1] - level[0]) / DAY, (level[-1] - level[-2]) / DAY
    inner = np.where(hours < centre[0], level[0] + first * (hours - centre[0]), inner)
    return np.where(hours > centre[-1], level[-1] + last * (hours - centre[-1]), inner)


def _level_model(level: Doubles, days: int) -> tuple[Doubles, Doubles, str] | None:
    """Mean and spread of the level in each of the days to come; with a slope where it has one."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    for name, kind in (("trend", "lldtrend"), ("level", "llevel")):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                fit = UnobservedComponents(level, level=kind).fit(disp=False, maxiter=60)
                ahead = fit.get_forecast(days)
            except (np.linalg.LinAlgError, ValueError):
                continue
        mean, var = np.asarray(ahead.predicted_mean), np.asarray(ahead.var_pred_mean)
        if not (np.isfinite(mean).all() and np.isfinite(var).all()):
            continue
        if name == "trend":
            slope, its_var = fit.filtered_state[1, -1], fit.filtered_state_cov[1, 1, -1]
            if not slope**2 >= SLOPE_Z**2 * its_var:
                continue
        return mean, np.sqrt(np.maximum(var, 0)), name
    return None


def crossing(
    found: Forecast, *, metric: str, unit: str, limit: float, now: float, at: datetime
) -> Crossing | None:
    """When the forecast reaches an upper limit: by its upper edge, its middle, its lower edge.

    None when not even the upper edge does within the horizon.
    """

    def first(edge: Doubles) -> datetime | None:
        over = np.flatnonzero(edge >= limit)
        return at + timedelta(hours=int(over[0]) + 1) if len(over) else None

    earliest = first(found.high)
    if earliest is None:
        return None
    return Crossing(
        metric, unit, limit, "high", now, found.per_day, earliest, first(found.mid), first(found.low),
        found.forecaster,
    )  # fmt: skip
