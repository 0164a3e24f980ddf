"""Writing what a predicting run found: the newest risk of each device, and forecasts into the ledger.

Every statement may be repeated without a second effect. Reading and settling the ledger: store/ledger.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.store import arrays as _arrays  # noqa: F401 - teaches psycopg to bind vectors
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/predictions.sql")

Reason = Literal["daily", "raised", "on_demand"]


@dataclass(frozen=True)
class RiskRow:
    """A row of ai_device_risks but its moment; NaN where there is no number; `when` in seconds since 1970.

    `p_30d` is that of the horizon 7-30d.
    """

    device_id: int
    level: str
    cause: str | None
    metric: str | None
    p_24h: float
    p_7d: float
    p_30d: float
    forecaster: str
    version: str
    when_low: float
    when_mid: float
    when_high: float
    life_low: float
    life_mid: float
    life_high: float
    refused: str | None
    action: str | None
    facts: str


@dataclass(frozen=True)
class IntervalRow:
    """A forecast of a value or a date, with the interval that holds it with probability `coverage`."""

    device_id: int
    kind: Literal["limit", "level", "life"]
    horizon: str
    due_at: datetime
    metric: str
    cause: str | None
    low: float | None
    mid: float
    high: float | None
    unit: str
    coverage: float
    forecaster: str
    version: str
    facts: Mapping[str, Any]


def lock(conn: Connection) -> None:
    """Wait for another run that is writing; held until the end of the transaction."""
    conn.execute(_SQL["lock"])


def newest_run(conn: Connection) -> datetime | None:
    """The moment of the newest judgement; None before the first."""
    row = conn.execute(_SQL["newest_run"]).fetchone()
    return None if row is None else row[0]


def in_ledger_since(conn: Connection, since: datetime) -> bool:
    """Whether daily forecasts were made since a moment."""
    return conn.execute(_SQL["ledger_since"], {"since": since}).fetchone() == (True,)


def put_risks(conn: Connection, rows: Sequence[RiskRow], at: datetime, *, everybody: bool) -> int:
    """Write the newest judgements; returns how many rows are of this run.

    Args:
        everybody: these are all devices: rows of others, older than this run, go.
    """
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in RiskRow.__annotations__}
    numbers = {
        name: np.array(values, np.float64)
        for name, values in columns.items()
        if RiskRow.__annotations__[name] == "float"
    }
    columns["device_id"] = np.array(columns["device_id"], np.int64)
    written = conn.execute(_SQL["put_risks"], {**columns, **numbers, "at": at}).rowcount
    if everybody:
        conn.execute(_SQL["drop_risks"], {"at": at})
    return int(written)


def put_failures(
    conn: Connection,
    device_id: npt.NDArray[np.int64],
    probability: npt.NDArray[np.float64],
    *,
    made_at: datetime,
    horizon: str,
    from_at: datetime,
    due_at: datetime,
    base_rate: float,
    forecaster: str,
    version: str,
    reason: Reason,
) -> int:
    """Probabilities of a failure in (from_at, due_at], one per device; returns how many were new."""
    return int(
        conn.execute(
            _SQL["failures"],
            {
                "device_id": device_id, "probability": probability, "made_at": made_at, "horizon": horizon,
                "from_at": from_at, "due_at": due_at, "base_rate": base_rate, "forecaster": forecaster,
                "version": version, "reason": reason, "facts": "{}",
            },
        ).rowcount
    )  # fmt: skip


def put_intervals(conn: Connection, rows: Sequence[IntervalRow], made_at: datetime, reason: Reason) -> int:
    """Forecasts of values and dates; returns how many were new."""
    with conn.cursor() as cursor:
        cursor.executemany(
            _SQL["interval"],
            [
                vars(row)
                | {"facts": orjson.dumps(dict(row.facts)).decode(), "made_at": made_at, "reason": reason}
                for row in rows
                if math.isfinite(row.mid)
            ],
        )  # fmt: skip
        return max(cursor.rowcount, 0)


def levels(conn: Connection) -> dict[str, int]:
    """Devices by level."""
    return dict(conn.execute(_SQL["levels"]).fetchall())


@dataclass(frozen=True)
class Newest:
    """The newest risk of a device, for a list."""

    device_id: int
    name: str
    site: str
    level: str
    metric: str | None
    p_7d: float | None
    when_low: datetime | None
    action: str | None


def worst(conn: Connection, limit: int) -> list[Newest]:
    """The newest risks, the gravest first."""
    return [Newest(*row) for row in conn.execute(_SQL["worst"], {"limit": limit}).fetchall()]
