"""The rows of a report's sections, as the templates see them: words and drawings, nothing to compute."""

from __future__ import annotations

from dataclasses import dataclass

from homepot_ai.reporting.drawing import Drawing
from homepot_ai.reporting.facts import Status
from homepot_ai.reporting.words import Change, Tone


@dataclass(frozen=True)
class Tile:
    """One big number. `bar` may show its parts; `basis` says what it was counted from."""

    label: str
    value: str
    unit: str
    basis: str
    changes: tuple[Change, ...]
    bar: Drawing | None = None
    muted: bool = False


@dataclass(frozen=True)
class DeviceRow:
    """One of the worst devices."""

    glyph: str
    status: Status
    status_word: str
    since: str
    name: str
    about: str
    spark: Drawing
    mean: str
    lowest: str
    lowest_at: str
    lost: str
    mainly: str
    mainly_share: str
    attention: bool


@dataclass(frozen=True)
class AnomalyRow:
    """One anomaly."""

    open: bool
    state: str
    severity: str
    glyph: str
    name: str
    about: str
    number: str
    metric: str
    observed: str
    expected: str
    band: Drawing | None
    since: str
    lasted: str
    lowest: str
    initial: str


@dataclass(frozen=True)
class SiteRow:
    """One site of the fleet."""

    name: str
    about: str
    attention: int
    devices: str
    statuses: str
    bar: Drawing
    health: str
    availability: str
    opened: str


@dataclass(frozen=True)
class RowsRow:
    """Telemetry rows of one device."""

    name: str
    about: str
    received: str
    expected: str
    share: str
    bar: Drawing | None
    note: str


@dataclass(frozen=True)
class CheckRow:
    """One line of the self-check."""

    tone: Tone
    glyph: str
    name: str
    state: str
    detail: str


@dataclass(frozen=True)
class CountedRow:
    """How a figure was counted."""

    figure: str
    value: str
    numerator: str
    denominator: str
    left_out: str
    day_before: str
    week_before: str


@dataclass(frozen=True)
class ClassRow:
    """One provenance class beside the others; never added up."""

    name: str
    meaning: str
    devices: str
    attention: str
    health: str
    availability: str
    opened: str
