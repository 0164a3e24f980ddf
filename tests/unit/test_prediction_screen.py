"""The screen's statistics against slow oracles and courses whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import theilslopes

from homepot_ai.prediction import screen

DAYS = np.arange(30, dtype=np.float32)[:, None]
RNG = np.random.default_rng(3)


def test_theil_sen_is_scipys_slope_and_its_interval_holds() -> None:
    x = (5 + 0.3 * DAYS + RNG.normal(0, 1, (30, 40))).astype(np.float32)
    x[RNG.random(x.shape) < 0.1] = np.nan
    slope, low, high = screen.theil_sen(x)
    for column in range(40):
        there = np.isfinite(x[:, column])
        expected = theilslopes(x[there, column], np.flatnonzero(there), alpha=0.95)
        assert slope[column] == pytest.approx(expected.slope, rel=1e-4)
        # One rank's difference: ours is rounded outwards.
        assert low[column] <= expected.low_slope + 1e-6
        assert high[column] >= expected.high_slope - 1e-6
    assert np.mean((low <= 0.3) & (high >= 0.3)) >= 0.85


def test_a_quarter_of_the_days_may_be_anything() -> None:
    x = (50 + 1.0 * DAYS + RNG.normal(0, 0.1, (30, 1))).astype(np.float32)
    x[[3, 9, 12, 17, 20, 25, 28]] = 1000.0
    assert screen.theil_sen(x)[0][0] == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize(
    ("course", "begins"),
    [
        (np.where(DAYS < 25, 60 + DAYS, 40 + DAYS), 25),  # cleaned
        (np.where(DAYS < 18, 50, 70), 18),  # another level for good
        (60 + DAYS, 0),
        (np.where(DAYS == 15, 90, 50), 0),  # a day's spike is no jump
        (np.where(DAYS < 14, 60.5 + DAYS, 60 + DAYS), 0),  # a clean-up that brought half a day
        (np.full((30, 1), 7.0), 0),
    ],
)  # fmt: skip
def test_a_course_begins_again_after_a_lasting_jump(course: np.ndarray, begins: int) -> None:
    x = (course + RNG.normal(0, 0.05, (30, 1))).astype(np.float32)
    assert screen.last_jump(x)[0] == begins


def test_a_line_that_rises_since_six_days_stands_out_of_thirty() -> None:
    recent = screen.theil_sen((50 + 2 * np.maximum(DAYS - 24, 0)).astype(np.float32)[-screen.RECENT_DAYS :])
    whole = screen.theil_sen((50 + 2 * np.maximum(DAYS - 24, 0)).astype(np.float32))
    assert recent[1][0] > whole[2][0]


def test_noise_has_no_jumps_and_no_week() -> None:
    x = RNG.normal(50, 2, (30, 2000)).astype(np.float32)
    assert np.mean(screen.last_jump(x) > 0) < 0.01
    assert np.mean(screen.weekly_share(x) > 0.5) < 0.01
    week = np.where(np.arange(30)[:, None] % 7 >= 5, -5.0, 0.0)
    assert screen.weekly_share((x[:, :5] / 4 + week).astype(np.float32)).min() > 0.6


def test_empty_constant_and_short_columns_do_no_harm() -> None:
    x = np.full((30, 3), np.nan, np.float32)
    x[:, 1] = 5.0
    x[-2:, 2] = [1.0, 2.0]
    slope, low, high = screen.theil_sen(x)
    assert np.isnan(slope[[0, 2]]).all()
    assert slope[1] == low[1] == high[1] == 0
    assert screen.last_jump(x)[:2].tolist() == [0, 0]
    assert screen.theil_sen(np.zeros((1, 2), np.float32))[0].shape == (2,)
