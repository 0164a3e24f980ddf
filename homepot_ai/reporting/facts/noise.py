"""How much alerting asked of people."""

from __future__ import annotations

from datetime import date

from homepot_ai.reporting.facts.base import Fact


class NoiseDay(Fact):
    """Pages of one local day; a page counts once, whoever got it."""

    day: date
    pages: int
    critical: int


class NoiseRule(Fact):
    """What a rule brought: a cause of a device type.

    Attributes:
        passed: incidents that were closed without that anybody took them up.
    """

    device_type: str
    cause: str
    pages: int
    incidents: int
    marked_true: int
    marked_false: int
    passed: int


class NoiseFacts(Fact):
    """Alerting over a period, headline class.

    Attributes:
        told: messages (page and recipient). held_back: incidents that the budget kept for a digest.
        incidents, flapping, marked_true, marked_false: of those opened in the period.
        budget: pages of a day that are allowed, of all sites of the scope together.
    """

    days: tuple[NoiseDay, ...]
    pages: int
    told: int
    held_back: int
    incidents: int
    flapping: int
    marked_true: int
    marked_false: int
    budget: float
    rules: tuple[NoiseRule, ...]
    rules_total: int
