"""False alarms stated against false alarms achieved, on data in which nothing happens.

Six kinds of noise, a few metrics or many, several devices of each; all devices of a plan run
through one engine, each kind and number of metrics as a device type of its own.  The rate is stated
as the most to expect, since real devices have heavier tails than any of these.

    PYTHONPATH=. python tests/unit/test_alarm_calibration.py        prints the table
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from homepot_ai.health.config import AlarmConfig, HealthConfig
from tests.unit.health_course import DAY_S, Series, run

Array = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int, float], Array]
ABOVE = 1.5  # of the stated rate at most, and chance
BELOW = 1 / 4  # of it at least, over all kinds


def normal(rng: np.random.Generator, rows: int, metrics: int, period_s: float) -> Array:
    return rng.normal(0, 1, (rows, metrics))


def daily_sine(rng: np.random.Generator, rows: int, metrics: int, period_s: float) -> Array:
    turn = 2 * np.pi * np.arange(rows) * period_s / DAY_S
    return 5 * np.sin(turn)[:, None] + rng.normal(0, 1, (rows, metrics))


def lognormal(rng: np.random.Generator, rows: int, metrics: int, period_s: float) -> Array:
    return rng.lognormal(0, 1, (rows, metrics))


def heavy_tailed(rng: np.random.Generator, rows: int, metrics: int, period_s: float) -> Array:
    return rng.standard_t(3, (rows, metrics))


def sparse_zero(rng: np.random.Generator, rows: int, metrics: int, period_s: float) -> Array:
    return np.where(rng.random((rows, metrics)) < 0.01, rng.exponential(1, (rows, metrics)), 0.0)


def autocorrelated(rng: np.random.Generator, rows: int, metrics: int, period_s: float) -> Array:
    out = rng.normal(0, 1, (rows, metrics))
    for row in range(1, rows):
        out[row] = 0.9 * out[row - 1] + np.sqrt(1 - 0.81) * out[row]
    return out


KINDS: tuple[Draw, ...] = (normal, daily_sine, lognormal, heavy_tailed, sparse_zero, autocorrelated)


@dataclass(frozen=True, eq=False)
class Plan:
    """A rate per week and a sampling period; the first third of the days is not counted."""

    stated: float
    period_s: int
    days: float
    devices: Mapping[int, int]  # by number of metrics

    @property
    def weeks(self) -> float:
        """Counted, per device."""
        return self.days * 2 / 3 / 7

    def __str__(self) -> str:
        return f"{self.stated:g} a week, every {self.period_s} s"


STANDARD = AlarmConfig().false_alarms_per_week
PLANS = (
    Plan(STANDARD, 300, 12, {1: 16, 4: 16, 10: 8, 50: 2}),
    Plan(STANDARD, 60, 3, {1: 12, 4: 8}),
    Plan(20.0, 300, 6, {1: 8, 4: 8, 10: 4, 50: 2}),
)
Rates = dict[tuple[Plan, int, str], float]
# What the engine does not keep yet.
TOO_RARE = {
    *((STANDARD, 300, metrics) for metrics in (4, 10, 50)),
    (STANDARD, 60, 4),
}


def achieved(plan: Plan) -> Rates:
    """Episodes opened per device and week, by number of metrics and kind of noise."""
    rows, rng = int(plan.days * DAY_S / plan.period_s), np.random.default_rng(plan.period_s)
    cells = [(m, kind, count) for m, count in plan.devices.items() for kind in KINDS]
    fleet = {
        f"{kind.__name__} {m} {i}": Series(
            kind(rng, rows, m, plan.period_s), device_type=f"{kind.__name__} {m}"
        )
        for m, kind, count in cells
        for i in range(count)
    }
    config = HealthConfig(alarm=AlarmConfig(false_alarms_per_week=plan.stated))
    course = run(fleet, plan.period_s, config)
    rates = {}
    for m, kind, count in cells:
        names = [f"{kind.__name__} {m} {i}" for i in range(count)]
        opened = sum(len(course.openings(name, rows // 3)) for name in names)
        rates[plan, m, kind.__name__] = opened / (count * plan.weeks)
    return rates


@pytest.fixture(scope="module")
def rates() -> Rates:
    return {key: rate for plan in PLANS for key, rate in achieved(plan).items()}


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
@pytest.mark.parametrize(("plan", "metrics"), [(p, m) for p in PLANS for m in p.devices], ids=str)
def test_no_more_false_alarms_than_stated(rates: Rates, plan: Plan, metrics: int, kind: str) -> None:
    weeks = plan.devices[metrics] * plan.weeks
    allowed = ABOVE * plan.stated * weeks
    # Three deviations of the count more is what chance alone can bring.
    assert rates[plan, metrics, kind] * weeks <= allowed + 3 * np.sqrt(allowed)


def _as_stated() -> list[object]:
    rarely = pytest.mark.xfail(strict=True, reason="rings more rarely than stated")
    return [
        pytest.param(p, m, marks=[rarely] if (p.stated, p.period_s, m) in TOO_RARE else [], id=f"{p}-{m}")
        for p in PLANS
        for m in p.devices
    ]


@pytest.mark.parametrize(("plan", "metrics"), _as_stated())
def test_over_all_kinds_the_rate_is_as_stated(rates: Rates, plan: Plan, metrics: int) -> None:
    mean = np.mean([rates[plan, metrics, kind.__name__] for kind in KINDS])
    assert BELOW * plan.stated <= mean <= ABOVE * plan.stated


def test_who_states_more_hears_more(rates: Rates) -> None:
    few, _, many = PLANS
    mean = [np.mean([rates[p, m, k.__name__] for m in p.devices for k in KINDS]) for p in (few, many)]
    assert mean[1] > 2 * mean[0]


if __name__ == "__main__":
    for shown in PLANS:
        print(f"{shown}: by number of metrics", *shown.devices)
        found = achieved(shown)
        for draw in KINDS:
            print(f"{draw.__name__:16s}", *(f"{found[shown, m, draw.__name__]:6.2f}" for m in shown.devices))
