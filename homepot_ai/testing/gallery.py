"""Pictures of the reports: `python -m homepot_ai.testing.gallery [FOLDER] [--all]`.

Every kind in its modes, languages and papers, from constructed facts, each page a small PNG with a palette.
The choice that docs/gallery shows is made without arguments; `--all` makes every kind in every mode. Needs
poppler's pdftoppm.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

from homepot_ai.reporting import layout, pdf, render
from homepot_ai.reporting.build import document
from homepot_ai.reporting.document import Document, Edition
from homepot_ai.reporting.facts import ReportFacts, canonical_json
from homepot_ai.reporting.narration import by_template
from homepot_ai.testing import report_examples_kinds as kinds
from homepot_ai.testing.report_examples import example
from homepot_ai.testing.report_examples_incident import incident_example

ROOT = Path(__file__).resolve().parents[2]
KINDS: Mapping[str, Callable[[], ReportFacts]] = {
    "quiet-day": lambda: example("quiet"),
    "day": kinds.full_day,
    "fleet-day": lambda: kinds.full_day(fleet=True),
    "degraded-day": lambda: example("degraded"),
    "week": kinds.week,
    "month": kinds.month,
    "incident": incident_example,
    "open-incident": lambda: incident_example(final=False),
    "range": kinds.span,
}
#: What docs/gallery has: (kind, edition, pages).
CHOICE: tuple[tuple[str, Edition, int], ...] = (
    ("quiet-day", Edition("maintenance"), 1),
    ("day", Edition("maintenance"), 2),
    ("degraded-day", Edition("executive", "de", "Letter"), 1),
    ("week", Edition("predictive"), 2),
    ("month", Edition("executive"), 3),
    ("month", Edition("maintenance", "de"), 1),
    ("incident", Edition("maintenance"), 2),
    ("range", Edition("maintenance", "en", "Letter"), 1),
)
DPI = 80
COLOURS = 160


def worded(facts: ReportFacts, edition: Edition) -> Document:
    """An edition of constructed facts."""
    templates = ROOT / "templates"
    return document(
        facts, edition, report_id=f"rpt_{facts.report_type}", revision=1, templates=templates,
        narration=by_template(facts, edition, templates),
    )  # fmt: skip


def printed(facts: ReportFacts, edition: Edition) -> bytes:
    """Its PDF, rendered in this process.

    Raises:
        RuntimeError: WeasyPrint complained.
    """
    templates = ROOT / "templates"
    html = layout.pdf_html(worded(facts, edition), templates, facts.made.at)
    made, warnings = render.pdf(pdf.Job(html, templates / "fonts", canonical_json(facts), facts.made.at))
    if warnings:
        raise RuntimeError("; ".join(warnings))
    return made


def pictures(data: bytes, pages: int) -> list[bytes]:
    """The first pages of a PDF as PNG with a palette; 0: all of them."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.pdf"
        file.write_bytes(data)
        last = ["-l", str(pages)] if pages else []
        command = ["pdftoppm", "-r", str(DPI), *last, "-png", str(file), str(file.with_suffix(""))]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own arguments
        made = []
        for page in sorted(Path(folder).glob("*.png")):
            out = io.BytesIO()
            image = Image.open(page).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            image.save(out, "PNG", optimize=True)
            made.append(out.getvalue())
    return made


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "gallery")
    parser.add_argument("--all", action="store_true", help="every kind in every mode, all pages")
    chosen = parser.parse_args(arguments)
    editions = (Edition("maintenance"), Edition("predictive"), Edition("executive"))
    everything = [(kind, edition, 0) for kind, edition in product(KINDS, editions)]
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for kind, edition, pages in everything if chosen.all else CHOICE:
        data = printed(KINDS[kind](), edition)
        for number, picture in enumerate(pictures(data, pages), start=1):
            name = f"{kind}-{edition.mode}-{edition.language}-{number}.png"
            (chosen.folder / name).write_bytes(picture)
            print(f"{name}: {len(picture) / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
