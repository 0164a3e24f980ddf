"""An incident in words, by rule from its facts: what is embedded, searched and read. Pure.

Technicians write *disk nearly full*, facts say `disk_percent` 94 above 80: for the deviations that have a
name in the field the description uses it, so that both end near each other. Foreign words (names, log
lines) are cleaned and cut, and stand in quotation marks: they are told, never followed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from homepot_ai.fleet import metrics as known
from homepot_ai.memory.matching import Exact
from homepot_ai.store.memory import IncidentRow, NewPattern
from homepot_ai.text import clean

CAP = 1000
METRICS_TOLD = 6
EVENTS_TOLD = 5
EVENT_CAP = 120
RESOLUTION_CAP = 1000

#: What the field calls a metric that left its band, by metric and direction.
PHRASES: Mapping[tuple[str, str], str] = {
    ("cpu_percent", "high"): "CPU overloaded",
    ("memory_percent", "high"): "memory running full",
    ("disk_percent", "high"): "disk nearly full",
    ("network_latency_ms", "high"): "network slow, high latency",
    ("transactions_per_minute", "low"): "fewer transactions than usual",
    ("transactions_per_minute", "high"): "more transactions than usual",
    ("error_ratio", "high"): "requests fail",
    ("active_connections", "high"): "unusually many connections",
    ("active_connections", "low"): "connections lost",
    ("queue_depth", "high"): "queue piles up, backlog",
    ("temperature_celsius", "high"): "overheating, too hot",
    ("temperature_celsius", "low"): "too cold",
    ("failed_checks_in_row", "high"): "health checks fail",
    ("state_changes_per_hour", "high"): "goes offline and comes back, flapping",
    ("errors_per_15min", "high"): "burst of errors in the log",
    ("failed_jobs_per_hour", "high"): "jobs fail",
}
#: What the field calls a cause that is no metric; of `metric.direction` the phrase above is taken.
CAUSES: Mapping[str, str] = {
    "silent": "device offline, silent, no heartbeat",
    "storm": "many devices at once",
    "health": "unhealthy",
}
_KINDS = {
    "gateway": "gateway and devices behind it",
    "site": "most of a site",
    "storm": "many devices at once",
}


def describe(incident: IncidentRow) -> str:
    """One paragraph of at most `CAP` characters.

    What every incident has (edges, firmware) is left out: it would make all of them alike.
    """
    facts = incident.facts
    subject = clean((incident.device_type or "device").replace("_", " "), 60)
    if incident.kind in _KINDS:
        subject = f"{_KINDS[incident.kind]} ({incident.devices} devices)"
    cause = _cause(incident.cause)
    metrics = [_metric(metric) for metric in _metrics(facts)[:METRICS_TOLD]]
    # A cause that is a metric is told once, with its value.
    told = any(metric.startswith(cause) for metric in metrics)
    parts = [f"{subject}, {incident.category}" + ("" if told else f": {cause}"), *metrics]
    parts += [f'"{event}"' for event in _events(facts)[:EVENTS_TOLD]]
    return _cut(". ".join(part for part in parts if part) + ".", CAP)


def _cause(cause: str) -> str:
    metric, _, direction = cause.rpartition(".")
    told = CAUSES.get(cause) or PHRASES.get((metric, direction))
    if told is None:
        told = f"{known.label(metric)} too {direction}" if direction in {"high", "low"} and metric else cause
    return clean(told.replace("_", " ").replace(".", " "), 80)


def exact(incident: IncidentRow) -> Exact:
    """What can be compared without reading."""
    return Exact(incident.device_type, incident.category, frozenset(metric_keys(incident.facts)))


def metric_keys(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """`name:direction` of each metric that is involved.

    >>> metric_keys({"metrics": [{"metric": "disk_percent", "direction": "high"}]})
    ('disk_percent:high',)
    """
    keys = (f"{clean(str(m['metric']), 80)}:{_direction(m)}" for m in _metrics(facts))
    return tuple(dict.fromkeys(keys))


def pattern_of(incident: IncidentRow) -> NewPattern:
    """The pattern of an incident that has closed."""
    description = describe(incident)
    resolution = clean(incident.resolution, RESOLUTION_CAP) if incident.resolution else None
    return NewPattern(
        incident.id, incident.root_device_id, incident.site_id, incident.device_type, incident.category,
        incident.severity, metric_keys(incident.facts), description, content_hash(description), resolution,
        incident.provenance, incident.opened_at,
    )  # fmt: skip


def content_hash(text: str) -> str:
    """What tells whether the index holds this text: 16 hex digits of its SHA-256.

    >>> content_hash("disk nearly full")
    '832384603514e91c'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _metrics(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = facts.get("metrics")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    return [metric for metric in listed if isinstance(metric, Mapping) and metric.get("metric")]


def _direction(metric: Mapping[str, Any]) -> str:
    if metric.get("direction") in {"high", "low"}:
        return str(metric["direction"])
    observed, low = _number(metric.get("observed")), _number(metric.get("low"))
    return "low" if observed is not None and low is not None and observed < low else "high"


def _metric(metric: Mapping[str, Any]) -> str:
    name, direction = clean(str(metric["metric"]), 80), _direction(metric)
    phrase = PHRASES.get((name, direction), f"{known.label(name)} too {direction}")
    observed = _number(metric.get("observed"))
    if observed is None:
        return phrase
    label = known.label(name)
    return (
        f"{phrase}: " + ("" if phrase.startswith(label) else f"{label} ") + known.format_value(name, observed)
    )


def _events(facts: Mapping[str, Any]) -> list[str]:
    listed = facts.get("events")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    said = [
        str(event.get("summary") or event.get("message") or "") if isinstance(event, Mapping) else str(event)
        for event in listed
    ]
    return [clean(text, EVENT_CAP).replace('"', "'") for text in said if text.strip()]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _cut(text: str, cap: int) -> str:
    return text if len(text) <= cap else text[: cap - 1].rstrip() + "…"
