"""What downtime cost, and what visits would cost: from configured rates and nothing else."""

from __future__ import annotations

from homepot_ai.reporting.facts.base import Fact


class CurrencyCosts(Fact):
    """Sums of one currency; currencies are never added up.

    Attributes:
        downtime: lost by devices without data. minutes: device-minutes of it; sites: with such a rate.
        visits: what open visits (proposed or accepted) cost; counted: how many of them say.
        if_not: what is expected to be lost without them; weighed: how many of them say.
    """

    currency: str
    downtime: float | None
    minutes: int
    sites: int
    visits: float | None
    counted: int
    if_not: float | None
    weighed: int


class CostsFacts(Fact):
    """Headline class. Without any rate, `currencies` is empty.

    Attributes:
        sites_without: sites of the scope without a rate for downtime, and minutes_without: device-minutes
            without data there.
        open_visits: all of them, with an estimate or not.
    """

    currencies: tuple[CurrencyCosts, ...]
    sites_without: int
    minutes_without: int
    open_visits: int
