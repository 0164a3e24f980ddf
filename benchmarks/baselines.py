"""How long a night takes: python benchmarks/baselines.py --devices 10000 --metrics 50 [--days 30]

Hours of so many days lie in ai_metric_hours in an embedded PostgreSQL of this benchmark's own; half of
the metrics have a weekend. `learn-baselines` runs twice in processes of their own, by the functions that
the flow's tasks call: once with nothing in force, and a day later against the version of the first night.
Seconds of reading and fitting, and of storing, peak memory and bytes; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from scale import prepare

from homepot_ai.health import fitting
from homepot_ai.settings import Settings
from homepot_ai.store import embedded
from homepot_ai.store.database import Database

NOW = datetime(2026, 11, 22, 2, 40, tzinfo=UTC)  # a Sunday
UNTIL = NOW.replace(minute=0)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def write_hours(db: Database, devices: int, metrics: int, days: int) -> None:
    """Fill ai_metric_hours up to UNTIL, by binary COPY: rows of one layout are one array."""
    rng = np.random.default_rng(3)
    numbers = np.dtype([("size", ">i4"), ("value", ">f4")])
    names = [f"metric_{i:02d}".encode() for i in range(metrics)]
    text = struct.pack(">iiiii", 1, 0, 25, metrics, 1) + b"".join(
        struct.pack(">i", len(n)) + n for n in names
    )
    vector = 4 + 20 + 8 * metrics
    width = 2 + 8 + 12 + 4 + len(text) + 5 * vector
    rows = np.zeros((devices, width), np.uint8)
    rows[:, 0:2] = np.frombuffer(struct.pack(">h", 8), np.uint8)
    rows[:, 2:6] = np.frombuffer(struct.pack(">i", 4), np.uint8)
    rows[:, 6:10] = np.arange(1, devices + 1, dtype=">i4").view(np.uint8).reshape(devices, 4)
    rows[:, 10:14] = np.frombuffer(struct.pack(">i", 8), np.uint8)
    rows[:, 22:26] = np.frombuffer(struct.pack(">i", len(text)), np.uint8)
    at = 26 + len(text)
    rows[:, 26:at] = np.frombuffer(text, np.uint8)
    places = []
    for oid in (23, 700, 700, 700, 700):
        head = struct.pack(">iiiiii", vector - 4, 1, 0, oid, metrics, 1)
        rows[:, at : at + 24] = np.frombuffer(head, np.uint8)
        places.append(at + 24)
        at += vector
    assert at == width
    weekend = np.zeros(metrics)
    weekend[: metrics // 2] = rng.uniform(5, 20, metrics // 2)
    error = rng.normal(0, 2, (devices, metrics))
    cells = np.zeros((devices, metrics), numbers)
    cells["size"] = 4
    counts = np.zeros((devices, metrics), np.dtype([("size", ">i4"), ("value", ">i4")]))
    counts["size"], counts["value"] = 4, 60
    rows[:, places[0] : places[0] + 8 * metrics] = counts.view(np.uint8).reshape(devices, 8 * metrics)
    with (
        db.admin() as conn,
        conn.cursor() as cursor,
        cursor.copy(
            "COPY ai_metric_hours (device_id, hour, metrics, n, mean, min, max, last) "
            "FROM STDIN (FORMAT binary)"
        ) as copy,
    ):
        copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
        for back in range(days * 24, 0, -1):
            hour = UNTIL - timedelta(hours=back)
            micro = int((hour - _EPOCH).total_seconds()) * 1_000_000
            rows[:, 14:22] = np.frombuffer(struct.pack(">q", micro), np.uint8)
            error = 0.6 * error + 0.8 * rng.normal(0, 2, (devices, metrics))
            wave = 50 + 10 * np.sin(2 * np.pi * hour.hour / 24)
            quiet = np.clip(np.sin(np.pi * (hour.hour - 6) / 14), 0, None) if hour.weekday() >= 5 else 0.0
            cells["value"] = wave - weekend * quiet + error
            for place in places[1:]:
                rows[:, place : place + 8 * metrics] = cells.view(np.uint8).reshape(devices, 8 * metrics)
            copy.write(rows.tobytes())
        copy.write(struct.pack(">h", -1))


def one_night(url: str, at: datetime) -> dict[str, object]:
    """Fit, check and store (runs in a process of its own)."""
    db, settings = Database(url), Settings()
    clock = [time.perf_counter()]
    plan = fitting.plan(db, shard=0, at=at, now=at)
    found = fitting.fit(db, settings, plan)
    clock.append(time.perf_counter())
    summary = fitting.store(db, settings, plan, found, at)
    clock.append(time.perf_counter())
    return {
        "fit_seconds": round(clock[1] - clock[0], 2),
        "store_seconds": round(clock[2] - clock[1], 2),
        "seconds": round(clock[2] - clock[0], 2),
        "cpu_seconds": round(time.process_time(), 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "series": found.series,
        "shaped": found.shaped,
        "adopted": summary.fit.adopted,
        "reason": summary.fit.reason,
        "bytes": summary.fit.payload_bytes,
    }


def main() -> None:
    """Fill, fit twice and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--fit", nargs=2, metavar=("URL", "AT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fit:
        print(json.dumps(one_night(asked.fit[0], datetime.fromisoformat(asked.fit[1]))))
        return
    folder = Path(tempfile.mkdtemp(prefix="hp-baselines-"))
    server = embedded.start(folder)
    try:
        db = Database(server.url)
        prepare(db, asked.devices)
        began = time.perf_counter()
        write_hours(db, asked.devices, asked.metrics, asked.days)
        print(f"hours written in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        nights = []
        for at in (NOW - timedelta(days=1), NOW):
            command = [sys.executable, __file__, "--fit", server.url, at.isoformat()]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            nights.append(json.loads(done.stdout.splitlines()[-1]))
            print(json.dumps(nights[-1]), file=sys.stderr)
        with db.admin() as conn:
            sizes = {
                table: conn.execute("SELECT pg_total_relation_size(%s)", [f"homepot_ai.{table}"]).fetchone()[
                    0
                ]
                for table in ("ai_baselines", "ai_metric_hours")
            }
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    report = {
        "benchmark": "baselines",
        "devices": asked.devices,
        "metrics": asked.metrics,
        "days": asked.days,
        "seconds": max(night["seconds"] for night in nights),
        "peak_mib": max(night["peak_mib"] for night in nights),
        "bytes_per_series": round(nights[-1]["bytes"] / max(nights[-1]["series"], 1), 1),
        "nights": nights,
        "table_bytes": sizes,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
