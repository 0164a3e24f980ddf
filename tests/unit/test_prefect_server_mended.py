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
    prefect_server.close_failed_cursors()
    prefect_server.close_failed_cursors()
    assert asyncio.run(stands_still(tmp_path / "mended.db", cancelled)) < BUSY_S / 3


def test_the_server_that_is_started_has_it() -> None:
    command = supervisor.server_command(Settings())
    assert command[1:5] == ["-m", "deployments.prefect_server", "server", "start"]
