"""A fleet whose anomalies and silences are written by hand, and minutes of incidents over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from homepot_ai.incidents import stage
from homepot_ai.settings import Settings
from homepot_ai.store import incidents
from homepot_ai.store.database import Database
from homepot_ai.store.incidents import Incident, IncidentEvent
from tests.support import small_fleet

START = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class World:
    """Minutes pass by `run`; what is wrong is said by `anomaly`, `silent` and their ends."""

    def __init__(self, db: Database, settings: Settings, devices: int = 6) -> None:
        self.db, self.settings, self.at = db, settings, START
        small_fleet(db, devices)
        with db.admin() as conn:
            conn.execute(
                "INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at) "
                "VALUES (0, 'live', %s, -1, 1, '', '', %s)",
                [START, START],
            )

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.db.admin() as conn:
            cursor = conn.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def run(self, minutes: int = 1) -> stage.Outcome:
        """Judge so many further minutes; returns the last one's outcome."""
        outcome = None
        for _ in range(minutes):
            self.at += MINUTE
            outcome = self.again()
        assert outcome is not None
        return outcome

    def jump(self, minutes: int) -> None:
        """Let minutes pass in which nothing runs."""
        self.at += minutes * MINUTE

    def again(self) -> stage.Outcome:
        """Judge the present minute."""
        self.sql("UPDATE ai_baselines SET at = %s", self.at)
        return stage.run(self.db, self.settings, self.at + timedelta(seconds=20))

    def anomaly(
        self,
        device: int,
        severity: str = "warning",
        metric: str = "cpu_percent",
        observed: float = 97.2,
        low: float | None = None,
        high: float | None = 90.0,
        opened_by: str = "evidence",
        since: datetime | None = None,
        kinds: Sequence[tuple[str, str]] = (("cpu_percent", "baseline"),),
    ) -> int:
        """An episode that opened in the coming minute."""
        metrics = [{"metric": m, "kind": k} for m, k in kinds]
        began = since or self.at + MINUTE
        return int(
            self.sql(
                "INSERT INTO ai_anomaly_logs (device_id, health_score, status, metrics, created_at, "
                "started_at, severity, metric, observed, expected_low, expected_high, initial_score, "
                "peak_score, provenance, strength, opened_by) VALUES (%s, 0.5, 'open', %s::jsonb, %s, %s, "
                "%s, %s, %s, %s, %s, 0.5, 0.5, 'controlled', 2.0, %s) RETURNING id",
                device, orjson.dumps(metrics).decode(), began, began, severity, metric, observed, low, high,
                opened_by,
            )[0][0]
        )  # fmt: skip

    def worsen(self, anomaly: int, severity: str) -> None:
        self.sql("UPDATE ai_anomaly_logs SET severity = %s WHERE id = %s", severity, anomaly)

    def end(self, anomaly: int) -> None:
        self.sql(
            "UPDATE ai_anomaly_logs SET status = 'closed', ended_at = greatest(started_at, %s) WHERE id = %s",
            self.at, anomaly,
        )  # fmt: skip

    def silent(self, *devices: int, heard: timedelta = 3 * MINUTE, status: str = "no_data") -> None:
        """Silent from the coming minute on."""
        noticed = self.at + MINUTE
        for device in devices:
            self.sql(
                "INSERT INTO ai_device_gaps (device_id, status, reason, last_sample_at, noticed_at) "
                "VALUES (%s, %s, 'silent', %s, %s)",
                device, status, noticed - heard, noticed,
            )  # fmt: skip

    def back(self, *devices: int) -> None:
        self.sql(
            "UPDATE ai_device_gaps SET ended_at = greatest(noticed_at, %s) WHERE ended_at IS NULL "
            "AND device_id = ANY(%s)",
            self.at + MINUTE, list(devices),
        )  # fmt: skip

    def behind(self, gateway: int, *devices: int) -> None:
        for device in devices:
            self.sql(
                "INSERT INTO ai_device_settings (device_id, gateway_device_id) VALUES (%s, %s)",
                device, gateway,
            )  # fmt: skip

    def all(self) -> list[Incident]:
        with self.db.reader() as conn:
            ids = conn.execute("SELECT id FROM ai_incidents ORDER BY id").fetchall()
            return [found for (id_,) in ids if (found := incidents.incident(conn, id_))]

    def one(self) -> Incident:
        found = [i for i in self.all() if i.state not in ("closed", "discarded")]
        assert len(found) == 1, found
        return found[0]

    def events(self, id_: int) -> list[IncidentEvent]:
        with self.db.reader() as conn:
            return incidents.events(conn, id_)

    def kinds(self, id_: int) -> list[str]:
        return [event.kind for event in self.events(id_)]
