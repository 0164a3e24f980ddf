"""Incidents through the flows: opened by the minute's run, announced once, acted on in the UI."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.health import score_health
from flows.incidents import acknowledge, add_window, close_incident, snooze
from flows.marks import mark
from homepot_ai.errors import IncidentError, NotFound
from homepot_ai.incidents import stage
from homepot_ai.settings import load_settings
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, artifact, rows, run
from tests.support import small_fleet, telemetry, wave

pytestmark = pytest.mark.slow


def announced() -> list[dict[str, Any]]:
    """The events of opened incidents that the server knows of."""
    body = {"filter": {"event": {"name": ["homepot.incident.opened"]}}, "limit": 50}
    with get_client(sync_client=True) as client:
        found: list[dict[str, Any]] = client._client.post("/events/filter", json=body).json()["events"]
    return found


@pytest.fixture
def outage(database: Database, connect: Connect) -> Database:
    """Three devices that reported for two hours, the third until a quarter of an hour ago."""
    small_fleet(database, devices=3)
    last = datetime.now(UTC).replace(second=0, microsecond=0)
    first = last - timedelta(minutes=119)
    telemetry(database, first, 120, [1, 2], cpu_percent=wave(30), memory_percent=wave(55))
    telemetry(database, first, 105, [3], cpu_percent=wave(30), memory_percent=wave(55))
    connect(database, INCIDENTS__SILENT_N="1")
    return database


def test_a_silent_device_is_told_by_the_run_that_finds_it_and_announced_once(outage: Database) -> None:
    before = len(announced())
    assert run(score_health).name == "Completed"
    assert rows(outage, "SELECT device_id, status::text, ended_at FROM ai_device_gaps") == [
        (3, "no_data", None)
    ]
    assert rows(outage, "SELECT id, root_device_id, cause, state FROM ai_incidents") == [
        (1, 3, "silent", "open")
    ]
    page = artifact("score-health")
    assert "Incidents: 1 open, new: 1" in page
    for _ in range(50):
        if len(announced()) > before:
            break
        time.sleep(0.2)
    (event,) = announced()[: len(announced()) - before]
    assert event["payload"] == {"incident_ids": [1]}
    assert event["resource"]["prefect.resource.id"] == "homepot.incident.1"


def test_when_incidents_fail_the_scores_stay_and_the_next_run_makes_up_for_it(
    outage: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise RuntimeError("no <b>luck</b>")

    with monkeypatch.context() as patch:
        patch.setattr(stage, "judge", broken)
        state = run(score_health)
    assert state.name == "Failed"
    assert rows(outage, "SELECT count(*) > 0 FROM ai_health_scores") == [(True,)]
    assert rows(outage, "SELECT count(*) FROM ai_incidents") == [(0,)]
    # What the next minute's run calls finds the same trouble.
    assert stage.run(outage, load_settings(), datetime.now(UTC)).opened == [1]
    assert rows(outage, "SELECT state FROM ai_incidents") == [("open",)]


def test_acknowledged_snoozed_marked_and_closed_in_the_ui(outage: Database) -> None:
    assert run(score_health).name == "Completed"
    for flow, asked in ((acknowledge, "acknowledged"), (snooze, "snoozed"), (close_incident, "closed")):
        state = run(flow)
        assert state.message == f"nothing {asked}: no incident was named"
        assert "| 1 | ▲ warning | Checkout 3: silent" in artifact(flow.name)
    assert "| 1 | ▲ warning | Checkout 3: silent" in (run(mark) and artifact("mark"))
    assert run(acknowledge, incident=1, by="Ann", comment="going there").message == (
        "incident 1 acknowledged by Ann"
    )
    assert "acknowledged" in artifact("acknowledge")
    with pytest.raises(IncidentError, match="one of both"):
        run(snooze, incident=1).result()
    said = run(snooze, incident=1, minutes=60, by="Ann").message or ""
    assert said.startswith("incident 1 snoozed until ")
    assert run(mark, incident=1, verdict="true", by="Ann").message == "incident 1 marked true"
    with pytest.raises(NotFound, match="there is no incident '7'; did you mean: 1"):
        run(close_incident, incident=7, resolution="x").result()
    with pytest.raises(IncidentError, match="say what became of incident 1"):
        run(close_incident, incident=1).result()
    with pytest.raises(IncidentError, match="in the future"):
        later = datetime.now(UTC) + timedelta(hours=1)
        run(close_incident, incident=1, resolution="x", at=later).result()
    assert run(close_incident, incident=1, resolution="cable", by="Ann").is_completed()
    assert rows(outage, "SELECT state, resolution, mark FROM ai_incidents") == [("closed", "cable", True)]
    assert rows(outage, "SELECT action FROM ai_audit_log WHERE subject = 'incident 1' ORDER BY id") == [
        ("acknowledged",), ("snoozed",), ("marked",), ("closed",),
    ]  # fmt: skip
    assert rows(outage, "SELECT status, resolved_by FROM alerts") == [("resolved", "Ann")]


def test_windows_are_planned_listed_and_cancelled(outage: Database) -> None:
    assert run(add_window).message == "nothing planned: windows are listed"
    said = run(
        add_window, name="reboot | <b>", scope="site", of="Berlin", weekdays="sun", clock="02:30", minutes=60,
        by="Ann",
    ).message  # fmt: skip
    assert said == "window 1 for Berlin: sun from 02:30 for 1 h (Europe/Berlin)"
    page = artifact("add-window")
    assert "| 1 | Berlin | reboot / ‹b> | sun from 02:30 for 1 h (Europe/Berlin) | next " in page
    now = datetime.now(UTC)
    run(
        add_window,
        name="now",
        scope="device",
        of="Checkout 3",
        starts=now - timedelta(minutes=2),
        minutes=60,
        by="Ann",
    )
    assert run(score_health).name == "Completed"
    assert "1 silenced" in artifact("score-health")
    run(add_window)
    assert "| 1 | ▲ Checkout 3: silent" in artifact("add-window")
    assert run(add_window, cancel=2, by="Ann").message == "window 2 cancelled"
    with pytest.raises(IncidentError, match="no weekday"):
        run(add_window, name="x", of="Berlin", weekdays="funday", clock="02:30", minutes=5).result()
    with pytest.raises(NotFound, match="did you mean: Berlin"):
        run(add_window, name="x", of="Berln", starts=now, minutes=5).result()
