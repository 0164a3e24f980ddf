"""Fitting the shape of the week from hour means, and judging whether it is worth using.

Nothing here reads a clock or a database: blocks of devices go in one by one, a :class:`Fit` comes out.
The arithmetic is in :mod:`homepot_ai.health.weekly_math`; what the minute does with a fitted version
in :mod:`homepot_ai.health.week`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health import weekly_math as wm
from homepot_ai.health.layout import METRIC_BITS
from homepot_ai.health.records import Flags, Floats, HourRollup
from homepot_ai.health.week import HOUR_S, Week, hour_of_week
from homepot_ai.health.weekly_blocks import COLUMNS, DAY_HOURS, HourBlock, block_of
from homepot_ai.health.weekly_types import HELD_OUT, TypeLearner, TypeShapes

# A new version may be worse than the one in force by so much: two checks on one day differ by chance.
MARGIN = 1.01
WORST = 10.0  # spreads that one series' error can weigh
LARGEST_SHOWN = 10


@dataclass(frozen=True)
class Shapes:
    """Offsets of a block [S, 168], zero without a shape; the series' units; which could have had one."""

    offset: Floats
    unit: Floats
    eligible: Flags


def shapes(block: HourBlock, until: float, types: TypeShapes, back: int) -> Shapes:
    """Fit the week of each series of a block on the hours up to `back` columns before its end."""
    y = block.deviations(until, back)
    eligible = block.enough(y, back)
    unit = np.nan_to_num(wm.spread(y))
    sigma = np.nan_to_num(wm.noise(y))
    variance = wm.median_variance(sigma, y)
    theta = wm.repeating(y)
    offset = wm.shrunk(theta, wm.scaled(types.of(block, 0), theta, variance), variance)
    with_shape, plain = [], []
    for number, week in enumerate(HELD_OUT, start=1):
        rest = wm.without(y, week)
        theta = wm.repeating(rest, least=1)
        variance = wm.median_variance(sigma, rest)
        trial = wm.shrunk(theta, wm.scaled(types.of(block, number), theta, variance), variance)
        near, far = wm.helped(y, week, trial, unit)
        with_shape.append(near)
        plain.append(far)
    kept = eligible & (unit > 0) & wm.passes(with_shape, plain)
    return Shapes(np.where(kept[:, None], offset, np.float32(0)), unit, eligible)


@dataclass(frozen=True)
class Largest:
    """One of the largest shapes: the hour of the week at which it adds most, and how much.

    `amount` and `usual` (the series' mean absolute deviation) are in the metric's unit.
    """

    device_id: int
    metric: str
    hour: int
    amount: float
    usual: float


@dataclass(frozen=True)
class Verdict:
    """Whether a version is to be used, and why, in one sentence."""

    adopted: bool
    reason: str


@dataclass(frozen=True)
class Fit:
    """A fitted version and what was found on the last day.

    Attributes:
        series: seen; eligible: with enough history; shaped: with a shape of the week.
        compared: series in which versions differ, with hours on the last day: errors are of these.
        error_new, error_old, error_without: mean absolute residual in spreads; None: nothing to compare.
    """

    week: Week
    until: float
    series: int
    eligible: int
    shaped: int
    compared: int
    error_new: float | None
    error_old: float | None
    error_without: float | None
    verdict: Verdict
    largest: Sequence[Largest]


def judge(
    *, shaped: int, compared: int, new: float | None, old: float | None, without: float | None
) -> Verdict:
    """Whether the new version is used: not worse than the one in force, and better than none.

    One that says nothing is only used where the one in force does harm: that has to go somehow.

    >>> judge(shaped=9, compared=9, new=0.7, old=0.8, without=1.0).reason
    'error on the last day 0.700, better than the version in force (0.800) and no week (1.000)'
    """
    if not compared or new is None or without is None:
        return Verdict(False, "nothing to check it on" if shaped else "no series has a shape of the week")
    if not shaped:
        if old is not None and old > without * MARGIN:
            harm = f"error on the last day {old:.3f}, without it {without:.3f}"
            return Verdict(
                True, f"no series has a shape any more, and the version in force does harm: {harm}"
            )
        return Verdict(False, "no series has a shape of the week")
    told = f"error on the last day {new:.3f}"
    if old is not None and new > old * MARGIN:
        return Verdict(False, f"{told}, worse than the version in force ({old:.3f}); no week: {without:.3f}")
    if new >= without:
        return Verdict(False, f"{told}, not better than no week ({without:.3f})")
    if old is None:
        return Verdict(True, f"{told}, better than no week ({without:.3f})")
    beside = "better than" if new < old else "as good as"
    return Verdict(True, f"{told}, {beside} the version in force ({old:.3f}) and no week ({without:.3f})")


