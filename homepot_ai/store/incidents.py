"""`ai_incidents` and `ai_incident_events`: what is wrong, since when, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def one_at_a_time(conn: Connection) -> None:
    """Wait for any other transaction that decides about incidents; held until this one ends."""
    conn.execute(_SQL["patience"])
    conn.execute(_SQL["lock"])


def listed(
    conn: Connection,
    *,
    open_only: bool = False,
    since: datetime | None = None,
    device_id: int | None = None,
    limit: int = 50,
) -> list[Incident]:
    """Incidents that were opened: open ones first, the gravest of them first, then the newest.

    Args:
        since: opened since then, or still open.
    """
    parameters = {"open": open_only, "since": since, "device_id": device_id, "limit": limit}
    return [Incident(*row) for row in conn.execute(_SQL["listed"], parameters).fetchall()]


def anomalies_of(conn: Connection, id: int) -> list[int]:
    """Numbers of the anomalies that are an incident's evidence."""
    return [row[0] for row in conn.execute(_SQL["anomalies_of"], {"id": id}).fetchall()]


def devices_of(conn: Connection, id: int) -> list[tuple[int, datetime, datetime | None]]:
    """(device, since, until) of everything that an incident ever held."""
    return conn.execute(_SQL["devices_of"], {"id": id}).fetchall()


def insert(conn: Connection, new: Incident) -> int:
    """Write a new incident; returns its number. Its `id` and `version` are not read."""
    row = conn.execute(_SQL["insert_incident"], _columns(new)).fetchone()
    assert row is not None
    return int(row[0])


def update(conn: Connection, changed: Incident) -> bool:
    """Write what an incident became; False when somebody else changed it since it was read."""
    return conn.execute(_SQL["update_incident"], _columns(changed)).rowcount == 1


def _columns(row: Incident) -> dict[str, Any]:
    return {
        **vars(row),
        "initial": orjson.dumps(dict(row.initial)).decode(),
        "facts": orjson.dumps(dict(row.facts)).decode(),
    }


@dataclass(frozen=True)
class Watched:
    """What a minute's decision reads of incidents, as rows; see `store/sql/incidents.sql`."""

    live: Sequence[Incident]
    anomalies: Sequence[tuple[Any, ...]]
    silences: Sequence[tuple[Any, ...]]
    silent_before: Mapping[int, int]
    unjudged: frozenset[int]
    members: Sequence[tuple[int, int, datetime]]
    suppressed: Sequence[tuple[Any, ...]]


def watched(conn: Connection, silent_since: datetime) -> Watched:
    """Everything that is wrong now, and every live incident."""
    there = live(conn)
    ids = {"ids": [incident.id for incident in there]}
    return Watched(
        live=there,
        anomalies=conn.execute(_SQL["open_anomalies"]).fetchall(),
        silences=conn.execute(_SQL["silences"]).fetchall(),
        silent_before=dict(conn.execute(_SQL["silent_before"], {"since": silent_since}).fetchall()),
        unjudged=frozenset(row[0] for row in conn.execute(_SQL["unjudged"]).fetchall()),
        members=conn.execute(_SQL["members"], ids).fetchall() if there else [],
        suppressed=conn.execute(_SQL["suppressed"], ids).fetchall() if there else [],
    )


def told_silences(conn: Connection, silences: Sequence[tuple[int, datetime]]) -> set[int]:
    """Of these (device, since), the devices that an incident was about which is closed by now."""
    if not silences:
        return set()
    columns = [list(column) for column in zip(*silences, strict=True)]
    parameters = {"device_id": columns[0], "noticed_at": columns[1]}
    return {row[0] for row in conn.execute(_SQL["told_silences"], parameters).fetchall()}


def samples(
    conn: Connection, troubles: Sequence[tuple[int, datetime]], at: datetime
) -> dict[int, tuple[int, int, int]]:
    """How often devices send, of each (device, since).

    Returns:
        By device: scored minutes of the last hour, those of them with samples, and minutes later than
        `since` with samples in which it was ill.
    """
    if not troubles:
        return {}
    columns = [list(column) for column in zip(*troubles, strict=True)]
    parameters = {"device_id": columns[0], "since": columns[1], "at": at}
    return {row[0]: tuple(row[1:]) for row in conn.execute(_SQL["samples"], parameters).fetchall()}


