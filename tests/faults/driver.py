"""Runs flows as a worker would, each in a process of its own, and kills one where it is told to.

One process imports everything and forks a child for each job: a run costs a second instead of five. A job is
a line of JSON on stdin, its outcome a line on stdout.

A *point* is a moment at which the outside world may have changed: an answer of PostgreSQL, a file renamed,
synced or removed, a write into Chroma. They are counted, and SIGKILL comes right after the one that is asked
for. So the middle of every stage is reached without a hook in the program.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_points = 0
_kill_after: int | None = None
_lock = threading.Lock()


def passed() -> None:
    """One more point; the end, if it is the one."""
    global _points  # noqa: PLW0603 - one process, one job
    with _lock:
        _points += 1
        if _kill_after is not None and _points >= _kill_after:
            os.kill(os.getpid(), signal.SIGKILL)


def watched(owner: Any, name: str) -> None:
    """Count every return of a function."""
    original: Callable[..., Any] = getattr(owner, name)

    def call(*arguments: Any, **named: Any) -> Any:
        answer = original(*arguments, **named)
        passed()
        return answer

    setattr(owner, name, call)


def watch() -> None:
    """Count from now on."""
    import psycopg
    from chromadb.api.models.Collection import Collection

    watched(psycopg.Connection, "wait")
    for name in ("replace", "rename", "fsync", "unlink"):
        watched(os, name)
    for name in ("add", "upsert", "delete"):
        watched(Collection, name)


def set_clock(moment: datetime) -> None:
    """What flows and reports take for the present."""
    import tasks.reports

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return moment.astimezone(tz)

    tasks.reports.datetime = Stopped  # type: ignore[misc]
    for name, module in list(sys.modules.items()):
        if name.startswith("flows.") and hasattr(module, "utc_now"):
            module.utc_now = lambda: moment  # type: ignore[attr-defined]


def set_machine(ahead: timedelta) -> None:
    """How wrong this machine's own clock is, where it is compared with others'."""
    import tasks.scoring

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + ahead

    tasks.scoring.datetime = Wrong  # type: ignore[misc]


def run(job: dict[str, Any]) -> dict[str, Any]:
    """In the child: one flow run."""
    global _kill_after, _points
    for name in [name for name in os.environ if name.startswith("HOMEPOT_AI_")]:
        del os.environ[name]
    os.environ.update(job["environment"])
    tempfile.tempdir = None  # looked for anew
    from deployments.bootstrap import make_blocks
    from homepot_ai.settings import load_settings

    load_settings.cache_clear()
    make_blocks(load_settings())
    set_clock(datetime.fromisoformat(job["clock"]))
    set_machine(timedelta(seconds=job.get("machine_ahead_s", 0)))
    module, _, function = job["flow"].rpartition(".")
    flow = getattr(importlib.import_module(module), function)
    watch()
    _points, _kill_after = 0, job.get("kill_after")
    began = time.monotonic()
    state = flow(**job["parameters"], return_state=True)
    return {
        "state": state.name,
        "good": state.is_completed(),
        "message": state.message,
        "points": _points,
        "seconds": round(time.monotonic() - began, 2),
    }


def main() -> int:
    """Serve jobs until stdin ends."""
    # Everything that a flow imports, once; no thread is started by that.
    for path in sorted((Path(__file__).parents[2] / "flows").glob("*.py")):
        if path.stem != "__init__":
            importlib.import_module(f"flows.{path.stem}")
    import chromadb  # noqa: F401
    import pandas  # noqa: F401
    import statsmodels.api  # noqa: F401

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            # What a flow prints goes to the log, not among the answers.
            os.dup2(2, 1)
            try:
                told = run(job)
            except BaseException:
                told = {
                    "state": "Broken",
                    "good": False,
                    "message": traceback.format_exc(),
                    "points": _points,
                }
            with os.fdopen(writer, "w") as file:
                file.write(json.dumps(told))
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as file:
            answer = file.read()
        _, status = os.waitpid(child, 0)
        print(answer or json.dumps({"killed": os.WTERMSIG(status)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
