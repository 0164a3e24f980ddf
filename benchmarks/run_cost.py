"""What one minute run costs: bytes in Prefect's database and in ours, CPU seconds.

    python benchmarks/run_cost.py [--runs 5]

Brings up a demo of its own in a temporary folder (real server, real worker) with the
schedules at rest, then runs replay-sample and score-health in turn through the worker, as a
minute does. Bytes are pages in use, before and after; CPU is read from the processes
themselves. Prints what it measures, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg

ROOT = Path(__file__).resolve().parent.parent
MINUTES_A_DAY = 1440


@dataclass(frozen=True)
class Reading:
    """State of everything at one moment. Bytes and CPU seconds."""

    prefect_bytes: int
    event_bytes: int
    our_bytes: int
    worker_cpu: float
    run_cpu: float
    server_cpu: float
    at: float


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="minutes to run")
    arguments = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="hp-cost-"))
    os.environ.update(
        HOMEPOT_AI_VAR_DIR=str(var),
        HOMEPOT_AI_PREFECT__PORT=str(_free_port()),
        HOMEPOT_AI_DEMO__MAIL_PORT=str(_free_port()),
        HOMEPOT_AI_DEMO__HISTORY_DAYS="2",
        HOMEPOT_AI_DEMO__SCORED_DAYS="1",
    )
    sys.path.insert(0, str(ROOT))
    try:
        result = measure(var, arguments.runs)
    finally:
        shutil.rmtree(var, ignore_errors=True)
    print(json.dumps(result))
    return 0


def measure(var: Path, runs: int) -> dict[str, float]:
    """Start everything, run the minutes, read before and after."""
    from deployments import lock, supervisor
    from homepot_ai.settings import settings_for

    settings = settings_for("demo")
    with lock.hold(settings) as (holder, _):
        parts = supervisor.Supervisor(settings, holder, print)
        with supervisor.heed_signals(parts.stopping), parts:
            parts.start_server()
            parts.start_mail_sink()
            parts.start_postgres()
            parts.run_step("deployments.prepare")
            parts.wait_for_server()
            parts.run_step("deployments.bootstrap", "--solo", "--on-demand")
            parts.start_workers()
            time.sleep(10)
            idle_from = _read(var, parts)
            time.sleep(20)
            idle_to = _read(var, parts)
            _one_minute(settings, datetime.now(UTC))  # what is made once: artifact keys, caches
            before = _read(var, parts)
            for _ in range(runs):
                _next_minute()
                _one_minute(settings, datetime.now(UTC))
            time.sleep(5)  # events are written in batches
            after = _read(var, parts)
    idle_cpu = (idle_to.server_cpu - idle_from.server_cpu) / (idle_to.at - idle_from.at)
    span = after.at - before.at
    result = {
        "runs": 2 * runs,
        "minutes": runs,
        "prefect_bytes_per_run": (after.prefect_bytes - before.prefect_bytes) / (2 * runs),
        "prefect_event_bytes_per_run": (after.event_bytes - before.event_bytes) / (2 * runs),
        "our_bytes_per_minute": (after.our_bytes - before.our_bytes) / runs,
        "run_cpu_seconds_per_run": (after.run_cpu - before.run_cpu) / (2 * runs),
        "server_cpu_seconds_per_run": max(
            0.0, (after.server_cpu - before.server_cpu - idle_cpu * span) / (2 * runs)
        ),
        "worker_cpu_seconds_per_run": (after.worker_cpu - before.worker_cpu) / (2 * runs),
        "server_idle_cpu_share": idle_cpu,
    }
    for name, value in result.items():
        print(f"{name:32} {value:12.3f}")
    kept = result["prefect_bytes_per_run"] - result["prefect_event_bytes_per_run"]
    days = settings.retention.prefect_days
    print(
        f"\nA day of score-health: {MINUTES_A_DAY * kept / 1e6:.0f} MB kept for {days} days, "
        f"and {MINUTES_A_DAY * result['prefect_event_bytes_per_run'] / 1e6:.0f} MB of events, "
        "most of which are kept for an hour."
    )
    return {name: round(value, 4) for name, value in result.items()}


def _one_minute(settings: object, at: datetime) -> None:
    """The two runs of a minute, through the worker."""
    from deployments import environment, runs

    os.environ.update(environment.prefect_environment(settings))  # type: ignore[arg-type]
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for name in ("replay-sample", "score-health"):
            ended = runs.run(client, name, {}, timeout_s=120)
            print(f"{at:%H:%M:%S} {name}: {ended.state} in {ended.seconds:.1f} s. {ended.message}")
            if not ended.good:
                raise SystemExit(f"{name} ended {ended.state}: {ended.message}")


def _next_minute() -> None:
    """A minute that was scored is not scored again: wait for the next one."""
    now = datetime.now(UTC)
    due = now.replace(second=0, microsecond=0) + timedelta(minutes=1, seconds=1)
    time.sleep((due - now).total_seconds())


def _read(var: Path, parts: object) -> Reading:
    from homepot_ai.store import embedded

    url = embedded.running_url(var)
    assert url is not None
    with psycopg.connect(url) as conn:
        conn.execute("CHECKPOINT")
        row = conn.execute(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname = 'homepot_ai' AND c.relkind IN ('r', 'p')"
        ).fetchone()
    assert row is not None
    with sqlite3.connect(var / "prefect" / "prefect.db", timeout=30) as db:
        pages, free, size = (
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        try:
            events = db.execute(
                "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name LIKE '%event%'"
            ).fetchone()[0]
        except sqlite3.OperationalError:  # SQLite built without dbstat: the content alone
            events = db.execute(
                "SELECT coalesce(sum(length(payload) + length(related) + length(resource)), 0) FROM events"
            ).fetchone()[0]
    minute = server = None
    for child in parts.children:  # type: ignore[attr-defined]
        if child.name == "worker-minute":
            minute = psutil.Process(child.process.pid).cpu_times()
        if child.name == "prefect-server":
            server = psutil.Process(child.process.pid).cpu_times()
    assert minute is not None
    assert server is not None
    return Reading(
        prefect_bytes=(pages - free) * size,
        event_bytes=events,
        our_bytes=int(row[0]),
        worker_cpu=minute.user + minute.system,
        # A worker's children are its runs; ended ones are added up here.
        run_cpu=minute.children_user + minute.children_system,
        server_cpu=server.user + server.system,
        at=time.monotonic(),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())
