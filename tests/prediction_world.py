"""A small fleet with hours, risks and ledger rows, for tests of what follows from predictions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from homepot_ai.prediction.records import Crossing, DeviceRisk, Fact, Level, Refusal
from homepot_ai.store.database import Database
from tests.support import small_fleet

#: A Friday, ten o'clock in Berlin.
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def world(db: Database, devices: int = 6, rates: dict[str, Any] | None = None) -> None:
    """One site in Berlin, open from eight to twenty except on Sundays."""
    small_fleet(db, devices)
    with db.admin() as conn:
        for day in range(7):
            conn.execute(
                "INSERT INTO site_operating_schedules (id, site_id, day_of_week, open_time, close_time, "
                "is_closed, is_maintenance_window, peak_hours_start, peak_hours_end) "
                "VALUES (%s, 1, %s, '08:00', '20:00', %s, false, '12:00', '14:00')",
                [day + 1, day, day == 6],
            )
        if rates is not None:
            conn.execute("UPDATE ai_site_settings SET cost_rates = %s", [json.dumps(rates)])


def risk(
    device: int = 1,
    level: Level = "high",
    *,
    at: datetime = NOW,
    p7: float = 0.62,
    low_days: float | None = 4.0,
    cause: str | None = "disk_percent",
) -> DeviceRisk:
    """A device's judgement; with a crossing of the disk's limit unless `low_days` is None."""
    crossing = None
    if low_days is not None:
        low, mid, high = (at + timedelta(days=low_days + more) for more in (0, 2, 4))
        crossing = Crossing("disk_percent", "%", 90.0, "high", 78.0, 1.9, low, mid, high, "trend")
    refused = Refusal("short_history", "two days of history") if level == "unknown" else None
    return DeviceRisk(
        device, at, level, cause, "disk_percent" if crossing else None,
        {} if refused else {"24h": p7 / 4, "7d": p7, "7-30d": p7 / 3},
        "hazard", "1", crossing, None, refused, "Free space on the disk",
        facts=(Fact("disk_percent trend", 1.9, "%/day", 0.1, 1.4),),
    )  # fmt: skip


def forecast(
    db: Database,
    device: int,
    made: datetime,
    *,
    kind: str = "failure",
    horizon: str = "7d",
    hours: float = 168,
    begins: float = 0,
    p: float | None = 0.3,
    forecaster: str = "hazard",
    **columns: Any,
) -> int:
    """A row of the ledger, as the daily run writes it."""
    values = {
        "made_at": made, "device_id": device, "kind": kind, "horizon": horizon,
        "from_at": made + timedelta(hours=begins), "due_at": made + timedelta(hours=hours),
        "probability": p if kind == "failure" else None, "forecaster": forecaster, "version": "1",
        "reason": "daily", "base_rate": 0.1 if kind == "failure" else None, **columns,
    }  # fmt: skip
    names = ", ".join(values)
    with db.admin() as conn:
        row = conn.execute(
            f"INSERT INTO ai_predictions ({names}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
            list(values.values()),
        ).fetchone()
    assert row is not None
    return int(row[0])


def hours_of(db: Database, device: int, first: datetime, count: int, level: float, step: float = 0.0) -> None:
    """Hourly rollups of the disk."""
    with db.admin() as conn, conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ai_metric_hours VALUES (%s, %s, '{disk_percent}', '{60}', %s, %s, %s, %s)",
            [(device, first + n * HOUR, *([[level + step * n]] * 4)) for n in range(count)],
        )


def outcome(
    db: Database, device: int, at: datetime, kind: str = "failure", source: str = "person",
    ended: datetime | None = None, known: datetime | None = None,
) -> int:  # fmt: skip
    """An outcome; `known`: when it was recorded."""
    with db.admin() as conn:
        row = conn.execute(
            "INSERT INTO ai_device_outcomes (device_id, at, ended_at, kind, source, reference, recorded_by, "
            "recorded_at, changed_at) VALUES (%s, %s, %s, %s, %s, %s, 'Ann', %s, %s) RETURNING id",
            [device, at, ended, kind, source, f"{at.isoformat()}", known or at, known or at],
        ).fetchone()
    assert row is not None
    return int(row[0])


def rows(db: Database, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with db.admin() as conn:
        return conn.execute(query, list(values)).fetchall()
