"""A limit that will be reached: said hours before, in words, and not for what only looks like it."""

from __future__ import annotations

import doctest
from dataclasses import dataclass

import numpy as np
import pytest

from homepot_ai.health import rows, trend
from tests.unit.health_course import Array, Course, Series, run

PERIOD_S = 300.0
HOUR, DAY = 12, 288
ROWS, BEGIN = 8 * DAY, 5 * DAY
NAMES = ("memory_percent", "b")


def _noise(rng: np.random.Generator, level: float = 50.0) -> Array:
    return np.stack([level + rng.normal(0, 1, ROWS), rng.normal(0, 1, ROWS)], axis=1)


@dataclass(frozen=True)
class Cases:
    course: Course

    def factors(self, name: str, first: int, last: int) -> list[str]:
        """The kinds of factors of memory in these rows."""
        place = self.course.names.index(name)
        return [
            f.kind
            for result in self.course.minutes[first:last]
            for f in result.factors.rows(place)
            if f.metric == "memory_percent"
        ]


@pytest.fixture(scope="module")
def cases() -> Cases:
    rng = np.random.default_rng(4)
    told = {name: _noise(rng) for name in ("leak", "noise", "step", "wave", "far from its limit")}
    since = np.arange(ROWS - BEGIN) / HOUR
    told["leak"][BEGIN:, 0] += np.minimum(0.6 * since, 45)  # 90 % after 67 hours
    told["far from its limit"][:, 0] -= 40
    told["far from its limit"][BEGIN:, 0] += 0.3 * since
    told["step"][BEGIN:, 0] += 15
    told["wave"][:, 0] += 15 * np.sin(2 * np.pi * np.arange(ROWS) / DAY)
    return Cases(
        run({name: Series(values, NAMES) for name, values in told.items()}, PERIOD_S, keep=True, explain=True)
    )


def test_a_leak_is_told_hours_before_its_limit_and_in_words(cases: Cases) -> None:
    reached = BEGIN + 67 * HOUR
    before = cases.factors("leak", reached - 12 * HOUR, reached - HOUR)
    assert before.count("trend") > 0.8 * 11 * HOUR
    row = reached - 8 * HOUR
    factor = next(
        f
        for f in cases.course.minutes[row].factors.rows(cases.course.names.index("leak"))
        if f.kind == "trend"
    )
    assert 4 <= factor.hours <= 12
    assert factor.high == 90.0
    assert "rising, reaches 90.0 % in about" in rows.why(factor)
    assert rows.stored_factors([rows._factor(factor)])[0].hours == pytest.approx(factor.hours, abs=0.1)
    assert (cases.course.scores("leak")[reached - 12 * HOUR : reached] < 0.8).mean() > 0.9


@pytest.mark.parametrize("name", ["noise", "step", "wave", "far from its limit"])
def test_what_reaches_no_limit_within_a_day_is_no_trend(cases: Cases, name: str) -> None:
    assert "trend" not in cases.factors(name, 2 * DAY, ROWS)


def test_a_limit_that_is_passed_counts_once(cases: Cases) -> None:
    # What is foretold of a metric and what is there already are one trouble: the graver counts.
    place = cases.course.names.index("leak")
    reached = BEGIN + 67 * HOUR
    both = 0
    for result in cases.course.minutes[reached - 6 * HOUR : reached + 6 * HOUR]:
        taken = {f.kind: f.contribution for f in result.factors.rows(place) if f.metric == "memory_percent"}
        both += "limit" in taken and "trend" in taken
        assert taken.get("limit", 0) + taken.get("trend", 0) <= 1 - 1 / (1 + 2.2**2 / 4)
    assert both > HOUR


def test_examples_in_docstrings_run() -> None:
    for module in (trend, rows):
        failed, tried = doctest.testmod(module)
        assert tried > 0
        assert failed == 0
