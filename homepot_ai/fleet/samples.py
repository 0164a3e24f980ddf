"""Reading HOMEPOT's `device_metrics`: a stretch of time, and what came in since the last look."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import ServerCursor

from homepot_ai.fleet.parsing import build_blocks
from homepot_ai.fleet.records import Counters, Samples, Seen
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("fleet/sql/samples.sql")

# How far ids may run ahead of time: slow transactions, and several writers at once.
ID_SLACK = 2_000
# Rows held as Python objects at once, about 100 MB of them at 50 metrics.
BLOCK_ROWS = 20_000
_DEVICE = 2  # the column of telemetry_window that holds the device


def read_window(
    conn: Connection,
    after: datetime,
    until: datetime,
    *,
    late_after: datetime | None = None,
    seen: Seen | None = None,
    counters: Counters | None = None,
    only: Sequence[int] | None = None,
    shard: int = 0,
    shards: int = 1,
) -> Samples:
    """Telemetry with `after < timestamp <= until`; one query, no row loop over values.

    HOMEPOT's times are naive UTC; aware ones go in and seconds since 1970 come out.

    Args:
        late_after: also rows of `(late_after, after]` that were stored since the last look.
        seen: what earlier runs have taken.
        counters: transaction counters as seen before this window.
        only: of these devices; None: of the whole shard.
    """
    parameters = {
        "after": naive(after),
        "until": naive(until),
        "late_after": naive(late_after or after),
        "above_id": max(0, seen.last_id - ID_SLACK) if seen else 0,
        # Of devices that already have newer rows what comes later still is of no use.
        "behind": seen.behind(seen.until - 60.0).tolist() if seen else [],
        "only": None if only is None else list(only),
        "shard": shard,
        "shards": shards,
    }
    # All rows are wanted, which a cursor's plan must be told; sorting them must not go to the disk.
    conn.execute("SET LOCAL cursor_tuple_fraction = 1.0")
    conn.execute("SET LOCAL work_mem = '64MB'")
    with conn.cursor("telemetry", binary=True) as cursor:
        cursor.execute(_SQL["telemetry_window"], parameters)
        return build_blocks(_whole_devices(cursor), counters, seen)


def _whole_devices(cursor: ServerCursor[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows in blocks that end where a device ends."""
    held: list[tuple[Any, ...]] = []
    while fetched := cursor.fetchmany(BLOCK_ROWS):
        held += fetched
        last = held[-1][_DEVICE]
        cut = next((i for i in range(len(held) - 1, -1, -1) if held[i][_DEVICE] != last), -1) + 1
        if cut:
            yield held[:cut]
            held = held[cut:]
    yield held


@dataclass(frozen=True)
class Arrivals:
    """What came in since the last look, whatever time it claims.

    Attributes:
        newest_id: highest row number now, or the last one again.
        late: rows that came too late to be scored.
        future_ids: rows that claim a time still to come; they are never scored.
    """

    newest_id: int
    late: int
    future_ids: frozenset[int]


def read_arrivals(
    conn: Connection,
    last_id: int,
    *,
    late_before: datetime,
    future_after: datetime | None,
    future_ids: Collection[int] = (),
    shard: int,
    shards: int,
) -> Arrivals:
    """Count rows since `last_id` that cannot be scored because of their time.

    With no `last_id` yet (0) nothing is late: everything is history.

    Args:
        future_after: rows later than this claim the future; None when nobody can tell.
        future_ids: rows that did so before; they are remembered until their time is past.
    """
    parameters = {"last_id": last_id, "late_before": naive(late_before), "shard": shard, "shards": shards}
    name = "newest_row" if last_id else "first_look"
    newest, late = conn.execute(_SQL[name], parameters).fetchone() or (None, 0)
    future: list[tuple[int, object]] = []
    if future_after is not None:
        parameters |= {"after": naive(future_after), "known": list(future_ids)}
        future = conn.execute(_SQL["future_rows"], parameters).fetchall()
    return Arrivals(
        newest_id=max(last_id, int(newest or 0)),
        late=int(late),
        future_ids=frozenset(int(row[0]) for row in future),
    )


def history_bounds(
    conn: Connection,
    after: datetime,
    until: datetime,
    *,
    only: Sequence[int] | None = None,
    shard: int = 0,
    shards: int = 1,
) -> tuple[datetime | None, datetime | None, int]:
    """First and last time (aware) and number of rows in `(after, until]`, also `only` of these devices."""
    devices = None if only is None else list(only)
    row = conn.execute(
        _SQL["history_bounds"],
        {"after": naive(after), "until": naive(until), "only": devices, "shard": shard, "shards": shards},
    ).fetchone()
    assert row is not None
    first, last, n = row
    return _aware(first), _aware(last), int(n)


def naive(moment: datetime) -> datetime:
    """An aware time as HOMEPOT's naive tables hold it: UTC without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; pass an aware time")
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: object) -> datetime | None:
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None
