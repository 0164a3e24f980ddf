"""Our own health: minutes scored, services, the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.base import Count, Fact


class ScoringFacts(Fact):
    """Our own availability over the period, for the whole fleet.

    Attributes:
        minutes_scored, minutes_due: shard-minutes; due since the first minute ever scored.
        due_from: that first minute, where it lies within the period; None: due all of it.
        rejected: telemetry rows that could not be used, by reason; rows_read: all that were read.
    """

    shards: int
    minutes_scored: int
    minutes_due: int
    rows_read: int
    rejected: tuple[Count, ...]
    longest_gap_minutes: int
    slowest_seconds: float | None
    due_from: datetime | None = None

    @property
    def share(self) -> float | None:
        """Minutes scored of minutes due, 0-1."""
        return self.minutes_scored / self.minutes_due if self.minutes_due else None


class ServiceState(Fact):
    """What the last check said of one service."""

    service: str
    state: Literal["ok", "degraded", "down"]
    detail: str
    since: datetime
    checked_at: datetime


class Made(Fact):
    """How things stood when the report was made. Left out when two revisions are compared."""

    at: datetime
    last_scored: datetime | None
    services: tuple[ServiceState, ...]
    outbox: tuple[Count, ...]
