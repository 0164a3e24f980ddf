"""What must hold of everything here that scores, whatever its method: the same checks for each.

A scorer is the engine with all of its evidence, or with one kind of it alone, or one of the parts
that the engine is made of.  It takes minutes of a fleet and answers per device.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from homepot_ai.errors import ScoringError
from homepot_ai.fleet.signals import SignalCounter, Signals
from homepot_ai.health import baseline, limits, liveness, routine
from homepot_ai.health.config import BaselineConfig, HealthConfig, Limit, LivenessConfig
from homepot_ai.health.engine import DeviceFrame, Engine, Observations
from homepot_ai.health.peers import Peers
from homepot_ai.health.table import FIELDS, Field, SeriesTable
from tests.unit.health_course import START, Series, run

Array = npt.NDArray[np.float64]
Answers = dict[str, npt.NDArray[Any]]
MINUTES, DEVICES, METRICS = 110, 5, 3
CUT = 80  # minutes before the excursion
NAMES = ("m0", "m1", "memory_percent")
# With these, evidence of the baseline is nothing and only the other kinds are left.
NO_BASELINE = BaselineConfig(edge=1e9, careful_at=1e9)


def minutes(seed: int = 1, devices: int = DEVICES) -> Array:
    """[minute, device, metric]: noise, one excursion, one device over a limit, and holes."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(20, 40, (1, devices, METRICS)) + rng.normal(0, 1, (MINUTES, devices, METRICS))
    values[85:95, 0] += 15.0
    values[60:, devices - 1, 2] = 97.0
    values[rng.random(values.shape) < 0.05] = np.nan
    values[70:80, 1] = np.nan
    return values


class Scorer:
    """Takes one minute, [device, metric] with NaN for what is missing, and answers per device."""

    def step(self, at: float, values: Array) -> Answers:
        raise NotImplementedError

    def memory(self) -> bytes:
        """Everything it knows, as bytes."""
        raise NotImplementedError


def _failed(values: Array) -> dict[str, npt.NDArray[np.float32]]:
    """A signal that follows the samples: failed checks where the first metric is high."""
    high = np.nan_to_num(values[:, 0], nan=0.0)
    return {"failed_checks_in_row": np.floor(np.maximum(high - 30, 0)).astype(np.float32)}


@dataclass
class WholeEngine(Scorer):
    """The engine under some configuration; answers are rows of its result."""

    config: HealthConfig
    signals: Callable[[Array], Mapping[str, npt.NDArray[np.float32]]] = lambda values: {}
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self.config)

    def step(self, at: float, values: Array) -> Answers:
        devices = len(values)
        codes = self.engine.metric_code(NAMES)
        there = np.isfinite(values)
        device, column = np.nonzero(there)
        unknown = np.full(devices, np.nan)
        frame = DeviceFrame(
            device_id=np.arange(devices, dtype=np.int64),
            device_type=np.array([f"type {i}" for i in range(devices)], dtype=object),
            interval_s=np.full(devices, 60, np.float32),
            last_sample=unknown,
            last_heartbeat=np.full(devices, START),
            created=unknown,
            excluded=np.zeros(devices, bool),
            maintenance=np.zeros(devices, bool),
            sample_count=there.any(axis=1).astype(np.int32),
            signals=self.signals(values),
        )
        obs = Observations(at, device.astype(np.int64), codes[column].astype(np.int32), values[there])
        r = self.engine.step(obs, frame, emit=False)
        names = ("score", "status", "reason", "alarm", "alarm_level", "data_age_s")
        return {name: getattr(r, name) for name in names}

    def memory(self) -> bytes:
        return b"".join(self.engine.dump_part(part) for part in self.engine.dirty_parts())


