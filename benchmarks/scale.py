"""How long a minute takes: python benchmarks/scale.py --devices 10000 --metrics 50 [--minutes 5]

Data lie in HOMEPOT's own tables in an embedded PostgreSQL of this benchmark's
own: two rows per device and minute, metrics beyond HOMEPOT's columns in
extra_metrics. Each minute is scored in a fresh process, as in production, by
the functions that the flow's tasks call; its stages' seconds and its peak
memory are what is printed. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import orjson

from homepot_ai.health import planning, scoring
from homepot_ai.settings import Settings
from homepot_ai.store import embedded, migrate
from homepot_ai.store.database import Database

COLUMNS = ("cpu_percent", "memory_percent", "disk_percent", "network_latency_ms", "transaction_volume")
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def prepare(db: Database, devices: int) -> None:
    """HOMEPOT's tables with so many devices at 50 sites, and ours."""
    with db.admin() as conn:
        conn.execute("SET search_path = public")
        conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "SELECT n, 'SITE-' || n, 'Site ' || n, true, 'active' FROM generate_series(1, 50) n"
        )
        conn.execute(
            "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
            "created_at) SELECT n, 'DEVICE-' || n, 'Device ' || n, "
            "(ARRAY['pos_terminal', 'iot_sensor', 'gateway', 'tablet'])[1 + n %% 4], 'active', 1 + n %% 50, "
            "true, %s FROM generate_series(1, %s) n",
            [START - timedelta(days=60), devices],
        )
    migrate.upgrade(db, may_add_indexes=True)


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
            level = 40 + 10 * np.sin(phase) + rng.normal(0, 3, (devices, metrics))
            level = np.abs(level).round(3)
            for device, line in enumerate(level.tolist(), start=1):
                extra = orjson.dumps(dict(zip(names, line[len(COLUMNS) :], strict=True))).decode()
                copy.write_row((moment, device, *line[: len(COLUMNS)], extra, "simulated", 30))


def one_minute(url: str, at: datetime) -> dict[str, float]:
    """Score the minutes up to `at` and say what each stage took (runs in a process of its own)."""
    db, settings = Database(url), Settings()
    clock = [time.perf_counter()]
    plan = planning.plan(db, settings, at=at, now=at)
    clock.append(time.perf_counter())
    batch = scoring.read(db, settings, plan)
    clock.append(time.perf_counter())
    scored = scoring.score(settings, plan, batch)
    clock.append(time.perf_counter())
    summary = scoring.store(db, settings, plan, scored, at)
    clock.append(time.perf_counter())
    stages = dict(zip(("plan", "read", "score", "store"), np.diff(clock).tolist(), strict=True))
    return {
        **stages,
        "total": clock[-1] - clock[0],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": summary.rows_read,
        "written": summary.written,
        "scored": summary.devices - summary.counts.get("not_scored", 0) - summary.counts.get("no_data", 0),
    }


def measure(url: str, at: datetime) -> dict[str, float]:
    command = [sys.executable, __file__, "--score", url, at.isoformat()]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=5, help="minutes measured")
    parser.add_argument(
        "--warm", type=int, default=None, help="minutes before, that devices are learned from"
    )
    parser.add_argument("--score", nargs=2, metavar=("URL", "AT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.score:
        print(json.dumps(one_minute(asked.score[0], datetime.fromisoformat(asked.score[1]))))
        return
    if asked.metrics < len(COLUMNS):
        parser.error(f"--metrics must be at least {len(COLUMNS)}")
    # Long enough that every device has a score of its own; a very large fleet takes the short way.
    warm = asked.warm if asked.warm is not None else (34 if asked.devices <= 20_000 else 3)
    folder = Path(tempfile.mkdtemp(prefix="hp-scale-"))
    server = embedded.start(folder)
    try:
        db = Database(server.url)
        prepare(db, asked.devices)
        rng = np.random.default_rng(7)
        measured = []
        for minute in range(warm + asked.minutes):
            at = START + timedelta(minutes=minute)
            write_minute(db, rng, at, asked.devices, asked.metrics)
            found = measure(server.url, at)
            if minute >= warm:
                measured.append(found)
            print(f"{at:%H:%M} " + " ".join(f"{k}={v:.2f}" for k, v in found.items()), file=sys.stderr)
        with db.admin() as conn:
            sizes = {
                table: conn.execute("SELECT pg_total_relation_size(%s)", [f"homepot_ai.{table}"]).fetchone()[
                    0
                ]
                for table in ("ai_baselines", "ai_metric_hours")
            }
            day = f"homepot_ai.ai_health_scores_{START:%Y%m%d}"
            scores_bytes = conn.execute("SELECT pg_total_relation_size(%s)", [day]).fetchone()[0]
            rows = conn.execute("SELECT count(*) FROM homepot_ai.ai_health_scores").fetchone()[0]
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    stages = {
        stage: round(statistics.median(m[stage] for m in measured), 3)
        for stage in ("plan", "read", "score", "store", "total")
    }
    print(
        json.dumps(
            {
                "benchmark": "scale",
                "devices": asked.devices,
                "metrics": asked.metrics,
                "minutes": asked.minutes,
                "warm_minutes": warm,
                "score_health_seconds": stages,
                "score_health_seconds_worst": round(max(m["total"] for m in measured), 3),
                "score_health_peak_mib": round(max(m["peak_mib"] for m in measured), 1),
                "devices_scored": int(measured[-1]["scored"]),
                "score_bytes_per_device_day": round(scores_bytes / rows * 1440, 1),
                "state_bytes": sizes["ai_baselines"],
                "predict_failures": None,
            }
        )
    )


if __name__ == "__main__":
    main()
