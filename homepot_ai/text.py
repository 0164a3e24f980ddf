"""Making foreign text harmless, and text columns straight.

Names come from people and machines that we do not know: they may hold line breaks that
would forge a mail header, marks that turn the reading direction of the whole line, or ten
thousand characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

NAME_CAP = 160
#: Keeps a number and its unit, or a day and its month, on one line.
NBSP = "\N{NO-BREAK SPACE}"
_MARKS_IN_A_ROW = 4
# The two joiners decide how Persian, Hindi or an emoji is drawn and cannot reorder anything.
_HARMLESS_FORMATS = frozenset("\u200c\u200d")
_BREAKS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


def clean(text: str, cap: int = NAME_CAP) -> str:
    """A name on one line, without control and direction characters, at most `cap` characters.

    Line breaks and tabs become a space, towers of combining marks are cut, what is too long
    ends in an ellipsis. Nothing readable left gives "(no name)".

    >>> clean("POS 7\\r\\nBcc: all@example.org")
    'POS 7 Bcc: all@example.org'
    >>> clean("gate\\u202egnp.exe")
    'gategnp.exe'
    """
    kept: list[str] = []
    marks = 0
    for raw in unicodedata.normalize("NFC", text[: cap * 20]):
        character = " " if raw in _BREAKS else raw
        category = unicodedata.category(character)
        if category in _DROPPED and character not in _HARMLESS_FORMATS:
            continue
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= _MARKS_IN_A_ROW:
            kept.append(character)
    line = " ".join("".join(kept).split())
    if len(line) > cap:
        line = line[: cap - 1].rstrip() + "…"
    return line or "(no name)"


def width(text: str) -> int:
    """Columns that a text takes in a terminal or a monospaced mail.

    >>> width("Kasse 1"), width("東京")
    (7, 4)
    """
    columns = 0
    for character in text:
        if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
            continue
        columns += 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
    return columns


def fit(text: str, columns: int) -> str:
    """Cut a text to so many columns; what was cut ends in an ellipsis."""
    if width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > columns - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def pad(text: str, columns: int, align: str = "<") -> str:
    """Cut or fill a text to exactly so many columns.

    >>> pad("42", 5, ">")
    '   42'
    """
    cut = fit(text.replace(NBSP, " "), columns)
    space = " " * (columns - width(cut))
    return space + cut if align == ">" else cut + space


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], layout: str, indent: int = 2) -> str:
    """A text table with straight columns.

    Args:
        header: column titles.
        layout: width and alignment of each column, e.g. "24< 6> 10<"; a 0 width takes what the
            widest cell needs.

    >>> print(table(("device", "min"), [("POS 1", "0.41")], "8< 5>", indent=0))
    device      min
    POS 1      0.41
    """
    columns = []
    for index, item in enumerate(layout.split()):
        wanted = int(item[:-1])
        widest = max(width(row[index]) for row in [header, *rows])
        columns.append((wanted or widest, item[-1]))
    lines = []
    for row in [header, *rows]:
        cells = [pad(cell, wide, align) for cell, (wide, align) in zip(row, columns, strict=True)]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def wrap(text: str, columns: int = 76, indent: str = "") -> str:
    """Break a paragraph at spaces, not at no-break spaces; every line begins with `indent`."""
    lines: list[str] = []
    current = ""
    for word in filter(None, text.split(" ")):
        if current and width(current) + 1 + width(word) > columns - len(indent):
            lines.append(indent + current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    if current:
        lines.append(indent + current)
    return "\n".join(lines).replace(NBSP, " ")
