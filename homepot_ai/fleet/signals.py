"""What HOMEPOT's logs say about devices: checks, state changes, errors, jobs, configuration.

Read once per run for its whole stretch of time, then counted minute by minute
in arrays. The same rows feed the event cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from homepot_ai.fleet.samples import naive
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SQL = named_sql.load("fleet/sql/signals.sql")

HOUR_S, BURST_S = 3600.0, 900.0
# A row of failed checks is told about as long as checks keep coming.
CHECKS_FORGOTTEN_S = 3600.0
# How far ids may run ahead of time: rows of slow transactions and of clocks that differ.
ID_SLACK = 20_000


@dataclass(frozen=True)
class Entry:
    """One line of a log, tied to a device.

    Attributes:
        device: position in the list of devices.
        t: seconds since 1970 UTC.
        what: its kind in words of the log: a state, an error code, a job, a parameter.
        text: free text written by others.
    """

    device: int
    t: float
    what: str
    text: str


@dataclass(frozen=True)
class Signals:
    """Logs of a stretch of time, of the devices listed.

    Attributes:
        check_device, check_t, check_ok: health checks in order of time, [C] each.
        changes, errors, failed_jobs, configuration: in order of time; they begin an hour before
            the stretch, so that its first minute can look back.
        unknown_devices: lines that name a device that is not (or no longer) there.
    """

    check_device: Ints
    check_t: Floats
    check_ok: npt.NDArray[np.bool_]
    changes: Sequence[Entry]
    errors: Sequence[Entry]
    failed_jobs: Sequence[Entry]
    configuration: Sequence[Entry]
    unknown_devices: int


def newest_check(conn: Connection, until: datetime, *, above_id: int) -> int:
    """Highest id of a health check up to `until`: where the next run's scan begins (less ID_SLACK).

    Not the highest of all: while an outage is caught up with, the next run's checks are there already.
    """
    parameters = {"until": until, "above_id": max(0, above_id - ID_SLACK)}
    row = conn.execute(_SQL["newest_health_check"], parameters).fetchone()
    assert row is not None
    return max(above_id, int(row[0]))


def read(
    conn: Connection,
    after: datetime,
    until: datetime,
    *,
    device_ids: Ints,
    public_ids: Sequence[str],
    checks_above_id: int = 0,
    missing_tables: frozenset[str] = frozenset(),
) -> Signals:
    """Read the logs with `after < timestamp <= until` (and an hour before, to look back).

    Args:
        device_ids: int64 [D], sorted; public_ids: [D], the same devices.
        checks_above_id: scan health checks from this id on (less ID_SLACK).
        missing_tables: what this HOMEPOT does not have; its signals are empty then.
    """
    unknown = 0

    def rows(name: str, table: str, start: datetime, aware: bool = False) -> list[tuple[Any, ...]]:
        if table in missing_tables:
            return []
        parameters = {
            "after": start if aware else naive(start),
            "until": until if aware else naive(until),
            "above_id": max(0, checks_above_id - ID_SLACK),
        }
        return conn.execute(_SQL[name], parameters).fetchall()

    by_public: Mapping[str, int] = {public: i for i, public in enumerate(public_ids)}
    by_id: Mapping[int, int] = {int(id_): i for i, id_ in enumerate(device_ids)}

    def entries(found: list[tuple[Any, ...]], known: Mapping[Any, int]) -> list[Entry]:
        nonlocal unknown
        kept = []
        for device, t, *words in found:
            position = known.get(device)
            if position is None:
                # Another shard's, or nobody's: an int key is at least somebody's.
                unknown += isinstance(device, str)
                continue
            texts = [str(word) for word in words if word]
            kept.append(Entry(position, t, texts[0] if texts else "", " - ".join(texts[1:])))
        return kept

    before = after - timedelta(seconds=HOUR_S)
    checks = rows("health_checks", "health_checks", after, aware=True)
    position = np.array([by_id.get(row[0], -1) for row in checks], dtype=np.int64)
    mine = position >= 0
    changes = [
        Entry(e.device, e.t, f"{e.what} → {e.text}" if e.text else e.what, "")
        for e in entries(rows("state_changes", "device_state_history", before), by_id)
    ]
    jobs = entries(rows("job_outcomes", "job_outcomes", before), by_public)
    jobs += entries(rows("jobs", "jobs", before, aware=True), by_id)
    return Signals(
        check_device=position[mine],
        check_t=np.array([row[1] for row in checks], dtype=np.float64)[mine],
        check_ok=np.array([row[2] for row in checks], dtype=bool)[mine],
        changes=changes,
        errors=entries([_named(row) for row in rows("errors", "error_logs", before)], by_public),
        failed_jobs=sorted(jobs, key=lambda entry: entry.t),
        configuration=entries(rows("configuration_changes", "configuration_history", after), by_public),
        unknown_devices=unknown,
    )


def _named(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """An error's row with its context replaced by the device that it names.

    Not in SQL: PostgreSQL stores escapes in json that it then refuses to read, and one such line
    would stop every run for an hour.
    """
    context, *rest = row
    try:
        found = orjson.loads(context)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        return (None, *rest)
    device = found.get("original_device_id") or found.get("device_id")
    return (None if device is None else str(device), *rest)


class SignalCounter:
    """Counts signals minute by minute.

    Failed checks in a row need memory beyond the stretch that was read:
    `failed`, `failed_t` carry it from run to run.

    Args:
        failed: float32 [D], failed checks in a row so far.
        failed_t: float64 [D], time of the last check, NaN for none.
    """

    def __init__(self, signals: Signals, failed: npt.NDArray[np.float32], failed_t: Floats) -> None:
        self.failed, self.failed_t = failed.copy(), failed_t.copy()
        self._signals = signals
        self._n = len(failed)
        self._streams = {
            "state_changes_per_hour": (*_columns(signals.changes), HOUR_S),
            "errors_per_15min": (*_columns(signals.errors), BURST_S),
            "failed_jobs_per_hour": (*_columns(signals.failed_jobs), HOUR_S),
        }
        self._checked = 0

    def at(self, t: float) -> dict[str, npt.NDArray[np.float32]]:
        """Counts at minute `t` (its end), float32 [D] each; minutes must come in order."""
        counts = {}
        for name, (device, when, span) in self._streams.items():
            low, high = np.searchsorted(when, [t - span, t], side="right")
            counts[name] = np.bincount(device[low:high], minlength=self._n).astype(np.float32)
        self._take_checks(t)
        current = np.where(t - self.failed_t <= CHECKS_FORGOTTEN_S, self.failed, 0.0)
        counts["failed_checks_in_row"] = current.astype(np.float32)
        return counts

    def _take_checks(self, t: float) -> None:
        end = int(np.searchsorted(self._signals.check_t, t, side="right"))
        if end <= self._checked:
            return
        piece = slice(self._checked, end)
        self._checked = end
        device, ok = self._signals.check_device[piece], self._signals.check_ok[piece]
        self.failed_t[device] = self._signals.check_t[piece]
        # A device's failures count from its last good check in this piece, or go on from before it.
        last_good = np.full(self._n, -1, dtype=np.int64)
        np.maximum.at(last_good, device[ok], np.flatnonzero(ok))
        since = ~ok & (np.arange(len(ok)) > last_good[device])
        fresh = np.bincount(device[since], minlength=self._n).astype(np.float32)
        self.failed = np.where(last_good >= 0, fresh, self.failed + fresh).astype(np.float32)


def _columns(entries: Sequence[Entry]) -> tuple[Ints, Floats]:
    return (
        np.array([entry.device for entry in entries], dtype=np.int64),
        np.array([entry.t for entry in entries], dtype=np.float64),
    )
