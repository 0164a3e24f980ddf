"""PostgreSQL itself: room for connections, what holds others up, dead rows, standbys. And the two clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from homepot_ai.errors import DatabaseUnreachable
from homepot_ai.store import named_sql
from homepot_ai.store.checks import ServiceCheck, State, clock_check
from homepot_ai.watch import keys
from homepot_ai.watch.letter import lasted

if TYPE_CHECKING:
    from homepot_ai.store.database import Database

_SQL = named_sql.load("watch/sql/postgres.sql")

CROWDED = 0.9
LONG_TRANSACTION_S = 1800.0
STANDBY_LAG_S = 300.0
SLOT_BYTES = 5e9
# PostgreSQL stops taking writes at 2^31 less three million.
OLD_AGE, LAST_AGE = 1_000_000_000, 2_000_000_000
RESTART_S = 3.0


@dataclass(frozen=True)
class Vitals:
    """What PostgreSQL says of itself.

    Attributes:
        used, allowed: connections; size: of the database, bytes.
        read_only: nothing can be written.
        oldest_s: seconds that the longest transaction lasts; None: none, or not ours to see.
        blocked: sessions that have waited for a lock for more than a minute.
        age: transactions since the oldest row was frozen.
        bloat: (table, dead rows, live rows); standbys: (name, state, seconds behind).
        slots: (name, bytes kept) of slots that nobody reads.
    """

    used: int
    allowed: int
    size: int
    read_only: bool
    oldest_s: float | None
    blocked: int
    age: int
    bloat: tuple[tuple[str, int, int], ...] = ()
    standbys: tuple[tuple[str, str, float | None], ...] = ()
    slots: tuple[tuple[str, float | None], ...] = ()


def probe(
    db: Database, machine: str = "", *, pause: Callable[[float], None] = time.sleep
) -> list[ServiceCheck]:
    """The database and the clock. One that is being restarted is given a moment.

    Raises:
        DatabaseUnreachable: twice.
    """
    try:
        vitals, ahead_s = read(db)
    except DatabaseUnreachable:
        pause(RESTART_S)
        vitals, ahead_s = read(db)
    return [judge(vitals), clock_check(ahead_s, keys.on("clock", machine))]


def read(db: Database) -> tuple[Vitals, float]:
    """What PostgreSQL says of itself, and how many seconds its clock is ahead of ours."""
    # With the login's own rights: a role of ours may not see how long the login's sessions last.
    with db.admin() as conn:
        conn.execute("SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '10s'")
        asked = time.time()
        row = conn.execute(_SQL["vitals"]).fetchone()
        assert row is not None
        used, allowed, size, clock, read_only, oldest, blocked, age = row
        return Vitals(
            used, allowed, size, read_only, oldest, blocked, age,
            tuple((str(a), int(b), int(c)) for a, b, c in conn.execute(_SQL["bloat"], {"schema": db.schema})),
            tuple((str(a), str(b), c) for a, b, c in conn.execute(_SQL["standbys"])),
            tuple((str(a), b) for a, b in conn.execute(_SQL["slots"])),
        ), clock - asked  # fmt: skip


def judge(vitals: Vitals) -> ServiceCheck:
    """One line of it.

    >>> judge(Vitals(95, 97, 12_000_000, False, 5.0, 0, 1000)).detail
    '95 of 97 connections in use; 12 MB'
    """
    state: State = "degraded" if vitals.used > CROWDED * vitals.allowed else "ok"
    said = [f"{vitals.used} of {vitals.allowed} connections in use", f"{vitals.size / 1e6:.0f} MB"]
    worse = []
    if vitals.oldest_s is not None and vitals.oldest_s > LONG_TRANSACTION_S:
        worse.append(f"a transaction lasts for {lasted(timedelta(seconds=vitals.oldest_s))}")
    if vitals.blocked:
        worse.append(f"{vitals.blocked} sessions wait for a lock for more than a minute")
    worse += [f"{name} has {dead:,} dead rows beside {live:,} live ones" for name, dead, live in vitals.bloat]
    for name, how, behind in vitals.standbys:
        if (behind or 0.0) > STANDBY_LAG_S:
            worse.append(f"the standby {name} ({how}) is {lasted(timedelta(seconds=behind or 0.0))} behind")
    worse += [
        f"nobody reads the replication slot {name}, which keeps {kept / 1e9:.0f} GB"
        for name, kept in vitals.slots
        if (kept or 0.0) > SLOT_BYTES and kept is not None
    ]
    if vitals.age > OLD_AGE:
        worse.append(f"{vitals.age / 1e6:.0f} million transactions are not frozen: let VACUUM run")
    if vitals.standbys and not any("standby" in one for one in worse):
        said.append(f"{len(vitals.standbys)} standbys follow")
    if worse:
        state = "degraded"
    if vitals.read_only:
        worse.insert(0, "it is read-only: nothing can be written")
    if vitals.read_only or vitals.age > LAST_AGE:
        state = "down"
    return ServiceCheck("database", state, "; ".join([*worse, *said]))
