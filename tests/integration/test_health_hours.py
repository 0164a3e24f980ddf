"""Hours instead of minutes: the same figures, for longer. Against a slow count over the rows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from homepot_ai.reporting.compute import DeviceDay
from homepot_ai.reporting.facts import STATUSES, Figures, Scope, StatusCounts
from homepot_ai.reporting.gather import _day, gather
from homepot_ai.reporting.periods import Period, comparisons, custom, day, of_day
from homepot_ai.retention import applying
from homepot_ai.settings import Settings
from homepot_ai.store import health_hours
from homepot_ai.store.database import Database
from tests.report_world import World

# Germany's clock goes back on the Sunday of this week: 169 hours.
WEEK = of_day("weekly", date(2026, 10, 25), "Europe/Berlin")
NOW = datetime(2026, 10, 27, 5, tzinfo=UTC)
ZONES = {1: "Europe/Berlin", 2: "Asia/Kolkata", 3: "Australia/Lord_Howe"}
AGES = (20.0, 45.0, 100.0, 250.0, 700.0, 3000.0, 9000.0, None)


def fill(world: World) -> None:
    """A device in each zone, 8 UTC days and a bit; all that can be about a minute, by simple rules."""
    for site, zone in ZONES.items():
        world.site(site, f"Site {site}", zone)
        world.device(site, site)
    first = WEEK.start - timedelta(hours=5)
    for n in range(round((WEEK.end - first).total_seconds() // 60) + 400):
        at = first + timedelta(minutes=n + 1)
        world.minutes.append(at)
        for device in ZONES:
            kind = (n // 7 + device * 5) % 29
            status, reason, score = "healthy", None, 0.9 + (n % 10) / 100
            if kind == 3:
                status, score = "warning", 0.7
            elif kind == 9:
                status, score = "critical", 0.25 + device / 100
            elif kind in {11, 12} and n % 1000 > 200:
                status, score = "no_data", None
            elif kind == 17 and n % 5000 > 4000:
                status, score = "in_maintenance", None
            elif kind == 21:
                status, score, reason = "not_scored", None, ("new_device", "engine_error", "excluded")[n % 3]
            elif kind == 25 and n % 3000 > 2900:
                continue  # nobody scored it
            world.scores.append((device, at, score, status, reason))
    world.write()
    with world.db.admin() as conn:
        ages = [AGES[k % len(AGES)] for k in range(len(world.scores))]
        conn.execute(
            "UPDATE ai_health_scores s SET data_age_seconds = t.age "
            "FROM unnest(%s::int[], %s::timestamptz[], %s::real[]) AS t (device_id, at, age) "
            "WHERE s.device_id = t.device_id AND s.at = t.at",
            [[row[0] for row in world.scores], [row[1] for row in world.scores], ages],
        )
        # Open 8-20, on Saturdays past midnight, on Sundays closed; site 3 has no schedule.
        for site in (1, 2):
            for weekday in range(7):
                conn.execute(
                    "INSERT INTO site_operating_schedules (site_id, day_of_week, open_time, close_time, "
                    "is_closed) VALUES (%s, %s, %s, %s, %s)",
                    [site, weekday, time(8), time(2) if weekday == 5 else time(20), weekday == 6],
                )


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    fill(world)
    return world


def is_open(device: int, at: datetime) -> bool:
    """Whether the minute that ends at a moment is within the opening hours, by the wall clock."""
    if device == 3:
        return False
    there = (at - timedelta(minutes=1)).astimezone(ZoneInfo(ZONES[device]))
    if there.weekday() == 6:
        # Saturday's. Where two o'clock comes twice, it closes at the second.
        twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
        return there.hour < 2 or (twice and there.fold == 0)
    return there.hour >= 8 and (there.weekday() == 5 or there.hour < 20)


def slow(world: World, device: int, period: Period) -> DeviceDay:
    """One row after the other."""
    rows = [
        (row, AGES[k % len(AGES)])
        for k, row in enumerate(world.scores)
        if row[0] == device and period.start < row[1] <= period.end
    ]
    counts: Counter[str] = Counter(row[3] for row, _ in rows)
    unjudged = {"excluded", "engine_error"}
    judged = [r for r, _ in rows if r[3] != "in_maintenance" and r[4] not in unjudged]
    fresh = [r for r in judged if r[2] is not None or r[4] == "new_device"]
    hours: dict[datetime, list[str]] = {}
    for row in judged:
        hour = (row[1] - timedelta(microseconds=1)).replace(minute=0, second=0, microsecond=0)
        hours.setdefault(hour, []).append(row[3])
    return DeviceDay(
        device_id=device,
        minutes=StatusCounts(**counts),
        young=sum(r[4] == "new_device" for r, _ in rows),
        unjudged=sum(r[4] in unjudged for r, _ in rows),
        score_points=sum(round((r[2] or 0) * 10_000) for r, _ in rows),
        last_at=rows[-1][0][1],
        last_status=rows[-1][0][3],
        open_minutes=sum(is_open(device, r[1]) for r, _ in rows),
        open_judged=sum(is_open(device, r[1]) for r in judged),
        open_with_data=sum(is_open(device, r[1]) for r in fresh),
        open_critical=sum(is_open(device, r[1]) and r[3] == "critical" for r, _ in rows),
        hours_judged=len(hours),
        hours_unbroken=sum("no_data" not in statuses for statuses in hours.values()),
        ages=(
            *(sum(age is not None and age <= edge for _, age in rows) for edge in health_hours.AGE_EDGES),
            sum(age is not None for _, age in rows),
        ),
    )


def read(world: World, settings: Settings, period: Period) -> dict[int, DeviceDay]:
    with world.db.reader() as conn:
        return dict(_day(conn, settings, period).devices)


def sources(world: World, period: Period) -> list[str]:
    with world.db.reader() as conn:
        return [part.source for part in health_hours.parts(conn, period.start, period.end)]


def test_hours_say_what_minutes_say(world: World, settings: Settings) -> None:
    """Of a week of 169 hours, of days in zones half an hour off, of a range within a day."""
    periods = [
        WEEK,
        day(date(2026, 10, 22), "Asia/Kolkata"),
        of_day("weekly", date(2026, 10, 22), "Asia/Kolkata"),
        custom(datetime(2026, 10, 20, 9, 17), datetime(2026, 10, 20, 9, 40), "UTC"),  # noqa: DTZ001
        custom(datetime(2026, 10, 20, 9, 17), datetime(2026, 10, 21, 11, 3), "UTC"),  # noqa: DTZ001
    ]
    wanted = [{device: slow(world, device, period) for device in ZONES} for period in periods]
    assert sources(world, WEEK) == ["minutes"]
    assert [read(world, settings, period) for period in periods] == wanted

    done = health_hours.roll_up(world.db, settings, WEEK.start, WEEK.end, now=NOW)
    assert len(done) == 8
    assert sources(world, WEEK) == ["hours"]
    assert sources(world, periods[1]) == ["minutes", "hours", "minutes"]
    assert sources(world, periods[3]) == ["minutes"]
    assert [read(world, settings, period) for period in periods] == wanted
    assert health_hours.roll_up(world.db, settings, WEEK.start, WEEK.end, now=NOW) == []


def test_seven_days_make_the_week(world: World, settings: Settings) -> None:
    """Every count of the week is the sum of its days', whichever of them were rolled up."""
    health_hours.roll_up(world.db, settings, WEEK.start, WEEK.start + timedelta(days=3), now=NOW)
    assert sources(world, WEEK) == ["hours", "minutes"]
    scope = Scope(kind="fleet")
    with world.db.reader() as conn:
        week = gather(conn, settings, scope, WEEK, NOW)
        days = [gather(conn, settings, scope, one, NOW) for one in WEEK.days]
    assert week.headline is not None
    total = week.headline.figures

    def added(name: str) -> int:
        return sum(getattr(one.headline.figures, name) for one in days if one.headline is not None)

    for name in set(Figures.model_fields) - {
        "devices", "scored_devices", "status_at_end", "status_minutes", "still_open", "attention",
    }:  # fmt: skip
        assert getattr(total, name) == added(name), name
    assert total.status_minutes.total > 25_000
    for status in STATUSES:
        assert total.status_minutes.get(status) == sum(
            one.headline.figures.status_minutes.get(status) for one in days if one.headline is not None
        )
    assert total.status_at_end == (days[-1].headline and days[-1].headline.figures.status_at_end)
    # The course has a bin for every three hours, nine on the long Sunday, and holds the same minutes.
    assert len(week.timeline) == 6 * 8 + 9
    assert sum(bin_.minutes.total for bin_ in week.timeline) == total.status_minutes.total
    assert {e.what for e in week.headline.earlier} == set(comparisons(WEEK))
    assert all(len(w.spark) == len(week.timeline) for w in week.worst)
    assert {w.device.id: w.lowest for w in week.worst} == pytest.approx({d: 0.25 + d / 100 for d in ZONES})