class Parts(Scorer):
    """The series' evidence and what devices do routinely, without the engine around them."""

    def __init__(self) -> None:
        self.table, self.config = SeriesTable(), BaselineConfig()
        self.profile = np.full(0, np.nan, np.float32)
        self.level = np.zeros(0, np.float32)
        self.seen = 0

    def step(self, at: float, values: Array) -> Answers:
        devices = len(values)
        if not len(self.table) and values.size:
            start = np.nan_to_num(values, nan=30.0).ravel()
            self.table.insert(np.arange(values.size, dtype=np.int64), start, at)
            self.profile, self.level = np.full(values.size, np.nan, np.float32), np.ones(devices, np.float32)
        here = np.flatnonzero(np.isfinite(values.ravel()))
        rows, profile = self.table.rows[:, here], self.profile[here]
        samples = baseline.Samples(
            value=values.ravel()[here],
            origin=self.table.origin[here],
            at=at,
            first_at=self.table.first_at[here],
            last_at=self.table.last_at[here],
            rows=rows,
            profile=profile,
            learning=np.ones(len(here), np.float32),
            alarm_learning=np.ones(len(here), np.float32),
            interval_s=np.full(len(here), 60, np.float32),
            owner=(here // max(values.shape[1], 1)).astype(np.int32),
            kind=np.zeros(len(here), np.int8),
        )
        baseline.observe(samples, self.config)
        self.table.rows[:, here], self.profile[here] = rows, profile
        self.table.last_at[here] = int(at)
        evidence = self.table.rows[Field.ALARM].reshape(devices, -1) if devices else np.zeros((0, 1))
        now = np.sqrt((evidence**2).mean(axis=1)).astype(np.float32)
        one = np.ones(devices, np.float32)
        self.level = routine.track(self.level, now, one * self.seen, one, quantile=0.95, days=1, head=10)
        self.seen += 1
        return {"evidence": now, "routine": self.level.copy()}

    def memory(self) -> bytes:
        return self.table.rows.tobytes() + self.profile.tobytes() + self.level.tobytes()


ONLY_LIMITS = {"m0": Limit(value=35, severe=50), "memory_percent": Limit(value=90, severe=99)}
SCORERS: dict[str, Callable[[], Scorer]] = {
    "engine": lambda: WholeEngine(HealthConfig(), _failed),
    "baseline": lambda: WholeEngine(HealthConfig(limits={}, signals={})),
    "limits": lambda: WholeEngine(HealthConfig(limits=ONLY_LIMITS, signals={}, baseline=NO_BASELINE)),
    "signals": lambda: WholeEngine(HealthConfig(limits={}, baseline=NO_BASELINE), _failed),
    "liveness": lambda: WholeEngine(HealthConfig(limits={}, signals={}, baseline=NO_BASELINE)),
    "evidence and routine": Parts,
}
every_scorer = pytest.mark.parametrize("make", SCORERS.values(), ids=SCORERS.keys())


def feed(scorer: Scorer, values: Array, first: int = 0) -> list[Answers]:
    return [scorer.step(START + 60.0 * (first + t + 1), row) for t, row in enumerate(values)]


@cache
def plain(make: Callable[[], Scorer]) -> tuple[Answers, ...]:
    """What a scorer says of the fleet as it is."""
    return tuple(feed(make(), minutes()))


def same(a: Answers, b: Answers, rtol: float = 0.0) -> None:
    assert a.keys() == b.keys()
    for name, of_a in a.items():
        np.testing.assert_allclose(of_a, b[name], rtol=rtol, equal_nan=True, err_msg=name)


@every_scorer
def test_it_answers_differently_for_what_differs(make: Callable[[], Scorer]) -> None:
    # Otherwise all that follows would hold of a constant too.
    assert any(len(np.unique(a[name])) > 1 for a in plain(make) for name in a)


@every_scorer
def test_the_order_of_devices_does_not_matter(make: Callable[[], Scorer]) -> None:
    order = np.array([3, 0, 4, 1, 2])
    for a, b in zip(plain(make), feed(make(), minutes()[:, order]), strict=True):
        same({name: of_a[order] for name, of_a in a.items()}, b)


@every_scorer
def test_the_other_devices_do_not_matter(make: Callable[[], Scorer]) -> None:
    for a, b in zip(plain(make), feed(make(), minutes()[:, :1]), strict=True):
        same({name: of_a[:1] for name, of_a in a.items()}, b, rtol=1e-5)


@every_scorer
def test_a_repeated_run_gives_the_same_bytes(make: Callable[[], Scorer]) -> None:
    values = minutes()
    first, second = make(), make()
    for a, b in zip(feed(first, values), feed(second, values), strict=True):
        same(a, b)
    assert first.memory() == second.memory()


@every_scorer
def test_nothing_looks_ahead(make: Callable[[], Scorer]) -> None:
    values = minutes()
    values[CUT:] = 1e6
    for a, b in zip(plain(make)[:CUT], feed(make(), values)[:CUT], strict=True):
        same(a, b)


@every_scorer
# Readers refuse what is beyond 1e15; the hour's mean of such values is not a number.
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:overflow:RuntimeWarning")
def test_absurd_numbers_break_nothing_and_nobody_else(make: Callable[[], Scorer]) -> None:
    broken = minutes()
    broken[60:84:4, 2, 1] = [1e300, -1e300, 5e-324, 3.4e38, -3.4e38, -0.0]
    hit, others = feed(make(), broken), [0, 1, 3, 4]
    for a, b in zip(plain(make), hit, strict=True):
        same({n: x[others] for n, x in a.items()}, {n: x[others] for n, x in b.items()}, rtol=1e-6)
    for a in hit[60:]:
        assert all(np.isfinite(a[name]).all() for name in a if name not in ("score", "data_age_s"))
        assert "score" not in a or np.isfinite(a["score"][a["status"] < 3]).all()


@every_scorer
def test_missing_values_are_no_values(make: Callable[[], Scorer]) -> None:
    values = minutes()
    values[50:, 3] = np.nan  # device 3 falls silent, device 2 loses a metric
    values[50:, 2, 1] = np.nan
    for a in feed(make(), values)[60:]:  # ten minutes later
        if "score" in a:
            assert np.isnan(a["score"][3])
            assert a["status"][3] > 2
            assert np.isfinite(a["score"][2])
        else:
            assert np.isfinite(a["evidence"]).all()


@every_scorer
def test_an_empty_minute_and_an_empty_fleet(make: Callable[[], Scorer]) -> None:
    nobody = make().step(START + 60, np.zeros((0, METRICS)))
    assert all(len(of) == 0 for of in nobody.values())
    scorer = make()
    feed(scorer, minutes()[:60])
    silent = scorer.step(START + 60.0 * 61, np.full((DEVICES, METRICS), np.nan))
    assert all(len(of) == DEVICES for of in silent.values())


@every_scorer
def test_one_sample_is_answered_without_an_alarm(make: Callable[[], Scorer]) -> None:
    told = make().step(START + 60, np.array([[20.0, 20.0, 20.0]]))
    assert not told.get("alarm", np.zeros(1)).any()
    if "score" in told:
        assert np.isnan(told["score"]).all()
    assert told.get("evidence", np.zeros(1))[0] == 0


@every_scorer
@pytest.mark.parametrize("factor", [1000.0, 1024.0])
def test_units_do_not_matter_where_there_is_no_limit(make: Callable[[], Scorer], factor: float) -> None:
    scaled = minutes()
    scaled[:, :, 1] *= factor  # the metric that never has a limit
    # A thousand is no power of two: the last digits differ, and with them a little of the answer.
    close = 0.0 if factor == 1024.0 else 5e-3
    for a, b in zip(plain(make), feed(make(), scaled), strict=True):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=close, atol=close, equal_nan=True)


