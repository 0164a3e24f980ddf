"""A document as plain text: a report in itself, at most 78 columns wide."""

from __future__ import annotations

from pathlib import Path

from homepot_ai.reporting.document import Bullets, Document, Figure, Paragraph, Section, Table
from homepot_ai.reporting.layout import in_mail, speaker, told_in_mail
from homepot_ai.reporting.voice import Voice
from homepot_ai.text import fit, pad, width, wrap

COLUMNS = 78
_INDENT = 2
_GAP = 2


def text(document: Document, templates: Path, unsubscribe_address: str) -> str:
    """The text part of a report's mail.

    Args:
        unsubscribe_address: whom to write to.
    """
    voice = speaker(document, templates)
    head = [
        f"{document.kicker} · {document.mode}".upper(),
        document.name,
        wrap(f"{document.period}, {document.range_text}", COLUMNS),
        "",
        wrap(document.verdict.headline, COLUMNS),
        wrap(" ".join([f"{document.verdict.label}.", *document.verdict.details]), COLUMNS),
    ]
    body = _quiet(document) if document.quiet else _full(document, voice)
    foot = [
        "",
        "-- ",
        voice.t("Made {time}", time=document.made_at),
        f"{document.report_id} · {voice.t('revision {n}', n=document.revision)}",
        wrap(f"{voice.t('Facts SHA-256')} {document.hash}", COLUMNS),
        # A digest has the reports of some of its sites with it, or none.
        *([] if document.kind == "digest" else [voice.t("The whole report is attached as PDF.")]),
        wrap(voice.t("To unsubscribe, write to {address}", address=unsubscribe_address), COLUMNS),
        "",
    ]
    return "\n".join([*head, *body, *foot])


def _quiet(document: Document) -> list[str]:
    """A line per figure."""
    wide = _label_width(document) if document.tiles else 0
    lines = [
        "  " + pad(tile.label, wide) + f"{tile.value} {tile.unit}".strip()
        for tile in document.tiles
        if not tile.muted
    ]
    return ["", *(fit(line, COLUMNS) for line in lines)]


def _label_width(document: Document) -> int:
    return max(width(tile.label) for tile in document.tiles) + _GAP


def _full(document: Document, voice: Voice) -> list[str]:
    lines: list[str] = []
    if document.differences:
        lines += ["", voice.t("What this revision changed").upper()]
        for item in document.differences:
            lines.append(wrap(f"- {item.what}: {item.before} -> {item.after}", COLUMNS, "  "))
        if document.differences_note:
            lines.append(wrap(document.differences_note, COLUMNS, "  "))
    if document.tiles:
        lines += ["", voice.t("At a glance").upper()]
        hang = _label_width(document) + _INDENT
        for tile in document.tiles:
            lines.append(_hanging(tile.label, f"{tile.value} {tile.unit}".strip(), hang))
            lines.append(wrap(tile.basis, COLUMNS, " " * hang))
            lines += [wrap(change.text, COLUMNS, " " * hang) for change in tile.changes]
        if document.covers:
            lines += ["", wrap(document.covers, COLUMNS)]
    for section in document.sections:
        if told_in_mail(section):
            lines += ["", section.title.upper(), *_section(section, voice)]
    return lines


def _section(section: Section, voice: Voice) -> list[str]:
    lines: list[str] = []
    for block in section.blocks:
        match block:
            case Paragraph(text=said, kind=kind) if kind != "note":
                lines.append(wrap(said, COLUMNS, "  "))
            case Bullets(items=items):
                lines += [_hanging("-", item, 4) for item in items]
            case Figure(drawing=drawing, picture=picture) if picture is not None:
                lines.append(wrap(f"{drawing.title}.", COLUMNS, "  "))
            case Table() if block.in_mail and block.rows:
                lines += _table(block)
                if more := in_mail(block, voice):
                    lines.append(wrap(more, COLUMNS, "  "))
    return lines


def _table(table: Table) -> list[str]:
    if table.sentences:
        marks = table.sentences[: table.in_mail]
        hang = max(width(mark) for mark, _ in marks) + _INDENT + _GAP
        return [_hanging(mark, said, min(hang, 24)) for mark, said in marks]
    told = [index for index, column in enumerate(table.columns) if column.text_width]
    widths = _fitted(table, told)
    align = [">" if table.columns[index].numeric else "<" for index in told]
    heads = [_broken(table.columns[index].title, wide) for index, wide in zip(told, widths, strict=True)]
    deep = max(len(head) for head in heads)
    rows = [[([""] * (deep - len(head)) + head)[line] for head in heads] for line in range(deep)]
    for row in table.rows[: table.in_mail]:
        rows.append([_cell(row[index].text, row[index].glyph) for index in told])
    lines = []
    for cells in rows:
        parts = [pad(cell, wide, side) for cell, wide, side in zip(cells, widths, align, strict=True)]
        lines.append((" " * _INDENT + (" " * _GAP).join(parts)).rstrip())
    return lines


def _cell(said: str, glyph: str) -> str:
    return f"{glyph} {said}" if glyph else said


def _fitted(table: Table, told: list[int]) -> list[int]:
    """Widths that hold every cell and every word of a title; where a line cannot, the widest give first."""
    fitted = []
    for index in told:
        words = table.columns[index].title.split()
        cells = [_cell(row[index].text, row[index].glyph) for row in table.rows[: table.in_mail]]
        fitted.append(max(4, *(width(text) for text in [*words, *cells])))
    room = COLUMNS - _INDENT - _GAP * (len(told) - 1)
    while sum(fitted) > room:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def _broken(title: str, wide: int) -> list[str]:
    """A column's title on at most two lines."""
    lines = wrap(title, wide).split("\n")
    return lines if len(lines) <= 2 else [lines[0], " ".join(lines[1:])]


def _hanging(mark: str, said: str, indent: int) -> str:
    body = wrap(said, COLUMNS, " " * indent)
    return "  " + pad(mark, indent - 2) + body[indent:]
