"""Forecasts of courses whose future is known, and refusals."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from homepot_ai.prediction.forecast import Forecast, _bend, crossing, forecast
from homepot_ai.prediction.records import Refusal
from tests.hours_world import AT

T = np.arange(720)
D = T / 24


def noise(size: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, len(T))


def made(y: np.ndarray, horizon: int = 720) -> Forecast:
    found = forecast(y, horizon, least_days=5)
    assert isinstance(found, Forecast), found
    return found


def refused(y: np.ndarray) -> Refusal:
    found = forecast(y, least_days=5)
    assert isinstance(found, Refusal), found
    return found


def test_a_filling_disk_has_a_date_between_two_others() -> None:
    found = made(60 + 0.8 * D + noise(0.1))
    c = crossing(found, metric="disk_percent", unit="%", limit=90, now=84, at=AT)
    assert c is not None
    assert c.low is not None
    assert c.mid is not None
    assert c.high is not None
    truth = AT + timedelta(days=(90 - 84) / 0.8)
    assert c.low <= c.mid <= c.high
    assert c.low - timedelta(hours=12) <= truth <= c.high + timedelta(hours=12)
    assert c.per_day == pytest.approx(0.8, abs=0.05)


def test_the_busy_hour_crosses_before_the_day_does() -> None:
    wave = 6 * np.sin(2 * np.pi * T / 24)
    found = made(60 + 0.5 * D + wave + noise(0.3))
    assert "day" in found.forecaster
    over = int(np.flatnonzero(found.mid >= 84)[0])
    # The level is at 84 after 18 days; its peaks six before.
    assert 4 * 24 <= over <= 8 * 24


def test_the_slope_begins_again_after_a_clean_up() -> None:
    found = made(np.where(D < 20, 60 + D, 40 + D) + noise(0.1))
    assert found.used == pytest.approx(10 * 24, abs=24)
    assert found.mid[23] == pytest.approx(71, abs=0.5)
    assert found.per_day == pytest.approx(1.0, abs=0.05)


def test_a_leak_that_began_last_week_is_followed_from_there() -> None:
    found = made(40 + 2.2 * np.maximum(D - 18, 0) + noise(0.4))
    assert found.per_day == pytest.approx(2.2, abs=0.2)
    # What wanders is joined by two lines as well, but not so well that it would be taken for a bend.
    rng = np.random.default_rng(4)
    walks = [np.cumsum(rng.normal(0, 1, 30)) for _ in range(40)]
    assert sum(_bend(walk, 5) > 0 for walk in walks) <= 4


def test_no_trend_gives_no_date() -> None:
    found = made(50 + noise(2))
    assert crossing(found, metric="cpu_percent", unit="%", limit=90, now=50, at=AT) is None


def test_intervals_of_a_random_walk_widen() -> None:
    found = made(50 + np.cumsum(noise(0.4)))
    width = found.high - found.low
    assert width[600] > 1.5 * width[24]


@pytest.mark.parametrize(
    ("y", "code"),
    [
        (np.full(720, np.nan), "no_data"),
        (np.where(T < 660, 50 + noise(1), np.nan), "vanished"),
        ((50 + D + noise(0.1))[-48:], "short_history"),
        (np.where(D < 27, 80.0, 40.0) + noise(0.1), "short_history"),
        (np.where(np.random.default_rng(1).random(720) < 0.7, np.nan, 50.0), "short_history"),
    ],
)
def test_refusals_say_why(y: np.ndarray, code: str) -> None:
    found = refused(y)
    assert found.code == code
    assert found.text


def test_gaps_infinities_and_a_constant_are_borne() -> None:
    y = 60 + 0.8 * D + noise(0.1)
    y[100:130], y[200], y[300] = np.nan, np.inf, -np.inf
    assert made(y).per_day == pytest.approx(0.8, abs=0.05)
    constant = made(np.full(720, 7.0))
    assert (constant.low == 7).all()
    assert (constant.high == 7).all()


def test_values_stay_possible() -> None:
    found = forecast(70 + D + noise(0.1), least_days=5, lowest=0, highest=100)
    assert isinstance(found, Forecast)
    assert found.high.max() <= 100
    falling = made(30 - D + noise(0.1))
    assert falling.low.min() >= 0, "what was never negative does not become it"


def test_most_intervals_hold_on_series_it_was_not_made_for() -> None:
    rng = np.random.default_rng(5)
    held = []
    for _ in range(12):
        y = 50 + 4 * np.sin(2 * np.pi * np.arange(888) / 24 + rng.uniform(0, 6)) + rng.normal(0, 1, 888)
        y += np.repeat(np.cumsum(rng.normal(0, 0.4, 37)), 24)
        found = made(y[:720], 168)
        held.append(np.mean((y[720:] >= found.low) & (y[720:] <= found.high)))
    assert 0.6 <= np.mean(held) <= 0.95