def test_units_of_coarse_metrics_do_not_matter() -> None:
    # Steps of a hundredth, as percentages have: their differences are equal but for the last digit.
    rng = np.random.default_rng(0)
    walks = 0.5 + 0.01 * rng.integers(-2, 3, (400, 4)).cumsum(axis=0)
    both = {f"{unit} {i}": Series(walks[:, [i]] * unit) for unit in (1, 1000) for i in range(4)}
    course = run(both, 300)
    for i in range(4):
        np.testing.assert_allclose(course.scores(f"1 {i}"), course.scores(f"1000 {i}"), atol=0.01)


@pytest.mark.parametrize("name", [n for n in SCORERS if n != "evidence and routine"])
def test_a_minute_scored_twice_is_refused_and_changes_nothing(name: str) -> None:
    scorer, values = SCORERS[name](), minutes()
    feed(scorer, values[:CUT])
    before = scorer.memory()
    for late in (CUT, CUT - 1, 1):
        with pytest.raises(ScoringError, match="not after"):
            scorer.step(START + 60.0 * late, values[CUT])
    assert scorer.memory() == before
    untouched = SCORERS[name]()
    feed(untouched, values[:CUT])
    for a, b in zip(feed(scorer, values[CUT:], CUT), feed(untouched, values[CUT:], CUT), strict=True):
        same(a, b)


@every_scorer
def test_arguments_are_left_as_they_were(make: Callable[[], Scorer]) -> None:
    values = minutes()[:60]
    kept = values.copy()
    feed(make(), values)
    np.testing.assert_array_equal(values, kept)


# Functions without a memory: what they are given, and how many things they answer for.


def _graded(order: npt.NDArray[np.intp]) -> tuple[tuple[Any, ...], Callable[..., Any]]:
    value = np.array([10.0, 91.0, 99.0, np.nan, 97.0])[order]
    minutes_over = np.array([0, 3, 20, 0, 10], np.float32)[order]
    table = np.repeat(np.array(limits.as_row(Limit(value=90, severe=99)))[:, None], 5, axis=1)
    return (value, minutes_over, table), limits.graded


