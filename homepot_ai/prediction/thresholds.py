"""From which probability on a device is at moderate, high or critical risk. Pure.

A warning is raised at high: the threshold is the lowest probability of a failure within seven days above
which settled forecasts would have kept the budget of false alarms, and above which no more devices lie than
can be inspected in a day. The share of false alarms above a threshold is shrunk towards the budget's
complement by `PRIOR_N` forecasts, which say what calibrated probabilities would: of those above t, 1 - t are
false at most. Until `least_settled` independent forecasts are settled, and wherever they teach nothing, the
priors hold.

Every level can be reached: no learned threshold lies above `CEILING`, and they are kept apart. Where nothing
keeps the budget, the threshold is the ceiling, and the reason says so.
When it does not work: few failures. The reason states how many there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from homepot_ai.prediction.records import Level
from homepot_ai.store.ledger import FailureBin

CEILING = 0.9
#: Between two levels lies at least so much.
APART = 0.05
#: How many forecasts the prior is worth.
PRIOR_N = 20.0
#: Above a learned threshold lie at least so many independent forecasts.
EVIDENCE = 10.0
STEP = 0.005


@dataclass(frozen=True)
class Thresholds:
    """The lowest probabilities of each level.

    Attributes:
        moderate, high: of a failure within seven days; critical: of one within 24 hours.
        n, failures: settled seven-day forecasts they rest on (overlapping ones counted once) and how many of
            them failed; 0: priors.
        reason: why these, in a sentence.
    """

    moderate: float = 0.2
    high: float = 0.5
    critical: float = 0.5
    n: float = 0.0
    failures: int = 0
    reason: str = "priors: nothing is settled yet"

    def level(self, p_24h: float, p_7d: float) -> Level:
        """The level of a device by its probabilities alone; never `unknown`.

        >>> Thresholds().level(0.1, 0.3), Thresholds().level(0.7, 0.9)
        ('moderate', 'critical')
        """
        if p_24h >= self.critical or p_7d >= max(CEILING + APART, self.high + 2 * APART):
            return "critical"
        if p_7d >= self.high:
            return "high"
        return "moderate" if p_7d >= self.moderate else "low"


def learn(
    bins: Sequence[FailureBin],
    *,
    false_alarm_budget: float,
    inspections_per_day: float,
    least_settled: int,
    overlap: float = 7.0,
    priors: Thresholds = Thresholds(),
) -> Thresholds:
    """Thresholds from the settled forecasts of one forecaster.

    Args:
        bins: of all horizons; "7d" and "24h" are used.
        overlap: so many daily seven-day forecasts of a device tell the same.
    """
    week = sorted((b for b in bins if b.horizon == "7d"), key=lambda b: -b.step)
    day = sorted((b for b in bins if b.horizon == "24h"), key=lambda b: -b.step)
    total = sum(b.n for b in week)
    n, failures = total / overlap, sum(b.happened for b in week)
    if n < least_settled:
        said = f"priors: {n:.0f} independent forecasts are settled, {least_settled} are needed"
        return replace(priors, n=n, failures=failures, reason=said)
    if not failures:
        said = f"priors: none of {n:.0f} settled forecasts failed, which teaches no threshold"
        return replace(priors, n=n, failures=0, reason=said)
    budget = _within_budget(week, false_alarm_budget, overlap)
    seen = sum(b.n for b in week if b.step * STEP >= priors.high) / overlap
    scarce = budget is None and seen < EVIDENCE
    if scarce:
        budget = priors.high
    room = _within_share(week, inspections_per_day)
    high = min(CEILING, max(room, CEILING if budget is None else budget))
    moderate = max(STEP, min(room, high - APART))
    soon = _within_budget(day, false_alarm_budget, 1.0) if sum(b.happened for b in day) else None
    critical = min(CEILING, priors.critical if soon is None else max(soon, APART))
    if scarce:
        said = f"prior: {seen:.0f} settled forecasts reached {priors.high:.2f}, {EVIDENCE:.0f} are needed"
    elif budget is None:
        said = (
            f"no probability keeps the budget of {false_alarm_budget:.0%} false alarms among {n:.0f} settled "
            f"forecasts with {failures} failures: the ceiling {CEILING:.2f} holds"
        )
    elif room > budget:
        said = (
            f"{inspections_per_day:.0%} of the devices can be inspected in a day; {n:.0f} settled forecasts"
        )
    else:
        said = f"at most {false_alarm_budget:.0%} false alarms among {n:.0f} settled forecasts"
    return Thresholds(round(moderate, 3), round(high, 3), round(critical, 3), n, failures, said)


def _within_budget(bins: Sequence[FailureBin], budget: float, overlap: float) -> float | None:
    """The lowest probability above which the shrunk share of false alarms keeps the budget."""
    n, happened, best = 0.0, 0.0, None
    for one in bins:
        n += one.n / overlap
        happened += one.happened / overlap
        at = one.step * STEP
        false = (n - happened + PRIOR_N * (1.0 - at)) / (n + PRIOR_N)
        if n >= EVIDENCE and false <= budget:
            best = at
    return best


def _within_share(bins: Sequence[FailureBin], share: float) -> float:
    """The lowest probability that at most this share of forecasts reaches."""
    total, above, best = sum(b.n for b in bins), 0, 1.0
    for one in bins:
        above += one.n
        if above > share * total:
            break
        best = one.step * STEP
    return best
