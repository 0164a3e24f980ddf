"""The scoring state in the database: one live version per shard, and hourly snapshots.

It moves in the same transaction as the scores that it produced, so a killed
run leaves neither, and the next one starts where the last finished one ended.
The fast part lies in `ai_baseline_pages`, in rows that fill a page; its row in
`ai_baselines` has the version and the checksum.
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
PAGE_BYTES = 8000  # with its row's header, what fits in a page of PostgreSQL's
_PAGES_AT_ONCE = 1000

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


def require_shard(shard: int, shards: int) -> None:
    """Raise ScoringError unless there is such a shard: they are counted from 0."""
    if shard >= shards:
        raise ScoringError(
            f"there is no shard {shard}: scoring.shards is {shards}, so they are 0 to {shards - 1}"
        )


def live_of(conn: Connection, shard: int, shards: int) -> LiveState | None:
    """The live state's position; None before the shard's first run.

    Raises:
        ShardsChanged: there is state of another number of shards.
        ScoringError: there is no such shard.
    """
    require_shard(shard, shards)
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
    found = live(conn).get(shard)
    return {} if found is None else _read(conn, "live_parts", shard, found.watermark, parts)


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
    return _read(conn, "snapshot_parts", shard, at)


def advance(
    conn: Connection,
    shard: int,
    *,
    shards: int,
    version: int | None,
    at: datetime,
    parts: Mapping[int, Payload],
    now: datetime,
    begin_with: int = 1,
) -> None:
    """Move the live state to `at`. Call it first in the transaction: it settles who may write.

    Args:
        shards: how many shards the fleet is split into.
        version: the version that the run started from; None when there was none.
        parts: new payloads; the fast part must be among them.
        begin_with: the version of a state that was not there.

    Raises:
        StateMoved: another run was ahead; write nothing.
    """
    row = {"shard": shard, "shards": shards, "at": at, "now": now}
    statement = "advance" if version is not None else "begin"
    known = {"version": version or begin_with, "payload": b"", "checksum": _checksum(parts[FAST])}
    if conn.execute(_SQL[statement], row | known).rowcount != 1:
        raise _moved(shard)
    conn.execute(_SQL["drop_live_pages"], row)
    _put_pages(conn, shard, True, at, parts[FAST])
    for part, payload in parts.items():
        if part != FAST:
            put_live_part(conn, shard, part, payload, shards=shards, at=at, now=now)


def put_live_part(
    conn: Connection, shard: int, part: int, payload: Payload, *, shards: int, at: datetime, now: datetime
) -> None:
    """Write one part of the live state that is not the fast one."""
    row = {"shard": shard, "shards": shards, "at": at, "now": now, "part": part}
    content = b"".join(_views(payload))
    conn.execute(_SQL["put_live_part"], {**row, "payload": content, "checksum": _checksum(content)})


def put_snapshot(
    conn: Connection, shard: int, at: datetime, parts: Mapping[int, Payload], now: datetime, *, shards: int
) -> None:
    """Keep a copy of the state as of `at`, for scoring past minutes again."""
    row = {"shard": shard, "shards": shards, "at": at, "now": now}
    for part, payload in parts.items():
        content = b"" if part == FAST else b"".join(_views(payload))
        known = {"part": part, "payload": content, "checksum": _checksum(payload)}
        new = conn.execute(_SQL["put_snapshot_part"], row | known).rowcount == 1
        if new and part == FAST:
            _put_pages(conn, shard, False, at, payload)


def slots(conn: Connection) -> list[int]:
    """The profile slots that any shard's live state has."""
    return [int(row[0]) for row in conn.execute(_SQL["slots"]).fetchall()]


def drop_live_parts(conn: Connection, parts: Sequence[int]) -> None:
    """Remove these parts of every shard's live state, to write them anew in the same transaction."""
    for part in parts:
        conn.execute(_SQL["drop_live_part"], {"part": part})
    if FAST in parts:
        conn.execute(_SQL["drop_all_live_pages"])


