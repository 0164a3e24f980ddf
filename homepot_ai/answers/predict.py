"""What is foretold of a device: the newest judgement as it is stored, and how good such forecasts were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from homepot_ai.answers import naming
from homepot_ai.answers.contracts import Interval, Prediction, Predictions, TrackRecord
from homepot_ai.fleet import metrics
from homepot_ai.prediction import track_record
from homepot_ai.prediction.page import fact_words
from homepot_ai.prediction.records import HORIZONS, Fact
from homepot_ai.store import named_sql
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.questions.types import Asker
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("answers/sql/device.sql")
Horizon = Literal["24h", "7d", "30d"]
DAYS: Mapping[Horizon, int] = {"24h": 1, "7d": 7, "30d": 30}
WORDS = {"24h": "within 24 hours", "7d": "within 7 days", "7-30d": "between 7 and 30 days from now"}
SEVERITY: Mapping[str, Literal["info", "warning", "critical"]] = {"critical": "critical", "high": "warning"}
REASONS = 4


class _Risk(NamedTuple):
    at: datetime
    level: str
    cause: str | None
    metric: str | None
    p_24h: float | None
    p_7d: float | None
    p_30d: float | None
    forecaster: str | None
    when_low: datetime | None
    when_mid: datetime | None
    when_high: datetime | None
    refused: str | None
    action: str | None
    facts: Mapping[str, Any]


def predict(
    db: Database, settings: Settings, device: str, *, horizon: Horizon, asker: Asker, now: datetime
) -> Predictions:
    """What was foretold of a device at the last full hour.

    Args:
        device: its public id, number or exact name.
        horizon: how far ahead.

    Raises:
        NotFound: there is no such device at a site that the asker may see.

    >>> predict(db, settings, "Till 3", horizon="7d", asker=Asker(), now=now).risk_score   # doctest: +SKIP
    0.04
    """
    with db.reader() as conn:
        named = naming.device(conn, device, asker.sites)
        row = conn.execute(_SQL["risk"], {"device": named.id}).fetchone()
        record = _record(conn, horizon, now)
    risk = None if row is None else _Risk(*row)
    found = [_nothing(risk)] if risk is None or risk.refused is not None else _predictions(risk, horizon)
    return Predictions(
        device_id=named.id,
        predictions=found,
        risk_score=None if risk is None else _score(risk, horizon),
        forecast_period=f"next {DAYS[horizon]} day{'s' if DAYS[horizon] > 1 else ''}",
        generated_at=now if risk is None else risk.at,
        track_record=record,
    )


def _nothing(risk: _Risk | None) -> Prediction:
    why = "no run of predict-failures has judged it yet" if risk is None else str(risk.refused)
    return Prediction(
        prediction="Nothing can be foretold of it now", confidence=None, reasoning=clean(why, 300),
        recommended_action=None, severity="info", due_at=None, interval=None,
    )  # fmt: skip


def _predictions(risk: _Risk, horizon: Horizon) -> list[Prediction]:
    """The crossing of a limit first, since it has a date; then the probability of each stretch of time."""
    severity = SEVERITY.get(risk.level, "info")
    action = clean(risk.action, 300) if risk.action else None
    until = risk.at + timedelta(days=DAYS[horizon])
    pushed = "; ".join(_pushed(risk.facts.get("facts", ()))) or "nothing pushes it beyond what is usual"
    found = []
    crossing = risk.facts.get("crossing")
    if crossing and risk.when_low is not None and risk.when_low <= until:
        found.append(_crossing(crossing, risk, severity, action))
    told: Mapping[str, float | None] = {"24h": risk.p_24h, "7d": risk.p_7d, "7-30d": risk.p_30d}
    for name, probability in told.items():
        begin, end = HORIZONS[name]
        if probability is None or begin >= DAYS[horizon] * 24 or end > DAYS[horizon] * 24:
            continue
        found.append(
            Prediction(
                prediction=f"Failure {WORDS[name]}", confidence=round(probability, 4), reasoning=pushed,
                recommended_action=action, severity=severity, due_at=risk.at + timedelta(hours=end),
                interval=None,
            )
        )  # fmt: skip
    return found


def _crossing(
    crossing: Mapping[str, Any], risk: _Risk, severity: Literal["info", "warning", "critical"],
    action: str | None,
) -> Prediction:  # fmt: skip
    metric = str(crossing["metric"])
    towards = "reaches" if crossing.get("direction") == "high" else "falls to"
    now, per_day = float(crossing["now"]), float(crossing["per_day"])
    limit = metrics.format_value(metric, float(crossing["limit"]))
    return Prediction(
        prediction=f"{metrics.label(metric)} {towards} {limit}",
        confidence=None,
        reasoning=f"{metrics.label(metric)} is {metrics.format_value(metric, now)}, "
        f"{per_day:+.2g} {crossing.get('unit', '')}".rstrip()
        + " a day",
        recommended_action=action,
        severity=severity,
        due_at=risk.when_mid,
        interval=Interval(low=risk.when_low, high=risk.when_high),
    )


def _pushed(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    names = ("name", "value", "unit", "usual", "effect")
    return [fact_words(Fact(*(fact[name] for name in names))) for fact in facts[:REASONS]]


def _score(risk: _Risk, horizon: Horizon) -> float | None:
    """The highest of the probabilities of a failure in a stretch that lies within the horizon."""
    known = {"24h": (risk.p_24h,), "7d": (risk.p_24h, risk.p_7d), "30d": (risk.p_24h, risk.p_7d, risk.p_30d)}
    told = [p for p in known[horizon] if p is not None]
    return round(max(told), 4) if told else None


def _record(conn: Connection, horizon: Horizon, now: datetime) -> TrackRecord:
    """How forecasts of that horizon came out, over the whole fleet; no figure while it is anecdotal."""
    record = track_record.current(conn, now)
    figure = record.figure("7-30d" if horizon == "30d" else horizon)
    false = record.warnings.false_share
    held = [c for c in record.coverages if not c.anecdotal]
    whole = sum(c.n for c in held)
    known = figure is not None and not figure.anecdotal
    return TrackRecord(
        n=figure.n if figure is not None else 0,
        hit_rate=None if false is None else round(1.0 - false[0], 4),
        brier_skill=round(figure.skill, 4) if known and figure.skill is not None else None,  # type: ignore[union-attr]
        coverage=round(sum(c.held * c.n for c in held) / whole, 4) if whole else None,
    )
