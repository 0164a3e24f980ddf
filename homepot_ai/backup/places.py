"""Where archives lie: the folder, one user at a time, room, and the second place.

A file whose name begins with `.part` is half of something and is removed by the next run; one that has its
own name was written in whole, synced, restored and questioned before it got it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai.backup import archive
from homepot_ai.backup.archive import PLAIN, SEALED, explained
from homepot_ai.backup.records import Place, Stored
from homepot_ai.errors import BackupError, NoMeans, NotFound
from homepot_ai.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homepot_ai.settings import Settings

PART = ".part"
#: An archive that failed its drill: the newest one is kept to be looked at.
FAILED = ".failed"
_NAME = re.compile(r"^backup-(\d{8}T\d{6}Z)$")
_FORM = "backup-%Y%m%dT%H%M%SZ"
#: Never fill a disk to the last byte: the database may be on it.
SPARE_BYTES = 100_000_000
ARCHIVE_PLACE = "{archive}"


@dataclass(frozen=True)
class Command:
    """A program that takes an archive elsewhere: arguments as a list, never through a shell.

    Attributes:
        argv: `{archive}` in it becomes the archive's path.
        env: what it needs to log in; not shown.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    timeout_seconds: float


def folder_of(settings: Settings) -> Path:
    """Where backups lie."""
    return settings.backup.dir or settings.var_dir / "backup"


def command_of(settings: Settings) -> Command | None:
    """The program of the settings that takes archives elsewhere; None: there is none."""
    backup = settings.backup
    if not backup.second_command:
        return None
    env = {name: value.get_secret_value() for name, value in backup.second_command_env.items()}
    return Command(backup.second_command, env, backup.second_command_seconds)


def name_at(at: datetime) -> str:
    """A backup's name is when it was made.

    >>> name_at(datetime(2026, 11, 22, 2, 15, tzinfo=UTC))
    'backup-20261122T021500Z'
    """
    return f"{at.astimezone(UTC):{_FORM}}"


def stored(folder: Path) -> list[Stored]:
    """The archives in a folder, the newest first; other files are none of ours."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        for suffix in (PLAIN, SEALED):
            name = path.name.removesuffix(suffix)
            if path.name.endswith(suffix) and _NAME.match(name) and path.is_file():
                at = datetime.strptime(name, _FORM).replace(tzinfo=UTC)
                found.append(Stored(name, path, at, path.stat().st_size, suffix == SEALED))
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def pick(found: Sequence[Stored], *, name: str | None = None, at: datetime | None = None) -> Stored:
    """One backup: by its name (or its file's), the newest that was made until a moment, or the newest.

    Raises:
        NotFound: there is none; the message names the nearest.
    """
    if name:
        for one in found:
            if name in (one.name, one.path.name, str(one.path), one.name.removeprefix("backup-")):
                return one
        raise NotFound("backup", clean(name), [one.name for one in found[:5]])
    for one in found:
        if at is None or one.made_at <= at:
            return one
    moment = "" if at is None else f" until {at:%Y-%m-%d %H:%M} UTC"
    oldest = f"; the oldest is {found[-1].name}" if found else ""
    raise BackupError(f"there is no backup{moment}{oldest}: `homepot-ai backup list` shows what there is")


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a folder of backups; what an earlier run left half is removed first. The kernel frees the lock.

    Raises:
        BackupError: another backup or restore is under way, or the folder cannot be made.
    """
    with explained(folder / ".lock"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / ".lock").open("a+")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(
                f"another backup or restore is at work in {folder}: wait until it has ended"
            ) from error
        remove_halves(folder)
        yield


def remove_halves(folder: Path) -> None:
    """Remove what a killed run left: halves, and checksums of archives that are not there."""
    there = {one.path.name for one in stored(folder)}
    for path in folder.iterdir():
        if path.name.startswith(PART):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        elif path.name.endswith(".sha256") and path.name.removesuffix(".sha256") not in there:
            path.unlink(missing_ok=True)


def need_room(folder: Path, need: int, what: str) -> None:
    """Look before beginning whether there is room.

    Raises:
        BackupError: there is not; with both figures.
    """
    free = shutil.disk_usage(folder).free
    if free < need + SPARE_BYTES:
        raise NoMeans(
            f"not enough room in {folder} for {what}: about {(need + SPARE_BYTES) / 1e6:.0f} MB are needed, "
            f"{free / 1e6:.0f} MB are free. The backups that are there were not touched. Make room, or set "
            f"another "
            "folder: HOMEPOT_AI_BACKUP__DIR"
        )


def commit(part: Path, target: Path, checksum: str) -> None:
    """Give a proven archive its name. Its checksum comes first: one without an archive harms nobody."""
    with explained(target):
        archive.write_durably(_checksum_file(target), f"{checksum}  {target.name}\n")
        part.replace(target)
        archive.sync_folder(target.parent)


def set_aside(part: Path, target: Path) -> Path:
    """Keep a failed archive to be looked at, the newest one only."""
    for old in target.parent.glob(f"*{FAILED}"):
        old.unlink(missing_ok=True)
    failed = target.with_name(target.name + FAILED)
    part.replace(failed)
    return failed


def said_checksum(path: Path) -> str | None:
    """The checksum that was written beside an archive; None: there is none."""
    file = _checksum_file(path)
    if not file.is_file():
        return None
    return file.read_text(encoding="ascii", errors="replace").split(" ", 1)[0].strip()


def remove(one: Stored) -> None:
    """Remove an archive, then its checksum."""
    one.path.unlink(missing_ok=True)
    _checksum_file(one.path).unlink(missing_ok=True)


def copy(one: Stored, checksum: str, second: Path) -> Place:
    """Copy an archive to a second place and read it back there.

    The folder must be there: an empty place where a disk is mounted usually must not be filled.
    """
    where = str(second)
    part = second / f"{PART}-{one.path.name}"
    try:
        if not second.is_dir():
            return Place(where, False, f"{second} is not there: is its disk mounted?")
        with explained(part):
            need_room(second, one.bytes, "the copy")
            with one.path.open("rb") as source, part.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
            part.chmod(0o600)
            if archive.sha256(part) != checksum:
                return Place(where, False, f"the copy in {second} is not what was written: look at that disk")
            commit(part, second / one.path.name, checksum)
    except BackupError as error:
        return Place(where, False, str(error))
    finally:
        if second.is_dir():
            part.unlink(missing_ok=True)
    return Place(where, True, "copied and read back")


def send(one: Stored, command: Command) -> Place:
    """Hand an archive to a program that takes it elsewhere; of what it says, the last line is shown."""
    where = f"command {Path(command.argv[0]).name}"
    argv = [part.replace(ARCHIVE_PLACE, str(one.path)) for part in command.argv]
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEPOT_AI_")}
    try:
        process = subprocess.Popen(
            argv, env=env | dict(command.env), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return Place(where, False, f"{argv[0]} cannot be run: {error.strerror}")
    try:
        said = process.communicate(timeout=command.timeout_seconds)[1]
    except subprocess.TimeoutExpired:
        return Place(where, False, f"it did not end within {command.timeout_seconds:g} s and was stopped")
    finally:
        if process.poll() is None:
            # With whatever it started: it is the head of a group of its own.
            os.killpg(process.pid, 9)
            process.communicate()
    if process.returncode != 0:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
        text = last[0]
        for secret in filter(None, command.env.values()):
            text = text.replace(secret, "***")
        return Place(where, False, f"it ended with {process.returncode} and said: {clean(text, 200)}")
    return Place(where, True, "ended with 0")


def _checksum_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