class Fitter:
    """Takes blocks of devices in ascending order and keeps what is needed of each.

    Args:
        until: end of the last hour, epoch seconds, a full hour.
        names: metric names, shared by all blocks; may grow while blocks come.
        types: what learned from a sample of the devices.
        in_force: the version to compare with (all hours of the last day and a half loaded), or None.
    """

    def __init__(
        self,
        until: float,
        names: Sequence[str],
        types: TypeLearner,
        in_force: Week | None = None,
    ) -> None:
        self.until, self.names = until, names
        self._checked, self._adopted = types.shapes(DAY_HOURS), types.shapes(0)
        self._in_force = in_force
        self._weeks: list[Week] = []
        self._errors: list[npt.NDArray[np.float64]] = []
        self._largest: list[Largest] = []
        self._series = self._eligible = 0

    def add(self, block: HourBlock) -> None:
        """Fit a block twice: up to the last day for the check, and with it for use."""
        trial = shapes(block, self.until, self._checked, DAY_HOURS)
        self._check(block, trial)
        final = shapes(block, self.until, self._adopted, 0)
        self._series += len(block.metric)
        self._eligible += int(final.eligible.sum())
        shaped = np.flatnonzero(final.offset.any(axis=1))
        offset = final.offset[shaped]
        device, metric = block.device_id[shaped], block.metric[shaped]
        self._weeks.append(Week.build((), device, metric, offset))
        peak = np.abs(offset).argmax(axis=1)
        ratio = np.abs(offset).max(axis=1, initial=0) / final.unit[shaped]
        for row in np.argsort(-ratio, kind="stable")[:LARGEST_SHOWN].tolist():
            hour = int(peak[row])
            amount, usual = float(offset[row, hour]), float(final.unit[shaped[row]])
            name = self.names[int(metric[row])]
            self._largest.append(Largest(int(device[row]), name, hour, amount, usual))

    def _check(self, block: HourBlock, trial: Shapes) -> None:
        hours = [hour_of_week(self.until - (36 - i) * HOUR_S) for i in range(36)]
        candidates = [trial.offset[:, hours], np.zeros((len(block.metric), 36), np.float32)]
        differ = trial.offset.any(axis=1)
        if self._in_force is not None:
            keys = (block.device_id << METRIC_BITS) | block.metric
            code = {name: i for i, name in enumerate(self.names)}
            codes = lambda names: np.array([code.get(n, -1) for n in names], np.int32)  # noqa: E731
            old = np.stack([self._in_force.offsets(hour, keys, codes) for hour in hours], axis=1)
            candidates.append(old)
            differ |= old.any(axis=1)
        rows = np.flatnonzero(differ & (trial.unit > 0))
        unit = trial.unit[rows]
        errors = [wm.as_the_engine(block.mean[rows], c[rows], unit) / unit for c in candidates]
        found = np.minimum(np.stack(errors), WORST).astype(np.float64)
        self._errors.append(found[:, np.isfinite(found).all(axis=0)])

    def finish(self) -> Fit:
        """The version, and the verdict over all series."""
        each = np.concatenate(self._errors, axis=1) if self._errors else np.zeros((2, 0))
        compared = each.shape[1]
        error: list[float | None] = [float(e) for e in each.mean(axis=1)] if compared else [None, None]
        old = error[2] if len(error) > 2 else None
        shaped = sum(map(len, self._weeks))
        verdict = judge(shaped=shaped, compared=compared, new=error[0], old=old, without=error[1])
        largest = sorted(self._largest, key=lambda one: -abs(one.amount) / one.usual)[:LARGEST_SHOWN]
        return Fit(
            week=Week.join(self._weeks, self.names),
            until=self.until,
            series=self._series,
            eligible=self._eligible,
            shaped=shaped,
            compared=compared,
            error_new=error[0],
            error_old=old,
            error_without=error[1],
            verdict=verdict,
            largest=largest,
        )


def fit(
    hours: Sequence[HourRollup],
    names: Sequence[str],
    until: float | None = None,
    *,
    device_type: Mapping[int, str] | None = None,
    in_force: Week | None = None,
) -> Fit:
    """Fit from hours in memory, such as an engine's closed hours: the nightly flow without a database.

    >>> hours: list[HourRollup] = []        # engine.hours_closed() after each step, where not None
    >>> found = fit(hours, ["cpu_percent"], until=1_750_032_000.0)
    >>> found.verdict.reason
    'no series has a shape of the week'

    and where `found.verdict.adopted`, before the next step::

        for part in week.PARTS:
            engine.load_week(part, found.week.dump(part), since=engine.watermark)

    Args:
        hours: finished hours in any order; names: `engine.metric_names`.
        until: a full hour, epoch seconds; later hours are not looked at. Default: the end of the last one.
        device_type: types by device id, default one type for all.
        in_force: the version that was adopted last.
    """
    end = until if until is not None else max((h.hour for h in hours), default=-HOUR_S) + HOUR_S
    block = block_of([h for h in hours if end - COLUMNS * HOUR_S <= h.hour < end], end, device_type or {})
    types = TypeLearner(end)
    types.add(block)
    fitter = Fitter(end, names, types, in_force)
    fitter.add(block)
    return fitter.finish()
