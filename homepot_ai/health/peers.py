"""What a device type lends to its newcomers: the tails of a metric over the type's series.

Geometric means over series that have seen enough; refreshed once an hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from homepot_ai.health.baseline import LENT
from homepot_ai.health.layout import METRIC_BITS, METRIC_MASK, find
from homepot_ai.health.records import Flags, Ints
from homepot_ai.health.table import Field, Matrix, SeriesTable

# Samples from which a series' own tails are worth lending.
OWN_TAILS = 200


@dataclass
class Peers:
    """Tails per (type, metric), sorted by key ``type << METRIC_BITS | metric``; [4, G] each, as in LENT."""

    key: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    start: Matrix = field(default_factory=lambda: np.zeros((len(LENT), 0), np.float32))
    excess: Matrix = field(default_factory=lambda: np.zeros((len(LENT), 0), np.float32))

    @classmethod
    def learn(cls, series: SeriesTable, type_of_series: npt.NDArray[np.int32], least: int) -> Peers:
        """From all series with own tails, where at least ``least`` of a type and metric have them."""
        rows = series.rows
        excess = rows[[Field.EXCESS + tail for tail in LENT]]
        good = np.flatnonzero((rows[Field.SEEN] >= OWN_TAILS) & (excess > 0).all(axis=0))
        key = group_keys(series.key[good], type_of_series[good])
        groups, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
        enough = count >= least
        means = [
            np.exp(np.bincount(inverse, np.log(np.maximum(rows[f, good], 1e-30)), len(groups)) / count)
            for f in (Field.START + tail for tail in LENT)
        ] + [
            np.exp(np.bincount(inverse, np.log(excess[i, good]), len(groups)) / count)
            for i in range(len(LENT))
        ]
        table = np.array(means, np.float32).reshape(2 * len(LENT), len(groups))[:, enough]
        return cls(groups[enough], table[: len(LENT)].copy(), table[len(LENT) :].copy())

    def of(self, key: Ints, type_of_series: npt.NDArray[np.int32]) -> tuple[Matrix, Matrix, Flags]:
        """Start and mean excess for new series [4, n], and for which of them there are any."""
        pos, known = find(self.key, group_keys(key, type_of_series))
        if not len(self.key):
            none = np.zeros((len(LENT), len(key)), np.float32)
            return none, none, known
        at = np.arange(len(key)) if pos is None else pos
        return self.start[:, at], self.excess[:, at], known


def group_keys(series_key: Ints, type_of_series: npt.NDArray[np.int32]) -> Ints:
    """Keys of (type, metric)."""
    return (type_of_series.astype(np.int64) << METRIC_BITS) | (series_key & METRIC_MASK)
