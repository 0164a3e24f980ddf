"""The scoring state in the database: one live version per shard, and hourly snapshots.

It moves in the same transaction as the scores that it produced, so a killed
run leaves neither, and the next one starts where the last finished one ended.
The fast part of a large shard is kept in pieces: PostgreSQL holds at most 1 GB
in a value, and several times a value's size in memory while it is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.errors import ScoringError, ShardsChanged, StateGone, StateMoved
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/state.sql")

FAST = -1  # the part that every minute needs; slots of the daily profile are 0, 1, ...
CURSOR = -2  # what the readers remember: last samples, last ids
PIECE_BYTES = 64 * 2**20
_PIECES = -100  # the fast part's further pieces are -101, -102, ...

Stored = bytes | bytearray
#: What is written: bytes, or views whose bytes follow each other.
Payload = bytes | Sequence[memoryview]


@dataclass(frozen=True)
class LiveState:
    """Where a shard's scoring stands.

    Attributes:
        watermark: the last minute scored.
        version: grows with every run that moved it.
        shards: how many shards the fleet was split into when it was made.
    """

    watermark: datetime
    version: int
    shards: int


def live(conn: Connection) -> dict[int, LiveState]:
    """Where each shard stands; empty before the first run."""
    return {shard: LiveState(*rest) for shard, *rest in conn.execute(_SQL["live"]).fetchall()}


def live_of(conn: Connection, shard: int, shards: int) -> LiveState | None:
    """The live state's position; None before the shard's first run.

    Raises:
        ShardsChanged: there is state of another number of shards.
        ScoringError: there is no such shard.
    """
    if shard >= shards:
        raise ScoringError(
            f"there is no shard {shard}: scoring.shards is {shards}, so they are 0 to {shards - 1}"
        )
    found = live(conn)
    made_for = sorted({state.shards for state in found.values()} - {shards})
    if made_for:
        raise ShardsChanged(
            f"the scoring state was made for {_counted(made_for[0])}, and scoring.shards now says {shards}: "
            "run `homepot-ai reshard`, which redistributes what was learned (`homepot-ai up` does it at its "
            "start), or set scoring.shards back"
        )
    return found.get(shard)


def require_version(conn: Connection, shard: int, version: int | None) -> None:
    """Raise StateMoved unless the live state still is the version that a run was planned from."""
    found = live(conn).get(shard)
    if (None if found is None else found.version) != version:
        raise _moved(shard)


def live_parts(conn: Connection, shard: int, parts: Sequence[int]) -> dict[int, Stored]:
    """Payloads of these parts of the live state; parts never written are absent."""
    return _read(conn, "live_part", {"shard": shard, "parts": list(parts)})


def snapshot_before(conn: Connection, shard: int, before: datetime, *, shards: int) -> datetime:
    """The newest snapshot from before this minute.

    Raises:
        StateGone: none is that old; the message says from when on minutes can be scored again.
    """
    parameters = {"shard": shard, "before": before, "shards": shards}
    row = conn.execute(_SQL["snapshot_before"], parameters).fetchone()
    if row is not None and row[0] is not None:
        found: datetime = row[0]
        return found
    oldest = conn.execute(_SQL["oldest_snapshot"], parameters).fetchone()
    since = (
        f"minutes after {oldest[0]:%Y-%m-%d %H:%M} UTC can be"
        if oldest is not None and oldest[0] is not None
        else "none is kept yet"
    )
    raise StateGone(
        f"{before:%Y-%m-%d %H:%M} UTC cannot be scored again: no state from before it is kept; {since}. "
        "More are kept with HOMEPOT_AI_SCORING__SNAPSHOT_HOURS and HOMEPOT_AI_SCORING__SNAPSHOT_BYTES; a "
        "change of scoring.shards begins anew"
    )


def snapshot_parts(conn: Connection, shard: int, at: datetime) -> dict[int, Stored]:
    """All parts of one snapshot."""
    return _read(conn, "snapshot_part", {"shard": shard, "at": at})


def advance(
    conn: Connection,
    shard: int,
    *,
    shards: int,
    version: int | None,
    at: datetime,
    parts: Mapping[int, Payload],
    now: datetime,
) -> None:
    """Move the live state to `at`. Call it first in the transaction: it settles who may write.

    Args:
        shards: how many shards the fleet is split into.
        version: the version that the run started from; None when there was none.
        parts: new payloads; the fast part must be among them.

    Raises:
        StateMoved: another run was ahead; write nothing.
    """
    pieces = _pieces(parts[FAST])
    row = {"shard": shard, "shards": shards, "at": at, "now": now}
    first = next(pieces)
    known = {"version": 1 if version is None else version, "payload": first, "checksum": _checksum(first)}
    if conn.execute(_SQL["begin" if version is None else "advance"], row | known).rowcount != 1:
        raise _moved(shard)
    del first, known
    number = 0
    for number, piece in enumerate(pieces, start=1):
        _put(conn, "put_live_part", {**row, "part": _PIECES - number}, piece)
    conn.execute(_SQL["drop_pieces"], {"shard": shard, "last_piece": _PIECES - number})
    for part, payload in parts.items():
        if part != FAST:
            put_live_part(conn, shard, part, payload, shards=shards, at=at, now=now)


def put_live_part(
    conn: Connection, shard: int, part: int, payload: Payload, *, shards: int, at: datetime, now: datetime
) -> None:
    """Write one part of the live state that is not the fast one."""
    row = {"shard": shard, "shards": shards, "at": at, "now": now, "part": part}
    _put(conn, "put_live_part", row, b"".join(_pieces(payload)))


def put_snapshot(
    conn: Connection, shard: int, at: datetime, parts: Mapping[int, Payload], now: datetime, *, shards: int
) -> None:
    """Keep a copy of the state as of `at`, for scoring past minutes again."""
    row = {"shard": shard, "shards": shards, "at": at, "now": now}
    for part, payload in parts.items():
        pieces = _pieces(payload) if part == FAST else iter([b"".join(_pieces(payload))])
        _put(conn, "put_snapshot_part", {**row, "part": part}, next(pieces))
        for number, piece in enumerate(pieces, start=1):
            _put(conn, "put_snapshot_part", {**row, "part": _PIECES - number}, piece)


def forget_snapshots(conn: Connection, shard: int, *, newest: datetime, hours: int, max_bytes: int) -> int:
    """Delete snapshots older than `hours` before the newest, or beyond the size cap; one always stays."""
    return conn.execute(
        _SQL["forget_snapshots"],
        {"shard": shard, "keep_from": newest - timedelta(hours=hours), "keep_bytes": max_bytes},
    ).rowcount


def _read(conn: Connection, statement: str, key: Mapping[str, object]) -> dict[int, Stored]:
    """Parts with their pieces joined; one value is fetched at a time, for each is held twice meanwhile."""
    sizes: dict[int, int] = dict(conn.execute(_SQL[f"{statement}s"], key).fetchall())
    found: dict[int, Stored] = {}
    whole = bytearray(sum(size for part, size in sizes.items() if part == FAST or part < _PIECES))
    filled = 0
    for part in sizes:  # by falling number: the fast part, then its pieces in order
        row = conn.execute(_SQL[statement], {**key, "part": part}, binary=True).fetchone()
        assert row is not None
        payload = _checked(key["shard"], part, *row)
        if part == FAST or part < _PIECES:
            whole[filled : filled + len(payload)] = payload
            filled += len(payload)
            found[FAST] = whole
        else:
            found[part] = payload
    return found


def _pieces(payload: Payload) -> Iterator[bytes]:
    """The payload in pieces of at most PIECE_BYTES; at least one."""
    views = [memoryview(payload)] if isinstance(payload, bytes) else payload
    piece: list[memoryview] = []
    room = PIECE_BYTES
    for view in views:
        rest = view
        while len(rest) > room:
            piece.append(rest[:room])
            yield b"".join(piece)
            rest, piece, room = rest[room:], [], PIECE_BYTES
        piece.append(rest)
        room -= len(rest)
    yield b"".join(piece)


def _put(conn: Connection, statement: str, row: Mapping[str, object], payload: bytes) -> None:
    conn.execute(_SQL[statement], {**row, "payload": payload, "checksum": _checksum(payload)})


def _counted(shards: int) -> str:
    return "1 shard" if shards == 1 else f"{shards} shards"


def _moved(shard: int) -> StateMoved:
    return StateMoved(
        f"another run scored shard {shard} meanwhile; its result stands and this one is dropped"
    )


def _checksum(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def _checked(shard: object, part: int, payload: bytes, checksum: str) -> bytes:
    payload = bytes(payload)
    if _checksum(payload) != checksum:
        raise ScoringError(
            f"part {part} of shard {shard}'s scoring state is damaged (checksum differs): restore "
            "ai_baselines from a backup, or delete the shard's rows there to learn afresh"
        )
    return payload
