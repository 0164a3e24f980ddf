"""The failure model on fleets whose truth is known: what it finds, what it must not see, hard cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homepot_ai.errors import PredictionError
from homepot_ai.prediction import calibration, features, hazard, learning, payload, training, trees
from homepot_ai.prediction.hazard import FailureModel
from homepot_ai.prediction.records import Histories
from tests import hazard_world as world

WEEK = {"7d": (0.0, 7.0)}


@pytest.fixture(scope="module")
def seen() -> Histories:
    return world.histories()


@pytest.fixture(scope="module")
def unseen() -> Histories:
    return world.histories(seed=2)


@pytest.fixture(scope="module")
def model(seen: Histories) -> FailureModel:
    return training.fit(seen, WEEK, life_limit=60, memory=30)


def judged(model: FailureModel, known: Histories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability, outcome and life of every decision point whose outcome is known."""
    points = training.sample(known, WEEK, 60.0, seed=0)
    said = model.predict(known, points.device, points.step)
    rows = points.known[:, 0]
    life = np.column_stack([said.life, points.life])
    return said.probability[rows, 0], points.happened[rows, 0], life[np.isfinite(life).all(axis=1)]


def test_it_finds_what_announces_failures_and_its_probabilities_can_be_taken_at_their_word(
    model: FailureModel, unseen: Histories
) -> None:
    assert model.kind == "learned"
    p, happened, life = judged(model, unseen)
    base = np.full(len(p), model.base[0])
    skill = 1 - ((p - happened) ** 2).mean() / ((base - happened) ** 2).mean()
    assert skill > 0.4
    groups = np.array_split(np.argsort(p), 10)
    error = sum(len(g) / len(p) * abs(p[g].mean() - happened[g].mean()) for g in groups)
    assert error < 0.03
    low, mid, high, left = life.T
    assert ((low <= mid) & (mid <= high)).all()
    assert 0.72 < ((left >= low) & (left <= high)).mean() < 0.9


def test_facts_name_what_pushed_the_probability(model: FailureModel, unseen: Histories) -> None:
    at = next(
        (d, int(t)) for d, t in zip(unseen.failure_device, unseen.failure_step, strict=True)
        if t > 40 and unseen.measures[d, int(t) - 1, 0] > 52
    )  # fmt: skip
    said = model.predict(unseen, [at[0]], [at[1]], explain=[0])
    assert said.probability[0, 0] > 0.5
    first = said.facts[0][0]
    assert first.name.startswith(("Temperature", "error"))
    assert first.effect > 0.3
    quiet = model.predict(unseen, [at[0]], [at[1]]).facts
    assert quiet == {}, "only where somebody asked"


def test_what_comes_later_changes_nothing(model: FailureModel, unseen: Histories) -> None:
    devices = np.flatnonzero(unseen.last_step >= 80)
    whole = model.predict(unseen, devices, 80)
    cut = model.predict(world.until(unseen, 80), devices, 80)
    np.testing.assert_array_equal(whole.probability, cut.probability)
    np.testing.assert_array_equal(whole.life, cut.life)


def test_a_month_that_is_read_gives_the_features_of_a_year(unseen: Histories) -> None:
    device = np.arange(20)
    x, named = features.build(unseen, device, np.full(20, 90), memory=30)
    events, failures = unseen.event_step > 60, unseen.failure_step > 60
    month = replace(
        unseen,
        first_step=unseen.first_step - 60,
        age=unseen.age + 60,
        measures=unseen.measures[:, 60:],
        event_device=unseen.event_device[events],
        event_step=unseen.event_step[events] - 60,
        event_kind=unseen.event_kind[events],
        failure_device=unseen.failure_device[failures],
        failure_step=unseen.failure_step[failures] - 60,
        failure_cause=unseen.failure_cause[failures],
    )
    short, again = features.build(month, device, np.full(20, 30), memory=30)
    assert named == again
    np.testing.assert_allclose(short, x, rtol=1e-3, atol=1e-3)


