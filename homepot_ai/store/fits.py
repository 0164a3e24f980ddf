"""Fitted baselines: versions, the record of every fit, and the hours that they are made from.

A version's parts, its row and the switch are one transaction: a killed fit leaves nothing, and no minute
sees half a version. Rows are kept for good; parts of the versions that a minute may still ask for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.errors import NotFound, ScoringError
from homepot_ai.store import arrays, named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/fits.sql")

#: Versions whose parts are kept: the one in force and three before it.
KEEP = 4


@dataclass(frozen=True)
class Adopted:
    """A version that is or was in force; `kept`: its parts are still there."""

    version: int
    fitted_at: datetime
    kept: bool


@dataclass(frozen=True)
class FitRow:
    """One row of ai_baseline_fits; errors in spreads of a series, None where there was nothing to check."""

    version: int
    fitted_at: datetime
    data_from: datetime
    data_until: datetime
    series: int
    payload_bytes: int
    error_new: float | None
    error_old: float | None
    error_without: float | None
    adopted: bool
    in_force: bool
    reason: str
    details: Mapping[str, Any]


def adopted(conn: Connection, shard: int, until: datetime) -> list[Adopted]:
    """Versions stored up to a moment that were to be used, oldest first."""
    rows = conn.execute(_SQL["adopted"], {"shard": shard, "until": until}).fetchall()
    return [Adopted(*row) for row in reversed(rows)]


def recent(conn: Connection, shard: int, limit: int = 10) -> list[FitRow]:
    """The last fits of a shard, newest first."""
    return [FitRow(*row) for row in conn.execute(_SQL["recent"], {"shard": shard, "limit": limit}).fetchall()]


def of_data(conn: Connection, shard: int, data_until: datetime) -> int | None:
    """The version that was fitted on hours up to exactly this one, whether adopted or not."""
    row = conn.execute(_SQL["of_data"], {"shard": shard, "data_until": data_until}).fetchone()
    return None if row is None else int(row[0])


def newest_data(conn: Connection, shard: int) -> datetime | None:
    """Up to where the hours of any fit of this shard reach."""
    row = conn.execute(_SQL["newest"], {"shard": shard}).fetchone()
    found: datetime | None = row[2] if row is not None else None
    return found


def parts(conn: Connection, shard: int, fitted_at: datetime, wanted: Sequence[int]) -> dict[int, bytes]:
    """Payloads of these parts of a version; parts that are gone are absent.

    Raises:
        ScoringError: a payload is damaged.
    """
    found = {}
    parameters = {"shard": shard, "at": fitted_at, "parts": list(wanted)}
    for part, payload, checksum in conn.execute(_SQL["parts"], parameters, binary=True).fetchall():
        if _checksum(payload) != checksum:
            raise ScoringError(
                f"part {part} of shard {shard}'s baseline of {fitted_at:%Y-%m-%d %H:%M} UTC is damaged "
                "(checksum differs): homepot-ai run learn-baselines -p use_version=N puts another in force"
            )
        found[part] = bytes(payload)
    return found


def store(
    conn: Connection,
    shard: int,
    row: Mapping[str, Any],
    payloads: Iterable[tuple[int, bytes]],
    *,
    shards: int,
    now: datetime,
    keep_hours: int,
) -> int:
    """Record a fit and, where `row["adopted"]`, keep its parts and put it in force.

    Nothing is done when the same hours were fitted before: that fit's version is returned.

    Args:
        row: the columns of ai_baseline_fits but shard, version, fitted_at and payload_bytes.
        payloads: parts, made one at a time; not asked for when the version is not adopted.
        keep_hours: how far back minutes can be scored again.

    Returns:
        The version.
    """
    version, fitted_at = _next(conn, shard, now)
    known = of_data(conn, shard, row["data_until"])
    if known is not None and "put_back" not in row["details"]:
        return known
    stored = 0
    if row["adopted"]:
        for part, payload in payloads:
            put_part(conn, shard, version, fitted_at, part, payload, shards)
            stored += len(payload)
    _record(conn, shard, version, fitted_at, {**row, "payload_bytes": stored}, keep_hours)
    return version


def begin_moving(conn: Connection, shards: int) -> None:
    """Put all shards' parts aside, as those of shards -1, -2 ..., to write them anew in this transaction."""
    for shard in range(shards):
        conn.execute(_SQL["lock"], {"shard": shard})
    conn.execute(_SQL["move_aside"])


