"""The flat order of series and devices, and operations on a device's run of series.

A series is one (device, metric).  Its key is ``device_id << METRIC_BITS | metric``, so that
sorting keys sorts by device and then metric, and each device's series lie side by side.
Device ids and metric codes are not negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from homepot_ai.health.records import Codes, Floats, Ints

METRIC_BITS = 20
METRIC_MASK = (1 << METRIC_BITS) - 1
Index = npt.NDArray[np.intp]


def series_keys(device_id: Ints, metric: Codes) -> Ints:
    """Keys of (device, metric) pairs, int64[N]."""
    return (device_id.astype(np.int64) << METRIC_BITS) | metric.astype(np.int64)


def find(table: Ints, wanted: Ints) -> tuple[Index | None, npt.NDArray[np.bool_]]:
    """Positions of ``wanted`` in the sorted ``table`` and which of them are there.

    Positions are None when both are identical: the common case, in which callers use views
    instead of copies.
    """
    if table.shape == wanted.shape and np.array_equal(table, wanted):
        return None, np.ones(len(wanted), bool)
    if not len(table):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), bool)
    pos = np.searchsorted(table, wanted)
    np.minimum(pos, len(table) - 1, out=pos)
    return pos, table[pos] == wanted


@dataclass(frozen=True)
class Segments:
    """Runs of series per device in the flat order.

    ``start`` and ``count`` have one entry per device that has series, ``device_pos`` is that
    device's place in the device table, ``owner`` the place of each series' device.
    """

    start: Index
    count: Index
    device_pos: Index
    owner: Codes

    @classmethod
    def build(cls, keys: Ints, device_ids: Ints) -> Segments:
        """From sorted series keys and the sorted table of devices (a superset)."""
        device_of_series = keys >> METRIC_BITS
        start: Index = np.flatnonzero(np.diff(device_of_series, prepend=-1))
        count: Index = np.diff(start, append=len(keys))
        position: Index = np.searchsorted(device_ids, device_of_series[start])
        owner = np.repeat(position, count).astype(np.int32)
        return cls(start, count, position, owner)

    @cached_property
    def buckets(self) -> list[tuple[Index, Index, npt.NDArray[np.bool_] | None]]:
        """Devices of similar series counts as dense index matrices.

        Each bucket is (segment numbers [g], series positions [g, width], padding [g, width]
        or None).  Widths are powers of two unless all counts agree, so at most half of a
        matrix is padding, and there are as many buckets as doublings between the smallest
        and the largest device.
        """
        if not len(self.start):
            return []
        if self.count.min() == self.count.max():
            widths = self.count
        else:
            widths = 1 << np.ceil(np.log2(self.count)).astype(np.intp)
        out: list[tuple[Index, Index, npt.NDArray[np.bool_] | None]] = []
        for width in np.unique(widths):
            members = np.flatnonzero(widths == width)
            columns = np.arange(width)
            padding = columns[None, :] >= self.count[members, None]
            positions = self.start[members, None] + np.where(padding, 0, columns[None, :])
            out.append((members, positions, padding if padding.any() else None))
        return out

    def sum(self, values: Floats) -> Floats:
        """Sum per segment of values flat over series."""
        if not len(self.start):
            return np.zeros(0, np.float32)
        out: Floats = np.add.reduceat(values, self.start)
        return out

    def top_mean(self, values: Floats, k: int) -> Floats:
        """Mean of the k largest values per segment (of all, where there are fewer)."""
        out = np.zeros(len(self.start), np.float32)
        for members, positions, padding in self.buckets:
            dense = values[positions]
            if padding is not None:
                dense[padding] = 0.0
            width = dense.shape[1]
            if width > k:
                dense = np.partition(dense, width - k, axis=1)[:, width - k :]
            out[members] = dense.sum(axis=1) / np.minimum(self.count[members], k)
        return out
