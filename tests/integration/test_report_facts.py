"""Facts of a daily report against a slow, obvious calculation over the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from homepot_ai.errors import NotFound
from homepot_ai.reporting.facts import ReportFacts, Scope, canonical_json, facts_hash, restore
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.periods import Period, comparisons, day
from homepot_ai.reporting.verdict import verdict
from homepot_ai.reporting.voice import Voice
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.report_world import World

# The day on which Berlin's clock goes back: 25 hours.
DAY = date(2026, 10, 25)
ZONE = "Europe/Berlin"
NOW = datetime(2026, 10, 26, 5, 0, 3, tzinfo=UTC)
PERIOD = day(DAY, ZONE)


def minutes(period: Period) -> list[datetime]:
    return [period.start + timedelta(minutes=n + 1) for n in range(period.minutes)]


def fill(world: World) -> None:
    """Three controlled devices and a simulated one at site 1, one at site 2; the day and both comparisons."""
    world.site(1, "Berlin Mitte", ZONE)
    world.site(2, "Hamburg", ZONE)
    for number in (1, 2, 3):
        world.device(number, 1)
    world.device(4, 1, simulated=True)
    world.device(5, 2)
    world.device(6, 1, created=PERIOD.end - timedelta(hours=2))
    before = comparisons(PERIOD)
    for period in (PERIOD, before["day_before"]):
        for n, at in enumerate(minutes(period)):
            # 1: a bad hour; 2: silent from 18 h on; 3: in maintenance for a while; 4: simulated, bad.
            score = 0.31 if 600 <= n < 660 else 0.9375
            world.scores.append((1, at, score, "critical" if score < 0.4 else "healthy", None))
            if n < 1080:
                world.scores.append(
                    (2, at, 0.75 if n % 2 else 0.8125, "warning" if n % 2 else "healthy", None)
                )
            else:
                world.scores.append((2, at, None, "no_data", None))
            if 100 <= n < 160:
                world.scores.append((3, at, None, "in_maintenance", None))
            elif n < 30:
                world.scores.append((3, at, None, "not_scored", "too_few_samples"))
            elif n < 35:
                world.scores.append((3, at, None, "not_scored", "engine_error"))
            else:
                world.scores.append((3, at, 0.96, "healthy", None))
            world.scores.append((4, at, 0.1, "critical", None))
            world.scores.append((5, at, 0.88, "healthy", None))
            if period is PERIOD and at > PERIOD.end - timedelta(hours=2):
                world.scores.append((6, at, None, "not_scored", "new_device"))
            world.minutes.append(at)
    for n in range(PERIOD.minutes):
        at = PERIOD.start + timedelta(minutes=n)
        world.metrics.append((1, at, "controlled", 60))
        if n < 1080:
            world.metrics.append((2, at, "controlled", 60))
        if n % 2 == 0:
            world.metrics.append((3, at, "controlled", 60))
        world.metrics.append((4, at, "simulated", 30))
        world.metrics.append((5, at, "controlled", None))
        if n >= PERIOD.minutes - 120:
            world.metrics.append((6, at, "controlled", 60))
    # A retry: the same moment twice.
    world.metrics.append((1, PERIOD.start, "controlled", 60))
    hour = timedelta(hours=1)
    world.anomaly(1, PERIOD.start - hour, PERIOD.start + hour)  # closed in the day
    world.anomaly(1, PERIOD.start + 10 * hour, PERIOD.start + 11 * hour)  # opened and closed
    world.anomaly(2, PERIOD.end, None)  # the day's last minute: opened, open
    world.anomaly(3, PERIOD.start + 2 * hour, PERIOD.end + hour)  # still open at the end of the day
    world.anomaly(3, PERIOD.end + timedelta(minutes=1), None)  # the next day
    world.anomaly(4, PERIOD.start + hour, None, severity="critical")
    world.anomaly(5, PERIOD.start - 30 * hour, PERIOD.start)  # closed in the minute before the first
    world.write()


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    fill(world)
    return world


def facts_of(world: World, settings: Settings, scope: Scope, period: Period = PERIOD) -> ReportFacts:
    with world.db.reader() as conn:
        return gather(conn, settings, scope, period, NOW)


def test_how_right_the_alarms_were(world: World, settings: Settings) -> None:
    """Anomalies of the headline's class alone, by when they began; a class is never mixed with another."""
    with world.db.admin() as conn:
        conn.execute("UPDATE ai_anomaly_logs SET mark = (device_id = 1) WHERE device_id IN (1, 3, 4)")
        for type_, offset, at in (
            ("pos_terminal", 0.12, PERIOD.start),
            ("pos_terminal", 0.4, PERIOD.end + timedelta(minutes=1)),
            ("gateway", 0.3, PERIOD.start),
        ):
            conn.execute(
                "INSERT INTO ai_alarm_thresholds (device_type, offset_decades, marked_true, marked_false, "
                "reason, decided_by, decided_at) VALUES (%s, %s, 4, 5, 'r', 'marks', %s)",
                (type_, offset, at),
            )
    facts = facts_of(world, settings, Scope(kind="site", id=1))
    alarms = facts.alarms
    assert alarms is not None
    mine = [a for a in world.anomalies if a["device"] in {1, 2, 3} and a["start"] <= PERIOD.end]
    today = [a for a in mine if a["start"] > PERIOD.start]
    assert alarms.opened == len(today) == 3
    assert (alarms.marked_true, alarms.marked_false) == (1, 1)
    assert alarms.window_opened == len(mine) == 4
    assert (alarms.window_true, alarms.window_false) == (2, 1)
    # What was decided after the day, and types that are not here, are left out.
    assert [(t.device_type, t.offset) for t in alarms.thresholds] == [("pos_terminal", 0.12)]
    assert {a.device.id: a.mark for a in facts.anomalies} == {1: True, 2: None, 3: False, 4: False}


