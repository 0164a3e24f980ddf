"""How long a scheduled minute takes as Prefect sees it: python benchmarks/minute_flow.py [--devices 10000]

Brings up an installation of its own in a temporary folder (real server, real workers, every
schedule at work) with a fleet of that size, whose telemetry is written every minute while it
runs. What is measured is what the server says: from the time for which a run of score-health
was scheduled to the end of the run, every scheduled run of the measured minutes counted. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from scale import write_fleet, write_minute

ROOT = Path(__file__).resolve().parent.parent
MINUTE = timedelta(minutes=1)
# A minute's telemetry is in the database by so long after its end; scoring begins at second 15.
WRITTEN_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=6, help="minutes measured")
    parser.add_argument("--shards", type=int, default=1)
    asked = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="hp-flow-"))
    for name in [name for name in os.environ if name.startswith(("HOMEPOT_AI_", "PREFECT_"))]:
        del os.environ[name]
    os.environ.update(
        HOMEPOT_AI_VAR_DIR=str(var),
        HOMEPOT_AI_PREFECT__PORT=str(_free_port()),
        HOMEPOT_AI_SCORING__SHARDS=str(asked.shards),
    )
    sys.path.insert(0, str(ROOT))
    try:
        result = measure(asked)
    finally:
        shutil.rmtree(var, ignore_errors=True)
    print(json.dumps(result))
    return 0


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Start everything, let the minutes pass, ask the server what came of them."""
    from deployments import lock, supervisor
    from homepot_ai.settings import settings_for
    from homepot_ai.store.database import Database

    settings = settings_for("default")
    with lock.hold(settings) as (holder, _):
        parts = supervisor.Supervisor(settings, holder, print)
        with supervisor.heed_signals(parts.stopping), parts:
            parts.start_server()
            parts.start_postgres()
            parts.run_step("deployments.prepare")
            db = Database.from_settings(settings)
            now = datetime.now(UTC).replace(second=0, microsecond=0)
            write_fleet(db, asked.devices, now)
            writer = Writer(db, asked.devices, asked.metrics)
            writer.write(now - MINUTE)
            parts.wait_for_server()
            parts.run_step("deployments.bootstrap", "--solo")
            parts.start_workers()
            writer.start()
            # The first run learns, the second is the first that reads a state back.
            begin = datetime.now(UTC).replace(second=0, microsecond=0) + 3 * MINUTE
            _sleep_until(begin)
            before, load = _cpu(parts), []
            for minute in range(asked.minutes):
                _sleep_until(begin + (minute + 1) * MINUTE)
                load.append(os.getloadavg()[0])
            after = _cpu(parts)
            _sleep_until(datetime.now(UTC) + timedelta(seconds=50))
            writer.stop()
            found = _runs(settings.prefect.api_url, begin, begin + asked.minutes * MINUTE)
    done = [run for run in found if run["state"] == "Completed"]
    took = [run["took"] for run in done]
    for run in found:
        print(f"{run['name']:16} {run['due']:%H:%M:%S} {run['state']:10} {run['took']:6.1f} s")
    return {
        "benchmark": "minute_flow",
        "devices": asked.devices,
        "metrics": asked.metrics,
        "shards": asked.shards,
        "minutes": asked.minutes,
        "runs": len(found),
        "completed": len(done),
        "schedule_to_completed_seconds": {
            "median": round(statistics.median(took), 2) if took else None,
            "worst": round(max(took), 2) if took else None,
        },
        "schedule_to_start_seconds_median": round(statistics.median(r["waited"] for r in done), 2)
        if done
        else None,
        "run_cpu_seconds_per_minute": round((after["runs"] - before["runs"]) / asked.minutes, 2),
        "server_cpu_seconds_per_minute": round((after["server"] - before["server"]) / asked.minutes, 2),
        "telemetry_late": writer.late,
        "load_average": round(statistics.mean(load), 1),
    }


class Writer(threading.Thread):
    """The fleet: each minute's telemetry is written as soon as the minute is over."""

    def __init__(self, db: Any, devices: int, metrics: int) -> None:
        super().__init__(daemon=True)
        self._db, self._devices, self._metrics = db, devices, metrics
        self._rng = np.random.default_rng(7)
        self._ended = threading.Event()
        #: Minutes whose telemetry was not there when scoring began.
        self.late = 0

    def write(self, at: datetime) -> None:
        write_minute(self._db, self._rng, at, self._devices, self._metrics)

    def run(self) -> None:
        at = datetime.now(UTC).replace(second=0, microsecond=0)
        while not self._ended.wait(max(0.0, (at - datetime.now(UTC)).total_seconds())):
            self.write(at)
            self.late += (datetime.now(UTC) - at).total_seconds() > WRITTEN_S
            at += MINUTE

    def stop(self) -> None:
        self._ended.set()
        self.join(60)


def _runs(api_url: str, first: datetime, last: datetime) -> list[dict[str, Any]]:
    """Scheduled runs of score-health of these minutes, as the server tells."""
    answer = httpx.post(
        f"{api_url}/flow_runs/filter",
        json={
            "flows": {"name": {"any_": ["score-health"]}},
            "flow_runs": {"expected_start_time": {"after_": first.isoformat(), "before_": last.isoformat()}},
            "sort": "EXPECTED_START_TIME_ASC",
        },
        timeout=30,
    )
    answer.raise_for_status()
    found = []
    for run in answer.json():
        due = datetime.fromisoformat(run["expected_start_time"])
        end = datetime.fromisoformat(run["end_time"]) if run["end_time"] else datetime.now(UTC)
        start = datetime.fromisoformat(run["start_time"]) if run["start_time"] else end
        found.append(
            {
                "name": f"shard {run['parameters'].get('shard', 0)}",
                "due": due,
                "state": run["state_name"],
                "took": (end - due).total_seconds(),
                "waited": (start - due).total_seconds(),
            }
        )
    return found


def _cpu(parts: Any) -> dict[str, float]:
    """CPU seconds so far: of the minute worker's ended runs, and of the server."""
    used = {}
    for child in parts.children:
        times = psutil.Process(child.process.pid).cpu_times()
        if child.name == "worker-minute":
            used["runs"] = times.children_user + times.children_system
        elif child.name == "prefect-server":
            used["server"] = times.user + times.system
    return used


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main())
