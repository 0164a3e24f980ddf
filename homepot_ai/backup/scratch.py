"""A database to try things in: beside the real one where that is allowed, else a server of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import conninfo, sql

from homepot_ai.errors import DatabaseUnreachable, NoMeans
from homepot_ai.store import embedded, named_sql
from homepot_ai.store.database import CONNECT_TIMEOUT_S, Database

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("backup/sql/backup.sql")
#: Where a folder of backups remembers the server that a drill started, so that the next one can end it.
SERVER = ".part-drill-server"


@contextmanager
def database(db: Database, folder: Path) -> Iterator[Database]:
    """An empty database that is gone after the block; also one that a killed drill left goes.

    Args:
        folder: of the backups; whoever holds it is the only one who makes such a database in it.

    Raises:
        BackupError: neither can be made.
    """
    # A server may hold several databases of ours: each has a name of its own to try things in.
    own = zlib.crc32(f"{conninfo.conninfo_to_dict(db.url).get('dbname')}|{folder.resolve()}".encode())
    name = f"{db.schema}_drill_{own:08x}"
    try:
        with _maintenance(db) as conn:
            _drop(conn, name)
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
            )
    except psycopg.errors.InsufficientPrivilege:
        with _own_server(folder) as url:
            yield Database(url, db.schema, db.homepot_schema, db.keys)
        return
    except psycopg.errors.DiskFull as error:
        raise NoMeans(
            "no room is left where the database lies: nothing was restored for the drill"
        ) from error
    try:
        yield Database(conninfo.make_conninfo(db.url, dbname=name), db.schema, db.homepot_schema, db.keys)
    finally:
        with _maintenance(db) as conn:
            _drop(conn, name)


@contextmanager
def _maintenance(db: Database) -> Iterator[Connection]:
    try:
        conn = psycopg.connect(
            db.url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="homepot-ai"
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(f"PostgreSQL does not answer ({str(error).strip()})") from error
    with conn:
        yield conn


def _drop(conn: Connection, name: str) -> None:
    there = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    if there is not None:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    """An embedded server in a temporary folder; its path is short, as its socket's must be."""
    stop_left_over(folder)
    place = Path(tempfile.mkdtemp(prefix="hp-drill-"))
    (folder / SERVER).write_text(str(place), encoding="utf-8")
    try:
        yield embedded.start(place).url
    finally:
        stop_left_over(folder)


def stop_left_over(folder: Path) -> None:
    """Stop the server that a drill started in a folder of its own, and remove it."""
    note = folder / SERVER
    if not note.is_file():
        return
    place = Path(note.read_text(encoding="utf-8").strip())
    # A path from a file: only what we make ourselves is ever removed.
    ours = place.name.startswith("hp-drill-") and place.parent == Path(tempfile.gettempdir())
    if ours and place.is_dir() and not place.is_symlink() and place.stat().st_uid == os.getuid():
        if embedded.running_url(place) is not None:
            embedded.start(place).stop()
        shutil.rmtree(place, ignore_errors=True)
    note.unlink(missing_ok=True)


def loaded_schemas(conn: Connection, names: tuple[str, ...]) -> set[str]:
    """Which of these schemas are in a database."""
    return {row[0] for row in conn.execute(_SQL["schemas"], {"names": list(names)})}
