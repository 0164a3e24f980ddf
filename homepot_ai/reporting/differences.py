"""What changed between two revisions of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from homepot_ai.reporting.document import Difference
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.text import clean

_ABSENT = "–"
# Lists of records are compared by what identifies a record, not by position.
_KEYS = {
    "classes": ("provenance",),
    "earlier": ("what",),
    "sites": ("public_id",),
    "worst": ("device", "public_id"),
    "anomalies": ("id",),
    "thresholds": ("device_type",),
    "devices": ("device", "public_id"),
    "timeline": ("start",),
    "rejected": ("name",),
    "problems": ("section",),
    "promises": ("key",),
    "left_out": ("name",),
}


def between(before: ReportFacts, after: ReportFacts) -> tuple[Difference, ...]:
    """Every figure that differs, in the order of its path; empty when the facts are equal.

    How the service stood when each was made (`made`) is no fact about the period and is left out.
    """
    old = dict(_flat(before.model_dump(mode="json", exclude={"made"})))
    new = dict(_flat(after.model_dump(mode="json", exclude={"made"})))
    return tuple(
        Difference(clean(path), clean(old.get(path, _ABSENT), 80), clean(new.get(path, _ABSENT), 80))
        for path in sorted(old.keys() | new.keys())
        if old.get(path, _ABSENT) != new.get(path, _ABSENT)
    )


def _flat(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path} {key.replace('_', ' ')}".strip(), key)
    elif isinstance(value, list) and name == "spark":
        # Ninety-six points are one picture.
        yield path, " ".join(str(item.get("lowest")) for item in value)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{path} {_identity(inner, name, number)}")
    else:
        yield path, _ABSENT if value is None else str(value)


def _identity(item: Any, name: str, number: int) -> str:
    for key in _KEYS.get(name, ()):
        item = item.get(key, {}) if isinstance(item, dict) else item
    return str(item) if name in _KEYS else str(number + 1)
