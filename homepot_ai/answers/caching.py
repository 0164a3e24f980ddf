"""What is dear to find out and does not change from one second to the next: kept for a while, found once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Literal, TypeVar, cast

R = TypeVar("R")
ENTRIES = 2000


class Cache:
    """Answers by key, each with a time to live. Who asks while another one finds out waits for that one.

    >>> cache = Cache()
    >>> cache.get(("a", 1), 60, lambda: "found"), cache.get(("a", 1), 60, lambda: "again")
    ('found', 'found')
    """

    def __init__(
        self,
        note: Callable[[str, Literal["yes", "no"]], None] = lambda operation, found: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.note, self._clock = note, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Future[Any]]] = OrderedDict()

    def get(self, key: tuple[Hashable, ...], seconds: float, find: Callable[[], R]) -> R:
        """What is kept under a key, or what `find` returns. An error is nobody's answer and is not kept."""
        with self._lock:
            until, future = self._kept.get(key, (0.0, None))
            mine = future is None or (future.done() and until <= self._clock())
            if mine:
                future = Future()
                self._kept[key] = (self._clock() + seconds, future)
                self._kept.move_to_end(key)
                if len(self._kept) > ENTRIES:
                    self._kept.popitem(last=False)
        assert future is not None
        self.note(str(key[0]), "no" if mine else "yes")
        if not mine:
            return cast(R, future.result())
        try:
            found = find()
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            future.set_exception(error)
            raise
        with self._lock:
            if key in self._kept:
                self._kept[key] = (self._clock() + seconds, future)
        future.set_result(found)
        return found
