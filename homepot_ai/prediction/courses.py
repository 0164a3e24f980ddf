"""The thirty days before a failure in words, kept in memory, so that similar progressions can be found.

The text holds what moved and by how much, not whose it was: two devices whose disks filled alike read alike.
Memory embeds it with its next run; `homepot_ai.memory.courses.similar` finds the nearest.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.store import courses as store
from homepot_ai.store.courses import FailureWithoutCourse, Trend
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection, Database

SPAN = timedelta(days=30)
LOOK_BACK = timedelta(days=120)
#: A metric moved when its trend over the span is this many times its own spread around it.
MOVED = 1.5
CATEGORY: Mapping[str, str] = {
    "disk": "storage", "network": "connectivity", "silent": "connectivity", "latency": "connectivity",
    "temperature": "temperature", "battery": "power", "power": "power", "error": "application",
}  # fmt: skip
RESOLUTION_CAP = 1000


def keep(db: Database, now: datetime) -> int:
    """Keep the course before every failure that memory holds none of; returns how many are new."""
    kept = 0
    with db.writer() as conn:
        for failure in store.without_course(conn, now - LOOK_BACK, now):
            since = failure.at - SPAN
            found = store.trends(conn, failure.device_id, since, failure.at)
            moved = [t for t in found if _moved(t)]
            said = describe(found, store.anomalies(conn, failure.device_id, since, failure.at), failure)
            kept += store.insert(
                conn, failure, category=category_of(failure, moved), metrics=[t.metric for t in moved],
                description=said, content_hash=hashlib.sha256(said.encode()).hexdigest()[:16], now=now,
            )  # fmt: skip
    return kept


def text_of(conn: Connection, device_id: int, now: datetime, device_type: str | None = None) -> str:
    """A device's last thirty days in the same words, to find similar ones by."""
    since = now - SPAN
    found = store.trends(conn, device_id, since, now)
    return _sentences(found, store.anomalies(conn, device_id, since, now), device_type)


def describe(
    trends: Sequence[Trend], anomalies: Sequence[tuple[str, int]], failure: FailureWithoutCourse
) -> str:
    """A course and how it ended, as text."""
    end = f"Then it failed: {_words(failure.cause)}." if failure.cause else "Then it failed."
    return f"{_sentences(trends, anomalies, failure.device_type)} {end}"


def category_of(failure: FailureWithoutCourse, moved: Sequence[Trend]) -> str:
    """The category of a failure: its incident's, else by what moved, else performance.

    >>> none = FailureWithoutCourse(1, 1, datetime(2026, 11, 20), "disk full", None, None, None, None, None)
    >>> category_of(none, [])
    'storage'
    """
    if failure.category is not None:
        return failure.category
    hints = " ".join([failure.cause or "", *(t.metric for t in moved)]).lower()
    return next((category for word, category in CATEGORY.items() if word in hints), "performance")


def _sentences(trends: Sequence[Trend], anomalies: Sequence[tuple[str, int]], device_type: str | None) -> str:
    parts = [f"Thirty days of a {_words(device_type)}." if device_type else "Thirty days of a device."]
    moved = sorted((t for t in trends if _moved(t)), key=lambda t: -_strength(t))
    for t in moved[:4]:
        assert t.slope is not None
        way = "rose" if t.slope > 0 else "fell"
        ends = f" from {t.first:.3g} to {t.last:.3g}" if t.first is not None and t.last is not None else ""
        parts.append(f"{_words(t.metric).capitalize()} {way}{ends}, {abs(t.slope):.2g} a day.")
    steady = [_words(t.metric) for t in trends if not _moved(t)]
    if steady:
        parts.append(f"Steady: {', '.join(steady[:6])}.")
    if anomalies:
        parts.append(
            "Anomalies: " + ", ".join(f"{_words(metric)} {n} times" for metric, n in anomalies) + "."
        )
    return " ".join(parts)


def _strength(trend: Trend) -> float:
    """How far a metric moved, in units of what is left of its spread when the trend is taken off."""
    if trend.slope is None or trend.hours < 48:
        return 0.0
    total = abs(trend.slope) * trend.hours / 24
    # The spread of a straight line is its range over the root of twelve.
    floor = 0.01 * max(abs(trend.highest), 1e-6)
    return total / math.sqrt(max(trend.spread**2 - total**2 / 12, floor**2))


def _moved(trend: Trend) -> bool:
    return _strength(trend) >= MOVED


def _words(text: str | None) -> str:
    return clean(text or "unknown", 80).replace("_", " ")
