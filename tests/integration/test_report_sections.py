"""Sections of weekly and monthly reports against slow counts over rows that were written one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from homepot_ai.prediction import track_record as records
from homepot_ai.prediction.track_record import Figure, Point, TrackRecord, Warnings
from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.document import Figure as Chart
from homepot_ai.reporting.document import Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts, Scope, facts_hash, restore
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.periods import Period
from homepot_ai.reporting.voice import Voice
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.incident_rows_alert import acknowledged, change, event
from tests.prediction_world import forecast, hours_of, outcome
from tests.report_world import World
from tests.sections_world import (
    DAY,
    END,
    HOUR,
    MONDAY,
    MONTH,
    NOW,
    START,
    TUESDAY,
    WEEK,
    a_day,
    action,
    fleet,
    health_hours,
    incident,
    page,
    rates,
    visit,
    warning,
)

FLEET, SITE = Scope(kind="fleet"), Scope(kind="site", id=1)


@pytest.fixture
def world(database: Database) -> World:
    return fleet(database)


def facts_of(world: World, settings: Settings, scope: Scope = FLEET, period: Period = WEEK) -> ReportFacts:
    made = NOW if period.kind != "monthly" else MONTH.end + 5 * HOUR
    with world.db.reader() as conn:
        found = gather(conn, settings, scope, period, made)
    assert found.problems == ()
    assert facts_hash(restore(found.model_dump(mode="json"))) == facts_hash(found)
    return found


def said(facts: ReportFacts, key: str) -> Section | None:
    period = facts.period
    voice = Voice("en", period.timezone, period.first_day, period.last_day, period.end)
    plugin = next(plugin for plugin in PLUGINS if plugin.key == key)
    return plugin.section(facts, voice)


def text(section: Section | None) -> str:
    """Everything that a section says, on lines, with plain spaces."""
    assert section is not None
    lines = []
    for block in section.blocks:
        if isinstance(block, Paragraph):
            lines.append(block.text)
        elif isinstance(block, Table):
            lines += [" | ".join(f"{c.text} {c.about}".strip() for c in row) for row in block.rows]
        elif isinstance(block, Chart):
            lines.append(f"[{block.drawing.title}]")
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def test_incidents_are_told_as_they_were_known(world: World, settings: Settings) -> None:
    db = world.db
    old = incident(db, 1, START - 20 * DAY)
    change(db, old, closed_by="Ben", resolution="fan\ncleaned")
    first = incident(db, 1, TUESDAY, 3.0, previous=old)
    change(db, first, acknowledged_at=TUESDAY + HOUR, acknowledged_by="Ann")
    similar = [{"incident_id": old, "similarity": 0.8}]
    event(db, first, "investigated", at=TUESDAY + HOUR, details={"similar": similar})
    second = incident(db, 4, END - HOUR, None, severity="critical")
    third = incident(db, 2, END - 2 * HOUR, 4.0)  # closed after the period, before the report
    incident(db, 3, END + HOUR, None)  # the next week
    simulated = incident(db, 7, TUESDAY)
    part = incident(db, 5, TUESDAY)
    event(db, part, "closed", at=TUESDAY + HOUR, details={"absorbed": True})
    facts = facts_of(world, settings)
    found = facts.incidents
    assert found is not None
    assert [one.id for one in found.incidents] == [second, third, first, simulated]
    assert (found.opened, found.closed, found.still_open, found.unacknowledged, found.others) == (
        3,
        1,
        2,
        1,
        1,
    )
    by_id = {one.id: one for one in found.incidents}
    past = by_id[first].past
    assert past is not None
    assert (past.id, past.similarity, past.resolution, past.ended) == (old, 0.8, "fan cleaned", "by_hand")
    assert by_id[first].resolution is None
    assert by_id[third].closed_at == END + 2 * HOUR
    page_text = text(said(facts, "incidents"))
    assert page_text.startswith(
        "3 incidents opened, 1 closed, 2 still open at the end. 1 of the open ones was taken up by nobody. "
        "1 incident of devices of another class is listed and not counted."
    )
    assert "“fan cleaned”. 80 % alike, no. 1" in page_text
    assert "Emulator Berlin Mitte · simulated" in page_text
    # A site sees its own, a day its own.
    site = facts_of(world, settings, SITE).incidents
    assert site is not None
    assert [one.id for one in site.incidents] == [third, first, simulated]
    monday = facts_of(world, settings, FLEET, a_day(MONDAY)).incidents
    assert monday is not None
    assert monday.incidents == ()


def test_what_comes_back_and_what_is_shared(world: World, settings: Settings) -> None:
    db = world.db
    for n, hours in enumerate((1.0, 2.0, 0.5)):
        last = incident(db, 1, TUESDAY + n * DAY, hours, print_="a")
    change(db, last, recurrence=2)
    incident(db, 2, TUESDAY, 1.0, print_="b")
    incident(db, 2, START - 30 * DAY, 1.0, print_="b")
    incident(db, 3, TUESDAY, 1.0, print_="c")  # only once
    incident(db, 4, START - 100 * DAY, 1.0, print_="d")  # before the window
    for n in range(5):
        incident(db, 7, TUESDAY + n * HOUR, 0.1, print_="e")  # simulated
    action(db, last, TUESDAY + 3 * DAY, None)
    facts = facts_of(world, settings)
    found = facts.recurring
    assert found is not None
    assert [(f.times, f.times_window, f.actions) for f in found.faults] == [(3, 3, 1), (1, 2, 0)]
    # The helper writes the first symptom 18 minutes before the opening.
    assert found.faults[0].minutes == 60 + 120 + 30 + 3 * 18
    assert [(s.devices, s.incidents) for s in found.shared] == [(3, 5)]
    words = text(said(facts, "recurring"))
    assert words.startswith("2 troubles came back. For 1 of them no action is recorded.")
    assert "pos terminal | CPU too high | 3 | 5" in words
    quiet = facts_of(world, settings, Scope(kind="site", id=2))
    assert text(said(quiet, "recurring")).startswith("Nothing came back in this period")


def test_pages_are_counted_once_and_by_local_day(world: World, settings: Settings) -> None:
    db = world.db
    first = incident(db, 1, TUESDAY)
    second = incident(db, 2, TUESDAY + DAY)
    change(db, second, flapping=True, mark=False)
    change(db, first, mark=True)
    page(db, first, START + timedelta(minutes=30), people=3)  # Monday, 0:30 in Berlin
    page(db, first, TUESDAY, severity="critical")
    page(db, second, END, people=2)  # Sunday's last instant
    page(db, second, END + timedelta(minutes=1))  # the next week
    page(db, incident(db, 7, TUESDAY), TUESDAY)  # simulated
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO ai_alert_messages (incident_id, channel, address, kind, severity, at, state, why) "
            "VALUES (%s, 'mail', 'x@example.org', 'opened', 'warning', %s, 'not_told', 'budget')",
            [second, TUESDAY],
        )
        conn.execute("UPDATE ai_site_settings SET alert_budget_per_day = 2 WHERE site_id = 1")
    found = facts_of(world, settings).noise
    assert found is not None
    assert [day.pages for day in found.days] == [1, 1, 0, 0, 0, 0, 1]
    assert [day.critical for day in found.days] == [0, 1, 0, 0, 0, 0, 0]
    assert (found.pages, found.told, found.held_back) == (3, 6, 1)
    assert (found.flapping, found.marked_true, found.marked_false) == (1, 1, 1)
    assert found.budget == 2 + settings.alerts.budget_per_day
    assert [(r.pages, r.incidents, r.marked_false, r.passed) for r in found.rules] == [(3, 2, 1, 2)]
    words = text(said(facts_of(world, settings), "noise"))
    assert words.startswith("3 pages, 0.4 a day; 12 a day are allowed. 1 incident waited for a digest")
    assert "Of 2 incidents that people judged, 50 % were false (95 % interval 9 % to 91 %)." in words
    assert "[Pages per day from Mon 16 Nov to Sun 22 Nov: 3 in all, at most 1 on Mon 16 Nov]" in words


def test_the_league_is_the_mean_of_the_hours(world: World, settings: Settings) -> None:
    db = world.db
    for device in (1, 2, 3):
        health_hours(db, device, START - 7 * DAY, 168, 0.9)
        health_hours(db, device, START, 168, 0.8 if device == 1 else 0.95)
    health_hours(db, 4, START, 24, 0.5, no_data=30)
    health_hours(db, 5, START, 24, 0.9)
    health_hours(db, 7, START, 168, 0.1)  # simulated
    incident(db, 1, TUESDAY)
    facts = facts_of(world, settings)
    found = facts.league
    assert found is not None
    by_id = {site.id: site for site in found.sites}
    assert by_id[1].days == (0.9,) * 7
    assert by_id[1].before == 0.9
    assert by_id[1].incidents == 1
    assert by_id[2].days == (round((0.5 * 30 + 0.9 * 60) / 90, 5), *[None] * 6)
    assert by_id[2].before is None
    words = text(said(facts, "league"))
    assert words.startswith("Against the 7 days before: 1 better, 0 worse, 0 much the same.")
    assert said(facts_of(world, settings, SITE), "league") is None


def test_actions_and_whether_they_held(world: World, settings: Settings) -> None:
    db = world.db
    one = incident(db, 1, TUESDAY, 6.0)
    action(db, one, TUESDAY + HOUR, "helped", recovered_at=TUESDAY + 2 * HOUR)
    action(
        db, one, TUESDAY + 2 * HOUR, "did_not_help", key="wait", recovered_at=TUESDAY + 3 * HOUR,
        held_until=TUESDAY + 9 * HOUR,
    )  # fmt: skip
    action(db, one, END - HOUR, "helped")  # judged after the report was made
    action(db, one, END + HOUR, None)  # the next week
    action(db, incident(db, 7, TUESDAY), TUESDAY + HOUR, "helped")  # simulated
    for n in range(6):
        action(
            db, incident(db, 4, START - (n + 30) * DAY), START - (n + 30) * DAY + HOUR, "helped", key="swap"
        )
    facts = facts_of(world, settings)
    found = facts.actions
    assert found is not None
    assert (found.total, found.helped, found.did_not_help, found.waiting) == (3, 1, 1, 1)
    assert [(e.helped, e.judged, e.difference) for e in found.effects] == [(6, 6, None)]
    words = text(said(facts, "actions"))
    assert "3 actions are recorded: 1 helped and held a day, 1 did not, 1 cannot be told (yet)." in words
    assert "did not help recovered, ill again 17 Nov 18:00" in words
    assert "too few cases to compare" in words


def test_the_record_the_plot_and_the_trivial_answer(world: World, settings: Settings) -> None:
    empty = facts_of(world, settings)
    assert text(said(empty, "track_record")) == "Not available yet."
    curve = (Point(0.02, 0.03, 0.01, 0.06, 900), Point(0.6, 0.4, 0.2, 0.65, 40))
    record = TrackRecord(
        made_at=END - HOUR,
        figures=(
            Figure("hazard", "7d", 940, 134.3, 43, 0.031, 0.044, 0.2955, 0.018, curve, False),
            Figure("base-rate", "7d", 940, 134.3, 43, 0.044, 0.044, 0.0, 0.001, curve[:1], False),
        ),
        warnings=Warnings(came_true=6, averted=2, false_alarms=3, lead_hours=80.0, failures=9, unwarned=3),
        settled=940,
    )
    with world.db.writer() as conn:
        records.keep(conn, record)
    facts = facts_of(world, settings)
    words = text(said(facts, "track_record"))
    assert words.startswith(
        "Of 9 warnings that could be judged, 33 % were false (95 % interval 12 % to 65 %)."
    )
    assert "Of 9 failures 3 came without a warning." in words
    assert "failure model is used | 940 134 independent | 43 | 0.0310 base rate 0.0440 | +0.30" in words
    month = facts_of(world, settings, FLEET, MONTH)
    plot = text(said(month, "calibration"))
    assert "[Failures within 7 days: said 2 %, happened 3 %; said 60 %, happened 40 %]" in plot
    # As of the period's end: of a week before it nothing was known.
    assert facts_of(world, settings, FLEET, a_day(MONDAY)).track_record is None


def test_visits_costs_and_decisions(world: World, settings: Settings) -> None:
    db = world.db
    assert said(facts_of(world, settings), "costs") is None
    rates(db, 1, currency="EUR", downtime_hour=30, visit=80, hour=60)
    visit(db, 1, END + DAY, cost=110, cost_if_not=372, currency="EUR")
    visit(db, 2, END + 3 * DAY, "accepted", level="critical", cost=90, currency="EUR")
    visit(db, 3, END + 8 * DAY, "accepted", cause="silent")
    visit(db, 2, START, "accepted", cause="old")
    visit(db, 7, END + DAY)  # simulated: planned, and counts for nothing that money is made of
    warning(db, 3, END - DAY, probability=0.7)
    warning(db, 1, END - DAY)  # a visit is proposed
    taken = incident(db, 2, TUESDAY, None)
    acknowledged(db, taken, TUESDAY + HOUR)
    untouched = incident(db, 5, TUESDAY, None, severity="critical")
    facts = facts_of(world, settings)
    planned, costs, decisions = facts.visits, facts.costs, facts.decisions
    assert planned is not None
    assert costs is not None
    assert decisions is not None
    assert [(v.device.id, v.state) for v in planned.visits] == [
        (1, "proposed"),
        (7, "proposed"),
        (2, "accepted"),
    ]
    assert (planned.proposed, planned.accepted, planned.overdue) == (2, 1, 1)
    (euro,) = costs.currencies
    assert (euro.downtime, euro.minutes, euro.sites) == (0.0, 0, 1)
    assert (euro.visits, euro.counted, euro.if_not, euro.weighed) == (200.0, 2, 372.0, 1)
    # Hamburg has no rate; Till 6 was silent there for the two hours that were scored.
    assert (costs.sites_without, costs.minutes_without, costs.open_visits) == (1, 120, 3)
    assert [(d.kind, d.device.id if d.device else None) for d in decisions.decisions] == [
        ("incident", 5), ("visit", 1), ("risk", 3), ("silent", 6),
    ]  # fmt: skip
    assert decisions.decisions[0].number == untouched
    words = text(said(facts, "decisions"))
    assert "Accept or decline the visit | Till 1 Berlin Mitte" in words
    assert "62 % probability of a failure; costs 110 EUR, expected without it 372 EUR" in words
    assert "Repair it, or take it off the list | Till 6" in words
    assert "1 accepted visit is past and not noted as made." in text(said(facts, "visits"))
    assert "Open visits | 200 EUR | 2 of 3 open visits say" in text(said(facts, "costs"))
    rates(db, 2, currency="USD", downtime_hour=12)
    both = facts_of(world, settings).costs
    assert both is not None
    assert [(c.currency, c.downtime) for c in both.currencies] == [("EUR", 0.0), ("USD", 24.0)]


def test_capacity_reads_the_newest_forecasts(world: World, settings: Settings) -> None:
    db, end = world.db, MONTH.end
    assert facts_of(world, settings, FLEET, MONTH).capacity is None
    for device, level in ((1, 78.0), (2, 60.0)):
        hours_of(db, device, end - 20 * DAY, 480, level - 10, 10 / 480)
        for age in (1.5, 0.5):
            forecast(
                db, device, end - age * DAY, kind="level", metric="disk_percent", low=level,
                mid=level + 3 - age,
                high=level + 6, unit="%", coverage=0.8,
            )  # fmt: skip
    when = [(end + days * DAY).timestamp() for days in (4, 6, 9)]
    forecast(
        db, 1, end - DAY / 2, kind="limit", horizon="30d", hours=720, metric="disk_percent", low=when[0],
        mid=when[1], high=when[2], unit="epoch_s", coverage=0.8, facts=Jsonb({"limit": 90.0}),
    )  # fmt: skip
    forecast(db, 7, end - DAY / 2, kind="level", metric="disk_percent", low=1, mid=2, high=3, coverage=0.8)
    facts = facts_of(world, settings, FLEET, MONTH)
    found = facts.capacity
    assert found is not None
    assert [(item.device.id, item.mid, item.limit) for item in found.items] == [
        (1, 80.5, 90.0),
        (2, 62.5, None),
    ]
    assert found.items[0].at_mid == end + 6 * DAY
    assert (found.forecast, found.reaching) == (2, 1)
    assert sum(value is None for value in found.items[0].days) == 10
    assert found.items[0].now == pytest.approx(78.0, abs=0.1)
    words = text(said(facts, "capacity"))
    assert "6 days (4 to 9) limit 90.0 %" in words
    assert "limit 90.0 %, reached in 6 days (4 to 9)]" in words
    assert "not within 30 days" in words


def test_changes_of_settings_and_what_followed(world: World, settings: Settings) -> None:
    db = world.db
    at = MONTH.start + 10 * DAY + timedelta(minutes=20)
    for device, score in ((1, 0.6), (2, 0.9), (4, 0.95)):
        health_hours(db, device, at.replace(minute=0) - DAY, 24, 0.95)
        health_hours(db, device, at.replace(minute=0), 1, 0.0)  # the hour of the change says nothing
        health_hours(db, device, at.replace(minute=0) + HOUR, 24, score)
    with db.admin() as conn:
        for public, minutes, name, back in (
            ("DEVICE-0001", 0, "update_channel", False),
            ("DEVICE-0002", 10, "update_channel", True),
            ("DEVICE-0004", 0, "log_level", False),
            ("DEVICE-0007", 0, "update_channel", False),  # simulated
            ("DEVICE-9999", 0, "update_channel", False),  # unknown
        ):
            conn.execute(
                "INSERT INTO configuration_history (id, timestamp, entity_type, entity_id, parameter_name, "
                "new_value, changed_by, was_rolled_back) "
                "VALUES (nextval('configuration_history_id_seq'), %s, 'device', %s, %s, "
                "'\"secret-9\"', 'anna', %s)",
                [(at + timedelta(minutes=minutes)).replace(tzinfo=None), public, name, back],
            )
    incident(db, 1, at + 3 * HOUR)
    facts = facts_of(world, settings, FLEET, MONTH)
    found = facts.configuration
    assert found is not None
    assert [(c.parameter, c.devices, c.incidents, c.rolled_back) for c in found.changes] == [
        ("update_channel", 2, 1, 1), ("log_level", 1, 0, 0),
    ]  # fmt: skip
    assert found.changes[0].before == 0.95
    assert found.changes[0].after == pytest.approx((23 * 0.6 + 23 * 0.9) / 46, abs=1e-4)
    assert "secret-9" not in facts.model_dump_json()
    assert "log_level by anna | Till 4 pos terminal | 0.95 | 0.95 | 0" in text(said(facts, "configuration"))


def test_what_was_prevented_drills_and_the_method(world: World, settings: Settings) -> None:
    db = world.db
    at = MONTH.start + 5 * DAY
    warning(db, 1, at, "averted")
    warning(db, 2, at, "came_true", happened_at=at + 30 * HOUR)
    warning(db, 3, at, "false_alarm", cause="silent")
    warning(db, 4, MONTH.end - DAY, "averted")  # settled in the next month
    warning(db, 7, at, "averted")  # simulated
    outcome(db, 2, at + 30 * HOUR)
    outcome(db, 5, at)
    facts = facts_of(world, settings, FLEET, MONTH)
    found = facts.prevented
    assert found is not None
    assert (found.total, found.averted, found.came_true, found.false_alarms) == (3, 1, 1, 1)
    assert (found.failures, found.unwarned) == (2, 1)
    assert "came true warned 1 d 6 h ahead" in text(said(facts, "prevented"))
    assert text(said(facts, "drills")).startswith("Until then no backup was ever verified")
    method = said(facts, "appendix")
    assert method is not None
    assert facts.appendix is not None
    assert facts.appendix.device_types == (("pos_terminal", 0.8, 0.4),)
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO ai_backups (name, started_at, outcome, bytes) VALUES "
            "('b1', %(at)s, 'good', 2500000), ('b2', %(at)s, 'failed', NULL), "
            "('b3', %(later)s, 'failed', NULL)",
            {"at": at, "later": MONTH.end + DAY},
        )
        conn.execute(
            "INSERT INTO ai_restore_drills (at, backup, kind, outcome, seconds, checks, detail) VALUES "
            "(%(at)s, 'b1', 'nightly', 'passed', 9, '[]', ''), "
            "(%(at)s, 'b2', 'nightly', 'failed', 9, '[]', 'rows: 1 table is not as it was dumped')",
            {"at": at},
        )
    later = facts_of(world, settings, FLEET, MONTH)
    told = text(said(later, "drills"))
    assert told.startswith("1 restore drill passed. 1 failed. 1 backup could not be made")
    assert "failed: rows: 1 table is not as it was dumped" in told
    assert "2.5 MB" in told


def test_a_site_an_empty_period_and_nobody_at_all(database: Database, settings: Settings) -> None:
    World(database).site(1, "Empty", "Europe/Berlin")
    for scope in (FLEET, SITE):
        for period in (WEEK, MONTH):
            with database.reader() as conn:
                facts = gather(conn, settings, scope, period, MONTH.end + HOUR)
            assert facts.problems == ()
            for plugin in PLUGINS:
                if period.kind in plugin.kinds:
                    section = said(facts, plugin.key)
                    assert section is None or section.blocks, plugin.key