def test_features_say_what_a_slow_loop_says(unseen: Histories) -> None:
    device, step = np.array([0, 3, 7]), np.array([2, 50, 119])
    x, named = features.build(unseen, device, step)
    column = {feature.name: x[:, i] for i, feature in enumerate(named)}
    for row, (d, s) in enumerate(zip(device, step, strict=True)):
        mine = unseen.event_device == d
        errors = unseen.event_step[mine & (unseen.event_kind == 0) & (unseen.event_step <= s)]
        assert column["error count 10"][row] == (errors > s - 10).sum()
        assert np.isclose(
            column["error since"][row], s - errors.max() if len(errors) else np.nan, equal_nan=True
        )
        values = unseen.measures[d, max(0, s - 10) : s, 0].astype(float)
        known = np.isfinite(values)
        if known.any():
            assert column["temperature level 10"][row] == pytest.approx(values[known].mean(), abs=1e-3)
        if known.sum() >= 3:
            slope = np.polyfit(np.flatnonzero(known), values[known], 1)[0]
            assert column["temperature trend 10"][row] == pytest.approx(slope, abs=1e-3)


def test_labels_are_what_a_slow_loop_says(unseen: Histories) -> None:
    device, step = training.every_point(unseen)
    happened, known = training.label(unseen, device, step, 7, 30)
    for i in range(0, len(device), 97):
        d, s = device[i], step[i]
        mine = unseen.failure_step[unseen.failure_device == d]
        y = bool(((mine > s + 7) & (mine <= s + 30)).any())
        assert happened[i] == y
        # Beyond the record nothing is known; a device that left without failing is censored.
        assert known[i] == (s + 30 <= 120 and (y or s + 30 <= unseen.last_step[d]))


