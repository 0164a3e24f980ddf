"""What no recording holds: memory leaks, filling disks, and when the gateway was away. All `simulated`.

One of each has passed its limit at loading; one of each will within a week, and is there to be predicted.

Every value is a function of the time since loading and of a fixed seed, so that loading again for the
same moment gives the same rows.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from homepot_ai.testing.sample_fleet import BERLIN, SITES, SampleDevice
from homepot_ai.testing.sample_mapping import COLUMNS, Column, Layout
from homepot_ai.testing.sample_series import Series

PERIOD_S = 300
DAYS_BEFORE, DAYS_AFTER = 30, 14

# The gateway and everything behind it says nothing for forty minutes.
OUTAGE_SITE = BERLIN
OUTAGE_BEGAN = timedelta(days=-2, hours=-14)
OUTAGE_LASTED = timedelta(minutes=40)

# The leak came with an update, was ended by a restart and began again with the service.
LEAK_BEGAN = timedelta(days=-20)
LEAK_RESTART = timedelta(days=-10, hours=-12)
LEAK_PERCENT_PER_DAY = 4.75

# The disk passes 90 % about three days before loading and stands near 93 % at loading.
DISK_AT_LOAD, DISK_PERCENT_PER_DAY = 92.6, 1.05
DISK_DAILY_LOGS = 0.8
DISK_CLEANED = timedelta(days=-16)

# Those that are still below their limit of 90 %: the leak reaches it in the busy hours about five days after
# loading, the disk about six.
SLOW_LEAK_BEGAN, SLOW_LEAK_PERCENT_PER_DAY = timedelta(days=-16), 2.2
SLOW_DISK_AT_LOAD, SLOW_DISK_PERCENT_PER_DAY = 84.0, 0.9

_COLUMNS = tuple(Column(name, number) for number, name in enumerate(COLUMNS))
EXTRAS = {
    "memory-leak": ("payment_service_memory_mb", "payment_service_open_files"),
    "filling-disk": ("log_volume_mb", "journal_files"),
    "slow-leak": ("payment_service_memory_mb", "payment_service_open_files"),
    "slow-disk": ("log_volume_mb", "journal_files"),
}


def outage(anchor: datetime) -> tuple[datetime, datetime]:
    """When the gateway's site was silent, [from, to)."""
    return anchor + OUTAGE_BEGAN, anchor + OUTAGE_BEGAN + OUTAGE_LASTED


def constructed(device: SampleDevice, anchor: datetime) -> Series:
    """A constructed device's telemetry from 30 days before the anchor to 14 days after it."""
    start = int((anchor - timedelta(days=DAYS_BEFORE)).timestamp()) + device.second
    times = start + PERIOD_S * np.arange((DAYS_BEFORE + DAYS_AFTER) * 86400 // PERIOD_S, dtype=np.int64)
    days = (times - anchor.timestamp()) / 86400
    rng = np.random.default_rng(zlib.crc32(device.name.encode()))
    hour, busy = _business(device, times)
    columns = _till(rng, busy)
    first, second = EXTRAS[device.unit]
    if device.unit.endswith("leak"):
        leaked = _leaked(days) if device.unit == "memory-leak" else _leaked_slowly(days)
        memory = np.minimum(columns["memory_percent"] + leaked, 97.5)
        columns["memory_percent"] = memory
        # Short of memory the machine begins to swap, and answers come later.
        columns["network_latency_ms"] += 5 * np.maximum(memory - 90, 0)
        extras = {
            first: 180 + 36 * leaked + 4 * _noise(rng, len(times)),
            second: np.rint(60 + 3 * leaked + 30 * busy),
        }
    else:
        logs = DISK_DAILY_LOGS * (hour / 24 - 0.5)  # rotated and packed at midnight
        # The clean-up brought little: it set the line back by half a day.
        if device.unit == "filling-disk":
            before = np.where(days < DISK_CLEANED / timedelta(days=1), 0.5 * DISK_PERCENT_PER_DAY, 0.0)
            disk = DISK_AT_LOAD + DISK_PERCENT_PER_DAY * days + logs + before
        else:
            disk = SLOW_DISK_AT_LOAD + SLOW_DISK_PERCENT_PER_DAY * days + logs
        columns["disk_percent"] = np.minimum(disk + 0.05 * _noise(rng, len(times)), 99.4)
        extras = {
            first: 1200 * columns["disk_percent"] - 30_000,
            second: np.floor(140 + 4 * (days + DAYS_BEFORE)),
        }
    values = np.stack([*(columns[name] for name in COLUMNS), *extras.values()], axis=1)
    names = tuple((name, len(COLUMNS) + number) for number, name in enumerate(extras))
    return Series(start, PERIOD_S, values.astype(np.float32), Layout(_COLUMNS, names), "simulated")


def _leaked(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per cent of memory lost to the leak, by days since loading."""
    began, restart = LEAK_BEGAN / timedelta(days=1), LEAK_RESTART / timedelta(days=1)
    since = np.where(days < restart, days - began, days - restart)
    return LEAK_PERCENT_PER_DAY * np.maximum(since, 0)


def _leaked_slowly(days: NDArray[np.float64]) -> NDArray[np.float64]:
    return SLOW_LEAK_PERCENT_PER_DAY * np.maximum(days - SLOW_LEAK_BEGAN / timedelta(days=1), 0)


def _business(
    device: SampleDevice, times: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Local hour of day 0..24 and how busy the site is 0..1, by its opening and peak hours."""
    site = next(site for site in SITES if site.public_id == device.site)
    zone = ZoneInfo(site.timezone)
    hour = np.empty(len(times))
    for number, moment in enumerate(times.tolist()):
        local = datetime.fromtimestamp(moment, zone)
        hour[number] = local.hour + local.minute / 60 + local.second / 3600
    opens, closes = (int(text[:2]) for text in site.open)
    peak = sum(int(text[:2]) for text in site.peak) / 2
    day = np.clip(np.minimum(hour - opens, closes - hour), 0, 1.5) / 1.5
    return hour, day * (0.45 + 0.55 * np.exp(-(((hour - peak) / 2.2) ** 2)))


def _noise(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Noise of unit size that remembers about half an hour."""
    width = 6
    white = rng.normal(size=count + width - 1)
    return np.convolve(white, np.full(width, width**-0.5), mode="valid")


def _till(rng: np.random.Generator, busy: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """A till's columns on an ordinary day."""
    count = len(busy)
    sales = rng.poisson(16 * busy).astype(np.float64)
    return {
        "cpu_percent": np.clip(11 + 26 * busy + 1.6 * _noise(rng, count), 2, 85),
        "memory_percent": 41 + 2.5 * busy + 0.5 * _noise(rng, count),
        "disk_percent": np.full(count, 47.2) + 0.05 * _noise(rng, count),
        "network_latency_ms": 17 + 5 * busy + rng.gamma(2.0, 1.2, count),
        "transaction_count": sales,
        "transaction_volume": sales * np.clip(rng.normal(23.5, 3.0, count), 9, 60),
        "error_rate": np.clip(rng.gamma(1.5, 0.0012, count), 0, 0.03),
        "active_connections": np.rint(4 + 6 * busy + np.abs(rng.normal(0, 0.7, count))),
        "queue_depth": rng.poisson(0.4 * busy).astype(np.float64),
    }
