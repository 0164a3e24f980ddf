"""When an anomaly begins and when it is over.

The alarm weighs all metrics of a device into one level (see evidence.py), and
:mod:`homepot_ai.health.routine` says how far it stands above what the device does routinely, in
decades.  An episode opens where that reaches :attr:`AlarmConfig.opens_at`, or when a limit has been
exceeded for its full time.  It closes by a rule of its own: quiet, at half of that, for
`close_minutes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import AlarmConfig
from homepot_ai.health.records import Doubles, Episode, Factor, Factors, Flags, Floats
from homepot_ai.health.routine import stands_out
from homepot_ai.health.table import DeviceField, DeviceStamp, DeviceTable

SEVERITIES = ("info", "warning", "critical")
OPENED_BY = ("evidence", "limit", "signal")
Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Turn:
    """Positions in the frame of episodes that opened, closed or worsened this minute.

    ``ended``: when each of the closed ones ended, which is when the quiet began.

    ``alarm`` [D]: the alarm rings. An anomaly is an event, and ringing is what an operator hears of it:
    for two samples when it begins, and again each hour as long as it is not quiet. The state is the
    health's.
    ``level`` [D] is how far above its routine each device is, 1.0 where an episode opens.
    """

    opened: Index
    closed: Index
    ended: Doubles
    updated: Index
    alarm: Flags
    level: Floats


@dataclass(frozen=True)
class Level:
    """This minute's evidence of the framed devices, [D] each.

    ``level`` is the alarm's (decades), over ``metrics`` series, ``fresh`` whether
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
    is_open = ~np.isnan(stamps[DeviceStamp.OPENED])
    above = stands_out(rows, now.level, now.metrics, now.minutes, now.fresh, config)
    heard = now.fresh & now.scored
    opens_at = np.float32(config.opens_at)
    hot = heard & (above - now.offset >= opens_at)
    limited = now.limit >= config.limit_u
    calm = (above - now.offset < opens_at * config.close_fraction) & ~limited
    # A minute without samples neither begins nor breaks the quiet.
    quiet = stamps[DeviceStamp.QUIET]
    quiet[now.fresh & ~calm] = np.nan
    quiet[now.fresh & calm & np.isnan(quiet)] = now.at
    with np.errstate(invalid="ignore"):
        rested = now.at - quiet >= config.close_minutes * 60
    closed = is_open & (rested | ~now.scored)
    opened = ~is_open & now.scored & (hot | limited)

    ended = np.where(rested, quiet, now.at)[closed]
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
    by = np.where(limited & ~hot, np.where(now.signal, 2, 1), 0)
    rows[DeviceField.OPENED_BY] = np.where(opened, by, rows[DeviceField.OPENED_BY])
    rows[DeviceField.SEVERITY] = np.where(opened, severity, np.fmax(severity, rows[DeviceField.SEVERITY]))
    alarm = _ring(rows, stamps, now, ((is_open & ~closed) | opened) & (hot | limited), config)
    table.rows[:, pos], table.stamps[:, pos] = rows, stamps
    level = np.where(heard, (above - now.offset) / opens_at, 0).astype(np.float32)
    return Turn(
        np.flatnonzero(opened), np.flatnonzero(closed), ended, np.flatnonzero(worse & ~closed), alarm, level
    )


def _ring(rows: Floats, stamps: Doubles, now: Level, alarming: Flags, config: AlarmConfig) -> Flags:
    """Who rings now, of the devices that are alarming or have begun to ring a sample ago; changes both."""
    rang, rung = stamps[DeviceStamp.RANG], rows[DeviceField.RUNG]
    with np.errstate(invalid="ignore"):
        due = alarming & ~(now.at - rang < config.ring_minutes * 60)
    rang[due] = now.at
    rung[due] = 0
    rings: Flags = ~np.isnan(rang) & (rung < config.ring_samples) & (now.fresh | due)
    rung[rings] += 1
    return rings


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
