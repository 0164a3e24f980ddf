"""The shape of the week as the minute uses it: what the hour of the week adds to a series' profile.

The engine learns the day; which hours of a Saturday differ from other days takes weeks, so
:mod:`homepot_ai.health.weekly` fits it at night.  An offset is in the metric's unit and its mean over
the days of the week is zero for each hour of the day, so that the profile keeps its meaning.

A version is kept in parts: one for each hour of the week, and an index of the series that it knows.
A minute needs the index and two hours, between whose middles it interpolates.  A new version takes
over from the one before in the course of a day: nothing steps, and nobody is alarmed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from homepot_ai.health import state
from homepot_ai.health.layout import METRIC_BITS, METRIC_MASK, find
from homepot_ai.health.records import Codes, Floats, Ints

INDEX = -1  # the part that says which series there are, and the unit of each
HOURS = 168
PARTS = (INDEX, *range(HOURS))
HOUR_S = 3600.0
#: A version reaches its full weight after so long.
BLEND_S = 86_400.0
# 1970-01-01 was a Thursday; hours are counted from Monday, 00:00 UTC.
_FIRST_MONDAY = 72

Halves = npt.NDArray[np.float16]
#: Codes of metric names, -1 for a name without one.
CodeOf = Callable[[Sequence[str]], Codes]


def hour_of_week(t: float) -> int:
    """The hour of the week that a moment lies in: 0 is Monday, 00:00 to 01:00 UTC.

    >>> hour_of_week(0.0), hour_of_week(4 * 86400.0)
    (72, 0)
    """
    return int(t // HOUR_S + _FIRST_MONDAY) % HOURS


def hours_needed(at: float) -> list[int]:
    """The two hours of the week between whose middles the minute ending at `at` lies."""
    before = at - 30.0 - HOUR_S / 2
    return [hour_of_week(before), hour_of_week(before + HOUR_S)]


def in_force_from(fitted_at: float) -> float:
    """When a version begins to count: the full hour at least five minutes after it was stored.

    So a minute's version does not depend on which of the two, the minute or the fit, was written first.

    >>> in_force_from(7000.0), in_force_from(7199.0)
    (10800.0, 10800.0)
    """
    return float(-(-(fitted_at + 300.0) // HOUR_S) * HOUR_S)


def versions_needed(since: Sequence[float], first: float, last: float) -> list[int]:
    """Which versions (by the moments from which they count, ascending) weigh in between two minutes.

    >>> versions_needed([0.0, 100_000.0, 200_000.0], 150_000.0, 160_000.0)
    [0, 1]
    """
    begun = [i for i, moment in enumerate(since) if moment <= last]
    whole = [i for i in begun if since[i] + BLEND_S <= first]
    return begun[max(whole) :] if whole else begun


class Week:
    """One version: offsets by series and hour of the week, as many hours as were loaded.

    Series have keys of this version's own metric codes (positions in `names`); an offset is
    `level * scale`, float16 times the series' unit.

    >>> week = Week.build(["cpu"], np.array([7]), np.array([0]), np.full((1, 168), 2.0))
    >>> again = Week()
    >>> for part in (INDEX, 5):
    ...     again.load(part, week.dump(part))
    >>> again.offsets(5, np.array([7 << METRIC_BITS]), lambda names: np.zeros(len(names), np.int32))
    array([2.], dtype=float32)
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.key: Ints = np.zeros(0, np.int64)
        self.scale: Floats = np.zeros(0, np.float32)
        self._level: dict[int, Halves] = {}
        self._asked: tuple[Ints, npt.NDArray[np.intp]] | None = None

    @classmethod
    def build(cls, names: Sequence[str], device_id: Ints, metric: Codes, offset: Floats) -> Week:
        """From offsets [series, 168] in the metrics' units; series sorted by (device, metric)."""
        week = cls()
        week.names = list(names)
        week.key = (device_id.astype(np.int64) << METRIC_BITS) | metric
        week.scale = np.abs(offset).max(axis=1, initial=0.0).astype(np.float32)
        unit = np.where(week.scale > 0, week.scale, 1)
        level = (offset / unit[:, None]).astype(np.float16)
        week._level = dict(enumerate(np.ascontiguousarray(level.T)))
        return week

    @classmethod
    def join(cls, weeks: Sequence[Week], names: Sequence[str]) -> Week:
        """One version of pieces built with the same names, in the order of their devices."""
        week = cls()
        week.names = list(names)
        week.key = np.concatenate([w.key for w in weeks] or [week.key])
        week.scale = np.concatenate([w.scale for w in weeks] or [week.scale])
        none = np.zeros(0, np.float16)
        week._level = {h: np.concatenate([none, *(w._level[h] for w in weeks)]) for h in range(HOURS)}
        return week

    def __len__(self) -> int:
        return len(self.key)

    def dump(self, part: int) -> bytes:
        """One part as bytes: the index, or an hour's levels."""
        if part == INDEX:
            return state.pack({"names": self.names}, {"key": state.squeeze(self.key), "scale": self.scale})
        return state.pack({"hour": part}, {"level": self._level[part]})

    def load(self, part: int, payload: bytes) -> None:
        """Put a part back, in any order.

        Raises:
            ScoringError: the bytes are not of this program's version.
        """
        meta, arrays = state.unpack(payload)
        if part == INDEX:
            self.names, self._asked = list(meta["names"]), None
            self.key, self.scale = state.unsqueeze(arrays["key"]), arrays["scale"]
        else:
            self._level[part] = arrays["level"]

    def offsets(self, hour: int, keys: Ints, code_of: CodeOf) -> Floats:
        """Offsets in an hour of the week for series `keys`; 0 where nothing is known.

        Args:
            keys: sorted, with the metric codes that `code_of` gives.
        """
        if not len(self.key) or hour not in self._level:
            return np.zeros(len(keys), np.float32)
        if self._asked is None or self._asked[0] is not keys:
            self._asked = keys, self._positions(keys, code_of)
        pos = self._asked[1]
        value = np.append(self._level[hour].astype(np.float32) * self.scale, np.float32(0))
        return value[pos]

    def _positions(self, keys: Ints, code_of: CodeOf) -> npt.NDArray[np.intp]:
        """Where each of `keys` is in this version; the place behind the last for those that are not."""
        codes = code_of(self.names).astype(np.int64)[self.key & METRIC_MASK]
        mine = (self.key & ~np.int64(METRIC_MASK)) | np.maximum(codes, 0)
        order = np.flatnonzero(codes >= 0)
        if len(order) > 1 and (np.diff(mine[order]) < 0).any():
            order = order[np.argsort(mine[order], kind="stable")]
        pos, known = find(mine[order], keys)
        if pos is None:
            return order
        out = np.full(len(keys), len(self.key), np.intp)
        out[known] = order[pos[known]]
        return out


