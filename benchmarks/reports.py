"""How long reports take, and how much memory: one of many devices, and a morning of many sites with mail.

    python -m benchmarks.reports [--devices 500] [--sites 200] [--json FILE]

An embedded PostgreSQL with a day of scores and telemetry. First one site's daily report of `--devices`
devices, PDF and mail; then `--sites` sites of 25 devices each with a subscriber each, through the same
functions as the flow, and every mail delivered to a local sink. Memory is the sum of the resident memory of
this process and its renderers, sampled twenty times a second. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import threading
import time
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from homepot_ai.reporting import batch, smtp
from homepot_ai.reporting.batch import LocalScope
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.mailbox import list_mails
from homepot_ai.reporting.periods import day
from homepot_ai.settings import Settings
from homepot_ai.store import embedded, health_hours, migrate
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink

DAY = day(date(2026, 11, 19), "UTC")
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
PER_SITE = 25
ZONE = "UTC"
BIG = 1_000_000
# Of the devices every seventh has a bad hour and is still ill at the day's end.
FILL = """
INSERT INTO sites (id, site_id, name, location, is_active, lifecycle_state)
SELECT n, 'SITE-' || n, 'Site ' || n, 'Somewhere 1', true, 'active' FROM generate_series(1, %(sites)s::int) n
 UNION ALL SELECT %(big)s, 'SITE-BIG', 'Large site', 'Somewhere 2', true, 'active';
INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, is_simulated,
                     created_at)
SELECT n, 'DEVICE-' || n, 'Till ' || n, 'pos_terminal', 'active', 1 + (n - 1) / %(per)s::int, true, false,
       timestamptz '2026-01-01'
  FROM generate_series(1, %(sites)s::int * %(per)s::int) n
 UNION ALL
SELECT %(big)s + n, 'DEVICE-B' || n, 'Large till ' || n, 'pos_terminal', 'active', %(big)s, true, false,
       timestamptz '2026-01-01'
  FROM generate_series(1, %(devices)s::int) n;
SELECT ai_make_score_partitions('2026-11-18'::date, '2026-11-21'::date);
INSERT INTO ai_health_scores (device_id, at, score, status, sample_count, factors)
SELECT d.id, t, CASE WHEN ill THEN 0.3 ELSE 0.95 END,
       (CASE WHEN ill THEN 'critical' ELSE 'healthy' END)::health_status, 2,
       CASE WHEN ill THEN '[{"metric": "cpu_percent", "contribution": 0.5}]'::jsonb END
  FROM devices d,
       generate_series(%(start)s::timestamptz + interval '1 minute', %(end)s, interval '1 minute') t,
       LATERAL (SELECT d.id %% 7 = 0 AND t > %(end)s::timestamptz - interval '1 hour' AS ill) x;
INSERT INTO device_metrics (timestamp, device_id, cpu_percent, provenance, collection_interval_seconds)
SELECT t AT TIME ZONE 'UTC', d.id, 12, 'real', 300
  FROM devices d,
       generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '5 minutes', '5 minutes') t;
INSERT INTO ai_scoring_minutes (shard, at, devices, healthy, warning, critical, no_data, in_maintenance,
                                not_scored, rows_read, rejected, seconds, scored_at)
SELECT 0, t, 1, 1, 0, 0, 0, 0, 0, 7, '{}', 0.5, t
  FROM generate_series(%(start)s::timestamptz + interval '1 minute', %(end)s, interval '1 minute') t;
INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, severity, metric, observed,
                             expected_low, expected_high, initial_score, peak_score)
SELECT id, 'open', '[]', began, began, 'critical', 'cpu_percent', 97.5, 10, 45, 0.5, 0.2
  FROM devices, LATERAL (SELECT %(end)s::timestamptz - interval '1 hour' AS began) x WHERE id %% 7 = 0;
INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, active)
SELECT 'site' || id || '@example.org', 'daily', 'site', id, 'maintenance', true FROM sites;
ANALYZE;
"""


class Memory:
    """The largest sum of resident memory of this process and its children, in MiB."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, sum(map(_resident, [os.getpid(), *_renderers()])))


