"""Sites beside each other, with their trend."""

from __future__ import annotations

from datetime import date

from homepot_ai.reporting.facts.base import Fact


class LeagueSite(Fact):
    """One site's course, headline class; its figures of the period are those of the list of sites.

    Attributes:
        days: mean health of each local day of the period; None: nothing was scored.
        before: mean health of as many days before the period; None: nothing was scored.
        incidents: opened in the period.
    """

    id: int
    days: tuple[float | None, ...]
    before: float | None
    incidents: int


class LeagueFacts(Fact):
    """All sites of a fleet; empty for any other scope. `before_from`: the first day of what is compared."""

    sites: tuple[LeagueSite, ...]
    before_from: date
    days: int
