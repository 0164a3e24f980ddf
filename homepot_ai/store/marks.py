"""`ai_anomaly_marks` and `ai_alarm_thresholds`: verdicts on anomalies, and what they moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/marks.sql")

Verdict = Literal["true", "false", "withdrawn"]
#: Who decided a threshold when the marks did; anybody else is a person, and earlier marks count no more.
RULE = "marks"


@dataclass(frozen=True)
class LoggedAnomaly:
    """An anomaly as it is logged; the names are None when HOMEPOT no longer has the device.

    Attributes:
        strength: decades above the device's routine at its highest; None for what was logged before
            it was kept.
        mark: the current verdict, None when there is none.
    """

    id: int
    device_id: int
    device: str | None
    public_id: str | None
    device_type: str | None
    started_at: datetime
    ended_at: datetime | None
    severity: str
    metric: str | None
    observed: float | None
    expected_low: float | None
    expected_high: float | None
    strength: float | None
    opened_by: str | None
    mark: bool | None


@dataclass(frozen=True)
class Threshold:
    """How far a device type's alarm threshold is moved, in decades, by whom and why."""

    device_type: str
    offset: float
    marked_true: int
    marked_false: int
    reason: str
    decided_by: str
    decided_at: datetime


def offsets(conn: Connection) -> dict[str, float]:
    """Decades added to the opening threshold by device type; types that are not moved are absent."""
    return dict(conn.execute(_SQL["offsets"]).fetchall())


def thresholds(conn: Connection, at: datetime) -> list[Threshold]:
    """The decision in force about each device type that there ever was one about, as of a moment."""
    return [Threshold(*row) for row in conn.execute(_SQL["thresholds"], {"at": at}).fetchall()]


def insert_threshold(conn: Connection, decided: Threshold) -> None:
    """Append a decision: it is in force from the next scoring run on."""
    conn.execute(_SQL["insert_threshold"], vars(decided))


def one_at_a_time(conn: Connection) -> None:
    """Wait for any other transaction that marks or decides; held until this one ends."""
    conn.execute(_SQL["one_at_a_time"])


def judged(conn: Connection, device_type: str, since: datetime) -> list[tuple[int, float, bool]]:
    """What counts for a device type's threshold: (anomaly, strength in decades, whether it was true)."""
    parameters = {"device_type": device_type, "since": since, "rule": RULE}
    return conn.execute(_SQL["judged"], parameters).fetchall()


def marked_types(conn: Connection) -> list[str]:
    """Every device type that a mark or a decision was made about, by name."""
    return [row[0] for row in conn.execute(_SQL["marked_types"]).fetchall()]


def anomaly(conn: Connection, number: int) -> LoggedAnomaly | None:
    """One anomaly by its id."""
    row = conn.execute(_SQL["anomaly"], {"id": number}).fetchone()
    return None if row is None else LoggedAnomaly(*row)


def anomalies(
    conn: Connection,
    *,
    device_id: int | None = None,
    open_only: bool = False,
    since: datetime | None = None,
    at: datetime | None = None,
    limit: int = 50,
) -> list[LoggedAnomaly]:
    """Anomalies, the newest first.

    Args:
        since: begun since then, or still open.
        at: open at that moment.
    """
    parameters = {"device_id": device_id, "open": open_only, "since": since, "at": at, "limit": limit}
    return [LoggedAnomaly(*row) for row in conn.execute(_SQL["anomalies"], parameters).fetchall()]


def open_at(conn: Connection, device_ids: Sequence[int], at: datetime) -> dict[int, tuple[int, datetime]]:
    """Of these devices, the anomaly that was open at a moment: its id and since when."""
    if not device_ids:
        return {}
    parameters = {"device_ids": list(device_ids), "at": at}
    rows = conn.execute(_SQL["open_at"], parameters).fetchall()
    return {device: (number, started) for device, number, started in reversed(rows)}


def add(
    conn: Connection,
    number: int,
    verdict: Verdict,
    *,
    by: str,
    comment: str | None,
    source: str,
    now: datetime,
) -> bool:
    """Append a verdict on an anomaly and make it the current one.

    Returns:
        False when the newest row says the same already, or when there is nothing to withdraw.
    """
    newest = conn.execute(_SQL["newest_mark"], {"id": number}).fetchone()
    if newest is None and verdict == "withdrawn":
        return False
    if newest is not None and newest[0] == verdict and comment in (None, newest[1]):
        return False
    conn.execute(
        _SQL["insert_mark"],
        {
            "id": number, "verdict": verdict, "marked_by": by, "comment": comment, "source": source,
            "marked_at": now,
        },
    )  # fmt: skip
    conn.execute(_SQL["set_verdict"], {"id": number, "verdict": verdict})
    return True
