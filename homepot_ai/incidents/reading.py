"""What is shown of incidents: those that are open, and one from its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from homepot_ai.errors import NotFound
from homepot_ai.fleet import devices as fleet
from homepot_ai.incidents.page import Story
from homepot_ai.store import incidents
from homepot_ai.store.database import Database
from homepot_ai.store.incidents import Incident
from homepot_ai.text import clean

LISTED = 50


def opened(
    db: Database,
    *,
    open_only: bool = True,
    since: datetime | None = None,
    device: str | None = None,
    limit: int = LISTED,
) -> Sequence[Incident]:
    """Incidents, open ones first, the gravest of them first.

    Raises:
        NotFound: no such device.
    """
    with db.reader() as conn:
        who = None if device is None else fleet.resolve_device(conn, device).id
        return incidents.listed(conn, open_only=open_only, since=since, device_id=who, limit=limit)


def story(db: Database, number: int) -> Story:
    """One incident with its history.

    Raises:
        NotFound: with the open ones.
    """
    with db.reader() as conn:
        watched = incidents.held(conn, number)
        if not watched.live:
            near = incidents.listed(conn, limit=5)
            raise NotFound("incident", str(number), [f"{i.id} ({clean(i.title, 60)})" for i in near])
        members = incidents.devices_of(conn, number)
        named = fleet.in_use(conn, sorted({device for device, _, _ in members}))
        return Story(
            incident=watched.live[0],
            events=incidents.events(conn, number),
            devices=[
                (clean(named[device].name) if device in named else f"device {device}, gone", since, until)
                for device, since, until in members
            ],
            anomalies=incidents.anomalies_of(conn, number),
            suppressed=[row[1] for row in watched.suppressed],
        )
