"""HOMEPOT's `alerts`: what its dashboard shows of our incidents, and what people answer there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from homepot_ai.fleet.schema import ALERT_COLUMNS
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection
from homepot_ai.text import clean

_SQL = named_sql.load("fleet/sql/alerts.sql")

# The widths of its columns; longer text would be an error.
TITLE, DEVICE, CATEGORY, PERSON = 255, 50, 50, 255
_TEXT_CAP = 2000

Status = Literal["active", "acknowledged", "resolved", "ignored"]
Severity = Literal["critical", "high", "medium", "low", "info"]


@dataclass(frozen=True)
class Alert:
    """A row as we write it; what does not fit its column is cut, or left out where a cut would lie.

    Attributes:
        public_id: of the device; one that is longer than the column goes into the description.
        resolved_by, notes: of a resolved one.
    """

    at: datetime
    public_id: str | None
    site_id: int | None
    title: str
    description: str
    severity: Severity
    category: str
    status: Status
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    notes: str | None = None


@dataclass(frozen=True)
class Answer:
    """What somebody did with an alert in HOMEPOT."""

    id: int
    status: Status
    by: str | None
    notes: str | None


def unavailable(conn: Connection) -> str | None:
    """Why HOMEPOT's alerts cannot be kept in step, or None.

    Some HOMEPOTs have no such table, or an older one: everything else works without it.
    """
    row = conn.execute(_SQL["columns"], {"columns": list(ALERT_COLUMNS)}).fetchone()
    found = 0 if row is None else int(row[0])
    if not found:
        return "this HOMEPOT has no table alerts, so its dashboard does not show incidents"
    if found < len(ALERT_COLUMNS):
        return "this HOMEPOT's table alerts lacks columns, so its dashboard does not show incidents"
    if conn.execute(_SQL["may_write"]).fetchone() != (True,):
        return "HOMEPOT's table alerts may not be written: run `homepot-ai db upgrade`, which grants it"
    return None


def insert(conn: Connection, alert: Alert) -> int:
    """Write an alert; returns its number in HOMEPOT."""
    row = conn.execute(_SQL["insert"], _parameters(alert)).fetchone()
    assert row is not None
    return int(row[0])


def update(conn: Connection, number: int, alert: Alert) -> None:
    """Bring an alert up to date; one that a person resolved or ignored there stays so."""
    conn.execute(
        _SQL["update"], {**_parameters(alert), "id": number, "ours": "%of homepot-ai: `homepot-ai incident %"}
    )


def answers(conn: Connection, numbers: Sequence[int]) -> list[Answer]:
    """Which of these alerts are no longer just active."""
    if not numbers:
        return []
    rows = conn.execute(_SQL["answers"], {"ids": list(numbers)}).fetchall()
    return [Answer(*row) for row in rows]


def left_active(conn: Connection, numbers: Sequence[int]) -> list[int]:
    """Which of these alerts, whose incidents are over, still look as if they were not."""
    if not numbers:
        return []
    return [int(row[0]) for row in conn.execute(_SQL["left_active"], {"ids": list(numbers)}).fetchall()]


def _parameters(alert: Alert) -> dict[str, object]:
    long = alert.public_id is not None and len(alert.public_id) > DEVICE
    description = f"{alert.description}\nDevice {clean(alert.public_id or '')}" if long else alert.description
    return {
        "at": alert.at,
        "device_id": None if long else alert.public_id,
        "site_id": alert.site_id,
        "title": clean(alert.title, TITLE),
        "description": description[:_TEXT_CAP],
        "severity": alert.severity,
        "category": alert.category[:CATEGORY],
        "status": alert.status,
        "resolved_at": alert.resolved_at,
        "resolved_by": None if alert.resolved_by is None else clean(alert.resolved_by, PERSON),
        "notes": None if alert.notes is None else clean(alert.notes, _TEXT_CAP),
    }