def record_moved(conn: Connection, shard: int, row: FitRow) -> None:
    """Record a version of another layout as one of this: when it was fitted stays, so when it counts does."""
    conn.execute(_SQL["leave_force"], {"shard": shard})
    told = {**vars(row), "shard": shard, "details": orjson.dumps(dict(row.details)).decode()}
    conn.execute(_SQL["record"], told)


def end_moving(conn: Connection) -> None:
    """Remove what was put aside; its records stay, as of versions that are no longer used."""
    conn.execute(_SQL["drop_aside"])


def retire(conn: Connection) -> None:
    """No version that there is counts any more."""
    conn.execute(_SQL["retire"])


def put_back(
    conn: Connection, shard: int, version: int, *, reason: str, now: datetime, keep_hours: int
) -> int:
    """Put the content of an earlier version in force again, as a new version.

    Raises:
        NotFound: its parts are not kept.
    """
    new, fitted_at = _next(conn, shard, now)
    parameters = {"shard": shard, "at": fitted_at, "version": new, "from_version": version}
    if not conn.execute(_SQL["copy_parts"], parameters).rowcount:
        kept = [str(a.version) for a in adopted(conn, shard, fitted_at) if a.kept]
        raise NotFound(f"kept baseline of shard {shard}", str(version), [*kept, "0 (none)"])
    (told,) = (row for row in recent(conn, shard, limit=10_000) if row.version == version)
    row = vars(told) | {"adopted": True, "reason": reason, "details": {**told.details, "put_back": version}}
    _record(conn, shard, new, fitted_at, row, keep_hours)
    return new


def _next(conn: Connection, shard: int, now: datetime) -> tuple[int, datetime]:
    """Number and time of the next version; call it first in the transaction."""
    conn.execute(_SQL["lock"], {"shard": shard})
    last = conn.execute(_SQL["newest"], {"shard": shard}).fetchone()
    if last is None or last[0] is None:
        return 1, now
    before: datetime = last[1]
    # Versions follow each other also where a clock was set back.
    return int(last[0]) + 1, max(now, before + timedelta(seconds=1))


def _record(
    conn: Connection, shard: int, version: int, fitted_at: datetime, row: Mapping[str, Any], keep_hours: int
) -> None:
    if row["adopted"]:
        conn.execute(_SQL["leave_force"], {"shard": shard})
    told = {**row, "shard": shard, "version": version, "fitted_at": fitted_at}
    conn.execute(_SQL["record"], told | {"details": orjson.dumps(row["details"]).decode()})
    keep_from = fitted_at - timedelta(hours=keep_hours + 24)
    conn.execute(_SQL["forget_parts"], {"shard": shard, "keep": KEEP, "keep_from": keep_from})


def put_part(
    conn: Connection, shard: int, version: int, at: datetime, part: int, payload: bytes, shards: int
) -> None:
    """Write one part of a version."""
    parameters = {"shard": shard, "at": at, "part": part, "version": version, "shards": shards}
    conn.execute(_SQL["put_part"], parameters | {"payload": payload, "checksum": _checksum(payload)})


def _checksum(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


@dataclass(frozen=True)
class DeviceHours:
    """Hours of a device in which it had the same metrics.

    Attributes:
        hour: int64 [H], hours since the window's beginning; mean: float32 [H, M], in the metrics' units.
    """

    device_id: int
    metrics: Sequence[str]
    hour: npt.NDArray[np.int64]
    mean: npt.NDArray[np.float32]


def hour_means(
    conn: Connection, devices: Sequence[int], since: datetime, until: datetime
) -> list[DeviceHours]:
    """Hour means of some devices, in no order."""
    parameters = {"devices": list(devices), "since": since, "until": until}
    return [
        DeviceHours(device, metrics, arrays.unpack(hour).astype(np.int64), arrays.unpack(mean))
        for device, metrics, hour, mean in conn.execute(_SQL["hour_means"], parameters, binary=True)
    ]


def anomalies(
    conn: Connection, devices: Sequence[int], since: datetime, until: datetime
) -> list[tuple[int, float, float]]:
    """Episodes in a window: device, beginning and end in epoch seconds (an open one lasts to `until`)."""
    parameters = {"devices": list(devices), "since": since, "until": until}
    return conn.execute(_SQL["anomalies"], parameters).fetchall()
