"""Incidents written straight into the tables, for tests of memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from homepot_ai.store.database import Database

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def metric(name: str, observed: float, high: float | None = None, low: float | None = None) -> dict[str, Any]:
    """A deviation as incidents keep it in `facts`."""
    direction = "low" if low is not None and observed < low else "high"
    return {"metric": name, "observed": observed, "low": low, "high": high, "direction": direction}


def incident(
    db: Database,
    *,
    cause: str = "disk_percent",
    category: str = "storage",
    device_type: str | None = "pos_terminal",
    device: int | None = 1,
    state: str = "open",
    opened: datetime = NOW,
    minutes: float = 90,
    title: str = "Disk nearly full",
    metrics: Sequence[Mapping[str, Any]] = (),
    events: Sequence[str] = (),
    resolution: str | None = None,
    closed_by: str | None = None,
    fingerprint: str | None = None,
    kind: str = "device",
) -> int:
    """Write one incident with its `opened` event; returns its number."""
    closed = opened + timedelta(minutes=minutes) if state == "closed" else None
    facts = json.dumps({"metrics": list(metrics), "devices": [device], "events": list(events)})
    with db.admin() as conn:
        row = conn.execute(
            "INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, "
            "cause, category, "
            "title, state, severity, initial_severity, peak_severity, started_at, opened_at, "
            "closed_at, closed_by, "
            "resolution, initial, facts, updated_at) VALUES (%s, %s, 1, %s, %s, %s, %s, %s, %s, 'warning', "
            "'warning', 'warning', %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            [
                fingerprint or f"{device}:{cause}:{opened.isoformat()}", kind, device, device_type, cause,
                category,
                title, state, opened, opened, closed,
                None if closed is None else (closed_by or ("anna" if resolution else "rule")), resolution,
                facts,
                facts, closed or opened,
            ],
        ).fetchone()  # fmt: skip
        assert row is not None
        conn.execute(
            "INSERT INTO ai_incident_events (incident_id, at, kind, actor) VALUES (%s, %s, 'opened', 'rule')",
            [row[0], opened],
        )
    return int(row[0])


def health(
    db: Database, device: int, first: datetime, statuses: Sequence[tuple[int, str]], *, step: int = 1
) -> None:
    """Scored minutes of a device: spans of (minutes, status), one after the other."""
    scores = {"healthy": 0.95, "warning": 0.6, "critical": 0.2}
    at = first
    with db.admin() as conn:
        total = sum(minutes for minutes, _ in statuses)
        conn.execute(
            "SELECT ai_make_score_partitions(%s, %s)",
            [first.date(), (first + timedelta(minutes=total)).date()],
        )
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ai_health_scores (device_id, at, score, status, sample_count) VALUES "
                "(%s, %s, %s, %s::health_status, 1) ON CONFLICT DO NOTHING",
                [
                    (device, at + timedelta(minutes=before + minute), scores[status], status)
                    for before, (minutes, status) in _spans(statuses)
                    for minute in range(0, minutes, step)
                ],
            )


def _spans(statuses: Sequence[tuple[int, str]]) -> list[tuple[int, tuple[int, str]]]:
    spans, before = [], 0
    for minutes, status in statuses:
        spans.append((before, (minutes, status)))
        before += minutes
    return spans


#: Past incidents of several causes, as people resolved them.
PAST: tuple[dict[str, Any], ...] = (
    {
        "cause": "disk_percent", "category": "storage", "device_type": "pos_terminal", "device": 11,
        "title": "Disk nearly full", "metrics": [metric("disk_percent", 94.0, high=80.0)],
        "events": ["Log folder grows by 1 GB a day"],
        "resolution": "Alte Logdateien gelöscht, Rotation eingerichtet",
    },
    {
        "cause": "temperature_celsius", "category": "temperature", "device_type": "iot_sensor", "device": 12,
        "title": "Cold room too warm", "metrics": [metric("temperature_celsius", 9.5, high=6.0)],
        "events": ["Door contact open for 40 minutes"], "resolution": "Porte refermée, joint vérifié",
    },
    {
        "cause": "network_latency_ms", "category": "connectivity", "device_type": "gateway", "device": 13,
        "title": "Network slow", "metrics": [metric("network_latency_ms", 640.0, high=60.0)],
        "events": ["Uplink saturated by backup"], "resolution": "Backup moved to the night",
    },
    {
        "cause": "memory_percent", "category": "performance", "device_type": "pos_terminal", "device": 14,
        "title": "Memory leak of the payment service", "metrics": [metric("memory_percent", 97.0, high=70.0)],
        "events": ["Payment service uses 1.8 GB of memory"], "resolution": "Restarted the payment service",
    },
)  # fmt: skip


def past(db: Database, *, before: datetime = NOW, copies: int = 1) -> list[int]:
    """Write the past incidents, closed, some days before; returns their numbers."""
    return [
        incident(db, state="closed", opened=before - timedelta(days=9 + copy, hours=number), **case)
        for copy in range(copies)
        for number, case in enumerate(PAST)
    ]
