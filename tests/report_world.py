"""A small fleet written straight into the tables, row by row, and kept in lists for slow oracles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from homepot_ai.store.database import Database

Score = tuple[int, datetime, float | None, str, str | None]


@dataclass
class World:
    """What was written: scores, anomalies, telemetry rows; plain lists, no cleverness."""

    db: Database
    scores: list[Score] = field(default_factory=list)
    anomalies: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[tuple[int, datetime, str | None, int | None]] = field(default_factory=list)
    minutes: list[datetime] = field(default_factory=list)
    devices: dict[int, dict[str, Any]] = field(default_factory=dict)

    def site(self, id_: int, name: str, zone: str | None = None) -> None:
        with self.db.admin() as conn:
            conn.execute(
                "INSERT INTO sites (id, site_id, name, location, is_active, lifecycle_state) "
                "VALUES (%s, %s, %s, 'Somewhere 1', true, 'active')",
                (id_, f"SITE-{id_}", name),
            )
            if zone:
                conn.execute("INSERT INTO ai_site_settings (site_id, timezone) VALUES (%s, %s)", (id_, zone))

    def device(
        self,
        id_: int,
        site: int,
        name: str = "",
        *,
        created: datetime | None = None,
        simulated: bool = False,
        type_: str = "pos_terminal",
    ) -> None:
        self.devices[id_] = {"site": site, "created": created, "simulated": simulated}
        with self.db.admin() as conn:
            conn.execute(
                "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
                "is_simulated, created_at) VALUES (%s, %s, %s, %s, 'active', %s, true, %s, %s)",
                (id_, f"DEVICE-{id_:04d}", name or f"Device {id_}", type_, site, simulated, created),
            )

    def anomaly(self, device: int, start: datetime, end: datetime | None, **more: Any) -> None:
        self.anomalies.append({"device": device, "start": start, "end": end, "severity": "warning", **more})

    def write(self) -> None:
        """Write everything that was collected."""
        with self.db.admin() as conn:
            days = [at.date() for _, at, *_ in self.scores] or [datetime(2026, 1, 1).date()]  # noqa: DTZ001
            conn.execute(
                "SELECT ai_make_score_partitions(%s, %s)",
                (min(days) - timedelta(1), max(days) + timedelta(1)),
            )
            cursor = conn.cursor()
            with cursor.copy(
                "COPY ai_health_scores (device_id, at, score, status, reason, sample_count, factors) "
                "FROM STDIN"
            ) as copy:
                for device, at, score, status, reason in self.scores:
                    factors = None
                    if score is not None and score < 0.8:
                        factors = orjson.dumps(
                            [
                                {"metric": "cpu_percent", "contribution": (1 - score) * 0.75},
                                {"metric": "queue_depth", "contribution": (1 - score) * 0.25},
                            ]
                        ).decode()
                    copy.write_row((device, at, score, status, reason, 2, factors))
            with cursor.copy(
                "COPY device_metrics (timestamp, device_id, cpu_percent, provenance, "
                "collection_interval_seconds) FROM STDIN"
            ) as copy:
                for device, at, provenance, interval in self.metrics:
                    copy.write_row((at.replace(tzinfo=None), device, 12.0, provenance, interval))
            with cursor.copy(
                "COPY ai_scoring_minutes (shard, at, devices, healthy, warning, critical, no_data, "
                "in_maintenance, not_scored, rows_read, rejected, seconds, scored_at) FROM STDIN"
            ) as copy:
                for at in self.minutes:
                    copy.write_row((0, at, 1, 1, 0, 0, 0, 0, 0, 7, '{"duplicate": 2}', 0.5, at))
            for item in self.anomalies:
                conn.execute(
                    "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, "
                    "ended_at, severity, metric, observed, expected_low, expected_high, initial_score, "
                    "peak_score) "
                    "VALUES (%s, %s, '[]', %s, %s, %s, %s, 'cpu_percent', 97.5, 10, 45, 0.5, 0.2)",
                    (
                        item["device"],
                        "closed" if item["end"] else "open",
                        item["start"],
                        item["start"],
                        item["end"],
                        item["severity"],
                    ),
                )

    def subscribe(self, email: str, scope: str, scope_id: int | None, *, active: bool = True) -> None:
        with self.db.admin() as conn:
            conn.execute(
                "INSERT INTO ai_subscriptions (email, kind, scope, scope_id, mode, active) "
                "VALUES (%s, 'daily', %s, %s, 'maintenance', %s)",
                (email, scope, scope_id, active),
            )
