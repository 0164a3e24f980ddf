"""Names, units and possible values of metrics. HOMEPOT's own spellings end in this package."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Metric:
    """What is known of a metric.

    Attributes:
        unit: as printed behind a value; empty for plain counts and for what nobody told us.
        low, high: values outside cannot be true, whatever the device does.
        decimals: how exactly a value is worth printing.
    """

    label: str
    unit: str
    low: float
    high: float
    decimals: int = 1


# Nothing that a device measures is larger; what is, is an overflow or garbage.
ABSURD = 1e15

KNOWN: Mapping[str, Metric] = MappingProxyType(
    {
        # Agents round, and hypervisors steal time: a hair over 100 % happens and is harmless.
        "cpu_percent": Metric("CPU", "%", 0.0, 100.5),
        "memory_percent": Metric("Memory", "%", 0.0, 100.5),
        "disk_percent": Metric("Disk", "%", 0.0, 100.5),
        "network_latency_ms": Metric("Network latency", "ms", 0.0, 3.6e6, 0),
        "transactions_per_minute": Metric("Transactions", "/min", 0.0, 1e6),
        "transaction_volume": Metric("Transaction volume", "", 0.0, ABSURD, 0),
        "error_ratio": Metric("Error ratio", "", 0.0, 1.0, 3),
        "active_connections": Metric("Active connections", "", 0.0, 1e7, 0),
        "queue_depth": Metric("Queue depth", "", 0.0, 1e9, 0),
        "temperature_celsius": Metric("Temperature", "°C", -90.0, 250.0),
        "uptime_seconds": Metric("Uptime", "s", 0.0, 3.2e9, 0),
        # Counted per device by the readers, not sampled.
        "failed_checks_in_row": Metric("Failed health checks in a row", "", 0.0, ABSURD, 0),
        "state_changes_per_hour": Metric("State changes in an hour", "", 0.0, ABSURD, 0),
        "errors_per_15min": Metric("Errors in 15 minutes", "", 0.0, ABSURD, 0),
        "failed_jobs_per_hour": Metric("Failed jobs in an hour", "", 0.0, ABSURD, 0),
    }
)

_SUFFIXES = {"_percent": "%", "_ms": "ms", "_celsius": "°C", "_seconds": "s", "_bytes": "B"}

# What the readers count themselves; a device cannot tell it of itself.
COUNTED = ("failed_checks_in_row", "state_changes_per_hour", "errors_per_15min", "failed_jobs_per_hour")

# Uptime grows for ever and says nothing about health by its value.
IGNORED = frozenset({"uptime_seconds", *COUNTED})


def label(name: str) -> str:
    """A metric's name for people.

    >>> label("network_latency_ms"), label("queue_wait")
    ('Network latency', 'Queue wait')
    """
    known = KNOWN.get(name)
    return known.label if known else name.replace("_", " ").strip().capitalize() or name


def unit(name: str) -> str:
    """A metric's unit as printed behind a value; empty when there is none or nobody told us."""
    known = KNOWN.get(name)
    if known:
        return known.unit
    return next((symbol for suffix, symbol in _SUFFIXES.items() if name.endswith(suffix)), "")


def format_value(name: str, value: float) -> str:
    """A value with its unit, as exact as the metric is worth.

    >>> format_value("cpu_percent", 93.26), format_value("requests", 1234567.0)
    ('93.3 %', '1.23e+06')
    """
    known = KNOWN.get(name)
    text = f"{value:.{known.decimals}f}" if known else f"{value:.3g}"
    symbol = unit(name)
    return f"{text} {symbol}".rstrip()


def just_beyond(name: str, value: float, low: float | None, high: float | None) -> str:
    """`just over ` or `just under ` where a printed value and the edge that it passed look the same.

    >>> just_beyond("disk_percent", 90.02, None, 90.0), just_beyond("disk_percent", 93.0, None, 90.0)
    ('just over ', '')
    """
    for edge in (low, high):
        if edge is None or value == edge or format_value(name, value) != format_value(name, edge):
            continue
        return "just over " if value > edge else "just under "
    return ""


def told_band(
    name: str, value: float | None, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    """The edges of an expected band that are worth telling; None for one that says nothing.

    An edge beyond what the metric can be at all is none (fewer than no connections).  Nor is a lower one
    below zero where the value is above the band: for most metrics it is only arithmetic.

    >>> told_band("active_connections", 40.0, -3.0, 12.0), told_band("load", 0.9, -0.2, 0.5)
    ((None, 12.0), (None, 0.5))
    >>> told_band("balance", -4.0, -2.0, 5.0)
    (-2.0, 5.0)
    """
    known = KNOWN.get(name)
    low = None if low is None or not math.isfinite(low) else low
    high = None if high is None or not math.isfinite(high) else high
    if known and low is not None and low <= known.low:
        low = None
    if known and high is not None and high >= known.high:
        high = None
    if low is not None and high is not None and low < 0 <= high and value is not None and value > high:
        low = None
    return low, high


def valid_ranges(names: Sequence[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest possible value of each metric, float64 [len(names)] each."""
    low = np.array([KNOWN[n].low if n in KNOWN else -ABSURD for n in names], dtype=np.float64)
    high = np.array([KNOWN[n].high if n in KNOWN else ABSURD for n in names], dtype=np.float64)
    return low, high
