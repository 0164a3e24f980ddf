"""A fleet with a week behind it: hours of health, incidents, pages, actions, forecasts, visits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from homepot_ai.reporting.periods import Period, day, start_of_day
from homepot_ai.store.database import Database
from tests.incident_rows_alert import change, closed, opened
from tests.report_world import World

ZONE = "Europe/Berlin"
MONDAY = date(2026, 11, 16)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START, END = start_of_day(MONDAY, ZONE), start_of_day(MONDAY + 7 * DAY, ZONE)
WEEK = Period("weekly", START, END, ZONE, MONDAY, MONDAY + 6 * DAY)
MONTH = Period(
    "monthly", start_of_day(date(2026, 11, 1), ZONE), start_of_day(date(2026, 12, 1), ZONE), ZONE,
    date(2026, 11, 1), date(2026, 11, 30),
)  # fmt: skip
#: The Monday after, six o'clock in Berlin.
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
TUESDAY = START + DAY + 9 * HOUR


def fleet(db: Database) -> World:
    """Two sites in Berlin with three devices each, and a simulated one; two days of scores each."""
    world = World(db)
    world.site(1, "Berlin Mitte", ZONE)
    world.site(2, "Hamburg", ZONE)
    for number in range(1, 7):
        world.device(number, 1 if number < 4 else 2, f"Till {number}", created=START - 90 * DAY)
    world.device(7, 1, "Emulator", simulated=True, created=START - 90 * DAY)
    for device in range(1, 8):
        for n in range(120):
            at = END - 120 * timedelta(minutes=1) + (n + 1) * timedelta(minutes=1)
            silent = device == 6
            world.scores.append(
                (device, at, None if silent else 0.95, "no_data" if silent else "healthy", None)
            )
            if n % 10 == 0 and not silent:
                world.metrics.append((device, at, "simulated" if device == 7 else "controlled", 600))
    world.write()
    return world


def health_hours(
    db: Database, device: int, first: datetime, hours: int, score: float, *, no_data: int = 0
) -> None:
    """Whole hours of one score."""
    healthy = 60 - no_data
    with db.admin() as conn, conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ai_health_hours (device_id, hour, healthy, warning, critical, no_data, "
            "in_maintenance, not_scored, young, unjudged, score_points, lowest, last_at, last_status, "
            "open_minutes, open_judged, open_with_data, open_critical, ages) "
            "VALUES (%s, %s, %s, 0, 0, %s, 0, 0, 0, 0, %s, %s, %s, 'healthy', 0, 0, 0, 0, '{}')",
            [
                (
                    device, first + n * HOUR, healthy, no_data, round(score * 10_000) * healthy, score,
                    first + (n + 1) * HOUR,
                )
                for n in range(hours)
            ],
        )  # fmt: skip


def incident(
    db: Database, device: int, at: datetime, hours: float | None = 1.0, *, print_: str = "", **more: Any
) -> int:
    """An incident of one device; `hours` None: still open."""
    site = 1 if device in (1, 2, 3, 7) else 2
    number = opened(db, device=device, devices=(device,), site=site, at=at, told=False, **more)
    if print_:
        change(db, number, fingerprint=print_)
    if hours is not None:
        closed(db, number, at + hours * HOUR, resolution="recovered")
    return number


def page(db: Database, incident_: int, at: datetime, *, severity: str = "warning", people: int = 1) -> None:
    """One page to some recipients."""
    with db.admin() as conn:
        for n in range(people):
            conn.execute(
                "INSERT INTO ai_alert_messages (incident_id, channel, address, kind, severity, at, state, "
                "told_at, page) VALUES (%s, 'mail', %s, 'opened', %s, %s, 'told', %s, %s)",
                [incident_, f"p{n}@example.org", severity, at, at, f"{incident_}:{at.isoformat()}"],
            )


def action(
    db: Database, incident_: int, at: datetime, outcome: str | None, *, key: str = "restart", **more: Any
) -> None:
    """What was done; judged the day after."""
    columns = {
        "key": f"{incident_}:{at.isoformat()}:{key}", "incident_id": incident_, "category": "performance",
        "kind": "taken", "action": "restarted it", "action_key": key, "done_by": "Ann", "done_at": at,
        "recorded_at": at, "source": "flow", "outcome": outcome,
        "judged_at": None if outcome is None else at + 29 * HOUR, **more,
    }  # fmt: skip
    names = ", ".join(columns)
    with db.admin() as conn:
        conn.execute(
            f"INSERT INTO ai_actions ({names}) VALUES ({', '.join(['%s'] * len(columns))})",
            list(columns.values()),
        )


def visit(db: Database, device: int, at: datetime, state: str = "proposed", **more: Any) -> int:
    """A planned visit of an hour."""
    columns = {
        "device_id": device, "site_id": 1, "cause": "disk_percent.high", "visit_at": at,
        "visit_until": at + HOUR, "timezone": ZONE, "state": state, "reason": "r",
        "action": "Free disk space.", "level": "high", "probability": 0.62, "proposed_at": END - HOUR,
        "updated_at": END - HOUR, **more,
    }  # fmt: skip
    names = ", ".join(columns)
    with db.admin() as conn:
        row = conn.execute(
            f"INSERT INTO ai_maintenance_schedule ({names}) VALUES ({', '.join(['%s'] * len(columns))}) "
            "RETURNING id",
            list(columns.values()),
        ).fetchone()
    assert row is not None
    return int(row[0])


def warning(db: Database, device: int, at: datetime, outcome: str | None = None, **more: Any) -> None:
    """A warning, settled at `settled_at` where an outcome is given."""
    columns = {
        "device_id": device, "site_id": 1, "cause": "disk_percent.high", "level": "high", "raised_at": at,
        "last_at": at, "due_at": at + 7 * DAY, "probability": 0.5, "outcome": outcome,
        "settled_at": None if outcome is None else at + 2 * DAY,
        "ended_at": None if outcome is None else at + 2 * DAY, **more,
    }  # fmt: skip
    names = ", ".join(columns)
    with db.admin() as conn:
        conn.execute(
            f"INSERT INTO ai_risk_episodes ({names}) VALUES ({', '.join(['%s'] * len(columns))})",
            list(columns.values()),
        )


def rates(db: Database, site: int, **values: Any) -> None:
    """A site's cost rates."""
    with db.admin() as conn:
        conn.execute("UPDATE ai_site_settings SET cost_rates = %s WHERE site_id = %s", [Jsonb(values), site])


def a_day(which: date) -> Period:
    """A daily period of the week."""
    return day(which, ZONE)
