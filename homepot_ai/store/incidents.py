"""`ai_incidents` and `ai_incident_events`: what is wrong, since when, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/incidents.sql")

State = Literal["pending", "open", "acknowledged", "closed", "discarded"]
Kind = Literal["device", "gateway", "site", "storm"]
Severity = Literal["info", "warning", "critical"]
Conclusion = Literal["CONFIRMED", "LIKELY", "INCONCLUSIVE"]
Category = Literal[
    "temperature", "connectivity", "power", "performance", "storage", "application", "security"
]
EventKind = Literal[
    "opened", "worsened", "eased", "grew", "acknowledged", "snoozed", "snooze_ended", "flapping",
    "commented", "marked", "action", "investigated", "suppressed", "released", "closed",
]  # fmt: skip


@dataclass(frozen=True)
class Incident:
    """A row of `ai_incidents`.

    Attributes:
        fingerprint: what it is about, without values: one live incident has it at a time.
        root_device_id: the device it is about, or the gateway; None of a site or a storm.
        cause: `metric.high`, `metric.low`, a counted signal, `silent`, or `storm`.
        quiet_since: since when nothing of it is to be seen; None while it is.
        devices, peak_devices: how many it holds now, and held at most.
        initial: its facts at the opening, never changed; facts: as they are now.
        previous_id, recurrence: the incident of this fingerprint before it, and how many there were.
        homepot_alert_id: its row in HOMEPOT's `alerts`.
    """

    id: int
    fingerprint: str
    kind: Kind
    site_id: int | None
    root_device_id: int | None
    device_type: str | None
    cause: str
    category: Category
    title: str
    state: State
    severity: Severity
    initial_severity: Severity
    peak_severity: Severity
    conclusion: Conclusion
    provenance: str | None
    started_at: datetime
    opened_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    snoozed_by: str | None
    quiet_since: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    devices: int
    peak_devices: int
    initial: Mapping[str, Any]
    facts: Mapping[str, Any]
    previous_id: int | None
    recurrence: int
    flapping: bool
    mark: bool | None
    homepot_alert_id: int | None
    version: int
    updated_at: datetime


@dataclass(frozen=True)
class IncidentEvent:
    """Something that happened to an incident; `alerted_at` is when alerting decided about it."""

    id: int
    incident_id: int
    at: datetime
    kind: EventKind
    actor: str
    comment: str | None
    details: Mapping[str, Any]
    recorded_at: datetime
    alerted_at: datetime | None


def incident(conn: Connection, id: int) -> Incident | None:
    """One incident by its number."""
    row = conn.execute(_SQL["incident"], {"id": id}).fetchone()
    return None if row is None else Incident(*row)


def live(conn: Connection) -> list[Incident]:
    """Every incident that is suspected, open or acknowledged, the oldest first."""
    return [Incident(*row) for row in conn.execute(_SQL["live"]).fetchall()]


def events(conn: Connection, incident_id: int) -> list[IncidentEvent]:
    """Everything that happened to an incident, in order."""
    rows = conn.execute(_SQL["events"], {"incident_id": incident_id}).fetchall()
    return [IncidentEvent(*row) for row in rows]


def append_event(
    conn: Connection,
    incident_id: int,
    *,
    at: datetime,
    kind: EventKind,
    actor: str,
    comment: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> int:
    """Add to an incident's history; returns the event's number."""
    row = conn.execute(
        _SQL["append_event"],
        {
            "incident_id": incident_id, "at": at, "kind": kind, "actor": actor, "comment": comment,
            "details": orjson.dumps(dict(details or {})).decode(),
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])
