"""Charts of the new sections say what their facts say; and their tables are whole, in any mode and zone."""

from __future__ import annotations

from datetime import date

import pytest

from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.charts import BAND, BLUE, VERMILLION
from homepot_ai.reporting.charts_reliability import Panel, reliability_charts
from homepot_ai.reporting.charts_trend import FAN, Fan, columns_chart, trend_chart, trend_line
from homepot_ai.reporting.document import Bullets, Figure, Paragraph, Section, Table
from homepot_ai.reporting.drawing import Area, Dot, Drawing, Label, Line
from homepot_ai.reporting.facts import PeriodFacts, ReportFacts, Scope, facts_hash, restore
from homepot_ai.reporting.facts.incident import (
    IncidentActions,
    IncidentHeader,
    IncidentImpact,
    IncidentSimilar,
)
from homepot_ai.reporting.periods import start_of_day
from homepot_ai.reporting.sections import incident_unknown
from homepot_ai.reporting.voice import Voice
from homepot_ai.testing.report_examples import example
from homepot_ai.testing.report_examples_incident import incident_example
from homepot_ai.testing.report_examples_sections import monthly_parts


def labels(drawing: Drawing) -> list[str]:
    return [shape.text for shape in drawing.shapes if isinstance(shape, Label)]


def areas(drawing: Drawing, fill: str) -> list[Area]:
    return [shape for shape in drawing.shapes if isinstance(shape, Area) and shape.fill == fill]


def chart(*values: float | None, **more: object) -> Drawing:
    return trend_chart(
        values,
        title="t",
        said=lambda v: f"{v:g}",
        ticks=[(0, "a")],
        width=680,
        height=120,
        **more,  # type: ignore[arg-type]
    )


def test_a_line_breaks_where_nothing_came_and_ends_with_its_value() -> None:
    drawing = chart(10.0, 20.0, None, None, 30.0, 40.0)
    lines = [s for s in drawing.shapes if isinstance(s, Line) and s.stroke == BLUE]
    assert [len(line.points) for line in lines] == [2, 2]
    assert "40" in labels(drawing)
    (dot,) = [s for s in drawing.shapes if isinstance(s, Dot)]
    assert dot.at == lines[-1].points[-1]
    # Higher values stand higher, later ones further right.
    (x0, y0), (x1, y1) = lines[0].points[0], lines[1].points[-1]
    assert x1 > x0
    assert y1 < y0
    assert [
        len(line.points) for line in chart(5.0).shapes if isinstance(line, Line) and line.stroke == BLUE
    ] == [2]


def test_the_band_is_where_it_was_expected_and_open_sides_reach_the_edge() -> None:
    drawing = chart(10.0, 90.0, band=(20.0, 40.0), scale=(0.0, 100.0))
    (closed,) = areas(drawing, BAND)
    ys = sorted({y for _, y in closed.points})
    plot = next(s for s in drawing.shapes if isinstance(s, Area))
    top, floor = min(y for _, y in plot.points), max(y for _, y in plot.points)
    high, low = 108.0, 0.0  # the scale with its margin, which never shows less than nothing
    assert ys == pytest.approx([floor - (v - low) / (high - low) * (floor - top) for v in (40.0, 20.0)])
    (open_,) = areas(chart(10.0, 90.0, band=(20.0, None), scale=(0.0, 100.0)), BAND)
    assert min(y for _, y in open_.points) == pytest.approx(top)


def test_marks_limits_and_forecasts_have_words() -> None:
    drawing = chart(
        70.0, 75.0, 80.0, marks=[(1.0, "opened")], limit=(90.0, "limit 90"), fan=Fan(10.0, 84.0, 88.0, 93.0)
    )
    assert {"opened", "limit 90", "88", "80"} <= set(labels(drawing))
    (fan,) = areas(drawing, FAN)
    right = [x for x, _ in fan.points]
    assert right.count(max(right)) == 2
    assert any(isinstance(s, Line) and s.stroke == VERMILLION for s in drawing.shapes)
    # Everything stays on the page.
    for shape in drawing.shapes:
        if isinstance(shape, Line | Area):
            assert all(0 <= x <= 680 and 0 <= y <= 120 for x, y in shape.points)


@pytest.mark.parametrize(
    "values", [(), (None, None), (0.0, 0.0), (5.0,) * 3, (-3.0, 4.0), (1e12, 1.0), (1e-7, 2e-7)]
)
def test_odd_values_are_drawn_all_the_same(values: tuple[float | None, ...]) -> None:
    assert chart(*values).svg().startswith("<svg")
    assert trend_line(values, title="t", scale=(1.0, 1.0)).svg().startswith("<svg")


