"""A machine that takes over a minute to start a run: the run has the only place, so it does the work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow

from flows.health import score_health
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, rows
from tests.support import small_fleet, telemetry, wave

pytestmark = pytest.mark.slow


def test_a_run_that_starts_late_scores_what_is_due(database: Database, connect: Connect) -> None:
    connect(database)
    small_fleet(database, devices=2)
    last = datetime.now(UTC).replace(second=0, microsecond=0)
    telemetry(database, last - timedelta(minutes=59), 60, [1, 2], cpu_percent=wave(30))
    with get_client(sync_client=True) as client:
        late = client.create_flow_run(score_health)
    late.auto_scheduled = True
    late.expected_start_time = last - timedelta(minutes=13)
    state = run_flow(score_health, flow_run=late, return_type="state")
    assert state.name == "Completed", state.message
    [(newest,)] = rows(database, "SELECT max(at) FROM ai_scoring_minutes")
    assert newest >= last - timedelta(minutes=1)
