"""Jinja2 environments: one that escapes (HTML), one that does not (plain text)."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from homepot_ai import text
from homepot_ai.errors import ReportError
from homepot_ai.reporting.document import Section, Table
from homepot_ai.reporting.drawing import Drawing

#: Grows when the meaning of a template changes; the digest tells apart what somebody edited.
TEMPLATE_SERIES = "report-2"
#: Lines of tables up to which a section stays in one piece.
SHORT = 8
_FILES = (
    "locale/**/*.po",
    "mail/report.html.j2",
    "modes/*.yaml",
    "reports/report.html.j2",
    "styles/report.css",
)


@lru_cache(maxsize=8)
def environment(folder: Path) -> Environment:
    """The environment of a folder of templates. Files ending in .html.j2 are escaped, .txt.j2 are not.

    Raises:
        ReportError: the folder is not there.
    """
    if not folder.is_dir():
        raise ReportError(
            f"the folder of templates {folder} does not exist; set HOMEPOT_AI_HOME to the checkout"
        )

    def escapes(name: str | None) -> bool:
        return name is None or not name.endswith(".txt.j2")

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=escapes,  # noqa: S701 - by file name: everything but plain text is escaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["svg"] = _svg
    made.filters["kind"] = lambda block: type(block).__name__
    made.filters["short"] = _short
    made.filters["pad"] = text.pad
    made.filters["wrap"] = text.wrap
    made.globals["text_table"] = text.table
    return made


def _short(section: Section) -> bool:
    """A section that is better moved to the next page than torn."""
    rows = [row for block in section.blocks if isinstance(block, Table) for row in block.rows]
    return sum(2 if any(cell.about or cell.drawing for cell in row) else 1 for row in rows) <= SHORT


def _svg(drawing: Drawing) -> Markup:
    # Every text inside was escaped by the drawing itself.
    return Markup(drawing.svg())  # noqa: S704


def template_version(folder: Path) -> str:
    """Series and digest of the templates, as stored with a report."""
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _FILES for file in folder.glob(pattern)):
        digest.update(file.read_bytes())
    return f"{TEMPLATE_SERIES}+{digest.hexdigest()[:8]}"
