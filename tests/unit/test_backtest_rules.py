"""Backtests: what marks say of pages, by cases worked out by hand; configurations, words and bars."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from homepot_ai import intervals
from homepot_ai.errors import BacktestError
from homepot_ai.health.backtest import judge, planning
from homepot_ai.health.backtest.answer import answer
from homepot_ai.health.backtest.planning import BacktestPlan, Part
from homepot_ai.health.backtest.records import Backtest, DeviceName, Marked, Page
from homepot_ai.health.backtest.run import Watch
from homepot_ai.health.backtest.trial import LimitTrial, Trial, TypeTrial, changes
from homepot_ai.health.config import HealthConfig, Limit, Thresholds
from homepot_ai.health.records import Episode, MinuteResult
from homepot_ai.reporting import backtest_view, backtest_words
from homepot_ai.reporting.backtest_chart import COLOUR_A, COLOUR_B, pages_per_day
from homepot_ai.reporting.backtest_command import parse_trial
from homepot_ai.reporting.drawing import Area
from homepot_ai.settings import Settings

START = datetime(2026, 11, 16, tzinfo=UTC)
T0 = START.timestamp()
MINUTE = 60.0


def page(device: int, opened: float, ended: float | None = None, **other: object) -> Page:
    """A page; times in minutes after the start."""
    made = Page(
        device_id=device,
        opened_at=T0 + opened * MINUTE,
        ended_at=None if ended is None else T0 + ended * MINUTE,
        severity="warning",
        strength=0.8,
        opened_by="evidence",
        metric="cpu_percent",
        why="CPU 97.2 %, expected at most 90.0 %",
    )
    return replace(made, **other)  # type: ignore[arg-type]


def mark(number: int, device: int, started: float, ended: float | None, verdict: str) -> Marked:
    return Marked(
        number, device, T0 + started * MINUTE, None if ended is None else T0 + ended * MINUTE, verdict
    )  # type: ignore[arg-type]


class TestJudging:
    def test_a_page_is_judged_by_the_marks_of_its_own_device_that_it_overlaps(self) -> None:
        marks = [mark(1, 1, 10, 20, "true"), mark(2, 1, 30, 40, "false"), mark(3, 2, 10, None, "false")]
        cases = {
            (1, 5, 9): None,  # over before it began
            (1, 5, 10): "true",  # they share a moment
            (1, 20, 25): "true",
            (1, 21, 29): None,
            (1, 35, None): "false",
            (1, 15, 35): "true",  # both: what is right in it counts
            (2, 500, 600): "false",  # a marked one that is still open
            (3, 10, 20): None,  # somebody else's
        }
        pages = [page(*case) for case in cases]
        assert judge.verdicts(pages, marks) == list(cases.values())

    def test_the_delay_is_that_of_the_first_page_which_overlaps(self) -> None:
        wanted = [mark(1, 1, 100, 200, "true"), mark(2, 2, 100, 200, "true"), mark(3, 3, 100, 200, "true")]
        pages = [page(1, 150, 160), page(1, 103, 110), page(1, 10, 20), page(2, 90, 101), page(3, 201, 210)]
        assert judge.delays(pages, wanted) == [3.0, -10.0, None]

    def test_median_and_ninth_tenth(self) -> None:
        # Ranks 0..4 of 5: the 90 % point lies at rank 3.6, between 8 and 20.
        found = judge.summary_of([8.0, None, 1.0, 20.0, 2.0, 4.0])
        assert found is not None
        assert (found.median, found.p90, found.of) == (4.0, pytest.approx(8 + 0.6 * 12), 5)
        assert judge.summary_of([None, None]) is None

    @pytest.mark.parametrize(
        # From Wilson's formula worked with a pocket calculator, z = 1.96.
        ("hits", "of", "low", "high"),
        [(8, 10, 0.490, 0.943), (0, 5, 0.0, 0.434), (5, 5, 0.566, 1.0), (50, 100, 0.404, 0.596)],
    )
    def test_wilson(self, hits: int, of: int, low: float, high: float) -> None:
        share = judge.wilson(hits, of)
        assert share is not None
        assert share.low == pytest.approx(low, abs=1e-3)
        assert share.high == pytest.approx(high, abs=1e-3)
        # The ends solve (p - x)^2 = z^2 x (1 - x) / n.
        for end in (share.low, share.high):
            if 0 < end < 1:
                assert (share.value - end) ** 2 == pytest.approx(
                    intervals.Z**2 * end * (1 - end) / of, rel=1e-4
                )

    def test_nothing_judged_has_no_precision(self) -> None:
        assert judge.wilson(0, 0) is None

    def test_only_in_one(self) -> None:
        a = [page(1, 10, 20), page(1, 30, 40), page(2, 10, 20)]
        b = [page(1, 15, 18), page(2, 25, None)]
        assert judge.only_in(a, b) == [1, 2]
        assert judge.only_in(b, a) == [1]


def plan(*configurations: HealthConfig, devices: int = 4, days: int = 2, **other: object) -> BacktestPlan:
    names = {
        n: DeviceName(n, f"DEVICE-{n}", f"Checkout {n}", "pos_terminal", n % 2, f"Site {n % 2}")
        for n in range(1, devices + 1)
    }
    end = START + timedelta(days=days)
    made = BacktestPlan(
        start=START,
        end=end,
        at=end,
        site_id=None,
        site=None,
        timezone="UTC",
        names=names,
        parts=[Part(0, START - timedelta(days=10), 1000, 2000)],
        trials=[Trial()] * max(1, len(configurations)),
        configurations=configurations or (HealthConfig(),),
        offsets={},
        missing=(),
    )
    return replace(made, **other)  # type: ignore[arg-type]


DAY = 1440.0
MARKS = [
    mark(1, 1, 100, 130, "true"),
    mark(2, 1, 500, 520, "false"),
    mark(3, 2, 100, 200, "true"),
    mark(4, 3, -30, 20, "true"),  # began before the range
]
A = [page(1, 104, 125), page(1, 505, 512), page(2, 190, 230, severity="critical"), page(3, -20, 15),
     page(4, DAY + 5, None, severity="info")]  # fmt: skip
B = [page(1, 110, 125, opened_by="limit"), page(4, 300, 310)]


class TestAnswer:
    @pytest.fixture
    def found(self) -> Backtest:
        quieter = Trial(false_alarms_per_week=0.1).apply(HealthConfig())
        return answer(Settings(), plan(HealthConfig(), quieter), [A, B], MARKS)

    def test_pages_are_those_that_opened_in_the_range(self, found: Backtest) -> None:
        a = found.a
        assert (a.pages, a.critical, a.warning, a.info, a.devices_paged) == (4, 1, 2, 1, 3)
        assert a.per_day == (3, 1)
        # 4 pages of 4 devices in two sevenths of a week.
        assert a.per_device_week == pytest.approx(3.5)
        assert any("already open" in note for note in found.notes)

    def test_precision_recall_and_delay(self, found: Backtest) -> None:
        a, b = found.a, found.b
        assert b is not None
        assert (a.confirmed, a.known_false, a.unmarked) == (2, 1, 1)
        assert a.precision is not None
        assert (a.precision.hits, a.precision.of) == (2, 3)
        assert a.recall is not None
        assert (a.recall.hits, a.recall.of) == (2, 2), "the one that began before the range is not wanted"
        assert a.delay is not None
        assert (a.delay.median, a.delay.of) == ((4 + 90) / 2, 2)
        assert (b.confirmed, b.known_false, b.unmarked) == (1, 0, 1)
        assert b.recall is not None
        assert (b.recall.hits, b.recall.of) == (1, 2)
        assert [(item.anomaly_id, item.device) for item in found.missed_b] == [(3, "Checkout 2")]
        assert found.missed_a == ()

    def test_side_by_side(self, found: Backtest) -> None:
        assert (found.both, found.only_a_total, found.only_b_total) == (1, 3, 1)
        assert [line.verdict for line in found.only_a] == ["true", "false", None]
        assert [(c.name, c.a, c.b) for c in found.sites] == [("Site 0", 2, 1), ("Site 1", 2, 1)]
        assert [(c.name, c.a, c.b) for c in found.noisiest] == [
            ("Checkout 1", 2, 1), ("Checkout 2", 1, 0), ("Checkout 4", 1, 1),
        ]  # fmt: skip

    def test_the_same_input_gives_the_same_bytes(self, found: Backtest) -> None:
        quieter = Trial(false_alarms_per_week=0.1).apply(HealthConfig())
        again = answer(
            Settings(), plan(HealthConfig(), quieter), [list(reversed(A)), B], list(reversed(MARKS))
        )
        assert again.model_copy(update={"only_a": found.only_a}) == found
        assert Backtest.model_validate_json(found.canonical_json()) == found

    def test_the_verdict_in_plain_words(self, found: Backtest) -> None:
        said = backtest_words.headline(found).replace("\N{NO-BREAK SPACE}", " ")
        assert said == (
            "b would have paged 50 % less than a (2 instead of 4) and missed 1 of 2 confirmed "
            "anomalies (a missed none)."
        )
        assert backtest_words.level(found) == "warning"
        alone = found.model_copy(update={"b": None})
        assert backtest_words.headline(alone) == (
            "a would have paged 4 times, 3.5 per device and week, and missed none of 2 confirmed anomalies."
        )

    @pytest.mark.parametrize(
        ("a", "b", "words"),
        [
            (0, 0, "as little as a: not at all"),
            (1, 1, "as often as a (once)"),
            (0, 3, "3 times, a not at all"),
            (4, 0, "not at all, a 4 times"),
            (10, 35, "3.5 times as often as a (35 instead of 10)"),
            (10, 13, "30 % more than a (13 instead of 10)"),
        ],
    )
    def test_how_often_in_words(self, found: Backtest, a: int, b: int, words: str) -> None:
        assert found.b is not None
        bare = {"recall": None}
        changed = found.model_copy(
            update={
                "a": found.a.model_copy(update={"pages": a, **bare}),
                "b": found.b.model_copy(update={"pages": b, **bare}),
            }
        )
        said = backtest_words.headline(changed).replace("\N{NO-BREAK SPACE}", " ")
        assert said == f"b would have paged {words}."

    def test_without_marks_nothing_is_claimed(self) -> None:
        found = answer(Settings(), plan(), [A], [])
        assert found.a.precision is None
        assert found.a.recall is None
        assert "missed" not in backtest_words.headline(found)
        assert backtest_words.details(found) == (backtest_words.NO_MARKS,)
        assert backtest_words.level(found) == "unknown"

    def test_days_are_local_and_a_minute_that_ends_at_midnight_is_yesterdays(self) -> None:
        berlin = plan(timezone="Europe/Berlin")
        found = answer(Settings(), berlin, [[page(1, 23 * 60), page(1, 23 * 60 + 1)]], [])
        assert found.days == (date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18))
        assert found.a.per_day == (1, 1, 0)

    def test_thresholds_that_marks_moved_are_told(self) -> None:
        both = plan(HealthConfig(), HealthConfig(), offsets={"pos_terminal": 0.25, "kiosk": -0.1})
        made = replace(both, trials=[Trial(), Trial(moved_by_marks=False)])
        found = answer(Settings(), made, [A, B], [])
        assert found.b is not None
        assert (found.a.changes, found.b.changes) == (
            (),
            ("without the alarm thresholds that marks have moved",),
        )
        assert any("kiosk by -0.10 decades, pos_terminal by +0.25 decades" in note for note in found.notes)

    def test_two_sites_of_one_name_stay_two(self) -> None:
        both = plan()
        names = {n: replace(name, site="Shop") for n, name in both.names.items()}
        found = answer(Settings(), replace(both, names=names), [A], MARKS)
        assert [(c.name, c.a) for c in found.sites] == [("Shop", 2), ("Shop", 2)]

    def test_names_of_others_break_no_table(self) -> None:
        wild = plan(HealthConfig(), Trial(false_alarms_per_week=0.1).apply(HealthConfig()))
        names = {n: replace(name, name="a|b<script>`x`\n# h") for n, name in wild.names.items()}
        found = answer(Settings(), replace(wild, names=names), [A, B], MARKS)
        view = backtest_view.build(found, organisation="x", made_at=START, digest="0")
        text = backtest_view.markdown(found, view, number=1, replayed=False, seconds=1, size=1)
        assert "<script>" not in text
        assert "a/b‹script>'x' # h" in text
        assert not any(line.startswith("# h") for line in text.splitlines())


def test_bars_are_as_tall_as_their_counts() -> None:
    quieter = Trial(false_alarms_per_week=0.1).apply(HealthConfig())
    found = answer(Settings(), plan(HealthConfig(), quieter), [A, B], MARKS)
    drawing = pages_per_day(found)

    def heights(colour: str) -> list[float]:
        bars = [s for s in drawing.shapes if isinstance(s, Area) and s.fill == colour]
        return [max(y for _, y in bar.points) - min(y for _, y in bar.points) for bar in bars]

    a, b = heights(COLOUR_A), heights(COLOUR_B)
    assert a == pytest.approx([3 * a[1], a[1]])
    assert b == pytest.approx([2 * a[1]]), "the same scale for both"
    assert "a 4 in all" in drawing.title
    assert "b 2 in all" in drawing.title


class TestTrial:
    def test_what_is_left_empty_is_as_in_force(self) -> None:
        ours = HealthConfig(thresholds=Thresholds(healthy=0.9, critical=0.3))
        assert Trial().apply(ours) == ours
        assert changes(Trial().apply(ours), ours) == ()

    def test_limits_are_moved_added_and_taken_away(self) -> None:
        ours = HealthConfig()
        tried = Trial(
            limits=(
                LimitTrial(metric="cpu_percent", value=95),
                LimitTrial(metric="disk_percent"),
                LimitTrial(metric="queue_wait", value=5, severe=50),
                LimitTrial(metric="failed_checks_in_row", value=6),
            )
        ).apply(ours)
        assert tried.limits["cpu_percent"] == Limit(value=95, severe=99, minutes=10)
        assert "disk_percent" not in tried.limits
        assert tried.limits["queue_wait"] == Limit(value=5, severe=50, minutes=5)
        assert tried.signals["failed_checks_in_row"].value == 6
        assert changes(tried, ours) == (
            "CPU limit at 95.0 % (severe 99.0 %, 10 min) instead of 90.0 % (severe 99.0 %, 10 min)",
            "no limit for Disk",
            "Failed health checks in a row limit at 6 (severe 15, 0 min) instead of 3 (severe 15, 0 min)",
            "Queue wait limit at 5 (severe 50, 5 min)",
        )

    def test_a_device_type_has_its_own(self) -> None:
        ours = HealthConfig()
        kiosk = TypeTrial(
            device_type="kiosk",
            critical=0.2,
            limits=(LimitTrial(metric="cpu_percent", value=97, severe=99.5),),
        )
        tried = Trial(device_types=(kiosk,)).apply(ours)
        assert tried.limits_for("kiosk")["cpu_percent"].value == 97
        assert tried.limits_for("gateway") == ours.limits_for("gateway")
        assert tried.thresholds_for("kiosk") == Thresholds(healthy=0.8, critical=0.2)
        assert changes(tried, ours) == (
            "kiosk: healthy above 0.8, critical below 0.2",
            "kiosk: CPU limit at 97.0 % (severe 99.5 %, 10 min)",
        )

    @pytest.mark.parametrize(
        ("trial", "complaint"),
        [
            (Trial(critical=0.9), r"critical \(0.9\) must be below healthy"),
            (Trial(limits=(LimitTrial(metric="cpu_percent", value=99.5),)), "raise `severe`"),
            (Trial(limits=(LimitTrial(metric="queue_wait", value=5),)), "both its value and its severe"),
            (
                Trial(device_types=(TypeTrial(device_type="x", limits=(LimitTrial(metric="cpu_percent"),)),)),
                "never reached",
            ),
        ],
    )
    def test_what_cannot_be_tried_says_why(self, trial: Trial, complaint: str) -> None:
        with pytest.raises(BacktestError, match=complaint):
            trial.apply(HealthConfig())

    @pytest.mark.parametrize(
        ("typed", "complaint"),
        [
            ("false_alarms_per_week", "name=value"),
            ("false_alarms_per_week=0", "greater than 0"),
            ("alarms=3", "it may have false_alarms_per_week"),
        ],
    )
    def test_typed_wrongly(self, typed: str, complaint: str) -> None:
        with pytest.raises(BacktestError, match=complaint):
            parse_trial([typed])


def episode(opened: float, ended: float | None = None, **other: object) -> Episode:
    nan = math.nan
    made = Episode(
        1, opened, ended, nan, 0.7, 0.6, "warning", "cpu_percent", 97.0, nan, 90.0, 0.5, "evidence"
    )
    return replace(made, **other)  # type: ignore[arg-type]


def minute(**what: list[Episode]) -> MinuteResult:
    empty: dict[str, list[Episode]] = {"opened": [], "updated": [], "closed": []}
    return MinuteResult(**(dict.fromkeys(MinuteResult.__dataclass_fields__) | empty | what))  # type: ignore[arg-type]


def test_an_episode_is_kept_in_its_last_state_and_only_if_it_reaches_into_the_range() -> None:
    watch = Watch(after=100.0)
    watch.take(minute(opened=[episode(10)]))
    watch.take(minute(closed=[episode(10, 100.0)]))  # over when the range begins
    watch.take(minute(opened=[episode(95)]))
    watch.take(minute(closed=[episode(95, 160.0)]))
    watch.take(minute(opened=[episode(200)]))
    watch.take(minute(updated=[episode(200, severity="critical")]))
    assert [(p.opened_at, p.ended_at, p.severity) for p in watch.pages()] == [
        (95, 160.0, "warning"),
        (200, None, "critical"),
    ]


def test_the_estimate_grows_with_what_is_read() -> None:
    one, two = planning.seconds_for(1e6, 1e4, 1), planning.seconds_for(1e6, 1e4, 2)
    assert one < two < 2 * one, "what is read is read once for both"
    assert planning.seconds_for(2e6, 2e4, 1) == pytest.approx(2 * one)
