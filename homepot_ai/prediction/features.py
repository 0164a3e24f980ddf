"""What is known of a device at a decision point, as numbers: the inputs of the hazard.

A *decision point* is a device and a step. All that counts is what was known then: measures of this step and
before, events up to it, whatever the device did later. So the numbers of a step stay the same when later rows
come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from homepot_ai.prediction.records import Histories

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
What = Literal[
    "level", "trend", "change", "spread", "count", "since", "rhythm", "next", "oldest", "age", "kinds"
]

#: Steps that a mean looks back, that a slope does, and that make a device's own beginning.
MEANS = (3, 10, 30)
SLOPES = (10, 30, 60)
BEGINNING = 10
#: Steps in which events are counted.
COUNTS = (1, 3, 10, 30)
#: The intervals that a rhythm is the median of.
RHYTHM = 5
#: The group that past failures count in, as events.
FAILED = "failure"


@dataclass(frozen=True)
class Feature:
    """What a column says.

    Attributes:
        source: the measure, event or group it comes from; "" for all events together.
        what: which property; steps: how far it looks back, 0 where that has no meaning.
    """

    source: str
    what: What
    steps: int = 0

    @property
    def name(self) -> str:
        """For example "disk_percent trend 30"."""
        return " ".join(str(part) for part in (self.source or "events", self.what, self.steps or "") if part)


def build(
    histories: Histories, device: Positions, step: Positions, *, memory: int | None = None
) -> tuple[npt.NDArray[np.float32], tuple[Feature, ...]]:
    """The features of some decision points.

    A decision is made at the moment `step`: row k of the measures covers [k, k + 1), so rows before `step`
    count, and events up to and including it. Events may lie before step 0.

    Args:
        device, step: [r], positions in `histories`.
        memory: measures and counts that lie further back than this many steps are not looked at, so that a
            device seen for a year and one read for a month give the same numbers (what is older is as if it
            had never been); None: everything counts.

    Returns:
        float32 [r, F], NaN where something is not known, and what the columns say.
    """
    device, step = np.asarray(device, np.int64), np.asarray(step, np.int64)
    columns: list[npt.NDArray[np.float32]] = []
    named: list[Feature] = []
    for feature, column in _all(histories, device, step, memory):
        named.append(feature)
        columns.append(column.astype(np.float32))
    if not columns:
        return np.empty((len(device), 0), np.float32), ()
    return np.stack(columns, axis=1), tuple(named)


def _all(
    histories: Histories, device: Positions, step: Positions, memory: int | None
) -> Iterator[tuple[Feature, Floats]]:
    yield Feature("age", "age"), histories.age[device] + step
    first = np.maximum(0, np.ceil(histories.first_step)).astype(np.int64)[device]
    if memory is not None:
        first = np.maximum(first, step - memory)
    for position, name in enumerate(histories.measure_names):
        yield from _measure(name, histories.measures[:, :, position], device, step, first)
    yield from _events(histories, device, step, memory)


class _Sums:
    """Means and slopes over any stretch of steps from running sums: cost does not depend on the stretch.

    Steps are counted from the middle of the grid, since slopes are differences of large sums.
    """

    def __init__(self, values: npt.NDArray[np.float32]) -> None:
        there = np.isfinite(values)
        x = np.arange(values.shape[1], dtype=np.float64) - values.shape[1] / 2
        centre = float(np.median(values[there])) if there.any() else 0.0
        y = np.where(there, values.astype(np.float64) - centre, 0.0)
        self.centre = centre
        self.n = _running(there.astype(np.float64))
        self.x = _running(there * x)
        self.xx = _running(there * x * x)
        self.y = _running(y)
        self.xy = _running(y * x)
        self.yy = _running(y * y)

    def mean(self, device: Positions, a: Positions, b: Positions) -> Floats:
        n, y = (_between(t, device, a, b) for t in (self.n, self.y))
        return np.where(n > 0, y / np.maximum(n, 1) + self.centre, np.nan)

    def line(self, device: Positions, a: Positions, b: Positions) -> tuple[Floats, Floats]:
        """Slope by least squares, from three values on, and the spread around the line."""
        n, x, xx, y, xy, yy = (
            _between(t, device, a, b) for t in (self.n, self.x, self.xx, self.y, self.xy, self.yy)
        )
        m = np.maximum(n, 1)
        sxx, sxy, syy = xx - x * x / m, xy - x * y / m, yy - y * y / m
        enough = (n >= 3) & (sxx > 0.5)
        slope = np.where(enough, sxy / np.where(enough, sxx, 1.0), np.nan)
        left = np.sqrt(np.maximum(syy - np.where(enough, slope * sxy, 0.0), 0.0) / np.maximum(n - 2, 1))
        return slope, np.where(enough, left, np.nan)


def _running(values: Floats) -> Floats:
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return total


def _between(total: Floats, device: Positions, a: Positions, b: Positions) -> Floats:
    found: Floats = total[device, b] - total[device, a]
    return found


def _measure(
    name: str, values: npt.NDArray[np.float32], device: Positions, step: Positions, first: Positions
) -> Iterator[tuple[Feature, Floats]]:
    sums = _Sums(values)
    end = np.minimum(step, values.shape[1])
    means = {w: sums.mean(device, np.minimum(np.maximum(first, end - w), end), end) for w in MEANS}
    for w, mean in means.items():
        yield Feature(name, "level", w), mean
    for w in SLOPES:
        slope, left = sums.line(device, np.minimum(np.maximum(first, end - w), end), end)
        yield Feature(name, "trend", w), slope
        if w == SLOPES[0]:
            yield Feature(name, "spread", w), left
    beginning = sums.mean(device, np.minimum(first, end), np.minimum(first + BEGINNING, end))
    yield Feature(name, "change"), means[MEANS[0]] - beginning
    yield Feature(name, "change", MEANS[1]), means[MEANS[1]] - beginning


class Times:
    """The moments of some events of all devices, in order, to be asked by decision point."""

    def __init__(self, device: Positions, step: Floats, devices: int, memory: int | None = None) -> None:
        self.memory = np.inf if memory is None else float(memory)
        order = np.lexsort((step, device))
        self.device, self.step = device[order], step[order]
        self.begin = np.searchsorted(self.device, np.arange(devices))
        # One number a moment: the device, then where its step stands among all steps.
        self.known = np.unique(self.step)
        self.width = len(self.known) + 1
        self.key = self.device * self.width + np.searchsorted(self.known, self.step, "right")

    def until(self, device: Positions, step: Floats) -> Positions:
        """How many events, of all devices in order, lie before the one after `step` of `device`."""
        return np.searchsorted(
            self.key, device * self.width + np.searchsorted(self.known, step, "right"), "right"
        )

    def count(self, device: Positions, step: Floats, steps: int) -> Floats:
        return (self.until(device, step) - self.until(device, step - steps)).astype(np.float64)

    def since(self, device: Positions, step: Floats, back: int = 0) -> Floats:
        """Steps since the last event; back: since the one that many before it."""
        at = self.until(device, step) - 1 - back
        known = at >= self.begin[device]
        if not len(self.step):
            return np.full(len(device), np.nan)
        ago = step - self.step[np.where(known, at, 0)]
        found: Floats = np.where(known & (ago <= self.memory), ago, np.nan)
        return found


def _events(
    histories: Histories, device: Positions, step: Positions, memory: int | None
) -> Iterator[tuple[Feature, Floats]]:
    moment = step.astype(np.float64)
    groups: dict[str, list[int]] = {}
    counts: dict[int, list[Floats]] = {w: [] for w in COUNTS[:2]}
    for kind, name in enumerate(histories.event_names):
        groups.setdefault(name.partition(":")[0], []).append(kind)
        times = _times(histories, [kind], memory)
        for w in COUNTS:
            found = times.count(device, moment, w)
            yield Feature(name, "count", w), found
            if w in counts:
                counts[w].append(found)
        yield Feature(name, "since"), times.since(device, moment)
    for w, per_kind in counts.items():
        if len(per_kind) > 1:
            yield Feature("", "kinds", w), np.sum([found > 0 for found in per_kind], axis=0)
    for group, kinds in groups.items():
        yield from _group(group, _times(histories, kinds, memory), device, moment, memory)
        if len(kinds) > 1:
            each = np.stack([_times(histories, [kind], memory).since(device, moment) for kind in kinds])
            oldest = np.sort(np.where(np.isnan(each), -1.0, each), axis=0)[::-1]
            for rank in range(min(3, len(kinds))):
                yield Feature(group, "oldest", rank + 1), np.where(oldest[rank] < 0, np.nan, oldest[rank])
    failed = Times(histories.failure_device, histories.failure_step, len(histories.devices), memory)
    yield Feature(FAILED, "since"), failed.since(device, moment)
    yield Feature(FAILED, "count"), failed.count(device, moment, memory or 1_000_000)


def _group(
    group: str, times: Times, device: Positions, moment: Floats, memory: int | None
) -> Iterator[tuple[Feature, Floats]]:
    """Time since any event of a group, its usual interval, and how long until the next one in this rhythm."""
    keep = np.ones(len(times.step), bool)
    keep[1:] = (np.diff(times.step) > 1e-9) | (np.diff(times.device) != 0)
    times = Times(times.device[keep], times.step[keep], len(times.begin), memory)
    ago = np.stack([times.since(device, moment, back) for back in range(RHYTHM + 1)])
    intervals = np.sort(np.diff(ago, axis=0), axis=0)
    known = np.isfinite(intervals).sum(axis=0)
    middle = np.take_along_axis(intervals, np.maximum((known - 1) // 2, 0)[None], axis=0)[0]
    rhythm = np.where(known >= 2, middle, np.nan)
    yield Feature(group, "since"), ago[0]
    yield Feature(group, "rhythm"), rhythm
    yield Feature(group, "next"), rhythm - np.mod(ago[0], np.maximum(rhythm, 1e-9))


def _times(histories: Histories, kinds: list[int], memory: int | None) -> Times:
    wanted = np.isin(histories.event_kind, kinds)
    return Times(histories.event_device[wanted], histories.event_step[wanted], len(histories.devices), memory)
