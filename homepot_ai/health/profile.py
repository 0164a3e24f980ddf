"""Levels by time of day: one array over the series per slot of the day, in UTC.

Slots are kept apart, since a minute touches one of them: the others need not be in memory.
"""

from __future__ import annotations

import numpy as np

from homepot_ai.health import state
from homepot_ai.health.layout import find
from homepot_ai.health.records import Floats, Ints

DAY_S = 86400


class Profile:
    """The slots in memory, each with the series it was last aligned to."""

    def __init__(self, slot_minutes: int) -> None:
        self.slot_s = slot_minutes * 60
        self.count = -(-DAY_S // self.slot_s)
        self._slots: dict[int, tuple[Ints, Floats]] = {}
        self.dirty: set[int] = set()

    def slot_of(self, at: float) -> int:
        """The slot of the minute that ends at ``at``."""
        return int((at - 1) % DAY_S // self.slot_s)

    def levels(self, slot: int, keys: Ints) -> Floats:
        """The slot's levels in the order of ``keys``, NaN for new series; to be changed in place."""
        known = self._slots.get(slot)
        if known is None:
            values = np.full(len(keys), np.nan, np.float32)
        elif known[0] is keys:
            values = known[1]
        else:
            pos, found = find(known[0], keys)
            if pos is None:
                values = known[1]
            else:
                values = np.full(len(keys), np.nan, np.float32)
                values[found] = known[1][pos[found]]
        self._slots[slot] = (keys, values)
        self.dirty.add(slot)
        return values

    def dump(self, slot: int) -> bytes:
        """One slot as bytes; an unknown slot is an empty one."""
        keys, values = self._slots.get(slot, (np.zeros(0, np.int64), np.zeros(0, np.float32)))
        return state.pack({"slot": slot}, {"keys": state.squeeze(keys), "levels": values})

    def load(self, slot: int, payload: bytes | bytearray) -> None:
        """Take a slot from bytes; it is clean until touched."""
        _, arrays = state.unpack(payload)
        self._slots[slot] = (state.unsqueeze(arrays["keys"]), arrays["levels"])
        self.dirty.discard(slot)