def test_a_day_of_which_more_was_scored_is_rolled_up_again(world: World, settings: Settings) -> None:
    last = day(date(2026, 10, 26), "UTC")
    assert health_hours.roll_up(world.db, settings, last.start, last.end, now=NOW) == [last.first_day]
    before = read(world, settings, last)[1]
    late = last.start + timedelta(hours=20)
    with world.db.admin() as conn:
        conn.execute("INSERT INTO ai_health_scores (device_id, at, score, status, sample_count) "
                     "VALUES (1, %s, 0.5, 'warning', 1)", [late])  # fmt: skip
        conn.execute(
            "INSERT INTO ai_scoring_minutes SELECT 0, %s, 1, 1, 0, 0, 0, 0, 0, 7, '{}', 1, %s", [late, late]
        )
    # Whoever reads meanwhile reads minutes.
    assert sources(world, last) == ["minutes"]
    assert read(world, settings, last)[1].minutes.warning == before.minutes.warning + 1
    assert health_hours.roll_up(world.db, settings, last.start, last.end, now=NOW) == [last.first_day]
    assert read(world, settings, last)[1].minutes.warning == before.minutes.warning + 1
    with world.db.reader() as conn:
        hours = conn.execute(
            "SELECT count(*) FROM ai_health_hours WHERE hour = %s", [late - timedelta(hours=1)]
        ).fetchone()
    assert hours == (1,)


