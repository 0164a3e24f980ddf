"""From what the engine says to rows of our tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.fleet import metrics
from homepot_ai.fleet.records import PROVENANCES
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.records import (
    CRITICAL,
    IN_MAINTENANCE,
    NO_DATA,
    NOT_SCORED,
    STATUSES,
    WARNING,
    Episode,
    Factor,
    HourRollup,
    MinuteResult,
)
from homepot_ai.health.score import OTHER
from homepot_ai.store.scores import AnomalyRow, EventRow, GapRows, HourRows, ScoreRows

# A change between these and anything else is worth an event; new devices coming to life are not.
_NEWS = frozenset({WARNING, CRITICAL, NO_DATA})
# Further factors are named when they weigh at least this share of the heaviest.
_ALSO, _ALSO_SHOWN = 0.25, 2


def moment(t: float) -> datetime:
    """Seconds since 1970 as an aware time."""
    return datetime.fromtimestamp(t, UTC)


def factors_json(factors: Sequence[Factor]) -> str:
    """Factors as stored: JSON without NaN, rounded to what anyone can use."""
    return orjson.dumps([_factor(f) for f in factors]).decode()


def _factor(factor: Factor) -> dict[str, Any]:
    return {
        "metric": factor.metric,
        "kind": factor.kind,
        "contribution": round(factor.contribution, 4),
        "observed": _number(factor.observed),
        "low": _number(factor.low),
        "high": _number(factor.high),
        **({"hours": round(factor.hours, 1)} if math.isfinite(factor.hours) else {}),
    }


def stored_factors(stored: Sequence[Mapping[str, Any]]) -> list[Factor]:
    """Factors back from their JSON."""
    return [
        Factor(
            metric=item["metric"],
            kind=item["kind"],
            contribution=item["contribution"],
            **{key: math.nan if item[key] is None else item[key] for key in ("observed", "low", "high")},
            hours=item.get("hours", math.nan),
        )
        for item in stored
    ]


def deviating(factors: Sequence[Factor]) -> list[Factor]:
    """Those that are outside of what is expected of them, each metric once, in the order given.

    What is odd only beside the other metrics lies inside its own band: alone it says nothing.

    >>> usual, nan = Factor("active_connections", "together", 0.2, 5.0, 3.0, 6.0), float("nan")
    >>> [f.kind for f in deviating([usual, Factor("disk_percent", "trend", 0.3, 81.0, nan, 90.0, 7.0)])]
    ['trend']
    """
    told: dict[str, Factor] = {}
    for factor in factors:
        bounded = math.isfinite(factor.low) or math.isfinite(factor.high)
        inside = bounded and not (factor.observed < factor.low or factor.observed > factor.high)
        if inside and math.isfinite(factor.observed) and factor.kind in ("baseline", "together"):
            continue
        told.setdefault(factor.metric, factor)
    return list(told.values())


def passed(factor: Factor) -> bool:
    """Whether a rising value is over its limit already."""
    return factor.kind == "trend" and factor.observed > factor.high


def _number(value: float) -> float | None:
    # Six significant digits: exact enough for any sensor, and short in millions of rows.
    return float(f"{value:.6g}") if math.isfinite(value) else None


def score_rows(results: Sequence[MinuteResult], sample_counts: Sequence[npt.NDArray[np.int32]]) -> ScoreRows:
    """Rows of `ai_health_scores` for these minutes."""
    factor_rows: list[int] = []
    factors: list[str] = []
    before = 0
    for result in results:
        for position in np.unique(result.factors.device_pos).tolist():
            factor_rows.append(before + position)
            factors.append(factors_json(result.factors.rows(position)))
        before += len(result.device_id)
    return ScoreRows(
        device_id=np.concatenate([r.device_id for r in results]),
        at=np.concatenate([np.full(len(r.device_id), r.at) for r in results]),
        score=np.concatenate([r.score for r in results]),
        status=np.concatenate([r.status for r in results]).astype(np.int16),
        reason=np.concatenate([r.reason for r in results]).astype(np.int16),
        sample_count=np.minimum(np.concatenate(sample_counts), 32767).astype(np.int16),
        age_s=np.concatenate([r.data_age_s for r in results]),
        factor_row=np.array(factor_rows, dtype=np.int64),
        factors=factors,
    )


def gap_rows(result: MinuteResult) -> GapRows:
    """Who was not judged in a minute, and why."""
    out = np.flatnonzero(np.isin(result.status, (NO_DATA, IN_MAINTENANCE, NOT_SCORED)))
    return GapRows(
        at=moment(result.at),
        device_id=result.device_id[out],
        status=result.status[out].astype(np.int16),
        reason=result.reason[out].astype(np.int16),
        age_s=result.data_age_s[out],
    )


def hour_rows(hour: HourRollup, names: Sequence[str]) -> HourRows:
    """A finished hour for `ai_metric_hours`."""
    return HourRows(
        hour=moment(hour.hour),
        names=names,
        device_id=hour.device_id,
        metric=hour.metric,
        n=hour.n,
        mean=hour.mean,
        low=hour.min,
        high=hour.max,
        last=hour.last,
    )


def anomaly_rows(results: Sequence[MinuteResult], cursor: Cursor) -> dict[str, list[AnomalyRow]]:
    """Episodes opened, worsened and closed in these minutes, each in its last state."""
    found: dict[str, list[AnomalyRow]] = {"opened": [], "worsened": [], "closed": []}
    for result in results:
        found["opened"] += [_anomaly(e, cursor) for e in result.opened]
        found["worsened"] += [_anomaly(e, cursor) for e in result.updated]
        found["closed"] += [_anomaly(e, cursor) for e in result.closed]
    return found


def _anomaly(episode: Episode, cursor: Cursor) -> AnomalyRow:
    position = int(np.searchsorted(cursor.device_id, episode.device_id))
    known = position < len(cursor.device_id) and int(cursor.device_id[position]) == episode.device_id
    return AnomalyRow(
        device_id=episode.device_id,
        started_at=moment(episode.started_at),
        ended_at=None if episode.ended_at is None else moment(episode.ended_at),
        severity=episode.severity,
        metric=episode.metric or None,
        observed=_number(episode.observed),
        low=_number(episode.low),
        high=_number(episode.high),
        initial_score=_number(episode.initial_score),
        peak_score=_number(episode.peak_score),
        provenance=PROVENANCES[int(cursor.provenance[position])] if known else None,
        metrics=factors_json(episode.factors),
        strength=_number(episode.strength),
        opened_by=episode.opened_by,
    )


def anomaly_events(result: MinuteResult) -> list[EventRow]:
    """Openings, closings and levels that became normal, for the event cache."""
    opened = [
        EventRow(
            e.device_id, e.started_at, "anomaly", "opened",
            f"{e.severity} anomaly: {explain(e.metric, e.observed, e.low, e.high)}",
            {"score": _number(e.initial_score), "metric": e.metric},
        )
        for e in result.opened
    ]  # fmt: skip
    closed = [
        EventRow(
            e.device_id, e.ended_at or result.at, "anomaly", "closed",
            f"anomaly over after {_minutes(e.started_at, e.ended_at or result.at)}",
            {"peak_score": _number(e.peak_score), "metric": e.metric},
        )
        for e in result.closed
    ]  # fmt: skip
    accepted = [
        EventRow(
            a.device_id, a.at, "anomaly", f"accepted:{a.metric}",
            f"{metrics.label(a.metric)} at {metrics.format_value(a.metric, a.new)} is the new normal, "
            f"was {metrics.format_value(a.metric, a.old)}",
            {"metric": a.metric, "old": _number(a.old), "new": _number(a.new)},
        )
        for a in result.accepted
    ]  # fmt: skip
    return opened + closed + accepted


def _minutes(start: float, end: float) -> str:
    minutes = max(1, round((end - start) / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def status_events(result: MinuteResult, before: npt.NDArray[np.int8]) -> list[EventRow]:
    """Changes of status since the minute before."""
    changed = np.flatnonzero((before >= 0) & (before != result.status))
    events = []
    for position in changed.tolist():
        old, new = int(before[position]), int(result.status[position])
        if old not in _NEWS and new not in _NEWS:
            continue
        summary = f"health {_words(old)} → {_words(new)}"
        heaviest = next(iter(result.factors.rows(position)), None)
        if heaviest is not None and new in (WARNING, CRITICAL):
            summary += f": {why(heaviest)}"
        events.append(
            EventRow(int(result.device_id[position]), result.at, "status_change", STATUSES[new], summary)
        )
    return events


def _words(status: int) -> str:
    return STATUSES[status].replace("_", " ")


def explain(metric: str, observed: float, low: float, high: float) -> str:
    """One clause that says what deviates and from what.

    >>> explain("cpu_percent", 97.2, float("nan"), 90.0)
    'CPU 97.2 %, expected at most 90.0 %'
    """
    name = metrics.label(metric) if metric else "health"
    if not math.isfinite(observed):
        return name
    beyond = metrics.just_beyond(metric, observed, low, high)
    text = f"{name} {beyond}{metrics.format_value(metric, observed)}"
    least, most = metrics.told_band(metric, observed, low, high)
    if least is not None and most is not None:
        between = f"{metrics.format_value(metric, least)} to {metrics.format_value(metric, most)}"
        return f"{text}, expected {between}"
    if most is not None:
        return f"{text}, expected at most {metrics.format_value(metric, most)}"
    if least is not None:
        return f"{text}, expected at least {metrics.format_value(metric, least)}"
    return text


def why(factor: Factor) -> str:
    """A factor in one clause.

    >>> why(Factor("disk_percent", "trend", 0.3, 81.04, float("nan"), 90.0, 7.2))
    'Disk 81.0 % and rising, reaches 90.0 % in about 7 h'
    >>> why(Factor("disk_percent", "trend", 0.3, 90.8, float("nan"), 90.0, 1.0))
    'Disk 90.8 % and rising, over its limit of 90.0 %'
    """
    if factor.kind == "trend" and math.isfinite(factor.hours):
        name, now = metrics.label(factor.metric), metrics.format_value(factor.metric, factor.observed)
        limit = metrics.format_value(factor.metric, factor.high)
        if passed(factor):
            return f"{name} {now} and rising, over its limit of {limit}"
        return f"{name} {now} and rising, reaches {limit} in about {max(factor.hours, 1):.0f} h"
    said = explain(factor.metric, factor.observed, factor.low, factor.high)
    return f"{said} beside the other metrics" if factor.kind == "together" else said


def sentence(factors: Sequence[Factor]) -> str:
    """Why a device is ill, in one sentence: the heaviest factor in full, others that matter by name.

    >>> nan = float("nan")
    >>> cpu = Factor("cpu_percent", "limit", 0.4, 97.2, nan, 90.0)
    >>> sentence([cpu, Factor("disk_percent", "baseline", 0.2, 71.0, 4.0, 9.0)])
    'CPU 97.2 %, expected at most 90.0 %; also Disk'
    """
    if not factors:
        return ""
    first, *others = deviating(factors) or factors
    also = [
        f.metric
        for f in others
        if f.metric not in (OTHER, first.metric) and f.contribution >= _ALSO * first.contribution
    ]
    said = why(first)
    if not also:
        return said
    names = [metrics.label(name) for name in also[:_ALSO_SHOWN]]
    more = f" and {len(also) - len(names)} more" if len(also) > len(names) else ""
    return f"{said}; also {', '.join(names)}{more}"


def status_counts(result: MinuteResult) -> Mapping[str, int]:
    """Devices by status, every status named."""
    counts = np.bincount(result.status, minlength=len(STATUSES)).tolist()
    return dict(zip(STATUSES, counts, strict=True))
