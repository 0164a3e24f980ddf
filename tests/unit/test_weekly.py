"""Fitting the shape of a week: it is found through what disturbs it, and not where there is none."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest

from homepot_ai.health import weekly, weekly_blocks
from homepot_ai.health import weekly_math as wm
from homepot_ai.health.week import HOURS, Week, hour_of_week
from homepot_ai.health.weekly import Fit, judge
from tests.week_world import HOUR_S, UNTIL, hour_values, rollups, weekend

END = UNTIL.timestamp()
Values = npt.NDArray[np.float64]


def fit(values: Values, **more: object) -> Fit:
    hours = rollups(values, range(1, len(values) + 1))
    return weekly.fit(hours, ["load"], END, **more)  # type: ignore[arg-type]


def offsets(week: Week, device: int) -> Values:
    """A device's offsets [168]."""
    keys = np.array([device << 20])
    codes = lambda names: np.zeros(len(names), np.int32)  # noqa: E731
    return np.array([week.offsets(hour, keys, codes)[0] for hour in range(HOURS)], np.float64)


def centred(shape: Values) -> Values:
    days = shape.reshape(7, 24)
    return (days - days.mean(axis=0)).reshape(-1)


def rms(values: Values) -> float:
    return float(np.sqrt((values**2).mean()))


class TestTheShape:
    def test_a_known_shape_is_found_through_outliers_and_missing_hours(self) -> None:
        values = hour_values(6, 36 * 24)
        rng = np.random.default_rng(4)
        values[rng.random(values.shape) < 0.01] += 100.0
        values[rng.random(values.shape) < 0.05] = np.nan
        values[2, -9 * 24 : -8 * 24] = np.nan
        found = fit(values)
        assert found.verdict.adopted
        assert found.shaped == 6
        truth = centred(weekend())
        for device in range(1, 7):
            off = np.abs(offsets(found.week, device) - truth)
            assert np.quantile(off, 0.95) < 2.5, "the noise has a deviation of two"

    def test_it_is_zero_over_the_days_for_each_hour_of_the_day(self) -> None:
        found = fit(hour_values(3, 36 * 24))
        days = offsets(found.week, 1).reshape(7, 24)
        # Half precision of twenty units.
        assert np.abs(days.mean(axis=0)).max() < 0.02

    def test_the_unit_does_not_matter(self) -> None:
        values = hour_values(4, 36 * 24)
        plain, scaled = fit(values), fit(values * 1e6)
        assert plain.shaped == scaled.shaped == 4
        np.testing.assert_allclose(
            offsets(scaled.week, 2) / 1e6, offsets(plain.week, 2), atol=2e-3 * np.abs(weekend()).max()
        )
        assert scaled.error_new == pytest.approx(plain.error_new, rel=1e-3)

    def test_weeks_that_contradict_each_other_give_zero(self) -> None:
        values = hour_values(6, 36 * 24, shape=np.zeros(HOURS))
        hour = np.array([hour_of_week(END + (c - 36 * 24) * HOUR_S) for c in range(36 * 24)])
        week = (np.arange(36 * 24) - 24) // HOURS
        sign = np.where(week % 2 == 0, 1.0, -1.0)
        found = fit(values + sign * weekend()[hour])
        assert found.shaped == 0
        assert not found.verdict.adopted

    def test_a_change_of_rota_ends_the_old_shape_and_is_learned_after_three_weeks(self) -> None:
        old, new = weekend(), np.roll(weekend(), -48)  # quiet on Thursday and Friday from now on
        shaped = []
        for weeks in (1, 2, 4):
            before, after = hour_values(4, 36 * 24, shape=old), hour_values(4, 36 * 24, shape=new)
            values = np.where(np.arange(36 * 24) < 36 * 24 - weeks * HOURS, before, after)
            found = fit(values)
            shaped.append(found.shaped)
            if weeks == 4:
                assert rms(offsets(found.week, 1) - centred(new)) < 0.3 * rms(centred(new))
        assert shaped == [0, 0, 4]

    def test_noise_has_hardly_ever_a_shape(self) -> None:
        values = hour_values(200, 36 * 24, shape=np.zeros(HOURS))
        found = fit(values, device_type={d: f"type {d}" for d in range(1, 201)})
        assert found.eligible == 200
        assert found.shaped < 10
        for device in range(1, 201):
            assert np.abs(offsets(found.week, device)).max() < 2.5, "of noise with a deviation of two"

    @pytest.mark.parametrize("days", [15, 22, 36])
    def test_what_rises_or_steps_is_no_week(self, days: int) -> None:
        hours = np.arange(days * 24)
        ramp = 20.0 + 0.05 * hours + np.zeros((3, 1))
        step = np.where(hours < days * 12, 10.0, 90.0) + np.zeros((3, 1))
        noise = hour_values(6, days * 24, shape=np.zeros(HOURS), noise=0.5)
        found = fit(np.concatenate([ramp, step]) + noise)
        worst = max(np.abs(offsets(found.week, device)).max() for device in range(1, 7))
        assert worst < 2.5, "the ramp rises by 8 in a week, the step by 80"

    def test_constant_empty_and_young_series_say_nothing(self) -> None:
        values = np.full((3, 36 * 24), 7.0)
        values[1] = np.nan
        values[2] = hour_values(1, 36 * 24)[0]
        values[2, : 36 * 24 - 13 * 24] = np.nan
        found = fit(values)
        assert (found.series, found.shaped) == (2, 0)
        assert found.verdict.reason == "no series has a shape of the week"
        none = weekly.fit([], [], END)
        assert (none.series, none.verdict.adopted) == (0, False)

    def test_input_is_not_changed_and_order_does_not_matter(self) -> None:
        hours = rollups(hour_values(3, 36 * 24), [5, 9, 11])
        copy = [h.mean.copy() for h in hours]
        one, other = weekly.fit(hours, ["load"], END), weekly.fit(hours[::-1], ["load"], END)
        assert [one.week.dump(p) for p in range(-1, HOURS)] == [other.week.dump(p) for p in range(-1, HOURS)]
        assert all(np.array_equal(a.mean, b) for a, b in zip(hours, copy, strict=True))

    def test_the_future_is_not_looked_at(self) -> None:
        values = hour_values(3, 43 * 24, until=UNTIL + timedelta(days=7))
        later = rollups(values, [1, 2, 3], until=UNTIL + timedelta(days=7))
        seen = [h for h in later if h.hour < END]
        whole, cut = weekly.fit(later, ["load"], END), weekly.fit(seen, ["load"], END)
        assert [whole.week.dump(p) for p in range(-1, HOURS)] == [cut.week.dump(p) for p in range(-1, HOURS)]
        assert whole.error_new == cut.error_new


