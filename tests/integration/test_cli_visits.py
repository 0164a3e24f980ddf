"""`homepot-ai visits | outcome | track-record | insights | sites --cost`, as somebody at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import NotFound, PredictionError, SettingsError
from homepot_ai.prediction import acting
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.prediction_world import risk, rows, world

pytestmark = pytest.mark.slow
Invoke = Callable[..., Result]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database) -> Iterator[Invoke]:
    """A function that runs a command on six tills of which two are likely to fail."""
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    world(database)
    now = datetime.now(UTC)
    acting.act_on(database, Settings(var_dir=tmp_path), [risk(1, at=now), risk(2, at=now)], now)

    def run(*words: str) -> Result:
        settings.load_settings.cache_clear()
        return CliRunner().invoke(cli.app, list(words), catch_exceptions=True)

    yield run
    settings.load_settings.cache_clear()


def test_visits_are_listed_decided_and_written_as_a_calendar(invoke: Invoke, tmp_path: Path) -> None:
    listed = invoke("visits", "--site", "Berlin", "--ics", str(tmp_path / "visits.ics")).output
    assert "Checkout 1" in listed
    assert "Disk is expected to reach 90.0 %" in listed
    assert (tmp_path / "visits.ics").read_text().count("STATUS:TENTATIVE") == 2
    assert "visit 1 accepted by Ann" in invoke("visits", "accept", "1", "--by", "Ann").output
    assert "visit 2 declined by Ann" in invoke("visits", "decline", "2", "--by", "Ann").output
    assert "visit 1 done at" in invoke("visits", "done", "1", "--comment", "new disk").output
    assert invoke("visits").output.strip() == "no visit is proposed or accepted"
    assert "CANCELLED" in (tmp_path / "calendars" / "site-1.ics").read_text()
    assert isinstance(invoke("visits", "accept", "1").exception, PredictionError)
    assert isinstance(invoke("visits", "accept", "9").exception, NotFound)
    assert isinstance(invoke("visits", "--ics", str(tmp_path / "no" / "x.ics")).exception, SettingsError)


def test_outcomes_and_the_record(invoke: Invoke) -> None:
    said = invoke("outcome", "add", "Checkout 3", "failure", "--cause", "disk", "--at", "2026-01-02T03:04")
    assert said.output.strip() == "● outcome 1: failure of Checkout 3 recorded"
    assert "2026-01-02 03:04" in invoke("outcome", "list", "3").output
    assert "withdrawn" in invoke("outcome", "withdraw", "1").output
    assert isinstance(invoke("outcome", "add", "3", "explosion").exception, PredictionError)
    assert isinstance(invoke("outcome", "add", "3", "failure", "--at", "soon").exception, SettingsError)
    assert "Nothing was settled yet" in invoke("track-record").output


def test_costs_and_insights(invoke: Invoke, database: Database) -> None:
    assert "No rates are configured" in invoke("insights", "Berlin").output
    set_ = invoke("sites", "Berlin", "--cost", "currency=EUR", "--cost", "visit=90", "--cost", "hour=60")
    assert "cost rates of Berlin: currency EUR, visit 90.0, hour 60.0" in set_.output
    assert rows(database, "SELECT cost_rates->>'currency' FROM ai_site_settings") == [("EUR",)]
    assert isinstance(invoke("sites", "Berlin", "--cost", "visit=90").exception, PredictionError)
    assert "EUR" in rows(database, "SELECT cost_rates::text FROM ai_site_settings")[0][0]
    assert "none" in invoke("sites", "Berlin", "--cost", "none").output
    assert rows(database, "SELECT cost_rates FROM ai_site_settings") == [(None,)]
    assert "2 of 6 devices at high risk" in invoke("insights", "Berlin").output
