"""Taking a backup: everything as it was at one moment, in a folder.

The order is what makes it one moment: who writes the index is kept out, a snapshot of the database is
exported, the index is copied and asked; then writers may go on, while pg_dump and the counts read that
snapshot for as long as they need.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homepot_ai.backup import archive, belongings, counting, golden, tools
from homepot_ai.backup.records import DUMP, FORMAT, INDEX, PROGRAM, Golden, Manifest
from homepot_ai.errors import IndexUnavailable, RecallError
from homepot_ai.memory import embedder
from homepot_ai.memory.index import Folder
from homepot_ai.store import memory as store
from homepot_ai.store import migrate, named_sql

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("backup/sql/backup.sql")
#: Called with what is done now.
Told = Callable[[str], None]
#: Who embeds patterns does so for seconds; who rebuilds the index, for minutes: that one is not waited for.
PATIENCE_S = 20.0


def schemas_of(db: Database, settings: Settings) -> tuple[str, ...]:
    """What is dumped: our schema, and HOMEPOT's where the database is the embedded one or it is wished."""
    whole = settings.backup.whole_database
    if whole is None:
        whole = settings.database_url is None
    return (db.schema, db.homepot_schema) if whole else (db.schema,)


def take(
    db: Database, settings: Settings, staging: Path, *, name: str, at: datetime,
    blocks: Sequence[Mapping[str, Any]], told: Told,
) -> Manifest:  # fmt: skip
    """Put everything into a folder; the manifest says what it is.

    Args:
        staging: an empty folder.
        blocks: documents of Prefect blocks without their secrets, if the server could be asked.

    Raises:
        BackupError: pg_dump is missing, too old, or failed.
        DatabaseError: the database is away or not migrated.
    """
    migrate.require_current(db)
    schemas = schemas_of(db, settings)
    with db.snapshot() as conn:
        programs = tools.find(conn.info.server_version // 10000)
        with _index_at_rest(db):
            (snapshot,) = conn.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
            told("copying the index and asking it the golden queries")
            asked, no_index = _index(conn, settings, staging, at)
        told("dumping the database")
        tools.dump(programs, db.url, schemas, staging / DUMP, snapshot=snapshot)
        told("counting")
        tables = counting.count(conn, db.schema)
        theirs = counting.count(conn, db.homepot_schema) if len(schemas) > 1 else {}
        server = conn.info.parameter_status("server_version") or "?"
        postgres = conn.info.server_version // 10000
    secrets = belongings.stage(settings, blocks, staging)
    return Manifest(
        program=PROGRAM, format=FORMAT, name=name, made_at=at, schema_name=db.schema,
        homepot_schema=db.homepot_schema, whole=len(schemas) > 1, migration=migrate.head(), postgres=postgres,
        model=_model(settings), versions=belongings.versions(server), tables=tables, homepot_tables=theirs,
        golden=tuple(asked), no_index=no_index, secrets=secrets, members=archive.members(staging),
    )  # fmt: skip


@contextmanager
def _index_at_rest(db: Database) -> Iterator[None]:
    """Keep out whoever embeds or rebuilds, for as long as the block lasts.

    One who does not end is let be: the copy is consistent all the same, it may only lack what the record has,
    and the drill says so.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with store.one_rebuild(db) as mine:
            if mine or time.monotonic() >= deadline:
                yield
                return
        time.sleep(0.2)


def _index(
    conn: Connection, settings: Settings, staging: Path, at: datetime
) -> tuple[list[Golden], str | None]:
    """Copy the index and ask the copy: what goes into the archive is what has answered.

    Returns:
        The answers, and why there is no copy: then the record was asked, by words and exact facts.
    """
    questions = golden.choose(conn)
    copy = Folder(staging / INDEX, settings.memory.lock_seconds)
    try:
        Folder.of(settings).copy_to(copy.path)
        answered, no_index = golden.ask(conn, copy, settings, questions, at)
    except IndexUnavailable as error:
        no_index = str(error)
        answered, _ = golden.ask(conn, copy, settings, questions, at)
    copy.close()
    if no_index is not None:
        shutil.rmtree(copy.path, ignore_errors=True)
    return answered, no_index


def _model(settings: Settings) -> str:
    try:
        return embedder.model_name(settings.memory)
    except RecallError:
        return ""
