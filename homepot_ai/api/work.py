"""Where the door's work is done: bounded threads, audit rows in batches, a limit per caller."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from homepot_ai.api.problems import Refused
from homepot_ai.store import tokens
from homepot_ai.store.tokens import Asked

if TYPE_CHECKING:
    from homepot_ai.api.metrics import Metrics
    from homepot_ai.store.database import Database

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
#: `fast`: everything that only reads; `waiting`: what may wait for a model.
LaneName = Literal["fast", "waiting"]

JOURNAL_EVERY_S = 2.0
JOURNAL_BATCH, JOURNAL_KEPT = 500, 20_000
CALLERS_KEPT = 10_000


class Lanes:
    """Threads for work that blocks. What waits for a model cannot hold up what does not.

    Beyond `queue` waiting requests a further one is refused at once: an answer that comes too late helps
    nobody and delays the others.
    """

    def __init__(self, threads: dict[LaneName, int], queue: int, metrics: Metrics) -> None:
        self._limiters = {name: anyio.CapacityLimiter(count) for name, count in threads.items()}
        self._queue, self._metrics = queue, metrics

    async def run(self, lane: LaneName, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do some work in a thread of a lane.

        Raises:
            Refused: too many wait already.
        """
        limiter = self._limiters[lane]
        waiting = limiter.statistics().tasks_waiting
        self._metrics.queued.labels(lane).set(waiting)
        if waiting >= self._queue and limiter.available_tokens <= 0:
            self._metrics.refused.labels("queue full").inc()
            raise Refused(
                503,
                f"{waiting} requests wait already; try again in a moment",
                part="api",
                headers={"Retry-After": "2"},
            )
        return await anyio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=limiter)


class Journal:
    """Audit rows on their way into the database: written together, so that a request does not wait."""

    def __init__(self, db: Database, metrics: Metrics) -> None:
        self._db, self._metrics = db, metrics
        self._rows: list[Asked] = []
        self._lock = threading.Lock()
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Write in the background from now on."""
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def add(self, row: Asked) -> None:
        """Note a request. When the database is away for long, the oldest are lost, and counted."""
        with self._lock:
            self._rows.append(row)
            if len(self._rows) > JOURNAL_KEPT:
                del self._rows[0]
                self._metrics.audit_lost.inc()
            full = len(self._rows) >= JOURNAL_BATCH
        if full:
            self._wake.set()

    def flush(self) -> None:
        """Write what is there now; what cannot be written stays for the next time."""
        with self._lock:
            rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            with self._db.writer() as conn:
                tokens.note(conn, rows)
        except Exception as error:  # whatever it is, the door stays open
            log.warning("%d audit rows wait: %s", len(rows), error)
            with self._lock:
                self._rows = rows + self._rows

    def stop(self) -> None:
        """Write the rest."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self.flush()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.wait(JOURNAL_EVERY_S)
            self._wake.clear()
            self.flush()


@dataclass
class _Bucket:
    left: float
    at: float


class Limiter:
    """So many requests a minute for each caller, in a burst or one by one."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str) -> float:
        """Count a request; returns the seconds after which it may come again, 0 when it may now.

        >>> now = 0.0
        >>> limiter = Limiter(2, lambda: now)
        >>> [limiter.take("a") for _ in range(3)], limiter.take("b")
        ([0.0, 0.0, 30.0], 0.0)
        """
        now = self._clock()
        bucket = self._buckets.pop(caller, None) or _Bucket(self._per_minute, now)
        rate = self._per_minute / 60
        bucket.left = min(float(self._per_minute), bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        self._buckets[caller] = bucket
        if len(self._buckets) > CALLERS_KEPT:
            self._buckets.popitem(last=False)
        if bucket.left < 1:
            return (1 - bucket.left) / rate
        bucket.left -= 1
        return 0.0
