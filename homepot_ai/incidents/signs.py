"""What speaks for an incident in one minute, and what follows by rule: cause, category, conclusion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from homepot_ai.fleet import metrics
from homepot_ai.health import rows
from homepot_ai.store.incidents import Category, Conclusion, Severity
from homepot_ai.text import clean

SILENT = "silent"
STORM = "storm"
SEVERITIES: Sequence[Severity] = ("info", "warning", "critical")
TITLE_CAP = 255
_NAME_CAP = 80
_METRIC_CAP = 60
#: A statistical finding that lasted so long is likelier true than one that just began.
LASTING_MINUTES = 30

# The first category one of whose words is in the cause; performance where none is.
_WORDS: Sequence[tuple[Category, tuple[str, ...]]] = (
    ("security", ("login", "auth", "tamper", "intrusion", "certificate", "security")),
    ("temperature", ("temperature", "temp_", "celsius", "thermal", "humidity", "fan_")),
    ("power", ("power", "battery", "voltage", "volt", "watt", "ups_", "charge")),
    ("storage", ("disk", "storage", "inode", "filesystem", "smart_")),
    (
        "application",
        ("error", "failed_checks", "failed_jobs", "transaction", "queue", "job", "request", "app_"),
    ),
    (
        "connectivity",
        (
            "silent",
            "network",
            "latency",
            "connection",
            "packet",
            "rssi",
            "signal",
            "wifi",
            "link",
            "state_ch",
        ),
    ),
)


@dataclass(frozen=True)
class Unit:
    """A device as incidents see it. Names are written by others: clean them before printing."""

    id: int
    name: str
    public_id: str
    device_type: str
    site_id: int
    gateway_id: int | None = None
    firmware: str | None = None


@dataclass(frozen=True)
class Sign:
    """One open anomaly, or one silence, as it stands at a minute.

    Attributes:
        since: when it began; of a silence, the first minute that was silent.
        anomaly_id: None of a silence.
        minutes: how many of the last minutes it was there, as many as are looked at, at the most.
        samples: ill samples so far, of a device that sends seldom; None of any other.
        hard: a limit crossed, a counted signal, a silence: no statistics.
        kinds: metrics and kinds of evidence that contributed.
        health: the lowest score so far, 0 to 1; None of a silence.
        owner: the live incident that holds it already; None: new.
    """

    device_id: int
    cause: str
    severity: Severity
    since: datetime
    anomaly_id: int | None = None
    minutes: int = 1
    samples: int | None = None
    hard: bool = False
    kinds: tuple[str, ...] = ()
    metric: str | None = None
    observed: float | None = None
    low: float | None = None
    high: float | None = None
    health: float | None = None
    provenance: str | None = None
    owner: int | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing is heard of the device."""
        return self.cause == SILENT


def worst(severities: Sequence[Severity]) -> Severity:
    """The gravest of some severities.

    >>> worst(["info", "critical", "warning"])
    'critical'
    """
    return max(severities, key=SEVERITIES.index, default="info")


def direction(observed: float | None, low: float | None, high: float | None) -> str | None:
    """Whether a value is above or below what was expected; None when nobody can tell.

    >>> direction(97.0, None, 90.0), direction(3.0, 4.0, 9.0), direction(None, 4.0, 9.0)
    ('high', 'low', None)
    """
    if observed is None:
        return None
    if high is not None and observed > high:
        return "high"
    if low is not None and observed < low:
        return "low"
    return None


def cause_of(metric: str | None, observed: float | None, low: float | None, high: float | None) -> str:
    """What an anomaly is about, without its values: two of one cause are the same trouble.

    >>> cause_of("cpu_percent", 97.2, None, 90.0), cause_of("failed_jobs_per_hour", 4, None, 3)
    ('cpu_percent.high', 'failed_jobs_per_hour')
    """
    if not metric:
        return "health"
    name = _clean_metric(metric)
    where = direction(observed, low, high)
    return name if where is None or metric in metrics.COUNTED else f"{name}.{where}"


@lru_cache(maxsize=4096)
def _clean_metric(metric: str) -> str:
    return clean(metric, _METRIC_CAP)


