"""What must hold of the health engine whatever its detector: generic checks on constructed fleets."""

from __future__ import annotations

import numpy as np
import pytest

from homepot_ai.errors import ScoringError
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.engine import REASONS, STATUSES, Engine, MinuteResult
from tests.unit.health_fleet import START, Fleet, noise, run

METRICS = ("cpu_percent", "memory_percent", "transactions_per_minute", "queue_depth")


def same(a: MinuteResult, b: MinuteResult) -> bool:
    arrays = ("device_id", "score", "status", "reason", "data_age_s", "alarm")
    return all(
        np.array_equal(getattr(a, n), getattr(b, n), equal_nan=n in ("score", "data_age_s")) for n in arrays
    )


def status(result: MinuteResult, device: int) -> str:
    return STATUSES[result.status[np.searchsorted(result.device_id, device)]]


def reason(result: MinuteResult, device: int) -> str:
    code = result.reason[np.searchsorted(result.device_id, device)]
    return REASONS[code] if code >= 0 else ""


def test_order_of_devices_does_not_matter() -> None:
    fleet = Fleet(METRICS, [3, 8, 11])
    values = noise(fleet, 200)
    values[150:, 1, 2] += 30
    swapped = Fleet(METRICS, [3, 8, 11])
    forth = run(Engine(HealthConfig()), fleet, values)
    back = run(Engine(HealthConfig()), swapped, values[:, ::-1])
    for a, b in zip(forth, back, strict=True):
        np.testing.assert_array_equal(a.score, b.score[::-1])
        np.testing.assert_array_equal(a.alarm, b.alarm[::-1])


def test_a_repeated_run_gives_the_same_and_no_nan() -> None:
    fleet = Fleet(METRICS, [1, 2, 5])
    values = noise(fleet, 300)
    values[200:220, 0] *= 3
    engines = Engine(HealthConfig()), Engine(HealthConfig())
    first, second = (run(engine, fleet, values) for engine in engines)
    assert all(same(a, b) for a, b in zip(first, second, strict=True))
    assert engines[0].dump_part(-1) == engines[1].dump_part(-1)
    for result in first:
        scored = result.status < STATUSES.index("no_data")
        assert np.isfinite(result.score[scored]).all()
        assert np.isnan(result.score[~scored]).all()
        assert ((result.score[scored] > 0) & (result.score[scored] <= 1)).all()


def test_an_empty_minute_and_an_empty_fleet() -> None:
    engine, fleet = Engine(HealthConfig()), Fleet(METRICS, [])
    result = fleet.feed(engine, 1, {})
    assert len(result.score) == 0
    assert result.opened == []
    fleet = Fleet(METRICS, [1])
    run(engine, fleet, noise(fleet, 120), first=2)
    before = fleet.feed(engine, 122, {})
    assert status(before, 1) == "healthy"  # a minute without samples keeps what is known


def test_one_sample_is_not_a_score() -> None:
    engine, fleet = Engine(HealthConfig()), Fleet(METRICS, [1])
    result = fleet.feed(engine, 1, {1: [10, 20, 30, 40]})
    assert status(result, 1) == "not_scored"
    assert reason(result, 1) == "new_device"
    assert np.isnan(result.score[0])


def test_constant_series_never_deviate() -> None:
    engine, fleet = Engine(HealthConfig()), Fleet(METRICS, [1])
    results = run(engine, fleet, np.tile([50.0, 0.1, 1e9, 0.0], (600, 1, 1)))
    scored = [r for r in results if status(r, 1) != "not_scored"]
    assert len(scored) > 500
    assert all(r.score[0] == 1.0 and not r.alarm[0] for r in scored)


def test_a_new_constant_level_is_seen_and_accepted_later() -> None:
    fleet = Fleet(["queue_depth"], [1])
    values = np.full((5000, 1, 1), 3.0)
    values[2000:] = 40.0
    results = run(Engine(HealthConfig()), fleet, values)
    assert results[1999].score[0] == 1.0
    assert results[2000].alarm[0]
    assert results[2000].score[0] < 0.8
    assert results[-1].score[0] > 0.9
    assert not results[-1].alarm[0]


@pytest.mark.parametrize("factor", [1000.0, 1e-3, 1e6])
def test_units_do_not_matter_to_the_baseline(factor: float) -> None:
    fleet = Fleet(["a", "b", "c"], [1, 2])
    values = noise(fleet, 400)
    values[300:330, 0, 1] += 25
    plain = run(Engine(HealthConfig()), fleet, values)
    scaled = run(Engine(HealthConfig()), fleet, values * factor)
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(a.score, b.score, rtol=0.02)
        np.testing.assert_array_equal(a.status, b.status)


