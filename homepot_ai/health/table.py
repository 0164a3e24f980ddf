"""The engine's memory between minutes: one row per series, one per device.

Series rows are kept as one float32 matrix ``[field, series]`` in the flat order of
:mod:`homepot_ai.health.layout`; values are relative to the series' first value, which keeps
float32 exact enough for large counters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from homepot_ai.health.layout import METRIC_BITS, Segments
from homepot_ai.health.records import Doubles, Ints, Small

Matrix = npt.NDArray[np.float32]
Stamps = npt.NDArray[np.uint32]


class Field(IntEnum):
    """Rows of the series matrix."""

    LAST = 0  # last value
    FAST = 1  # fast EWMA
    SLOW = 2  # slow EWMA of what the daily profile leaves
    LEVEL = 3  # the level of days: what the profile leaves of the fast EWMA
    START = 4  # start of the tail, three residuals of the alarm table, then four of the health table
    EXCESS = 11  # mean excess over it, likewise
    PATTERN = 18  # the series' share in the two directions in which its device's metrics move
    WEIGHT = 20  # samples the tails rest on, those lent by the device type included
    SEEN = 21  # samples of this series
    ALARM = 22  # evidence of the last sample, alarm table
    HELD = 23  # evidence held with a decay, health table
    NOTE_VALUE = 24  # the value that was held, and the band expected then
    NOTE_LOW = 25
    NOTE_HIGH = 26
    OVER = 27  # minutes over the limit
    HOUR_N = 28  # the running hour
    HOUR_SUM = 29
    HOUR_MIN = 30
    HOUR_MAX = 31


FIELDS = 32


class DeviceField(IntEnum):
    """Rows of the device matrix."""

    INTERVAL = 0  # learned collection interval, seconds
    LEVEL = 1  # the alarm's level at the sample before (decades)
    SUSTAINED = 2  # its moving average
    ROWS = 3  # minutes with samples
    PEAKS = 4  # how far the level reached lately, its median and its 90 % point ...
    INITIAL = 5  # score when the episode opened
    PEAK = 6  # lowest score in the episode
    SEVERITY = 7  # as last told, index into SEVERITIES
    EDGE = 8  # how far health evidence reaches when all is as usual (decades)
    STRENGTH = 9  # decades above routine at the episode's highest
    OPENED_BY = 10  # index into OPENED_BY of episodes.py
    MIDDLE = 11
    UPPER = 12
    SUSTAINED_PEAKS = 13  # ... and the same of the sustained level
    SUSTAINED_MIDDLE = 14
    SUSTAINED_UPPER = 15
    BUDGET = 16  # minutes beyond its edge from which it may still learn
    RUNG = 17  # samples for which the alarm has rung since then


DEVICE_FIELDS = 18


class DeviceStamp(IntEnum):
    """Rows of float64 per device, mostly times in epoch seconds, NaN when there is none."""

    FIRST_SAMPLE = 0
    LAST_SAMPLE = 1
    FLAGGED = 2  # deviating without a break since
    OPENED = 3  # the open episode's start
    QUIET = 4  # below the closing level since
    # Not times: the episode's heaviest factor (index of its name) in the metric's own unit.
    METRIC = 5
    OBSERVED = 6
    LOW = 7
    HIGH = 8
    CLOSED = 9  # end of the last episode
    RANG = 10  # when the alarm last began to ring


DEVICE_STAMPS = 11


@dataclass
class SeriesTable:
    """All series, sorted by key."""

    key: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: Matrix = field(default_factory=lambda: np.zeros((FIELDS, 0), np.float32))
    origin: Doubles = field(default_factory=lambda: np.zeros(0))
    first_at: Stamps = field(default_factory=lambda: np.zeros(0, np.uint32))
    last_at: Stamps = field(default_factory=lambda: np.zeros(0, np.uint32))
    #: 1 where the noted evidence is of the metrics together, 0 where of the series alone.
    note_kind: Small = field(default_factory=lambda: np.zeros(0, np.int8))

    def __len__(self) -> int:
        return len(self.key)

    def insert(self, key: Ints, origin: Doubles, at: float) -> npt.NDArray[np.intp]:
        """Merge new series (sorted, not yet there) in; returns their positions."""
        where = np.searchsorted(self.key, key)
        now = np.full(len(key), at, np.uint32)
        self.key = np.insert(self.key, where, key)
        self.rows = np.insert(self.rows, where, np.float32(0), axis=1)
        self.origin = np.insert(self.origin, where, origin)
        self.first_at = np.insert(self.first_at, where, now)
        self.last_at = np.insert(self.last_at, where, now)
        self.note_kind = np.insert(self.note_kind, where, np.int8(0))
        return where + np.arange(len(key))

    def keep(self, kept: npt.NDArray[np.bool_]) -> None:
        """Drop the series that are not marked."""
        self.key = self.key[kept]
        self.rows = np.ascontiguousarray(self.rows[:, kept])
        self.origin = self.origin[kept]
        self.first_at = self.first_at[kept]
        self.last_at = self.last_at[kept]
        self.note_kind = self.note_kind[kept]


@dataclass
class DeviceTable:
    """All devices ever framed or sampled, sorted by id."""

    id: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: Matrix = field(default_factory=lambda: np.zeros((DEVICE_FIELDS, 0), np.float32))
    stamps: Doubles = field(default_factory=lambda: np.zeros((DEVICE_STAMPS, 0)))

    def __len__(self) -> int:
        return len(self.id)

    def insert(self, ids: Ints) -> None:
        """Merge new devices (sorted, not yet there) in."""
        where = np.searchsorted(self.id, ids)
        self.id = np.insert(self.id, where, ids)
        fresh = np.zeros((DEVICE_FIELDS, len(ids)), np.float32)
        fresh[DeviceField.INTERVAL] = np.nan
        fresh[[DeviceField.LEVEL, DeviceField.PEAKS, DeviceField.SUSTAINED_PEAKS]] = np.nan
        fresh[DeviceField.EDGE] = np.nan
        self.rows = np.insert(self.rows, where, fresh, axis=1)
        self.stamps = np.insert(self.stamps, where, np.nan, axis=1)


def segments_of(series: SeriesTable, devices: DeviceTable) -> Segments:
    """The devices' runs of series."""
    return Segments.build(series.key, devices.id)


def device_of(key: Ints) -> Ints:
    """The device ids of series keys."""
    return key >> METRIC_BITS
