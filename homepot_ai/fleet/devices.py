"""HOMEPOT's devices and sites."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homepot_ai.errors import NotFound
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

_SQL = named_sql.load("fleet/sql/devices.sql")


@dataclass(frozen=True)
class Site:
    """A place with devices.

    Attributes:
        id: HOMEPOT's integer key; public_id: what people see.
        timezone: IANA name; the fleet's zone where none is set for the site.
    """

    id: int
    public_id: str
    name: str
    location: str | None
    is_active: bool
    timezone: str
    locale: str | None


@dataclass(frozen=True)
class Device:
    """A device as HOMEPOT knows it. Names are written by others: clean them before printing."""

    id: int
    public_id: str
    name: str
    device_type: str
    site_id: int
    firmware_version: str | None
    is_active: bool
    is_simulated: bool
    last_heartbeat_at: datetime | None
    created_at: datetime | None
    excluded: bool
    gateway_device_id: int | None


def list_devices(conn: Connection) -> list[Device]:
    """Every device, also inactive ones, by id."""
    rows: list[tuple[Any, ...]] = conn.execute(_SQL["devices"]).fetchall()
    return [Device(*row) for row in rows]


def scoring_devices(conn: Connection, *, shard: int, shards: int) -> list[tuple[Any, ...]]:
    """What scoring needs of each active device, by id, as tuples (100 000 of them are read each minute).

    (id, device_type, site_id, last heartbeat and creation in seconds since 1970, excluded, public id, name)
    """
    return conn.execute(_SQL["scoring_devices"], {"shard": shard, "shards": shards}).fetchall()


@dataclass(frozen=True)
class Named:
    """A device in use, in the little that incidents need of it."""

    id: int
    public_id: str
    name: str
    device_type: str
    site_id: int
    firmware_version: str | None
    gateway_device_id: int | None


def in_use(conn: Connection, ids: Sequence[int]) -> dict[int, Named]:
    """Those of these devices that are in use and not excluded, by id."""
    if not ids:
        return {}
    rows = conn.execute(_SQL["some_devices"], {"ids": list(ids)}).fetchall()
    return {row[0]: Named(*row) for row in rows}


def count_at(conn: Connection, site_ids: Sequence[int]) -> dict[int, int]:
    """How many devices in use these sites have."""
    if not site_ids:
        return {}
    return dict(conn.execute(_SQL["devices_at_sites"], {"ids": list(site_ids)}).fetchall())


def count_behind(conn: Connection, gateway_ids: Sequence[int]) -> dict[int, int]:
    """How many devices in use name these as their gateway."""
    if not gateway_ids:
        return {}
    return dict(conn.execute(_SQL["devices_behind"], {"ids": list(gateway_ids)}).fetchall())


def list_sites(conn: Connection, settings: Settings) -> list[Site]:
    """Every site, by id; a site without a zone of its own is in the fleet's."""
    rows: list[tuple[Any, ...]] = conn.execute(_SQL["sites"]).fetchall()
    return [
        Site(id_, public, name, location, active, zone or settings.reports.timezone, locale)
        for id_, public, name, location, active, zone, locale in rows
    ]


def timezones_in_use(conn: Connection, settings: Settings) -> list[str]:
    """The zones of all active sites and of the fleet, sorted."""
    zones = {site.timezone for site in list_sites(conn, settings) if site.is_active}
    return sorted(zones | {settings.reports.timezone})


def resolve_site(conn: Connection, settings: Settings, text: str) -> Site:
    """Find a site by public id, integer id or exact name.

    Raises:
        NotFound: with the nearest names.
    """
    sites = list_sites(conn, settings)
    return sites[_resolve("site", text, [(s.public_id, s.id, s.name) for s in sites])]


def resolve_device(conn: Connection, text: str) -> Device:
    """Find a device by public id, integer id or exact name.

    Raises:
        NotFound: with the nearest names, also when a name belongs to several devices.
    """
    devices = list_devices(conn)
    return devices[_resolve("device", text, [(d.public_id, d.id, d.name) for d in devices])]


def _resolve(kind: str, text: str, known: Sequence[tuple[str, int, str]]) -> int:
    wanted = text.strip()
    exact = [i for i, (public, id_, _) in enumerate(known) if wanted in (public, str(id_))]
    if exact:
        return exact[0]
    named = [i for i, (_, _, name) in enumerate(known) if name.casefold() == wanted.casefold()]
    if len(named) == 1:
        return named[0]
    if named:  # a name that two share: let the asker choose by id
        raise NotFound(kind, wanted, [known[i][0] for i in named])
    names = [name for _, _, name in known] + [public for public, _, _ in known]
    # Half a name is what people type: "Berlin" for "Berlin Alexanderplatz".
    part = [name for name in names if len(wanted) > 2 and wanted.casefold() in name.casefold()]
    raise NotFound(kind, wanted, (part or difflib.get_close_matches(wanted, names, n=3))[:3])
