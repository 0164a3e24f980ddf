"""A database whose connections are kept for the next request: for a process that serves many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from homepot_ai.store.database import NO_KEYS, Connection, Database
from homepot_ai.store.sealing import Keys

#: Used again within so long, a connection is not asked first whether it still stands.
TRUSTED_S = 1.0


class PooledDatabase(Database):
    """A :class:`Database` that opens a connection once and lends it many times, to any thread.

    What a borrower set (role, time limits, locks of its session) is undone before the next one gets it.
    Threads that borrow are bounded elsewhere, so nobody waits here; of what comes back, `idle` are kept.

    Args:
        statement_seconds: no statement may run longer; a borrower may set less.
    """

    def __init__(
        self,
        url: str,
        schema: str = "homepot_ai",
        homepot_schema: str = "public",
        *,
        keys: Keys = NO_KEYS,
        idle: int = 16,
        statement_seconds: float = 20.0,
    ) -> None:
        super().__init__(url, schema, homepot_schema, keys)
        self.idle, self.statement_seconds = idle, statement_seconds
        self._free: list[tuple[Connection, float]] = []
        self._lock = threading.Lock()

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        conn = self._taken()
        if conn is None:
            conn = self._open()
            self._clean(conn)
            conn.autocommit = False
        try:
            yield conn
        except BaseException:
            self._ended(conn, commit=False)
            raise
        self._ended(conn, commit=True)

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            free, self._free = self._free, []
        for conn, _ in free:
            conn.close()

    def _taken(self) -> Connection | None:
        """A connection that still stands, out of those kept."""
        while True:
            with self._lock:
                if not self._free:
                    return None
                conn, since = self._free.pop()
            try:
                if time.monotonic() - since > TRUSTED_S:
                    conn.execute("SELECT 1")
                conn.autocommit = False
            except psycopg.Error:  # the server was restarted
                conn.close()
                continue
            return conn

    def _ended(self, conn: Connection, *, commit: bool) -> None:
        """Commit or roll back, and keep the connection for the next one."""
        try:
            if not conn.closed and conn.info.transaction_status != TransactionStatus.IDLE:
                conn.commit() if commit else conn.rollback()
            if not conn.closed:
                self._clean(conn)
        except psycopg.Error:
            conn.close()
            if commit:
                raise
        with self._lock:
            if not conn.closed and len(self._free) < self.idle:
                self._free.append((conn, time.monotonic()))
                return
        conn.close()

    def _clean(self, conn: Connection) -> None:
        """As if it were new; it stays in autocommit until somebody takes it."""
        conn.read_only = None
        conn.isolation_level = None
        conn.autocommit = True
        # Statements live as long as a connection: after some runs PostgreSQL would plan them once for all
        # parameters, and one device would be read as if it were the whole fleet (measured: 13 ms, then 900).
        conn.execute(
            sql.SQL(
                "RESET ALL; RESET ROLE; SELECT pg_advisory_unlock_all(); SET TimeZone = 'UTC'; "
                "SET search_path = {}, {}; SET statement_timeout = {}; "
                "SET plan_cache_mode = force_custom_plan"
            ).format(
                sql.Identifier(self.schema),
                sql.Identifier(self.homepot_schema),
                sql.Literal(round(self.statement_seconds * 1000)),
            ),
            prepare=False,  # several statements in one cannot be
        )
