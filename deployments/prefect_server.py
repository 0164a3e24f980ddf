"""`prefect` with a fault of its server on SQLite mended: `python -m deployments.prefect_server server start`.

A statement that ends with *database is locked* leaves a cursor behind that nobody closed, in the cycle of
its traceback. The garbage collector ends it at some later moment in the thread of the event loop, and SQLite
lets it wait there for as long as another statement waits for the lock on the same connection: up to 60 s, in
which the whole server stands still, so that who has the lock cannot give it back either. With the workers
of two pods that was every few minutes; docs/prefect.md tells how it was found.
"""

from __future__ import annotations

from typing import Any


def close_failed_cursors() -> bool:
    """Close each cursor of aiosqlite that failed or was given up, at once, in the thread of its connection.

    There the close comes after whatever runs, and waits for nothing. Safe to repeat.

    Returns:
        False where this aiosqlite is made otherwise: the server then runs as it is.
    """
    from aiosqlite.core import Connection
    from aiosqlite.cursor import Cursor

    original = getattr(Cursor, "_execute", None)
    if original is None or "_tx" not in Connection.__init__.__code__.co_names:
        return False
    if hasattr(original, "closes_what_fails"):
        return True

    async def execute(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, function, *args, **kwargs)
        except BaseException:  # a request that was cancelled leaves one behind as well
            self._conn._tx.put_nowait((None, self._cursor.close))
            raise

    execute.closes_what_fails = True  # type: ignore[attr-defined]
    Cursor._execute = execute
    return True


if __name__ == "__main__":
    if not close_failed_cursors():
        print(
            "this aiosqlite is not as deployments/prefect_server.py knows it: SQLite may hold the server up"
        )
    from prefect.cli import app

    app()
