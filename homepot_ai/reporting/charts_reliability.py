"""Said against happened: reliability plots side by side, with Wilson intervals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from homepot_ai.reporting.charts import BLUE, FAINT, MUTED
from homepot_ai.reporting.charts_trend import GRID
from homepot_ai.reporting.drawing import Dot, Drawing, Label, Line, Shape, rectangle

#: Forecasts are mostly low: a plot ends at the first of these that holds everything on it.
_ENDS = (0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Panel:
    """One plot: its heading, and (said, happened, low, high, n) of each dot, shares 0-1."""

    heading: str
    points: Sequence[tuple[float, float, float, float, int]]

    @property
    def end(self) -> float:
        """Where both of its scales end.

        >>> Panel("", [(0.24, 0.2, 0.1, 0.38, 50)]).end
        0.5
        """
        most = max((max(said, high) for said, _, _, high, _ in self.points), default=1.0)
        return next((end for end in _ENDS if most <= end), 1.0)


def reliability_charts(
    panels: Sequence[Panel],
    *,
    title: str,
    axes: tuple[str, str],
    ideal: str,
    percent: Callable[[float], str],
    side: float = 150,
    text_size: float = 7.5,
) -> Drawing:
    """What was said to the right, what happened upwards; on the diagonal both are the same.

    A dot's area grows with its number of forecasts, the upright line is its 95 % interval.

    Args:
        axes: words of the two axes; ideal: the diagonal's word; percent: how a share is written.
    """
    left, gap, top, bottom = text_size * 5.2, text_size * 3.0, text_size * 3.8, text_size * 3.6
    each = left + side + gap
    shapes: list[Shape] = []
    for number, panel in enumerate(panels):
        shapes += _plot(panel, number * each + left, top, side, axes, ideal, percent, text_size)
    return Drawing(each * max(1, len(panels)), top + side + bottom, title, tuple(shapes))


def _plot(
    panel: Panel,
    left: float,
    top: float,
    side: float,
    axes: tuple[str, str],
    ideal: str,
    percent: Callable[[float], str],
    text_size: float,
) -> list[Shape]:
    end = panel.end

    def x(share: float) -> float:
        return left + share / end * side

    def y(share: float) -> float:
        return top + (1 - min(share, end) / end) * side

    shapes: list[Shape] = [
        rectangle(left, top, side, side, FAINT),
        Label((left, top - text_size * 2.3), panel.heading, text_size + 0.5, "#1d2329", bold=True),
        Label((left, top - text_size * 0.7), axes[1], text_size, MUTED),
        Label((x(end), y(0) + text_size * 2.9), axes[0], text_size, MUTED, "end"),
    ]
    for share in (0.0, end / 2, end):
        shapes.append(Line(((x(share), y(0)), (x(share), y(end))), GRID, 0.5))
        shapes.append(Line(((x(0), y(share)), (x(end), y(share))), GRID, 0.5))
        shapes.append(Label((left - 4, y(share) + text_size * 0.36), percent(share), text_size, MUTED, "end"))
        anchor = "end" if share == end else "middle"
        shapes.append(Label((x(share), y(0) + text_size * 1.4), percent(share), text_size, MUTED, anchor))
    shapes.append(Line(((x(0), y(0)), (x(end), y(end))), "#b7bec6", 1.0))
    shapes.append(Label((x(end * 0.9), y(end * 0.96)), ideal, text_size, MUTED, "end"))
    for said, _, low, high, _ in panel.points:
        shapes.append(Line(((x(said), y(low)), (x(said), y(high))), "#8fc1e3", 1.6))
    if len(panel.points) > 1:
        shapes.append(Line([(x(said), y(happened)) for said, happened, *_ in panel.points], BLUE, 1.1))
    most = max((n for *_, n in panel.points), default=1)
    for said, happened, _, _, n in panel.points:
        shapes.append(Dot((x(said), y(happened)), 1.8 + 2.6 * (n / most) ** 0.5, BLUE))
    # How many, where there is room for it: below the interval's foot.
    for said, _, low, _, n in panel.points:
        if said > end * 0.12 and low > end * 0.04:
            shapes.append(
                Label((x(said), y(low) + text_size * 0.95), f"n {n}", text_size - 1, MUTED, "middle")
            )
    return shapes
