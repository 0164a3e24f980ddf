"""Marked anomalies, read; and `ai_backtests`, where the answers of backtests lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from homepot_ai.errors import NotFound
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/backtest.sql")


@dataclass(frozen=True)
class StoredBacktest:
    """A backtest as it was kept; `result` as JSON."""

    id: int
    asked_at: datetime
    result: Mapping[str, Any]
    pdf: bytes


def marked(
    conn: Connection, devices: Sequence[int], after: datetime, until: datetime, *, at: datetime
) -> list[tuple[int, int, float, float | None, str]]:
    """Judged anomalies of these devices that overlap `(after, until]`, by their start.

    (id, device, start and end in seconds since 1970, 'true' or 'false')

    Args:
        at: marks made later are not known yet.
    """
    parameters = {"devices": list(devices), "after": after, "until": until, "at": at}
    return conn.execute(_SQL["marked"], parameters).fetchall()


def same(
    conn: Connection,
    *,
    range_from: datetime,
    range_until: datetime,
    site_id: int | None,
    configurations: Mapping[str, Any],
    result: Mapping[str, Any],
) -> StoredBacktest | None:
    """A backtest kept before that asked and says the same."""
    row = conn.execute(
        _SQL["same"],
        {
            "range_from": range_from,
            "range_until": range_until,
            "site_id": site_id,
            "configurations": Jsonb(configurations),
            "result": Jsonb(result),
        },
    ).fetchone()
    return None if row is None else StoredBacktest(row[0], row[1], result, bytes(row[2] or b""))


def insert(
    conn: Connection,
    *,
    asked_at: datetime,
    asked_by: str,
    range_from: datetime,
    range_until: datetime,
    site_id: int | None,
    configurations: Mapping[str, Any],
    result: Mapping[str, Any],
    pdf: bytes,
    seconds: float,
) -> int:
    """Keep a backtest; returns its number."""
    row = conn.execute(
        _SQL["insert"],
        {
            "asked_at": asked_at,
            "asked_by": asked_by,
            "range_from": range_from,
            "range_until": range_until,
            "site_id": site_id,
            "configurations": Jsonb(configurations),
            "result": Jsonb(result),
            "pdf": pdf,
            "seconds": seconds,
        },
    ).fetchone()
    assert row is not None
    return int(row[0])


def read(conn: Connection, number: int) -> StoredBacktest:
    """A backtest by its number.

    Raises:
        NotFound: naming the newest numbers.
    """
    row = conn.execute(_SQL["read"], {"id": number}).fetchone()
    if row is None:
        newest = [str(id_) for (id_,) in conn.execute(_SQL["newest"]).fetchall()]
        raise NotFound("backtest", str(number), newest)
    return StoredBacktest(number, row[0], row[1], bytes(row[2] or b""))


def forget_pdfs(conn: Connection, *, before: datetime) -> int:
    """Drop the PDFs of backtests asked before a moment; what was asked and answered stays.

    Returns:
        How many.
    """
    return conn.execute(_SQL["forget_pdfs"], {"before": before}).rowcount
