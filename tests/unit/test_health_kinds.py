"""Evidence that no single minute of a single metric shows: patterns, levels that stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from homepot_ai.health import together
from homepot_ai.health.config import BaselineConfig, HealthConfig
from homepot_ai.health.engine import Accepted, Engine, Factor, MinuteResult
from homepot_ai.health.table import Field
from tests.unit.health_fleet import Fleet

STEP = 5  # minutes
HOUR = 60 // STEP
DAY = 24 * HOUR


def fed(fleet: Fleet, values: np.ndarray, engine: Engine | None = None) -> list[MinuteResult]:
    """Feed [row, device, metric] at one row in five minutes."""
    engine = engine or Engine(HealthConfig())
    ids = sorted(fleet.devices)
    return [
        fleet.feed(engine, STEP * (1 + t), {d: row[i] for i, d in enumerate(ids)})
        for t, row in enumerate(values)
    ]


def of_kind(results: list[MinuteResult], kind: str) -> list[tuple[int, Factor]]:
    return [(t, f) for t, r in enumerate(results) for f in r.factors.rows(0) if f.kind == kind]


# Together


def pairs(days: int, apart_from: int | None, seed: int = 0) -> np.ndarray:
    """Six metrics, two pairs of which rise and fall together until a row from which they do the opposite."""
    rng = np.random.default_rng(seed)
    n = days * DAY
    load, other = rng.normal(0, 1, (2, n))
    values = np.stack(
        [10 + load, 50 + 5 * load, 20 + other, 30 - 2 * other, *rng.normal(40, 1, (2, n))], axis=1
    )
    values += rng.normal(0, 0.05, values.shape) * [1, 5, 1, 2, 1, 1]
    if apart_from is not None:
        values[apart_from:, [1, 3]] = [100, 60] - values[apart_from:, [1, 3]]
    return values[:, None, :]


def test_metrics_that_cease_to_move_together_are_seen_though_each_stays_in_its_range() -> None:
    fleet, at = Fleet(["a", "b", "c", "d", "e", "f"], [1], interval_s=300), 8 * DAY
    values = pairs(9, at)
    assert (values[at:].max(axis=0) < values[:at].max(axis=0) + 1).all()  # nothing unusual in itself
    usual, broken = fed(fleet, pairs(9, None)), fed(fleet, values)
    lowest = [min(r.score[0] for r in results[at : at + 6 * HOUR]) for results in (usual, broken)]
    assert lowest[1] < 0.8 < lowest[0]
    assert not of_kind(usual[at:], "together")
    seen = [f for t, f in of_kind(broken, "together") if at <= t < at + 6 * HOUR]
    assert {f.metric for f in seen[:40]} == {"a", "b", "c", "d"}
    assert all(not f.low <= f.observed <= f.high for f in seen[:40])
    # What was expected is what the other of the pair says: between the value and its mirror image.
    mirror = {"a": 20, "b": 100, "c": 40, "d": 60}
    for f in seen[:40]:
        assert min(f.observed, mirror[f.metric] - f.observed) < f.low < f.high
        assert f.low < f.high < max(f.observed, mirror[f.metric] - f.observed)


def test_without_the_pattern_the_same_goes_unseen() -> None:
    fleet, at = Fleet(["a", "b", "c", "d", "e", "f"], [1], interval_s=300), 8 * DAY
    blind = HealthConfig(baseline=BaselineConfig(together_weight=0.0))
    results = fed(fleet, pairs(9, at), Engine(blind))
    assert min(r.score[0] for r in results[at : at + 6 * HOUR]) > 0.9


def test_directions_become_those_of_the_data() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(8, 2)))[0].astype(np.float32)
    pattern = together.first_pattern(np.arange(8))
    one = np.ones(8, np.float32)
    for t in range(4000):
        y = (basis @ rng.normal(0, 0.8, 2)).astype(np.float32)
        rest = together.remainder(
            pattern, y, one, one > 0, np.zeros(8, np.int32), one * t, one[:1], one, t, BaselineConfig()
        )
    assert np.abs(rest).max() < 0.02
    assert np.abs(pattern.T - basis @ (basis.T @ pattern.T)).max() < 0.05  # the same plane


@pytest.mark.parametrize("metrics", [1, 2, 3, 4])
def test_a_device_of_few_metrics_keeps_a_remainder_only_where_there_is_one(metrics: int) -> None:
    rng = np.random.default_rng(1)
    pattern, one = together.first_pattern(np.arange(metrics)), np.ones(metrics, np.float32)
    owner, left = np.zeros(metrics, np.int32), []
    for t in range(3000):
        y = np.full(metrics, rng.normal(0, 0.8), np.float32)
        args = (one, one > 0, owner, one * t, one[:1], one, t, BaselineConfig())
        together.remainder(pattern, y, *args)
        left.append(
            np.abs(together.remainder(pattern.copy(), y * np.where(np.arange(metrics) == 0, -1, 1), *args))
        )
    assert (np.max(left[-500:]) > 0.5) == (metrics > 1)


# Levels that stay


def accepted(results: list[MinuteResult]) -> list[Accepted]:
    return [a for r in results for a in r.accepted]


@pytest.mark.parametrize(
    "make", [lambda rng, n: rng.normal(0, 1, n), lambda rng, n: np.zeros(n)], ids=["noisy", "constant"]
)
def test_a_step_that_stays_is_accepted_after_a_day_and_said_so(make: Callable[..., np.ndarray]) -> None:
    n, at = 12 * DAY, 8 * DAY
    values = 20 + make(np.random.default_rng(0), n) + 30.0 * (np.arange(n) >= at)
    results = fed(Fleet(["queue_depth"], [1], interval_s=300), values[:, None, None])
    said = accepted(results)
    assert len(said) == 1
    when = next(t for t, r in enumerate(results) if r.accepted)
    assert DAY - 2 <= when - at <= DAY + 3 * HOUR
    assert (said[0].device_id, said[0].metric) == (1, "queue_depth")
    assert said[0].old == pytest.approx(20, abs=1)
    assert said[0].new == pytest.approx(50, abs=1)
    assert min(r.score[0] for r in results[at : at + HOUR]) < 0.8
    assert min(r.score[0] for r in results[when + DAY :]) > 0.8


def test_an_excursion_that_returns_and_a_leak_are_not_accepted() -> None:
    n, rng = 12 * DAY, np.random.default_rng(0)
    t = np.arange(n)
    away = 20 + rng.normal(0, 1, n) + 30.0 * ((t > 8 * DAY) & (t < 8 * DAY + 20 * HOUR))
    moving = 20 + rng.normal(0, 1, n) + 2.0 * np.maximum(t - 8 * DAY, 0) / HOUR
    results = fed(Fleet(["a", "b"], [1], interval_s=300), np.stack([away, moving], axis=1)[:, None, :])
    assert not [a for a in accepted(results) if a.metric == "a"]
    assert not [a for a in accepted(results[: 8 * DAY + 40 * HOUR]) if a.metric == "b"]


def test_a_watch_survives_a_restart() -> None:
    fleet = Fleet(["queue_depth"], [1], interval_s=300)
    n, at = 9 * DAY, 7 * DAY
    values = np.full((n, 1, 1), 20.0)
    values[at:] = 50
    cut = at + 10 * HOUR
    whole, engine = fed(fleet, values), Engine(HealthConfig())
    fed(fleet, values[:cut], engine)
    again = Engine(HealthConfig())
    for part in engine.dirty_parts():
        again.load_part(part, engine.dump_part(part))
    for t in range(cut, n):
        result = fleet.feed(again, STEP * (1 + t), {1: values[t, 0]})
        assert result.score[0] == whole[t].score[0]
        assert result.accepted == whole[t].accepted
    assert len(accepted(whole)) == 1


def test_a_day_of_excursion_moves_the_edge_by_little() -> None:
    from homepot_ai.health.table import DeviceField

    rng = np.random.default_rng(0)
    n = 20 * DAY
    values = rng.normal(30, 1, (n, 1, 4))
    values[18 * DAY : 18 * DAY + 20 * HOUR] += 15
    engine = Engine(HealthConfig())
    fleet = Fleet(["a", "b", "c", "d"], [1], interval_s=300)
    fed(fleet, values[: 18 * DAY], engine)
    before = engine._memory.devices.rows[DeviceField.EDGE, 0]
    starts = engine._memory.series.rows[Field.EXCESS + 3 : Field.EXCESS + 7].copy()
    for t in range(18 * DAY, 18 * DAY + 20 * HOUR):
        result = fleet.feed(engine, STEP * (1 + t), {1: values[t, 0]})
    assert result.score[0] < 0.8
    assert engine._memory.devices.rows[DeviceField.EDGE, 0] < before + 0.3
    # Nor has the health table learned the event as usual.
    after = engine._memory.series.rows[Field.EXCESS + 3 : Field.EXCESS + 7]
    assert (after[:2] < 3 * starts[:2]).all()