def test_dump_and_load_continue_identically() -> None:
    fleet = Fleet(METRICS, [4, 7, 9])
    values = noise(fleet, 500)
    values[380:420, 1, 3] += 50
    whole = Engine(HealthConfig())
    run(whole, fleet, values[:400])
    parts = {part: whole.dump_part(part) for part in whole.dirty_parts()}
    assert min(parts) == -1
    copy = Engine(HealthConfig())
    for part in sorted(parts, reverse=True):  # any order will do
        copy.load_part(part, parts[part])
    assert copy.dirty_parts() == []
    assert copy.watermark == whole.watermark
    assert copy.metric_names == whole.metric_names
    for a, b in zip(run(whole, fleet, values[400:], 401), run(copy, fleet, values[400:], 401), strict=True):
        assert same(a, b)
        assert a.closed == b.closed
    assert {p: whole.dump_part(p) for p in parts} == {p: copy.dump_part(p) for p in parts}


def test_only_the_slots_needed_have_to_be_loaded() -> None:
    fleet = Fleet(METRICS, [4, 7])
    values = noise(fleet, 100)
    whole, lean = Engine(HealthConfig()), Engine(HealthConfig())
    run(whole, fleet, values[:90])
    at = START + 91 * 60
    needed = whole.slots_needed(at)
    lean.load_part(-1, whole.dump_part(-1))
    for slot in needed:
        lean.load_part(slot, whole.dump_part(slot))
    a, b = (run(engine, fleet, values[90:91], 91)[0] for engine in (whole, lean))
    assert same(a, b)
    assert lean.dirty_parts() == [-1, *needed]


def test_bytes_that_are_no_state_are_refused() -> None:
    with pytest.raises(ScoringError, match="not of this version"):
        Engine(HealthConfig()).load_part(-1, b"something else")


def test_a_minute_is_not_scored_twice() -> None:
    engine, fleet = Engine(HealthConfig()), Fleet(METRICS, [1])
    fleet.feed(engine, 5, {1: [1, 2, 3, 4]})
    before = engine.dump_part(-1)
    with pytest.raises(ScoringError, match="not after"):
        fleet.feed(engine, 5, {1: [1, 2, 3, 4]})
    assert engine.dump_part(-1) == before


def test_samples_of_a_device_nobody_named_are_refused() -> None:
    engine, fleet = Engine(HealthConfig()), Fleet(METRICS, [1])
    with pytest.raises(ScoringError, match="device 2"):
        fleet.feed(engine, 1, {1: [1, 2, 3, 4], 2: [1, 2, 3, 4]})


def test_an_excursion_longer_than_its_hold_is_one_episode_and_no_lesson() -> None:
    fleet = Fleet(["a", "b", "c", "d"], [1])
    values = noise(fleet, 4200)
    values[3000:3030] += 20
    values[4000:4030] += 20  # the same again, sixteen hours later
    results = run(Engine(HealthConfig()), fleet, values)
    for first in (3000, 4000):
        assert results[first + 1].alarm[0]  # two samples, since one spike is seldom an event
        # Critical within the half hour: the first minute is a change, what follows a state as well.
        assert results[first].score[0] < 0.5
        assert min(r.score[0] for r in results[first : first + 30]) < 0.4


def test_contributions_add_up_to_what_was_taken() -> None:
    fleet = Fleet([*METRICS, "x1", "x2", "x3", "x4"], [1, 2, 3])
    values = noise(fleet, 400)
    values[350:, 0] *= 4
    values[350:, 2, 0] = 97
    fleet.signals = {"failed_checks_in_row": np.array([5, 0, 0], np.float32)}
    explained = 0
    for result in run(Engine(HealthConfig()), fleet, values):
        for pos in range(3):
            rows = result.factors.rows(pos)
            if not rows:
                continue
            explained += 1
            assert sum(f.contribution for f in rows) == pytest.approx(1 - result.score[pos], abs=1e-5)
            assert len(rows) <= HealthConfig().factors_shown + 1
            weights = [f.contribution for f in rows[: HealthConfig().factors_shown]]
            assert weights == sorted(weights, reverse=True)
    assert explained > 50


def test_a_limit_is_explained_in_its_own_unit() -> None:
    fleet = Fleet(METRICS, [1])
    values = noise(fleet, 200)
    values[:, 0, 1] = 95.0  # from the beginning: normal to the baseline, yet over the limit
    last = run(Engine(HealthConfig()), fleet, values)[-1]
    assert status(last, 1) == "warning"
    factor = last.factors.rows(0)[0]
    assert (factor.kind, factor.metric, factor.observed, factor.high) == (
        "limit",
        "memory_percent",
        95.0,
        90.0,
    )
    assert np.isnan(factor.low)


