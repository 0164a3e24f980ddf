"""Values over time: a line with its expected band, marks, a forecast's fan; small ones for tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite, log10

from homepot_ai.reporting.charts import BAND, BLUE, FAINT, MUTED, VERMILLION
from homepot_ai.reporting.drawing import Area, Dot, Drawing, Label, Line, Point, Shape, rectangle

GRID = "#d5dae0"
FAN = "#cfe3f2"
Ticks = Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Fan:
    """A forecast: from the last value on, an interval that opens until `at` (in steps)."""

    at: float
    low: float
    mid: float
    high: float


def trend_chart(
    values: Sequence[float | None],
    *,
    title: str,
    said: Callable[[float], str],
    ticks: Ticks,
    band: tuple[float | None, float | None] = (None, None),
    marks: Ticks = (),
    limit: tuple[float, str] | None = None,
    fan: Fan | None = None,
    scale: tuple[float, float] | None = None,
    width: float = 680,
    height: float = 120,
    text_size: float = 7.5,
) -> Drawing:
    """A line over equal steps of time. It breaks where nothing came; its last value stands beside it.

    Args:
        values: one of each step; None: nothing came.
        said: how a value is written, with its unit.
        ticks: (step, text) of the time axis; marks: (step, text) of upright lines with a word at the top.
        band: the expected band, grey; an open side runs to the edge.
        limit: a level that must not be crossed, and its word.
        scale: lowest and highest value that must be on the chart; None: of what is drawn.
    """
    left, right = text_size * 6.2, text_size * 6.2
    top, bottom = text_size * (1.9 if marks else 0.9), text_size * 2.1
    wide, tall = width - left - right, height - top - bottom
    steps = max(1.0, len(values), fan.at if fan else 0.0)
    known = [value for value in values if value is not None and isfinite(value)]
    edges = [edge for edge in band if edge is not None and isfinite(edge)]
    more = [fan.low, fan.high] if fan else []
    low, high = _span([*known, *edges, *more, *([limit[0]] if limit else []), *(scale or ())])
    floor_y = top + tall

    def x(step: float) -> float:
        return left + step / steps * wide

    def y(value: float) -> float:
        return floor_y - (min(max(value, low), high) - low) / (high - low) * tall

    shapes: list[Shape] = [rectangle(left, top, wide, tall, FAINT)]
    if edges:
        upper = y(band[1]) if band[1] is not None and isfinite(band[1]) else top
        lower = y(band[0]) if band[0] is not None and isfinite(band[0]) else floor_y
        shapes.append(rectangle(left, upper, wide, max(lower - upper, 1.2), BAND))
    for value in _round_values(low, high):
        shapes.append(Line(((left, y(value)), (left + wide, y(value))), GRID, 0.5))
        shapes.append(Label((left - 4, y(value) + text_size * 0.36), said(value), text_size, MUTED, "end"))
    shapes += _time_axis(ticks, x, floor_y, steps, text_size)
    shapes += _upright(marks, x, top, floor_y, text_size, left + wide)
    if limit is not None:
        level = y(limit[0])
        shapes += _dashes((left, level), (left + wide, level), VERMILLION)
        shapes.append(Label((left + 3, level - 2.5), limit[1], text_size, VERMILLION))
    last = next(((i, v) for i, v in reversed(list(enumerate(values))) if v is not None), None)
    if fan is not None and last is not None:
        begin = (x(last[0] + 0.5), y(last[1]))
        shapes.append(Area((begin, (x(fan.at), y(fan.high)), (x(fan.at), y(fan.low))), FAN))
        shapes += _dashes(begin, (x(fan.at), y(fan.mid)), BLUE)
    shapes += line_of(values, x, y)
    if last is not None:
        at = (x(last[0] + 0.5), y(last[1]))
        shapes.append(Dot(at, 2.0, BLUE))
        beside = (left + wide + 5, at[1] + text_size * 0.36)
        shapes.append(Label(beside, said(last[1]), text_size, BLUE, bold=True))
        if fan is not None and abs(y(fan.mid) - at[1]) > text_size * 1.1:
            there = (left + wide + 5, y(fan.mid) + text_size * 0.36)
            shapes.append(Label(there, said(fan.mid), text_size, MUTED))
    return Drawing(width, height, title, tuple(shapes))


def trend_line(
    values: Sequence[float | None],
    *,
    title: str,
    scale: tuple[float, float],
    width: float = 120,
    height: float = 24,
) -> Drawing:
    """A small line for a table's row; the same `scale` in every row of a column. First and last have dots."""
    pad = 3.0
    low, high = scale if scale[1] > scale[0] else (scale[0] - 0.5, scale[0] + 0.5)
    step = (width - 2 * pad) / max(1, len(values))

    def x(at: float) -> float:
        return pad + at * step

    def y(value: float) -> float:
        return pad + (high - min(max(value, low), high)) / (high - low) * (height - 2 * pad)

    shapes: list[Shape] = [Line(((pad, y(low)), (width - pad, y(low))), GRID, 0.5)]
    shapes += line_of(values, x, y, width=1.1)
    known = [i for i, value in enumerate(values) if value is not None]
    for place, colour in ((known[:1], MUTED), (known[-1:], BLUE)):
        shapes += [Dot((x(i + 0.5), y(values[i] or 0.0)), 1.8, colour) for i in place]
    return Drawing(width, height, title, tuple(shapes))


