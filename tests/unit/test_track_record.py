"""Settling, the record it makes, thresholds and leaders, against slow obvious computations."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from datetime import datetime, timedelta

import numpy as np
import pytest

from homepot_ai.intervals import interval_score, wilson
from homepot_ai.prediction import track_record
from homepot_ai.prediction.settling import Forecast, Known, settle
from homepot_ai.prediction.thresholds import CEILING, Thresholds, learn
from homepot_ai.store.ledger import FailureBin, IntervalCount
from homepot_ai.store.outcomes import Outcome
from tests.prediction_world import DAY, HOUR, NOW

LATE = NOW + 40 * DAY


def happened(
    days: float, kind: str = "failure", source: str = "incident", ended: float | None = None
) -> Outcome:
    at = NOW + timedelta(days=days)
    end = None if ended is None else NOW + timedelta(days=ended)
    return Outcome(1, 1, at, end, kind, None, source, "1", None, "rule")  # type: ignore[arg-type]


def failure(begin: float = 0, end: float = 7, p: float = 0.3) -> Forecast:
    return Forecast(1, 1, NOW, "failure", NOW + begin * DAY, NOW + end * DAY, "", p)


def known(*outcomes: Outcome, seen: datetime | None = LATE) -> Known:
    return Known(outcomes, seen)


class TestSettling:
    @pytest.mark.parametrize(
        ("forecast", "outcomes", "result", "score"),
        [
            (failure(), [], "did_not", 0.09),
            (failure(), [happened(3, ended=3.1)], "happened", 0.49),
            (failure(7, 30), [happened(3, ended=3.1)], "did_not", 0.09),
            (failure(7, 30), [happened(3, ended=3.1), happened(9)], "happened", 0.49),
            (failure(), [happened(7)], "happened", 0.49),
            (failure(), [happened(7.01)], "did_not", 0.09),
            # What was done about it, before it could be seen.
            (failure(), [happened(2, "replaced")], "censored", None),
            (failure(), [happened(2, "maintained", "visit")], "censored", None),
            (failure(), [happened(1, ended=1.5), happened(2, "maintained", "visit")], "happened", 0.49),
            (failure(), [happened(2, "maintained", "visit"), happened(3)], "censored", None),
            # Maintenance that looks like failure: routine, and no failure.
            (failure(), [happened(2, "maintained", "state_history")], "did_not", 0.09),
            (failure(), [happened(2, "retired")], "censored", None),
            # It lay there broken when this was said.
            (failure(), [happened(-1)], "censored", None),
            (failure(), [happened(-1, ended=-0.5)], "did_not", 0.09),
        ],
    )
    def test_failures(
        self, forecast: Forecast, outcomes: list[Outcome], result: str, score: float | None
    ) -> None:
        found = settle(forecast, known(*outcomes), LATE)
        assert found is not None
        assert found.outcome == result
        assert found.score == (None if score is None else pytest.approx(score))
        assert bool(found.why) == (result == "censored")

    def test_not_before_it_is_due_and_known(self) -> None:
        assert settle(failure(), known(), NOW + 7 * DAY) is None
        behind = Known((), NOW + 9 * DAY, scored_until=NOW + 6 * DAY)
        assert settle(failure(), behind, NOW + 8 * DAY) is None
        assert settle(failure(), behind, NOW + 14 * DAY) is not None

    def test_what_nobody_saw_to_the_end_is_censored(self) -> None:
        for seen in (None, NOW + 5 * DAY):
            found = settle(failure(), known(seen=seen), LATE)
            assert found is not None
            assert found.outcome == "censored"

    def test_a_level_and_its_interval(self) -> None:
        level = Forecast(1, 1, NOW, "level", NOW, NOW + 7 * DAY, "disk_percent", None, 70.0, 75.0, 80.0, 0.8)
        inside = settle(level, Known((), LATE, value=78.0), LATE)
        outside = settle(level, Known((), LATE, value=83.0), LATE)
        assert inside is not None
        assert outside is not None
        assert (inside.outcome, inside.observed, inside.score) == ("happened", 78.0, 10.0)
        assert outside.score == pytest.approx(10 + 2 / 0.2 * 3)
        assert settle(level, Known((), LATE), NOW + 8 * DAY) is None
        gone = settle(level, Known((), LATE), LATE)
        assert gone is not None
        assert gone.outcome == "censored"

    def test_a_limit_and_a_life(self) -> None:
        low, mid, high = (NOW + n * DAY for n in (4, 6, 8))
        edges = [moment.timestamp() for moment in (low, mid, high)]
        limit = Forecast(1, 1, NOW, "limit", NOW, NOW + 14 * DAY, "disk_percent", None, *edges, 0.8)
        found = settle(limit, Known((), LATE, crossed_at=NOW + 7 * DAY), LATE)
        assert found is not None
        assert found.observed == (NOW + 7 * DAY).timestamp()
        assert found.score == pytest.approx(4.0)
        never = settle(limit, known(), LATE)
        assert never is not None
        assert (never.outcome, never.score) == ("did_not", None)
        life = Forecast(1, 1, NOW, "life", NOW, NOW + 20 * DAY, "", None, 5.0, 9.0, 20.0, 0.8)
        died = settle(life, known(happened(12)), LATE)
        assert died is not None
        assert died.observed == pytest.approx(12.0)


def test_interval_score_against_the_long_way() -> None:
    rng = np.random.default_rng(0)
    for low, width, observed in zip(rng.normal(size=50), rng.random(50), rng.normal(size=50), strict=True):
        high = low + width
        slow = width
        if observed < low:
            slow += 2 / 0.2 * (low - observed)
        if observed > high:
            slow += 2 / 0.2 * (observed - high)
        assert interval_score(low, high, observed, 0.8) == pytest.approx(slow)


def test_wilson_against_statsmodels() -> None:
    from statsmodels.stats.proportion import proportion_confint

    for k, n in ((0, 5), (3, 9), (40, 40), (17, 200)):
        assert wilson(k / n, n) == pytest.approx(proportion_confint(k, n, method="wilson"))
    assert wilson(0.0, 0) == (0.0, 1.0)


def bins(
    p: np.ndarray, y: np.ndarray, horizon: str = "7d", who: str = "hazard", base: float = 0.1
) -> list[FailureBin]:
    """The ledger's counts, the slow way."""
    steps = [round(x * 200) for x in p]
    made = []
    for step in sorted(Counter(steps)):
        mine = [n for n, s in enumerate(steps) if s == step]
        score = sum((p[n] - y[n]) ** 2 for n in mine)
        made.append(
            FailureBin(
                who, horizon, step, len(mine), float(sum(p[n] for n in mine)), int(sum(y[n] for n in mine)),
                float(score), len(mine), float(sum((base - y[n]) ** 2 for n in mine)), float(score),
            )
        )  # fmt: skip
    return made


