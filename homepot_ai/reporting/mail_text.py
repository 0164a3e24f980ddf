"""The tables of the plain-text mail. Pure: a view in, lines of at most 78 columns out."""

from __future__ import annotations

from homepot_ai.reporting.view import DailyView
from homepot_ai.text import pad, table, wrap

COLUMNS = 78


def tables(view: DailyView) -> dict[str, str]:
    """Every table of the text part, by the name that the template knows."""
    return {
        "tiles_table": _tiles(view),
        "sites_table": _sites(view),
        "worst_table": _worst(view),
        "anomalies_table": _anomalies(view),
        "rows_table": _rows(view),
        "classes_table": _classes(view),
        "checks_table": _checks(view),
    }


def _hanging(mark: str, text: str, indent: int) -> str:
    body = wrap(text, COLUMNS, " " * indent)
    return "  " + pad(mark, indent - 2) + body[indent:]


def _tiles(view: DailyView) -> str:
    lines = []
    for tile in view.tiles:
        lines.append(_hanging(tile.label, f"{tile.value} {tile.unit}".strip(), 26))
        lines.append(wrap(tile.basis, COLUMNS, " " * 26))
        lines.extend(wrap(change.text, COLUMNS, " " * 26) for change in tile.changes)
    return "\n".join(lines)


def _worst(view: DailyView) -> str:
    rows = [
        (row.name, row.status_word, f"{row.lowest} {row.lowest_at}", row.lost, row.mainly)
        for row in view.worst.rows
    ]
    return table(("Device", "At end", "Lowest", "Lost", "Mainly"), rows, "22< 9< 13> 10> 14<")


def _anomalies(view: DailyView) -> str:
    lines = []
    for row in view.anomalies.rows:
        said = (
            f"{row.name}: {row.metric} {row.observed}, expected {row.expected}; since {row.since}, "
            f"{row.lasted}, {row.state}; health {row.lowest}; {row.number}"
        )
        lines.append(_hanging(f"{row.glyph} {row.severity}", said, 14))
    return "\n".join(lines)


def _sites(view: DailyView) -> str:
    rows = [
        (row.name, f"{row.attention:,}", row.statuses, row.health, row.availability)
        for row in view.sites.rows
    ]
    return table(("Site", "Need", "At day’s end", "Health", "Avail."), rows, "22< 5> 28< 6> 7>")


def _rows(view: DailyView) -> str:
    rows = [(row.name, row.received, row.expected, row.share, row.note) for row in view.rows.rows]
    return table(("Device", "Received", "Expected", "Share", "Interval"), rows, "26< 9> 9> 7> 16<")


def _classes(view: DailyView) -> str:
    rows = [
        (row.name, row.devices, row.attention, row.health, row.availability, row.opened)
        for row in view.classes
    ]
    header = ("Class", "Devices", "Need attention", "Health", "Avail.", "Opened/open")
    return table(header, rows, "12< 8> 14> 7> 8> 12>")


def _checks(view: DailyView) -> str:
    return "\n".join(
        _hanging(f"{row.glyph} {row.name}", f"{row.state}: {row.detail}", 16) for row in view.checks
    )
