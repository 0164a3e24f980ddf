"""Making a backup, proving it, keeping the right ones; and questioning one that is there.

    lock the folder, remove what a killed run left, look whether there is room
    take everything as of one moment (gather), pack it under a name that says it is half
    restore it into a scratch place and question it (drill)
    only then give it its name, let older ones go, copy it to the second place

Killed anywhere, the last good backup is where it was, and the next run removes the halves.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homepot_ai.backup import archive, drill, gather, log, places, rotation, scratch
from homepot_ai.backup.archive import PLAIN, SEALED
from homepot_ai.backup.gather import Told
from homepot_ai.backup.log import LastDrill
from homepot_ai.backup.records import Drill, DrillKind, Made, Manifest, Place, Stored
from homepot_ai.errors import BackupError, HomepotAIError
from homepot_ai.memory.index import Folder
from homepot_ai.store import audit

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database


@dataclass(frozen=True)
class Listed:
    """The backups that are there, and how the last drill of each went."""

    folder: Path
    stored: Sequence[Stored]
    drills: Mapping[str, LastDrill]
    failures: Sequence[tuple[str, datetime, str]]
    #: Why the record could not be asked; None: it was.
    unknown: str | None = None

    @property
    def bad(self) -> set[str]:
        """Names of those that failed when they were last questioned."""
        return {name for name, last in self.drills.items() if not last.passed}


def make(
    db: Database, settings: Settings, now: datetime, *, blocks: Sequence[Mapping[str, Any]] = (),
    command: places.Command | None = None, actor: str, told: Told = lambda _: None,
) -> Made:  # fmt: skip
    """Make a backup, prove it, keep it, and let go of those that are too many.

    Args:
        now: when it is made; its name.
        blocks: documents of Prefect blocks, without their secrets.
        command: takes the archive to another place.
        told: called with what is being done.

    Raises:
        BackupError: it could not be made, or did not pass its drill: the last good one is where it was. Also
        when
            it is good, but a second place did not take it: the message says so.
        DatabaseError: the database is away.
    """
    began = time.monotonic()
    folder, passphrase = places.folder_of(settings), settings.backup.passphrase
    name = places.name_at(now)
    with places.one_at_a_time(folder):
        scratch.stop_left_over(folder)
        target = folder / f"{name}{SEALED if passphrase else PLAIN}"
        if target.exists():
            raise BackupError(f"{name} is there already: two backups of one second are one too many")
        with db.writer() as conn:
            log.begin(conn, name, now)
        made: Made | None = None
        try:
            _room(db, settings, folder)
            manifest, part = _pack(db, settings, folder, target, now, blocks, told)
            result = drill.question(part, db, settings, now, told)
            with db.writer() as conn:
                log.drilled(conn, result, "nightly", now)
            if not result.passed:
                kept = places.set_aside(part, target)
                raise BackupError(
                    f"{name} did not pass its restore drill ({result.detail}). It is kept as {kept.name} to "
                    f"be "
                    "looked at; the last good backup is where it was"
                )
            checksum = archive.sha256(part)
            places.commit(part, target, checksum)
            stored = Stored(name, target, now, target.stat().st_size, passphrase is not None)
            told("second place and rotation")
            elsewhere = _elsewhere(stored, checksum, settings, command)
            removed = _rotate(db, settings, folder)
            made = Made(stored, checksum, manifest, result, elsewhere, removed, time.monotonic() - began)
            with db.writer() as conn:
                log.end(
                    conn, name, _later(now, began), good=True, bytes_=stored.bytes, sha256=checksum,
                    manifest=manifest, places=elsewhere, detail=_complaint(elsewhere),
                )  # fmt: skip
                audit.record(
                    conn, at=now, actor=actor, action="backed up", subject=name, purpose="backup",
                    details={"bytes": stored.bytes, "rows": manifest.rows, "encrypted": stored.encrypted},
                )  # fmt: skip
        except BaseException as error:
            places.remove_halves(folder)
            if made is None:
                _note_failure(db, name, _later(now, began), error)
            raise
    if complaint := _complaint(made.places):
        raise BackupError(f"{name} is good and lies in {folder}, but the second place has none: {complaint}")
    return made


def _pack(
    db: Database, settings: Settings, folder: Path, target: Path, now: datetime,
    blocks: Sequence[Mapping[str, Any]], told: Told,
) -> tuple[Manifest, Path]:  # fmt: skip
    staging = folder / f"{places.PART}-{target.name.split('.')[0]}"
    with archive.explained(staging):
        staging.mkdir(mode=0o700)
        manifest = gather.take(
            db, settings, staging, name=target.name.split(".")[0], at=now, blocks=blocks, told=told
        )
    told("packing")
    part = folder / f"{places.PART}-{target.name}"
    archive.write(staging, manifest, part, settings.backup.passphrase)
    shutil.rmtree(staging, ignore_errors=True)
    return manifest, part


def verify(
    db: Database, settings: Settings, now: datetime, stored: Stored, *, kind: DrillKind = "by hand",
    told: Told = lambda _: None,
) -> Drill:  # fmt: skip
    """Question a backup that is there, and note how it went. Nothing in use is touched."""
    with places.one_at_a_time(places.folder_of(settings)):
        scratch.stop_left_over(places.folder_of(settings))
        result = drill.question(stored.path, db, settings, now, told)
        with db.writer() as conn:
            log.drilled(conn, result, kind, now)
    return result


def listed(db: Database, settings: Settings, now: datetime) -> Listed:
    """What backups there are. The folder is asked, so it works without a database as well."""
    folder = places.folder_of(settings)
    found = places.stored(folder)
    try:
        with db.reader() as conn:
            return Listed(folder, found, log.last_drills(conn), log.failures(conn, now - timedelta(days=7)))
    except HomepotAIError as error:
        return Listed(folder, found, {}, (), str(error))


def _room(db: Database, settings: Settings, folder: Path) -> None:
    """What is written at the same time: the files, the archive of them, and for the drill the files again."""
    with db.admin() as conn:
        tables = log.table_bytes(conn, gather.schemas_of(db, settings))
        before = log.last_bytes(conn)
    index = Folder.of(settings).path
    vectors = sum(path.stat().st_size for path in index.rglob("*") if path.is_file()) if index.is_dir() else 0
    # A dump is packed: as the last one was, or less than its tables.
    dumped = tables if before is None else min(tables, int(1.5 * before))
    places.need_room(folder, 2 * dumped + 3 * vectors, "a backup")


def _elsewhere(
    stored: Stored, checksum: str, settings: Settings, command: places.Command | None
) -> tuple[Place, ...]:
    done = []
    if settings.backup.second_dir is not None:
        done.append(places.copy(stored, checksum, settings.backup.second_dir))
    if command is not None:
        done.append(places.send(stored, command))
    return tuple(done)


def _rotate(db: Database, settings: Settings, folder: Path) -> tuple[str, ...]:
    with db.reader() as conn:
        bad = {name for name, last in log.last_drills(conn).items() if not last.passed}
    keep, removed = rotation.Keep.of(settings.backup), []
    second = settings.backup.second_dir
    for place in (folder, *([second] if second is not None and second.is_dir() else [])):
        for one in rotation.surplus(places.stored(place), keep, bad):
            places.remove(one)
            if place == folder:
                removed.append(one.name)
    return tuple(removed)


def _complaint(elsewhere: Sequence[Place]) -> str:
    return "; ".join(f"{place.where}: {place.said}" for place in elsewhere if not place.good)


def _note_failure(db: Database, name: str, now: datetime, error: BaseException) -> None:
    try:
        with db.writer() as conn:
            log.end(conn, name, now, good=False, detail=str(error) or type(error).__name__)
    except HomepotAIError:  # the database is away: the run's own failure says so
        return


def _later(now: datetime, began: float) -> datetime:
    return (now + timedelta(seconds=time.monotonic() - began)).astimezone(UTC)
