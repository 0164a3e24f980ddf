"""The part of `scale.py` that predicts: a fleet with 30 days of hourly values of 10 metrics.

Every fiftieth device has a disk that fills, so that forecasts of the few that stand out are among what is
measured. A stage's seconds are those of the functions that the flow's tasks call, in a fresh process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import datetime, timedelta

from homepot_ai.settings import Settings
from homepot_ai.store.database import Database

DAYS, METRICS = 30, 10
FILLING = 50


def write_hours(db: Database, devices: int, until: datetime, days: int = DAYS) -> int:
    """A row per device and hour before `until`, as scoring leaves them; returns how many."""
    names = [
        "cpu_percent",
        "memory_percent",
        "disk_percent",
        *(f"metric_{i:02d}" for i in range(METRICS - 3)),
    ]
    waves = ", ".join("40 + 8 * wave + 3 * random()" for _ in range(METRICS - 3))
    with db.admin() as conn:
        for day in range(days):
            conn.execute(
                "INSERT INTO ai_metric_hours (device_id, hour, metrics, n, mean, min, max, last) "
                "SELECT d, hour, %(names)s, %(n)s, v, v, v, v FROM (SELECT d, hour, "
                "ARRAY[30 + 20 * wave + 5 * random(), 50 + 3 * wave + random(), "
                f"CASE WHEN d %% {FILLING} = 0 THEN 88 - (40 + d %% 30) / 60.0 * left_ + random() "
                f"ELSE 45 + d %% 30 + random() / 5 END, {waves}]::real[] AS v "
                "FROM (SELECT d, hour, sin(extract(hour FROM hour) * pi() / 12) AS wave, "
                "extract(epoch FROM %(until)s - hour) / 86400 AS left_ "
                "FROM generate_series(%(first)s, %(first)s::timestamptz + interval '23 hours', '1 hour') "
                "hour, "
                "generate_series(1, %(devices)s) d OFFSET 0) h) t",
                {
                    "names": names, "n": [120] * METRICS, "until": until, "devices": devices,
                    "first": until - timedelta(days=days - day),
                },
            )  # fmt: skip
    with db.admin() as conn:
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE ai_metric_hours")
    return devices * 24 * days


def once(url: str, at: datetime) -> dict[str, float]:
    """One run and what each stage took (in a process of its own)."""
    from homepot_ai.prediction import stage

    db, settings = Database(url), Settings()
    clock = time.perf_counter()
    seconds: dict[str, float] = {}

    def tick(name: str) -> None:
        nonlocal clock
        seconds[name] = time.perf_counter() - clock
        clock = time.perf_counter()

    found = stage.predict(db, settings, at=at, now=at, tick=tick)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        **{name: round(value, 2) for name, value in seconds.items()},
        "total": round(sum(seconds.values()), 2),
        "cpu": round(used.ru_utime + used.ru_stime, 2),
        "peak_mib": round(used.ru_maxrss / 1024, 1),
        "devices": len(found.risks),
        "forecasts": found.forecasts,
    }


def measure(url: str, at: datetime) -> dict[str, float]:
    """`once` in a fresh process."""
    code = (
        "import json, sys; from datetime import datetime; sys.path.insert(0, sys.argv[1]); "
        "from scale_predict import once; "
        "print(json.dumps(once(sys.argv[2], datetime.fromisoformat(sys.argv[3]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(sys.path[0]), url, at.isoformat()],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))