def test_a_full_disk_alone_is_critical_after_a_while() -> None:
    fleet = Fleet(["disk_percent", "cpu_percent"], [1])
    values = noise(fleet, 200)
    values[:, 0, 0] = 98.0
    results = run(Engine(HealthConfig()), fleet, values)
    assert status(results[-1], 1) == "critical"
    assert any(result.alarm[0] for result in results)


def test_one_stuck_metric_of_fifty_is_at_least_a_warning() -> None:
    fleet = Fleet(["cpu_percent", *(f"m{i}" for i in range(49))], [1, 2])
    values = noise(fleet, 300)
    values[250:, 0, 0] = 100.0
    last = run(Engine(HealthConfig()), fleet, values)[-1]
    assert status(last, 1) in ("warning", "critical")
    assert status(last, 2) == "healthy"


def test_a_baseline_factor_shows_value_and_band() -> None:
    fleet = Fleet(["a", "b", "c"], [1])
    values = noise(fleet, 400)
    level = values[:350, 0, 1].mean()
    values[350:, 0, 1] += 60
    result = run(Engine(HealthConfig()), fleet, values)[350]
    factor = result.factors.rows(0)[0]
    assert (factor.kind, factor.metric) == ("baseline", "b")
    assert factor.observed == pytest.approx(values[350, 0, 1], rel=1e-4)
    assert level - 15 < factor.low < level < factor.high < level + 15


def test_a_cold_start_is_said_and_short_where_the_type_is_known() -> None:
    fleet = Fleet(METRICS, [1, 2, 3])
    values = noise(fleet, 400)
    alone = run(Engine(HealthConfig()), fleet, values)
    assert [reason(r, 1) for r in alone[:29]] == ["new_device"] * 29
    assert status(alone[40], 1) == "healthy"
    slow = Fleet(["m"], [1], interval_s=600)
    engine = Engine(HealthConfig())
    results = [slow.feed(engine, t, {1: [5.0]}) for t in range(10, 150, 10)]
    assert reason(results[-1], 1) == "too_few_samples"

    grown = Fleet(METRICS, [1, 2, 3, 4])
    engine = Engine(HealthConfig())
    run(engine, fleet, values)
    more = noise(grown, 40, seed=1)
    more[:, :3] = values[:40]
    late = run(engine, grown, more, 401)
    assert reason(late[5], 4) == "new_device"
    assert status(late[-1], 4) == "healthy"


def test_no_data_stale_excluded_and_maintenance_are_states_of_their_own() -> None:
    fleet = Fleet(METRICS, [1, 2, 3, 4], excluded=[3], maintenance=[4])
    engine = Engine(HealthConfig())
    values = noise(fleet, 120)
    last = run(engine, fleet, values)[-1]
    assert [status(last, d) for d in (1, 2, 3, 4)] == ["healthy", "healthy", "not_scored", "in_maintenance"]
    assert reason(last, 3) == "excluded"
    # Device 1 falls silent with its heartbeat, device 2 keeps on.
    fleet.heartbeat = START + 120 * 60
    for minute in range(121, 131):
        gone = fleet.feed(engine, minute, {2: values[minute - 121, 1]})
    assert status(gone, 1) == "no_data"
    assert reason(gone, 1) == "silent"
    assert np.isnan(gone.score[0])
    assert gone.data_age_s[0] == 600
    assert status(gone, 2) == "healthy"
    fleet.heartbeat = None
    alive = fleet.feed(engine, 131, {2: values[20, 1]})
    assert status(alive, 1) == "not_scored"
    assert reason(alive, 1) == "stale"


def test_a_device_that_never_came() -> None:
    at = START + 60
    new = Fleet(METRICS, [1], created=at - 30)
    old = Fleet(METRICS, [1], created=at - 1e6, heartbeat=np.nan)
    beating = Fleet(METRICS, [1], created=at - 1e6)
    answers = [fleet.feed(Engine(HealthConfig()), 1, {}) for fleet in (new, old, beating)]
    assert [reason(r, 1) for r in answers] == ["new_device", "silent", "too_few_samples"]
    assert [status(r, 1) for r in answers] == ["not_scored", "no_data", "not_scored"]


def test_signals_weigh_without_metrics_deviating() -> None:
    fleet = Fleet(METRICS, [1, 2])
    engine = Engine(HealthConfig())
    values = noise(fleet, 121)
    run(engine, fleet, values[:120])
    fleet.signals = {"failed_checks_in_row": np.array([4.0, np.nan], np.float32)}
    result = run(engine, fleet, values[120:], 121)[0]
    assert status(result, 1) == "warning"
    factor = result.factors.rows(0)[0]
    assert (factor.kind, factor.metric, factor.observed, factor.high) == (
        "signal",
        "failed_checks_in_row",
        4,
        3,
    )
    assert status(result, 2) == "healthy"


