"""The charts of a report. Each function is pure: facts in, a :class:`Drawing` out.

Colours are the Okabe-Ito palette, which people with any kind of colour vision can tell apart;
nothing is said by colour alone. Expected bands are grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from homepot_ai.reporting.drawing import Dot, Drawing, Label, Line, Point, Shape, rectangle
from homepot_ai.reporting.facts import SparkBin, Status, StatusCounts, TimelineBin

GREEN, ORANGE, VERMILLION, BLUE, SKY = "#009E73", "#E69F00", "#D55E00", "#0072B2", "#56B4E9"
MUTED, BAND, FAINT = "#5f6872", "#e1e5ea", "#f4f6f8"

STATUS_COLOUR: dict[Status, str] = {
    "healthy": "#9FD8C7",
    "warning": ORANGE,
    "critical": VERMILLION,
    "no_data": "#3f464d",
    "in_maintenance": SKY,
    "not_scored": "#c9ced4",
}
# Worst at the bottom, where columns can be compared.
STACK: tuple[Status, ...] = ("critical", "warning", "no_data", "not_scored", "in_maintenance", "healthy")


def sparkline(
    bins: Sequence[SparkBin], *, title: str, healthy_above: float, width: float = 150, height: float = 26
) -> Drawing:
    """Health of one device over its day, on the common scale 0 to 1.

    The grey band is where the device counts as healthy; the dark bar at the foot marks time
    without data; the line breaks where nothing was scored. The lowest point has a dot, and so
    has the last.

    Args:
        bins: equal stretches of the day, the lowest score in each.
    """
    pad = 3.0
    step = (width - 2 * pad) / max(1, len(bins))

    def x(number: float) -> float:
        return pad + (number + 0.5) * step

    def y(score: float) -> float:
        return pad + (1.0 - score) * (height - 2 * pad)

    shapes: list[Shape] = [
        rectangle(pad, y(1.0), width - 2 * pad, y(healthy_above) - y(1.0), BAND),
        Line(((pad, y(0.0)), (width - pad, y(0.0))), "#d5dae0", 0.5),
    ]
    for start, end in _runs([bin_.no_data > 0 and bin_.lowest is None for bin_ in bins]):
        shapes.append(rectangle(pad + start * step, y(0.0) - 2.4, (end - start) * step, 2.4, "#3f464d"))
    for start, end in _runs([bin_.lowest is not None for bin_ in bins]):
        points = [(x(i), y(bins[i].lowest or 0.0)) for i in range(start, end)]
        shapes.append(Line(points if len(points) > 1 else _dash(points[0], step), BLUE, 1.1))
    scored = [(bin_.lowest, i) for i, bin_ in enumerate(bins) if bin_.lowest is not None]
    if scored:
        low, where = min(scored)
        last, end = scored[-1]
        shapes.append(Dot((x(end), y(last)), 1.7, BLUE))
        shapes.append(Dot((x(where), y(low)), 2.1, VERMILLION))
    return Drawing(width, height, title, tuple(shapes))


def _dash(point: Point, step: float) -> list[Point]:
    return [(point[0] - step / 2, point[1]), (point[0] + step / 2, point[1])]


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Stretches [start, end) in which every flag is set."""
    runs: list[tuple[int, int]] = []
    for index, flag in enumerate(flags):
        if flag and runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        elif flag:
            runs.append((index, index + 1))
    return runs