def test_a_stored_model_says_the_same_and_damage_is_told(model: FailureModel, unseen: Histories) -> None:
    stored = payload.pack(model, None)
    again, twin = payload.unpack(stored)
    assert twin is None
    devices = np.arange(50)
    mine, other = model.predict(unseen, devices, 60), again.predict(unseen, devices, 60)
    np.testing.assert_array_equal(mine.probability, other.probability)
    np.testing.assert_array_equal(mine.life, other.life)
    assert again.features == model.features
    assert again.windows == model.windows
    with pytest.raises(PredictionError, match="learn-hazards fits it again"):
        payload.unpack(stored[: len(stored) // 2])


def test_trees_without_the_library_say_what_they_say_with_it() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(3)
    x = rng.normal(size=(2_000, 4)).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    y = np.nan_to_num(x[:, 0]) + np.isnan(x[:, 1]) + rng.normal(size=2_000) > 0.5
    fitted = HistGradientBoostingClassifier(max_iter=15, early_stopping=False).fit(x, y)
    np.testing.assert_allclose(trees.Trees.of(fitted).predict(x), fitted.decision_function(x), atol=1e-6)


def test_measures_that_appear_and_vanish_do_not_stop_it(model: FailureModel, unseen: Histories) -> None:
    gone = replace(unseen, measures=unseen.measures[:, :, 1:], measure_names=("load",))
    more = replace(
        unseen,
        measures=np.concatenate([unseen.measures, unseen.measures[:, :, :1]], axis=2),
        measure_names=(*unseen.measure_names, "humidity"),
    )
    devices = np.arange(100)
    said = model.predict(gone, devices, 100)
    assert np.isfinite(said.probability).all()
    np.testing.assert_array_equal(
        model.predict(more, devices, 100).probability, model.predict(unseen, devices, 100).probability
    )
    silent = replace(unseen, measures=np.full_like(unseen.measures, np.nan))
    assert np.isfinite(model.predict(silent, devices, 100).probability).all()


def test_two_days_of_history_and_an_unknown_kind(model: FailureModel, unseen: Histories) -> None:
    young = replace(
        world.until(unseen, 2), kinds=np.full(len(unseen.devices), "unheard of"), age=np.full(120, np.nan)
    )
    said = model.predict(young, np.arange(120), 2, explain=[0])
    assert np.isfinite(said.probability).all()
    assert (said.probability < 0.5).mean() > 0.8
    with pytest.raises(PredictionError, match="asked for step 3"):
        model.predict(young, [0], 3)
    with pytest.raises(PredictionError, match="asked for position 120"):
        model.predict(young, [120], 2)
    assert model.predict(unseen, [], 2).probability.shape == (0, 1)


def test_maintenance_is_no_failure_and_what_it_cured_counts_no_more(
    model: FailureModel, unseen: Histories
) -> None:
    course = unseen.measures.copy()
    course[0, 40:60, 0] = 40 + 1.2 * np.arange(20)
    course[0, 60:80, 0] = 40
    kept = replace(
        unseen,
        measures=course,
        event_device=np.append(unseen.event_device[unseen.event_device != 0], 0),
        event_step=np.append(unseen.event_step[unseen.event_device != 0], 60.0),
        event_kind=np.append(unseen.event_kind[unseen.event_device != 0], 2),
        last_step=np.full(120, 120.0),
    )
    failed = np.isin(0, kept.failure_device[np.abs(kept.failure_step - 60) < 1])
    assert training.label(kept, np.array([0]), np.array([59]), 0, 2)[0][0] == failed, (
        "the visit is no failure"
    )
    before, after = (float(model.predict(kept, [0], s).probability[0, 0]) for s in (60, 72))
    assert before > 3 * after


def test_no_failure_at_all_and_one(seen: Histories) -> None:
    none = world.with_failures(seen, [], [])
    quiet = training.fit(none, WEEK)
    assert quiet.kind == "prior"
    said = quiet.predict(none, np.arange(120), 120)
    assert (said.probability > 0).all()
    assert np.isnan(said.life).all()
    # 120 devices were seen for 120 days: what is assumed beforehand weighs little beside it.
    assert said.probability.max() < 0.002
    one = world.with_failures(seen, [4], [60.0])
    assert training.fit(one, WEEK).predict(one, [4], 120).probability[0, 0] > 2 * said.probability[4, 0]
    found = learning.fit_and_check(one, None)
    assert (found.model.kind, found.adopted) == ("prior", True)
    assert "1 failures are known, 20 are needed" in found.reason
    np.testing.assert_allclose(
        payload.unpack(payload.pack(found.model, None))[0].predict(one, [4], 120).probability,
        found.model.predict(one, [4], 120).probability,
    )


def test_the_better_model_stays(seen: Histories) -> None:
    rng = np.random.default_rng(5)
    at_random = world.with_failures(
        replace(seen, last_step=np.full(120, 120.0)),
        rng.integers(0, 120, 60).tolist(),
        rng.uniform(1, 119, 60).tolist(),
    )
    noise = learning.fit_and_check(at_random, None, windows=WEEK)
    assert noise.model.kind == "prior", "nothing announces these failures"
    assert "not better than the base rate" in noise.reason
    good = learning.fit_and_check(seen, (noise.model, None), windows=WEEK)
    assert (good.model.kind, good.adopted) == ("learned", True)
    assert good.scores["new"]["log_loss"] < 0.7 * good.scores["base_rate"]["log_loss"]
    later = learning.fit_and_check(at_random, (good.model, good.twin), windows=WEEK)
    assert not later.adopted
    assert "the learned model stays" in later.reason
    held = learning.held_out(seen)
    assert 0.1 < held.mean() < 0.4
    mine = learning.chosen(seen, held)
    assert set(mine.devices[mine.failure_device]) <= set(seen.devices[held])


def test_a_replacement_restarts_age_and_is_another_device(unseen: Histories) -> None:
    new = replace(unseen, age=np.where(np.arange(120) == 5, -50.0, unseen.age))
    x, named = features.build(new, np.array([5]), np.array([60]))
    assert x[0, [f.what for f in named].index("age")] == 10


def test_intervals_and_thresholds_against_their_definition() -> None:
    rng = np.random.default_rng(8)
    predicted = rng.uniform(0, 100, 4_000)
    actual = predicted + rng.normal(0, 1 + predicted / 10)
    band = calibration.band(predicted[:2_000], actual[:2_000]).predict(predicted[2_000:], 1e9)
    inside = (actual[2_000:] >= band[:, 0]) & (actual[2_000:] <= band[:, 2])
    assert 0.76 < inside.mean() < 0.85
    assert (band[:, 2] - band[:, 0])[predicted[2_000:] > 80].mean() > 12
    p = np.array([0.1, 0.2, 0.3, 0.8, 0.9])
    assert calibration.alarm_threshold(p, p > 0.5) == pytest.approx(0.55)
    assert calibration.alarm_threshold(p, p > 2) == 0.5


def test_causes_with_events_of_their_own_are_learned_together() -> None:
    rng = np.random.default_rng(9)
    known = world.with_failures(
        world.histories(60, seed=4), rng.integers(0, 60, 80).tolist(), rng.uniform(1, 119, 80).tolist()
    )
    parts = replace(
        known,
        causes=("fan", "disk"),
        failure_cause=rng.integers(0, 2, 80),
        event_names=("replaced:fan", "replaced:disk", "error"),
    )
    _, named = features.build(parts, np.array([0]), np.array([50]))
    own = training.own_columns(parts, named)
    assert own.shape == (2, 5)
    assert {named[i].source for i in own[1]} == {"replaced:disk"}
    assert training.own_columns(known, named).size == 0
    assert hazard.prior(parts).kind == "prior"