class TestTypes:
    def test_a_type_lends_its_shape_to_a_noisy_device_with_two_weeks(self) -> None:
        """Thirty calm devices with five weeks know better than two noisy weeks of one's own."""
        calm = hour_values(30, 36 * 24)
        noisy = hour_values(10, 36 * 24, noise=12.0, seed=9)
        noisy[:, : 36 * 24 - 15 * 24] = np.nan
        values = np.concatenate([calm, noisy])
        pooled = fit(values, device_type=dict.fromkeys(range(1, 41), "till"))
        alone = fit(values, device_type={d: "till" if d <= 30 else f"own {d}" for d in range(1, 41)})
        truth = centred(weekend())
        with_type = np.mean([rms(offsets(pooled.week, d) - truth) for d in range(31, 41)])
        by_itself = np.mean([rms(offsets(alone.week, d) - truth) for d in range(31, 41)])
        assert with_type < 0.8 * by_itself

    def test_a_device_that_is_not_like_its_type_keeps_its_own(self) -> None:
        own = np.roll(weekend(), 72)
        values = np.concatenate([hour_values(20, 36 * 24), hour_values(1, 36 * 24, shape=own, seed=5)])
        found = fit(values, device_type=dict.fromkeys(range(1, 22), "till"))
        assert rms(offsets(found.week, 21) - centred(own)) < 0.25 * rms(centred(own))


