"""What a device measured over a stretch of time: mean and maximum of each metric, in its own unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from homepot_ai.fleet import metrics
from homepot_ai.fleet.samples import read_window
from homepot_ai.store import named_sql

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("answers/sql/device.sql")
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Measured:
    """A metric; `n`: samples that it rests on."""

    metric: str
    mean: float
    highest: float
    n: int


def measured(conn: Connection, device: int, since: datetime, until: datetime) -> list[Measured]:
    """Each metric over (since, until], by name: whole hours as they were added up, the rest from samples.

    Hours are kept for months; samples are read only where an hour is cut or not over yet.
    """
    first = _floor(since) + (HOUR if since != _floor(since) else timedelta(0))
    span = {"device": device, "since": first, "until": _floor(until)}
    (kept,) = conn.execute(_SQL["hours_until"], span).fetchone() or (None,)
    sums: dict[str, tuple[float, float, int]] = {}

    def add(name: str, total: float, highest: float, n: int) -> None:
        before = sums.get(name, (0.0, -np.inf, 0))
        sums[name] = (before[0] + total, max(before[1], highest), before[2] + n)

    stretches = [(since, until)]
    if kept is not None:
        for name, mean, highest, n in conn.execute(_SQL["hours"], span):
            add(name, float(mean) * int(n), float(highest), int(n))
        # What came before the first kept hour is past its retention, not hidden in samples.
        stretches = [(since, min(first, until)), (kept, until)]
    for after, end in stretches:
        if after < end:
            read = read_window(conn, after, end, only=[device])
            for number, name in enumerate(read.names):
                values = read.value[read.metric == number]
                if len(values):
                    add(name, float(values.sum()), float(values.max()), len(values))
    return [
        Measured(name, total / n, highest, n)
        for name, (total, highest, n) in sorted(sums.items())
        if n and name not in metrics.IGNORED
    ]


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
