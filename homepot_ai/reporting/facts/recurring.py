"""Troubles that come back, and troubles that many devices share."""

from __future__ import annotations

from datetime import datetime

from homepot_ai.reporting.facts.base import Fact
from homepot_ai.reporting.facts.incidents import IncidentFacts


class RecurringFault(Fact):
    """The same trouble of the same device or place, several times.

    Attributes:
        last: its newest incident. times: openings in the period; times_window: in the longer window.
        first_at: the first of the window. minutes: it was there within the period, all times together.
        actions: recorded about it in the window.
    """

    last: IncidentFacts
    times: int
    times_window: int
    first_at: datetime
    minutes: int
    actions: int


class SharedFault(Fact):
    """One trouble of several devices of a type."""

    device_type: str
    cause: str
    devices: int
    incidents: int


class RecurringFacts(Fact):
    """Headline class. Both lists are capped; their totals are not."""

    window_days: int
    faults: tuple[RecurringFault, ...]
    total: int
    shared: tuple[SharedFault, ...]
    shared_total: int