def test_thresholds_and_limits_per_device_type() -> None:
    config = HealthConfig.model_validate(
        {
            "device_types": {
                "kiosk": {"limits": {"cpu_percent": {"value": 50, "severe": 60}}},
                "gateway": {"thresholds": {"healthy": 0.5, "critical": 0.1}},
            }
        }
    )
    fleet = Fleet(["cpu_percent", "b"], [1, 2, 3], types=["kiosk", "till", "gateway"])
    values = noise(fleet, 100)
    values[:, :2, 0] = 70
    values[:, 2, 0] = 92
    last = run(Engine(config), fleet, values)[-1]
    assert [status(last, d) for d in (1, 2, 3)] == ["critical", "healthy", "healthy"]
    assert last.score[2] < 0.8


def test_an_episode_opens_peaks_and_closes() -> None:
    fleet = Fleet(["a", "b", "c"], [1, 2])
    values = noise(fleet, 1500)
    values[1000:1030, 0] += 60
    results = run(Engine(HealthConfig()), fleet, values)
    opened = [e for r in results[900:1100] for e in r.opened if e.device_id == 1]
    closed = [e for r in results[900:1200] for e in r.closed if e.device_id == 1]
    assert len(opened) == 1
    assert opened[0].started_at == START + 60 * 1001
    assert opened[0].metric in ("a", "b", "c")
    assert opened[0].observed > opened[0].high
    assert opened[0].factors
    assert closed[0].started_at == opened[0].started_at
    assert closed[0].peak_score <= opened[0].initial_score
    assert closed[0].ended_at is not None
    # Told half an hour later, but over when it was over.
    assert 25 * 60 <= closed[0].ended_at - opened[0].started_at <= 45 * 60


def test_a_finished_hour_is_rolled_up_once() -> None:
    fleet = Fleet(["a", "b"], [1, 2])
    values = noise(fleet, 125)
    values[10, 0, 0] = np.nan
    engine = Engine(HealthConfig())
    hours = []
    for t, row in enumerate(values):
        fleet.feed(engine, t + 1, {1: row[0], 2: row[1]})
        if (closed := engine.hours_closed()) is not None:
            hours.append(closed)
    assert [h.hour for h in hours] == [START, START + 3600]
    assert hours[0].n.tolist() == [59, 60, 60, 60]
    first = np.delete(values[:60, 0, 0], 10)
    assert hours[0].mean[0] == pytest.approx(first.mean(), rel=1e-5)
    assert hours[0].min[0] == pytest.approx(first.min(), rel=1e-5)
    assert hours[0].max[0] == pytest.approx(first.max(), rel=1e-5)
    assert hours[1].last[3] == pytest.approx(values[119, 1, 1], rel=1e-5)


def test_series_unseen_for_a_month_are_dropped() -> None:
    fleet = Fleet(["a"], [1, 2])
    engine = Engine(HealthConfig())
    fleet.feed(engine, 1, {1: [1.0], 2: [2.0]})
    size = len(engine.dump_part(-1))
    for day in range(1, 34):
        fleet.feed(engine, 1440 * day, {1: [1.0]})
    assert len(engine.dump_part(-1)) < size
    assert engine.hours_closed() is not None


def test_sparse_and_irregular_series_do_not_disturb_others() -> None:
    fleet = Fleet(["a", "b"], [1, 2])
    values = noise(fleet, 300)
    holes = values.copy()
    holes[np.arange(300) % 7 != 0, 1, 1] = np.nan
    whole = run(Engine(HealthConfig()), fleet, values)
    sparse = run(Engine(HealthConfig()), fleet, holes)
    for a, b in zip(whole, sparse, strict=True):
        assert np.array_equal(a.score[:1], b.score[:1], equal_nan=True)
    assert np.isfinite(sparse[-1].score).all()


@pytest.mark.parametrize("period", [1, 5, 60])
def test_any_rhythm_is_learned_and_an_excursion_found(period: int) -> None:
    fleet = Fleet(["a", "b", "c"], [1], interval_s=float("nan"))
    engine = Engine(HealthConfig())
    values = noise(fleet, 600)
    values[560:] += 40
    results = {t: fleet.feed(engine, (t + 1) * period, {1: values[t, 0]}) for t in range(600)}
    assert status(results[559], 1) == "healthy"
    assert results[560].alarm[0]
    assert status(results[560], 1) != "healthy"
