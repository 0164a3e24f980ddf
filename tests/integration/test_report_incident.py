"""An incident's report against rows that were written one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from homepot_ai.errors import NotFound
from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.document import Bullets, Figure, Section, Table
from homepot_ai.reporting.facts import ReportFacts, canonical_json, facts_hash, restore
from homepot_ai.reporting.incident import incident_facts
from homepot_ai.reporting.voice import Voice
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.incident_rows_alert import acknowledged, change, closed, event, opened
from tests.incident_rows_mem import health
from tests.support import small_fleet

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
#: A Wednesday, ten o'clock in Berlin; the first symptom is 18 minutes earlier.
OPENED = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
START = OPENED - 18 * MINUTE
CLOSED = OPENED + 3 * HOUR
LATER = CLOSED + 2 * HOUR


def facts_at(db: Database, settings: Settings, incident: int, now: datetime) -> ReportFacts:
    with db.reader() as conn:
        return incident_facts(conn, settings, incident, now)


def voice_of(facts: ReportFacts, language: str = "en") -> Voice:
    period = facts.period
    assert language == "en"
    return Voice("en", period.timezone, period.first_day, period.last_day, period.end)


def sections(facts: ReportFacts) -> dict[str, Section]:
    found = (plugin.section(facts, voice_of(facts)) for plugin in PLUGINS if "incident" in plugin.kinds)
    return {section.key: section for section in found if section is not None}


def table_of(section: Section) -> Table:
    return next(block for block in section.blocks if isinstance(block, Table))


def cells(section: Section) -> list[str]:
    return [" | ".join(cell.text for cell in row) for row in table_of(section).rows]


@pytest.fixture
def incident(database: Database) -> int:
    """Checkout 3 ran hot for three hours; Ann took it up and restarted it."""
    db = database
    small_fleet(db, 4)
    with db.admin() as conn:
        for day in range(7):
            conn.execute(
                "INSERT INTO site_operating_schedules (id, site_id, day_of_week, open_time, close_time, "
                "is_closed, is_maintenance_window) VALUES (%s, 1, %s, '08:00', '11:00', false, false)",
                [day + 1, day],
            )
        conn.execute(
            "INSERT INTO device_metrics (timestamp, device_id, cpu_percent, provenance, "
            "collection_interval_seconds) SELECT at, 3, CASE WHEN at BETWEEN %s AND %s THEN 97.5 ELSE 31 END,"
            " 'controlled', 60 FROM generate_series(%s::timestamp, %s::timestamp, '1 minute') AS at",
            [
                START.replace(tzinfo=None), CLOSED.replace(tzinfo=None),
                (START - 2 * HOUR).replace(tzinfo=None), LATER.replace(tzinfo=None),
            ],
        )  # fmt: skip
        anomaly = conn.execute(
            "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
            "severity, metric, observed, expected_low, expected_high, initial_score, peak_score) VALUES "
            "(3, 'closed', '[]', %s, %s, %s, 'warning', 'cpu_percent', 97.5, 12, 48, 0.5, 0.2) RETURNING id",
            [START, START, CLOSED - 10 * MINUTE],
        ).fetchone()
    assert anomaly is not None
    health(db, 3, START + MINUTE, [(60, "critical"), (138, "warning"), (120, "healthy")])
    old = opened(db, at=OPENED - timedelta(days=30), told=False)
    closed(db, old, OPENED - timedelta(days=30) + HOUR, by="Ben", resolution="fan cleaned")
    number = opened(db, at=OPENED, previous=old)
    with db.admin() as conn:
        conn.execute("INSERT INTO ai_incident_anomalies VALUES (%s, %s)", [number, anomaly[0]])
        for address, page in (("ann@example.org", "p1"), ("ben@example.org", "p1")):
            conn.execute(
                "INSERT INTO ai_alert_messages (incident_id, channel, address, kind, severity, at, state, "
                "told_at, page) VALUES (%s, 'mail', %s, 'opened', 'warning', %s, 'told', %s, %s)",
                [number, address, OPENED, OPENED + MINUTE, page],
            )
        conn.execute(
            "INSERT INTO ai_actions (key, incident_id, device_id, category, kind, action, action_key, "
            "done_by, done_at, recorded_at, source, outcome, recovered_at, held_until, judged_at) VALUES "
            "('k', %s, 3, 'performance', 'taken', 'restarted the till', 'restart', 'Ann', %s, %s, 'flow', "
            "'helped', %s, %s, %s)",
            [number, CLOSED - HOUR, CLOSED, CLOSED, CLOSED + 24 * HOUR, CLOSED + 28 * HOUR],
        )
    event(
        db, number, "investigated", at=OPENED + 2 * MINUTE, comment="Restart it.",
        details={"similar": [{"incident_id": old, "similarity": 0.83}], "degraded": None},
    )  # fmt: skip
    acknowledged(db, number, OPENED + 20 * MINUTE)
    closed(db, number, CLOSED, resolution="recovered")
    return number


def test_the_final_report_counts_what_a_slow_loop_counts(
    database: Database, settings: Settings, incident: int
) -> None:
    facts = facts_at(database, settings, incident, LATER)
    assert facts.report_type == "incident"
    assert (facts.scope.kind, facts.scope.id, facts.name.location) == ("device", 3, "Berlin")
    assert (facts.period.start, facts.period.end) == (START, CLOSED)
    header, impact = facts.incident_header, facts.incident_impact
    assert header is not None
    assert impact is not None
    assert (header.final, header.incident.ended, header.incident.acknowledged_by) == (
        True,
        "recovered",
        "Ann",
    )
    with database.reader() as conn:
        rows = conn.execute(
            "SELECT at, score FROM ai_health_scores WHERE device_id = 3 AND at > %s AND at <= %s",
            [START, CLOSED],
        ).fetchall()
    assert len(rows) == 198
    assert impact.minutes_lost == round(sum(1 - score for _, score in rows), 1)
    # Berlin is open from 8 to 11: until 10:00 UTC.
    ten = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
    assert impact.open_minutes == 78
    assert impact.open_minutes_lost == round(sum(1 - score for at, score in rows if at <= ten), 1)
    assert (impact.pages, impact.told, impact.first_told_at) == (1, 2, OPENED + MINUTE)
    assert facts.problems == ()
    # What was judged a day later is not known yet.
    assert facts.incident_actions is not None
    assert facts.incident_actions.actions[0].outcome is None
    much_later = facts_at(database, settings, incident, CLOSED + 48 * HOUR)
    assert much_later.incident_actions is not None
    assert much_later.incident_actions.actions[0].outcome == "helped"


def test_a_preliminary_report_knows_nothing_of_later(
    database: Database, settings: Settings, incident: int
) -> None:
    now = OPENED + 5 * MINUTE + timedelta(seconds=30)
    facts = facts_at(database, settings, incident, now)
    header = facts.incident_header
    assert header is not None
    assert (header.final, header.incident.closed_at, header.incident.acknowledged_by) == (False, None, None)
    assert header.incident.resolution is None
    assert facts.period.end == OPENED + 5 * MINUTE
    later = [text for text in canonical_json(facts).decode().split('"') if text > "2026-11-18T09:05:30Z"]
    assert [text for text in later if text.startswith("2026-11-18T")] == []
    said = sections(facts)
    assert "preliminary" in said["incident_header"].blocks[0].text  # type: ignore[union-attr]
    assert facts.incident_unknown is not None
    assert facts.incident_unknown.points[0] == "still_open"
    assert "nobody_took_it_up" in facts.incident_unknown.points


def test_what_stands_on_the_pages(database: Database, settings: Settings, incident: int) -> None:
    facts = facts_at(database, settings, incident, LATER)
    said = sections(facts)
    assert list(said) == [
        "incident_header", "incident_timeline", "incident_impact", "incident_evidence", "incident_similar",
        "incident_actions", "incident_unknown",
    ]  # fmt: skip
    timeline = [row.replace("\N{NO-BREAK SPACE}", " ") for row in cells(said["incident_timeline"])]
    assert timeline == [
        "11-18 08:42 | 09:42 | first symptom",
        "11-18 08:42 | 09:42 | Checkout 3: CPU 97.5 %, expected 12.0 % to 48.0 %",
        "11-18 09:00 | 10:00 | opened as warning",
        "11-18 09:01 | 10:01 | 2 recipients were told (it was opened)",
        "11-18 09:02 | 10:02 | compared with past incidents",
        "11-18 09:20 | 10:20 | taken up by Ann: “on it”",
        "11-18 11:00 | 12:00 | done by Ann: “restarted the till”",
        "11-18 12:00 | 13:00 | closed",
    ]
    assert cells(said["incident_similar"]) == [
        "no.\N{NO-BREAK SPACE}1 | 2026-10-19 | 83\N{NO-BREAK SPACE}% | “fan cleaned”."
    ]
    figures = [block for block in said["incident_evidence"].blocks if isinstance(block, Figure)]
    assert len(figures) == 2
    assert "between 31.0" in figures[1].drawing.title
    assert "expected 12.0" in figures[1].drawing.title
    unknown = said["incident_unknown"].blocks[0]
    assert isinstance(unknown, Bullets)
    assert any("day of watching is not over" in item for item in unknown.items)
    assert facts_hash(restore(facts.model_dump(mode="json"))) == facts_hash(facts)


def test_the_root_may_be_gone_and_the_unknown_has_a_clear_error(
    database: Database, settings: Settings, incident: int
) -> None:
    with database.admin() as conn:
        conn.execute("DELETE FROM device_metrics")
        conn.execute("DELETE FROM devices WHERE id = 3")
    facts = facts_at(database, settings, incident, LATER)
    assert facts.problems == ()
    assert facts.deleted_devices == 1
    assert "device 3, gone" in sections(facts)["incident_header"].blocks[0].text  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="there is no incident '99'"):
        facts_at(database, settings, 99, LATER)
    with pytest.raises(NotFound):
        facts_at(database, settings, incident, OPENED - MINUTE)


def test_incidents_of_several_devices_and_names_of_all_kinds(database: Database, settings: Settings) -> None:
    small_fleet(database, 3)
    with database.admin() as conn:
        conn.execute("UPDATE devices SET name = %s WHERE id = 2", ["<b>{{ 7*7 }}</b>\u202e قهوة" + "x" * 60])
    number = opened(
        database, kind="site", device=None, devices=(1, 2, 3), cause="silent", at=OPENED,
    )  # fmt: skip
    health(database, 1, OPENED, [(30, "healthy")])
    change(database, number, conclusion="CONFIRMED", initial=Jsonb({}), facts=Jsonb({}))
    facts = facts_at(database, settings, number, OPENED + HOUR)
    assert (facts.scope.kind, facts.scope.id) == ("site", 1)
    assert facts.incident_impact is not None
    assert facts.incident_impact.devices_total == 3
    assert facts.incident_impact.open_minutes is None
    said = sections(facts)
    assert said["incident_header"].blocks[0].text.startswith("Berlin: Silence, 3 devices")  # type: ignore[union-attr]
    names = [row[0].text for row in table_of(said["incident_impact"]).rows]
    assert any("<b>" in name and "\u202e" not in name and len(name) <= 160 for name in names)
