"""Two sites with devices, scores, incidents and forecasts, and a door in front of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient
from psycopg import sql
from psycopg.types.json import Jsonb

from homepot_ai.api.app import create_app
from homepot_ai.language.model import NoModel
from homepot_ai.settings import ApiSettings, Settings
from homepot_ai.store import tokens
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.tokens import Scope
from tests.report_world import World

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: Site 2 is the one whose names a token of site 1 must never see.
SECRET = ("Zanzibar", "SITE-2", "Vault", "DEVICE-0021", "DEVICE-0022", "Kasse Süd", "guarded")
CPU = {"metric": "cpu_percent", "observed": 97.2, "high": 90.0}
TREND = {"name": "disk trend", "value": 1.2, "unit": "%/day", "usual": 0.1, "effect": 0.8}
CROSSING = {
    "metric": "disk_percent", "unit": "%", "limit": 90, "direction": "high", "now": 84.2, "per_day": 1.2,
    "forecaster": "x",
}  # fmt: skip


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
            "UPDATE ai_health_scores SET factors = %s WHERE factors IS NOT NULL",
            [Jsonb([{**CPU, "kind": "limit", "contribution": 0.7, "low": None}])],
        )
        for site, device, title in ((1, 13, "CPU high"), (2, 21, "guarded trouble")):
            incident(conn, site, device, title, NOW - 30 * MINUTE, None)
        for site, device in ((1, 11), (2, 22)):
            past = NOW - timedelta(days=9 + site)
            did = "restarted the guarded agent" if site == 2 else "restarted the agent"
            number = incident(conn, site, device, "old", past, did)
            insert(
                conn, "ai_incident_patterns", kind="incident", incident_id=number, device_id=device,
                site_id=site, device_type="pos_terminal", category="performance", severity="critical",
                metrics=["cpu_percent:high"], content_hash="h", resolution=did, outcome="held",
                pattern_description="pos terminal, performance: CPU overloaded.", happened_at=past,
                created_at=past,
            )  # fmt: skip
        for device, level, action in (
            (13, "high", "Look at the CPU"),
            (21, "critical", "Open the guarded box"),
        ):
            insert(
                conn, "ai_device_risks", device_id=device, at=NOW - 20 * MINUTE, level=level, cause="failure",
                metric="disk_percent", p_24h=0.02, p_7d=0.3, p_30d=0.4, forecaster="hazard", version="1",
                when_low=NOW + timedelta(days=3), when_mid=NOW + timedelta(days=5), action=action,
                facts=Jsonb({"facts": [TREND], "crossing": CROSSING}),
            )  # fmt: skip
        insert(
            conn, "ai_baselines", shard=0, kind="live", at=NOW, part=-1, version=1, payload=b"", checksum="",
            created_at=NOW,
        )  # fmt: skip


def incident(
    conn: Connection, site: int, device: int, title: str, opened: datetime, resolution: str | None
) -> int:
    """An incident of a device; one with a resolution is closed."""
    number = insert(
        conn, "ai_incidents", fingerprint=f"{title} {device}", kind="device", site_id=site,
        root_device_id=device, device_type="pos_terminal", cause="cpu_percent.high", category="performance",
        title=title, state="closed" if resolution else "open", severity="critical",
        initial_severity="critical", peak_severity="critical", started_at=opened, opened_at=opened,
        closed_at=opened + 30 * MINUTE if resolution else None, closed_by="ann" if resolution else None,
        resolution=resolution, initial=Jsonb({}), updated_at=NOW,
        facts=Jsonb({"metrics": [{"metric": "cpu_percent", "direction": "high"}]}),
    )  # fmt: skip
    insert(conn, "ai_incident_devices", incident_id=number, device_id=device, joined_at=opened)
    return number


def insert(conn: Connection, table: str, **row: Any) -> int:
    """A row; returns the number of an incident."""
    statement = "INSERT INTO {} ({}) VALUES ({}) RETURNING " + ("id" if table == "ai_incidents" else "1")
    made = sql.SQL(statement).format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
    )
    found = conn.execute(made, list(row.values())).fetchone()
    assert found is not None
    return int(found[0])


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
