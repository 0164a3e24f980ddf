"""How long a minute and an hour take: python benchmarks/scale.py --devices 10000 --metrics 50 [--minutes 5]

Data lie in HOMEPOT's own tables in an embedded PostgreSQL of this benchmark's
own: two rows per device and minute, metrics beyond HOMEPOT's columns in
extra_metrics. Each minute and shard is scored in a fresh process, as in
production, by the functions that the flow's tasks call; its stages' seconds and
its peak memory are what is printed. The last line is one JSON object.

    --shards 4 [--jobs 2]   the fleet split as in production; --jobs scores so many shards at a time
    --history-days 30       days of older telemetry and scores before: cost must not grow with them
    --full-hour             the measured minutes begin with one that ends an hour
    --part predict          only predict-failures (30 days of hourly values of 10 metrics); default: both

Without --shards, as docs/scaling.md recommends: one shard for each 25 000 devices.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
import scale_predict

from homepot_ai.health import planning, scoring
from homepot_ai.settings import Settings
from homepot_ai.store import embedded, migrate, scores
from homepot_ai.store.database import Database

COLUMNS = ("cpu_percent", "memory_percent", "disk_percent", "network_latency_ms", "transaction_volume")
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
RECOMMENDED = 25_000  # devices per shard
STAGES = ("plan", "read", "score", "store")


def prepare(db: Database, devices: int) -> None:
    """HOMEPOT's tables with so many devices at 50 sites, and ours."""
    with db.admin() as conn:
        conn.execute("SET search_path = public")
        conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
    write_fleet(db, devices, START)
    migrate.upgrade(db, may_add_indexes=True)


def write_fleet(db: Database, devices: int, now: datetime) -> None:
    """So many devices at 50 sites, two months old."""
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "SELECT n, 'SITE-' || n, 'Site ' || n, true, 'active' FROM generate_series(1, 50) n"
        )
        conn.execute(
            "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
            "created_at) SELECT n, 'DEVICE-' || n, 'Device ' || n, "
            "(ARRAY['pos_terminal', 'iot_sensor', 'gateway', 'tablet'])[1 + n %% 4], 'active', 1 + n %% 50, "
            "true, %s FROM generate_series(1, %s) n",
            [now - timedelta(days=60), devices],
        )


def write_minute(db: Database, rng: np.random.Generator, at: datetime, devices: int, metrics: int) -> None:
    """Two rows per device in the minute that ends at `at`."""
    names = [f"metric_{i:02d}" for i in range(metrics - len(COLUMNS))]
    phase = 2 * np.pi * (at.hour * 60 + at.minute) / 1440
    with (
        db.admin() as conn,
        conn.cursor() as cursor,
        cursor.copy(
            f"COPY device_metrics (timestamp, device_id, {', '.join(COLUMNS)}, extra_metrics, provenance, "
            "collection_interval_seconds) FROM STDIN"
        ) as copy,
    ):
        for offset in (40, 10):
            moment = (at - timedelta(seconds=offset)).replace(tzinfo=None)
            for first in range(0, devices, 10_000):
                n = min(10_000, devices - first)
                level = 40 + 10 * np.sin(phase) + rng.normal(0, 3, (n, metrics))
                for device, line in enumerate(np.abs(level).round(3).tolist(), start=first + 1):
                    extra = orjson.dumps(dict(zip(names, line[len(COLUMNS) :], strict=True))).decode()
                    copy.write_row((moment, device, *line[: len(COLUMNS)], extra, "simulated", 30))


def write_history(db: Database, devices: int, days: int) -> int:
    """A row per device and minute of the days before, and as many scores; returns how many rows."""
    first = START - timedelta(days=days)
    with db.admin() as conn:
        for day in range(days):
            parameters = {"devices": devices, "first": (first + timedelta(days=day)).replace(tzinfo=None)}
            conn.execute(
                "INSERT INTO device_metrics (timestamp, device_id, cpu_percent, memory_percent, provenance) "
                "SELECT %(first)s::timestamp + m * interval '1 minute', d, 40 + d %% 7, 50 + m %% 5, "
                "'simulated' FROM generate_series(1, 1439) m, generate_series(1, %(devices)s) d",
                parameters,
            )
        scores.ensure_partitions(conn, first, START)
        conn.execute(
            "INSERT INTO ai_health_scores (device_id, at, score, status, sample_count, data_age_seconds) "
            "SELECT d, %s::timestamptz + m * interval '1 minute', 1, 'healthy', 1, 30 "
            "FROM generate_series(0, %s) m, generate_series(1, %s) d",
            [START - timedelta(days=min(days, 14)), 1440 * min(days, 14) - 1, devices],
        )
    with db.admin() as conn:
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE device_metrics")
    return devices * 1439 * days


