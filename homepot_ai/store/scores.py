"""Writing what a scoring run found. Every statement may be repeated without a second effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.store import arrays as _arrays  # noqa: F401 - teaches psycopg to bind vectors
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/scores.sql")

# Hourly values written by one statement: what PostgreSQL sorts in memory.
HOUR_VALUES = 250_000


@dataclass(frozen=True)
class ScoreRows:
    """Scores of one or more minutes, one entry per device and minute.

    Attributes:
        device_id: int64 [N]; at: float64 [N], seconds since 1970 UTC.
        score: float32 [N], NaN where there is none.
        status, reason: int16 [N], positions in STATUSES and REASONS; reason -1 where there is none.
        sample_count: int16 [N]; age_s: float32 [N], NaN unknown.
        factor_row: int64 [F], the entries that have factors; factors: [F], JSON text.
    """

    device_id: npt.NDArray[np.int64]
    at: npt.NDArray[np.float64]
    score: npt.NDArray[np.float32]
    status: npt.NDArray[np.int16]
    reason: npt.NDArray[np.int16]
    sample_count: npt.NDArray[np.int16]
    age_s: npt.NDArray[np.float32]
    factor_row: npt.NDArray[np.int64]
    factors: Sequence[str]


def insert_scores(
    conn: Connection, rows: ScoreRows, *, statuses: Sequence[str], reasons: Sequence[str]
) -> tuple[int, int]:
    """Write scores, leaving minutes alone that have one.

    Returns:
        Rows written, and of those that were there already the ones that say the same.
    """
    parameters: dict[str, Any] = {
        "device_id": rows.device_id,
        "at": rows.at,
        "score": rows.score,
        "status": rows.status,
        "statuses": list(statuses),
    }
    more = {
        "reason": rows.reason,
        "reasons": list(reasons),
        "sample_count": rows.sample_count,
        "age": rows.age_s,
        "factor_place": rows.factor_row + 1,
        "factors": list(rows.factors),
    }
    written = conn.execute(_SQL["insert_scores"], parameters | more).rowcount
    if written == len(rows.device_id):
        return written, 0
    row = conn.execute(_SQL["equal_scores"], parameters).fetchone()
    assert row is not None
    return written, int(row[0]) - written


@dataclass(frozen=True)
class GapRows:
    """Devices that were not judged in a minute, one entry each; as in ScoreRows."""

    at: datetime
    device_id: npt.NDArray[np.int64]
    status: npt.NDArray[np.int16]
    reason: npt.NDArray[np.int16]
    age_s: npt.NDArray[np.float32]


def note_gaps(
    conn: Connection,
    gaps: GapRows,
    *,
    shard: int,
    shards: int,
    statuses: Sequence[str],
    reasons: Sequence[str],
) -> None:
    """Begin and end stretches in which devices of a shard are not judged, as of its newest minute."""
    parameters = {
        "at": gaps.at, "device_id": gaps.device_id, "status": gaps.status, "reason": gaps.reason,
        "age": gaps.age_s, "shard": shard, "shards": shards, "statuses": list(statuses),
        "reasons": list(reasons),
    }  # fmt: skip
    conn.execute(_SQL["end_gaps"], parameters)
    if len(gaps.device_id):
        conn.execute(_SQL["begin_gaps"], parameters)


def ensure_partitions(conn: Connection, first: datetime, last: datetime, ahead_days: int = 3) -> int:
    """Make the daily partitions from `first` to `last` and some days ahead; returns how many were new."""
    row = conn.execute(
        _SQL["make_partitions"],
        {
            "first": first.astimezone(UTC).date(),
            "last": (last.astimezone(UTC) + timedelta(days=ahead_days)).date(),
        },
    ).fetchone()
    assert row is not None
    return int(row[0])


@dataclass(frozen=True)
class MinuteCounts:
    """One scored minute of a shard, as kept for our own availability."""

    shard: int
    at: datetime
    devices: int
    healthy: int
    warning: int
    critical: int
    no_data: int
    in_maintenance: int
    not_scored: int
    rows_read: int
    rejected: Mapping[str, int]
    seconds: float
    scored_at: datetime


def insert_minutes(conn: Connection, minutes: Sequence[MinuteCounts]) -> None:
    """Record that these minutes were scored."""
    rows = [{**asdict(m), "rejected": orjson.dumps(dict(m.rejected)).decode()} for m in minutes]
    with conn.cursor() as cursor:
        cursor.executemany(_SQL["insert_minute"], rows)


def newest_minute(conn: Connection, shard: int) -> datetime | None:
    """The last minute that was scored of a shard; None before its first."""
    row = conn.execute(_SQL["newest_minute"], {"shard": shard}).fetchone()
    return None if row is None else row[0]


@dataclass(frozen=True)
class HourRows:
    """A finished hour, one entry per device and metric, sorted by device.

    Attributes:
        device_id: int64 [N]; metric: int32 [N], position in names; n: int32 [N].
        mean, low, high, last: float32 [N], in the metric's unit.
    """

    hour: datetime
    names: Sequence[str]
    device_id: npt.NDArray[np.int64]
    metric: npt.NDArray[np.int32]
    n: npt.NDArray[np.int32]
    mean: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    last: npt.NDArray[np.float32]


def insert_hours(conn: Connection, hours: Sequence[HourRows]) -> None:
    """Write finished hours, one row per device; an hour that is there stays."""
    for hour in hours:
        # A device's values must be in one statement: cut where one begins.
        count = len(hour.device_id)
        begins = np.append(np.flatnonzero(np.diff(hour.device_id, prepend=-1)), count)
        edges = np.unique([*begins[np.searchsorted(begins, np.arange(0, count, HOUR_VALUES))], count])
        for first, last in pairwise(edges.tolist()):
            vectors = {
                name: value[first:last] for name, value in vars(hour).items() if isinstance(value, np.ndarray)
            }
            conn.execute(_SQL["insert_hours"], {**vectors, "hour": hour.hour, "names": list(hour.names)})


@dataclass(frozen=True)
class AnomalyRow:
    """An episode to be opened, worsened or closed.

    `metrics` is JSON text; `strength` are decades above the device's routine, at most so far, and
    `opened_by` is evidence, limit or signal.
    """

    device_id: int
    started_at: datetime
    ended_at: datetime | None
    severity: str
    metric: str | None
    observed: float | None
    low: float | None
    high: float | None
    initial_score: float | None
    peak_score: float | None
    provenance: str | None
    metrics: str
    strength: float | None
    opened_by: str


def write_anomalies(
    conn: Connection,
    *,
    opened: Sequence[AnomalyRow],
    worsened: Sequence[AnomalyRow],
    closed: Sequence[AnomalyRow],
    now: datetime,
) -> None:
    """Bring the anomaly log up to date. What an episode was at its opening is never overwritten."""
    with conn.cursor() as cursor:
        for statement, rows in (
            ("open_anomaly", opened),
            ("worsen_anomaly", worsened),
            ("close_anomaly", closed),
        ):
            if rows:
                cursor.executemany(_SQL[statement], [{**asdict(row), "now": now} for row in rows])


@dataclass(frozen=True)
class EventRow:
    """Something that happened to a device, for the event cache."""

    device_id: int
    t: float
    kind: str
    key: str
    summary: str
    details: Mapping[str, Any] | None = None


def insert_events(conn: Connection, events: Sequence[EventRow], ttl_hours: int) -> None:
    """Add events; the same one (device, kind, time, key) again is brought up to date."""
    unique = {(e.device_id, e.kind, e.t, e.key): e for e in events}.values()
    if not unique:
        return
    conn.execute(
        _SQL["insert_events"],
        {
            "device_id": [e.device_id for e in unique],
            "at": [e.t for e in unique],
            "kind": [e.kind for e in unique],
            "key": [e.key for e in unique],
            "summary": [e.summary for e in unique],
            "details": [orjson.dumps(dict(e.details)).decode() if e.details else None for e in unique],
            "ttl_hours": ttl_hours,
        },
    )
