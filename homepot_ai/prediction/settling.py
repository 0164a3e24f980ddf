"""What a forecast was worth, once it is due. Pure: a forecast and what happened in, a settlement out.

    failure  happened: a failure began in (from, due]. Score: (probability - outcome)²  (Brier, 1950)
    limit    happened: the hourly mean was beyond the limit in (made, due]. Observed: when, in epoch seconds
    level    observed: the mean of the hour in which it was due
    life     happened: a failure began in (made, due]. Observed: days until it
    The interval's score of the last three: width plus a penalty for what lies outside; limit and life in
    days.

Censored is what cannot be told: the device was replaced, retired or repaired before the forecast was due and
did not fail before that; it had failed already when the forecast was made; nobody saw it until the end.
Maintenance that HOMEPOT's state history tells of is routine and censors nothing; a visit, or what a person
records as maintenance, was meant to change the outcome and does. When it does not work: who is repaired is
chosen by risk, so what remains is a little healthier than the fleet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from homepot_ai.intervals import interval_score
from homepot_ai.store.outcomes import Outcome

#: Incidents are closed, grouped and marked with a delay: nothing is settled before.
GRACE = timedelta(hours=6)
#: So long is waited for scores and telemetry that are behind; then it cannot be told.
PATIENCE = timedelta(days=7)
#: What a person tells of has no end that is known: it counts as repaired after so long.
REPAIRED = timedelta(days=1)
#: A device that was seen so shortly before the end was seen to the end.
SEEN = timedelta(days=1)
DAY_S = 86400.0

Result = Literal["happened", "did_not", "censored"]


@dataclass(frozen=True)
class Forecast:
    """A row of the ledger, as far as its settlement needs it; fields as in `ai_predictions`."""

    id: int
    device_id: int
    made_at: datetime
    kind: Literal["failure", "limit", "level", "life"]
    from_at: datetime
    due_at: datetime
    metric: str
    probability: float | None = None
    low: float | None = None
    mid: float | None = None
    high: float | None = None
    coverage: float | None = None


@dataclass(frozen=True)
class Settlement:
    """What became of a forecast. `why` of one that is censored."""

    id: int
    outcome: Result
    observed: float | None = None
    observed_at: datetime | None = None
    score: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Known:
    """What is known about a device.

    Attributes:
        outcomes: what it went through, by time.
        seen_until: its newest telemetry; None: there is none.
        value: kind level: the mean of the due hour; crossed_at: kind limit: the first hour beyond the limit.
        scored_until: how far the fleet is scored; None: nobody knows.
    """

    outcomes: Sequence[Outcome] = ()
    seen_until: datetime | None = None
    value: float | None = None
    crossed_at: datetime | None = None
    scored_until: datetime | None = None


def intervened(outcome: Outcome) -> bool:
    """Whether something was done that changes what would have happened."""
    if outcome.kind == "maintained":
        return outcome.source in ("visit", "person")
    return outcome.kind in ("replaced", "retired")


def lasts(failure: Outcome, at: datetime) -> bool:
    """Whether a device that failed before a moment is still broken then.

    An incident without an end is open; a failure that a person recorded only has none that anybody wrote.
    """
    if failure.ended_at is None:
        return failure.source == "incident" or at < failure.at + REPAIRED
    return failure.ended_at > at


def settle(forecast: Forecast, known: Known, now: datetime) -> Settlement | None:
    """The settlement of a forecast; None: it is not due, or what decides may still arrive."""
    if now < forecast.due_at + GRACE:
        return None
    late = now >= forecast.due_at + PATIENCE
    if not late and known.scored_until is not None and known.scored_until < forecast.due_at:
        return None
    failures = [o for o in known.outcomes if o.kind == "failure"]
    if any(o.at <= forecast.made_at and lasts(o, forecast.made_at) for o in failures):
        return _censored(forecast, "it had failed already when this was forecast")
    ended = min(
        (o.at for o in known.outcomes if intervened(o) and forecast.made_at < o.at <= forecast.due_at),
        default=None,
    )
    if forecast.kind == "failure":
        return _failure(forecast, failures, known, ended)
    if forecast.kind == "level":
        return _level(forecast, known, ended, late=late)
    first = (
        known.crossed_at
        if forecast.kind == "limit"
        else min((o.at for o in failures if forecast.made_at < o.at <= forecast.due_at), default=None)
    )
    return _moment(forecast, first, known, ended)


def _failure(
    forecast: Forecast, failures: Sequence[Outcome], known: Known, ended: datetime | None
) -> Settlement:
    first = min((o.at for o in failures if forecast.from_at < o.at <= forecast.due_at), default=None)
    assert forecast.probability is not None
    if first is not None and (ended is None or first <= ended):
        score = (forecast.probability - 1.0) ** 2
        return Settlement(forecast.id, "happened", 1.0, first, score)
    if ended is not None:
        return _censored(forecast, "it was replaced, retired or repaired before this was due")
    if not _seen(forecast, known):
        return _censored(forecast, "nobody saw it until this was due")
    return Settlement(forecast.id, "did_not", 0.0, None, forecast.probability**2)


def _level(forecast: Forecast, known: Known, ended: datetime | None, *, late: bool) -> Settlement | None:
    if ended is not None:
        return _censored(forecast, "it was replaced, retired or repaired before this was due")
    if known.value is None:
        return _censored(forecast, "nothing was measured when this was due") if late else None
    return Settlement(
        forecast.id, "happened", known.value, forecast.due_at, _score(forecast, known.value, unit_s=1.0)
    )


def _moment(forecast: Forecast, first: datetime | None, known: Known, ended: datetime | None) -> Settlement:
    """When something happens: a limit is crossed (epoch seconds), a life ends (days)."""
    if first is not None and (ended is None or first <= ended):
        if forecast.kind == "limit":
            return Settlement(
                forecast.id, "happened", first.timestamp(), first,
                _score(forecast, first.timestamp(), unit_s=DAY_S),
            )  # fmt: skip
        days = (first - forecast.made_at).total_seconds() / DAY_S
        return Settlement(forecast.id, "happened", days, first, _score(forecast, days, unit_s=1.0))
    if ended is not None:
        return _censored(forecast, "it was replaced, retired or repaired before this was due")
    if not _seen(forecast, known):
        return _censored(forecast, "nobody saw it until this was due")
    return Settlement(forecast.id, "did_not")


def _score(forecast: Forecast, observed: float, *, unit_s: float) -> float | None:
    if forecast.low is None or forecast.high is None or forecast.coverage is None:
        return None
    low, high, seen = forecast.low / unit_s, forecast.high / unit_s, observed / unit_s
    return interval_score(low, high, seen, forecast.coverage)


def _seen(forecast: Forecast, known: Known) -> bool:
    return known.seen_until is not None and known.seen_until >= forecast.due_at - SEEN


def _censored(forecast: Forecast, why: str) -> Settlement:
    return Settlement(forecast.id, "censored", why=why)
