"""The appendix: how things were measured, and with which settings."""

from __future__ import annotations

from datetime import datetime

from homepot_ai.reporting.facts.base import Fact


class AppendixFacts(Fact):
    """The numbers that its sentences need.

    Attributes:
        version: of this program. first_scored: the first minute that was ever scored.
        score_days, hour_days: how long minutes and hours are kept.
        device_types: (type, healthy above, critical below) of the scope.
        model: the failure model in force; model_failures: how many failures it learned from.
    """

    version: str
    first_scored: datetime | None
    score_days: int
    hour_days: int
    device_types: tuple[tuple[str, float, float], ...]
    model: str | None
    model_failures: int | None


class DrillFacts(Fact):
    """One backup that was verified by restoring it."""

    path: str
    megabytes: float | None
    verified_at: datetime


class DrillsFacts(Fact):
    """Restore drills of a period, and the newest of all."""

    drills: tuple[DrillFacts, ...]
    total: int
    newest: datetime | None
