"""Small helpers that several test modules share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from homepot_ai.store.database import Database


def table_checksums(db: Database, schema: str) -> dict[str, str]:
    """A checksum of every table's rows, whatever their order."""
    with db.admin() as conn:
        tables = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema]
        ).fetchall()
        return {
            table: str(
                conn.execute(
                    f"SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) "
                    f'FROM "{schema}"."{table}" t'
                ).fetchone()[0]
            )
            for (table,) in tables
        }


START = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


def small_fleet(db: Database, devices: int = 6, created: datetime = START - timedelta(days=90)) -> None:
    """One site in Berlin with a few devices, written as HOMEPOT would."""
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "VALUES (1, 'SITE-1', 'Berlin', true, 'active')"
        )
        conn.execute(
            "INSERT INTO ai_site_settings (site_id, timezone) VALUES (1, 'Europe/Berlin')",
        )
        conn.execute(
            "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
            "created_at) SELECT n, 'DEVICE-' || n, 'Checkout ' || n, 'pos_terminal', 'active', 1, true, %s "
            "FROM generate_series(1, %s) n",
            [created, devices],
        )


def telemetry(
    db: Database,
    first: datetime,
    minutes: int,
    devices: Sequence[int],
    **columns: Callable[[int, int], object],
) -> None:
    """One row per device and minute, half a minute into it; columns are functions of (minute, device)."""
    names = ", ".join(columns)
    with (
        db.admin() as conn,
        conn.cursor() as cursor,
        cursor.copy(f"COPY device_metrics (timestamp, device_id, provenance, {names}) FROM STDIN") as copy,
    ):
        for minute in range(minutes):
            at = (first + timedelta(minutes=minute, seconds=-30)).replace(tzinfo=None)
            for device in devices:
                values = [column(minute, device) for column in columns.values()]
                copy.write_row((at, device, "controlled", *values))


def wave(level: float, swing: float = 3.0) -> Callable[[int, int], float]:
    """A calm metric: a level with a small deterministic swing."""
    return lambda minute, device: level + swing * math.sin(minute * 0.7 + device) + (minute * 37 % 11) * 0.1
