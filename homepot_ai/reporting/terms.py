"""Words that several sections share: statuses, classes of data, devices, bands, what is not shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Literal
from zoneinfo import ZoneInfo

from homepot_ai.fleet import metrics
from homepot_ai.reporting.document import Cell, Tone
from homepot_ai.reporting.facts import (
    STATUSES,
    AnomalyFacts,
    DeviceRef,
    Kind,
    Provenance,
    ReportFacts,
    Severity,
    Status,
    StatusCounts,
)
from homepot_ai.reporting.voice import Voice, message
from homepot_ai.text import NBSP

STATUS: Mapping[Status, str] = {
    "healthy": message("healthy"),
    "warning": message("warning"),
    "critical": message("critical"),
    "no_data": message("no data"),
    "in_maintenance": message("in maintenance"),
    "not_scored": message("not scored"),
}
STATUS_GLYPH: Mapping[Status, str] = {
    "healthy": "●",
    "warning": "▲",
    "critical": "▼",
    "no_data": "○",
    "in_maintenance": "◆",
    "not_scored": "·",
}
STATUS_TONE: Mapping[Status, Tone] = {
    "healthy": "good",
    "warning": "warning",
    "critical": "critical",
    "no_data": "no_data",
    "in_maintenance": "info",
    "not_scored": "muted",
}
SEVERITY: Mapping[Severity, tuple[str, str]] = {
    "critical": ("▼", message("critical")),
    "warning": ("▲", message("warning")),
    "info": ("●", message("info")),
}
PROVENANCE: Mapping[Provenance, tuple[str, str]] = {
    "real": (message("real"), message("telemetry of devices in service")),
    "controlled": (message("controlled"), message("recorded or emulated telemetry")),
    "mixed": (message("mixed"), message("rows of several classes on one device")),
    "simulated": (message("simulated"), message("telemetry made by a simulator")),
}
# Stands before "device" in English, and wherever the language wants it.
_KIND: Mapping[Provenance, str] = {
    "controlled": message("controlled "),
    "mixed": message("mixed "),
    "simulated": message("simulated "),
}
#: Below this share of minutes judged or scored, a period is called incomplete.
ENOUGH = 0.95

Span = Literal["day", "week", "month", "period"]
_SPANS: Mapping[Kind, Span] = {"daily": "day", "weekly": "week", "monthly": "month"}


def span(facts: ReportFacts) -> Span:
    """What the period is called: a day, a week, a month, or just a period."""
    period, zone = facts.period, ZoneInfo(facts.period.timezone)
    edges = {moment.astimezone(zone).time() for moment in (period.start, period.end)}
    one_day = period.first_day == period.last_day and edges == {time.min}
    whole_day = facts.report_type == "custom" and one_day
    return "day" if whole_day else _SPANS.get(facts.report_type, "period")


def kind_word(voice: Voice, provenance: Provenance) -> str:
    """The class of data as said beside devices; nothing for real ones."""
    return voice.t(_KIND[provenance]) if provenance in _KIND else ""


def status_cell(voice: Voice, status: Status, about: str = "") -> Cell:
    """A status with its sign and colour."""
    return Cell(voice.t(STATUS[status]), about, STATUS_GLYPH[status], STATUS_TONE[status], raw=status)


def statuses(voice: Voice, counts: StatusCounts, *, also_healthy: bool = False) -> str:
    """Statuses with a count, worst first.

    >>> statuses(Voice("en", "UTC"), StatusCounts(healthy=7, warning=2, no_data=1))
    '2 warning, 1 no data'
    """
    order: tuple[Status, ...] = ("critical", "warning", "no_data", "not_scored", "in_maintenance")
    wanted = (*order, "healthy") if also_healthy else order
    found = sorted((s for s in STATUSES if s in wanted and counts.get(s)), key=wanted.index)
    return ", ".join(f"{voice.number(counts.get(s))}{NBSP}{voice.t(STATUS[s])}" for s in found)


def type_word(name: str) -> str:
    """A device type for people; types are HOMEPOT's names and not translated.

    >>> type_word("pos_terminal")
    'pos terminal'
    """
    return name.replace("_", " ")


def device_cell(voice: Voice, device: DeviceRef, facts: ReportFacts, *, strong: bool = True) -> Cell:
    """A device by its name; below it where or what it is, and its class when it is not the headline's."""
    with_site = facts.scope.kind in {"fleet", "device_type"}
    parts = [device.site if with_site else type_word(device.type), device.public_id]
    if facts.headline and device.provenance != facts.headline.provenance:
        parts.append(voice.t(PROVENANCE[device.provenance][0]))
    return Cell(device.name, " · ".join(parts), strong=strong, raw=device.public_id)


def observed(voice: Voice, anomaly: AnomalyFacts) -> str:
    """What was seen; where rounding hides that it left the band, words say so."""
    text = voice.value(anomaly.metric, anomaly.observed)
    if anomaly.metric is None or anomaly.observed is None:
        return text
    for edge in (anomaly.expected_low, anomaly.expected_high):
        if edge is None or anomaly.observed == edge or voice.value(anomaly.metric, edge) != text:
            continue
        over = anomaly.observed > edge
        return voice.t("just over {value}", value=text) if over else voice.t("just under {value}", value=text)
    return text


def expected(voice: Voice, anomaly: AnomalyFacts) -> str:
    """The expected band in words: a range, or one edge."""
    name = anomaly.metric
    low, high = metrics.told_band(name or "", anomaly.observed, anomaly.expected_low, anomaly.expected_high)
    if low is not None and high is not None:
        first, last = voice.value(name, low), voice.value(name, high)
        unit = metrics.unit(name) if name else ""
        # "20 to 45 %" reads better than the unit twice.
        first = first.removesuffix(unit).rstrip() if unit else first
        return voice.t("{low} to {high}", low=first, high=last)
    if high is not None:
        return voice.t("at most {value}", value=voice.value(name, high))
    if low is not None:
        return voice.t("at least {value}", value=voice.value(name, low))
    return voice.t("no band")


def failed(voice: Voice, reason: str | None) -> str:
    """Why a section is not there."""
    return voice.t("This section could not be made: {reason}.", reason=reason or voice.t("unknown"))


def attached(voice: Voice) -> str:
    """Where the rest of a list is."""
    return voice.t("all are in facts.json inside the PDF")


def rest_of(voice: Voice, rest: int) -> str:
    """How many devices a list does not show, and where they are; nothing when it shows all."""
    if rest <= 0:
        return ""
    where = attached(voice)
    return voice.n("And {n} device more; {where}.", "And {n} devices more; {where}.", rest, where=where)


def capitalised(text: str) -> str:
    """First letter upper, the rest as it is."""
    return text[:1].upper() + text[1:]