def note_alert(conn: Connection, id: int, alert: int | None) -> None:
    """Remember an incident's row in HOMEPOT's `alerts`."""
    conn.execute(_SQL["note_alert"], {"id": id, "alert": alert})


def held(conn: Connection, id: int) -> Watched:
    """One incident, whatever its state, with its devices and silences; nothing of what is wrong now."""
    found = incident(conn, id)
    ids = {"ids": [id]}
    return Watched(
        live=[] if found is None else [found], anomalies=(), silences=(), silent_before={},
        unjudged=frozenset(), members=conn.execute(_SQL["members"], ids).fetchall(),
        suppressed=conn.execute(_SQL["suppressed"], ids).fetchall(),
    )  # fmt: skip


def closed_unjudged(conn: Connection, since: datetime) -> dict[int, int]:
    """HOMEPOT's alert of each incident that was closed since then and has no mark: alert to incident."""
    rows = conn.execute(_SQL["closed_unjudged"], {"since": since}).fetchall()
    return {alert: number for number, alert in rows}


def past(conn: Connection, fingerprints: Sequence[str], since: datetime) -> list[tuple[str, int, int, int]]:
    """(fingerprint, newest closed incident, its recurrence, openings since then) where there are any."""
    if not fingerprints:
        return []
    return conn.execute(_SQL["past"], {"fingerprints": list(fingerprints), "since": since}).fetchall()


def evidence_ended(conn: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """When the last anomaly of these incidents ended."""
    if not ids:
        return {}
    return dict(conn.execute(_SQL["evidence_ended"], {"ids": list(ids)}).fetchall())


def openings(conn: Connection, since: datetime) -> int:
    """How many incidents of one device opened since then and were told."""
    row = conn.execute(_SQL["openings"], {"since": since}).fetchone()
    assert row is not None
    return int(row[0])


def lately(
    conn: Connection, device_ids: Sequence[int], since: datetime, at: datetime
) -> dict[int, list[tuple[str, str]]]:
    """Recent events of these devices as (kind, summary), the newest first."""
    found: dict[int, list[tuple[str, str]]] = {}
    if device_ids:
        parameters = {"device_ids": list(device_ids), "since": since, "at": at}
        for device, kind, summary in conn.execute(_SQL["lately"], parameters).fetchall():
            found.setdefault(device, []).append((kind, summary))
    return found


def join_devices(conn: Connection, rows: Sequence[tuple[int, int, datetime]]) -> None:
    """(incident, device, since): these belong to it from now on."""
    if rows:
        names = ("incident_id", "device_id", "at")
        conn.execute(_SQL["join_devices"], dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def leave_devices(conn: Connection, rows: Sequence[tuple[int, int]], at: datetime) -> None:
    """(incident, device): these are well again."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        parameters = {"incident_id": columns[0], "device_id": columns[1], "at": at}
        conn.execute(_SQL["leave_devices"], parameters)


def link_anomalies(conn: Connection, rows: Sequence[tuple[int, int]]) -> None:
    """(incident, anomaly): these are its evidence."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        conn.execute(_SQL["link_anomalies"], {"incident_id": columns[0], "anomaly_id": columns[1]})


def suppress(
    conn: Connection,
    incident_id: int,
    *,
    why: str,
    window_id: int | None,
    begun_at: datetime,
    until: datetime | None,
) -> None:
    """An incident is not told; the same again moves its end."""
    conn.execute(
        _SQL["suppress"],
        {
            "incident_id": incident_id, "why": why, "window_id": window_id, "begun_at": begun_at,
            "until": until,
        },
    )  # fmt: skip


def end_suppressed(conn: Connection, incident_id: int, *, why: str, ended_at: datetime, outcome: str) -> None:
    """A reason not to tell it is over, and what became of the incident by then."""
    parameters = {"incident_id": incident_id, "why": why, "ended_at": ended_at, "outcome": outcome}
    conn.execute(_SQL["end_suppressed"], parameters)
