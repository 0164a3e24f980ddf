"""What a visit costs, and what it would cost not to go: from a site's configured rates and nothing else.
Pure.

    visit      a call-out, once however many devices are looked at     hour           of work
    downtime_hour  lost while a device is down                         outage_hours   how long it is, then
    emergency  a call-out after a failure

Without the rates that a sum needs there is no sum. What it would cost not to go is weighed with the
probability of a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from homepot_ai.errors import PredictionError

RATES: Mapping[str, str] = {
    "visit": "a call-out, once per visit",
    "hour": "an hour of work",
    "downtime_hour": "lost per hour while a device is down",
    "outage_hours": "hours that a device is down after a failure",
    "emergency": "a call-out after a failure",
}
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Estimate:
    """Costs of one device's part in a visit; None: the rates do not say.

    Attributes:
        basis: the rates that were used, and how many devices share the call-out.
    """

    cost: Decimal | None
    cost_if_not: Decimal | None
    currency: str | None
    basis: Mapping[str, Any] | None


def checked(rates: Mapping[str, Any]) -> dict[str, Any]:
    """Rates as they may be kept.

    Raises:
        PredictionError: one is unknown, no number, or negative; or no currency is said.

    >>> checked({"currency": "eur", "visit": "80"})
    {'currency': 'EUR', 'visit': 80.0}
    """
    found: dict[str, Any] = {}
    for name, value in rates.items():
        if name == "currency":
            code = str(value).strip().upper()
            if len(code) != 3 or not code.isalpha() or not code.isascii():
                raise PredictionError(f"{value!r} is no currency: write its three letters, for example EUR")
            found[name] = code
            continue
        if name not in RATES:
            raise PredictionError(f"{name!r} is no rate: use currency, {', '.join(RATES)}")
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise PredictionError(f"{name}={value!r} is no number") from error
        if not 0 <= number < 1e9:
            raise PredictionError(f"{name}={value} cannot be: a rate is 0 or more, and finite")
        found[name] = number
    if found and "currency" not in found:
        raise PredictionError("say the currency of the rates as well: currency=EUR")
    return found


def estimate(
    rates: Mapping[str, Any] | None, *, minutes: int, sharing: int, probability: float | None
) -> Estimate:
    """One device's share of a visit's costs, and the expected costs without it.

    Args:
        minutes: of work on this device; sharing: devices that are looked at in the visit.
        probability: of a failure, if nobody goes.

    >>> rates = {"currency": "EUR", "visit": 90, "hour": 60}
    >>> str(estimate(rates, minutes=30, sharing=2, probability=None).cost)
    '75.00'
    """
    if not rates:
        return Estimate(None, None, None, None)
    cost = None
    if "visit" in rates and "hour" in rates:
        cost = _money(rates["visit"] / max(sharing, 1) + rates["hour"] * minutes / 60)
    without = None
    if probability is not None and "downtime_hour" in rates and "outage_hours" in rates:
        lost = rates["downtime_hour"] * rates["outage_hours"] + rates.get("emergency", 0.0)
        without = _money(probability * lost)
    if cost is None and without is None:
        return Estimate(None, None, None, None)
    basis = {**rates, "minutes": minutes, "sharing": sharing}
    return Estimate(cost, without, str(rates["currency"]), basis)


def _money(value: float) -> Decimal:
    return Decimal(str(value)).quantize(_CENT)
