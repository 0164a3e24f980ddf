"""How alerts, backtests and insights say numbers: in English. Reports speak with a :class:`Voice`. Pure."""

from __future__ import annotations

from homepot_ai.fleet import metrics
from homepot_ai.reporting.document import Level
from homepot_ai.reporting.facts import Status
from homepot_ai.text import NBSP

STATUS_GLYPH: dict[Status, str] = {
    "healthy": "●",
    "warning": "▲",
    "critical": "▼",
    "no_data": "○",
    "in_maintenance": "◆",
    "not_scored": "·",
}
LEVEL_GLYPH: dict[Level, str] = {"good": "●", "warning": "▲", "critical": "▼", "unknown": "○"}
_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> count(1, "device"), count(1200, "device"), count(2, "anomaly", "anomalies")
    ('1 device', '1,200 devices', '2 anomalies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(share: float | None) -> str:
    """A share 0-1 as percent with one decimal; 100 and 0 are said only when they are true.

    >>> [percent(share).replace(NBSP, " ") for share in (0.99999, 1.0, 0.00001, None)]
    ['99.9 %', '100 %', '0.1 %', '–']
    """
    if share is None:
        return "–"
    if share in (0.0, 1.0):
        return f"{share * 100:.0f}{NBSP}%"
    return f"{min(max(share * 100, 0.1), 99.9):.1f}{NBSP}%"


def score(value: float | None) -> str:
    """A health score with two decimals.

    >>> score(0.934), score(None)
    ('0.93', '–')
    """
    return "–" if value is None else f"{value:.2f}"


def duration(minutes: float) -> str:
    """A length of time in the two largest units, with no-break spaces.

    >>> [duration(m).replace(NBSP, " ") for m in (0.4, 45, 185, 1500, 2880)]
    ['under 1 min', '45 min', '3 h 05 min', '1 d 1 h', '2 d']
    """
    whole = round(minutes)
    if whole < 1:
        said = "under 1 min" if minutes > 0 else "0 min"
    elif whole < 60:
        said = f"{whole} min"
    elif whole < 24 * 60:
        hours, rest = divmod(whole, 60)
        said = f"{hours} h {rest:02d} min" if rest else f"{hours} h"
    else:
        days, rest = divmod(round(whole / 60), 24)
        said = f"{days} d {rest} h" if rest else f"{days} d"
    return said.replace(" ", NBSP)


def value(metric: str | None, number: float | None) -> str:
    """A metric's value with its unit; large values of metrics nobody described are shortened.

    >>> [value("bytes_sent", n).replace(NBSP, " ") for n in (171_900_000.0, 523.4)]
    ['172 M', '523']
    """
    if number is None:
        return "–"
    if metric not in metrics.KNOWN and abs(number) >= 1e5:
        short = next((f"{number / size:.3g} {name}" for size, name in _SIZES if abs(number) >= size), "")
        unit = metrics.unit(metric) if metric else ""
        return f"{short}{unit}".replace(" ", NBSP)
    return metrics.format_value(metric, number).replace(" ", NBSP) if metric else f"{number:.3g}"


def metric_label(name: str | None) -> str:
    """A metric's name for people; what has none is the device as a whole."""
    return metrics.label(name) if name else "several metrics together"
