"""When an anomaly begins and when it is over.

The alarm weighs all metrics of a device: the root mean square of their evidence, less what
the device does routinely (the higher of its own 98 % point and a running 95 % point of the
last day; evidence is a logarithm, so routine is subtracted).  It opens an episode when N of
the last M minutes with samples lay `above_routine`, when one lay far above (`at_once`), or when
a limit has been exceeded for its full time.  It closes by a rule of its own: quiet, at half the
level, for `close_minutes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import AlarmConfig
from homepot_ai.health.records import Episode, Factor, Factors, Flags, Floats
from homepot_ai.health.routine import track
from homepot_ai.health.table import DeviceField, DeviceStamp, DeviceTable

SEVERITIES = ("info", "warning", "critical")
OPENED_BY = ("evidence", "limit", "signal")
Index = npt.NDArray[np.intp]
FIRST_ROUTINE = 1.0
HEAD_START = 10.0


@dataclass(frozen=True)
class Turn:
    """Positions in the frame of episodes that opened, closed or worsened this minute.

    ``level`` [D] is how far above its routine each device is, 1.0 where a minute counts towards opening.
    """

    opened: Index
    closed: Index
    updated: Index
    alarm: Flags
    level: Floats


@dataclass(frozen=True)
class Level:
    """This minute's evidence of the framed devices, [D] each.

    ``level`` is the alarm's root mean square (decades) over ``metrics`` series, ``fresh`` whether
    it rests on new samples, ``minutes`` since the samples before, ``limit`` the evidence of limits
    and signals together, ``signal`` whether signals are the larger part of it, ``offset`` decades
    added to what opens an episode.
    """

    at: float
    level: Floats
    metrics: Floats
    fresh: Flags
    minutes: Floats
    limit: Floats
    signal: Flags
    offset: Floats
    score: Floats
    scored: Flags


def advance(
    table: DeviceTable, pos: Index, now: Level, healthy: Floats, critical: Floats, config: AlarmConfig
) -> Turn:
    """Move the episodes of the devices at ``pos`` on by a minute; changes ``table``."""
    rows, stamps = table.rows[:, pos], table.stamps[:, pos]
    # The mean of few metrics varies more by chance than that of many.
    above = (now.level - _routine(rows, now, config)) / np.sqrt(1 + config.few_metrics / now.metrics)
    heard = now.fresh & now.scored
    hits = _count_hits(rows, heard, above - now.offset, config)
    hot = (hits >= config.open_count) | (above > config.at_once + now.offset)
    limited = now.limit >= config.limit_u
    is_open = ~np.isnan(stamps[DeviceStamp.OPENED])
    calm = (above < config.above_routine * config.close_fraction) & (now.limit < config.limit_u)
    # A minute without samples neither begins nor breaks the quiet.
    quiet = stamps[DeviceStamp.QUIET]
    quiet[now.fresh & ~calm] = np.nan
    quiet[now.fresh & calm & np.isnan(quiet)] = now.at
    with np.errstate(invalid="ignore"):
        rested = now.at - quiet >= config.close_minutes * 60
    closed = is_open & (rested | ~now.scored)
    opened = ~is_open & now.scored & ((hot & now.fresh & ~calm) | limited)

    stamps[DeviceStamp.OPENED, opened] = now.at
    quiet[opened] = np.nan
    rows[DeviceField.INITIAL] = np.where(opened, now.score, rows[DeviceField.INITIAL])
    peak = np.where(opened, now.score, np.fmin(rows[DeviceField.PEAK], now.score))
    worse = is_open & (peak < rows[DeviceField.PEAK])
    rows[DeviceField.PEAK] = peak
    lasted = np.nan_to_num(now.at - stamps[DeviceStamp.OPENED]) / 60
    grave = (peak < critical) & (lasted >= config.critical_minutes)
    severity = np.where(grave, 2, np.where(peak <= healthy, 1, 0))
    worse |= is_open & (severity > rows[DeviceField.SEVERITY])
    held = np.where(opened, np.float32(0), rows[DeviceField.STRENGTH])
    rows[DeviceField.STRENGTH] = np.where(now.fresh, np.fmax(held, above), held)
    by = np.where(limited, np.where(now.signal, 2, 1), 0)
    rows[DeviceField.OPENED_BY] = np.where(opened, by, rows[DeviceField.OPENED_BY])
    rows[DeviceField.SEVERITY] = np.where(opened, severity, np.fmax(severity, rows[DeviceField.SEVERITY]))
    alarm = (is_open & ~closed) | opened
    table.rows[:, pos], table.stamps[:, pos] = rows, stamps
    level = np.where(heard, (above - now.offset) / np.float32(config.above_routine), 0).astype(np.float32)
    return Turn(np.flatnonzero(opened), np.flatnonzero(closed), np.flatnonzero(worse & ~closed), alarm, level)


def _routine(rows: Floats, now: Level, config: AlarmConfig) -> Floats:
    """What is routine for each device before this minute; learns from it afterwards."""
    for field in (DeviceField.ROUTINE, DeviceField.RECENT):
        np.copyto(rows[field], np.float32(FIRST_ROUTINE), where=np.isnan(rows[field]))
    before: Floats = np.maximum(rows[DeviceField.ROUTINE], rows[DeviceField.RECENT])
    for field, quantile, days in (
        (DeviceField.ROUTINE, config.routine_quantile, config.routine_days),
        (DeviceField.RECENT, config.recent_quantile, config.recent_days),
    ):
        after = track(
            rows[field], now.level, rows[DeviceField.ROWS], now.minutes,
            quantile=quantile, days=days, head=HEAD_START,
        )  # fmt: skip
        np.copyto(rows[field], after, where=now.fresh)
    rows[DeviceField.ROWS] += now.fresh
    return before


def _count_hits(rows: Floats, heard: Flags, above: Floats, config: AlarmConfig) -> npt.NDArray[np.int64]:
    bits = rows[DeviceField.RECENT_HITS].astype(np.int64)
    shifted = ((bits << 1) | (above > config.above_routine)) & ((1 << config.open_window) - 1)
    bits = np.where(heard, shifted, bits)
    rows[DeviceField.RECENT_HITS] = bits
    ones = np.zeros(len(bits), np.int64)
    for shift in range(config.open_window):
        ones += (bits >> shift) & 1
    return ones


def remember(
    table: DeviceTable,
    pos: Index,
    opened: Index,
    factors: Factors,
    code_of: Callable[[str], int],
    names: Sequence[str],
) -> list[Episode]:
    """Keep the heaviest factor of newly opened episodes and return these."""
    out = []
    for p in opened.tolist():
        why = factors.rows(p)
        row = int(pos[p])
        stamps = table.stamps
        stamps[DeviceStamp.METRIC : DeviceStamp.HIGH + 1, row] = np.nan
        if why:
            stamps[DeviceStamp.METRIC, row] = code_of(why[0].metric)
            stamps[DeviceStamp.OBSERVED, row] = why[0].observed
            stamps[DeviceStamp.LOW, row] = why[0].low
            stamps[DeviceStamp.HIGH, row] = why[0].high
        out.append(describe(table, row, names, None, float(table.rows[DeviceField.INITIAL, row]), tuple(why)))
    return out


def describe(
    table: DeviceTable,
    row: int,
    names: Sequence[str],
    ended_at: float | None,
    score: float,
    factors: tuple[Factor, ...] = (),
) -> Episode:
    """The episode of one row of the device table, as it stands."""
    stamps = table.stamps[:, row]
    metric = stamps[DeviceStamp.METRIC]
    return Episode(
        device_id=int(table.id[row]),
        started_at=float(stamps[DeviceStamp.OPENED]),
        ended_at=ended_at,
        score=score,
        initial_score=float(table.rows[DeviceField.INITIAL, row]),
        peak_score=float(table.rows[DeviceField.PEAK, row]),
        severity=SEVERITIES[int(table.rows[DeviceField.SEVERITY, row])],
        metric="" if np.isnan(metric) else names[int(metric)],
        observed=float(stamps[DeviceStamp.OBSERVED]),
        low=float(stamps[DeviceStamp.LOW]),
        high=float(stamps[DeviceStamp.HIGH]),
        strength=float(table.rows[DeviceField.STRENGTH, row]),
        opened_by=OPENED_BY[int(table.rows[DeviceField.OPENED_BY, row])],
        factors=factors,
    )


def forget(table: DeviceTable, rows: Index, at: float) -> None:
    """End the episodes of these rows of the device table."""
    table.stamps[DeviceStamp.CLOSED, rows] = at
    table.stamps[DeviceStamp.OPENED : DeviceStamp.HIGH + 1, rows] = np.nan
    table.rows[DeviceField.RECENT_HITS, rows] = 0
