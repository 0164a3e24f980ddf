"""Taking out of a series what repeats by hour and by day of the week, and carrying it on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
DAY, WEEK = 24, 168
#: Shares of the variance from which a wave is one; weeks of history before a week is looked for.
DAILY, WEEKLY, WEEKS = 0.3, 0.3, 3


@dataclass(frozen=True)
class Parts:
    """A series of hourly values, taken apart: `rest` + what repeats = the series.

    Attributes:
        rest: [n]; ahead: [horizon], what repeats, carried on; name: how, for the forecaster's name.
    """

    rest: Doubles
    ahead: Doubles
    name: str


def share(y: Doubles, period: int) -> float:
    """Share of a series' variance, around its means over `period`, that repeats with it: 0..1.

    A trend repeats as well: take it off before.

    >>> round(share(np.tile(np.sin(np.arange(24) / 24 * 2 * np.pi), 10), 24), 2)
    1.0
    """
    n = len(y) // period
    if n < 2:
        return 0.0
    sheet = y[-n * period :].reshape(n, period)
    sheet = sheet - sheet.mean(axis=1, keepdims=True)
    total = float(np.square(sheet).mean())
    if total <= 1e-12 * (1 + float(np.square(y).mean())):
        return 0.0
    repeats = float(np.square(sheet.mean(axis=0)).mean()) / total
    return min(max((repeats - 1 / n) / (1 - 1 / n), 0.0), 1.0)


def detrended(y: Doubles) -> Doubles:
    """A series without its straight line (least squares)."""
    t = np.arange(len(y)) - (len(y) - 1) / 2
    return np.asarray(y - y.mean() - t * (t @ y) / max(float(t @ t), 1.0))


def take_apart(y: Doubles, horizon: int) -> Parts:
    """Take out the daily wave (STL, Cleveland et al. 1990), and with three weeks of history the weekly one.

    Args:
        y: [n] hourly values without gaps, the newest last.

    It does not work for a rhythm that is neither a day nor a week, nor for one that began this week.
    """
    from statsmodels.tsa.seasonal import STL

    ahead, name, rest = np.zeros(horizon), "", y
    hours = np.arange(horizon)
    if len(y) >= 4 * DAY and share(detrended(y), DAY) >= DAILY:
        wave = STL(y, period=DAY, seasonal=13, robust=True).fit().seasonal
        # The wave's newest days, averaged: one odd day is not carried on.
        days = min(len(y) // DAY, 7)
        shape = np.asarray(wave)[-days * DAY :].reshape(days, DAY).mean(axis=0)
        rest, ahead, name = y - np.asarray(wave), ahead + shape[hours % DAY], "day"
    if len(y) >= WEEKS * WEEK:
        days_of_week = _weekly(rest)
        if days_of_week is not None:
            weeks_back = np.tile(days_of_week, len(y) // WEEK + 2)[-len(y) :]
            rest = rest - weeks_back
            ahead = ahead + days_of_week[hours % WEEK]
            name = f"{name}+week" if name else "week"
    return Parts(rest, ahead, name)


def _weekly(rest: Doubles) -> Doubles | None:
    """What repeats from week to week in six-hour means, as [168] hours; None when too little does."""
    flat = detrended(rest)
    if share(flat, WEEK) < WEEKLY:
        return None
    n = len(flat) // WEEK
    sheet = flat[-n * WEEK :].reshape(n, WEEK)
    shape = np.median(sheet - sheet.mean(axis=1, keepdims=True), axis=0)
    smooth = np.repeat(shape.reshape(-1, 6).mean(axis=1), 6)
    return np.asarray(smooth - smooth.mean())