def test_retention_leaves_the_hours_and_a_cut_hour_is_counted_as_lost(
    world: World, settings: Settings
) -> None:
    """Nobody rolled anything up before the minutes went: retention did."""
    zone = "Asia/Kolkata"
    period = day(date(2026, 10, 22), zone)
    expected = {WEEK.start: read(world, settings, WEEK)}
    later = NOW + timedelta(days=30)
    before = applying.apply_retention(world.db, settings, later, dry_run=True)
    assert sources(world, WEEK) == ["minutes"]
    assert len([r for r in before.removed if r.what.startswith("scores")]) >= 9
    applying.apply_retention(world.db, settings, later, dry_run=False)
    with world.db.reader() as conn:
        assert conn.execute("SELECT count(*) FROM ai_health_scores").fetchone() == (0,)
    assert sources(world, WEEK) == ["hours"]
    assert read(world, settings, WEEK) == expected[WEEK.start]
    with world.db.reader() as conn:
        cut = _day(conn, settings, period)
        course = gather(conn, settings, Scope(kind="fleet"), period, later)
    # Half an hour at either end is within an hour: those minutes are not guessed.
    assert cut.lost_minutes == 60
    half = timedelta(minutes=30)
    inside = custom(period.start + half, period.end - half, zone)
    assert cut.devices[1].minutes == slow(world, 1, inside).minutes
    assert [b.start.minute for b in course.timeline[1:3]] == [30, 30]
    assert sum(b.minutes.total for b in course.timeline) == sum(d.minutes.total for d in cut.devices.values())
    assert course.worst[0].lowest == pytest.approx(0.26, abs=0.02)
    assert course.worst[0].lowest_at is None
    # Half a year later they go as well, to an archive that can be read.
    done = applying.apply_retention(world.db, settings, later + timedelta(days=190), dry_run=False)
    gone = [r for r in done.removed if r.what.startswith("health hours")]
    import pyarrow.parquet as pq

    assert [pq.read_table(Path(one.archive)).num_rows for one in gone] == [one.rows for one in gone]
    assert sum(one.rows for one in gone) > 500
    with world.db.reader() as conn:
        for table in ("ai_health_hours", "ai_scoring_minutes", "ai_health_rollups WHERE day < '2026-12-01'"):
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
