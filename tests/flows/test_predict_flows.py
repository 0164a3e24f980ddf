"""predict-failures and predict-device against a real database and a real Prefect server."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from flows.predict import predict_device, predict_failures
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, artifact, run
from tests.hours_world import calm, filling, sql, write_hours
from tests.support import small_fleet

pytestmark = pytest.mark.slow


def test_an_hour_of_a_fleet_its_warning_and_one_device(database: Database, connect: Connect) -> None:
    connect(database)
    empty = run(predict_failures)
    assert empty.is_completed(), empty.message
    small_fleet(database, devices=3)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    write_hours(
        database,
        {1: {"disk_percent": filling(85, 0.8)}, 2: {"cpu_percent": calm(30)}, 3: {"cpu_percent": calm(50)}},
        until=until,
    )
    state = run(predict_failures)
    assert state.is_completed(), state.message
    assert "3 devices: 1 high, 2 low" in str(state.message)
    text = artifact("predict-failures")
    assert "Checkout 1" in text
    assert re.search(r"reaches 90\.0 % (between|on|\w{3} \d)", text)
    assert "forecasts into the ledger" in text
    episodes = sql(database, "SELECT device_id, cause, level FROM ai_risk_episodes")
    assert episodes == [(1, "disk_percent.high", "high")]
    again = run(predict_failures)
    assert again.is_completed(), again.message
    assert sql(database, "SELECT count(*) FROM ai_risk_episodes") == [(1,)], "told once, not every hour"

    one = run(predict_device, device="checkout 1")
    assert one.is_completed(), one.message
    told = one.result()
    assert told["device_id"] == 1
    assert told["predictions"], "the result is what the HTTP door answers"
    assert "Free disk space" in artifact("predict-device")
    gone = run(predict_device, device="Checkout 9")
    assert gone.is_failed()
    assert "there is no device 'Checkout 9'" in str(gone.message)
    assert "docs/runbooks/predict-device.md" in artifact("predict-device")
    back = run(predict_failures, at=until - timedelta(days=2))
    assert back.is_completed(), back.message
    assert "a look back: nothing was stored" in artifact("predict-failures")
