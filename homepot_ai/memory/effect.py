"""Did an action help? Pure: a course of health in, a verdict out; counts in, a rate with its interval out.

An action helped when the device was healthy for `STEADY` minutes in a row within `WITHIN` of it, and stayed
so for `HOLD`: at least `HELD_SHARE` of the scored minutes healthy, and the incident did not open again.

Most incidents end by themselves: whoever acts at the worst moment sees an improvement whatever was done
(regression to the mean). So the rate stands beside that of incidents of the same category in which nothing
was done, judged by the same rule from a matched moment on: as long after the opening as people usually take
to act, and only of those that were still ill then. An action is called better only where Newcombe's 95 %
interval of the difference is above 0.
When it does not work: people choose when to act and on what; this is no trial. Few cases say nothing, and are
said to be few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.intervals import wilson as score_interval
from homepot_ai.store.actions import Outcome, Tally

WITHIN = timedelta(hours=4)
HOLD = timedelta(hours=24)
STEADY = 10
HELD_SHARE = 0.95
#: Of the minutes of `HOLD`, this share must have been scored for a verdict.
KNOWN_SHARE = 0.5
#: Looked at before the action: was the device ill at all?
BEFORE = timedelta(minutes=30)
#: Fewer judged cases than this give no rate.
ENOUGH = 5
MINUTE = timedelta(minutes=1)

Minute = tuple[datetime, float | None, str]


@dataclass(frozen=True)
class Verdict:
    """Whether it helped, and why that is said."""

    outcome: Outcome
    reason: str
    recovered_at: datetime | None = None
    held_until: datetime | None = None
    health_before: float | None = None


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % Wilson interval; None below `ENOUGH` cases."""

    helped: int
    n: int
    rate: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.rate is None or self.low is None or self.high is None:
            return f"too few to tell ({self.helped} of {self.n})"
        return f"{self.helped} of {self.n} ({self.rate:.0%}, 95 % interval {self.low:.0%} to {self.high:.0%})"


@dataclass(frozen=True)
class Effect:
    """An action beside doing nothing.

    Attributes:
        difference: rate of the action minus that of doing nothing, with its interval; None: too few of
        either.
    """

    category: str
    action_key: str
    action: str
    taken: Rate
    nothing: Rate
    difference: tuple[float, float, float] | None

    @property
    def verdict(self) -> str:
        """One of: better than doing nothing, worse, no difference shown, too few cases."""
        if self.difference is None:
            return "too few cases to compare with doing nothing"
        _, low, high = self.difference
        if low > 0:
            return "better than doing nothing"
        return "worse than doing nothing" if high < 0 else "no difference to doing nothing is shown"


def judge(done_at: datetime, course: Sequence[Minute], came_back: datetime | None) -> Verdict:
    """Whether health recovered after an action and stayed.

    Args:
        course: scored minutes in order, from `BEFORE` the action on: (at, score, status).
        came_back: when the incident opened again within the time watched, if it did.
    """
    before = [minute for minute in course if done_at - BEFORE < minute[0] <= done_at and _scored(minute)]
    after = [minute for minute in course if minute[0] > done_at and _scored(minute)]
    scores = [score for _, score, _ in before if score is not None]
    health = sum(scores) / len(scores) if scores else None
    if before and all(_healthy(minute) for minute in before):
        return Verdict("cannot_tell", "the device was healthy already when it was done", health_before=health)
    if not any(at <= done_at + WITHIN for at, _, _ in after):
        return Verdict("cannot_tell", "no minute was scored in the four hours after it", health_before=health)
    recovered = _recovery(after, done_at + WITHIN)
    if recovered is None:
        return Verdict("did_not_help", "health did not recover within four hours", health_before=health)
    held = [minute for minute in after if recovered <= minute[0] < recovered + HOLD]
    if came_back is not None and recovered <= came_back < recovered + HOLD:
        hours = (came_back - recovered).total_seconds() / 3600
        said = f"recovered, but the incident came back after {hours:.1f} h"
        return Verdict("did_not_help", said, recovered, came_back, health)
    if len(held) < KNOWN_SHARE * (HOLD / MINUTE):
        said = f"recovered, but only {len(held)} minutes of the day after were scored"
        return Verdict("cannot_tell", said, recovered, None, health)
    well = sum(_healthy(minute) for minute in held) / len(held)
    if well < HELD_SHARE:
        ill = next(minute[0] for minute in held if not _healthy(minute))
        said = f"recovered, but was healthy in only {well:.0%} of the day after"
        return Verdict("did_not_help", said, recovered, ill, health)
    return Verdict("helped", "recovered and stayed so for 24 h", recovered, recovered + HOLD, health)


def wilson(helped: int, n: int) -> Rate:
    """A share with its 95 % Wilson score interval.

    >>> rate = wilson(8, 10)
    >>> round(rate.low, 3), round(rate.high, 3)
    (0.49, 0.943)
    >>> str(wilson(1, 2))
    'too few to tell (1 of 2)'
    """
    if n < ENOUGH:
        return Rate(helped, n, None, None, None)
    low, high = score_interval(helped / n, n)
    return Rate(helped, n, helped / n, low, high)


def effects(tallies: Sequence[Tally]) -> list[Effect]:
    """Each action beside doing nothing in its category: those that are shown to help first."""
    nothing = {t.category: t for t in tallies if t.kind == "nothing"}
    found = []
    for tally in tallies:
        if tally.kind != "taken":
            continue
        other = nothing.get(tally.category)
        none = wilson(other.helped, other.judged) if other else wilson(0, 0)
        taken = wilson(tally.helped, tally.judged)
        found.append(
            Effect(tally.category, tally.action_key, tally.action, taken, none, _difference(taken, none))
        )
    # By what is certain, not by the best luck: the interval's lower end.
    return sorted(found, key=lambda e: (-(e.taken.low or 0.0), -e.taken.n, e.category, e.action_key))


def _difference(a: Rate, b: Rate) -> tuple[float, float, float] | None:
    """Newcombe's interval of the difference of two shares, out of their Wilson intervals."""
    if a.rate is None or b.rate is None or a.low is None or b.low is None or a.high is None or b.high is None:
        return None
    delta = a.rate - b.rate
    down = math.hypot(a.rate - a.low, b.high - b.rate)
    up = math.hypot(a.high - a.rate, b.rate - b.low)
    return delta, delta - down, delta + up


def _recovery(after: Sequence[Minute], until: datetime) -> datetime | None:
    run: list[datetime] = []
    for minute in after:
        run = [*run, minute[0]] if _healthy(minute) else []
        if run and run[0] > until:
            return None
        if len(run) == STEADY:
            return run[0]
    return None


def _scored(minute: Minute) -> bool:
    return minute[1] is not None and minute[2] in {"healthy", "warning", "critical"}


def _healthy(minute: Minute) -> bool:
    return minute[2] == "healthy"
