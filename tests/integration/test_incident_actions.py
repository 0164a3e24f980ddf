"""What people do with incidents, windows, and HOMEPOT's alerts both ways, on a real PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from homepot_ai.errors import IncidentError, NotFound
from homepot_ai.incidents import actions
from homepot_ai.settings import Settings
from homepot_ai.store import windows
from homepot_ai.store.database import Database
from tests.incident_world import MINUTE, START, World


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    return World(database, settings)


def window(world: World, begin: int, end: int, scope: str = "site", of: int | None = 1) -> int:
    with world.db.writer() as conn:
        number, _ = windows.insert(
            conn,
            windows.Window(
                0, scope, of, "works", START + begin * MINUTE, START + end * MINUTE, None, None, None, None,
                None, None, None, "Ann", START,
            ),
        )  # type: ignore[arg-type]  # fmt: skip
    return number


def alert(world: World) -> tuple[object, ...]:
    (row,) = world.sql(
        "SELECT device_id, site_id, severity, category, status, resolved_by, resolution_notes, timestamp "
        "FROM alerts"
    )
    return row


def silences(world: World) -> list[tuple[object, ...]]:
    return world.sql("SELECT why, window_id, begun_at, ended_at, outcome FROM ai_suppressed ORDER BY id")


def test_acknowledge_keeps_who_and_why_and_shows_in_homepot(world: World) -> None:
    world.anomaly(3)
    world.run()
    number = world.one().id
    assert alert(world) == (
        "DEVICE-3", 1, "medium", "performance", "active", None, None, world.at.replace(tzinfo=None),
    )  # fmt: skip
    done = actions.acknowledge(
        world.db, world.settings, number, by="Ann\n", comment="on my way", now=world.at, source="cli"
    )
    assert (done.written, done.said) == (True, f"incident {number} acknowledged by Ann")
    again = actions.acknowledge(world.db, world.settings, number, by="Ann", now=world.at, source="cli")
    assert not again.written
    incident = world.one()
    assert (incident.state, incident.acknowledged_by, incident.acknowledged_at) == (
        "acknowledged", "Ann", world.at,
    )  # fmt: skip
    assert world.kinds(number) == ["opened", "acknowledged"]
    assert world.events(number)[-1].comment == "on my way"
    assert alert(world)[4] == "acknowledged"
    assert world.sql("SELECT actor, action, subject FROM ai_audit_log") == [
        ("Ann", "acknowledged", f"incident {number}")
    ]
    world.run()
    assert world.one().state == "acknowledged"


def test_closed_by_hand_it_stays_closed_though_the_trouble_goes_on(world: World) -> None:
    world.silent(2)
    number = world.anomaly(3)
    world.run(2)
    for incident in world.all():
        actions.close(
            world.db, world.settings, incident.id, by="Ann", resolution="replaced", now=world.at, source="cli"
        )
    world.run(5)
    assert [(i.state, i.closed_by, i.resolution) for i in world.all()] == [("closed", "Ann", "replaced")] * 2
    # What comes anew is an incident of its own.
    world.back(2)
    world.end(number)
    world.run()
    world.silent(2)
    world.anomaly(3)
    world.run(2)
    assert [i.state for i in world.all()] == ["closed", "closed", "open", "open"]
    with pytest.raises(IncidentError, match="it is closed; a recurrence"):
        actions.close(world.db, world.settings, 1, by="Bob", resolution="x", now=world.at, source="cli")
    with pytest.raises(IncidentError, match="say what became of incident 3"):
        actions.close(world.db, world.settings, 3, by="Bob", resolution=" ", now=world.at, source="cli")
    with pytest.raises(NotFound, match=r"did you mean: 4 \(Checkout 3"):
        actions.acknowledge(world.db, world.settings, 99, by="Bob", now=world.at, source="cli")


def test_snoozed_it_is_told_again_when_that_ends_and_it_is_still_ill(world: World) -> None:
    number = world.anomaly(3)
    world.run()
    incident = world.one()
    with pytest.raises(IncidentError, match="is past"):
        actions.snooze(
            world.db, world.settings, incident.id, until=world.at, by="Ann", now=world.at, source="cli"
        )
    with pytest.raises(IncidentError, match="within 30 days"):
        actions.snooze(
            world.db, world.settings, incident.id, until=world.at + timedelta(days=31), by="Ann",
            now=world.at, source="cli",
        )  # fmt: skip
    until = world.at + 10 * MINUTE
    actions.snooze(
        world.db, world.settings, incident.id, until=until, by="Ann", comment="after lunch", now=world.at,
        source="cli",
    )  # fmt: skip
    world.run(9)
    assert world.kinds(incident.id) == ["opened", "snoozed"]
    world.run()
    assert world.kinds(incident.id) == ["opened", "snoozed", "snooze_ended", "released"]
    assert silences(world) == [("snooze", None, until - 10 * MINUTE, until, "told_after")]
    assert world.one().snoozed_until is None
    # Snoozed again, it gets well meanwhile: closed as usual, nothing to tell at the end.
    actions.snooze(
        world.db, world.settings, incident.id, until=world.at + 60 * MINUTE, by="Ann", now=world.at,
        source="cli",
    )  # fmt: skip
    world.end(number)
    world.run(12)
    assert world.kinds(incident.id)[-1] == "closed"
    assert silences(world)[-1][-1] == "recovered"


def test_in_a_window_it_is_recorded_and_told_when_the_window_ends_and_it_is_ill(world: World) -> None:
    first, second = window(world, 1, 10), window(world, 8, 15)
    world.anomaly(3)
    outcome = world.run(2)
    incident = world.one()
    assert outcome.silenced == 1
    assert world.kinds(incident.id) == ["opened", "suppressed"]
    assert world.events(incident.id)[1].details == {
        "why": "window", "until": (START + 10 * MINUTE).isoformat(),
    }  # fmt: skip
    assert world.sql("SELECT count(*) FROM alerts") == [(0,)], "HOMEPOT is not told either"
    world.run(12)
    assert [row[:2] for row in silences(world)] == [("window", second)]
    assert first != second
    world.run()
    assert world.kinds(incident.id) == ["opened", "suppressed", "released"]
    assert silences(world)[0][3:] == (START + 15 * MINUTE, "told_after")
    assert alert(world)[4] == "active"


def test_what_is_quiet_when_the_window_ends_is_told_only_if_it_is_ill_again(world: World) -> None:
    window(world, 1, 5)
    number = world.anomaly(3)
    world.run(3)
    world.end(number)
    world.run(4)
    incident = world.one()
    assert world.kinds(incident.id) == ["opened", "suppressed"]
    again = world.anomaly(3)
    world.run()
    assert world.kinds(incident.id) == ["opened", "suppressed", "released"]
    world.end(again)
    world.run(11)
    assert world.all()[0].state == "closed"
    # And one that ends before its window does is never told.
    window(world, 20, 90)
    world.jump(5)
    number = world.anomaly(4)
    world.run(2)
    world.end(number)
    world.run(11)
    quiet = world.all()[-1]
    assert world.kinds(quiet.id) == ["opened", "suppressed", "closed"]
    assert silences(world)[-1][-1] == "recovered"


def test_a_window_that_begins_later_silences_what_is_open_and_a_cancelled_one_ends(world: World) -> None:
    world.anomaly(3)
    world.run(2)
    number = window(world, 3, 60, "device", 3)
    world.run()
    incident = world.one()
    assert world.kinds(incident.id) == ["opened", "suppressed"]
    with world.db.writer() as conn:
        assert windows.cancel(conn, number, by="Ann", at=world.at)
        assert not windows.cancel(conn, number, by="Bob", at=world.at)
    world.run()
    assert world.kinds(incident.id)[-1] == "released"


def test_homepots_maintenance_day_silences_a_site(world: World) -> None:
    # START is a Wednesday, 10:00 in Berlin: the site is closed that day.
    world.sql(
        "INSERT INTO site_operating_schedules (id, site_id, day_of_week, is_closed, is_maintenance_window) "
        "VALUES (1, 1, 2, true, true)"
    )
    world.anomaly(3)
    world.run()
    event = world.events(world.one().id)[1]
    assert (event.kind, event.details["why"]) == ("suppressed", "homepot_schedule")
    assert datetime.fromisoformat(event.details["until"]) == datetime.fromisoformat("2026-11-18T23:00+00:00")


def test_a_mark_counts_for_all_of_its_evidence(world: World) -> None:
    first = world.anomaly(3)
    world.run(2)
    world.end(first)
    world.run(2)
    second = world.anomaly(3)
    world.run()
    number = world.one().id
    done = actions.mark(
        world.db, world.settings, number, "false", by="Ann", comment="backup", now=world.at, source="cli"
    )
    assert (done.marked, done.written) == (2, True)
    assert world.sql("SELECT id, mark FROM ai_anomaly_logs ORDER BY id") == [(first, False), (second, False)]
    assert (world.one().mark, world.one().conclusion) == (False, "INCONCLUSIVE")
    world.run(40)
    assert world.one().conclusion == "INCONCLUSIVE", "what a person said is not overruled by time"
    again = actions.mark(world.db, world.settings, number, "false", by="Bob", now=world.at, source="cli")
    assert not again.written
    actions.mark(world.db, world.settings, number, "withdrawn", by="Ann", now=world.at, source="cli")
    assert world.one().mark is None
    assert world.sql("SELECT DISTINCT mark FROM ai_anomaly_logs") == [(None,)]
    assert world.kinds(number) == ["opened", "marked", "marked"]


@pytest.mark.parametrize(
    ("status", "notes", "state", "mark"),
    [
        ("acknowledged", "looking", "acknowledged", None),
        ("resolved", "cable replaced", "closed", None),
        ("resolved", "False alarm: stocktaking", "closed", False),
        ("resolved", "true, fan was dead", "closed", True),
        ("ignored", None, "closed", False),
    ],
)
def test_what_people_do_in_homepot_counts_here(
    world: World, status: str, notes: str | None, state: str, mark: bool | None
) -> None:
    anomaly = world.anomaly(3)
    world.run()
    number = world.one().id
    world.sql(
        "UPDATE alerts SET status = %s, resolved_by = 'bob@example.org', resolution_notes = %s", status, notes
    )
    world.run(3)
    (incident,) = world.all()
    assert (incident.state, incident.mark) == (state, mark)
    assert world.sql("SELECT mark FROM ai_anomaly_logs WHERE id = %s", anomaly) == [(mark,)]
    assert incident.acknowledged_by == ("bob@example.org" if state == "acknowledged" else None)
    if state == "closed":
        assert incident.closed_by == "bob@example.org"
    assert alert(world)[4] == status, "what a person said there stands"
    expected = {"acknowledged": ["acknowledged"], "closed": ["closed"] + ["marked"] * (mark is not None)}
    assert world.kinds(number) == ["opened", *expected[state]]


def test_a_mark_in_homepot_after_the_close_still_counts(world: World) -> None:
    anomaly = world.anomaly(3)
    world.run(2)
    world.end(anomaly)
    world.run(11)
    assert alert(world)[4:6] == ("resolved", "homepot-ai")
    world.sql("UPDATE alerts SET status = 'ignored'")
    world.run()
    assert world.all()[0].mark is False
    assert world.all()[0].state == "closed"


def test_its_columns_are_narrow_and_it_follows_what_happens(world: World) -> None:
    world.sql("UPDATE devices SET device_id = %s, name = %s WHERE id = 3", "D" * 100, "n" * 100)
    number = world.anomaly(3)
    world.run()
    row = alert(world)
    assert (row[0], row[2]) == (None, "medium"), "half an id would be another device's"
    assert "D" * 100 in world.sql("SELECT description FROM alerts")[0][0]
    world.worsen(number, "critical")
    world.run()
    assert alert(world)[2] == "critical"
    world.end(number)
    world.run(11)
    assert alert(world)[4:7] == ("resolved", "homepot-ai", "recovered")


@pytest.mark.parametrize("change", ["DROP TABLE public.alerts", "ALTER TABLE public.alerts DROP resolved_by"])
def test_an_older_homepot_degrades_with_a_sentence(world: World, change: str) -> None:
    world.sql(change)
    world.anomaly(3)
    outcome = world.run()
    assert len(outcome.opened) == 1
    assert "dashboard does not show incidents" in outcome.headline


def test_without_the_setting_homepots_table_is_left_alone(database: Database, settings: Settings) -> None:
    quiet = settings.model_copy(
        update={"incidents": settings.incidents.model_copy(update={"homepot_alerts": False})}
    )
    world = World(database, quiet)
    world.anomaly(3)
    world.run()
    assert world.sql("SELECT count(*) FROM alerts") == [(0,)]
