"""Incidents as the incident engine writes them, by SQL: rows and their events in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from psycopg.types.json import Jsonb

from homepot_ai.store.database import Database

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
CPU = {
    "metric": "cpu_percent", "observed": 97.3, "low": None, "high": 61.5, "direction": "high", "unit": "%",
    "since": "2026-11-18T09:12:00+00:00",
}  # fmt: skip
LATENCY = {
    "metric": "network_latency_ms", "observed": 840, "low": 12, "high": 95, "direction": "high", "unit": "ms",
    "since": "2026-11-18T09:14:00+00:00",
}  # fmt: skip
FACTS = {
    "metrics": [CPU, LATENCY],
    "devices": [3],
    "health": 0.31,
    "events": ["09:05 configuration of Checkout 3 changed: update_channel"],
}


def event(
    db: Database,
    incident: int,
    kind: str,
    *,
    at: datetime = NOW,
    actor: str = "rule",
    comment: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> int:
    with db.admin() as conn:
        row = conn.execute(
            "INSERT INTO ai_incident_events (incident_id, at, kind, actor, comment, details) "
            "VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            [incident, at, kind, actor, comment, Jsonb(dict(details or {}))],
        ).fetchone()
    assert row is not None
    return int(row[0])


def opened(
    db: Database,
    *,
    title: str = "Checkout 3: CPU and network latency high",
    severity: str = "warning",
    site: int | None = 1,
    device: int | None = 3,
    device_type: str = "pos_terminal",
    at: datetime = NOW,
    kind: str = "device",
    devices: Sequence[int] = (3,),
    cause: str = "cpu_percent.high",
    category: str = "performance",
    facts: Mapping[str, Any] = FACTS,
    previous: int | None = None,
    told: bool = True,
) -> int:
    """An open incident, begun 18 minutes before; with `told` its opening is in the queue."""
    with db.admin() as conn:
        row = conn.execute(
            "INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, "
            "category, title, state, severity, initial_severity, peak_severity, conclusion, started_at, "
            "opened_at, devices, peak_devices, initial, facts, previous_id, recurrence, updated_at) VALUES "
            "('f' || (SELECT count(*) FROM ai_incidents), %s, %s, %s, %s, %s, %s, %s, 'open', %s, %s, %s, "
            "'LIKELY', %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            [
                kind, site, device, device_type, cause, category, title, severity, severity, severity,
                at - timedelta(minutes=18), at, len(devices), len(devices), Jsonb(dict(facts)),
                Jsonb(dict(facts)), previous, int(previous is not None), at,
            ],
        ).fetchone()  # fmt: skip
        assert row is not None
        incident = int(row[0])
        for number in devices:
            conn.execute(
                "INSERT INTO ai_incident_devices (incident_id, device_id, joined_at) VALUES (%s, %s, %s)",
                [incident, number, at],
            )
    if told:
        event(db, incident, "opened", at=at, details={"severity": severity, "title": title})
    return incident


def change(db: Database, incident: int, **columns: Any) -> None:
    names = ", ".join(f"{name} = %s" for name in columns)
    with db.admin() as conn:
        conn.execute(f"UPDATE ai_incidents SET {names} WHERE id = %s", [*columns.values(), incident])


def worsened(db: Database, incident: int, at: datetime, to: str = "critical") -> None:
    change(db, incident, severity=to, peak_severity=to)
    event(db, incident, "worsened", at=at, details={"from": "warning", "to": to})


def acknowledged(db: Database, incident: int, at: datetime, who: str = "Ann", comment: str = "on it") -> None:
    change(db, incident, state="acknowledged", acknowledged_at=at, acknowledged_by=who)
    event(db, incident, "acknowledged", at=at, actor=who, comment=comment)


def closed(
    db: Database, incident: int, at: datetime, by: str = "rule", resolution: str | None = None
) -> None:
    change(db, incident, state="closed", closed_at=at, closed_by=by, resolution=resolution)
    with db.admin() as conn:
        row = conn.execute("SELECT started_at FROM ai_incidents WHERE id = %s", [incident]).fetchone()
    assert row is not None
    details = {
        "minutes": round((at - row[0]).total_seconds() / 60),
        "by": "rule" if by == "rule" else "person",
    }
    event(db, incident, "closed", at=at, actor=by, details=details)


FOUND = {
    "similar": [
        {"incident_id": 212, "similarity": 0.83, "resolution": "rolled back agent 4.2", "held": True,
         "at": "2026-10-02T08:00:00+00:00"},
        {"incident_id": 187, "similarity": 0.79, "resolution": "restarted the till software", "held": False,
         "at": "2026-09-11T17:30:00+00:00"},
    ],
    "passages": [{"path": "runbooks/pos.md", "heading": "CPU at its limit", "page": None,
                  "quote": "Look at the agent first: version 4.2 polls too often."}],
    "recommendation": "Roll back the agent to 4.1: that helped in 5 of 6 similar incidents.",
    "success_rate": 0.83,
    "interval": [0.44, 0.97],
    "n": 6,
    "useful": True,
}  # fmt: skip


def investigated(db: Database, incident: int, at: datetime, details: Mapping[str, Any] = FOUND) -> None:
    comment = details.get("recommendation")
    event(db, incident, "investigated", at=at, actor="investigate-incident", comment=comment, details=details)


def suppress(db: Database, incident: int, why: str = "window", at: datetime = NOW) -> None:
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO ai_suppressed (incident_id, why, begun_at, until) VALUES (%s, %s, %s, %s)",
            [incident, why, at, at + timedelta(hours=2)],
        )


def release(db: Database, incident: int, at: datetime, outcome: str = "told_after") -> None:
    with db.admin() as conn:
        conn.execute(
            "UPDATE ai_suppressed SET ended_at = %s, outcome = %s "
            "WHERE incident_id = %s AND ended_at IS NULL",
            [at, outcome, incident],
        )
    event(db, incident, "released", at=at, details={"why": "window"})


def route(db: Database, name: str = "r", to: str = "ann@example.org", **columns: Any) -> None:
    """A route to a mail address, or (without an @) to a channel."""
    values = {
        "name": name, "channel": "mail" if "@" in to else to, "address": to if "@" in to else "",
        "created_by": "test", "created_at": NOW, **columns,
    }  # fmt: skip
    with db.admin() as conn:
        conn.execute(
            f"INSERT INTO ai_alert_routes ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
            list(values.values()),
        )


def mails(db: Database) -> list[EmailMessage]:
    """The queued mails, oldest first."""
    with db.admin() as conn:
        rows = conn.execute("SELECT payload FROM ai_mail_outbox ORDER BY id").fetchall()
    return [message_from_bytes(payload, policy=policy.default) for (payload,) in rows]  # type: ignore[misc]


def subjects(db: Database) -> list[tuple[str, str]]:
    """(to, subject without what every subject has) of the queued mails, oldest first."""
    return [(str(m["To"]), str(m["Subject"]).removeprefix("[HOMEPOT] ")) for m in mails(db)]


def channel_titles(db: Database) -> list[tuple[str, str]]:
    with db.admin() as conn:
        return conn.execute("SELECT recipient, subject FROM ai_alerts_outbox ORDER BY id").fetchall()


def told(db: Database) -> list[tuple[Any, ...]]:
    with db.admin() as conn:
        return conn.execute(
            "SELECT incident_id, kind, state, why FROM ai_alert_messages ORDER BY id"
        ).fetchall()


def person(
    db: Database, email: str, sites: Sequence[int] = (), *, admin: bool = False, active: bool = True
) -> None:
    with db.admin() as conn:
        row = conn.execute(
            "INSERT INTO users (username, email, hashed_password, is_active, is_admin) "
            "VALUES (%s, %s, 'x', %s, %s) RETURNING id",
            [email, email, active, admin],
        ).fetchone()
        assert row is not None
        for site in sites:
            conn.execute("INSERT INTO site_memberships (user_id, site_id) VALUES (%s, %s)", [row[0], site])
