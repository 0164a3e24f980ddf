"""Reading `ai_metric_hours` by arrays: no Python value per value, in the order in which the table lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.store import arrays, named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/metric_hours.sql")


@dataclass(frozen=True)
class Hour:
    """One hour of all devices that have the same metrics.

    Attributes:
        hour: whole hours since the beginning that was asked for.
        metrics: m names; device_id: int32 [n].
        mean: float32 [n, m], in the metrics' units; NaN or infinite where somebody wrote that.
    """

    hour: int
    metrics: tuple[str, ...]
    device_id: npt.NDArray[np.int32]
    mean: npt.NDArray[np.float32]


def read(
    conn: Connection, since: datetime, until: datetime, *, devices: Sequence[int] | None = None
) -> Iterator[Hour]:
    """The hours that begin in [since, until), in no particular order.

    Args:
        since: a full hour. A day at a time is what PostgreSQL groups in memory for 10 000 devices.
        devices: only these; None: all.
    """
    # Grouping by hashes: a sort would take the rows through the disk.
    conn.execute("SET LOCAL work_mem = '512MB'")
    conn.execute("SET LOCAL enable_sort = off")
    wanted = None if devices is None else list(devices)
    rows: list[tuple[Any, ...]] = conn.execute(
        _SQL["hours"], {"since": since, "until": until, "devices": wanted}, binary=True
    ).fetchall()
    for hour, metrics, ids, means in rows:
        mean = arrays.unpack(means)
        yield Hour(int(hour), tuple(metrics), arrays.unpack(ids), mean.reshape(-1, len(metrics)))
