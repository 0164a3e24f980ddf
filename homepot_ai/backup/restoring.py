"""Putting a backup into force: loaded and proven beside what is in use, then exchanged in one step.

    unpack, compare checksums, restore into a scratch place, question it     nothing in use is touched
    load it into the real database under another name (`…_restoring`)        as long as that takes
    exchange: what is in use becomes `…_before_STAMP`, the other takes its   one transaction; the index's
    folder
      name; what must not be undone is taken over (carry.py)                   is exchanged while it is held
    ask the golden queries of what is now in force

Nothing is paused: a run that was in the middle finds another state and leaves its work to the next one.
`undo` exchanges back. Killed before the exchange, nothing has changed; between the database and the folder,
`finish` does the rest in the next run.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from homepot_ai.backup import archive, belongings, carry, counting, drill, golden, log, places, scratch, tools
from homepot_ai.backup.counting import Difference
from homepot_ai.backup.records import DUMP, INDEX, Check, Drill, Manifest, Stored, Table
from homepot_ai.errors import ArchiveDamaged, BackupError, RecallError
from homepot_ai.memory import keeping
from homepot_ai.memory.index import Folder
from homepot_ai.store import audit, migrate, named_sql, sealing
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("backup/sql/backup.sql")
Told = Callable[[str], None]
_STAMP = "%Y%m%d%H%M%S"
#: States that earlier restores set aside and that are kept to go back to.
KEPT = 2
_LOCK_TIMEOUT = "60s"


@dataclass(frozen=True)
class Preview:
    """What a restore would change.

    Attributes:
        tables: that are another one in the backup than now. same: how many are not.
        pages: operators' pages that are missing here and would be put back.
    """

    stored: Stored
    manifest: Manifest
    tables: tuple[Difference, ...]
    same: int
    pages: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """A restore that was done.

    Attributes:
        before: the stamp of what was in use, to go back to; None: there was nothing.
    """

    name: str
    before: str | None
    rows: int
    drill: Drill | None
    pages: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float


def preview(db: Database, settings: Settings, stored: Stored) -> Preview:
    """What would change; nothing does.

    Raises:
        BackupError: the archive cannot be read.
    """
    held = places.one_at_a_time(places.folder_of(settings))
    with held, _remembered(db, stored), drill.unpacked(stored.path, settings) as (files, manifest):
        notes = _notes(manifest, db, settings)
        with db.admin() as conn:
            now = dict(counting.count(conn, db.schema))
            backup = dict(manifest.tables)
            if manifest.whole:
                backup |= _prefixed(manifest.homepot_schema, manifest.homepot_tables)
                now |= _prefixed(db.homepot_schema, counting.count(conn, db.homepot_schema))
        pages = belongings.missing_pages(files, settings)
    different = counting.differences(backup, now)
    return Preview(
        stored, manifest, tuple(different), len({*backup, *now}) - len(different), tuple(pages), tuple(notes)
    )


def restore(
    db: Database, settings: Settings, stored: Stored, now: datetime, *, whole: bool = False, actor: str,
    told: Told = lambda _: None,
) -> Restored:  # fmt: skip
    """Put a backup into force. What was in use is set aside, and `undo` goes back to it.

    Args:
        whole: HOMEPOT's own tables as well; only of the embedded database.

    Raises:
        BackupError: the backup did not pass its questions, or could not be loaded: nothing was changed.
    """
    began = time.monotonic()
    folder = places.folder_of(settings)
    with places.one_at_a_time(folder):
        scratch.stop_left_over(folder)
        finish(db, settings)
        with _remembered(db, stored), drill.unpacked(stored.path, settings) as (files, manifest):
            schemas = _schemas(db, settings, manifest, whole)
            told("restoring into a scratch database and asking the golden queries")
            with scratch.database(db, folder) as place:
                checks = drill.questions(files, manifest, place, settings, now, told, rebuild=False)
            proven = Drill(manifest.name, tuple(checks), time.monotonic() - began)
            if not proven.passed:
                with db.writer() as conn:
                    log.drilled(conn, proven, "by hand", now)
                raise BackupError(
                    f"{manifest.name} was not put into force: {proven.detail}. Nothing was changed"
                )
            told("loading it beside what is in use")
            _load(db, files, manifest, schemas)
            index = _staged_index(files, manifest, settings, now)
            told("exchanging")
            incoming = {schema: f"{schema}_restoring" for schema in schemas}
            there, notes = _exchange(db, settings, incoming, now, index)
            pages = belongings.put_back_pages(files, settings)
            with db.writer() as conn:
                log.found(conn, stored, places.said_checksum(stored.path))
                _audit(conn, now, actor, "restored", manifest.name, schemas)
            told("asking what is in force now")
            notes += _index_in_step(db, settings, now)
            asked = _ask(db, settings, manifest)
            result = Drill(manifest.name, (*checks, asked), time.monotonic() - began)
            with db.writer() as conn:
                log.drilled(conn, result, "restore", now)
            _forget_old(db, settings)
    return Restored(
        manifest.name, f"{now:{_STAMP}}" if there else None, manifest.rows, result, tuple(pages),
        tuple(notes + _secrets(manifest)), time.monotonic() - began,
    )  # fmt: skip


def undo(db: Database, settings: Settings, now: datetime, *, actor: str) -> Restored:
    """Go back to what was in use before the last restore (or undo). What is in use is set aside likewise.

    Raises:
        BackupError: nothing was set aside.
    """
    began = time.monotonic()
    with places.one_at_a_time(places.folder_of(settings)):
        finish(db, settings)
        stamps = kept(db)
        if not stamps:
            raise BackupError("there is nothing to go back to: no restore has set anything aside")
        stamp = stamps[0]
        with db.admin() as conn:
            both = scratch.loaded_schemas(conn, (f"{db.homepot_schema}_before_{stamp}",))
        schemas = [db.schema, *([db.homepot_schema] if both else [])]
        index = _aside(settings, stamp)
        incoming = {schema: f"{schema}_before_{stamp}" for schema in schemas}
        # The program may have been updated since.
        migrate.tables(Database(db.url, incoming[db.schema], db.homepot_schema, db.keys))
        _, notes = _exchange(db, settings, incoming, now, index if index.exists() else None)
        with db.writer() as conn:
            _audit(conn, now, actor, "went back", f"before {stamp}", schemas)
        notes += _index_in_step(db, settings, now)
    return Restored(f"before {stamp}", f"{now:{_STAMP}}", 0, None, (), tuple(notes), time.monotonic() - began)


def kept(db: Database) -> list[str]:
    """Stamps of what restores set aside, the newest first."""
    head = f"{db.schema}_before_"
    with db.admin() as conn:
        names = [row[0] for row in conn.execute(_SQL["schemas_like"], {"head": head})]
    return [stamp for name in names if re.fullmatch(r"\d{14}", stamp := name.removeprefix(head))]


def finish(db: Database, settings: Settings) -> None:
    """Do what a restore that was killed left: exchange the folder if the database was exchanged, else forget
    what was staged."""
    with db.admin() as conn:
        for schema in (db.schema, db.homepot_schema):
            conn.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(f"{schema}_restoring"))
            )
    exchanged = set(kept(db))
    folder = Folder.of(settings)
    for staged in folder.path.parent.glob(f"{folder.path.name}.restoring-*"):
        stamp = staged.name.rpartition("-")[2]
        if stamp in exchanged and not _aside(settings, stamp).exists():
            with folder.exchanged(staged, _aside(settings, stamp)):
                pass
        elif stamp in exchanged and not folder.path.exists():
            staged.rename(folder.path)
        else:
            shutil.rmtree(staged, ignore_errors=True)
    # Going back takes the schema that was set aside first; a folder without one still has to follow.
    without = [stamp for stamp in sorted(exchanged) if not _aside(settings, stamp).exists()]
    for left in folder.path.parent.glob(f"{folder.path.name}.before-*"):
        if left.name.rpartition("-")[2] not in exchanged and without:
            with folder.exchanged(left, _aside(settings, without.pop())):
                pass


def _schemas(db: Database, settings: Settings, manifest: Manifest, whole: bool) -> list[str]:
    if (manifest.schema_name, manifest.homepot_schema) != (db.schema, db.homepot_schema):
        raise BackupError(
            f"{manifest.name} is of the schemas {manifest.schema_name} and {manifest.homepot_schema}, here "
            f"they are "
            f"{db.schema} and {db.homepot_schema}: restore it with the settings of the fleet that it is of"
        )
    with db.admin() as conn:
        theirs = counting.count(conn, db.homepot_schema)
    if not theirs and not manifest.whole:
        raise BackupError(
            f"HOMEPOT's tables are not in the schema {db.homepot_schema} of this database, nor in "
            f"{manifest.name}: "
            "bring them back first"
        )
    # A new embedded database has nothing to lose.
    if not whole and theirs:
        return [db.schema]
    if not manifest.whole:
        raise BackupError(f"{manifest.name} holds our tables only, not HOMEPOT's: restore it without them")
    if settings.database_url is not None:
        raise BackupError(
            "HOMEPOT's own tables are only put back into the embedded database: those of a real HOMEPOT are "
            "its own to restore. Restore without them"
        )
    return [db.schema, db.homepot_schema]


def _load(db: Database, files: Path, manifest: Manifest, schemas: Sequence[str]) -> None:
    with db.admin() as conn:
        there = scratch.loaded_schemas(conn, tuple(schemas))
        programs = tools.find(max(manifest.postgres, conn.info.server_version // 10000))
    landing = {schema: f"{schema}_restoring" for schema in schemas}
    tools.load(programs, db.url, files / DUMP, landing, parked="_parked", there=there)
    ours = Database(db.url, f"{db.schema}_restoring", db.homepot_schema, db.keys)
    with ours.admin() as conn:
        wrong = counting.differences(manifest.tables, counting.count(conn, ours.schema))
    if wrong:
        raise BackupError(
            f"{manifest.name} was loaded with other rows than it has (the first: {wrong[0].table}): nothing "
            f"was "
            "changed"
        )
    migrate.tables(ours)


def _staged_index(files: Path, manifest: Manifest, settings: Settings, now: datetime) -> Path | None:
    if manifest.no_index is not None:
        return None
    staged = _staged(settings, now)
    shutil.rmtree(staged, ignore_errors=True)
    with archive.explained(staged):
        staged.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(files / INDEX, staged)
    return staged


def _exchange(
    db: Database, settings: Settings, incoming: Mapping[str, str], now: datetime, index: Path | None
) -> tuple[bool, list[str]]:
    """One transaction; the folder of the index is held meanwhile, and exchanged when it is committed.

    Args:
        incoming: schema -> the one that takes its place and its name.
    """
    stamp = f"{now:{_STAMP}}"
    folder = Folder.of(settings)
    # Without a new index the one in use stays: it is then put in step with the rows, or built anew.
    held = nullcontext() if index is None else folder.exchanged(index, _aside(settings, stamp))
    with held, db.admin() as conn:
        conn.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        there = scratch.loaded_schemas(conn, tuple(incoming))
        restored, notes = incoming[db.schema], []
        if db.schema in there:
            carry.numbers(conn, db.schema, restored)
            # Sealed as what is in use, or the same person is another one.
            notes += _sealed_alike(conn, db, restored, now)
            carry.hold(conn, db.schema)
            notes += carry.over(conn, db.schema, restored)
            # Again: one may have been given since.
            carry.numbers(conn, db.schema, restored)
        else:
            carry.nobody_knows(conn, restored)
        for schema, other in incoming.items():
            for old, new in (
                *([(schema, f"{schema}_before_{stamp}")] if schema in there else []),
                (other, schema),
            ):
                conn.execute(
                    sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
                )
        notes += [note for note in migrate.rights(db, conn) if not note.startswith("role ")]
        # People's addresses may have been sealed with another key then, or not at all.
        if sealed := sealing.bring_up(conn, now=now):
            notes.append(sealed)
    return db.schema in there, notes


def _sealed_alike(conn: Connection, db: Database, restored: str, now: datetime) -> list[str]:
    where = sql.SQL("SET LOCAL search_path = {}, {}")
    conn.execute(where.format(sql.Identifier(restored), sql.Identifier(db.homepot_schema)))
    done = sealing.bring_up(conn, now=now)
    conn.execute(where.format(sql.Identifier(db.schema), sql.Identifier(db.homepot_schema)))
    return [done] if done else []


def _index_in_step(db: Database, settings: Settings, now: datetime) -> list[str]:
    """The index beside the rows that are in force now: repaired, or built anew from them."""
    try:
        found = keeping.check(db, settings, now)
        if any(one.degraded for one in found):
            found = keeping.rebuild(db, settings, now, afresh=True)
            return [f"the index was built anew from the record: {'; '.join(str(one) for one in found)}"]
    except RecallError as error:
        return [f"the index is not usable: {error}"]
    wrong = [one for one in found if not one.fine]
    return [f"the index was put in step: {'; '.join(str(one) for one in wrong)}"] if wrong else []


def _ask(db: Database, settings: Settings, manifest: Manifest) -> Check:
    with db.reader() as conn:
        answered, degraded = golden.ask(
            conn, Folder.of(settings), settings, manifest.golden, manifest.made_at
        )
    wrong = golden.differences(manifest.golden, answered)
    if not wrong:
        return Check("in force", True, f"{len(answered)} golden queries, the same ids")
    if golden.alike(manifest.golden, answered):
        return Check("in force", True, f"{len(answered)} golden queries answered alike")
    return Check(
        "in force", False, f"{len(wrong)} golden queries are answered otherwise{_why(degraded)}: {wrong[0]}"
    )


def _why(degraded: str | None) -> str:
    return f" ({degraded})" if degraded else ""


def _forget_old(db: Database, settings: Settings) -> None:
    """Bounded: of what restores set aside the newest are kept."""
    for stamp in kept(db)[KEPT:]:
        shutil.rmtree(_aside(settings, stamp), ignore_errors=True)
        with db.admin() as conn:
            for schema in (db.schema, db.homepot_schema):
                conn.execute(
                    sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(
                        sql.Identifier(f"{schema}_before_{stamp}")
                    )
                )


def _notes(manifest: Manifest, db: Database, settings: Settings) -> list[str]:
    notes = []
    if manifest.migration != migrate.head():
        notes.append(f"its tables are at {manifest.migration}; they are brought to {migrate.head()}")
    if manifest.no_index is not None:
        notes.append(f"it holds no index ({manifest.no_index}); it is built from the record")
    if (manifest.schema_name, manifest.homepot_schema) != (db.schema, db.homepot_schema):
        notes.append(f"it is of another fleet: schemas {manifest.schema_name}, {manifest.homepot_schema}")
    return notes + _secrets(manifest)


def _secrets(manifest: Manifest) -> list[str]:
    if not manifest.secrets:
        return []
    return [f"secrets that were set and are not in the backup: {', '.join(manifest.secrets)}"]


def _prefixed(schema: str, tables: dict[str, Table]) -> dict[str, Table]:
    return {f"{schema}.{name}": table for name, table in tables.items()}


def _staged(settings: Settings, now: datetime) -> Path:
    folder = Folder.of(settings).path
    return folder.with_name(f"{folder.name}.restoring-{now:{_STAMP}}")


def _aside(settings: Settings, stamp: str) -> Path:
    folder = Folder.of(settings).path
    return folder.with_name(f"{folder.name}.before-{stamp}")


@contextmanager
def _remembered(db: Database, stored: Stored) -> Iterator[None]:
    """Damage that is found stays known: that backup is not called good any more."""
    began = time.monotonic()
    try:
        yield
    except ArchiveDamaged as error:
        check = Check("archive", False, str(error))
        with db.writer() as conn:
            found = Drill(stored.name, (check,), time.monotonic() - began)
            log.drilled(conn, found, "by hand", datetime.now(UTC))
        raise


def _audit(
    conn: Connection, now: datetime, actor: str, action: str, subject: str, schemas: Sequence[str]
) -> None:
    audit.record(
        conn, at=now, actor=actor, action=action, subject=subject, purpose="restore",
        details={"schemas": list(schemas)},
    )  # fmt: skip