def day_chart(
    bins: Sequence[TimelineBin],
    ticks: Sequence[tuple[int, str]],
    *,
    title: str,
    width: float = 680,
    height: float = 84,
    text_size: float = 7.5,
) -> Drawing:
    """The day as stacked columns: share of the devices in each status, worst at the bottom.

    Args:
        ticks: (bin, text) for the time axis, in local time.
    """
    left, right, top, bottom = text_size * 4.5, 2.0, 5.0, text_size * 2.1
    plot_width, plot_height = width - left - right, height - top - bottom
    step = plot_width / max(1, len(bins))
    floor = top + plot_height
    shapes: list[Shape] = [rectangle(left, top, plot_width, plot_height, FAINT)]
    # Healthy is the ground on which trouble stands, in one piece: columns side by side would show seams.
    for start, end in _runs([bin_.minutes.total > 0 for bin_ in bins]):
        ground = rectangle(
            left + start * step, top, (end - start) * step, plot_height, STATUS_COLOUR["healthy"]
        )
        shapes.append(ground)
    for index, bin_ in enumerate(bins):
        total = bin_.minutes.total
        base = floor
        # A hair between columns on healthy ground; where nothing is healthy, none to look through.
        gap = 0.8 if bin_.minutes.healthy else -0.3
        for status in STACK[:-1]:
            share = bin_.minutes.get(status) / total if total else 0.0
            if share > 0:
                tall = share * plot_height
                x = left + index * step + gap / 2
                shapes.append(rectangle(x, base - tall, step - gap, tall, STATUS_COLOUR[status]))
                base -= tall
    for share, text in ((1.0, "100 %"), (0.5, "50 %"), (0.0, "0")):
        y = floor - share * plot_height
        shapes.append(Line(((left - 3, y), (left, y)), MUTED, 0.6))
        shapes.append(Label((left - 5, y + text_size * 0.36), text, text_size, MUTED, "end"))
    for index, text in ticks:
        x = left + index * step
        shapes.append(Line(((x, floor), (x, floor + 3)), MUTED, 0.6))
        anchor = "start" if index == 0 else "end" if index >= len(bins) else "middle"
        shapes.append(Label((x, floor + text_size * 1.67), text, text_size, MUTED, anchor))
    return Drawing(width, height, title, tuple(shapes))


def band_chart(
    observed: float | None,
    low: float | None,
    high: float | None,
    *,
    title: str,
    width: float = 84,
    height: float = 12,
) -> Drawing | None:
    """Where an observed value lies beside its expected band; None when there is nothing to draw.

    The scale is the row's own (metrics have different units): it holds band and value with a
    margin. A band that is open on one side runs to that edge.
    """
    if observed is None or not isfinite(observed):
        return None
    edges = [edge for edge in (low, high) if edge is not None and isfinite(edge)]
    if not edges:
        return None
    span = max([*edges, observed]) - min([*edges, observed]) or abs(observed) or 1.0
    first, last = min([*edges, observed]) - 0.18 * span, max([*edges, observed]) + 0.18 * span

    def x(value: float) -> float:
        return 3 + (value - first) / (last - first) * (width - 6)

    begin = x(low) if low is not None and isfinite(low) else 0.0
    end = x(high) if high is not None and isfinite(high) else width
    middle = height / 2
    inside = begin <= x(observed) <= end
    shapes: tuple[Shape, ...] = (
        Line(((0, middle), (width, middle)), "#d5dae0", 0.6),
        rectangle(begin, 1.5, max(end - begin, 1.6), height - 3, "#ccd2d9"),
        Dot((x(observed), middle), 2.6, BLUE if inside else VERMILLION),
    )
    return Drawing(width, height, title, shapes)


def share_bar(share: float, *, title: str, width: float = 84, height: float = 8) -> Drawing:
    """A horizontal bar of a share 0-1 on a grey ground."""
    filled = min(max(share, 0.0), 1.0) * width
    shapes: list[Shape] = [rectangle(0, 0, width, height, BAND)]
    if filled > 0:
        shapes.append(rectangle(0, 0, filled, height, BLUE))
    return Drawing(width, height, title, tuple(shapes))


def status_bar(counts: StatusCounts, *, title: str, width: float = 118, height: float = 9) -> Drawing:
    """One stacked bar of statuses, worst first."""
    shapes: list[Shape] = [rectangle(0, 0, width, height, FAINT)]
    x = 0.0
    for status in STACK:
        share = counts.get(status) / counts.total * width if counts.total else 0.0
        if share > 0:
            shapes.append(rectangle(x, 0, share, height, STATUS_COLOUR[status]))
            x += share
    return Drawing(width, height, title, tuple(shapes))
