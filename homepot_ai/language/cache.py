"""Answers that were given lately, for a while and up to a number."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """A bounded store of values that go stale; safe for threads.

    Args:
        seconds: how long a value is good; 0: nothing is kept. entries: of them the longest unused goes first.
        clock: seconds that only go forward.

    >>> now = [0.0]
    >>> cache = Cache(seconds=300, entries=1, clock=lambda: now[0])
    >>> cache.put("a", 1); cache.get("a")
    1
    >>> cache.put("b", 2); cache.get("a") is None
    True
    >>> now[0] = 300.0; cache.get("b") is None
    True
    """

    def __init__(self, *, seconds: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._entries, self._clock = seconds, entries, clock
        self._kept: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> V | None:
        """What was put, unless it is stale or had to go."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            if self._clock() - found[0] >= self._seconds:
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
            return found[1]

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value from now on."""
        with self._lock:
            self._kept[key] = (self._clock(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