def one_minute(url: str, at: datetime, shard: int = 0, shards: int = 1) -> dict[str, float]:
    """Score a shard's minutes up to `at` and say what each stage took (runs in a process of its own)."""
    db, settings = Database(url), Settings(scoring={"shards": shards})
    clock = [time.perf_counter()]
    plan = planning.plan(db, settings, shard=shard, at=at, now=at)
    clock.append(time.perf_counter())
    batch = scoring.read(db, settings, plan)
    clock.append(time.perf_counter())
    scored = scoring.score(settings, plan, batch)
    del batch  # as the flow does
    clock.append(time.perf_counter())
    summary = scoring.store(db, settings, plan, scored, at)
    clock.append(time.perf_counter())
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        **dict(zip(STAGES, np.diff(clock).tolist(), strict=True)),
        "total": clock[-1] - clock[0],
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "rows": summary.rows_read,
        "written": summary.written,
        "scored": summary.devices - summary.counts.get("not_scored", 0) - summary.counts.get("no_data", 0),
    }


def measure(url: str, folder: Path, at: datetime, shards: int, jobs: int) -> dict[str, float]:
    """One minute of all shards: seconds of the stages are summed over them.

    `cpu` is what the scoring processes used, `db_cpu` what PostgreSQL did for them: on a machine that
    others use as well these two tell more than the clock.
    """

    def score(shard: int) -> dict[str, float]:
        command = [sys.executable, __file__, "--score", url, at.isoformat(), str(shard), str(shards)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return dict(json.loads(done.stdout.splitlines()[-1]))

    served = _server_cpu(folder)
    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(score, range(shards)))
    wall = time.perf_counter() - began
    summed = {name: sum(f[name] for f in found) for name in found[0]}
    peak = max(f["peak_mib"] for f in found)
    return {**summed, "db_cpu": _server_cpu(folder) - served, "peak_mib": peak, "wall": wall}


def _server_cpu(folder: Path) -> float:
    """CPU seconds of PostgreSQL's sessions that have ended."""
    pid = int((embedded.data_dir(folder) / "postmaster.pid").read_text().split()[0])
    used = psutil.Process(pid).cpu_times()
    return float(used.children_user + used.children_system)


def sizes(db: Database, devices: int) -> dict[str, Any]:
    """What lies in the tables, and what the planner does with the hot query."""
    with db.admin() as conn:

        def one(query: str) -> Any:
            row = conn.execute(query).fetchone()
            assert row is not None
            return row[0]

        day = f"homepot_ai.ai_health_scores_{START:%Y%m%d}"
        held = one(f"SELECT pg_total_relation_size('{day}')")
        rows = one(f"SELECT count(*) FROM {day}")
        live = one("SELECT count(*) * 8000 FROM ai_baseline_pages WHERE live")
        slot = one("SELECT max(octet_length(payload)) FROM ai_baselines WHERE kind = 'live' AND part >= 0")
        snapshots = one(
            "SELECT coalesce(sum(octet_length(payload)), 0) FROM ai_baselines WHERE kind = 'snapshot'"
        ) + one("SELECT count(*) * 8000 FROM ai_baseline_pages WHERE NOT live")
        kept = one("SELECT count(DISTINCT at) FROM ai_baselines WHERE kind = 'snapshot'")
        tables = sum(
            one(f"SELECT pg_total_relation_size('homepot_ai.{table}')")
            for table in ("ai_baselines", "ai_baseline_pages")
        )
    return {
        "score_bytes_per_device_day": round(held / rows * 1440, 1),
        "live_fast_bytes": int(live),
        "profile_slot_bytes": int(slot or 0),
        "snapshots_kept": int(kept),
        "snapshot_bytes_each": int(snapshots / kept) if kept else 0,
        "state_bytes": int(tables),
    }


