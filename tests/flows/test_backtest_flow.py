"""The backtest flow: a form in the UI, a verdict in the artifact, an answer in the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.artifacts import Artifact
from prefect.utilities.callables import parameter_schema

from flows.backtest import backtest
from homepot_ai.errors import BacktestError
from homepot_ai.health import learning
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, run
from tests.support import small_fleet, telemetry, wave

pytestmark = pytest.mark.slow

MINUTES = 180
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
FIRST = NOW - timedelta(minutes=MINUTES - 1)
START = FIRST + timedelta(minutes=90)


@pytest.fixture
def fleet(database: Database, connect: Connect) -> Database:
    """Three devices over three hours; the CPU of the second is stuck for the last half hour."""
    small_fleet(database, devices=3)

    def cpu(minute: int, device: int) -> float:
        return 99.5 if device == 2 and minute >= 150 else wave(30)(minute, device)

    telemetry(database, FIRST, MINUTES, [1, 2, 3], cpu_percent=cpu, memory_percent=wave(55))
    learning.backfill(database, connect(database), START, NOW)
    return database


def kept(database: Database) -> list[tuple[Any, ...]]:
    with database.reader() as conn:
        return conn.execute(
            "SELECT id, asked_by, site_id, length(pdf) > 10000 FROM ai_backtests ORDER BY id"
        ).fetchall()


def test_the_verdict_is_read_first_and_the_answer_is_kept_once(fleet: Database) -> None:
    quieter = {"limits": [{"metric": "cpu_percent"}], "false_alarms_per_week": 0.1}
    question = {"start": START, "end": NOW, "b": quieter, "at": NOW}
    state = run(backtest, **question)
    assert state.is_completed(), state.message
    assert (state.message or "").startswith("Configuration b would have paged")
    page = Artifact.get("backtest")
    assert page is not None
    text = str(page.data)
    assert text.startswith(f"**{state.message}**")
    assert "no limit for CPU" in text
    assert "homepot-ai backtest --number 1" in text
    again = run(backtest, **question)
    assert again.message == state.message
    assert kept(fleet) == [(1, "flow", None, True)]
    bar = Artifact.get("backtest-progress")
    assert bar is not None
    assert bar.data == 100.0


def test_a_site_may_be_given_by_its_number(fleet: Database) -> None:
    assert run(backtest, start=START, site=1).is_completed()
    assert kept(fleet) == [(1, "flow", 1, True)]


def test_without_parameters_it_tries_what_is_in_force(fleet: Database) -> None:
    state = run(backtest)
    assert state.is_completed(), state.message
    assert (state.message or "").startswith("Configuration a would have paged")


def test_what_cannot_be_answered_fails_with_what_can(fleet: Database) -> None:
    state = run(backtest, end=NOW + timedelta(days=2))
    assert state.is_failed()
    with pytest.raises(BacktestError, match="lies in the future: choose"):
        state.result()
    assert kept(fleet) == []
    page = Artifact.get("backtest")
    assert page is not None
    assert "docs/runbooks/backtest.md" in str(page.data)


def test_the_form_names_and_describes_everything_that_can_be_tried() -> None:
    schema = parameter_schema(backtest).model_dump()
    assert list(schema["properties"]) == ["start", "end", "site", "a", "b", "at"]
    trial = schema["definitions"]["Trial"]
    assert set(trial["properties"]) == {
        "false_alarms_per_week", "healthy", "critical", "limits", "device_types", "moved_by_marks",
    }  # fmt: skip
    for name in ("Trial", "LimitTrial", "TypeTrial"):
        for field, described in schema["definitions"][name]["properties"].items():
            assert described.get("description"), f"{name}.{field}"
