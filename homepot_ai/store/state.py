"""The scoring state in the database: one live version per shard, and hourly snapshots.

It moves in the same transaction as the scores that it produced, so a killed
run leaves neither, and the next one starts where the last finished one ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.errors import ScoringError, StateGone, StateMoved
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/state.sql")

FAST = -1  # the part that every minute needs; slots of the daily profile are 0, 1, ...
CURSOR = -2  # what the readers remember: last samples, last ids


@dataclass(frozen=True)
class LiveState:
    """Where a shard's scoring stands.

    Attributes:
        watermark: the last minute scored.
        version: grows with every run that moved it.
    """

    watermark: datetime
    version: int


def live(conn: Connection, shard: int) -> LiveState | None:
    """The live state's position; None before the first run."""
    row = conn.execute(_SQL["live"], {"shard": shard}).fetchone()
    return None if row is None else LiveState(row[0], row[1])


def require_version(conn: Connection, shard: int, version: int | None) -> None:
    """Raise StateMoved unless the live state still is the version that a run was planned from."""
    found = live(conn, shard)
    if (None if found is None else found.version) != version:
        raise _moved(shard)


def live_parts(conn: Connection, shard: int, parts: Sequence[int]) -> dict[int, bytes]:
    """Payloads of these parts of the live state; parts never written are absent."""
    rows = conn.execute(_SQL["live_parts"], {"shard": shard, "parts": list(parts)}, binary=True).fetchall()
    return {part: _checked(shard, part, payload, checksum) for part, payload, checksum in rows}


def snapshot_before(conn: Connection, shard: int, before: datetime) -> datetime:
    """The newest snapshot from before this minute.

    Raises:
        StateGone: none is that old; the message says from when on minutes can be scored again.
    """
    row = conn.execute(_SQL["snapshot_before"], {"shard": shard, "before": before}).fetchone()
    if row is not None and row[0] is not None:
        found: datetime = row[0]
        return found
    oldest = conn.execute(_SQL["oldest_snapshot"], {"shard": shard}).fetchone()
    since = (
        f"minutes after {oldest[0]:%Y-%m-%d %H:%M} UTC can be"
        if oldest is not None and oldest[0] is not None
        else "none is kept yet"
    )
    raise StateGone(
        f"{before:%Y-%m-%d %H:%M} UTC cannot be scored again: no state from before it is kept; {since}. "
        "More are kept with HOMEPOT_AI_SCORING__SNAPSHOT_HOURS"
    )


def snapshot_parts(conn: Connection, shard: int, at: datetime) -> dict[int, bytes]:
    """All parts of one snapshot."""
    rows = conn.execute(_SQL["snapshot_parts"], {"shard": shard, "at": at}, binary=True).fetchall()
    return {part: _checked(shard, part, payload, checksum) for part, payload, checksum in rows}


def advance(
    conn: Connection,
    shard: int,
    *,
    version: int | None,
    at: datetime,
    parts: Mapping[int, bytes],
    now: datetime,
) -> None:
    """Move the live state to `at`. Call it first in the transaction: it settles who may write.

    Args:
        version: the version that the run started from; None when there was none.
        parts: new payloads; the fast part must be among them.

    Raises:
        StateMoved: another run was ahead; write nothing.
    """
    fast = parts[FAST]
    statement = _SQL["begin"] if version is None else _SQL["advance"]
    parameters = {"shard": shard, "at": at, "version": version, "now": now}
    parameters |= {"payload": fast, "checksum": _checksum(fast)}
    if conn.execute(statement, parameters).rowcount != 1:
        raise _moved(shard)
    _put(conn, "put_live_part", shard, at, {p: v for p, v in parts.items() if p != FAST}, now)


def put_snapshot(
    conn: Connection, shard: int, at: datetime, parts: Mapping[int, bytes], now: datetime
) -> None:
    """Keep a copy of the state as of `at`, for scoring past minutes again."""
    _put(conn, "put_snapshot_part", shard, at, parts, now)


def forget_snapshots(conn: Connection, shard: int, *, newest: datetime, hours: int, max_bytes: int) -> int:
    """Delete snapshots older than `hours` before the newest, or beyond the size cap."""
    return conn.execute(
        _SQL["forget_snapshots"],
        {"shard": shard, "keep_from": newest - timedelta(hours=hours), "keep_bytes": max_bytes},
    ).rowcount


def _put(
    conn: Connection, statement: str, shard: int, at: datetime, parts: Mapping[int, bytes], now: datetime
) -> None:
    rows = [
        {"shard": shard, "at": at, "part": p, "payload": v, "checksum": _checksum(v), "now": now}
        for p, v in parts.items()
    ]
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(_SQL[statement], rows)


def _moved(shard: int) -> StateMoved:
    return StateMoved(
        f"another run scored shard {shard} meanwhile; its result stands and this one is dropped"
    )


def _checksum(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def _checked(shard: int, part: int, payload: bytes, checksum: str) -> bytes:
    payload = bytes(payload)
    if _checksum(payload) != checksum:
        raise ScoringError(
            f"part {part} of shard {shard}'s scoring state is damaged (checksum differs): restore "
            "ai_baselines from a backup, or delete the shard's rows there to learn afresh"
        )
    return payload