def predicted(devices: int) -> dict[str, float]:
    """Stages, seconds and peak memory of one hourly predicting run; the ledger's hour is among it."""
    folder = Path(tempfile.mkdtemp(prefix="hp-scale-"))
    server = embedded.start(folder)
    try:
        db = Database(server.url)
        prepare(db, devices)
        rows = scale_predict.write_hours(db, devices, START)
        print(f"{rows} hourly rows written", file=sys.stderr)
        served = _server_cpu(folder)
        found = scale_predict.measure(server.url, START)
        return {**found, "db_cpu": round(_server_cpu(folder) - served, 2), "hour_rows": rows}
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=5, help="minutes measured")
    parser.add_argument("--shards", type=int, default=0, help="default: one for each 25 000 devices")
    parser.add_argument("--jobs", type=int, default=1, help="shards scored at a time")
    parser.add_argument("--history-days", type=int, default=0)
    parser.add_argument("--full-hour", action="store_true")
    parser.add_argument(
        "--warm", type=int, default=None, help="minutes before, that devices are learned from"
    )
    parser.add_argument("--part", choices=("all", "score", "predict"), default="all")
    parser.add_argument("--score", nargs=4, metavar=("URL", "AT", "SHARD", "SHARDS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.score:
        url, at, shard, shards = asked.score
        print(json.dumps(one_minute(url, datetime.fromisoformat(at), int(shard), int(shards))))
        return
    if asked.metrics < len(COLUMNS):
        parser.error(f"--metrics must be at least {len(COLUMNS)}")
    # Long enough that every device has a score of its own; a very large fleet takes the short way.
    warm = asked.warm if asked.warm is not None else (34 if asked.devices <= 20_000 else 3)
    shards = asked.shards or -(-asked.devices // RECOMMENDED)
    first = START + timedelta(minutes=1)
    if asked.full_hour:
        first = START + timedelta(hours=1) - timedelta(minutes=warm)
    folder = Path(tempfile.mkdtemp(prefix="hp-scale-"))
    foretold = predicted(asked.devices) if asked.part != "score" else None
    if asked.part == "predict":
        print(json.dumps({"benchmark": "scale", "devices": asked.devices, "predict_failures": foretold}))
        return
    server = embedded.start(folder)
    load = []
    try:
        db = Database(server.url)
        prepare(db, asked.devices)
        older = write_history(db, asked.devices, asked.history_days) if asked.history_days else 0
        rng = np.random.default_rng(7)
        measured = []
        for minute in range(warm + asked.minutes):
            at = first + timedelta(minutes=minute)
            write_minute(db, rng, at, asked.devices, asked.metrics)
            found = measure(server.url, folder, at, shards, asked.jobs)
            if minute >= warm:
                measured.append(found)
                load.append(os.getloadavg()[0])
            print(f"{at:%H:%M} " + " ".join(f"{k}={v:.2f}" for k, v in found.items()), file=sys.stderr)
        held = sizes(db, asked.devices)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    stages = {
        stage: round(statistics.median(m[stage] for m in measured), 3)
        for stage in (*STAGES, "total", "cpu", "db_cpu", "wall")
    }
    print(
        json.dumps(
            {
                "benchmark": "scale",
                "devices": asked.devices,
                "metrics": asked.metrics,
                "shards": shards,
                "jobs": asked.jobs,
                "minutes": asked.minutes,
                "warm_minutes": warm,
                "history_rows": older,
                "full_hour": asked.full_hour,
                "score_health_seconds": stages,
                "score_health_seconds_worst": round(max(m["total"] for m in measured), 3),
                "score_health_peak_mib": round(max(m["peak_mib"] for m in measured), 1),
                "load_average": round(statistics.mean(load), 1),
                "devices_scored": int(measured[-1]["scored"]),
                **held,
                "predict_failures": foretold,
            }
        )
    )


if __name__ == "__main__":
    main()
