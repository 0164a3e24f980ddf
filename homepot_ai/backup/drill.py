"""The drill: a backup is restored into a scratch place and questioned.

    archive    its checksum, and that of every file in it
    database   the dump loads; our tables are at the version that the manifest says
    rows       every table has as many rows as when it was dumped, and the same ones
    index      the copy opens and holds what the record holds
    golden     the golden queries get the same ids
    rebuilt    an index that is built anew from the restored rows answers alike

An answer that is wrong is a check that failed, not an error: all are asked, and the record shows which.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from homepot_ai.backup import archive, counting, golden, places, scratch, tools
from homepot_ai.backup.records import DUMP, INDEX, Check, Drill, Manifest
from homepot_ai.errors import ArchiveDamaged, BackupError, HomepotAIError, NoMeans
from homepot_ai.memory import embedder, keeping
from homepot_ai.memory.index import Folder
from homepot_ai.store import memory as store
from homepot_ai.store import migrate

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

#: An index of more patterns is not built anew each night: at 11 ms a pattern that would take its hours.
REBUILT_AT_MOST = 3000


@contextmanager
def unpacked(path: Path, settings: Settings, *, part: str = "drill") -> Iterator[tuple[Path, Manifest]]:
    """An archive's files in a scratch folder beside the backups, each checked; gone after the block.

    Raises:
        ArchiveDamaged: the archive's checksum, or that of a file in it, is not what it was.
        BackupError: it cannot be read: passphrase, room, a newer program.
    """
    said = places.said_checksum(path)
    with archive.explained(path):
        if said is not None and archive.sha256(path) != said:
            raise ArchiveDamaged(
                f"{path.name} is not what was written (its checksum is another one): it is damaged. Take "
                f"another "
                "one: `homepot-ai backup list`"
            )
    folder = places.folder_of(settings) / f"{places.PART}-{part}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with archive.explained(folder):
            (folder / "files").mkdir(parents=True, mode=0o700)
        manifest = archive.extract(path, folder / "files", settings.backup.passphrase)
        if not migrate.known(manifest.migration):
            raise BackupError(
                f"{path.name} was made by a newer version of this program: its tables are at "
                f"{manifest.migration}, "
                f"this program knows them up to {migrate.head()}. Update the program, then try again"
            )
        yield folder / "files", manifest
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def question(
    path: Path, db: Database, settings: Settings, now: datetime, told: Callable[[str], None] = lambda _: None
) -> Drill:
    """Restore an archive into a scratch place and question it. Nothing in use is touched.

    Raises:
        DatabaseError: the server is away, or there is no place for a scratch database.
        BackupError: it could not be opened here: it may be good all the same.
    """
    began = time.monotonic()
    name = path.name.removeprefix(f"{places.PART}-").split(".")[0]
    checks: list[Check] = []
    try:
        told("unpacking and comparing checksums")
        with unpacked(path, settings) as (files, manifest):
            name = manifest.name
            checks.append(Check("archive", True, f"{len(manifest.members)} files, all as they were packed"))
            told("restoring into a scratch database")
            with scratch.database(db, places.folder_of(settings)) as place:
                checks += questions(files, manifest, place, settings, now, told)
    except BackupError as error:
        # No passphrase, no room, a newer program: that tells nothing of the archive.
        if isinstance(error, NoMeans) or not (checks or isinstance(error, ArchiveDamaged)):
            raise
        checks.append(Check("archive" if not checks else "database", False, str(error)))
    return Drill(name, tuple(checks), time.monotonic() - began)


def questions(
    files: Path, manifest: Manifest, place: Database, settings: Settings, now: datetime,
    told: Callable[[str], None], *, rebuild: bool = True,
) -> list[Check]:  # fmt: skip
    """Load an unpacked archive into an empty database and ask.

    Args:
        place: the scratch database; it bears the archive's names afterwards.
        rebuild: also build an index anew.
    """
    # The archive's own names: a pod's backup is questioned as that pod's.
    place.schema, place.homepot_schema = manifest.schema_name, manifest.homepot_schema
    checks = [_loaded(files, manifest, place)]
    told("counting")
    checks.append(_rows(manifest, place))
    migrate.tables(place)
    with place.admin() as conn:
        conn.execute(psycopg.sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(_name(manifest.homepot_schema)))
        migrate.rights(place, conn, questions=False)
    if manifest.migration != migrate.head():
        checks.append(Check("migrated", True, f"from {manifest.migration} to {migrate.head()}"))
    told("asking the golden queries")
    aside = settings.model_copy(update={"var_dir": files.parent / "var"})
    try:
        checks += _memory(files, manifest, place, aside, now, told, rebuild)
    finally:
        Folder.of(aside).close()
    return checks


def _loaded(files: Path, manifest: Manifest, place: Database) -> Check:
    schemas = schemas_in(manifest)
    with place.admin() as conn:
        there = scratch.loaded_schemas(conn, schemas)
        programs = tools.find(max(manifest.postgres, conn.info.server_version // 10000))
    tools.load(
        programs, place.url, files / DUMP, {name: name for name in schemas}, parked="_parked", there=there
    )
    found = migrate.current(place)
    if found != manifest.migration:
        return Check("database", False, f"our tables are at {found}, the manifest says {manifest.migration}")
    return Check("database", True, f"loaded; our tables are at {found}")


def _rows(manifest: Manifest, place: Database) -> Check:
    with place.admin() as conn:
        wrong = counting.differences(manifest.tables, counting.count(conn, manifest.schema_name))
        if manifest.whole:
            theirs = counting.count(conn, manifest.homepot_schema)
            wrong += counting.differences(manifest.homepot_tables, theirs)
    if wrong:
        first = wrong[0]
        return Check(
            "rows", False,
            f"{len(wrong)} tables are not as they were dumped, the first: {first.table}, {first.backup} "
            f"rows then, "
            f"{first.now} restored",
        )  # fmt: skip
    tables = len(manifest.tables) + len(manifest.homepot_tables)
    return Check("rows", True, f"{manifest.rows:,} rows in {tables} tables, as they were dumped")


def _memory(
    files: Path, manifest: Manifest, place: Database, settings: Settings, now: datetime,
    told: Callable[[str], None], rebuild: bool,
) -> list[Check]:  # fmt: skip
    folder = Folder.of(settings)
    checks = []
    if manifest.no_index is None:
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(files / INDEX, folder.path)
        if _other_model(manifest, settings):
            checks.append(
                Check("index", True, f"made with {manifest.model}, which is not the model of here: not asked")
            )
        else:
            checks += [_index(place, settings, now), _golden(manifest, place, folder, settings)]
    else:
        checks.append(Check("index", True, f"none was packed: {manifest.no_index}"))
        checks.append(_golden(manifest, place, folder, settings))
    if not rebuild:
        return checks
    with place.reader() as conn:
        patterns = sum(total for total, _ in store.counts(conn).values())
    if patterns > REBUILT_AT_MOST:
        said = f"left out: {patterns:,} patterns, more than {REBUILT_AT_MOST:,}"
        return [*checks, Check("rebuilt", True, said)]
    if not embedder_there(settings):
        return [*checks, Check("rebuilt", True, "left out: no embedding model is on this machine")]
    told("building the index anew from the restored rows")
    return [*checks, _rebuilt(manifest, place, folder, settings, now, patterns)]


def _index(place: Database, settings: Settings, now: datetime) -> Check:
    found = keeping.check(place, settings, now, repair=False)
    # What waited to be embedded when the backup was made is missing in both.
    with place.reader() as conn:
        waiting = sum(count for _, count in store.counts(conn).values())
    wrong = [
        f"{one.collection}: {one}"
        for one in found
        if one.degraded or one.changed or one.too_many or one.missing > waiting
    ]
    if wrong:
        return Check("index", False, "; ".join(wrong))
    return Check(
        "index", True, f"{sum(one.indexed for one in found):,} patterns, ids and hashes as in the record"
    )


def _golden(manifest: Manifest, place: Database, folder: Folder, settings: Settings) -> Check:
    with place.reader() as conn:
        answered, _ = golden.ask(conn, folder, settings, manifest.golden, manifest.made_at)
    wrong = golden.differences(manifest.golden, answered)
    if wrong:
        return Check("golden", False, f"{len(wrong)} of {len(answered)} are answered otherwise: {wrong[0]}")
    return Check("golden", True, f"{len(answered)} questions, the same ids")


def _rebuilt(
    manifest: Manifest, place: Database, folder: Folder, settings: Settings, now: datetime, patterns: int
) -> Check:
    folder.close()
    shutil.rmtree(folder.path, ignore_errors=True)
    try:
        built = keeping.rebuild(place, settings, now, afresh=True)
        with place.reader() as conn:
            answered, degraded = golden.ask(conn, folder, settings, manifest.golden, manifest.made_at)
    except HomepotAIError as error:
        return Check("rebuilt", False, str(error))
    if not all(one.fine for one in built):
        return Check("rebuilt", False, "; ".join(str(one) for one in built if not one.fine))
    if manifest.no_index is None and not _other_model(manifest, settings):
        if degraded or not golden.alike(manifest.golden, answered):
            wrong = degraded or (golden.differences(manifest.golden, answered) or ["?"])[0]
            return Check(
                "rebuilt", False, f"an index built from the restored rows answers otherwise: {wrong}"
            )
        return Check("rebuilt", True, f"{patterns:,} patterns embedded anew; it answers alike")
    return Check("rebuilt", True, f"{patterns:,} patterns embedded anew")


def schemas_in(manifest: Manifest) -> tuple[str, ...]:
    """The schemas that an archive holds."""
    return (manifest.schema_name, *((manifest.homepot_schema,) if manifest.whole else ()))


def embedder_there(settings: Settings) -> bool:
    """Whether an embedding model is on this machine."""
    try:
        embedder.model_name(settings.memory)
    except HomepotAIError:
        return False
    return True


def _other_model(manifest: Manifest, settings: Settings) -> bool:
    return not embedder_there(settings) or embedder.model_name(settings.memory) != manifest.model


def _name(name: str) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(name)
