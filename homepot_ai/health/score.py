"""From evidence to a score and its explanation.

All evidence is on one scale ``u`` on which 1.0 is the edge of what is expected.  Kinds add up
in squares, so that the strongest leads and several weak ones count::

    u^2 = baseline^2 + sum(max(limit, trend towards it)^2) + sum(signals^2)
    score = 1 / (1 + u^2 / 4)        u = 1 -> 0.8,  u = 2.45 -> 0.4

and each factor's contribution is its share of ``u^2`` in what was taken from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from homepot_ai.health.baseline import ALONE, band_width
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.layout import METRIC_MASK, Segments
from homepot_ai.health.limits import LimitIndex
from homepot_ai.health.records import (
    CRITICAL,
    HEALTHY,
    WARNING,
    Codes,
    Doubles,
    Factors,
    Flags,
    Floats,
    Ints,
    Small,
)
from homepot_ai.health.table import Field, SeriesTable

STEEPNESS = 4.0
OTHER = "other"
KINDS = ("limit", "trend", "baseline", "together", "signal")
LIMIT, TREND, BASELINE, TOGETHER, SIGNAL = range(5)
Index = npt.NDArray[np.intp]


def from_evidence(squared: Floats) -> Floats:
    """The score of a sum of squared evidence.

    >>> from_evidence(np.array([0.0, 1.0, 6.0], np.float32)).round(3).tolist()
    [1.0, 0.800000011920929, 0.4000000059604645]
    """
    out: Floats = (1.0 / (1.0 + squared / np.float32(STEEPNESS))).astype(np.float32)
    return out


def baseline_evidence(decades: Floats, edge: Floats, step: float) -> Floats:
    """Held evidence of a device as u: 1.0 at its edge, one more per ``step`` decades beyond.

    >>> baseline_evidence(np.float32([1, 2, 5]), np.float32([2, 2, 2]), 1.5).tolist()
    [0.5, 1.0, 3.0]
    """
    return np.where(decades < edge, decades / edge, 1 + (decades - edge) / np.float32(step))


def status_of(score: Floats, healthy: Floats, critical: Floats) -> Small:
    """healthy above the one threshold, critical below the other, warning between."""
    return np.where(score > healthy, HEALTHY, np.where(score < critical, CRITICAL, WARNING)).astype(np.int8)


@dataclass(frozen=True)
class Evidence:
    """What this minute's scores rest on: per device [D] or per limited series [L]."""

    baseline: Floats
    limit: Floats
    limits: LimitIndex
    limit_value: Doubles
    trend: Floats
    trend_hours: Doubles
    signals: list[tuple[str, Floats, Floats, Doubles]]


@dataclass(frozen=True)
class _Lines:
    """Candidate factors, flat: the frame's device, name, kind and what each adds to ``u^2``."""

    device_pos: Index
    metric: Ints
    kind: Small
    squared: Doubles
    observed: Doubles
    low: Doubles
    high: Doubles
    hours: Doubles


def explain(
    which: Index,
    score: Floats,
    evidence: Evidence,
    series: SeriesTable,
    segments: Segments,
    device_pos: Index,
    metric_names: Sequence[str],
    config: HealthConfig,
) -> Factors:
    """Factors of the deviating devices ``which`` (positions in the frame), heaviest first.

    Shows `factors_shown` per device and folds the rest into one, so that what is shown adds up.
    """
    if not len(which):
        return no_factors()
    names = [*metric_names, *(signal[0] for signal in evidence.signals), OTHER]
    wanted = np.zeros(len(score), bool)
    wanted[which] = True
    owner_to_frame = np.full(int(device_pos.max()) + 1, -1, np.intp)
    owner_to_frame[device_pos[which]] = which
    lines = [
        *_signal_lines(wanted, evidence, len(metric_names)),
        *_limit_lines(owner_to_frame, evidence, series, segments),
        *_baseline_lines(owner_to_frame, evidence.baseline, series, segments, config),
    ]
    flat = _Lines(*(np.concatenate([getattr(part, f.name) for part in lines]) for f in fields(_Lines)))
    return _fold(flat, 1.0 - score.astype(np.float64), names, config.factors_shown)


def no_factors() -> Factors:
    """For minutes in which nobody asks or nothing deviates."""
    none = np.zeros(0)
    return Factors(none.astype(np.int32), [], [], none.astype(np.float32), none, none, none, none)


def _signal_lines(wanted: Flags, evidence: Evidence, first_code: int) -> list[_Lines]:
    out = []
    for i, (_, counts, u, limit) in enumerate(evidence.signals):
        p = np.flatnonzero(wanted & (u > 0))
        squared = u[p].astype(np.float64) ** 2
        observed = counts[p].astype(np.float64)
        code = np.full(len(p), first_code + i)
        out.append(_lines(p, code, SIGNAL, squared, observed, observed * np.nan, limit[p]))
    return out


