"""Calendars of the sites as files under `var_dir`, for whoever subscribes to a folder or a web server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai.prediction import calendar
from homepot_ai.store import episodes, schedule
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database
    from homepot_ai.store.episodes import NamedDevice
    from homepot_ai.store.schedule import Visit

#: What changed so long ago is still in a calendar: programs must see what was struck out.
BACK = timedelta(days=30)


@dataclass(frozen=True)
class Schedule:
    """Visits of a site or the fleet, with the names of their devices."""

    visits: Sequence[Visit]
    names: dict[int, NamedDevice]


def folder_of(settings: Settings) -> Path:
    """Where the calendars lie."""
    return settings.var_dir / "calendars"


def read(conn: Connection, now: datetime, site_id: int | None = None) -> Schedule:
    """Live visits and those that changed in the last month."""
    visits = schedule.listed(conn, now - BACK, site_id)
    return Schedule(visits, episodes.names(conn, [v.device_id for v in visits]))


def content(found: Schedule, settings: Settings) -> bytes:
    """A `.ics` file of them."""
    sites = sorted({clean(d.site) for d in found.names.values()})
    title = f"Maintenance {sites[0]}" if len(sites) == 1 else "Maintenance"
    return calendar.ics(found.visits, found.names, domain=settings.mail.domain, title=title)


def write(db: Database, settings: Settings, now: datetime) -> list[Path]:
    """Write the calendar of every site that has visits, each in one go; returns their paths."""
    with db.reader() as conn:
        found = read(conn, now)
    folder = folder_of(settings)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for site in sorted({v.site_id for v in found.visits if v.site_id is not None}):
        mine = Schedule([v for v in found.visits if v.site_id == site], found.names)
        path = folder / f"site-{site}.ics"
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content(Schedule(mine.visits, _of(mine)), settings))
        part.replace(path)
        written.append(path)
    return written


def _of(found: Schedule) -> dict[int, NamedDevice]:
    devices = {v.device_id for v in found.visits}
    return {number: device for number, device in found.names.items() if number in devices}
