"""What the Prefect server is started with: a failed statement does not stop it on SQLite."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
import time
from pathlib import Path

import aiosqlite
import pytest
from aiosqlite.cursor import Cursor
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from deployments import prefect_server, supervisor
from homepot_ai.settings import Settings

BUSY_S = 6.0


async def stands_still(path: Path, cancelled: bool) -> float:
    """How long the loop stands when a failed cursor is collected while its connection waits for a lock."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA journal_mode = WAL")
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN IMMEDIATE")
    connection = await aiosqlite.connect(path, isolation_level=None, timeout=0.5 if cancelled else 0)
    cursor = await connection.cursor()
    if cancelled:
        request = asyncio.create_task(cursor.execute("INSERT INTO t VALUES (1)"))
        await asyncio.sleep(0.1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        del request
    else:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await cursor.execute("INSERT INTO t VALUES (1)")
    await connection.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")
    waiting = asyncio.create_task(connection.execute("INSERT INTO t VALUES (2)"))
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    del cursor
    gc.collect()
    took = time.monotonic() - begun
    holder.execute("COMMIT")
    with contextlib.suppress(sqlite3.OperationalError):  # where it stood still, it has waited in vain
        await waiting
    await connection.close()
    holder.close()
    return took


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_statement_that_failed_never_stops_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    monkeypatch.setattr(Cursor, "_execute", Cursor._execute)
    assert prefect_server.close_failed_cursors()
    mended = Cursor._execute
    assert prefect_server.close_failed_cursors()
    assert Cursor._execute is mended, "once"
    assert asyncio.run(stands_still(tmp_path / "mended.db", cancelled)) < BUSY_S / 3


def test_what_fails_through_the_servers_own_way_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through SQLAlchemy's dialect, as Prefect has it, the cursor of a failed statement is closed."""
    monkeypatch.setattr(Cursor, "_execute", Cursor._execute)
    made: list[sqlite3.Cursor] = []
    begin = Cursor.__init__

    def note(self: Cursor, connection: aiosqlite.Connection, cursor: sqlite3.Cursor) -> None:
        made.append(cursor)
        begin(self, connection, cursor)

    monkeypatch.setattr(Cursor, "__init__", note)

    async def fail() -> Exception:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'server.db'}")
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError) as failed:
                await connection.execute(text("INSERT INTO nowhere VALUES (1)"))
            await connection.execute(text("SELECT 1"))  # comes after the close
        await engine.dispose()
        return failed.value

    prefect_server.close_failed_cursors()
    assert "no such table" in str(asyncio.run(fail()))
    for cursor in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            cursor.fetchone()


def test_the_server_that_is_started_has_it() -> None:
    command = supervisor.server_command(Settings())
    assert command[1:5] == ["-m", "deployments.prefect_server", "server", "start"]
