"""Whose turn it is: one advisory lock per shard, held by a connection that does nothing else.

A run that finds the lock taken leaves the work to the other one. PostgreSQL frees the lock when its
connection ends, whatever happened to the process; if the connection is lost while the run goes on, two
may score, and the condition on the state's version decides whose result counts (store/state.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from homepot_ai.errors import ScoringError
from homepot_ai.store import named_sql
from homepot_ai.store.database import Database

_SQL = named_sql.load("store/sql/locks.sql")


@contextmanager
def shard(db: Database, number: int) -> Iterator[bool]:
    """Hold a shard until the end of the block, if it is free; what is yielded says whether it was."""
    with db.session() as conn:
        row = conn.execute(_SQL["try"], {"schema": db.schema, "shard": number}).fetchone()
        yield row == (True,)


@contextmanager
def all_shards(db: Database, count: int, *, patience_s: int) -> Iterator[None]:
    """Hold the shards 0 to `count` - 1, waiting for runs that are under way.

    Raises:
        ScoringError: one was busy for too long.
    """
    with db.session() as conn:
        conn.execute("SELECT set_config('lock_timeout', %s, false)", [f"{patience_s}s"])
        for number in range(count):
            try:
                conn.execute(_SQL["wait"], {"schema": db.schema, "shard": number})
            except psycopg.errors.LockNotAvailable as error:
                raise ScoringError(
                    f"shard {number} was being scored for {patience_s} s: wait until its run has ended (a "
                    "first run may learn for minutes), or cancel it in the Prefect UI, and try again"
                ) from error
        yield


@contextmanager
def model_turn(db: Database, server: str, *, patience_s: float) -> Iterator[bool]:
    """Hold the one turn at a language model's server; what is yielded says whether it was free in time.

    Whatever process asks, of whatever pod in this database: a server of small models answers one question
    well and four badly.
    """
    with db.session() as conn:
        # 0 would mean to wait for ever.
        conn.execute("SELECT set_config('lock_timeout', %s, false)", [f"{max(1, int(patience_s * 1000))}ms"])
        try:
            conn.execute(_SQL["model_turn"], {"server": server})
        except psycopg.errors.LockNotAvailable:
            yield False
            return
        yield True
