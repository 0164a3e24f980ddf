"""What was changed in the configuration, and what health did after it."""

from __future__ import annotations

from datetime import datetime

from homepot_ai.reporting.facts.base import DeviceRef, Fact


class ChangeFacts(Fact):
    """One change, on however many devices within the same hour.

    Attributes:
        device: the only one it was made on; None: several.
        before, after: mean health of these devices in the day before and the day after; None: not scored,
            or the day is not over.
        incidents: opened on these devices within a day after it.
        rolled_back: on how many of them it was taken back.
    """

    at: datetime
    parameter: str
    by: str
    devices: int
    device: DeviceRef | None
    before: float | None
    after: float | None
    incidents: int
    rolled_back: int


class ConfigurationFacts(Fact):
    """Changes of the headline class's devices in a period, the worst effect first. `changes` is capped."""

    changes: tuple[ChangeFacts, ...]
    total: int
    devices: int
