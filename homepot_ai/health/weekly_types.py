"""What device types show of the week: the shape that a device with few weeks is taken to have.

A type's shape in a metric is the mean over a sample of its devices, each in units of its own spread,
shrunk by its variance over devices.  The same is kept for the fits that leave a week out, which must
not know that week from the other devices either.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from homepot_ai.health import weekly_math as wm
from homepot_ai.health.layout import find
from homepot_ai.health.records import Floats, Ints
from homepot_ai.health.week import HOURS
from homepot_ai.health.weekly_blocks import DAY_HOURS, HourBlock

# Fits beside the one with all weeks: without the last, without the one before.
HELD_OUT = (-1, -2)
FITS = 1 + len(HELD_OUT)
LEAST_DEVICES = 3  # that make the shape of a type
LARGEST = 6.0  # spreads that one device can say
# Fits up to the last day, which is then the check, and with it.
BACK = (DAY_HOURS, 0)


@dataclass
class TypeShapes:
    """Shapes by (type, metric), in spreads of a series: keys sorted, tables [fit, key, 168]."""

    key: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    table: Floats = field(default_factory=lambda: np.zeros((FITS, 0, HOURS), np.float32))

    def of(self, block: HourBlock, fit: int) -> Floats:
        """The shape of each series' type [S, 168], zero where the type shows none."""
        pos, known = find(self.key, block.group_keys)
        out = np.zeros((len(known), HOURS), np.float32)
        at = np.arange(len(known)) if pos is None else pos
        out[known] = self.table[fit][at[known]]
        return out


class TypeLearner:
    """Adds up what a sample of devices shows, block by block; memory grows with types and metrics."""

    def __init__(self, until: float) -> None:
        self.until = until
        # Per (type, metric) and moment: count, sum and sum of squares, [3, fit, 168].
        self._sums: dict[int, dict[int, npt.NDArray[np.float64]]] = {back: {} for back in BACK}

    def add(self, block: HourBlock) -> None:
        """Take in some devices."""
        for back in BACK:
            self._add(block, back)

    def _add(self, block: HourBlock, back: int) -> None:
        y = block.deviations(self.until, back)
        unit = wm.spread(y)
        good = np.flatnonzero((unit > 0) & block.enough(y, back))
        fits = [wm.repeating(y[good])]
        fits += [wm.repeating(wm.without(y[good], week), least=1) for week in HELD_OUT]
        shape = np.clip(np.stack(fits, axis=1) / unit[good, None, None], -LARGEST, LARGEST)
        known = np.isfinite(shape)
        shape = np.where(known, shape, 0).astype(np.float64)
        sums = self._sums[back]
        keys, group = np.unique(block.group_keys[good], return_inverse=True)
        for number, key in enumerate(keys.tolist()):
            members = group == number
            found = np.stack(
                [known[members].sum(axis=0), shape[members].sum(axis=0), (shape[members] ** 2).sum(axis=0)]
            )
            sums[key] = sums[key] + found if key in sums else found

    def shapes(self, back: int) -> TypeShapes:
        """The shapes that the sample shows, for fits up to `back` columns before the end."""
        sums = self._sums[back]
        if not sums:
            return TypeShapes()
        key = np.array(sorted(sums), np.int64)
        count, total, squares = np.stack([sums[k] for k in key.tolist()], axis=2)
        count[count < LEAST_DEVICES] = np.nan
        centre = total / count
        variance = np.maximum(squares / count - centre**2, 0) / (count - 1)
        rows = FITS * len(key)
        each_day = wm.mean(variance.reshape(rows, wm.DAYS, DAY_HOURS).astype(np.float32))
        flat = centre.reshape(rows, HOURS).astype(np.float32)
        table = wm.shrunk(flat, np.zeros_like(flat), np.nan_to_num(each_day))
        return TypeShapes(key, table.reshape(FITS, len(key), HOURS))
