"""The shape of the week in the minute: what is expected on a Saturday, and how versions follow each other."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from homepot_ai.errors import ScoringError
from homepot_ai.health import week, weekly
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.engine import Engine
from homepot_ai.health.records import HourRollup
from homepot_ai.health.week import HOURS, INDEX, PARTS, Week, Weeks
from tests.unit.health_fleet import MINUTE, START, Fleet

CODES = lambda names: np.arange(len(names), dtype=np.int32)  # noqa: E731
DAY = 86_400.0


def version(level: float, *, names: tuple[str, ...] = ("load",), devices: tuple[int, ...] = (3,)) -> Week:
    device = np.repeat(np.array(devices), len(names))
    metric = np.tile(np.arange(len(names), dtype=np.int32), len(devices))
    rising = np.arange(HOURS) * level
    return Week.build(names, device, metric, np.tile(rising, (len(device), 1)).astype(np.float32))


class TestAVersion:
    def test_parts_come_back_as_they_were_in_any_order(self) -> None:
        one, again = version(0.5, names=("b", "a"), devices=(2, 9)), Week()
        for part in reversed(PARTS):
            again.load(part, one.dump(part))
        assert [again.dump(p) for p in PARTS] == [one.dump(p) for p in PARTS]
        with pytest.raises(ScoringError, match="not of this version"):
            again.load(INDEX, b"something else")

    def test_names_decide_not_codes(self) -> None:
        one = version(1.0, names=("b", "a", "gone"), devices=(2, 9))
        # The engine knows `a` as 7 and `b` as 4, and device 5 is new.
        codes = lambda names: np.array([{"a": 7, "b": 4}.get(n, -1) for n in names], np.int32)  # noqa: E731
        keys = np.array([(2 << 20) | 4, (2 << 20) | 7, (5 << 20) | 7, (9 << 20) | 7])
        np.testing.assert_allclose(one.offsets(10, keys, codes), [10.0, 10.0, 0.0, 10.0], rtol=1e-3)
        assert Week().offsets(10, keys, codes).tolist() == [0.0] * 4

    def test_large_and_small_units_survive_half_precision(self) -> None:
        for unit in (1e-12, 1.0, 1e12):
            one = version(unit)
            got = one.offsets(167, np.array([3 << 20]), CODES)[0]
            assert got == pytest.approx(167 * unit, rel=1e-3)

    def test_a_minute_lies_between_two_hours(self) -> None:
        weeks, keys = Weeks(), np.array([3 << 20])
        one = version(1.0)
        for part in PARTS:
            weeks.load(part, one.dump(part), -np.inf)
        monday = START  # 00:00
        got = [weeks.offsets(monday + 3600 * h + 30, keys, CODES) for h in (1.5, 1.75, 2.0, 2.5)]
        assert [round(float(g[0]), 2) for g in got if g is not None] == [1.0, 1.25, 1.5, 2.0]
        assert week.hours_needed(monday + 60) == [167, 0]
        for at in (START + 3600.0 * h for h in (0.5, 30.2, 167.9)):
            assert set(week.hours_needed(at)) <= set(week.parts_needed([at]))


class TestVersionsInTime:
    def test_one_takes_over_from_the_other_within_a_day_and_never_steps(self) -> None:
        weeks, keys = Weeks(), np.array([3 << 20])
        starts = {0.0: 0.0, 2 * DAY: 100.0, 2.5 * DAY: -50.0, 5 * DAY: 10.0}
        for since, level in starts.items():
            flat = Week.build(["load"], np.array([3]), np.array([0]), np.full((1, HOURS), level, np.float32))
            for part in PARTS:
                weeks.load(part, flat.dump(part), START + since)
        minutes = np.arange(60.0, 7 * DAY, 600.0)
        got = np.array([weeks.offsets(START + t, keys, CODES)[0] for t in minutes])  # type: ignore[index]
        # 100 units in a day are 0.7 in ten minutes; the two that overlap move by at most twice as much.
        assert np.abs(np.diff(got)).max() < 1.5
        at = lambda t: got[np.searchsorted(minutes, t)]  # noqa: E731
        assert at(2.5 * DAY) == pytest.approx(50.0, abs=1)
        assert at(3.6 * DAY) == pytest.approx(-50.0)
        assert at(6.9 * DAY) == pytest.approx(10.0)
        assert Weeks().offsets(START, keys, CODES) is None

    def test_only_versions_that_weigh_in_are_read(self) -> None:
        since = [0.0, 1 * DAY, 2 * DAY, 3 * DAY]
        assert week.versions_needed(since, 2.5 * DAY, 2.6 * DAY) == [1, 2]
        assert week.versions_needed(since, 9 * DAY, 9 * DAY) == [3]
        assert week.versions_needed(since, -5.0, -1.0) == []
        assert week.versions_needed(since, 0.5 * DAY, 3.5 * DAY) == [0, 1, 2, 3]
        for first in np.arange(0.1, 6, 0.37) * DAY:
            weeks, few, keys = Weeks(), Weeks(), np.array([3 << 20])
            for number, moment in enumerate(since):
                one = version(float(number + 1))
                for part in PARTS:
                    weeks.load(part, one.dump(part), moment)
                    if number in week.versions_needed(since, first, first):
                        few.load(part, one.dump(part), moment)
            whole, part_of = weeks.offsets(first, keys, CODES), few.offsets(first, keys, CODES)
            np.testing.assert_allclose(whole, part_of, rtol=1e-5)

    def test_a_version_counts_after_it_was_stored(self) -> None:
        for second in range(0, 7200, 37):
            assert 300 <= week.in_force_from(START + second) - START - second < 3900


# A shop that is closed at the weekend: its load rises within minutes on five days of seven.
STEP, DEVICES, METRICS = 30, 3, 3
DAYS = 35


def shop() -> npt.NDArray[np.float64]:
    hour = np.arange(HOURS)
    return np.where((hour // 24 < 5) & (hour % 24 >= 8) & (hour % 24 < 18), 30.0, 0.0)


@cache
def course(switched: int | None, hour: int = 3) -> npt.NDArray[np.float64]:
    """[day, (health lost, episodes, alarm level)] of a fleet that gets the week at an hour, or never."""
    rng = np.random.default_rng(8)
    fleet = Fleet([f"load_{i}" for i in range(METRICS)], range(1, DEVICES + 1), interval_s=60.0 * STEP)
    engine, shape = Engine(HealthConfig()), shop()
    hours: list[HourRollup] = []
    out = np.zeros((DAYS, 3))
    error = np.zeros((DEVICES, METRICS))
    for step in range(1, DAYS * 1440 // STEP + 1):
        minute = step * STEP
        error = 0.8 * error + 0.6 * rng.normal(0, 1.5, error.shape)
        base = 40 + 8 * np.sin(2 * np.pi * (minute % 1440) / 1440)
        value = base + shape[week.hour_of_week(START + MINUTE * minute - 1)] + error
        result = fleet.feed(engine, minute, {d: value[d - 1] for d in fleet.devices})
        scored = np.isfinite(result.score)
        day = (minute - 1) // 1440
        lost = (1 - result.score[scored]).sum()
        out[day] += [lost, len(result.opened), np.maximum(result.alarm_level, 0).sum()]
        if (closed := engine.hours_closed()) is not None:
            hours.append(closed)
        if switched is not None and minute == switched * 1440 + hour * 60:
            found = weekly.fit(hours, engine.metric_names, START + MINUTE * minute)
            assert found.verdict.adopted, found.verdict
            assert found.shaped == DEVICES * METRICS
            for part in PARTS:
                engine.load_week(part, found.week.dump(part), START + MINUTE * minute)
    return out


def lost(days: npt.NDArray[np.float64], weekday: int, first: int = 26) -> float:
    """Health lost on a day of the week, mean over the days from `first` on."""
    chosen = (np.arange(DAYS) % 7 == weekday) & (np.arange(DAYS) >= first)
    return float(days[chosen, 0].mean())


class TestInTheEngine:
    def test_a_quiet_saturday_is_expected(self) -> None:
        without, with_week = course(None), course(23)
        for weekday in (5, 6):
            assert lost(with_week, weekday) < 0.5 * lost(without, weekday)
        for weekday in range(5):
            assert lost(with_week, weekday) < 1.05 * lost(without, weekday) + 0.1

    def test_the_switch_itself_alarms_nobody(self) -> None:
        """In the night to a Wednesday, and on a Saturday at noon, when the new week says most."""
        without = course(None)
        for switched, hour in ((23, 3), (26, 12)):
            with_week = course(switched, hour)
            near = slice(switched, switched + 2)
            assert with_week[near, 1].sum() <= without[near, 1].sum()
            assert (with_week[near, 0] <= 1.05 * without[near, 0] + 0.2).all()
            assert with_week[near, 2].sum() <= 1.05 * without[near, 2].sum()

    def test_what_is_not_loaded_changes_nothing(self) -> None:
        plain, told = Engine(HealthConfig()), Engine(HealthConfig())
        other = version(1.0, names=("something else",), devices=(99,))
        for part in PARTS:
            told.load_week(part, other.dump(part))
        fleet, rng = Fleet(["load"], [3]), np.random.default_rng(2)
        for minute in range(1, 200):
            value = {3: [float(rng.normal())]}
            a, b = fleet.feed(plain, minute, value), fleet.feed(told, minute, value)
            np.testing.assert_array_equal(a.score, b.score)
        assert plain.dump_part(-1) == told.dump_part(-1)
        assert "something else" not in told.metric_names

    def test_hours_needed_are_those_that_are_used(self) -> None:
        engine = Engine(HealthConfig())
        one = version(0.1)
        at = START + 37 * 3600.0
        for part in [INDEX, *engine.week_hours_needed(at)]:
            engine.load_week(part, one.dump(part))
        whole = Engine(HealthConfig())
        for part in PARTS:
            whole.load_week(part, one.dump(part))
        fleet = Fleet(["load"], [3])
        few, all_ = (fleet.feed(e, 37 * 60, {3: [5.0]}) for e in (engine, whole))
        np.testing.assert_array_equal(few.score, all_.score)
        assert engine.dump_part(-1) == whole.dump_part(-1)
        slot = engine.slots_needed(at)[0]
        assert engine.dump_part(slot) == whole.dump_part(slot)