def drawn(n: int, seed: int, calibrated: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.beta(0.3, 2.0, n)
    said = truth if calibrated else rng.beta(0.3, 2.0, n)
    return said, (rng.random(n) < truth).astype(float)


class TestRecord:
    def test_figures_against_the_long_way(self) -> None:
        p, y = drawn(4000, 1)
        base = float(y.mean())
        (figure,) = track_record.figures_of(bins(p, y, base=base), 30)
        assert figure.brier == pytest.approx(float(np.mean((p - y) ** 2)))
        assert figure.skill == pytest.approx(1 - float(np.mean((p - y) ** 2) / np.mean((base - y) ** 2)))
        assert figure.skill is not None
        assert figure.skill > 0.2
        assert figure.calibration_error < 0.03
        assert sum(point.n for point in figure.curve) == figure.n == 4000
        assert all(point.low <= point.happened <= point.high for point in figure.curve)
        assert figure.independent == pytest.approx(4000 / 7)
        assert not figure.anecdotal

    def test_who_says_nothing_has_no_skill_and_few_are_anecdotal(self) -> None:
        p, y = drawn(150, 2, calibrated=False)
        (figure,) = track_record.figures_of(bins(p, y, base=float(y.mean())), 30)
        assert figure.skill is not None
        assert figure.skill < 0
        assert figure.anecdotal

    def test_no_failure_at_all(self) -> None:
        p = np.full(700, 0.02)
        (figure,) = track_record.figures_of(bins(p, np.zeros(700), base=0.0), 30)
        assert (figure.happened, figure.skill) == (0, None)
        assert track_record.figures_of([], 30) == ()

    def test_intervals(self) -> None:
        (found,) = track_record.coverages_of([IntervalCount("trend", "level", 0.8, 700, 574, 1.2, 9.0)], 30)
        assert found.held == pytest.approx(0.82)
        assert found.low < 0.8 < found.high
        assert not found.anecdotal


class TestLeaders:
    HOLDER = "hazard"

    def figures(self, n: int, good: str) -> tuple[track_record.Figure, ...]:
        p, y = drawn(n, 3)
        flat = np.full(n, 0.13)
        worse = "base-rate" if good == "hazard" else "hazard"
        made = [*bins(p, y, who=good, base=0.13), *bins(flat, y, who=worse, base=0.13)]
        return track_record.figures_of(sorted(made, key=lambda b: (b.forecaster, b.horizon, b.step)), 30)

    def test_the_better_one_leads_once_that_is_known(self) -> None:
        before = {"7d": "base-rate"}
        assert track_record.choose_leaders(self.figures(40, "hazard"), before)["7d"] == "base-rate"
        assert track_record.choose_leaders(self.figures(4000, "hazard"), before)["7d"] == "hazard"

    def test_worse_than_the_base_rate_does_not_lead(self) -> None:
        found = track_record.choose_leaders(self.figures(4000, "base-rate"), {"7d": "hazard"})
        assert found["7d"] == "base-rate"

    def test_a_newcomer_of_calm_times_does_not_lead_by_them(self) -> None:
        _, y = drawn(8000, 5)
        wild = bins(np.full(4000, 0.13), y[:4000], who="base-rate", base=0.13)
        calm = np.where(np.arange(4000) < 40, 1.0, 0.0)
        same = bins(np.full(4000, 0.13), calm, who="base-rate", base=0.13)
        # On the rows that both have it is worse than the base rate.
        new = bins(np.full(4000, 0.2), calm, who="hazard", base=0.13)
        merged: dict[int, FailureBin] = {}
        for b in [*wild, *same]:
            a = merged.get(b.step)
            merged[b.step] = b if a is None else FailureBin(
                *astuple(b)[:3], *(x + z for x, z in zip(astuple(a)[3:], astuple(b)[3:], strict=True))
            )  # fmt: skip
        figures = track_record.figures_of([*merged.values(), *new], 30)
        assert track_record.choose_leaders(figures, {"7d": "base-rate"})["7d"] == "base-rate"

    def test_equals_do_not_take_turns(self) -> None:
        p, y = drawn(4000, 4)
        both = track_record.figures_of([*bins(p, y, who="a"), *bins(p + 1e-4, y, who="b")], 30)
        for holder in ("a", "b"):
            assert track_record.choose_leaders(both, {"7d": holder})["7d"] == holder


class TestThresholds:
    def learned(self, p: np.ndarray, y: np.ndarray, share: float = 0.05) -> Thresholds:
        made = [*bins(p, y, "24h"), *bins(p, y, "7d")]
        return learn(made, false_alarm_budget=0.15, inspections_per_day=share, least_settled=30)

    def test_the_budget_is_kept_on_others(self) -> None:
        rng = np.random.default_rng(5)
        p = np.where(rng.random(8000) < 0.1, rng.beta(8, 2, 8000), rng.beta(0.3, 6, 8000))
        y = (rng.random(8000) < p).astype(float)
        found = self.learned(p, y, share=1.0)
        fresh = (rng.random(8000) < p).astype(float)
        assert 0.5 < found.high < CEILING
        assert float(1 - fresh[p >= found.high].mean()) <= 0.17
        few = self.learned(p, y, share=0.03)
        assert few.high > found.high
        assert float((p >= few.high).mean()) <= 0.031

    @pytest.mark.parametrize("case", ["none", "few", "no failure", "hopeless"])
    def test_every_level_can_be_reached(self, case: str) -> None:
        p, y = drawn({"none": 0, "few": 60}.get(case, 4000), 6, calibrated=False)
        if case == "no failure":
            y = y * 0
        found = self.learned(p, y)
        levels = {found.level(a, b) for a in np.linspace(0, 1, 101) for b in np.linspace(0, 1, 101)}
        assert levels == {"low", "moderate", "high", "critical"}
        if case != "hopeless":
            assert found.reason.startswith("priors")
        else:
            assert "no probability keeps the budget" in found.reason

    def test_levels_rise_with_the_probability(self) -> None:
        order = ["low", "moderate", "high", "critical"]
        rules = Thresholds()
        for near in (0.0, 0.6):
            found = [order.index(rules.level(near, p)) for p in np.linspace(0, 1, 50)]
            assert found == sorted(found)


def test_a_record_survives_the_database() -> None:
    from dataclasses import asdict

    import orjson

    p, y = drawn(400, 7)
    record = track_record.TrackRecord(
        made_at=NOW, figures=track_record.figures_of(bins(p, y), 30), warnings=track_record.Warnings(3, 1, 1)
    )
    again = track_record._read(orjson.loads(orjson.dumps(asdict(record))))
    assert again == record
    assert again.warnings.false_share is not None
    assert HOUR < DAY
