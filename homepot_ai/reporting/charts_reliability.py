"""Said against happened: the reliability plot, with its Wilson intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from homepot_ai.reporting.charts import BLUE, FAINT, MUTED
from homepot_ai.reporting.charts_trend import GRID
from homepot_ai.reporting.drawing import Dot, Drawing, Label, Line, Shape, rectangle


def reliability_chart(
    points: Sequence[tuple[float, float, float, float, int]],
    *,
    title: str,
    axes: tuple[str, str],
    ideal: str,
    percent: Sequence[str] = ("0", "50 %", "100 %"),
    size: float = 220,
    text_size: float = 7.5,
) -> Drawing:
    """What was said to the right, what happened upwards; on the diagonal both are the same.

    A dot's area grows with its number of forecasts, the upright line is its 95 % interval; how many stands
    beside it.

    Args:
        points: (said, happened, low, high, n), shares 0-1.
        axes: words of the two axes; ideal: the diagonal's word; percent: ticks at 0, 0.5 and 1.
    """
    left, right, top, bottom = text_size * 5.0, text_size * 2.0, text_size * 2.2, text_size * 3.6
    side = size - left - right
    height = side + top + bottom

    def x(share: float) -> float:
        return left + share * side

    def y(share: float) -> float:
        return top + (1 - share) * side

    shapes: list[Shape] = [rectangle(left, top, side, side, FAINT)]
    for share, text in zip((0.0, 0.5, 1.0), percent, strict=True):
        shapes.append(Line(((x(share), y(0)), (x(share), y(1))), GRID, 0.5))
        shapes.append(Line(((x(0), y(share)), (x(1), y(share))), GRID, 0.5))
        shapes.append(Label((left - 4, y(share) + text_size * 0.36), text, text_size, MUTED, "end"))
        shapes.append(Label((x(share), y(0) + text_size * 1.4), text, text_size, MUTED, "middle"))
    shapes.append(Line(((x(0), y(0)), (x(1), y(1))), "#b7bec6", 1.0))
    shapes.append(Label((x(0.86), y(0.97)), ideal, text_size, MUTED, "end"))
    shapes.append(Label((left, top - text_size * 0.8), axes[1], text_size, MUTED))
    shapes.append(Label((x(1), y(0) + text_size * 2.9), axes[0], text_size, MUTED, "end"))
    most = max((n for *_, n in points), default=1)
    for said, _, low, high, _ in points:
        shapes.append(Line(((x(said), y(low)), (x(said), y(high))), "#8fc1e3", 1.6))
    if len(points) > 1:
        shapes.append(Line([(x(said), y(happened)) for said, happened, *_ in points], BLUE, 1.1))
    for said, happened, _, _, n in points:
        shapes.append(Dot((x(said), y(happened)), 1.8 + 2.6 * (n / most) ** 0.5, BLUE))
    for said, happened, low, _, n in points[-4:]:
        # Beside the interval's foot, where nothing else is drawn.
        beside = said < 0.8
        at = (x(said) + (4 if beside else -4), y(max(low - 0.01, 0.01 if happened else 0.03)))
        shapes.append(Label(at, f"n {n}", text_size - 1, MUTED, "start" if beside else "end"))
    return Drawing(size, height, title, tuple(shapes))
