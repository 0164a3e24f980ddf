"""`ai_predictions` after a forecast was made: settling it, and the counts of which its record is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from homepot_ai.fleet.metrics import ABSURD
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/ledger.sql")


@dataclass(frozen=True)
class FailureBin:
    """Settled failure forecasts of about one probability.

    Attributes:
        step: the probability in steps of 0.005.
        p_sum: sum of the probabilities; brier_sum: of the scores.
        with_base: how many have a base rate beside them; base_sum: its scores; beside_sum: theirs.
    """

    forecaster: str
    horizon: str
    step: int
    n: int
    p_sum: float
    happened: int
    brier_sum: float
    with_base: int
    base_sum: float
    beside_sum: float


@dataclass(frozen=True)
class IntervalCount:
    """Settled interval forecasts of a forecaster and kind.

    Attributes:
        coverage: what they promised; held: how many held what happened.
        error: median distance of the middle from what happened (days, or the metric's unit).
        score: mean interval score; None where none has one.
    """

    forecaster: str
    kind: str
    coverage: float
    n: int
    held: int
    error: float | None
    score: float | None


@dataclass(frozen=True)
class NewForecast:
    """A forecast to be written when an episode is raised; fields as in `ai_predictions`."""

    made_at: datetime
    device_id: int
    kind: str
    horizon: str
    from_at: datetime
    due_at: datetime
    forecaster: str
    version: str
    reason: str
    metric: str = ""
    cause: str | None = None
    probability: float | None = None
    low: float | None = None
    mid: float | None = None
    high: float | None = None
    unit: str | None = None
    coverage: float | None = None
    facts: str = "{}"


@dataclass(frozen=True)
class StoredRules:
    """What the settled forecasts taught at a moment, as JSON."""

    made_at: datetime
    thresholds: Mapping[str, Any]
    leaders: Mapping[str, str]
    record: Mapping[str, Any]


def due(conn: Connection, until: datetime, *, after: int, limit: int) -> list[tuple[Any, ...]]:
    """Forecasts that are due and not settled, by number: columns of `settling.Forecast`."""
    return conn.execute(_SQL["due"], {"until": until, "after": after, "limit": limit}).fetchall()


def learned_later(conn: Connection, since: datetime, limit: int = 100_000) -> list[tuple[Any, ...]]:
    """Settled forecasts of devices about which something was learned since they were settled."""
    return conn.execute(_SQL["learned_later"], {"since": since, "limit": limit}).fetchall()


def settled_ahead(
    conn: Connection, now: datetime, until: datetime, limit: int = 100_000
) -> list[tuple[Any, ...]]:
    """Due forecasts that a run for a later moment settled as not come true or not to be told."""
    return conn.execute(_SQL["settled_ahead"], {"now": now, "until": until, "limit": limit}).fetchall()


def settle(conn: Connection, settlements: Sequence[Any], now: datetime) -> int:
    """Write settlements (id, outcome, observed, observed_at, score, why)."""
    if not settlements:
        return 0
    parameters = {
        "now": now,
        "ids": [s.id for s in settlements],
        "outcomes": [s.outcome for s in settlements],
        "observed": [s.observed for s in settlements],
        "observed_at": [s.observed_at for s in settlements],
        "scores": [s.score for s in settlements],
        "why": [s.why for s in settlements],
    }
    return conn.execute(_SQL["settle"], parameters).rowcount


def seen_until(conn: Connection, devices: Sequence[int], now: datetime) -> dict[int, datetime]:
    """The newest hour with telemetry of each device that has one."""
    return dict(conn.execute(_SQL["seen_until"], {"ids": list(devices), "now": now}).fetchall())


def scored_until(conn: Connection) -> datetime | None:
    """How far the whole fleet is scored; None: it never was."""
    row = conn.execute(_SQL["scored_until"]).fetchone()
    return None if row is None else row[0]


def _believed(ids: Sequence[int]) -> dict[str, Any]:
    return {"ids": list(ids), "absurd": ABSURD}


def values_at(conn: Connection, ids: Sequence[int]) -> dict[int, float]:
    """By forecast: what was measured when it was due."""
    return {int(i): float(v) for i, v in conn.execute(_SQL["values_at"], _believed(ids))}


def crossings(conn: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """By forecast: when its limit was first crossed."""
    return dict(conn.execute(_SQL["crossings"], _believed(ids)).fetchall())


def failure_bins(conn: Connection, since: datetime, now: datetime) -> list[FailureBin]:
    """Settled daily failure forecasts made since then."""
    return [FailureBin(*row) for row in conn.execute(_SQL["failure_bins"], {"since": since, "now": now})]


def interval_counts(conn: Connection, since: datetime, now: datetime) -> list[IntervalCount]:
    """Settled daily interval forecasts made since then."""
    return [IntervalCount(*row) for row in conn.execute(_SQL["intervals"], {"since": since, "now": now})]


def counts(conn: Connection, since: datetime, now: datetime) -> tuple[int, int, int, datetime | None]:
    """Daily forecasts that wait, were censored, were settled; and when the next one is due."""
    row = conn.execute(_SQL["counts"], {"since": since, "now": now}).fetchone()
    assert row is not None
    return (int(row[0]), int(row[1]), int(row[2]), row[3])


def warnings(
    conn: Connection, since: datetime, now: datetime
) -> tuple[int, int, int, int, int, float | None]:
    """Episodes: came true, averted, false alarms, censored, not settled; median lead in hours."""
    row = conn.execute(_SQL["warnings"], {"since": since, "now": now}).fetchone()
    assert row is not None
    came, averted, false, censored, waiting, lead = row
    return came, averted, false, censored, waiting, None if lead is None else float(lead)


def missed(conn: Connection, since: datetime, now: datetime) -> tuple[int, int]:
    """Failures, and how many of them nothing had warned of."""
    row = conn.execute(_SQL["missed"], {"since": since, "now": now}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def put_rules(
    conn: Connection, now: datetime, *, thresholds: Any, leaders: Mapping[str, str], record: Any
) -> None:
    """Keep what the settled forecasts teach now."""
    parameters = {"thresholds": thresholds, "leaders": dict(leaders), "record": record}
    conn.execute(
        _SQL["put_rules"], {"now": now} | {k: orjson.dumps(v).decode() for k, v in parameters.items()}
    )


def rules(conn: Connection, now: datetime) -> StoredRules | None:
    """What was taught last; None: nothing yet."""
    row = conn.execute(_SQL["rules"], {"now": now}).fetchone()
    return None if row is None else StoredRules(*row)


def append(conn: Connection, forecast: NewForecast) -> int | None:
    """Write a forecast; the same again gives the number of the first. None: the device is gone."""
    row = conn.execute(_SQL["append"], vars(forecast)).fetchone()
    return None if row is None else int(row[0])
