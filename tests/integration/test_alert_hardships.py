"""What once cost an alert: an outage after flapping, a storm over sites, rows of others, no such zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import pytest

from homepot_ai.alerts.queue import queue_alerts
from homepot_ai.incidents import actions
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests import incident_rows_alert as w
from tests.incident_world import MINUTE, World
from tests.support import small_fleet


def queue(world: World) -> None:
    queue_alerts(world.db, world.settings, now=world.at)


def metric(device: int) -> str:
    return f"m{device % 97}"


def test_what_is_down_for_good_after_flapping_is_told(database: Database, settings: Settings) -> None:
    world = World(database, settings)
    w.route(database, "ann", "ann@example.org", renotify_minutes=30)
    for _ in range(5):
        short = world.anomaly(3, "warning")
        world.run(3)
        queue(world)
        world.end(short)
        world.run(140)
        queue(world)
    before = len(w.subjects(database))
    last = world.anomaly(3, "warning")
    world.run(2)
    queue(world)
    world.worsen(last, "critical")
    for _ in range(20):
        world.run(1)
        world.jump(29)
        queue(world)
    since = w.subjects(database)[before:]
    assert any(subject.startswith("Critical") for _, subject in since), since


def test_a_flapping_notice_waits_for_its_hours(database: Database, settings: Settings) -> None:
    small_fleet(database)
    w.route(
        database, "day", "ann@example.org", local_from=time(8), local_to=time(18), timezone="Europe/Berlin"
    )
    night = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
    number = w.opened(database, at=night)
    w.suppress(database, number, "flapping", night)
    w.event(database, number, "flapping", at=night, details={"flips": 5, "hours": 24})
    queue_alerts(database, settings, now=night)
    assert w.subjects(database) == []
    queue_alerts(database, settings, now=datetime(2026, 11, 18, 7, 1, tzinfo=UTC))
    assert len(w.subjects(database)) == 1


def test_who_acknowledged_is_not_paged_after_every_window(database: Database, settings: Settings) -> None:
    world = World(database, settings)
    w.route(database, "ann", "ann@example.org")
    world.anomaly(3, "warning")
    world.run(1)
    queue(world)
    actions.acknowledge(database, settings, 1, by="Ann", now=world.at, source="cli")
    queue(world)
    before = w.subjects(database)
    world.sql(
        "INSERT INTO ai_windows (scope, name, starts_at, ends_at, created_by, created_at) "
        "VALUES ('fleet', 'n', %s, %s, 'x', %s)",
        world.at, world.at + 60 * MINUTE, world.at,
    )  # fmt: skip
    world.run(2)
    queue(world)
    world.jump(70)
    world.run(1)
    queue(world)
    assert w.subjects(database) == before


def test_a_storm_over_two_sites_reaches_the_routes_of_both(database: Database, settings: Settings) -> None:
    world = World(database, settings, devices=2)
    world.sql(
        "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
        "VALUES (2, 'SITE-2', 'Munich', true, 'active'), (3, 'SITE-3', 'Ulm', true, 'active')"
    )
    world.sql(
        "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
        "created_at) "
        "SELECT n, 'D-' || n, 'Till ' || n, 'pos_terminal', 'active', CASE WHEN n <= 200 THEN 2 ELSE 3 END, "
        "true, now() - interval '90 days' FROM generate_series(101, 300) n"
    )
    w.route(database, "ulm", "ulm@example.org", site_id=3)
    w.person(database, "ulm@example.org", sites=[3])
    for device in [*range(101, 141), *range(201, 241)]:
        world.anomaly(device, "critical", since=world.at + MINUTE)
    world.run(1)
    queue(world)
    assert any(incident.kind == "storm" for incident in world.all())
    with database.reader() as conn:
        told = conn.execute("SELECT DISTINCT recipient FROM ai_mail_outbox").fetchall()
    assert told == [("ulm@example.org",)]
    # Ulm's devices are named to them, Munich's are not; how many there are in all is no secret.
    bodies = [mail.get_body(("plain",)) for mail in w.mails(database)]
    text = " ".join(body.get_content() for body in bodies if body is not None)
    named = {int(number) for number in re.findall(r"Till (\d+)", text)}
    assert named
    assert min(named) > 200


def test_a_later_flood_is_told_although_a_storm_is_acknowledged(
    database: Database, settings: Settings
) -> None:
    world = World(database, settings, devices=400)
    w.route(database, "ann", "ann@example.org")
    for device in range(1, 61):
        world.anomaly(device, "critical", metric=metric(device))
    world.run(1)
    queue(world)
    for incident in world.all():
        actions.acknowledge(database, settings, incident.id, by="Ann", now=world.at, source="cli")
    queue(world)
    world.jump(60)
    for device in range(101, 301):
        world.anomaly(device, "critical", metric=metric(device))
    world.run(1)
    queue(world)
    storms = [incident for incident in world.all() if incident.kind == "storm"]
    assert [storm.state for storm in storms] == ["acknowledged", "open"]
    assert storms[1].devices == 180


def test_homepots_alerts_that_cannot_be_written_cost_no_incident(
    database: Database, settings: Settings
) -> None:
    world = World(database, settings)
    world.sql("ALTER TABLE alerts ADD COLUMN tenant_id int NOT NULL")
    world.anomaly(3, "critical")
    outcome = world.run(1)
    assert "could not be written" in " ".join(outcome.notes)
    assert world.one().state == "open"
    assert world.one().homepot_alert_id is None


def test_answers_in_homepot_that_cannot_be_read_cost_no_incident(
    database: Database, settings: Settings
) -> None:
    world = World(database, settings)
    world.anomaly(3, "critical")
    world.run(1)
    world.sql("ALTER TABLE alerts ALTER COLUMN resolved_by TYPE int USING NULL")
    world.sql("ALTER TABLE alerts ALTER COLUMN id TYPE text")
    world.anomaly(4, "critical")
    outcome = world.run(1)
    assert "could not be read" in " ".join(outcome.notes)
    assert len(world.all()) == 2


def test_what_closed_while_homepots_alerts_were_away_is_resolved_there_later(
    database: Database, settings: Settings
) -> None:
    world = World(database, settings)
    world.anomaly(3, "warning")
    world.run(1)
    world.sql("ALTER TABLE alerts RENAME TO alerts_away")
    actions.close(database, settings, 1, by="Ann", resolution="cable", now=world.at, source="cli")
    world.sql("ALTER TABLE alerts_away RENAME TO alerts")
    assert world.sql("SELECT status FROM alerts") == [("active",)]
    world.run(1)
    assert world.sql("SELECT status, resolved_by, resolution_notes FROM alerts") == [
        ("resolved", "Ann", "cable")
    ]


def test_an_alert_of_homepots_own_is_neither_believed_nor_overwritten(
    database: Database, settings: Settings
) -> None:
    world = World(database, settings)
    anomaly = world.anomaly(3, "warning")
    world.run(1)
    world.sql("TRUNCATE alerts RESTART IDENTITY")
    world.sql(
        "INSERT INTO alerts (timestamp, title, description, severity, category, status, resolved_by) "
        "VALUES (now(), 'Door open', 'x', 'low', 'security', 'resolved', 'Bob')"
    )
    world.worsen(anomaly, "critical")
    world.run(1)
    assert world.one().state == "open"
    assert world.sql("SELECT title, severity FROM alerts WHERE id = 1") == [("Door open", "low")]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe"])
def test_a_zone_that_is_none_costs_no_alert(database: Database, settings: Settings, zone: str) -> None:
    small_fleet(database)
    w.route(database)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO homepot_ai.ai_site_settings (site_id, timezone) VALUES (1, %s) "
            "ON CONFLICT (site_id) DO UPDATE SET timezone = excluded.timezone", [zone],
        )  # fmt: skip
    w.opened(database)
    queue_alerts(database, settings, now=w.NOW)
    assert len(w.subjects(database)) == 1


def test_a_silence_that_began_in_a_long_maintenance_is_news_at_its_end(
    database: Database, settings: Settings
) -> None:
    world = World(database, settings)
    ago = world.at - timedelta(hours=47)
    world.sql(
        "INSERT INTO ai_device_gaps (device_id, status, reason, last_sample_at, noticed_at, ended_at) "
        "VALUES (3, 'in_maintenance', NULL, %s, %s, %s)",
        ago, ago, world.at + MINUTE,
    )  # fmt: skip
    world.silent(3, heard=timedelta(hours=47))
    world.run(5)
    assert [incident.state for incident in world.all()] == ["open"]
