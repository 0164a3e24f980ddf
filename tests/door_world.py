"""Two sites with devices, scores, incidents and forecasts, and a door in front of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from homepot_ai.api.app import create_app
from homepot_ai.language.model import NoModel
from homepot_ai.settings import ApiSettings, Settings
from homepot_ai.store import tokens
from homepot_ai.store.database import Database
from homepot_ai.store.tokens import Scope
from tests.report_world import World

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: Site 2 is the one whose names a token of site 1 must never see.
SECRET = ("Zanzibar", "SITE-2", "Vault", "DEVICE-0021", "DEVICE-0022", "Kasse Süd", "guarded")


def fill(db: Database) -> None:
    """Berlin (devices 11 to 13) and Zanzibar (21, 22); 13 is critical, 22 silent."""
    world = World(db)
    world.site(1, "Berlin", "Europe/Berlin")
    world.site(2, "Zanzibar", "Africa/Dar_es_Salaam")
    for number, name in ((11, "Till 1"), (12, "Till 2"), (13, "Kiosk/3")):
        world.device(number, 1, name, created=NOW - timedelta(days=90))
    world.device(21, 2, "Vault", created=NOW - timedelta(days=90))
    world.device(22, 2, "Kasse Süd", created=NOW - timedelta(days=90))
    for minute in range(120):
        at = NOW - minute * MINUTE
        world.scores += [(11, at, 0.98, "healthy", None), (12, at, 0.97, "healthy", None)]
        world.scores.append(
            (13, at, 0.3, "critical", None) if minute < 30 else (13, at, 0.95, "healthy", None)
        )
        world.scores.append((21, at, 0.7, "warning", None))
        world.scores.append((22, at, None, "no_data", "silent"))
        world.metrics += [(n, at - timedelta(seconds=30), "controlled", 60) for n in (11, 12, 13, 21)]
        world.minutes.append(at)
    world.anomaly(13, NOW - timedelta(minutes=30), None, severity="critical")
    world.anomaly(21, NOW - timedelta(minutes=50), None)
    world.write()
    with db.admin() as conn:
        conn.execute(
            "UPDATE ai_health_scores SET factors = '[{\"metric\": \"cpu_percent\", \"kind\": \"limit\", "
            "\"contribution\": 0.7, \"observed\": 97.2, \"low\": null, \"high\": 90.0}]' WHERE factors IS NOT NULL"
        )
        for number, site, device, title in ((1, 1, 13, "CPU high"), (2, 2, 21, "guarded trouble")):
            conn.execute(
                "INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, category, "
                "title, state, severity, initial_severity, peak_severity, started_at, opened_at, initial, facts, "
                "updated_at) OVERRIDING SYSTEM VALUE SELECT %s, 'device', %s, %s, 'pos_terminal', 'cpu_percent.high', "
                "'performance', %s, 'open', 'critical', 'critical', 'critical', %s, %s, '{}', "
                '\'{"metrics": [{"metric": "cpu_percent", "direction": "high"}]}\', %s',
                (f"f{number}", site, device, title, NOW - 40 * MINUTE, NOW - 30 * MINUTE, NOW),
            )
            conn.execute(
                "INSERT INTO ai_incident_devices SELECT max(id), %s, %s FROM ai_incidents", (device, NOW)
            )
        for number, site, device in ((1, 1, 11), (2, 2, 22)):
            past = NOW - timedelta(days=9 + number)
            conn.execute(
                "INSERT INTO ai_incidents (fingerprint, kind, site_id, root_device_id, device_type, cause, category, "
                "title, state, severity, initial_severity, peak_severity, started_at, opened_at, closed_at, initial, "
                "facts, resolution, closed_by, updated_at) VALUES (%s, 'device', %s, %s, 'pos_terminal', "
                "'cpu_percent.high', 'performance', 'old', 'closed', 'critical', 'critical', 'critical', %s, %s, %s, "
                "'{}', '{}', %s, 'ann', %s)",
                (f"p{number}", site, device, past, past, past + 30 * MINUTE,
                 "restarted the guarded agent" if site == 2 else "restarted the agent", NOW),
            )  # fmt: skip
            conn.execute(
                "INSERT INTO ai_incident_devices SELECT max(id), %s, %s FROM ai_incidents", (device, past)
            )
            conn.execute(
                "INSERT INTO ai_incident_patterns (kind, incident_id, device_id, site_id, device_type, category, "
                "severity, metrics, pattern_description, content_hash, resolution, outcome, happened_at, created_at) "
                "SELECT 'incident', max(id), %s, %s, 'pos_terminal', 'performance', 'critical', "
                "ARRAY['cpu_percent:high'], 'pos terminal, performance: CPU overloaded.', 'h', %s, 'held', %s, %s "
                "FROM ai_incidents",
                (device, site, "restarted the guarded agent" if site == 2 else "restarted the agent", past, past),
            )  # fmt: skip
        for device, level, action in (
            (13, "high", "Look at the CPU"),
            (21, "critical", "Open the guarded box"),
        ):
            conn.execute(
                "INSERT INTO ai_device_risks (device_id, at, level, cause, metric, p_24h, p_7d, p_30d, forecaster, "
                "version, when_low, when_mid, when_high, action, facts) VALUES (%s, %s, %s, 'failure', 'disk_percent', "
                "0.02, 0.3, 0.4, 'hazard', '1', %s, %s, NULL, %s, %s)",
                (
                    device, NOW - 20 * MINUTE, level, NOW + timedelta(days=3), NOW + timedelta(days=5), action,
                    '{"facts": [{"name": "disk trend", "value": 1.2, "unit": "%/day", "usual": 0.1, "effect": 0.8}],'
                    ' "crossing": {"metric": "disk_percent", "unit": "%", "limit": 90, "direction": "high",'
                    ' "now": 84.2, "per_day": 1.2, "forecaster": "x"}}',
                ),
            )  # fmt: skip
        conn.execute(
            "INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at) "
            "VALUES (0, 'live', %s, -1, 1, '', '', %s)",
            (NOW, NOW),
        )


def token(
    db: Database, name: str, scopes: Sequence[Scope] = ("admin",), sites: Sequence[int] | None = None
) -> dict[str, str]:
    """A header with a fresh token."""
    with db.writer() as conn:
        made = tokens.make(
            conn, name, scopes=scopes, sites=sites, user=None, expires_at=None, actor="test", now=NOW
        )
    return {"Authorization": f"Bearer {made}"}


def door(db: Database, settings: Settings, at: str = "http://127.0.0.1:8300", **api: Any) -> TestClient:
    """A client of a door at noon; `api`: settings of it."""
    chosen = settings.model_copy(update={"api": ApiSettings(**api)})
    app = create_app(chosen, db, NoModel(), now=lambda: NOW)
    return TestClient(app, base_url=at, client=("127.0.0.1", 50000), raise_server_exceptions=False)