class TestLeftOut:
    def left_out(self, *episodes: tuple[int, float, float]) -> npt.NDArray[np.bool_]:
        device, begin, end = zip(*episodes, strict=True) if episodes else ((), (), ())
        days = 86400.0
        return weekly_blocks.left_out(
            np.array(device, np.intp),
            END + np.array(begin, np.float64) * days,
            END + np.array(end, np.float64) * days,
            2,
            END,
        )

    def test_long_days_go_and_short_ones_stay(self) -> None:
        out = self.left_out((0, -3.0, -2.5), (1, -3.0, -2.96))
        assert out.shape == (2, weekly_blocks.COLUMNS)
        assert 24 <= out[0].sum() <= 48, "whole days, UTC"
        assert not out[1].any(), "an hour is not long"
        assert not self.left_out().any()

    def test_what_comes_every_week_is_the_week(self) -> None:
        every = [(0, -d - 0.5, float(-d)) for d in (1, 8, 15, 22, 29)]
        assert not self.left_out(*every).any()
        assert self.left_out(*every[:2]).any()


class TestTheVerdict:
    def test_the_old_one_is_kept_when_the_new_one_is_worse(self) -> None:
        """The weeks that the new one is fitted on were recorded three days off; the last day was not."""
        truth, values = weekend(), hour_values(6, 36 * 24)
        good = fit(values)
        assert good.verdict.adopted
        wrong = values.copy()
        wrong[:, :-24] = hour_values(6, 36 * 24, shape=np.roll(truth, 72))[:, :-24]
        bad = fit(wrong, in_force=good.week)
        assert bad.error_new is not None
        assert bad.error_old is not None
        assert bad.error_new > 1.2 * bad.error_old
        assert not bad.verdict.adopted
        assert "worse than the version in force" in bad.verdict.reason

    def test_a_harmful_one_gives_way_to_none(self) -> None:
        wrong = fit(hour_values(6, 36 * 24, shape=np.roll(weekend(), 72))).week
        none = fit(hour_values(6, 36 * 24, shape=np.zeros(HOURS)), in_force=wrong)
        assert none.shaped == 0
        assert none.verdict.adopted
        assert "does harm" in none.verdict.reason

    def test_a_last_day_without_hours_adopts_nothing(self) -> None:
        values = hour_values(4, 36 * 24)
        values[:, -24:] = np.nan
        assert fit(values).verdict.reason == "nothing to check it on"

    @pytest.mark.parametrize(
        ("new", "old", "without", "adopted"),
        [(0.9, None, 1.0, True), (1.0, None, 1.0, False), (0.905, 0.9, 1.0, True), (0.92, 0.9, 1.0, False),
         (1.01, 1.2, 1.0, False)],
    )  # fmt: skip
    def test_margins(self, new: float, old: float | None, without: float, adopted: bool) -> None:
        assert judge(shaped=3, compared=3, new=new, old=old, without=without).adopted is adopted


class TestAgainstSlowLoops:
    def test_median_leaves_nan_out(self) -> None:
        rng = np.random.default_rng(0)
        for width in range(1, 9):
            values = rng.normal(size=(200, width)).astype(np.float32)
            values[rng.random(values.shape) < 0.4] = np.nan
            slow = [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values]
            np.testing.assert_allclose(wm.median(values), slow, atol=1e-6)

    def test_deviations_and_shrinking(self) -> None:
        values = hour_values(2, 2 * HOURS, until=UNTIL).astype(np.float32)
        first = hour_of_week(END - 2 * HOURS * HOUR_S)
        y = wm.deviations(values, first)
        for week in range(2):
            for hour in (0, 30, 100, 167):
                at = week * HOURS + (hour - first) % HOURS
                same = [week * HOURS + (h - first) % HOURS for h in range(hour % 24, HOURS, 24)]
                slow = values[0, at] - np.median(values[0, same])
                assert abs(y[0, week, hour] - slow) < 3.0, "but for the slope"
        theta = centred(weekend())[None].astype(np.float32)
        variance = np.full((1, 7), 4.0, np.float32)
        got = wm.shrunk(theta, np.zeros_like(theta), variance)
        days = theta.reshape(7, 24)
        size = (days**2).sum(axis=1)
        factor = np.maximum(0, 1 - 22 * 4.0 / size)
        slow = days * factor[:, None]
        np.testing.assert_allclose(got.reshape(7, 24), slow - slow.mean(axis=0), atol=1e-4)
        assert (wm.shrunk(theta, np.zeros_like(theta), variance * 1e6) == 0).all()
