"""Write the sample fleet's sites, people, devices and settings, and return their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Json

from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load as load_sql
from homepot_ai.store.sealing import Address
from homepot_ai.testing.sample_fleet import DEVICES, SITES, TENANTS, USERS, SampleDevice
from homepot_ai.testing.sample_stories import Ids

SQL = "testing/sql/sample.sql"
AGENT_VERSION = "1.4.2"


def _returning(conn: Connection, name: str, parameters: dict[str, Any]) -> int:
    row = conn.execute(load_sql(SQL)[name], parameters).fetchone()
    assert row is not None
    return int(str(row[0]))


def write(conn: Connection, load_id: str, first: Mapping[str, datetime], anchor: datetime) -> Ids:
    """Insert everything but telemetry and stories.

    `first`: per device name, when its history begins; it was installed then.
    """
    statements = load_sql(SQL)
    installed = min(first.values())
    tenants = {
        slug: _returning(conn, "insert_tenant", {"slug": slug, "name": name, "at": installed})
        for slug, name in TENANTS.items()
    }
    sites = {
        site.public_id: _returning(
            conn,
            "insert_site",
            {
                "public_id": site.public_id, "name": site.name, "location": site.location,
                "description": "Sample site with recorded telemetry", "latitude": site.latitude,
                "longitude": site.longitude, "tenant": tenants[site.tenant], "at": installed,
            },
        )
        for site in SITES
    }  # fmt: skip
    _people(conn, tenants, sites, installed)
    devices = {
        device.name: _returning(conn, "insert_device", _device(device, sites, load_id, first[device.name]))
        for device in DEVICES
    }
    for site in SITES:
        conn.execute(
            statements["insert_site_settings"],
            {"site": sites[site.public_id], "timezone": site.timezone, "at": anchor},
        )
    for device in DEVICES:
        gateway = devices[device.gateway] if device.gateway else None
        conn.execute(
            statements["insert_device_settings"],
            {"device": devices[device.name], "gateway": gateway, "at": anchor},
        )
    for user in USERS:
        scopes: list[tuple[str, int | None]] = [("site", sites[site]) for site in user.sites]
        for scope, scope_id in scopes or [("fleet", None)]:
            # Who looks after a site hears everything of its incidents, who looks after all of them the pages.
            for kind in ("daily", "incident" if scope_id else "alert"):
                conn.execute(
                    statements["insert_subscription"],
                    {
                        "email": Address(user.email),
                        "kind": kind,
                        "scope": scope,
                        "scope_id": scope_id,
                        "at": anchor,
                    },
                )
    return Ids(devices, sites)


def _people(conn: Connection, tenants: dict[str, int], sites: dict[str, int], at: datetime) -> None:
    statements = load_sql(SQL)
    for user in USERS:
        user_id = _returning(
            conn,
            "insert_user",
            {
                "username": user.username, "email": user.email, "full_name": user.full_name,
                "role": user.role, "is_admin": user.role == "Admin", "tenant": tenants[user.tenants[0]],
                "at": at,
            },
        )  # fmt: skip
        role = user.role.lower()
        for tenant in user.tenants:
            conn.execute(
                statements["insert_tenant_membership"],
                {"user": user_id, "tenant": tenants[tenant], "role": role, "at": at},
            )
        for site in user.sites or tuple(sites):
            conn.execute(
                statements["insert_site_membership"],
                {"user": user_id, "site": sites[site], "role": role, "at": at},
            )


def _device(device: SampleDevice, sites: dict[str, int], load_id: str, at: datetime) -> dict[str, Any]:
    digest = hashlib.sha256(device.public_id.encode()).digest()
    site = list(sites).index(device.site) + 1
    peers = [peer.name for peer in DEVICES if peer.site == device.site]
    return {
        "public_id": device.public_id,
        "name": device.name,
        "device_type": device.device_type,
        "site": sites[device.site],
        "ip": f"10.{20 + site}.0.{10 + peers.index(device.name)}",
        # A locally administered address: no real vendor's.
        "mac": ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5])),
        "os_details": device.os_details,
        "firmware": device.firmware,
        "config": Json({"agent_version": AGENT_VERSION, "version": device.firmware, "sample_load": load_id}),
        "at": at,
    }