def test_columns_have_their_numbers_on_top() -> None:
    drawing = columns_chart(
        [0, 4, 2], title="t", ticks=[(0.5, "Mon")], part=[0, 1, 0], limit=(3, "allowed: 3")
    )
    assert labels(drawing) == ["4", "2", "allowed: 3", "0", "Mon"]
    tall, small = areas(drawing, "#8fc1e3")
    height = [max(y for _, y in a.points) - min(y for _, y in a.points) for a in (tall, small)]
    assert height[0] == pytest.approx(2 * height[1])
    assert len(areas(drawing, VERMILLION)) == 1


def test_a_forecast_that_is_right_lies_on_the_diagonal() -> None:
    points = [(0.1, 0.1, 0.05, 0.2, 100), (0.4, 0.4, 0.2, 0.6, 20)]
    drawing = reliability_charts(
        [Panel("a", points), Panel("b", ())], title="t", axes=("said", "happened"), ideal="as said",
        percent=lambda s: f"{s:.0%}",
    )  # fmt: skip
    diagonal = next(s for s in drawing.shapes if isinstance(s, Line) and s.stroke == "#b7bec6")
    (x0, y0), (x1, y1) = diagonal.points
    dots = [s for s in drawing.shapes if isinstance(s, Dot)]
    assert len(dots) == 2
    for dot in dots:
        assert (dot.at[1] - y0) / (y1 - y0) == pytest.approx((dot.at[0] - x0) / (x1 - x0))
    assert dots[0].radius > dots[1].radius


def month(zone: str = "Europe/Berlin") -> ReportFacts:
    period = PeriodFacts(
        kind="monthly",
        start=start_of_day(date(2026, 10, 1), zone),
        end=start_of_day(date(2026, 11, 1), zone),
        timezone=zone,
        first_day=date(2026, 10, 1),
        last_day=date(2026, 10, 31),
    )
    base = example("bad", fleet=True)
    parts = monthly_parts(period, tuple(site.id for site in base.sites))
    return base.model_copy(
        update={"report_type": "monthly", "period": period, "scope": Scope(kind="fleet"), **parts}
    )


def sections(facts: ReportFacts) -> list[Section]:
    p = facts.period
    voice = Voice("en", p.timezone, p.first_day, p.last_day, p.end)
    found = (plugin.section(facts, voice) for plugin in PLUGINS if facts.report_type in plugin.kinds)
    return [section for section in found if section is not None]


@pytest.mark.parametrize(
    "facts", [month(), month("Australia/Lord_Howe"), incident_example(), incident_example(final=False)]
)
def test_sections_are_whole(facts: ReportFacts) -> None:
    assert facts_hash(restore(facts.model_dump(mode="json"))) == facts_hash(facts)
    keys = []
    for section in sections(facts):
        keys.append(section.key)
        assert section.title
        for block in section.blocks:
            match block:
                case Table(columns=columns, rows=rows):
                    assert rows
                    assert all(len(row) == len(columns) for row in rows), block.name
                    assert len({column.name for column in columns}) == len(columns)
                    told = sum(column.text_width + 2 for column in columns if column.text_width) - 2
                    assert told <= 78, (block.name, told)
                case Figure(drawing=drawing):
                    assert len(drawing.title) > 20
                case Paragraph(text=text):
                    assert text.strip()
                    assert "{" not in text
                case Bullets(items=items):
                    assert items
    assert len(keys) == len(set(keys))
    assert len(keys) >= (15 if facts.report_type == "monthly" else 7)


def test_what_is_unknown_follows_from_what_is_known() -> None:
    facts = incident_example()
    header, impact = facts.incident_header, facts.incident_impact
    similar, actions = facts.incident_similar, facts.incident_actions
    assert isinstance(header, IncidentHeader)
    assert isinstance(impact, IncidentImpact)
    assert isinstance(similar, IncidentSimilar)
    assert isinstance(actions, IncidentActions)
    assert incident_unknown.decide(header, impact, similar, actions).points == (
        "cause", "action_not_judged", "not_marked",
    )  # fmt: skip
    silent = impact.model_copy(update={"pages": 0, "open_minutes_lost": None, "minutes_judged": 0})
    alone = similar.model_copy(update={"past": (), "by_words": True})
    nothing = actions.model_copy(update={"actions": ()})
    assert set(incident_unknown.decide(header, silent, alone, nothing).points) == {
        "cause", "nothing_done", "not_marked", "told_nobody", "opening_hours", "minutes_unjudged",
        "nothing_similar", "searched_by_words",
    }  # fmt: skip
