"""A predicting run over a real database: what is said, what is refused, what is kept."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from homepot_ai.errors import NotFound, PredictionError
from homepot_ai.health.config import HealthConfig, Limit
from homepot_ai.prediction import history, page, payload, stage, training
from homepot_ai.prediction.judge import Judged
from homepot_ai.prediction.records import DeviceRisk
from homepot_ai.settings import Settings
from homepot_ai.store import hazards
from homepot_ai.store.database import Database
from tests.hours_world import AT, calm, filling, outcome, sql, write_hours
from tests.support import small_fleet

NOW = AT + timedelta(minutes=5)


def run(db: Database, settings: Settings, at: datetime = NOW, **more: Any) -> Judged:
    return stage.predict(db, settings, at=at, now=more.pop("now", at), **more)


def of(judged: Judged, device: int) -> DeviceRisk:
    return next(risk for risk in judged.risks if risk.device_id == device)


def test_a_filling_disk_a_calm_device_and_one_too_young(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=4, created=AT - timedelta(days=90))
    quiet = {"cpu_percent": calm(30), "disk_percent": calm(40, 0.1, 0), "load": filling(500, 9)}
    write_hours(
        database,
        {
            1: {**quiet, "disk_percent": filling(85, 0.8)},
            2: quiet,
            # It appeared twelve days ago; another metric vanished nine days ago.
            3: {
                "memory_percent": lambda d: np.where(d > -12, filling(84, 1.5)(d), np.nan),
                "cpu_percent": lambda d: np.where(d < -9, 50.0, np.nan),
            },
        },
    )
    write_hours(database, {4: {"disk_percent": filling(80, 3)}}, days=2)
    judged = run(database, settings)
    full = of(judged, 1)
    assert (full.level, full.cause, full.metric) == ("high", "disk_percent.high", "disk_percent")
    assert full.crossing is not None
    assert full.crossing.low is not None
    assert full.crossing.high is not None
    truth = AT + timedelta(days=5 / 0.8)
    assert full.crossing.low - timedelta(hours=12) <= truth <= full.crossing.high + timedelta(hours=12)
    assert full.action is not None
    assert full.action.startswith("Free disk space")
    assert of(judged, 2).level == "low", "no limit is invented for a metric that has none"
    assert of(judged, 3).cause == "memory_percent.high"
    young = of(judged, 4)
    assert young.level == "unknown"
    assert young.refused is not None
    assert young.refused.code == "short_history"
    assert not young.probabilities
    text = page.markdown(judged)
    assert text.index("Checkout 1") < text.index("nothing is said of 1 (short history): Checkout 4")
    assert "Berlin" in text
    assert re.search(r"reaches 90\.0 % (between|on|\w{3} \d)", text)
    told = dict(sql(database, "SELECT device_id, level FROM ai_device_risks"))
    assert told == {1: "high", 2: "low", 3: "high", 4: "unknown"}


def test_the_ledger_is_written_once_a_day_whatever_the_risk(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=2)
    write_hours(database, {1: {"disk_percent": filling(85, 0.8)}, 2: {"cpu_percent": calm(30)}})
    counts = "SELECT kind, forecaster, count(*) FROM ai_predictions GROUP BY 1, 2 ORDER BY 1, 2"
    run(database, settings)
    first = sql(database, counts)
    assert first == [
        ("failure", "base-rate", 6), ("level", "limit-crossing", 2), ("limit", "limit-crossing", 1),
    ]  # fmt: skip
    run(database, settings)  # killed and run again: the same hour
    run(database, settings, NOW + timedelta(hours=1))
    assert sql(database, counts) == first
    raised = sql(database, "SELECT at, raised_at FROM ai_device_risks WHERE device_id = 1")
    assert raised == [(AT + timedelta(hours=1), AT)]
    # The run of the ledger's hour was missed: the next one makes it up.
    tomorrow = AT.replace(hour=settings.prediction.ledger_hour + 2) + timedelta(days=1, minutes=5)
    run(database, settings, tomorrow)
    assert sum(int(str(n)) for *_, n in sql(database, counts)) > 9
    made = sql(database, "SELECT DISTINCT made_at FROM ai_predictions ORDER BY 1")
    assert made == [(AT,), (tomorrow.replace(minute=0),)]
    limit = sql(
        database,
        "SELECT low <= mid AND mid <= high, unit, facts->>'limit', facts->>'direction' FROM ai_predictions "
        "WHERE kind = 'limit' AND made_at = %s",
        [AT],
    )
    assert limit == [(True, "epoch_s", "90.0", "high")]


def test_a_look_back_and_the_future_store_nothing(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=1)
    write_hours(database, {1: {"disk_percent": filling(85, 0.8)}})
    back = run(database, settings, AT - timedelta(days=3), now=NOW)
    assert back.kept is not None
    assert back.kept.look_back
    assert sql(database, "SELECT count(*) FROM ai_predictions") == [(0,)]
    assert sql(database, "SELECT count(*) FROM ai_device_risks") == [(0,)]
    with pytest.raises(PredictionError, match="lies in the future"):
        run(database, settings, NOW + timedelta(hours=5), now=NOW)


def test_nothing_after_the_moment_is_seen(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=1)
    write_hours(database, {1: {"disk_percent": filling(85, 0.8)}})
    before = run(database, settings).risks
    later = filling(40, 0)
    write_hours(database, {1: {"disk_percent": later}}, days=2, until=AT + timedelta(days=2))
    assert run(database, settings).risks == before


def test_one_device_on_demand(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=2)
    write_hours(database, {n: {"disk_percent": filling(85, 0.8)} for n in (1, 2)})
    judged = run(database, settings, device="checkout 2")
    assert [risk.device_id for risk in judged.risks] == [2]
    assert any("reaches 90.0 %" in line for line in page.device_lines(judged))
    assert sql(database, "SELECT DISTINCT device_id, reason FROM ai_predictions") == [(2, "on_demand")]
    with pytest.raises(NotFound):
        run(database, settings, device="Checkout 9")
    with database.admin() as conn:
        conn.execute("UPDATE devices SET is_active = false WHERE id = 2")
    with pytest.raises(PredictionError, match="inactive"):
        run(database, settings, device="2")


def test_whoever_is_asked_about_stays_in_the_daily_sample(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=2)
    write_hours(database, {n: {"disk_percent": filling(85, 0.8)} for n in (1, 2)})
    run(database, settings, device="checkout 2")
    run(database, settings, device="checkout 2")  # killed and run again: the same moment
    run(database, settings)
    count = "SELECT device_id, reason, count(*) FROM ai_predictions WHERE kind = 'failure' GROUP BY 1, 2"
    assert sorted(sql(database, count)) == [(1, "daily", 3), (2, "daily", 3), (2, "on_demand", 3)]


def test_the_base_rate_is_of_devices_whose_days_count(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=3)
    write_hours(database, {1: {"cpu_percent": calm(30)}})
    before = run(database, settings, store=False).hazard.base
    with database.admin() as conn:
        conn.execute("UPDATE devices SET lifecycle_state = 'retired' WHERE id = 3")
    without = run(database, settings, store=False).hazard.base
    for days in (3, 5, 7):
        outcome(database, 3, "failure", AT - timedelta(days=days), "disk")
    assert run(database, settings, store=False).hazard.base.tolist() == without.tolist()
    outcome(database, 1, "failure", AT - timedelta(days=2), "disk")
    assert (run(database, settings, store=False).hazard.base > before).all()


def test_an_empty_fleet_and_one_without_telemetry(database: Database, settings: Settings) -> None:
    assert run(database, settings).risks == []
    small_fleet(database, devices=2)
    judged = run(database, settings)
    assert {risk.refused.code for risk in judged.risks if risk.refused} == {"no_data"}
    assert sql(database, "SELECT DISTINCT level, refused FROM ai_device_risks") == [
        ("unknown", "no telemetry within 30 days")
    ]
    assert "nothing is said of 2 (no data)" in page.markdown(judged)


def test_silent_replaced_and_retired_devices(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=4)
    write_hours(database, {n: {"disk_percent": filling(85, 0.8)} for n in (1, 2, 3, 4)})
    run(database, settings)
    outcome(database, 2, "replaced", AT - timedelta(days=1))
    with database.admin() as conn:
        conn.execute(
            "DELETE FROM ai_metric_hours WHERE device_id = 1 AND hour > %s", [AT - timedelta(days=3)]
        )
        conn.execute("UPDATE devices SET lifecycle_state = 'retired' WHERE id = 3")
    judged = run(database, settings, NOW + timedelta(hours=1))
    codes = {risk.device_id: risk.refused.code if risk.refused else None for risk in judged.risks}
    assert codes == {1: "vanished", 2: "just_replaced", 4: None}
    assert dict(sql(database, "SELECT device_id, level FROM ai_device_risks")) == {
        1: "unknown", 2: "unknown", 4: "high",
    }  # fmt: skip


def test_a_changed_limit_changes_the_date(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=1)
    write_hours(database, {1: {"disk_percent": filling(85, 0.8)}})
    first = of(run(database, settings), 1).crossing
    limits = {"disk_percent": Limit(value=95, severe=99)}
    second = of(
        run(database, settings.model_copy(update={"health": HealthConfig(limits=limits)})), 1
    ).crossing
    none = of(run(database, settings.model_copy(update={"health": HealthConfig(limits={})})), 1)
    assert first is not None
    assert second is not None
    assert first.mid is not None
    assert second.mid is not None
    assert timedelta(days=5) < second.mid - first.mid < timedelta(days=8)
    assert none.crossing is None


def test_over_the_limit_the_severe_one_is_what_is_foretold(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=1)
    write_hours(database, {1: {"disk_percent": filling(93, 1.05)}})
    crossing = of(run(database, settings), 1).crossing
    assert crossing is not None
    assert crossing.limit == 98


def test_infinite_and_absurd_hours_are_no_values(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=1)
    odd = filling(85, 0.8)(np.arange(-720, 0) / 24)
    odd[[10, 300, 600]] = np.inf, -np.inf, 1e30
    write_hours(database, {1: {"disk_percent": lambda d: odd}})
    assert of(run(database, settings), 1).cause == "disk_percent.high"


def test_histories_hold_what_happened_and_units_that_were_replaced(
    database: Database, settings: Settings
) -> None:
    small_fleet(database, devices=2, created=AT - timedelta(days=40))
    write_hours(database, {1: {"cpu_percent": calm(30, 0.5, 0)}, 2: {"cpu_percent": calm(60, 0.5, 0)}})
    outcome(database, 1, "failure", AT - timedelta(days=12), "disk")
    outcome(database, 1, "replaced", AT - timedelta(days=10))
    outcome(database, 2, "maintained", AT - timedelta(days=3))
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO error_logs (timestamp, category, severity, error_code, error_message, context) "
            "VALUES "
            "(%s, 'app', 'error', 'E1', 'x', '{\"device_id\": \"DEVICE-2\"}'), "
            "(%s, 'app', 'info', 'E1', 'x', '{\"device_id\": \"DEVICE-2\"}')",
            [(AT - timedelta(days=4)).replace(tzinfo=None)] * 2,
        )
    with database.reader() as conn:
        found = history.fleet_histories(conn, AT, 30)
    assert found.devices.tolist() == [1, 2, 1]
    assert found.failure_device.tolist() == [2], "the unit that failed, not the one after it"
    assert found.failure_step[0] == pytest.approx(18)
    assert found.causes == ("disk",)
    assert found.age.tolist() == [-20, 10, 10]
    cpu = found.measure_names.index("cpu_percent")
    assert np.isnan(found.measures[0, :20, cpu]).all()
    assert np.nanmedian(found.measures[0, 21:, cpu]) == pytest.approx(30, abs=1)
    assert np.isnan(found.measures[2, 20:, cpu]).all()
    assert found.last_step.tolist() == [30, 30, 20]
    events = {
        (int(d), found.event_names[k], round(float(s), 3))
        for d, s, k in zip(found.event_device, found.event_step, found.event_kind, strict=True)
    }
    assert events == {(1, "maintained", 27.0), (1, "error log", 26.0)}


def test_days_are_whole_hours_in_utc_whatever_the_clocks_do(database: Database, settings: Settings) -> None:
    # Berlin left summer time on 25 October 2026: its day had 25 hours, ours has 24.
    small_fleet(database, devices=1)
    until = datetime(2026, 10, 27, 0, 0, tzinfo=AT.tzinfo)
    write_hours(database, {1: {"disk_percent": filling(85, 0.8, noise=0.01)}}, until=until)
    with database.reader() as conn:
        fleet = history.read_fleet(conn)
        courses = history.read_courses(conn, fleet, until, 30)
    steps = np.diff(courses.level[:, 0])
    assert np.allclose(steps, 0.8, atol=0.05)


def test_the_model_in_force_is_asked_and_a_damaged_one_costs_only_itself(
    database: Database, settings: Settings
) -> None:
    small_fleet(database, devices=2)
    write_hours(database, {n: {"cpu_percent": calm(30)} for n in (1, 2)})
    with database.reader() as conn:
        model = training.fit(history.fleet_histories(conn, AT, 30))
    row = {
        "fitted_at": AT, "data_from": AT - timedelta(days=30), "data_until": AT, "devices": 2,
        "device_days": 60, "failures": 0, "kind": "prior", "scores": {}, "adopted": True, "reason": "test",
    }  # fmt: skip
    with database.writer() as conn:
        hazards.store(conn, row, payload.pack(model, None))
    judged = run(database, settings)
    assert {risk.forecaster for risk in judged.risks} == {"hazard"}
    asked = "SELECT DISTINCT forecaster FROM ai_predictions WHERE kind = 'failure' ORDER BY 1"
    assert sql(database, asked) == [("base-rate",), ("hazard",)]
    with database.admin() as conn:
        conn.execute("UPDATE ai_hazard_models SET payload = '\\x00'")
    worse = run(database, settings, NOW + timedelta(hours=1))
    assert {risk.forecaster for risk in worse.risks} == {"base-rate"}
    assert "**Degraded**" in page.markdown(worse)


def test_every_level_can_be_reached(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=5)
    write_hours(
        database,
        {
            1: {"disk_percent": filling(89.6, 1)}, 2: {"disk_percent": filling(85, 1)},
            3: {"disk_percent": filling(80, 0.7)}, 4: {"disk_percent": filling(30, 0.1)},
        },
    )  # fmt: skip
    levels = {risk.device_id: risk.level for risk in run(database, settings).risks}
    assert levels == {1: "critical", 2: "high", 3: "moderate", 4: "low", 5: "unknown"}
