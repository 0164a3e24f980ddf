"""Room on the disks, what takes it, and when it will be gone."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg

from homepot_ai.errors import DatabaseError, DatabaseUnreachable
from homepot_ai.memory.index import Folder
from homepot_ai.store import named_sql
from homepot_ai.store.checks import DISK_LOW_BYTES, DISK_LOW_SHARE, ServiceCheck, State
from homepot_ai.store.database import without_secrets
from homepot_ai.text import clean
from homepot_ai.watch import keys

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("watch/sql/sizes.sql")
log = logging.getLogger(__name__)

DISK_LAST_BYTES = 300_000_000
#: A trend is read from this much of the past, and needs so much of it.
COURSE, LEAST, LEAST_SAMPLES = timedelta(days=7), timedelta(hours=20), 12
# A nightly backup's rise and fall must not look like a disk that fills within the hour.
_FLAT_PER_DAY = 1_000_000.0
#: Prefect's database stays within some hundred megabytes at 1440 runs a day and seven days of them.
PREFECT_BYTES = 2_000_000_000
#: So long may its PostgreSQL take to let us in, and to answer.
PREFECT_S = 3

NOT_HERE = "not a file on this machine"

Course = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Room:
    """A file system of ours: what lies on it, bytes free, used and in all."""

    name: str
    free: int
    used: int
    total: int


def probe(db: Database | None, settings: Settings, now: datetime) -> list[ServiceCheck]:
    """The disks, looked at whatever the database does; where they go needs its rows."""
    watch, known = settings.watch, _known(db, now)
    unseen = hidden(settings)
    return [judge(rooms(settings), known, days=watch.disk_days, machine=watch.machine, unseen=unseen)]


def prefect_probe(db: Database | None, settings: Settings, now: datetime) -> list[ServiceCheck]:
    """The scheduler's database; where several machines look, only one that has its file or address knows."""
    check = prefect_database(settings, _known(db, now).get("prefect database", ()))
    return [] if settings.watch.machine and check.detail == NOT_HERE else [check]


def rooms(settings: Settings) -> list[Room]:
    """The file systems that we write to or are told to watch, each once."""
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
    for folder in settings.watch.disks:
        # What is named there and is not there is told (`hidden`); the disk above it is another.
        with suppress(OSError):
            usage, device = shutil.disk_usage(folder), folder.stat().st_dev
            found.setdefault(device, Room(str(folder), usage.free, usage.used, usage.total))
    return list(found.values())


def hidden(settings: Settings) -> list[str]:
    """What of `watch.disks` cannot be looked at, and what to do.

    >>> from homepot_ai.settings import Settings
    >>> hidden(Settings(watch={"disks": ["/no/such/disk"]}))
    ['/no/such/disk is not there: mount its disk, or take it out of watch.disks']
    """
    said = []
    for folder in settings.watch.disks:
        try:
            os.statvfs(folder)
        except (FileNotFoundError, NotADirectoryError):
            said.append(f"{folder} is not there: mount its disk, or take it out of watch.disks")
        except OSError as error:
            name = clean(str(folder), 120)
            said.append(f"{name} cannot be looked at ({error.strerror}): name one above it on the same disk")
    return said


