"""The pieces of the engine against slow, obvious versions of themselves."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from homepot_ai.health import limits, liveness, minutes, routine, score, state
from homepot_ai.health.config import HealthConfig, LivenessConfig
from homepot_ai.health.layout import METRIC_BITS, Segments, find, series_keys
from homepot_ai.health.peers import Peers
from homepot_ai.health.profile import Profile
from homepot_ai.health.records import DeviceFrame
from homepot_ai.health.table import FIELDS, Field, SeriesTable

fleets = st.dictionaries(st.integers(0, 50), st.sets(st.integers(0, 40), min_size=1), min_size=1, max_size=8)


def keys_of(fleet: dict[int, set[int]]) -> np.ndarray:
    pairs = sorted((d, m) for d, metrics in fleet.items() for m in metrics)
    device, metric = (np.array(x) for x in zip(*pairs, strict=True))
    return series_keys(device.astype(np.int64), metric.astype(np.int32))


@given(fleets, st.integers(1, 7), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_segment_operations_equal_a_loop_over_devices(fleet: dict[int, set[int]], k: int, seed: int) -> None:
    keys = keys_of(fleet)
    devices = np.arange(0, 60, dtype=np.int64)
    values = np.random.default_rng(seed).random(len(keys)).astype(np.float32)
    segments = Segments.build(keys, devices)
    for i, device in enumerate(sorted(fleet)):
        own = sorted(values[keys >> METRIC_BITS == device].tolist(), reverse=True)
        assert segments.device_pos[i] == device
        assert segments.count[i] == len(own)
        assert segments.sum(values)[i] == pytest.approx(sum(own), rel=1e-5)
        assert segments.top_mean(values, k)[i] == pytest.approx(sum(own[:k]) / min(k, len(own)), rel=1e-5)
    assert (segments.owner == keys >> METRIC_BITS).all()


@given(fleets, fleets)
@settings(max_examples=60, deadline=None)
def test_find_and_insert_equal_a_dictionary(old: dict[int, set[int]], new: dict[int, set[int]]) -> None:
    table = SeriesTable()
    first, second = keys_of(old), keys_of(new)
    table.insert(first, first.astype(float), 60.0)
    table.rows[Field.LAST] = first % 1000
    pos, known = find(table.key, second)
    truth = {int(key): i for i, key in enumerate(first)}
    for i, key in enumerate(second.tolist()):
        assert known[i] == (key in truth)
        if key in truth:
            assert (i if pos is None else pos[i]) == truth[key]
    where = table.insert(second[~known], second[~known].astype(float), 120.0)
    assert (table.key[where] == second[~known]).all()
    assert table.key.tolist() == sorted(set(first.tolist()) | set(second.tolist()))
    assert (table.origin == table.key).all()
    for key, value in zip(table.key.tolist(), table.rows[Field.LAST].tolist(), strict=True):
        assert value == (key % 1000 if key in truth else 0)


@given(
    st.lists(st.floats(0, 200), min_size=1, max_size=20),
    st.floats(0, 100),
    st.floats(1, 90),
    st.floats(1, 50),
    st.floats(0, 30),
)
@settings(max_examples=60, deadline=None)
def test_graded_limits_equal_the_formula(
    values: list[float], over: float, value: float, above: float, minutes: float
) -> None:
    table = np.array([[value], [value + above], [minutes], [3.5]])
    got = limits.graded(np.array(values), over, np.repeat(table, len(values), axis=1))
    for x, u in zip(values, got.tolist(), strict=True):
        if x < value:
            assert u == 0
            continue
        far = min((x - value) / (value + above - value), 1)
        ramp = min(over / minutes, 1) if minutes > 0 else 1
        assert u == pytest.approx((1 + 2.5 * far) * (0.6 + 0.4 * ramp), rel=1e-5)


def test_no_limit_is_no_evidence() -> None:
    none = np.full((4, 2), np.nan)
    assert limits.graded(np.array([1e9, np.nan]), 60, none).tolist() == [0, 0]


def test_state_bytes_keep_everything_and_are_deterministic() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "none": np.zeros((0, 4)),
        "bits": np.array([True, False]),
    }
    payload = state.pack({"names": ["ä", "b"], "at": 1.5}, arrays)
    assert payload == state.pack({"at": 1.5, "names": ["ä", "b"]}, arrays)
    meta, back = state.unpack(payload)
    assert meta == {"names": ["ä", "b"], "at": 1.5}
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert (back[name] == array).all()
        back[name][...] = 0  # writable


def test_keys_take_little_space() -> None:
    keys = keys_of({d: set(range(50)) for d in range(200)})
    packed = state.squeeze(keys)
    assert (state.unsqueeze(packed) == keys).all()
    assert len(packed) < len(keys) / 4
    assert len(state.unsqueeze(state.squeeze(keys[:0]))) == 0


def test_a_profile_slot_follows_its_series() -> None:
    profile = Profile(15)
    assert profile.count == 96
    assert profile.slot_of(0.0 + 60) == profile.slot_of(900.0) == 0
    assert profile.slot_of(960.0) == 1
    keys = np.array([3, 5, 9], np.int64)
    levels = profile.levels(7, keys)
    assert np.isnan(levels).all()
    levels[:] = [1, 2, 3]
    more = np.array([3, 4, 9], np.int64)
    np.testing.assert_array_equal(profile.levels(7, more), [1, np.nan, 3])
    other = Profile(15)
    other.load(7, profile.dump(7))
    assert other.dirty == set()
    np.testing.assert_array_equal(other.levels(7, more), [1, np.nan, 3])
    assert other.dirty == {7}
    assert len(state.unpack(profile.dump(8))[1]["levels"]) == 0


def test_a_type_lends_what_most_of_it_do() -> None:
    table = SeriesTable()
    keys = keys_of({d: {0, 1} for d in range(5)})
    table.insert(keys, keys.astype(float), 60.0)
    table.rows = np.ones((FIELDS, len(keys)), np.float32)
    table.rows[Field.SEEN] = 1000
    table.rows[Field.EXCESS : Field.EXCESS + 3] = 2.0
    table.rows[Field.SEEN, 1] = 10  # device 0's metric 1 is young itself
    types = np.repeat(np.array([0, 0, 0, 1, 1], np.int32), 2)
    peers = Peers.learn(table, types, least=3)
    start, excess, known = peers.of(keys, types)
    assert (
        known.tolist() == [True, False] * 3 + [False] * 4
    )  # three of type 0 know metric 0, only two metric 1
    assert excess[:, 0].tolist() == pytest.approx([2.0, 2.0, 2.0, 1.0])  # the level's tail is its own
    assert start[:, 0].tolist() == pytest.approx([1.0] * 4)


def frame(**changes: object) -> DeviceFrame:
    base: dict[str, object] = {
        "device_id": np.array([1]),
        "device_type": np.array(["till"], dtype=object),
        "interval_s": np.array([60], np.float32),
        "last_sample": np.array([np.nan]),
        "last_heartbeat": np.array([np.nan]),
        "created": np.array([np.nan]),
        "excluded": np.array([False]),
        "maintenance": np.array([False]),
        "sample_count": np.array([0], np.int32),
    }
    return DeviceFrame(**{**base, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("interval", "age", "expected"),
    [
        (60, 120, "scored"),
        (60, 181, "no_data"),
        (300, 890, "scored"),
        (300, 901, "no_data"),
        (10, 170, "scored"),
    ],
)
def test_old_is_counted_in_intervals(interval: float, age: float, expected: str) -> None:
    at = 1e9
    status, _ = liveness.judge(
        frame(), at, np.array([at - age]), np.array([interval], np.float32),
        np.array([True]), np.array([False]), LivenessConfig(),
    )  # fmt: skip
    assert ("no_data" if status[0] == 3 else "scored") == expected


def test_the_interval_is_as_stated_else_learned_else_the_default() -> None:
    config = LivenessConfig()
    learned = np.array([300], np.float32)
    assert liveness.expected_interval(frame(), learned, config)[0] == 60
    unknown = frame(interval_s=np.array([np.nan], np.float32))
    assert liveness.expected_interval(unknown, learned, config)[0] == 300
    never = np.array([np.nan], np.float32)
    assert liveness.expected_interval(unknown, never, config)[0] == config.default_interval_s


@given(st.floats(0.5, 0.99))
@settings(max_examples=10, deadline=None)
def test_a_running_quantile_finds_its_quantile(quantile: float) -> None:
    rng = np.random.default_rng(3)
    level = np.zeros(1, np.float32)
    values = rng.exponential(0.5, 20_000).astype(np.float32)
    for i, value in enumerate(values):
        level = routine.track(
            level, value[None], np.full(1, i, np.float32), np.ones(1, np.float32),
            quantile=quantile, days=30, head=10,
        )  # fmt: skip
    below = float((values < level[0]).mean())
    assert math.isclose(below, quantile, abs_tol=0.02)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValidationError, match="raise `severe`"):
        HealthConfig.model_validate({"limits": {"cpu_percent": {"value": 90, "severe": 80}}})
    with pytest.raises(ValidationError, match="below healthy"):
        HealthConfig.model_validate({"thresholds": {"healthy": 0.3, "critical": 0.4}})
    with pytest.raises(ValidationError, match="less than or equal to 50"):
        HealthConfig.model_validate({"alarm": {"false_alarms_per_week": 500}})
    with pytest.raises(ValidationError, match="Extra inputs"):
        HealthConfig.model_validate({"treshold": 1})


@pytest.mark.parametrize("module", [limits, score, routine])
def test_examples_in_docstrings_run(module: object) -> None:
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("names", [7, 900_000])
def test_means_of_a_minute_equal_a_loop_also_where_metrics_are_sparse(names: int) -> None:
    rng = np.random.default_rng(names)
    position, code = rng.integers(0, 4, 300), rng.integers(0, names, 300).astype(np.int32)
    code[:100] = code[100:200]
    value = rng.random(300)
    told: dict[tuple[int, int], list[float]] = {}
    for p, c, v in zip(position.tolist(), code.tolist(), value.tolist(), strict=True):
        told.setdefault((10 + p, c), []).append(v)
    found = minutes._observations(60.0, np.arange(10, 14), position, code, value)
    assert list(zip(found.device_id.tolist(), found.metric.tolist(), strict=True)) == sorted(told)
    assert found.value.tolist() == pytest.approx([float(np.mean(told[key])) for key in sorted(told)])