def foreign(conn: Connection, magic: bytes) -> list[int]:
    """Shards whose live state another version of the program made: it does not begin with `magic`."""
    return [shard for (shard,) in conn.execute(_SQL["foreign"], {"magic": magic}).fetchall()]


def drop_foreign(conn: Connection, magic: bytes) -> list[int]:
    """Remove what these shards have, and end the episodes that only they know; returns which."""
    shards = foreign(conn, magic)
    for statement in ("close_episodes", "drop_pages_of", "drop_state_of") if shards else ():
        conn.execute(_SQL[statement], {"shards": shards})
    return shards


def drop_snapshots(conn: Connection) -> None:
    """Remove every shard's snapshots."""
    conn.execute(_SQL["drop_snapshots"])


def forget_snapshots(conn: Connection, shard: int, *, newest: datetime, hours: int, max_bytes: int) -> int:
    """Delete snapshots older than `hours` before the newest, or beyond the size cap; one always stays."""
    return conn.execute(
        _SQL["forget_snapshots"],
        {"shard": shard, "keep_from": newest - timedelta(hours=hours), "keep_bytes": max_bytes},
    ).rowcount


def _read(
    conn: Connection, statement: str, shard: int, at: datetime, parts: Sequence[int] = ()
) -> dict[int, Stored]:
    key = {"shard": shard, "at": at, "parts": list(parts), "live": statement == "live_parts"}
    found: dict[int, Stored] = {}
    for part, payload, checksum in conn.execute(_SQL[statement], key, binary=True).fetchall():
        # Before there were pages, the fast part lay in its row.
        content = _read_pages(conn, key) if part == FAST and not payload else payload
        if _checksum(content) != checksum:
            raise ScoringError(
                f"part {part} of shard {shard}'s scoring state is damaged (checksum differs): restore "
                "ai_baselines and ai_baseline_pages from a backup, or delete the shard's rows there to learn "
                "afresh"
            )
        found[part] = content
    return found


def _read_pages(conn: Connection, key: Mapping[str, object]) -> bytearray:
    content = bytearray()
    with conn.cursor("pages", binary=True) as cursor:
        cursor.execute(_SQL["pages"], key)
        while pages := cursor.fetchmany(_PAGES_AT_ONCE):
            for (page,) in pages:
                content += page
    return content


def _put_pages(conn: Connection, shard: int, live: bool, at: datetime, payload: Payload) -> None:
    with conn.cursor() as cursor, cursor.copy(_SQL["copy_pages"]) as copy:
        copy.set_types(["int4", "bool", "timestamptz", "int4", "bytea"])
        for number, page in enumerate(_pages(payload)):
            copy.write_row((shard, live, at, number, page))


def _pages(payload: Payload) -> Iterator[bytes]:
    """The payload cut into pages, without a copy of all of it.

    >>> [len(page) for page in _pages([memoryview(bytes(9000)), memoryview(bytes(7500))])]
    [8000, 8000, 500]
    """
    begun: list[memoryview] = []
    room = PAGE_BYTES
    for view in _views(payload):
        at = 0
        while len(view) - at >= room:
            yield b"".join([*begun, view[at : at + room]])
            at, begun, room = at + room, [], PAGE_BYTES
        if at < len(view):
            begun.append(view[at:])
            room -= len(view) - at
    if begun:
        yield b"".join(begun)


def _views(payload: Payload) -> Sequence[memoryview]:
    return [memoryview(payload)] if isinstance(payload, bytes) else payload


def _counted(shards: int) -> str:
    return "1 shard" if shards == 1 else f"{shards} shards"


def _moved(shard: int) -> StateMoved:
    return StateMoved(
        f"another run scored shard {shard} meanwhile; its result stands and this one is dropped"
    )


def _checksum(payload: Payload | bytearray) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for view in [memoryview(payload)] if isinstance(payload, bytearray) else _views(payload):
        digest.update(view)
    return digest.hexdigest()
