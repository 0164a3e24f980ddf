"""A report as a document: sections of paragraphs, tables and figures, worded in one language for one mode.

Made once from the facts, by the sections of :mod:`homepot_ai.reporting.sections`; the PDF, the mail's
HTML, its text part and the CSV files lay out the same document and decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from homepot_ai.reporting.drawing import Drawing

Level = Literal["good", "warning", "critical", "unknown"]
#: How a cell or a change is coloured; words and glyphs say the same.
Tone = Literal[
    "", "better", "worse", "same", "none", "good", "warning", "critical", "no_data", "info", "muted"
]


@dataclass(frozen=True)
class Edition:
    """In which mode, language and paper a report is read. The facts are the same in all of them."""

    mode: Literal["maintenance", "predictive", "executive"] = "maintenance"
    language: Literal["en", "de"] = "en"
    paper: Literal["A4", "Letter"] = "A4"


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        about: a small line below the text.
        raw: the plain value for CSV, in the source's unit; None: the text is written.
    """

    text: str
    about: str = ""
    glyph: str = ""
    tone: Tone = ""
    drawing: Drawing | None = None
    raw: str | float | int | None = None
    strong: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: what the CSV calls it: English, snake case, with its unit.
        share: of the table's width, relative to the other columns.
        text_width: about how many characters it needs in the mail's text part, which fits them to what is
            there; 0: left out there, and in the mail's HTML.
        side: set large at the right of a row in the mail's HTML; without any, the first numeric column is.
        picture: its drawings are shown in the mail as well.
    """

    title: str
    name: str
    share: float = 1.0
    numeric: bool = False
    text_width: int = 12
    side: bool = False
    picture: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption; `more` counts what is not shown and says where it is.

    Attributes:
        in_mail: rows of it that the mail shows; 0: none.
        sentences: (mark, sentence) of each row for the text part, where columns would be too narrow.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""
    in_mail: int = 0
    sentences: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """A `lead` stands before what it speaks of, a `note` is small, `missing` says what is not there."""

    text: str
    kind: Literal["plain", "lead", "note", "missing"] = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A chart; its drawing's title is the alternative text.

    Attributes:
        picture: the same for mail programs, which show no SVG; None: not in the mail.
        legend: colour and words of what has no direct label.
    """

    drawing: Drawing
    caption: str = ""
    picture: Drawing | None = None
    legend: tuple[tuple[str, str], ...] = ()


Block = Table | Paragraph | Bullets | Figure


@dataclass(frozen=True)
class Section:
    """A part of a report under a heading.

    Attributes:
        key: which section; the same in every language.
        line: it has only a sentence to say, and is set as one line.
        fresh_page: begins on a page of its own.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    line: bool = False
    fresh_page: bool = False


@dataclass(frozen=True)
class Change:
    """One comparison of a tile: an arrow, words, and whether it is good news."""

    glyph: str
    text: str
    tone: Tone


@dataclass(frozen=True)
class Tile:
    """One big number. `bar` may show its parts; `basis` says what it was counted from."""

    key: str
    label: str
    value: str
    unit: str
    basis: str
    changes: tuple[Change, ...] = ()
    bar: Drawing | None = None
    muted: bool = False


@dataclass(frozen=True)
class Verdict:
    """The one line that matters, and the sentences behind it.

    Attributes:
        short: goes into a subject.
        label: what this mode calls such a level.
    """

    level: Level
    glyph: str
    headline: str
    details: tuple[str, ...]
    short: str
    label: str = ""


@dataclass(frozen=True)
class Difference:
    """One figure that a revision changed."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Document:
    """Everything that stands in a report, in reading order.

    Attributes:
        kicker: which report it is; `mode`: for whom; `name`: about what; `period`: about when.
        range_text: both ends of the period with their offsets.
        covers: which devices the tiles speak of, and which not.
        quiet: there is nothing to tell: one page, and a mail of a few lines.
        contents: it is long enough for a table of contents.
    """

    edition: Edition
    kind: str
    report_id: str
    revision: int
    hash: str
    organisation: str
    title: str
    kicker: str
    mode: str
    name: str
    subtitle: str
    period: str
    range_text: str
    subject: str
    verdict: Verdict
    tiles: tuple[Tile, ...]
    covers: str
    sections: tuple[Section, ...]
    made_at: str
    quiet: bool
    contents: bool = False
    differences: tuple[Difference, ...] = ()
    differences_note: str = ""
