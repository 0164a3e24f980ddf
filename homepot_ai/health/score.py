"""From evidence to a score and its explanation.

All evidence is on one scale ``u`` on which 1.0 is the edge of what is expected.  Kinds add up
in squares, so that the strongest leads and several weak ones count::

    u^2 = baseline^2 + sum(limits^2) + sum(signals^2)
    score = 1 / (1 + u^2 / 4)        u = 1 -> 0.8,  u = 2.45 -> 0.4

and each factor's contribution is its share of ``u^2`` in what was taken from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health.baseline import band_width
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.layout import METRIC_MASK, Segments
from homepot_ai.health.limits import LimitIndex, LimitTable
from homepot_ai.health.records import CRITICAL, HEALTHY, WARNING, Doubles, Factors, Floats, Small
from homepot_ai.health.table import Field, SeriesTable

STEEPNESS = 4.0
OTHER = "other"


def from_evidence(squared: Floats) -> Floats:
    """The score of a sum of squared evidence.

    >>> from_evidence(np.array([0.0, 1.0, 6.0], np.float32)).round(3).tolist()
    [1.0, 0.800000011920929, 0.4000000059604645]
    """
    out: Floats = (1.0 / (1.0 + squared / np.float32(STEEPNESS))).astype(np.float32)
    return out


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
    signals: list[tuple[str, Floats, Floats, Doubles]]


@dataclass
class _Line:
    metric: str
    kind: str
    squared: float
    observed: float
    low: float
    high: float


def explain(
    which: npt.NDArray[np.intp],
    score: Floats,
    evidence: Evidence,
    series: SeriesTable,
    segments: Segments,
    device_pos: npt.NDArray[np.intp],
    metric_names: Sequence[str],
    config: HealthConfig,
) -> Factors:
    """Factors of the deviating devices ``which`` (positions in the frame).

    Loops over these devices only.
    """
    segment_of = {int(p): i for i, p in enumerate(segments.device_pos)} if len(which) else {}
    out: list[tuple[int, _Line, float]] = []
    for frame_pos in which.tolist():
        lines = _signal_lines(frame_pos, evidence)
        segment = segment_of.get(int(device_pos[frame_pos]))
        if segment is not None:
            run = slice(segments.start[segment], segments.start[segment] + segments.count[segment])
            lines += _limit_lines(run, evidence, series, metric_names)
            lines += _baseline_lines(
                segment, float(evidence.baseline[frame_pos]), series, segments, metric_names, config
            )
        out += _contributions(frame_pos, lines, 1.0 - float(score[frame_pos]), config.factors_shown)
    return Factors(
        device_pos=np.array([o[0] for o in out], np.int32),
        metric=[o[1].metric for o in out],
        kind=[o[1].kind for o in out],
        contribution=np.array([o[2] for o in out], np.float32),
        observed=np.array([o[1].observed for o in out], np.float64),
        low=np.array([o[1].low for o in out], np.float64),
        high=np.array([o[1].high for o in out], np.float64),
    )


def no_factors() -> Factors:
    """For minutes in which nobody asks."""
    none = np.zeros(0)
    return Factors(none.astype(np.int32), [], [], none.astype(np.float32), none, none, none)


def _signal_lines(frame_pos: int, evidence: Evidence) -> list[_Line]:
    return [
        _Line(
            name,
            "signal",
            float(u[frame_pos]) ** 2,
            float(counts[frame_pos]),
            np.nan,
            float(limit[frame_pos]),
        )
        for name, counts, u, limit in evidence.signals
        if u[frame_pos] > 0
    ]


def _limit_lines(
    run: slice, evidence: Evidence, series: SeriesTable, metric_names: Sequence[str]
) -> list[_Line]:
    first, last = np.searchsorted(evidence.limits.series, [run.start, run.stop])
    table: LimitTable = evidence.limits.table
    return [
        _Line(
            metric_names[int(series.key[evidence.limits.series[i]]) & METRIC_MASK],
            "limit",
            float(evidence.limit[i]) ** 2,
            float(evidence.limit_value[i]),
            np.nan,
            float(table[0, i]),
        )
        for i in range(int(first), int(last))
        if evidence.limit[i] > 0
    ]


def _baseline_lines(
    segment: int,
    baseline: float,
    series: SeriesTable,
    segments: Segments,
    metric_names: Sequence[str],
    config: HealthConfig,
) -> list[_Line]:
    top = segments.top_positions(series.rows[Field.HELD], segment, config.baseline.top_metrics)
    held = series.rows[Field.HELD, top].astype(np.float64)
    total = held.sum()
    if not total > 0:
        return []
    observed, low, high = _bands(top, series, config)
    return [
        _Line(
            metric_names[int(series.key[p]) & METRIC_MASK],
            "baseline",
            baseline**2 * float(held[i] / total),
            float(observed[i]),
            float(low[i]),
            float(high[i]),
        )
        for i, p in enumerate(top)
        if held[i] > 0
    ]


def _bands(
    top: npt.NDArray[np.intp], series: SeriesTable, config: HealthConfig
) -> tuple[Doubles, Doubles, Doubles]:
    """Observed value and expected band: as noted when the evidence arose, else as of now."""
    rows, origin = series.rows, series.origin[top]
    noted = ~np.isnan(rows[Field.NOTE_VALUE, top])
    width = band_width(rows, np.zeros(len(top), np.intp), top, config.baseline)
    observed = np.where(noted, rows[Field.NOTE_VALUE, top], rows[Field.LAST, top]) + origin
    low = np.where(noted, rows[Field.NOTE_LOW, top], rows[Field.FAST, top] - width) + origin
    high = np.where(noted, rows[Field.NOTE_HIGH, top], rows[Field.FAST, top] + width) + origin
    return observed, low, high


def _contributions(
    frame_pos: int, lines: list[_Line], taken: float, shown: int
) -> list[tuple[int, _Line, float]]:
    total = sum(line.squared for line in lines)
    if not total > 0 or not taken > 0:
        return []
    lines = sorted(lines, key=lambda line: (-line.squared, line.kind, line.metric))
    kept, folded = lines[:shown], lines[shown:]
    if folded:
        rest = sum(line.squared for line in folded)
        kinds = {line.kind for line in folded}
        kept.append(
            _Line(OTHER, folded[0].kind if len(kinds) == 1 else "baseline", rest, np.nan, np.nan, np.nan)
        )
    return [(frame_pos, line, taken * line.squared / total) for line in kept]