def _judged(order: npt.NDArray[np.intp]) -> tuple[tuple[Any, ...], Callable[..., Any]]:
    at, nan = 1e6, np.nan
    frame = DeviceFrame(
        device_id=np.arange(5),
        device_type=np.array(["a"] * 5, dtype=object),
        interval_s=np.full(5, 60, np.float32),
        last_sample=np.full(5, nan),
        last_heartbeat=np.array([at, at, nan, at - 9e4, at])[order],
        created=np.array([nan, at, nan, nan, nan])[order],
        excluded=np.array([False, False, False, False, True])[order],
        maintenance=np.zeros(5, bool),
        sample_count=np.ones(5, np.int32),
    )
    last = np.array([at - 10, nan, nan, at - 9e4, at])[order]
    knows = np.array([True, False, False, True, True])[order]
    young = np.array([False, True, True, False, False])[order]
    return (frame, at, last, frame.interval_s, knows, young, LivenessConfig()), liveness.judge


def _tracked(order: npt.NDArray[np.intp]) -> tuple[tuple[Any, ...], Callable[..., Any]]:
    level, value = (np.array(x, np.float32)[order] for x in ([1, 2, 0, 1, 3], [2, 1, 0, 8, 3.1]))
    ones = np.ones(5, np.float32)

    def track(level: Any, value: Any) -> Any:
        return routine.track(level, value, ones * 100, ones, quantile=0.9, days=1, head=10)

    return (level, value), track


FUNCTIONS = {"limits": _graded, "liveness": _judged, "routine": _tracked}


@pytest.mark.parametrize("case", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_functions_are_pure_and_do_not_mind_the_order(
    case: Callable[[npt.NDArray[np.intp]], tuple[tuple[Any, ...], Callable[..., Any]]],
) -> None:
    straight, order = np.arange(5), np.array([4, 2, 0, 3, 1])
    arguments, function = case(straight)
    kept = copy.deepcopy(arguments)
    once, again = function(*arguments), function(*arguments)
    mixed_arguments, _ = case(order)
    mixed = function(*mixed_arguments)
    many = isinstance(once, tuple)
    for a, b, c in zip(*(x if many else (x,) for x in (once, again, mixed)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.asarray(a)[order], c)
        assert len(np.unique(a)) > 1
    for before, after in zip(kept, arguments, strict=True):
        if isinstance(after, np.ndarray):
            np.testing.assert_array_equal(before, after)


def _signals(order: list[int]) -> Signals:
    checks = [(0, 10.0, False), (1, 20.0, False), (0, 30.0, False), (2, 40.0, True), (1, 50.0, True)]
    device, t, ok = zip(*checks, strict=True)
    return Signals(
        check_device=np.array([order.index(d) for d in device], np.int64),
        check_t=np.array(t),
        check_ok=np.array(ok, bool),
        changes=[], errors=[], failed_jobs=[], configuration=[], unknown_devices=0,
    )  # fmt: skip


def test_the_reading_of_signals_does_not_mind_the_order_and_is_repeatable() -> None:
    orders = [[0, 1, 2], [2, 0, 1]]
    told = []
    for order in [orders[0], *orders]:
        signals = _signals(order)
        kept = copy.deepcopy(signals)
        counter = SignalCounter(signals, np.zeros(3, np.float32), np.full(3, np.nan))
        counts = counter.at(60.0)["failed_checks_in_row"]
        told.append([float(counts[order.index(d)]) for d in range(3)])
        np.testing.assert_array_equal(signals.check_t, kept.check_t)
    assert told == [[2.0, 0.0, 0.0]] * 3


def test_what_a_type_lends_does_not_mind_the_order_nor_change_the_lenders() -> None:
    rng = np.random.default_rng(8)
    table, types = SeriesTable(), np.zeros(6, np.int32)
    table.insert(np.arange(6, dtype=np.int64) << 20, np.zeros(6), 60.0)
    table.rows[:] = rng.uniform(0.5, 2, (FIELDS, 6)).astype(np.float32)
    table.rows[Field.WEIGHT] = table.rows[Field.SEEN] = 500
    mixed = copy.deepcopy(table)
    mixed.rows[:] = table.rows[:, [5, 3, 1, 0, 2, 4]]
    kept = table.rows.copy()
    a, again, b = (Peers.learn(t, types, 2) for t in (table, table, mixed))
    np.testing.assert_array_equal(table.rows, kept)
    assert len(a.key) > 0
    for other in (again, b):
        np.testing.assert_array_equal(a.key, other.key)
        np.testing.assert_allclose(a.start, other.start, rtol=1e-6)
        np.testing.assert_allclose(a.excess, other.excess, rtol=1e-6)