def _renderers() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        try:
            children = (task / "children").read_text().split()
            found += [int(pid) for pid in children if b"reporting.render" in _command(int(pid))]
        except OSError:
            continue
    return found


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def fill(db: Database, sites: int, devices: int) -> None:
    """A day of everything."""
    values: dict[str, Any] = {
        "sites": sites, "devices": devices, "per": PER_SITE, "big": BIG, "start": DAY.start, "end": DAY.end,
    }  # fmt: skip
    with db.admin() as conn:
        conn.execute("SET search_path = homepot_ai, public")
        for statement in FILL.split(";\n"):
            if statement.strip():
                conn.execute(statement, values)  # type: ignore[call-overload]


def measure(db: Database, settings: Settings, scopes: list[LocalScope]) -> tuple[batch.Batch, float, float]:
    """Make the reports of these scopes: the outcome, seconds, and the peak of memory in MiB."""
    with Memory() as memory:
        begun = time.perf_counter()
        made = batch.make_all(db, settings, "daily", scopes, at=NOW, now=NOW)
        took = time.perf_counter() - begun
    assert not made.errors, made.failures
    return made, took, memory.peak


def processor_s() -> float:
    """Processor seconds of this process and its children that are over: what contention does not change."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    """Measure, print, and write the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hp-bench-"))
    server = embedded.start(folder)
    try:
        db = Database(server.url)
        with db.admin() as conn:
            conn.execute("SET search_path = public")
            conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
        migrate.upgrade(db, may_add_indexes=True)
        fill(db, asked.sites, asked.devices)
        settings = Settings(var_dir=folder / "var")
        # As every night does (apply-retention), long before anybody's six o'clock.
        begun = time.perf_counter()
        health_hours.roll_up(db, settings, DAY.start, DAY.end, now=NOW)
        rolling = time.perf_counter() - begun
        print(f"the night before: scores of the day rolled up to hours in {rolling:.1f} s")
        large, seconds, peak = measure(db, settings, [LocalScope(Scope(kind="site", id=BIG), ZONE)])
        size = len(large.reports[0].pdf)
        print(f"one daily of {asked.devices} devices: {seconds:.1f} s, {size / 1024:.0f} KiB, {peak:.0f} MiB")
        scopes = [LocalScope(Scope(kind="site", id=n), ZONE) for n in range(1, asked.sites + 1)]
        before = processor_s()
        made, morning, morning_peak = measure(db, settings, scopes)
        worked = processor_s() - before
        with MailSink(folder / "mail", host="127.0.0.1", port=0) as sink:
            begun = time.perf_counter()
            mailed = smtp.deliver_due(
                db, smtp.MailServer("127.0.0.1", sink.port), now=NOW + timedelta(hours=1), worker="bench",
                limit=10_000,
            )  # fmt: skip
            delivery = time.perf_counter() - begun
            arrived = len(list_mails(sink.directory))
        assert mailed.sent == arrived == made.queued + large.queued, mailed
        print(
            f"{asked.sites} sites of {PER_SITE} devices: {morning:.0f} s to make, {delivery:.1f} s to "
            f"deliver {arrived} mails, {morning_peak:.0f} MiB"
        )
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    result = {
        "benchmark": "reports",
        "devices": asked.devices,
        "rolling_s": round(rolling, 1),
        "daily_s": round(seconds, 2),
        "daily_kib": round(size / 1024),
        "sites": asked.sites,
        "morning_s": round(morning + delivery, 1),
        "morning_processor_s": round(worked, 1),
        "delivery_s": round(delivery, 2),
        "mails": arrived,
        "peak_mib": round(max(peak, morning_peak)),
        "cores": os.cpu_count(),
    }
    line = json.dumps(result)
    if asked.json:
        asked.json.write_text(line + "\n", encoding="utf-8")
    print(line)


if __name__ == "__main__":
    main()
