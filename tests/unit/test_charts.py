"""Charts say what their facts say: scales, bands, gaps, words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from homepot_ai.reporting import charts
from homepot_ai.reporting.build import document, voice_of
from homepot_ai.reporting.document import Edition, Figure, Table
from homepot_ai.reporting.drawing import Area, Dot, Drawing, Label, Line
from homepot_ai.reporting.facts import SparkBin, StatusCounts, TimelineBin
from homepot_ai.reporting.sections import day as day_section
from homepot_ai.testing.report_examples import example

START = datetime(2026, 11, 18, 23, tzinfo=UTC)

TEMPLATES = Path(__file__).parents[2] / "templates"


def spark(*scores: float | None) -> Drawing:
    bins = [SparkBin(lowest=score, no_data=0 if score is not None else 15) for score in scores]
    return charts.sparkline(bins, title="t", healthy_above=0.8, width=106, height=26)


def areas(drawing: Drawing, fill: str) -> list[Area]:
    return [shape for shape in drawing.shapes if isinstance(shape, Area) and shape.fill == fill]


def box(area: Area) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in area.points], [y for _, y in area.points]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def test_every_sparkline_has_the_same_scale_from_0_to_1() -> None:
    for scores in ((0.0, 1.0), (0.9, 0.91), (0.4, 0.5)):
        drawing = spark(*scores)
        line = next(s for s in drawing.shapes if isinstance(s, Line) and s.stroke == charts.BLUE)
        expected = [3 + (1 - score) * 20 for score in scores]
        assert [y for _, y in line.points] == pytest.approx(expected)
        assert box(areas(drawing, charts.BAND)[0])[1:] == pytest.approx((3, 100, 4))


def test_a_sparkline_breaks_where_nothing_was_scored_and_marks_silence() -> None:
    drawing = spark(0.9, 0.8, None, None, 0.2, 0.7)
    lines = [s for s in drawing.shapes if isinstance(s, Line) and s.stroke == charts.BLUE]
    silence = areas(drawing, "#3f464d")

    assert [len(line.points) for line in lines] == [2, 2]
    step = 100 / 6
    assert box(silence[0])[0] == pytest.approx(3 + 2 * step)
    assert box(silence[0])[2] == pytest.approx(2 * step)
    low = next(s for s in drawing.shapes if isinstance(s, Dot) and s.fill == charts.VERMILLION)
    assert low.at == pytest.approx((3 + 4.5 * step, 3 + 0.8 * 20))


def test_a_single_scored_stretch_is_still_a_line() -> None:
    line = next(s for s in spark(None, 0.5, None).shapes if isinstance(s, Line) and s.stroke == charts.BLUE)

    assert len(line.points) == 2


def test_an_all_silent_sparkline_has_no_line_and_no_dot() -> None:
    drawing = spark(None, None)

    assert not [s for s in drawing.shapes if isinstance(s, Dot)]
    assert len(areas(drawing, "#3f464d")) == 1


def bin_of(number: int, **counts: int) -> TimelineBin:
    return TimelineBin(
        start=START + timedelta(minutes=30 * number),
        minutes=StatusCounts(**counts),
        score_points=0,
        scored_minutes=0,
    )


def test_the_day_stacks_shares_from_the_foot_worst_first() -> None:
    bins = [
        bin_of(0, healthy=30),
        bin_of(1, critical=10, warning=5, healthy=15),
        bin_of(2),
        bin_of(3, no_data=9),
    ]
    drawing = charts.day_chart(bins, [(0, "00:00")], title="t", width=234, height=121)
    tall = {
        status: [box(area)[3] for area in areas(drawing, charts.STATUS_COLOUR[status])]
        for status in ("critical", "warning", "no_data", "healthy")
    }
    plot = 121 - 5 - 7.5 * 2.1

    assert tall["critical"] == pytest.approx([plot / 3])
    assert tall["warning"] == pytest.approx([plot / 6])
    assert tall["no_data"] == pytest.approx([plot])
    # Ground for the scored stretches only: the half-hour without a row stays empty.
    assert tall["healthy"] == pytest.approx([plot, plot])
    critical, warning = (areas(drawing, charts.STATUS_COLOUR[s])[0] for s in ("critical", "warning"))
    assert box(critical)[1] > box(warning)[1]


def test_a_band_shows_value_and_edges_in_order() -> None:
    drawing = charts.band_chart(96.4, 12.0, 48.0, title="CPU")
    assert drawing is not None
    left, _, wide, _ = box(areas(drawing, "#ccd2d9")[0])
    dot = next(s for s in drawing.shapes if isinstance(s, Dot))

    assert 0 < left < left + wide < dot.at[0] < drawing.width
    assert dot.fill == charts.VERMILLION
    # The scale is linear: the value lies as far from the band as it should.
    assert (dot.at[0] - left) / wide == pytest.approx((96.4 - 12) / 36)


def test_a_band_open_to_one_side_runs_to_the_edge() -> None:
    below = charts.band_chart(5.0, None, 10.0, title="t")
    assert below is not None
    assert box(areas(below, "#ccd2d9")[0])[0] == 0.0
    assert next(s for s in below.shapes if isinstance(s, Dot)).fill == charts.BLUE


@pytest.mark.parametrize(
    ("observed", "low", "high"),
    [(None, 1.0, 2.0), (1.0, None, None), (float("nan"), 1.0, 2.0), (float("inf"), 1.0, 2.0)],
)
def test_what_cannot_be_drawn_is_left_out(
    observed: float | None, low: float | None, high: float | None
) -> None:
    assert charts.band_chart(observed, low, high, title="t") is None


def test_equal_edges_and_value_do_not_divide_by_zero() -> None:
    assert charts.band_chart(0.0, 0.0, 0.0, title="t") is not None
    assert charts.band_chart(7.0, 7.0, 7.0, title="t") is not None


def test_bars_are_as_long_as_their_share() -> None:
    assert box(areas(charts.share_bar(0.25, title="t", width=80), charts.BLUE)[0])[2] == 20
    assert areas(charts.share_bar(0.0, title="t"), charts.BLUE) == []
    bar = charts.status_bar(StatusCounts(healthy=3, critical=1), title="t", width=100)
    assert box(areas(bar, charts.STATUS_COLOUR["critical"])[0]) == (0, 0, 25, 9)


@pytest.mark.parametrize(
    ("day", "labels", "bins"),
    [
        ("2026-11-19", ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "24:00"], 48),
        ("2026-10-25", ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "24:00"], 50),
        ("2026-03-29", ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "24:00"], 46),
    ],
)
def test_the_axis_is_in_local_time_also_when_the_clock_changes(
    day: str, labels: list[str], bins: int
) -> None:
    facts = example("bad", which=datetime.fromisoformat(day).date())
    section = day_section.build(facts, voice_of(facts, Edition(), TEMPLATES))
    assert section is not None
    (figure,) = section.blocks
    assert isinstance(figure, Figure)
    ticks = [s for s in figure.drawing.shapes if isinstance(s, Label) and ":" in s.text]

    assert len(facts.timeline) == bins
    assert [label.text for label in ticks] == labels
    widths = [round(b.at[0] - a.at[0], 1) for a, b in pairwise(ticks)]
    if day == "2026-10-25":  # three o'clock is four hours after midnight
        assert widths[0] == pytest.approx(widths[1] * 4 / 3, abs=0.2)
    if day == "2026-03-29":
        assert widths[0] == pytest.approx(widths[1] * 2 / 3, abs=0.2)


def test_every_drawing_of_a_report_has_a_title_that_says_something() -> None:
    seen = document(example("bad", fleet=True), Edition(), report_id="r", revision=1, templates=TEMPLATES)
    blocks = [block for section in seen.sections for block in section.blocks]
    drawings = [block.drawing for block in blocks if isinstance(block, Figure)]
    drawings += [
        cell.drawing
        for block in blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
        if cell.drawing
    ]

    # The day, ten sparklines, three sites, twelve bands, four shares.
    assert len(drawings) == 30
    assert all(len(drawing.title) > 20 for drawing in drawings)
    assert all("<title>" in drawing.svg() for drawing in drawings)
