"""Anomalies, silences and outcomes of devices over a stretch of time, as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from homepot_ai.store import arrays, named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/happenings.sql")


@dataclass(frozen=True)
class Episodes:
    """Anomalies or silences: one entry each.

    Attributes:
        device_id: int32 [E]; begin, end: float64 [E], seconds since 1970; what lasts ends at the moment
            asked for.
        lost: float64 [E], health lost when it opened, 0..1.
    """

    device_id: npt.NDArray[np.int32]
    begin: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    lost: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """A row of ai_device_outcomes that stands; `t` in seconds since 1970."""

    device_id: int
    kind: str
    t: float
    cause: str


def anomalies(
    conn: Connection, since: datetime, until: datetime, devices: Sequence[int] | None = None
) -> Episodes:
    """Anomalies that began in [since, until) and were not marked as false."""
    row = conn.execute(_SQL["anomalies"], _parameters(since, until, devices), binary=True).fetchone()
    assert row is not None
    device, begin, end, lost = (arrays.unpack(column) for column in row)
    return Episodes(device, begin, end, lost)


def silences(
    conn: Connection, since: datetime, until: datetime, devices: Sequence[int] | None = None
) -> Episodes:
    """Stretches without data that reach into [since, until); lost is 0."""
    row = conn.execute(_SQL["gaps"], _parameters(since, until, devices), binary=True).fetchone()
    assert row is not None
    device, begin, end = (arrays.unpack(column) for column in row)
    return Episodes(device, begin, end, np.zeros(len(device)))


def outcomes(conn: Connection, until: datetime, devices: Sequence[int] | None = None) -> list[Outcome]:
    """What devices went through before a moment, by device and time."""
    rows = conn.execute(
        _SQL["outcomes"], {"until": until, "devices": None if devices is None else list(devices)}
    ).fetchall()
    return [Outcome(*row) for row in rows]


def _parameters(since: datetime, until: datetime, devices: Sequence[int] | None) -> dict[str, object]:
    return {"since": since, "until": until, "devices": None if devices is None else list(devices)}
