"""What is predicted, in the daily report."""

from __future__ import annotations

import quopri
from datetime import UTC, datetime

import pytest

from homepot_ai.prediction import acting
from homepot_ai.reporting import service, stored
from homepot_ai.reporting.build import document
from homepot_ai.reporting.document import Document, Edition, Paragraph
from homepot_ai.reporting.facts import ReportFacts, Scope, canonical_json, facts_hash, restore
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.incident_rows_mem import health
from tests.prediction_world import DAY, HOUR, NOW, forecast, risk, rows, world

pytestmark = pytest.mark.slow
MORNING = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)


def worded(facts: ReportFacts, settings: Settings) -> Document:
    templates = settings.home / "templates"
    return document(facts, Edition(), report_id="rpt_x", revision=1, templates=templates)


def made(db: Database, settings: Settings) -> service.ReportOutcome:
    scope = Scope(kind="site", id=1)
    return service.make_report(db, settings, scope=scope, at=MORNING, now=MORNING, revise=True)


def test_likely_failures_stand_in_the_report_as_of_its_day(database: Database, settings: Settings) -> None:
    world(database)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, active) "
            "VALUES ('ann@example.org', 'daily', 'site', 1, 'maintenance', true)"
        )
    health(database, 1, NOW - 9 * HOUR, [(600, "healthy")])
    for device in range(1, 7):
        forecast(database, device, NOW - HOUR)
    acting.act_on(database, settings, [risk(1), risk(2, "critical", low_days=2)], NOW)
    # What came the day after belongs to the next report.
    acting.act_on(database, settings, [risk(3, at=MORNING)], MORNING)
    outcome = made(database, settings)
    assert outcome.queued == 1
    ((payload,),) = rows(database, "SELECT payload FROM ai_mail_outbox")
    text = " ".join(quopri.decodestring(bytes(payload)).decode().split())
    assert "2 devices at high risk, of 6 judged; 1 of them within 72 hours." in text
    assert "None of the forecasts is settled yet." in text
    assert "▼ critical risk Checkout 2: " in text
    assert "Disk is expected to reach 90.0 % between Sun 22 Nov and Thu 26 Nov" in text
    assert "visit proposed for " in text
    assert "Checkout 3: " not in text
    with database.reader() as conn:
        known = stored.read(conn, outcome.report_id)
    assert isinstance(known, stored.StoredReport)
    assert known.facts.forecasts is not None
    assert (known.facts.forecasts.total, known.facts.forecasts.judged) == (2, 6)
    assert "At high risk" in [tile.label for tile in worded(known.facts, settings).tiles]


def test_without_any_forecast_it_says_so_and_old_reports_keep_their_hash(
    database: Database, settings: Settings
) -> None:
    world(database)
    health(database, 1, NOW - 9 * HOUR, [(600, "healthy")])
    outcome = made(database, settings)
    with database.reader() as conn:
        known = stored.read(conn, outcome.report_id)
    assert isinstance(known, stored.StoredReport)
    told = worded(known.facts, settings)
    (said,) = next(section.blocks for section in told.sections if section.key == "forecasts")
    assert said == Paragraph("Forecasts of the next 72 hours are not available yet.", "missing")
    assert b'"forecasts"' not in canonical_json(known.facts)
    assert facts_hash(restore(known.facts.model_dump(mode="json"))) == outcome.facts_hash
    assert DAY > HOUR
