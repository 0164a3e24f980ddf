"""Facts of an incident as sentences: what was seen, what came before, what helped the last time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from homepot_ai.fleet import metrics
from homepot_ai.reporting import words
from homepot_ai.store.alerts import AlertIncident, Finding
from homepot_ai.text import NBSP, clean

METRICS_SHOWN, EVENTS_SHOWN, SIMILAR_SHOWN = 4, 3, 2


def moment(at: datetime, timezone: str) -> str:
    """A moment on the site's clock, and in UTC where that differs.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 21, 8, 5, tzinfo=UTC), "Europe/Berlin").replace(NBSP, " ")
    'Sat 21 Nov 09:05 CET (08:05 UTC)'
    """
    there = at.astimezone(ZoneInfo(timezone))
    text = f"{there:%a} {there.day} {there:%b %H:%M %Z}"
    if there.utcoffset():
        utc = at.astimezone(ZoneInfo("UTC"))
        text += f" ({utc:%H:%M} UTC)"
    return text.replace(" ", NBSP, 3)


def evidence(incident: AlertIncident, zone: str, *, initial: bool) -> list[str]:
    """What was seen against what was expected, by metric; `initial`: as it was at its opening."""
    facts = incident.initial if initial else incident.facts
    found = facts.get("metrics") or []
    lines = []
    for metric in found[:METRICS_SHOWN]:
        lines.append(_metric(metric, zone, incident.started_at))
    if len(found) > METRICS_SHOWN:
        lines.append(f"and {len(found) - METRICS_SHOWN} more: homepot-ai incident {incident.id}")
    health = facts.get("health")
    if isinstance(health, int | float):
        lines.append(f"Health {words.score(float(health))} of 1")
    return lines


def _metric(metric: Mapping[str, Any], zone: str, started: datetime) -> str:
    name = clean(str(metric.get("metric") or ""), 60) if metric.get("metric") else None
    observed = _number(metric.get("observed"))
    low, high = metrics.told_band(
        name or "", observed, _number(metric.get("low")), _number(metric.get("high"))
    )
    seen = words.value(name, observed)
    if low is not None and high is not None:
        band = f"{words.value(name, low)} to {words.value(name, high)}"
    elif high is not None:
        band = f"at most {words.value(name, high)}"
    elif low is not None:
        band = f"at least {words.value(name, low)}"
    else:
        band = ""
    label = clean(words.metric_label(name), 60)
    if name == "silent":
        text = "No data"
    elif metric.get("observed") is None:
        text = label
    else:
        text = f"{label} {seen}" + (f", expected {band}" if band else "")
    since = metric.get("since")
    if isinstance(since, str):
        try:
            text += f", since {_clock(datetime.fromisoformat(since), zone, started)}"
        except ValueError:
            return text
    return text


def _clock(at: datetime, zone: str, started: datetime) -> str:
    """The hour, with the day only where it is another than the incident's."""
    there, then = at.astimezone(ZoneInfo(zone)), started.astimezone(ZoneInfo(zone))
    return f"{there:%H:%M}" if there.date() == then.date() else moment(at, zone).partition(" (")[0]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def cause(incident: AlertIncident) -> str:
    """What an incident is about: `Network latency too high`, `silence`."""
    known = {"silent": "silence", "storm": "many things at once"}
    if incident.cause in known:
        return known[incident.cause]
    name, _, where = incident.cause.rpartition(".")
    if where in ("high", "low") and name:
        return f"{clean(metrics.label(name), 60)} too {where}"
    return clean(metrics.label(incident.cause), 80)


def before(incident: AlertIncident) -> list[str]:
    """The last things that happened to its devices."""
    found = []
    for event in incident.facts.get("events") or []:
        said = event.get("summary") if isinstance(event, Mapping) else event
        if said:
            found.append(clean(str(said), 140))
    return found[-EVENTS_SHOWN:]


def similar(finding: Finding | None) -> list[str]:
    """What helped before, how often, and in which incidents."""
    if finding is None:
        return []
    lines = []
    recommendation = finding.recommendation or finding.details.get("recommendation")
    if recommendation:
        lines.append(clean(str(recommendation), 500))
    rate, count = _number(finding.details.get("success_rate")), _number(finding.details.get("n"))
    if rate is not None and count:
        text = f"It helped in {rate * 100:.0f}{NBSP}% of {words.count(int(count), 'case')}"
        interval = finding.details.get("interval")
        if isinstance(interval, Sequence) and len(interval) == 2:
            low, high = _number(interval[0]), _number(interval[1])
            if low is not None and high is not None:
                text += f" (95{NBSP}% interval {low * 100:.0f} to {high * 100:.0f}{NBSP}%)"
        lines.append(text + ".")
    for past in (finding.details.get("similar") or [])[:SIMILAR_SHOWN]:
        lines.append(_past(past))
    return lines


def _past(past: Mapping[str, Any]) -> str:
    day = clean(str(past.get("at") or ""), 40)[:10]
    similarity = _number(past.get("similarity"))
    text = f"Incident {clean(str(past.get('incident_id', '?')), 20)}"
    text += f" of {day}" if day else ""
    text += f", similarity {similarity:.2f}" if similarity is not None else ""
    resolution = past.get("resolution")
    text += (
        f": {clean(str(resolution), 200).rstrip('.')}" if resolution else ": no resolution was written down"
    )
    held = past.get("held")
    if held is not None:
        text += "; it held" if held else "; it did not hold"
    return text + "."


def passages(finding: Finding | None) -> list[str]:
    """Where runbooks and manuals speak of it."""
    if finding is None:
        return []
    found = []
    for passage in (finding.details.get("passages") or [])[:SIMILAR_SHOWN]:
        text = clean(str(passage.get("path", "")), 120)
        text += f", page {passage['page']}" if isinstance(passage.get("page"), int) else ""
        text += f", “{clean(str(passage['heading']), 80)}”" if passage.get("heading") else ""
        text += f": {clean(str(passage['quote']), 200)}" if passage.get("quote") else ""
        found.append(text)
    return found
