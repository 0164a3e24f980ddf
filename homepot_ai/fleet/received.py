"""How much telemetry arrived, and of which provenance.

Provenance is a property of a row, not of a device: HOMEPOT's simulator writes rows onto
emulated and real devices too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load

_SQL = "fleet/sql/received.sql"


@dataclass(frozen=True)
class Received:
    """Telemetry of one device over a stretch of time.

    Attributes:
        rows: all that arrived; moments: distinct times among them (retries duplicate rows).
        interval_seconds: the collection interval that most rows state; None when none does.
        provenances: rows by class, "" where a row states none.
        answered: rows with a network latency: its probe was answered.
    """

    device_id: int
    rows: int
    moments: int
    interval_seconds: int | None
    provenances: Mapping[str, int]
    answered: int = 0


def received(
    conn: Connection, device_ids: Sequence[int], start: datetime, end: datetime
) -> dict[int, Received]:
    """Count the telemetry of some devices in [start, end).

    A device that sent nothing then has `rows` 0, with the interval and class of its last row before;
    one that never sent is left out.
    """
    found: dict[int, list[tuple[str, int | None, int, int, int]]] = {}
    parameters = {"ids": list(device_ids), "start": start, "end": end}
    for row in conn.execute(load(_SQL)["received"], parameters):
        device_id, provenance, interval, rows, moments, answered = row
        assert isinstance(device_id, int)
        assert isinstance(rows, int)
        assert isinstance(moments, int)
        assert isinstance(answered, int)
        found.setdefault(device_id, []).append(
            (str(provenance or ""), _seconds(interval), rows, moments, answered)
        )
    result = {device_id: _together(device_id, groups) for device_id, groups in found.items()}
    silent = [device_id for device_id in device_ids if device_id not in result]
    for row in conn.execute(load(_SQL)["last_rows"], {"ids": silent, "start": start}):
        device_id, provenance, interval = row
        assert isinstance(device_id, int)
        result[device_id] = Received(device_id, 0, 0, _seconds(interval), {str(provenance or ""): 0})
    return result


def _seconds(interval: object) -> int | None:
    return interval if isinstance(interval, int) and interval > 0 else None


def _together(device_id: int, groups: Sequence[tuple[str, int | None, int, int, int]]) -> Received:
    provenances: Counter[str] = Counter()
    intervals: Counter[int] = Counter()
    for provenance, seconds, rows, _, _ in groups:
        provenances[provenance] += rows
        if seconds is not None:
            intervals[seconds] += rows
    # Of two intervals that are equally frequent the longer one expects less and accuses nobody.
    interval = max(intervals, key=lambda seconds: (intervals[seconds], seconds)) if intervals else None
    return Received(
        device_id,
        sum(rows for _, _, rows, _, _ in groups),
        sum(moments for _, _, _, moments, _ in groups),
        interval,
        dict(provenances),
        sum(answered for *_, answered in groups),
    )
