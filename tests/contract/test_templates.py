"""Every template is used and renders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError

from homepot_ai.alerts import foretold
from homepot_ai.alerts.queue import queue_alerts
from homepot_ai.health.backtest.answer import answer
from homepot_ai.prediction import acting
from homepot_ai.reporting import backtest_view
from homepot_ai.reporting.service import Scope, make_report, templates_of
from homepot_ai.reporting.templating import environment
from homepot_ai.settings import Settings
from homepot_ai.settings_operations import WatchSettings
from homepot_ai.store.database import Database
from homepot_ai.watch.alarms import raise_alarm
from tests import incident_rows_alert as incident_rows
from tests.prediction_world import risk
from tests.support import small_fleet
from tests.unit.test_backtest_rules import MARKS, A, plan

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(path.relative_to(ROOT / "templates").as_posix() for path in ROOT.glob("templates/**/*.j2"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_parses(name: str) -> None:
    try:
        environment(ROOT / "templates").get_template(name)
    except TemplateSyntaxError as error:
        pytest.fail(f"{name}, line {error.lineno}: {error.message}")


@pytest.mark.slow
def test_a_report_its_mail_and_a_backtest_render_all_of_them(database: Database, settings: Settings) -> None:
    small_fleet(database)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, active) "
            "VALUES ('ann@example.org', 'daily', 'site', 1, 'maintenance', true)"
        )
    folder = templates_of(settings)
    known = environment(folder)
    assert known.cache is not None
    known.cache.clear()
    now = datetime.now(UTC)
    outcome = make_report(database, settings, scope=Scope(kind="site", id=1), at=now, now=now)
    assert outcome.queued == 1
    tried = answer(settings, plan(), [A], MARKS)
    seen = backtest_view.build(tried, organisation="HOMEPOT", made_at=now, digest="")
    assert "Whole fleet" in backtest_view.html(seen, folder, now, "A4")
    # One alert of its own, and more than the limit at once.
    incident_rows.route(database)
    incident_rows.opened(database)
    assert queue_alerts(database, settings, now=now).queued == 1
    for _ in range(settings.alerts.storm + 1):
        incident_rows.opened(database)
    assert queue_alerts(database, settings, now=now).queued == 1
    # Two devices that are likely to fail.
    acting.act_on(database, settings, [risk(1, at=now), risk(2, at=now)], now)
    assert foretold.tell(database, settings, now).queued == 1
    # Something that is wrong with ourselves.
    told = settings.model_copy(update={"watch": WatchSettings(mail_to=("ops@example.org",))})
    assert raise_alarm(
        database,
        told,
        "service disk",
        severity="warning",
        title="t",
        detail="d",
        runbook="r",
        now=now,
    )
    rendered = {name for _, name in known.cache.keys()}  # noqa: SIM118 - jinja's cache iterates its own way
    assert rendered == set(TEMPLATES), "a template that no report uses, or one of another kind without a test"