def _limit_lines(
    owner_to_frame: Index, evidence: Evidence, series: SeriesTable, segments: Segments
) -> list[_Lines]:
    """Limits that are exceeded, and those that a trend will reach."""
    index = evidence.limits
    p = _frame_of(owner_to_frame, segments.owner[index.series])
    out = []
    for kind, u in ((LIMIT, evidence.limit), (TREND, evidence.trend)):
        some = np.flatnonzero((p >= 0) & (u > 0))
        observed = evidence.limit_value[some]
        metric = series.key[index.series[some]] & METRIC_MASK
        hours = evidence.trend_hours[some] if kind == TREND else observed * np.nan
        squared = u[some].astype(np.float64) ** 2
        out.append(
            _lines(p[some], metric, kind, squared, observed, observed * np.nan, index.table[0, some], hours)
        )
    return out


def _baseline_lines(
    owner_to_frame: Index, baseline: Floats, series: SeriesTable, segments: Segments, config: HealthConfig
) -> list[_Lines]:
    out = []
    k = config.baseline.top_metrics
    frame_of_segment = _frame_of(owner_to_frame, segments.device_pos)
    for members, positions, padding in segments.buckets:
        chosen = np.flatnonzero(frame_of_segment[members] >= 0)
        if not len(chosen):
            continue
        places = positions[chosen]
        held = series.rows[Field.HELD, places].astype(np.float64)
        if padding is not None:
            held[padding[chosen]] = 0
        order = np.argsort(-held, axis=1, kind="stable")[:, :k]
        held = np.take_along_axis(held, order, axis=1)
        total = held.sum(axis=1, keepdims=True)
        frame_pos = frame_of_segment[members[chosen]]
        u = baseline[frame_pos].astype(np.float64)[:, None]
        squared = u**2 * held / np.where(total > 0, total, 1)
        some = squared > 0
        top = np.take_along_axis(places, order, axis=1)[some]
        device = np.broadcast_to(frame_pos[:, None], some.shape)[some]
        metric, bands = series.key[top] & METRIC_MASK, _bands(top, series, config)
        kind = np.where(series.note_kind[top] == ALONE, BASELINE, TOGETHER)
        out.append(_lines(device, metric, kind, squared[some], *bands))
    return out


def _frame_of(owner_to_frame: Index, owner: Index | Codes) -> Index:
    # Devices beyond the table's end are not among those explained.
    inside = owner < len(owner_to_frame)
    return np.where(inside, owner_to_frame[np.where(inside, owner, 0)], -1)


def _lines(
    p: Index,
    metric: Ints,
    kind: int | Ints,
    squared: Doubles,
    observed: Doubles,
    low: Doubles,
    high: Doubles,
    hours: Doubles | None = None,
) -> _Lines:
    kinds = np.full(len(p), kind, np.int8)
    hours = observed * np.nan if hours is None else hours
    return _Lines(p, metric.astype(np.int64), kinds, squared, observed, low, high, hours)


def _fold(lines: _Lines, taken: Doubles, names: Sequence[str], shown: int) -> Factors:
    """Order each device's lines by weight, fold those beyond ``shown``, share out what was taken."""
    order = np.lexsort((lines.metric, lines.kind, -lines.squared, lines.device_pos))
    device = lines.device_pos[order]
    squared = lines.squared[order]
    first = np.flatnonzero(np.diff(device, prepend=-1))
    count = np.diff(first, append=len(device))
    total = np.repeat(np.add.reduceat(squared, first), count) if len(first) else squared
    contribution = taken[device] * squared / total
    rank = np.arange(len(device)) - np.repeat(first, count)
    # The first folded line stands for all of them.
    folded = rank == shown
    rest = np.bincount(device, np.where(rank >= shown, contribution, 0), minlength=1)
    contribution = np.where(folded, rest[device], contribution)
    kept = rank <= shown
    blank = np.where(folded, np.nan, 0.0)
    metric = np.where(folded, len(names) - 1, lines.metric[order])[kept]
    return Factors(
        device_pos=device[kept].astype(np.int32),
        metric=[names[i] for i in metric.tolist()],
        kind=[KINDS[i] for i in lines.kind[order][kept].tolist()],
        contribution=contribution[kept].astype(np.float32),
        observed=(lines.observed[order] + blank)[kept],
        low=(lines.low[order] + blank)[kept],
        high=(lines.high[order] + blank)[kept],
        hours=(lines.hours[order] + blank)[kept],
    )


def _bands(top: Index, series: SeriesTable, config: HealthConfig) -> tuple[Doubles, Doubles, Doubles]:
    """Observed value and expected band: as noted when the evidence arose, else as of now."""
    rows, origin = series.rows, series.origin[top]
    noted = ~np.isnan(rows[Field.NOTE_VALUE, top])
    width = band_width(rows, np.zeros(len(top), np.intp), top, config.baseline)
    observed = np.where(noted, rows[Field.NOTE_VALUE, top], rows[Field.LAST, top]) + origin
    low = np.where(noted, rows[Field.NOTE_LOW, top], rows[Field.FAST, top] - width) + origin
    high = np.where(noted, rows[Field.NOTE_HIGH, top], rows[Field.FAST, top] + width) + origin
    return observed, low, high