def judge(
    found: Sequence[Room],
    courses: Mapping[str, Course],
    *,
    days: int,
    machine: str = "",
    unseen: Sequence[str] = (),
) -> ServiceCheck:
    """One line about the disks, the fullest deciding.

    Args:
        courses: bytes used over time, by name as `sizes` writes them down.
        days: a disk that is full within so many is told.
        machine: whose disks they are, where there are several; it is part of the check's name.
        unseen: sentences about disks that could not be looked at.

    >>> judge([Room("state", 50_000_000_000, 10, 60_000_000_000)], {}, days=7).detail
    '50.0 GB of 60.0 GB free'
    """
    order: tuple[State, ...] = ("ok", "degraded", "down")
    worst, said = int(bool(unseen)), []
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
    return ServiceCheck(keys.on("disk", machine), order[worst], whose + "; ".join([*said, *unseen]))


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
    try:
        size = prefect_bytes(settings)
    except DatabaseUnreachable as error:
        return ServiceCheck("prefect database", "degraded", str(error))
    if size is None:
        return ServiceCheck("prefect database", "ok", NOT_HERE)
    text = f"{size / 1e6:.0f} MB"
    if len(course) >= LEAST_SAMPLES and course[-1][0] - course[0][0] >= LEAST:
        a_day = (course[-1][1] - course[0][1]) / ((course[-1][0] - course[0][0]).total_seconds() / 86400)
        text += f", {a_day / 1e6:+.0f} MB a day"
    if size > PREFECT_BYTES:
        return ServiceCheck("prefect database", "degraded", f"{text}: run `homepot-ai run prune-runs`")
    return ServiceCheck("prefect database", "ok", text)


def prefect_bytes(settings: Settings) -> int | None:
    """Prefect's PostgreSQL database, or its SQLite file with its journal; None where neither is known here.

    Raises:
        DatabaseUnreachable: the PostgreSQL does not answer.
    """
    if settings.prefect.database_url is not None:
        return _asked(settings.prefect.database_url.get_secret_value())
    file = settings.var_dir / "prefect" / "prefect.db"
    parts = [file, file.with_name("prefect.db-wal")]
    found = [part.stat().st_size for part in parts if part.exists()]
    return sum(found) if found else None


def _asked(url: str) -> int:
    address = libpq_url(url)
    try:
        with psycopg.connect(
            address,
            connect_timeout=PREFECT_S,
            tcp_user_timeout=PREFECT_S * 1000,
            application_name="homepot-ai",
        ) as conn:
            # Not as an option of the connection: a pooler between refuses those.
            conn.execute(f"SET LOCAL statement_timeout = '{PREFECT_S}s'")
            row = conn.execute("SELECT pg_database_size(current_database())").fetchone()
    except psycopg.OperationalError as error:
        said = clean(without_secrets(str(error), address), 200)
        raise DatabaseUnreachable(
            f"prefect.database_url: PostgreSQL does not answer there ({said})"
        ) from None
    except psycopg.Error as error:
        # The driver's own words may quote an address that it cannot read.
        said = f"its size cannot be asked ({type(error).__name__})"
        raise DatabaseUnreachable(f"prefect.database_url: {said}; see docs/settings.md") from None
    return int(row[0]) if row else 0


def libpq_url(url: str) -> str:
    """The address of Prefect's database as PostgreSQL's own library reads it.

    >>> libpq_url("postgresql+asyncpg://prefect@db.example.org/prefect?ssl=require")
    'postgresql://prefect@db.example.org/prefect?sslmode=require'
    """
    before, mark, options = url.replace("postgresql+asyncpg://", "postgresql://", 1).partition("?")
    return before + mark + re.sub(r"(^|&)ssl=", r"\1sslmode=", options)


def sizes(settings: Settings, found: Sequence[Room]) -> dict[str, float]:
    """What is written down of this moment, beside our own database; bytes by name."""
    disk = keys.on("disk", settings.watch.machine)
    measured: dict[str, float | None] = {f"{disk} {room.name}": float(room.used) for room in found}
    # That it does not answer is said by its check.
    with suppress(DatabaseUnreachable):
        measured["prefect database"] = prefect_bytes(settings)
    measured |= {
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


def _known(db: Database | None, now: datetime) -> Mapping[str, Course]:
    if db is None:
        return {}
    try:
        with db.reader() as conn:
            conn.execute("SET LOCAL statement_timeout = '5s'")
            return courses(conn, now)
    except (DatabaseError, psycopg.Error):
        log.info("the course of the disks is not known: the database is away")
        return {}