def test_the_headline_equals_a_slow_count_over_all_rows(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    headline = facts.headline
    assert headline is not None
    assert headline.provenance == "controlled"
    mine = {1, 2, 3, 6}
    rows = [r for r in world.scores if r[0] in mine and PERIOD.start < r[1] <= PERIOD.end]
    scored = [r for r in rows if r[3] in {"healthy", "warning", "critical"}]
    points = sum(round((r[2] or 0.0) * 10_000) for r in scored)
    judged = [r for r in rows if r[3] != "in_maintenance" and r[4] not in {"excluded", "engine_error"}]
    fresh = [r for r in judged if r[2] is not None or r[4] in {"new_device", "too_few_samples"}]
    figures = headline.figures
    assert figures.devices == 4
    assert figures.scored_devices == 3
    assert figures.score_points == points
    assert figures.scored_minutes == len(scored)
    assert figures.health == pytest.approx(sum(r[2] or 0 for r in scored) / len(scored), abs=1e-4)
    assert figures.minutes_judged == len(judged)
    assert figures.minutes_with_data == len(fresh)
    assert figures.minutes_due == 3 * 1500 + 120
    for status in ("healthy", "warning", "critical", "no_data", "in_maintenance", "not_scored"):
        assert getattr(figures.status_minutes, status) == sum(r[3] == status for r in rows), status
    assert figures.status_at_end.model_dump() == {
        "healthy": 2, "warning": 0, "critical": 0, "no_data": 1, "in_maintenance": 0, "not_scored": 1,
    }  # fmt: skip


def test_anomalies_are_counted_by_their_minutes(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    assert facts.headline is not None
    day_ = facts.headline.figures
    assert (day_.opened, day_.closed, day_.still_open) == (3, 2, 2)
    # Device 2 is silent and has an open anomaly, 3 has one: two devices, not three.
    assert day_.attention == 2
    # The list holds the simulated device's too, marked; nothing of the next day or of another site.
    assert {(a.device.id, a.ended_at is None) for a in facts.anomalies} == {
        (1, False), (2, True), (3, True), (4, True),
    }  # fmt: skip
    assert facts.anomalies_total == 5
    assert facts.anomalies[0].severity == "critical"
    assert facts.anomalies[0].device.provenance == "simulated"


def test_classes_are_never_mixed(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    assert [c.provenance for c in facts.classes] == ["controlled", "simulated"]
    assert facts.classes[1].figures.health == pytest.approx(0.1)
    assert facts.classes[1].figures.devices == 1
    assert all(bin_.minutes.total <= 4 * 30 for bin_ in facts.timeline)
    assert sum(bin_.minutes.total for bin_ in facts.timeline) == facts.classes[0].figures.status_minutes.total
    assert len(facts.timeline) == 50  # a day of 25 hours


def test_comparisons_are_local_days_and_absent_when_nothing_was_scored(
    world: World, settings: Settings
) -> None:
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    assert facts.headline is not None
    before = facts.headline.earlier[0].figures
    assert before is not None
    assert before.status_minutes.total == 3 * 1440
    assert before.opened == 1
    assert facts.headline.earlier[1].figures is None
    assert facts.headline.earlier[1].first_day == date(2026, 10, 18)


def test_worst_devices_are_ranked_and_explained(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    lost = {}
    for device, at, score, status, _ in world.scores:
        if PERIOD.start < at <= PERIOD.end:
            lost.setdefault(device, 0.0)
            lost[device] += 1.0 if status == "no_data" else 0.0 if score is None else 1 - score
    # 4 (critical), 2 (silent) and 3 (open anomaly) need attention; 1 had a bad hour.
    assert [w.device.id for w in facts.worst] == [4, 2, 3, 1]
    for item in facts.worst:
        assert item.minutes_lost == pytest.approx(lost[item.device.id], abs=0.06)
    one = facts.worst[-1]
    assert one.lowest == pytest.approx(0.31)
    assert one.lowest_at == PERIOD.start + timedelta(minutes=601)
    assert one.main_metric == "cpu_percent"
    assert one.main_share == pytest.approx(0.75, abs=1e-3)
    assert len(one.spark) == 100
    assert one.since == PERIOD.start + timedelta(minutes=661)
    silent = facts.worst[1]
    assert silent.since == PERIOD.start + timedelta(minutes=1081)
    assert sum(bin_.no_data for bin_ in silent.spark) == 420
    assert facts.worst[0].since is None


def test_completeness_counts_moments_against_the_interval(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="fleet"))

    assert facts.completeness is not None
    found = {line.device.id: line for line in facts.completeness.devices}
    assert (found[1].rows, found[1].moments, found[1].expected) == (1501, 1500, 1500)
    assert (found[2].moments, found[2].expected) == (1080, 1500)
    assert found[4].share == pytest.approx(0.5)
    assert found[5].expected is None
    assert (found[6].moments, found[6].expected) == (120, 120)
    assert facts.completeness.expected == 1500 * 3 + 3000 + 120
    assert facts.completeness.moments_counted == 1500 + 1080 + 750 + 1500 + 120
    assert facts.completeness.devices_without_interval == 1


def test_the_service_counts_its_own_minutes(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="fleet"))

    assert facts.scoring is not None
    assert (facts.scoring.minutes_scored, facts.scoring.minutes_due) == (1500, 1500)
    assert facts.scoring.longest_gap_minutes == 0
    assert [(c.name, c.count) for c in facts.scoring.rejected] == [("duplicate", 3000)]
    # A day of which the service saw nothing, though it ran before: everything was due.
    later = facts_of(world, settings, Scope(kind="fleet"), day(date(2026, 10, 27), ZONE))
    assert later.scoring is not None
    assert (later.scoring.minutes_scored, later.scoring.minutes_due) == (0, 1440)
    assert later.scoring.longest_gap_minutes == 1440
    # A day before it began: nothing was.
    sooner = facts_of(world, settings, Scope(kind="fleet"), day(date(2026, 10, 1), ZONE))
    assert sooner.scoring is not None
    assert sooner.scoring.minutes_due == 0
    assert sooner.scoring.share is None


def test_a_fleet_lists_its_sites_worst_first(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="fleet"))

    assert [(s.name, s.figures.devices, s.other_devices) for s in facts.sites] == [
        ("Berlin Mitte", 4, 1),
        ("Hamburg", 1, 0),
    ]
    assert facts_of(world, settings, Scope(kind="site", id=1)).sites == ()


def test_rows_of_several_classes_make_a_device_mixed(world: World, settings: Settings) -> None:
    with world.db.admin() as conn:
        conn.execute(
            "INSERT INTO device_metrics (timestamp, device_id, provenance) VALUES (%s, 1, 'simulated')",
            [PERIOD.start.replace(tzinfo=None)],
        )
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    assert [(c.provenance, c.figures.devices) for c in facts.classes] == [
        ("controlled", 3),
        ("mixed", 1),
        ("simulated", 1),
    ]


def test_a_deleted_device_is_counted_as_left_out(world: World, settings: Settings) -> None:
    with world.db.admin() as conn:
        conn.execute("DELETE FROM device_metrics WHERE device_id = 5")
        conn.execute("DELETE FROM devices WHERE id = 5")
    facts = facts_of(world, settings, Scope(kind="fleet"))

    assert facts.deleted_devices == 1
    assert all(w.device.id != 5 for w in facts.worst)
    assert facts_of(world, settings, Scope(kind="site", id=1)).deleted_devices == 0


def test_a_section_that_fails_is_named_and_the_rest_stays(world: World, settings: Settings) -> None:
    with world.db.admin() as conn:
        conn.execute("ALTER TABLE device_metrics DROP COLUMN collection_interval_seconds")
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    assert facts.completeness is None
    assert "collection_interval_seconds" in (facts.problem("completeness") or "")
    assert facts.headline is not None
    assert facts.headline.figures.scored_minutes > 0
    assert facts.scoring is not None


def test_facts_survive_storage_with_the_same_hash(world: World, settings: Settings) -> None:
    facts = facts_of(world, settings, Scope(kind="fleet"))

    assert facts_hash(restore(facts.model_dump(mode="json"))) == facts_hash(facts)
    assert canonical_json(facts_of(world, settings, Scope(kind="fleet"))) == canonical_json(facts)


def test_empty_fleet_and_unknown_site(database: Database, settings: Settings) -> None:
    world = World(database)
    world.write()
    facts = facts_of(world, settings, Scope(kind="fleet"))

    assert facts.classes == ()
    assert facts.completeness is not None
    assert facts.completeness.devices_total == 0
    assert facts.scoring is not None
    assert facts.scoring.minutes_scored == 0
    with pytest.raises(NotFound, match="there is no site '77'"):
        facts_of(world, settings, Scope(kind="site", id=77))


def test_a_fleet_that_sends_nothing(database: Database, settings: Settings) -> None:
    world = World(database)
    world.site(1, "Quiet", ZONE)
    world.device(1, 1)
    world.device(2, 1)
    for at in minutes(PERIOD):
        world.scores += [(1, at, None, "no_data", None), (2, at, None, "no_data", None)]
    world.write()
    facts = facts_of(world, settings, Scope(kind="site", id=1))

    assert facts.headline is not None
    # Nobody knows what they are: they are shown in the headline and not hidden.
    assert facts.headline.provenance == "real"
    assert facts.headline.figures.health is None
    assert facts.headline.figures.availability == 0.0
    assert facts.headline.figures.status_at_end.no_data == 2
    assert facts.headline.figures.attention == 2
    assert [w.mean for w in facts.worst] == [None, None]


def test_a_real_homepot_that_was_never_scored(homepot_dump: Database, settings: Settings) -> None:
    def of(which: date) -> ReportFacts:
        with homepot_dump.reader() as conn:
            return gather(conn, settings, Scope(kind="fleet"), day(which, "UTC"), NOW)

    # Its devices were enrolled on the 20th, though seeded telemetry is older.
    assert of(date(2026, 11, 19)).classes == ()
    facts = of(date(2026, 11, 20))
    assert facts.problems == ()
    assert facts.headline is not None
    assert sum(c.figures.devices for c in facts.classes) > 0
    assert facts.headline.figures.status_minutes.total == 0
    assert facts.headline.figures.health is None
    assert verdict(facts, Voice("en", "UTC")).headline.startswith("Nothing was scored for ")
    assert facts.completeness is not None
    assert facts.completeness.rows > 0
