"""The flows of visits, outcomes, settling and insights: real PostgreSQL, a real Prefect server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterStateName
from prefect.exceptions import ParameterTypeError

from flows.common import utc_now
from flows.insights import site_insights
from flows.settling import record_outcome, settle_predictions
from flows.visits import _numbers, decide_visit, plan_visits, visit_done
from homepot_ai.errors import NotFound, PredictionError
from homepot_ai.prediction import acting
from homepot_ai.settings import Settings
from homepot_ai.store import episodes
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, artifact, run
from tests.incident_rows_mem import health
from tests.prediction_world import DAY, HOUR, NOW, forecast, hours_of, risk, rows, world

pytestmark = pytest.mark.slow


@pytest.fixture
def warned(database: Database, connect: Connect) -> tuple[Database, Settings]:
    settings = connect(database)
    world(database, rates={"currency": "EUR", "visit": 90, "hour": 60})
    acting.act_on(database, settings, [risk(1), risk(2)], NOW)
    return database, settings


def states(db: Database) -> list[tuple[Any, ...]]:
    return rows(db, "SELECT id, state, decided_by FROM ai_maintenance_schedule ORDER BY id")


def answer(**said: str) -> Callable[[], None]:
    """Somebody presses Resume as soon as a run is paused."""

    def press() -> None:
        paused = FlowRunFilter(state={"name": FlowRunFilterStateName(any_=["Paused"])})
        with get_client(sync_client=True) as client:
            for _ in range(1500):  # minutes, on a busy machine
                waiting = client.read_flow_runs(flow_run_filter=paused)
                if waiting:
                    client.resume_flow_run(waiting[0].id, run_input=said)
                    return
                time.sleep(0.2)

    return press


def test_a_person_says_yes_to_what_the_run_shows(warned: tuple[Database, Settings]) -> None:
    db, settings = warned
    person = threading.Thread(target=answer(decision="accept all", only="1", by="Ann"))
    person.start()
    state = run(plan_visits, site="Berlin", ask=True, at=NOW)
    person.join()
    assert state.message == "visit 1 accepted by Ann"
    assert states(db) == [(1, "accepted", "Ann"), (2, "proposed", None)]
    page = artifact("plan-visits")
    assert "| 1 | Sat 2026-11-21 20:00-21:00 | Checkout 1 | Berlin | accepted |" in page
    (written,) = (settings.var_dir / "calendars").iterdir()
    assert "STATUS:CONFIRMED" in written.read_text()
    assert run(plan_visits, site="Berlin", at=NOW).message == "nothing new; 1 visits wait for a decision"
    with pytest.raises(NotFound):
        run(plan_visits, site="Atlantis", at=NOW).result()


def test_decided_done_and_settled(warned: tuple[Database, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    db, _ = warned
    assert run(decide_visit, at=NOW).message == "nothing decided: no visit was named"
    assert "Checkout 2" in artifact("decide-visit")
    assert (
        run(decide_visit, visit=2, decision="decline", by="Bob", at=NOW).message == "visit 2 declined by Bob"
    )
    with pytest.raises(PredictionError, match="say both"):
        run(decide_visit, visit=1).result()
    at = NOW + HOUR
    state = run(visit_done, visit=1, by="Ann", comment="new disk", at=at)
    assert state.message == "visit 1 done at 2026-11-20 10:00 UTC"
    assert run(visit_done).message == "nothing noted: no visit was named"
    hours_of(db, 2, NOW, 24 * 12, 60.0)
    forecast(db, 2, NOW + HOUR)
    # Nobody settles what nobody has seen yet.
    monkeypatch.setattr("flows.settling.utc_now", lambda: NOW + DAY)
    with pytest.raises(PredictionError, match="lies in the future"):
        run(settle_predictions, at=NOW + 11 * DAY).result()
    monkeypatch.setattr("flows.settling.utc_now", lambda: NOW + 12 * DAY)
    settled = run(settle_predictions, at=NOW + 11 * DAY)
    assert settled.is_completed(), settled.message
    page = artifact("settle-predictions")
    assert "# Track record of the forecasts" in page
    assert "anecdotal" in page
    assert run(settle_predictions, at=NOW + 11 * DAY).message == "nothing was due"


def test_forms_that_make_no_sense_change_nothing(warned: tuple[Database, Settings]) -> None:
    db, _ = warned
    before = states(db)
    with pytest.raises(PredictionError, match="lies in the future"):
        run(plan_visits, at=utc_now() + 30 * DAY).result()
    with pytest.raises(ParameterTypeError, match="less than or equal to"):
        run(decide_visit, visit=10**20, decision="accept").result()
    with pytest.raises(PredictionError, match="no numbers of the visits shown"):
        _numbers("\u00b2", [1, 2])
    assert states(db) == before
    with db.reader() as conn:
        assert [e.ended_at for e in episodes.live(conn)] == [None, None]


def test_what_people_know_is_recorded(warned: tuple[Database, Settings]) -> None:
    assert run(record_outcome).message == "nothing recorded: no device was named"
    said = run(record_outcome, device="Checkout 3", kind="failure", by="Ann", comment="a|b", at=NOW)
    assert said.message == "failure of Checkout 3 recorded"
    assert "a\\|b" in artifact("record-outcome")
    assert run(record_outcome, withdraw=1).message == "failure of Checkout 3 withdrawn"
    with pytest.raises(NotFound):
        run(record_outcome, device="nobody", kind="failure").result()
    with pytest.raises(PredictionError, match="not both"):
        run(record_outcome, device="3", kind="failure", withdraw=1).result()


def test_a_site_at_a_glance(warned: tuple[Database, Settings]) -> None:
    db, _ = warned
    health(db, 1, NOW - 2 * DAY, [(1600, "healthy"), (1240, "warning")])
    health(db, 3, NOW - 2 * DAY, [(2880, "healthy")])
    with db.admin() as conn:
        conn.execute("UPDATE devices SET is_simulated = true WHERE id = 3")
    state = run(site_insights, site="Berlin", days=3, at=NOW)
    assert state.message == "Berlin: health 0.80, 2 warnings, 0 failures"
    told = state.result()
    assert (told["site_name"], told["insights"]["total_devices"]) == ("Berlin", 6)
    page = artifact("site-insights")
    assert "**Overall health: 0.80 of 1, the mean of 1 devices.** 1 simulated ones are not in it." in page
    assert "2 of 6 devices at high risk of a failure or of passing a limit" in page
    assert "- Visits proposed or accepted: 210.00 EUR" in page
    assert "- Lost in failures: not known" in page
    assert run(site_insights).message == "nothing shown: no site was named"
