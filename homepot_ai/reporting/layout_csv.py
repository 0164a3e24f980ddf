"""The tables of a document as CSV: the whole table as the page has it, with plain values."""

from __future__ import annotations

import csv
import io

from homepot_ai.reporting.document import Cell, Document, Table
from homepot_ai.text import NBSP

# A spreadsheet would run what begins so; an apostrophe keeps it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def files(document: Document) -> dict[str, bytes]:
    """Every table of a report by its file name; UTF-8 with a mark, which spreadsheets need.

    Columns are named in English whatever the language, numbers are written with a point, in the unit that
    the name says. A column that only has a drawing is left out.
    """
    made: dict[str, bytes] = {}
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Table) and block.rows:
                made[f"{block.name}.csv"] = table(block)
    return made


def table(block: Table) -> bytes:
    """One table. Of who a row is about both the id and the name are written."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    kept = [
        index
        for index in range(len(block.columns))
        if any(row[index].text or row[index].raw not in (None, "") for row in block.rows)
    ]
    named = any(row[0].raw is not None and row[0].raw != row[0].text for row in block.rows)
    heads = [block.columns[index].name for index in kept]
    writer.writerow([heads[0], f"{heads[0]}_name", *heads[1:]] if named else heads)
    for row in block.rows:
        cells = [_value(row[index]) for index in kept]
        writer.writerow([cells[0], _safe(row[0].text), *cells[1:]] if named else cells)
    return out.getvalue().encode("utf-8-sig")


def _value(cell: Cell) -> str | int | float:
    if isinstance(cell.raw, int | float):
        return cell.raw
    return _safe(cell.text if cell.raw is None else cell.raw)


def _safe(text: str) -> str:
    plain = text.replace(NBSP, " ")
    return f"'{plain}" if plain.startswith(_FORMULA) else plain
