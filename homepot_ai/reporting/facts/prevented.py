"""Warnings of which it is known now whether they were right."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from homepot_ai.reporting.facts.base import DeviceRef, Fact

WarningOutcome = Literal["came_true", "averted", "false_alarm", "censored"]


class WarningFacts(Fact):
    """One warning; `happened_at`: when the failure came of which it warned."""

    device: DeviceRef
    cause: str
    level: Literal["high", "critical"]
    raised_at: datetime
    outcome: WarningOutcome
    happened_at: datetime | None
    settled_at: datetime


class PreventedFacts(Fact):
    """Warnings settled in a period, headline class. `warnings` is capped; the counts are not.

    Attributes:
        failures, unwarned: failures in the period, and how many no warning of the month before was about.
    """

    warnings: tuple[WarningFacts, ...]
    total: int
    came_true: int
    averted: int
    false_alarms: int
    censored: int
    failures: int
    unwarned: int