def category_of(cause: str) -> Category:
    """The kind of trouble that a cause belongs to.

    >>> category_of("silent"), category_of("disk_percent.high"), category_of("cpu_percent.high")
    ('connectivity', 'storage', 'performance')
    """
    lowered = cause.lower()
    return next((name for name, words in _WORDS if any(w in lowered for w in words)), "performance")


def conclusion_of(
    signs: Sequence[Sign], now: datetime, *, agreeing: Sequence[str] = (), together: bool = False
) -> Conclusion:
    """How sure it is that something is wrong, by rule.

    CONFIRMED: a limit was crossed, the device is silent, checks or jobs failed with it, or most devices of
    a place share it. LIKELY: statistics of more than one kind or metric, or that stand for half an hour, or
    errors of the same minutes. INCONCLUSIVE: one statistic, just now.

    Args:
        agreeing: kinds of events of the same devices and minutes (`failed_job`, `error_burst` ...).
        together: several devices of one place at once.
    """
    if together or any(sign.hard for sign in signs) or "failed_job" in agreeing:
        return "CONFIRMED"
    for sign in signs:
        lasted = (now - sign.since).total_seconds() / 60
        if lasted >= LASTING_MINUTES or len(set(sign.kinds)) > 1 or sign.severity == "critical":
            return "LIKELY"
    return "LIKELY" if "error_burst" in agreeing else "INCONCLUSIVE"


def explain(sign: Sign) -> str:
    """A sign in one clause."""
    if sign.silent:
        return f"silent, nothing heard since {sign.since:%Y-%m-%d %H:%M} UTC"
    nan = math.nan
    seen = (nan if value is None else value for value in (sign.observed, sign.low, sign.high))
    return clean(rows.explain(clean(sign.metric, _METRIC_CAP) if sign.metric else "", *seen), 120)


def title_of(sign: Sign, unit: Unit) -> str:
    """The title of an incident of one device."""
    return clean(f"{clean(unit.name, _NAME_CAP)}: {explain(sign)}", TITLE_CAP)


def group_title(kind: str, name: str, cause: str, devices: int, of: int) -> str:
    """The title of an incident of several devices.

    >>> group_title("gateway", "Router 2", "silent", 12, 12)
    'Router 2: 12 of 12 devices behind this gateway are silent'
    """
    where = clean(name, _NAME_CAP)
    if kind == "storm":
        return f"{devices} more devices fell ill within minutes, told as one"
    behind = "behind this gateway" if kind == "gateway" else "of this site"
    what = "are silent" if cause == SILENT else f"show {cause_words(cause)}"
    return clean(f"{where}: {devices} of {of} devices {behind} {what}", TITLE_CAP)


def cause_words(cause: str) -> str:
    """A cause for people.

    >>> cause_words("network_latency_ms.high"), cause_words("silent")
    ('Network latency too high', 'silence')
    """
    if cause in (SILENT, STORM):
        return {SILENT: "silence", STORM: "many things at once"}[cause]
    name, _, where = cause.rpartition(".")
    if where in ("high", "low") and name:
        return f"{metrics.label(name)} too {where}"
    return metrics.label(cause)


def facts_of(
    signs: Sequence[Sign],
    *,
    devices: Sequence[int],
    events: Sequence[str] = (),
    firmware: str | None = None,
) -> dict[str, Any]:
    """What is known of an incident now, as it is stored: bounded, plain values, no names of devices."""
    order = sorted(signs, key=lambda s: (-SEVERITIES.index(s.severity), s.since, s.device_id))
    seen: dict[str, Mapping[str, Any]] = {}
    for sign in order:
        if sign.cause in seen or len(seen) == 10:
            continue
        seen[sign.cause] = {
            "metric": clean(sign.metric, _METRIC_CAP) if sign.metric else sign.cause,
            "observed": sign.observed, "low": sign.low, "high": sign.high,
            "direction": direction(sign.observed, sign.low, sign.high),
            "unit": metrics.unit(sign.metric) if sign.metric else "",
            "since": sign.since.isoformat(),
        }  # fmt: skip
    healths = [sign.health for sign in signs if sign.health is not None]
    return {
        "metrics": list(seen.values()),
        "devices": sorted(devices)[:50],
        "health": min(healths, default=None),
        "events": list(events)[:10],
        "firmware": clean(firmware, _NAME_CAP) if firmware else None,
    }
