"""Pages per day as small bars, a beside b."""

from __future__ import annotations

from homepot_ai.health.backtest.records import Backtest
from homepot_ai.reporting.charts import BLUE, MUTED, ORANGE
from homepot_ai.reporting.drawing import Drawing, Label, Line, Shape, rectangle

COLOUR_A, COLOUR_B = BLUE, ORANGE
# More days than this and the bars carry no figures of their own.
FIGURES_UP_TO = 16


def nice(highest: int) -> int:
    """The end of the scale: 1, 2, 5 times a power of ten, not below the highest value.

    >>> [nice(n) for n in (0, 1, 3, 7, 12, 51)]
    [1, 1, 5, 10, 20, 100]
    """
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= highest:
                return step * size
        size *= 10


def pages_per_day(found: Backtest, *, width: float = 680, height: float = 140) -> Drawing:
    """One group of bars for each day; the letter below the bars says which is which where there is room."""
    series = [("a", found.a.per_day, COLOUR_A)]
    if found.b is not None:
        series.append(("b", found.b.per_day, COLOUR_B))
    left, right, bottom, top = 34.0, 8.0, 26.0, 12.0
    plot, floor = width - left - right, height - bottom
    highest = max([*found.a.per_day, *(found.b.per_day if found.b else ()), 0])
    scale = nice(highest)
    step = plot / max(1, len(found.days))
    bar = min(22.0, step * 0.7 / len(series))
    written = len(found.days) <= FIGURES_UP_TO
    shapes: list[Shape] = []
    for share in (0.0, 0.5, 1.0):
        if share * scale != int(share * scale):
            continue
        y = floor - share * (floor - top)
        shapes.append(Line(((left, y), (width - right, y)), "#d5dae0", 0.6))
        shapes.append(Label((left - 6, y + 3), f"{share * scale:,.0f}", 9, MUTED, "end"))
    every = max(1, round(len(found.days) / 14))
    for number, day in enumerate(found.days):
        middle = left + (number + 0.5) * step
        for place, (_, values, colour) in enumerate(series):
            value = values[number]
            x = middle + (place - len(series) / 2) * bar
            tall = value / scale * (floor - top)
            if tall:
                shapes.append(rectangle(x + 0.5, floor - tall, bar - 1, tall, colour))
            if written:
                shapes.append(Label((x + bar / 2, floor - tall - 3), f"{value}", 8.5, MUTED, "middle"))
        if number % every == 0:
            shapes.append(Label((middle, floor + 15), f"{day.day} {day:%b}", 9, MUTED, "middle"))
    return Drawing(width, height, _title(found), tuple(shapes))


def _title(found: Backtest) -> str:
    said = f"Pages per day: a {found.a.pages} in all"
    busiest = max(range(len(found.days)), key=lambda n: found.a.per_day[n], default=None)
    if busiest is not None and found.a.pages:
        said += f", most on {found.days[busiest]:%d %b} ({found.a.per_day[busiest]})"
    return said + (f"; b {found.b.pages} in all" if found.b else "")