def columns_chart(
    values: Sequence[float],
    *,
    title: str,
    ticks: Ticks,
    part: Sequence[float] = (),
    limit: tuple[float, str] | None = None,
    width: float = 680,
    height: float = 96,
    text_size: float = 7.5,
) -> Drawing:
    """Columns over equal steps, each with its number on top; `part` of each is dark, from the foot.

    Args:
        limit: a level to compare with, and its word.
    """
    left, right, top, bottom = text_size * 3.2, text_size * 0.5, text_size * 1.8, text_size * 2.1
    wide, tall = width - left - right, height - top - bottom
    steps = max(1, len(values))
    step, floor_y = wide / steps, top + tall
    highest = max([*values, limit[0] if limit else 0.0, 1.0])

    def y(value: float) -> float:
        return floor_y - value / highest * tall

    shapes: list[Shape] = [rectangle(left, top, wide, tall, FAINT)]
    for i, value in enumerate(values):
        begin, across = left + i * step + step * 0.12, step * 0.76
        if value > 0:
            shapes.append(rectangle(begin, y(value), across, floor_y - y(value), "#8fc1e3"))
        if i < len(part) and part[i] > 0:
            shapes.append(rectangle(begin, y(part[i]), across, floor_y - y(part[i]), VERMILLION))
        if value > 0 and step > text_size * 1.6:
            over = (begin + across / 2, y(value) - 2.5)
            shapes.append(Label(over, f"{value:g}", text_size, MUTED, "middle"))
    if limit is not None:
        level = y(limit[0])
        shapes += _dashes((left, level), (left + wide, level), MUTED)
        shapes.append(Label((left + wide, level - 2.5), limit[1], text_size, MUTED, "end"))
    shapes.append(Label((left - 4, floor_y + text_size * 0.36), "0", text_size, MUTED, "end"))
    shapes += _time_axis(ticks, lambda at: left + at * step, floor_y, steps, text_size)
    return Drawing(width, height, title, tuple(shapes))


def line_of(
    values: Sequence[float | None],
    x: Callable[[float], float],
    y: Callable[[float], float],
    *,
    width: float = 1.3,
) -> list[Shape]:
    """The line through the middles of steps; it breaks where there is no value, and one alone is a dash."""
    shapes: list[Shape] = []
    run: list[Point] = []
    for i, value in enumerate([*values, None]):
        if value is not None and isfinite(value):
            run.append((x(i + 0.5), y(value)))
            continue
        if len(run) == 1:
            half = (x(1.0) - x(0.0)) / 2
            run = [(run[0][0] - half, run[0][1]), (run[0][0] + half, run[0][1])]
        if run:
            shapes.append(Line(tuple(run), BLUE, width))
        run = []
    return shapes


def _span(numbers: Sequence[float]) -> tuple[float, float]:
    """A scale that holds these with a margin; never of no height."""
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    margin = (high - low) * 0.08 or abs(high) * 0.05 or 0.5
    # A margin must not show what cannot be: nothing below none.
    return (low - margin if low < 0 or low - margin >= 0 else 0.0), high + margin


def _round_values(low: float, high: float) -> list[float]:
    """Two to four round numbers between the ends of a scale.

    >>> _round_values(0.0, 97.0), _round_values(0.62, 0.97)
    ([0.0, 50.0], [0.7, 0.8, 0.9])
    """
    rough = (high - low) / 3
    power = 10.0 ** floor(log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.75)
    first = -(-low // step)
    found = [round((first + i) * step, 10) for i in range(6)]
    return [value for value in found if low <= value <= high]


def _time_axis(
    ticks: Ticks, x: Callable[[float], float], floor_y: float, steps: float, text_size: float
) -> list[Shape]:
    shapes: list[Shape] = []
    for at, text in ticks:
        anchor = "start" if at <= 0 else "end" if at >= steps else "middle"
        shapes.append(Line(((x(at), floor_y), (x(at), floor_y + 3)), MUTED, 0.6))
        shapes.append(Label((x(at), floor_y + text_size * 1.67), text, text_size, MUTED, anchor))
    return shapes


def _upright(
    marks: Ticks, x: Callable[[float], float], top: float, floor_y: float, text_size: float, edge: float
) -> list[Shape]:
    """Upright lines; words that would run into each other or over the edge stand on the line's other side."""
    shapes: list[Shape] = []
    ordered = sorted(marks)
    nexts = [x(b) - x(a) for (a, _), (b, _) in pairwise(ordered)]
    nexts += [edge - x(at) for at, _ in ordered[-1:]]
    for (at, text), room in zip(ordered, nexts, strict=True):
        shapes.append(Line(((x(at), top - 1), (x(at), floor_y)), VERMILLION, 0.9))
        fits = room > len(text) * text_size * 0.6
        where = (x(at) + (1 if fits else -1), top - text_size * 0.45)
        shapes.append(Label(where, text, text_size, VERMILLION, "start" if fits else "end"))
    return shapes


def _dashes(begin: Point, end: Point, colour: str, count: int = 40) -> list[Shape]:
    """A dashed line: both writers draw only whole ones."""

    def at(share: float) -> Point:
        return begin[0] + (end[0] - begin[0]) * share, begin[1] + (end[1] - begin[1]) * share

    return [Line((at(i / count), at((i + 0.55) / count)), colour, 0.9) for i in range(count)]
