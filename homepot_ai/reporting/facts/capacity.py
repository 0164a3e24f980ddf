"""When disks and memories are full."""

from __future__ import annotations

from datetime import date, datetime

from homepot_ai.reporting.facts.base import DeviceRef, Fact


class CapacityFacts(Fact):
    """One metric of one device.

    Attributes:
        now: mean of its last hour in the period; days: mean of each of the last days until the period's
            end, None: nothing came; first_day: the first of them.
        low, mid, high: level at `due_at` with its 80 % interval; None: none was forecast.
        limit: what it is not to reach; at_low, at_mid, at_high: when it is reached, with the 80 % interval;
            None: within thirty days it is not expected.
    """

    device: DeviceRef
    metric: str
    now: float | None
    first_day: date
    days: tuple[float | None, ...]
    due_at: datetime | None
    low: float | None
    mid: float | None
    high: float | None
    limit: float | None
    at_low: datetime | None
    at_mid: datetime | None
    at_high: datetime | None


class CapacityOutlook(Fact):
    """Those that reach their limit first, then the fullest. Capped.

    Attributes:
        forecast: devices with a forecast of a level or date; reaching: those expected to reach a limit.
        coverage: what the intervals promise.
    """

    items: tuple[CapacityFacts, ...]
    total: int
    forecast: int
    reaching: int
    coverage: float