class Weeks:
    """The versions that a stretch of minutes needs, each with the moment from which it counts."""

    def __init__(self) -> None:
        self._versions: dict[float, Week] = {}

    def load(self, part: int, payload: bytes, since: float) -> None:
        """Take a part of the version that counts from `since`, in epoch seconds."""
        self._versions.setdefault(since, Week()).load(part, payload)

    def offsets(self, at: float, keys: Ints, code_of: CodeOf) -> Floats | None:
        """What the minute ending at `at` adds to the profile of each series; None: nothing is known.

        Each version moves what was before towards itself, linearly in :data:`BLEND_S`.
        """
        out: Floats | None = None
        for since, week in sorted(self._versions.items()):
            if since > at:
                break
            share = np.float32(min((at - since) / BLEND_S, 1.0))
            value = self._between(week, at, keys, code_of)
            out = share * value if out is None else out + share * (value - out)
        return out

    def _between(self, week: Week, at: float, keys: Ints, code_of: CodeOf) -> Floats:
        before, after = hours_needed(at)
        share = np.float32((at - 30.0 - HOUR_S / 2) % HOUR_S / HOUR_S)
        value = week.offsets(before, keys, code_of)
        return value + share * (week.offsets(after, keys, code_of) - value)


def parts_needed(minutes: Sequence[float]) -> list[int]:
    """The index and the hours that these minutes touch, sorted."""
    return [INDEX, *sorted({hour for t in minutes for hour in hours_needed(t)})]
