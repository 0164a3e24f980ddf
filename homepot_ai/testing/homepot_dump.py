"""Load a plain SQL dump of HOMEPOT without psql: SQL is executed, the rows of COPY blocks are streamed."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path
from typing import IO, cast

import psycopg

# pg_dump sets these for its own session; the caller's connection gets its values back.
_SESSION = (
    "search_path", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
    "client_encoding", "check_function_bodies", "xmloption", "client_min_messages", "row_security",
    "default_tablespace", "default_table_access_method",
)  # fmt: skip
_CHUNK = 1 << 20


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.suffix == ".xz":
        return cast("IO[bytes]", lzma.open(path, "rb"))
    return path.open("rb")


def restore(conn: psycopg.Connection, path: Path | str) -> dict[str, int]:
    """Load the dump at `path` into the connection's database; returns the rows loaded per table.

    Shapes: a plain SQL dump (`pg_dump --format=plain --no-owner`), as it is or compressed (.gz, .xz). Its
    commands for psql (lines that begin with a backslash) are left out. Everything happens in the
    transaction of `conn`; committing is the caller's, so a dump that fails half-way leaves nothing behind.

    Errors: psycopg.errors.DuplicateTable when the tables exist already; psycopg.errors.BadCopyFileFormat
    when a row does not fit its table. Does not work with pg_dump's custom or directory formats.

    >>> from homepot_ai.store.database import Database            # doctest: +SKIP
    >>> with Database(url).admin() as conn:                       # doctest: +SKIP
    ...     restore(conn, "tests/data/homepot_reduced.sql.gz")["devices"]
    15
    """
    conn.execute("SELECT 1")  # opens the transaction, so that session values are read inside it
    before = {name: conn.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in _SESSION}
    counts: dict[str, int] = {}
    statements: list[bytes] = []
    with _open(Path(path)) as dump, conn.cursor() as cursor:
        for line in dump:
            if line.startswith(b"COPY ") and line.rstrip().endswith(b"FROM stdin;"):
                _execute(cursor, statements)
                table = line.split(b" ", 2)[1].decode().split(".")[-1].strip('"')
                counts[table] = _copy(cursor, line, dump)
            elif not line.startswith(b"\\"):
                statements.append(line)
        _execute(cursor, statements)
    for name, value in before.items():
        if value is not None:
            conn.execute("SELECT set_config(%s, %s, false)", (name, value[0]))
    return counts


def _execute(cursor: psycopg.Cursor, statements: list[bytes]) -> None:
    text = b"".join(statements)
    statements.clear()
    if text.strip():
        cursor.execute(text)


def _copy(cursor: psycopg.Cursor, line: bytes, dump: IO[bytes]) -> int:
    """Stream one COPY block up to its closing `\\.`; returns the number of rows."""
    rows, waiting, size = 0, [], 0
    with cursor.copy(line.rstrip().rstrip(b";")) as copy:
        for row in dump:
            if row.rstrip(b"\r\n") == b"\\.":
                break
            rows += 1
            waiting.append(row)
            size += len(row)
            if size >= _CHUNK:
                copy.write(b"".join(waiting))
                waiting, size = [], 0
        copy.write(b"".join(waiting))
    return rows
