"""The appendix: how things were measured, and with which settings."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

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
    """One time that a backup was restored and questioned. `path` is its name."""

    path: str
    megabytes: float | None
    verified_at: datetime
    passed: bool = True
    kind: Literal["nightly", "by hand", "restore"] = "nightly"
    detail: str = ""


class DrillsFacts(Fact):
    """Restore drills of a period.

    Attributes:
        total: that passed. failed: that did not. newest: when one passed last, also before the period.
        failed_backups: that could not even be made, or did not pass.
    """

    drills: tuple[DrillFacts, ...]
    total: int
    newest: datetime | None
    failed: int = 0
    failed_backups: int = 0
