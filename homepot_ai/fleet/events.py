"""What happened to a device lately: one list, bounded, the same for reports, prompts and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.fleet.signals import BURST_S, Entry, Signals
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection
from homepot_ai.store.scores import EventRow
from homepot_ai.text import clean

_SQL = named_sql.load("fleet/sql/events.sql")

# Errors above `info` within a quarter of an hour that are worth an event.
BURST = 3
SUMMARY_CAP = 160


@dataclass(frozen=True)
class Event:
    """One remembered event; `summary` is clean text of at most 160 characters."""

    device_id: int
    at: datetime
    kind: str
    key: str
    summary: str
    details: Mapping[str, Any] | None


def from_logs(signals: Signals, device_ids: npt.NDArray[np.int64], after_t: float) -> list[EventRow]:
    """Events that HOMEPOT's own logs tell of, later than `after_t` (seconds since 1970)."""

    def row(entry: Entry, kind: str, summary: str) -> EventRow:
        key = clean(entry.what or kind, 80)
        return EventRow(int(device_ids[entry.device]), entry.t, kind, key, clean(summary, SUMMARY_CAP))

    def about(entry: Entry, words: str) -> str:
        return f"{words}: {entry.text}" if entry.text else words

    changes = [row(e, "status_change", f"HOMEPOT state {e.what}") for e in signals.changes if e.t > after_t]
    jobs = [
        row(e, "failed_job", about(e, f"job {e.what} failed")) for e in signals.failed_jobs if e.t > after_t
    ]
    configuration = [
        row(e, "configuration_change", about(e, f"{e.what} changed"))
        for e in signals.configuration
        if e.t > after_t
    ]
    return changes + _bursts(signals.errors, device_ids, after_t) + jobs + configuration


def _bursts(errors: Sequence[Entry], device_ids: npt.NDArray[np.int64], after_t: float) -> list[EventRow]:
    """One event per device and quarter of an hour with enough errors; its count grows with them."""
    quarters: dict[tuple[int, float], list[Entry]] = {}
    for entry in errors:
        quarters.setdefault((entry.device, entry.t // BURST_S * BURST_S), []).append(entry)
    events = []
    for (device, start), entries in quarters.items():
        if len(entries) < BURST or entries[-1].t <= after_t:
            continue
        last = entries[-1]
        text = last.text or last.what
        events.append(
            EventRow(
                int(device_ids[device]),
                start,
                "error_burst",
                "errors",
                clean(f"{len(entries)} errors in 15 minutes, last: {text}", SUMMARY_CAP),
                {"count": len(entries), "last_severity": last.what},
            )
        )
    return events


def recent(conn: Connection, device_id: int, at: datetime, limit: int = 100) -> list[Event]:
    """A device's events up to `at`, newest first."""
    rows = conn.execute(_SQL["recent"], {"device_id": device_id, "at": at, "limit": limit}).fetchall()
    return [Event(*row) for row in rows]


def summary(events: Sequence[Event], at: datetime, max_characters: int = 1200) -> str:
    """The events in a text of bounded length: how many of each kind, then the newest ones.

    Whatever does not fit is counted, never cut in the middle of a line.

    >>> summary([], at=datetime(2026, 11, 20))
    'no events are remembered'
    """
    if not events:
        return "no events are remembered"
    counts: dict[str, int] = {}
    for event in events:
        counts[event.kind] = counts.get(event.kind, 0) + 1
    kinds = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in sorted(counts.items()))
    lines = [f"{len(events)} events: {kinds}"]
    length = len(lines[0])
    for index, event in enumerate(events):
        line = f"- {_ago(event.at, at)}: {event.summary}"
        rest = f"- and {len(events) - index} more"
        if length + len(line) + len(rest) + 2 > max_characters:
            lines.append(rest)
            break
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)


def _ago(then: datetime, at: datetime) -> str:
    minutes = max(0, round((at - then).total_seconds() / 60))
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // 1440} days ago"
