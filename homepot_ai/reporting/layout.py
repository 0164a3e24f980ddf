"""A document on paper and in a mail program. Lays out what the document says, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from homepot_ai.reporting.document import (
    Bullets,
    Cell,
    Column,
    Document,
    Figure,
    Paragraph,
    Section,
    Table,
)
from homepot_ai.reporting.drawing import Drawing
from homepot_ai.reporting.templating import environment
from homepot_ai.reporting.voice import Voice

#: A cell shorter than this is told in the mail with its column's title.
_NEEDS_TITLE = 26


def speaker(document: Document, templates: Path) -> Voice:
    """Says the few words of the frame in the document's language."""
    return Voice(document.edition.language, "UTC", templates=templates)


def pdf_html(document: Document, templates: Path, made_at: datetime) -> str:
    """The whole document before it becomes a PDF.

    Args:
        made_at: the document's creation time.
    """
    css = (templates / "styles" / "report.css").read_text(encoding="utf-8")
    voice = speaker(document, templates)
    pages = voice.t("Page {page} of {pages}", page="\0", pages="\0").split("\0")
    # The style sheet is ours; escaping would break its quotes.
    return (
        environment(templates)
        .get_template("reports/report.html.j2")
        .render(
            document=document,
            css=Markup(css),  # noqa: S704
            created=made_at.astimezone(UTC).isoformat(),
            t=voice.t,
            page_words=pages,
        )
    )


@dataclass(frozen=True)
class MailRow:
    """A row of a table as a phone can show it: who, a small line, and one figure at the right."""

    name: Cell
    line: str
    side: Cell | None
    side_title: str
    picture: str
    alt: str
    wide: float
    high: float


@dataclass(frozen=True)
class MailPart:
    """A section in a mail: `run_in` ones are a paragraph that begins with their title."""

    title: str
    paragraphs: tuple[str, ...]
    bullets: tuple[str, ...] = ()
    rows: tuple[MailRow, ...] = ()
    more: str = ""
    figure: Figure | None = None
    picture: str = ""
    run_in: bool = False


def pictures(document: Document) -> dict[str, Drawing]:
    """The pictures of a mail by name: charts, and drawings of the columns that are shown there."""
    found: dict[str, Drawing] = {}
    if document.quiet:
        return found
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Figure) and block.picture:
                found[f"{section.key}{len(found)}"] = block.picture
            elif isinstance(block, Table):
                for row in block.rows[: block.in_mail]:
                    for column, cell in zip(block.columns, row, strict=True):
                        if column.picture and cell.drawing:
                            found[f"{block.name}{len(found)}"] = cell.drawing
    return found


def mail_html(document: Document, templates: Path, cids: dict[str, str], unsubscribe: str) -> str:
    """What a mail program shows.

    Args:
        cids: the Content-ID of each of :func:`pictures`, by its name.
        unsubscribe: a mailto link.
    """
    voice = speaker(document, templates)
    names = iter(pictures(document))
    parts = () if document.quiet else tuple(_parts(document, voice, names))
    return (
        environment(templates)
        .get_template("mail/report.html.j2")
        .render(document=document, parts=parts, cids=cids, unsubscribe=unsubscribe, t=voice.t)
    )


def in_mail(table: Table, voice: Voice) -> str:
    """What stands below a table in a mail: how many rows only the PDF has, and the table's own count."""
    rest = len(table.rows) - table.in_mail
    if rest <= 0:
        return table.more
    said = voice.n("{n} more in the attached PDF.", "{n} more in the attached PDF.", rest)
    return f"{said} {table.more}".strip()


def told_in_mail(section: Section) -> bool:
    """It has something that a mail shows; a section of tables that stay in the PDF has not."""
    return any(
        (isinstance(block, Paragraph) and block.kind != "note")
        or isinstance(block, Bullets)
        or (isinstance(block, Figure) and block.picture is not None)
        or (isinstance(block, Table) and block.in_mail > 0 and bool(block.rows))
        for block in section.blocks
    )


def _parts(document: Document, voice: Voice, names: Iterator[str]) -> Iterator[MailPart]:
    for section in document.sections:
        if not told_in_mail(section):
            continue
        texts = tuple(b.text for b in section.blocks if isinstance(b, Paragraph) and b.kind != "note")
        bullets = tuple(item for b in section.blocks if isinstance(b, Bullets) for item in b.items)
        shown = [b for b in section.blocks if isinstance(b, Table | Figure)]
        shown = [
            b for b in shown if (b.in_mail and b.rows if isinstance(b, Table) else b.picture is not None)
        ]
        if not shown:
            yield MailPart(section.title, texts, bullets, run_in=section.line or not bullets)
            continue
        for number, block in enumerate(shown):
            title, said, listed = (section.title, texts, bullets) if number == 0 else ("", (), ())
            if isinstance(block, Figure):
                yield MailPart(title, said, listed, figure=block, picture=next(names))
            else:
                rows = tuple(_row(block, row, names) for row in block.rows[: block.in_mail])
                yield MailPart(title, said, listed, rows, in_mail(block, voice))


def _shown(block: Table | Figure) -> bool:
    return bool(block.in_mail and block.rows) if isinstance(block, Table) else block.picture is not None


def _row(table: Table, row: tuple[Cell, ...], names: Iterator[str]) -> MailRow:
    columns = list(zip(table.columns, row, strict=True))[1:]
    told = [(column, cell) for column, cell in columns if column.text_width]
    side = next(
        ((c, cell) for c, cell in told if c.side), next(((c, cell) for c, cell in told if c.numeric), None)
    )
    drawn = next((cell.drawing for column, cell in columns if column.picture and cell.drawing), None)
    line = " · ".join(
        said for column, cell in told if not (side and column is side[0]) and (said := _told(column, cell))
    )
    return MailRow(
        name=row[0],
        line=line,
        side=side[1] if side else None,
        side_title=f"{side[0].title} {side[1].about}".strip() if side and not side[1].glyph else "",
        picture=next(names) if drawn else "",
        alt=drawn.title if drawn else "",
        wide=drawn.width if drawn else 0,
        high=drawn.height if drawn else 0,
    )


def _told(column: Column, cell: Cell) -> str:
    if not cell.text:
        return ""
    if cell.glyph:
        return f"{cell.glyph} {cell.text} {cell.about}".strip()
    told = cell.text if len(cell.text) > _NEEDS_TITLE else f"{column.title} {cell.text}"
    return f"{told}, {cell.about}" if cell.about else told
