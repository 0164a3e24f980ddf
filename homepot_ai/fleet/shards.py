"""Which shard a device belongs to: the same in Python and in SQL (`ai_shard_of`, migration 0002).

A multiplicative hash: 2^32 divided by the golden ratio spreads neighbouring numbers, and numbers in
steps of whatever size, evenly. Reference: D. Knuth, The Art of Computer Programming 3, 6.4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MULTIPLIER = 2_654_435_769


def shard_of(device_id: Ints, shards: int) -> Ints:
    """The shard (0 to shards - 1) of each device, int64 [D]; HOMEPOT's ids fit in 31 bits.

    >>> shard_of(np.arange(1, 9), 4).tolist()
    [3, 2, 2, 1, 1, 0, 0, 3]
    """
    spread: Ints = ((device_id.astype(np.int64) * MULTIPLIER) >> 16) & 0xFFFF
    return spread % shards
