"""One supervisor per state folder.

The lock is the kernel's (`flock`): it ends with the process, however that ends, so it
cannot go stale. What can be left behind are child processes of a supervisor that was
killed; they carry its mark and are ended before the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from deployments import processes
from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import profile_file

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


class AlreadyRunning(HomepotAIError):
    """Another supervisor works in the same state folder."""


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, for messages and for `homepot-ai run`.

    Attributes:
        mark: the value of the mark that its children carry.
        api_url: its Prefect server.
        ready: whether everything was up.
        health_url: where it tells the state of its parts.
    """

    pid: int
    started: str
    mark: str
    api_url: str
    ready: bool = False
    health_url: str = ""


def mark_of(var_dir: Path) -> str:
    """The beginning of the mark of every supervisor of this state folder."""
    return f"{var_dir.resolve()}|"


@contextlib.contextmanager
def hold(settings: Settings) -> Iterator[tuple[Holder, list[str]]]:
    """Hold the lock of a state folder.

    Yields:
        The holder, and descriptions of leftover processes that were ended first.

    Raises:
        AlreadyRunning: naming the other one and how to stop it.
    """
    var_dir = settings.var_dir
    path = _path(var_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = read(var_dir)
            who = f"process {other.pid}, since {other.started}" if other else "another process"
            stop = f"`homepot-ai down` or `kill {other.pid}`" if other else "Ctrl-C there"
            raise AlreadyRunning(
                f"homepot-ai is already up on {var_dir} ({who}); stop it with {stop}, "
                "or give this one a folder of its own with HOMEPOT_AI_VAR_DIR"
            ) from None
        leftovers = processes.end_marked(mark_of(var_dir))
        holder = Holder(
            pid=os.getpid(),
            started=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
            mark=f"{mark_of(var_dir)}{os.getpid()}",
            api_url=settings.prefect.api_url,
        )
        write(var_dir, holder)
        profile_file(var_dir).write_text(settings.profile, encoding="utf-8")
        try:
            yield holder, leftovers
        finally:
            path.write_text("", encoding="utf-8")


def write(var_dir: Path, holder: Holder) -> None:
    """Record who holds it. In place: the lock is on this very file."""
    _path(var_dir).write_text(json.dumps(asdict(holder)), encoding="utf-8")


def read(var_dir: Path) -> Holder | None:
    """Who is recorded; None when nobody is or the record is damaged."""
    try:
        return Holder(**json.loads(_path(var_dir).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def running(var_dir: Path) -> Holder | None:
    """The supervisor that is up on this folder, or None (a record without a lock is of a dead one)."""
    path = _path(var_dir)
    if not path.exists():
        return None
    with path.open("r", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = read(var_dir)
            return holder if holder and psutil.pid_exists(holder.pid) else None
        fcntl.flock(file, fcntl.LOCK_UN)
    return None


def _path(var_dir: Path) -> Path:
    return var_dir / "run" / "up.lock"
