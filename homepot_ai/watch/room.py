"""Room on the disks, what takes it, and when it will be gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from homepot_ai.memory.index import Folder
from homepot_ai.store import named_sql
from homepot_ai.store.checks import DISK_LOW_BYTES, DISK_LOW_SHARE, ServiceCheck, State
from homepot_ai.watch import keys

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("watch/sql/sizes.sql")

DISK_LAST_BYTES = 300_000_000
#: A trend is read from this much of the past, and needs so much of it.
COURSE, LEAST, LEAST_SAMPLES = timedelta(days=7), timedelta(hours=20), 12
# A nightly backup's rise and fall must not look like a disk that fills within the hour.
_FLAT_PER_DAY = 1_000_000.0
#: Prefect's database stays within some hundred megabytes at 1440 runs a day and seven days of them.
PREFECT_BYTES = 2_000_000_000

Course = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Room:
    """A file system of ours: what lies on it, bytes free, used and in all."""

    name: str
    free: int
    used: int
    total: int


def rooms(settings: Settings) -> list[Room]:
    """The file systems that we write to, each once."""
    backups = settings.backup.dir or settings.var_dir / "backup"
    places = {"state": settings.var_dir, "backups": backups}
    if settings.backup.second_dir is not None:
        places["second backups"] = settings.backup.second_dir
    found: dict[int, Room] = {}
    for name, folder in places.items():
        there = folder.absolute()
        while not there.exists():
            there = there.parent
        usage = shutil.disk_usage(there)
        found.setdefault(there.stat().st_dev, Room(name, usage.free, usage.used, usage.total))
    return list(found.values())


def judge(
    found: Sequence[Room], courses: Mapping[str, Course], *, days: int, machine: str = ""
) -> ServiceCheck:
    """One line about the disks, the fullest deciding.

    Args:
        courses: bytes used over time, by name as `sizes` writes them down.
        days: a disk that is full within so many is told.
        machine: whose disks they are, where there are several; it is part of the check's name.

    >>> judge([Room("state", 50_000_000_000, 10, 60_000_000_000)], {}, days=7).detail
    '50.0 GB of 60.0 GB free'
    """
    order: tuple[State, ...] = ("ok", "degraded", "down")
    worst, said = 0, []
    for room in found:
        text = f"{room.free / 1e9:.1f} GB of {room.total / 1e9:.1f} GB free"
        if len(found) > 1:
            text = f"{room.name}: {text}"
        level = 0
        if room.free < DISK_LOW_BYTES or room.free < DISK_LOW_SHARE * room.total:
            level = 1
        if room.free < DISK_LAST_BYTES:
            level = 2
        left = days_left(courses.get(f"{keys.on('disk', machine)} {room.name}", ()), room.free)
        if left is not None and left < 365:
            text += f", full in {left:.0f} days as it has been filling"
            level = max(level, 2 if left < 1 else 1 if left < days else 0)
        worst = max(worst, level)
        said.append(text)
    whose = f"{machine}: " if machine else ""
    return ServiceCheck(keys.on("disk", machine), order[worst], whose + "; ".join(said))


def days_left(course: Course, free: int) -> float | None:
    """Days until a disk is full if it goes on as it did; None: it does not fill, or nobody knows yet.

    The median of the slopes between all pairs of samples (Theil-Sen): a night's backup that came and went
    does not decide it. Of what began to fill the disk an hour ago it says nothing: the bounds on free bytes
    do.

    >>> from datetime import UTC
    >>> day = datetime(2026, 11, 20, tzinfo=UTC)
    >>> filling = [(day + timedelta(hours=h), 1e9 * h / 24) for h in range(48)]
    >>> days_left(filling, 5_000_000_000)
    5.0
    """
    if len(course) < LEAST_SAMPLES or course[-1][0] - course[0][0] < LEAST:
        return None
    t = np.array([(at - course[0][0]).total_seconds() / 86400 for at, _ in course])
    y = np.array([value for _, value in course])
    one, two = np.triu_indices(len(t), k=1)
    span = t[two] - t[one]
    slope = float(np.median((y[two] - y[one])[span > 0] / span[span > 0]))
    return free / slope if slope > _FLAT_PER_DAY else None


def prefect_database(settings: Settings, course: Course) -> ServiceCheck:
    """How large the scheduler's own database is, and how it grows."""
    size = prefect_bytes(settings)
    if size is None:
        return ServiceCheck("prefect database", "ok", "not a file on this machine")
    text = f"{size / 1e6:.0f} MB"
    if len(course) >= LEAST_SAMPLES and course[-1][0] - course[0][0] >= LEAST:
        a_day = (course[-1][1] - course[0][1]) / ((course[-1][0] - course[0][0]).total_seconds() / 86400)
        text += f", {a_day / 1e6:+.0f} MB a day"
    if size > PREFECT_BYTES:
        return ServiceCheck("prefect database", "degraded", f"{text}: run `homepot-ai run prune-runs`")
    return ServiceCheck("prefect database", "ok", text)


def prefect_bytes(settings: Settings) -> int | None:
    """Prefect's SQLite file with its journal; None where its database is elsewhere."""
    file = settings.var_dir / "prefect" / "prefect.db"
    parts = [file, file.with_name("prefect.db-wal")]
    found = [part.stat().st_size for part in parts if part.exists()]
    return sum(found) if found else None


def sizes(settings: Settings, found: Sequence[Room], database_bytes: int | None) -> dict[str, float]:
    """What is written down of this moment, by name; bytes."""
    disk = keys.on("disk", settings.watch.machine)
    measured: dict[str, float | None] = {f"{disk} {room.name}": float(room.used) for room in found}
    measured |= {
        "database": database_bytes,
        "prefect database": prefect_bytes(settings),
        "chroma": folder_bytes(Folder.of(settings).path),
        "logs": folder_bytes(settings.var_dir / "log"),
        "backups": folder_bytes(settings.backup.dir or settings.var_dir / "backup"),
        "archive": folder_bytes(settings.var_dir / "archive"),
    }
    return {name: float(value) for name, value in measured.items() if value is not None}


def folder_bytes(folder: Path) -> int | None:
    """What lies below a folder; None: there is none. Files that go meanwhile are not counted."""
    if not folder.is_dir():
        return None
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:
                continue
    return total


def put_sizes(conn: Connection, measured: Mapping[str, float], now: datetime) -> None:
    """Write sizes down, once an hour."""
    conn.execute(_SQL["put"], {"whats": list(measured), "values": list(measured.values()), "now": now})


def courses(conn: Connection, now: datetime) -> dict[str, list[tuple[datetime, float]]]:
    """Sizes of the past days, by name."""
    found: dict[str, list[tuple[datetime, float]]] = {}
    for what, at, value in conn.execute(_SQL["course"], {"since": now - COURSE, "now": now}):
        found.setdefault(str(what), []).append((at, float(value)))
    return found
