"""One small drawing, two ways out: SVG for the PDF, PNG for mail programs (which show no SVG).

A drawing is a list of shapes in a coordinate system of CSS pixels with y pointing down. Both
writers draw the same shapes, so a mail never shows anything else than the PDF.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

Point = tuple[float, float]
FONT = "Inter"


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    points: Sequence[Point]
    fill: str


@dataclass(frozen=True)
class Line:
    """An open line through points."""

    points: Sequence[Point]
    stroke: str
    width: float = 1.0


@dataclass(frozen=True)
class Dot:
    """A filled circle, with a white rim so that it stands out from a line."""

    at: Point
    radius: float
    fill: str


@dataclass(frozen=True)
class Label:
    """A short text; `at` is the baseline's start, middle or end."""

    at: Point
    text: str
    size: float
    fill: str
    anchor: str = "start"
    bold: bool = False


Shape = Area | Line | Dot | Label


@dataclass(frozen=True)
class Drawing:
    """Shapes on a page of width x height.

    Attributes:
        title: says in words what the drawing shows; becomes the alternative text.
    """

    width: float
    height: float
    title: str
    shapes: Sequence[Shape] = field(default_factory=tuple)

    def svg(self) -> str:
        """An `<svg>` element to stand in HTML; its title is the alternative text."""
        body = "".join(_svg(shape) for shape in self.shapes)
        wide, high = _n(self.width), _n(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
            f'viewBox="0 0 {wide} {high}"><title>{escape(self.title)}</title>{body}</svg>'
        )

    def png(self, fonts: Path, scale: int = 2) -> bytes:
        """The same picture as PNG on white, `scale` times as many pixels.

        Args:
            fonts: the folder with the shipped fonts.
        """
        from PIL import Image, ImageDraw, ImageFont

        # Drawn four times as large and reduced: that is how the edges get smooth.
        factor = scale * 4
        size = (round(self.width * factor), round(self.height * factor))
        image = Image.new("RGB", size, "#ffffff")
        pen = ImageDraw.Draw(image)

        def at(point: Point) -> tuple[float, float]:
            return point[0] * factor, point[1] * factor

        for shape in self.shapes:
            match shape:
                case Area(points, fill):
                    pen.polygon([at(point) for point in points], fill=fill)
                case Line(points, stroke, width):
                    pen.line(
                        [at(point) for point in points],
                        fill=stroke,
                        width=round(width * factor),
                        joint="curve",
                    )
                case Dot((x, y), radius, fill):
                    for r, colour in ((radius + 0.8, "#ffffff"), (radius, fill)):
                        box = ((x - r) * factor, (y - r) * factor, (x + r) * factor, (y + r) * factor)
                        pen.ellipse(box, fill=colour)
                case Label(point, text, points_high, fill, anchor, bold):
                    name = "Inter-SemiBold.otf" if bold else "Inter-Regular.otf"
                    font = ImageFont.truetype(str(fonts / name), round(points_high * factor))
                    letter = {"start": "l", "middle": "m", "end": "r"}[anchor]
                    pen.text(at(point), text, font=font, fill=fill, anchor=f"{letter}s")
        small = image.resize((size[0] // 4, size[1] // 4), Image.Resampling.LANCZOS)
        # Charts have few colours: a palette makes the file a third of the size.
        out = io.BytesIO()
        small.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        return out.getvalue()


def rectangle(x: float, y: float, width: float, height: float, fill: str) -> Area:
    """A filled rectangle."""
    return Area(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), fill)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _svg(shape: Shape) -> str:
    match shape:
        case Area(points, fill):
            return f'<path d="{_path(points)}Z" fill="{fill}"/>'
        case Line(points, stroke, width):
            return (
                f'<path d="{_path(points)}" fill="none" stroke="{stroke}" stroke-width="{_n(width)}" '
                'stroke-linejoin="round" stroke-linecap="round"/>'
            )
        case Dot((x, y), radius, fill):
            return (
                f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}" stroke="#ffffff" '
                'stroke-width="0.8"/>'
            )
        case Label((x, y), text, size, fill, anchor, bold):
            weight = ' font-weight="600"' if bold else ""
            return (
                f'<text x="{_n(x)}" y="{_n(y)}" font-family="{FONT}" font-size="{_n(size)}"{weight} '
                f'text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
            )
