"""From telemetry to incidents: what scoring finds is what the stage judges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homepot_ai.health import learning, planning, scoring
from homepot_ai.health.planning import MINUTE
from homepot_ai.incidents import reading, stage
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.support import START, small_fleet, telemetry, wave

DEVICES = range(1, 15)
NOW = START + 90 * MINUTE


def minute(
    db: Database, settings: Settings, n: int, calm: Sequence[int], busy: Sequence[int] = ()
) -> stage.Outcome:
    """Let the n-th minute bring telemetry of these devices, score it and judge it."""
    telemetry(db, NOW + n * MINUTE, 1, calm, cpu_percent=wave(40), memory_percent=wave(55))
    telemetry(db, NOW + n * MINUTE, 1, busy, cpu_percent=wave(97, 1), memory_percent=wave(55))
    now = NOW + n * MINUTE + timedelta(seconds=15)
    plan = planning.plan(db, settings, now=now)
    scored = scoring.score(settings, plan, scoring.read(db, settings, plan))
    scoring.store(db, settings, plan, scored, now)
    return stage.run(db, settings, now)


def rows(db: Database, query: str) -> list[tuple[Any, ...]]:
    with db.reader() as conn:
        return conn.execute(query).fetchall()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var_dir=tmp_path, scoring={"warmup_scored_days": 0})


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Database:
    """A gateway, twelve devices behind it and one beside, with an hour and a half of calm history."""
    small_fleet(database, devices=len(DEVICES))
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO ai_device_settings (device_id, gateway_device_id) "
            "SELECT n, 1 FROM generate_series(2, 13) n"
        )
    telemetry(database, START, 90, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    learning.warm_up(database, settings, until=NOW - MINUTE, now=NOW - MINUTE)
    return database


def test_a_gateway_outage_from_telemetry_to_recovery(fleet: Database, settings: Settings) -> None:
    told = []
    for n in range(8):
        told += minute(fleet, settings, n, [14]).opened
    (incident,) = reading.opened(fleet)
    assert told == [incident.id]
    assert (incident.kind, incident.root_device_id, incident.devices) == ("gateway", 1, 13)
    assert incident.title == "Checkout 1: 12 of 12 devices behind this gateway are silent"
    assert incident.opened_at is not None
    # Silent after three minutes without samples; told in the minute in which that is so.
    gaps = rows(fleet, "SELECT DISTINCT noticed_at, status::text, last_sample_at FROM ai_device_gaps")
    assert gaps == [(incident.opened_at, "no_data", NOW - MINUTE - timedelta(seconds=30))]
    assert incident.opened_at - NOW <= 4 * MINUTE
    outcomes = [minute(fleet, settings, n, DEVICES) for n in range(8, 22)]
    assert [outcome.opened for outcome in outcomes if outcome.opened] == []
    assert sum(outcome.closed for outcome in outcomes) == 1
    assert reading.opened(fleet) == []
    assert rows(fleet, "SELECT count(*) FROM ai_device_gaps WHERE ended_at IS NULL") == [(0,)]
    assert {kind for (kind,) in rows(fleet, "SELECT kind FROM ai_incident_events")} == {"opened", "closed"}


def test_a_cpu_at_its_limit_is_told_in_the_minute_in_which_it_is_an_anomaly(
    fleet: Database, settings: Settings
) -> None:
    calm = [d for d in DEVICES if d != 5]
    for n in range(25):
        minute(fleet, settings, n, calm, [5])
    (incident,) = reading.opened(fleet)
    assert (incident.root_device_id, incident.cause) == (5, "cpu_percent.high")
    assert rows(fleet, "SELECT started_at FROM ai_anomaly_logs WHERE device_id = 5")[0] == (
        incident.opened_at,
    )
    assert incident.facts["metrics"][0]["metric"] == "cpu_percent"
    assert incident.facts["metrics"][0]["direction"] == "high"
    assert incident.severity == "critical"
