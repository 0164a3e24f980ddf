"""The incidents of a report's scope and period: read once here, told by several sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from homepot_ai.reporting.compute import minute_in
from homepot_ai.reporting.facts import PROVENANCE_ORDER, DeviceRef, Provenance, Severity
from homepot_ai.reporting.facts.incidents import (
    Conclusion,
    Ended,
    IncidentFacts,
    IncidentKind,
    PastIncident,
)
from homepot_ai.reporting.source import Source
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

SQL = "reporting/sql/sections.sql"
RESOLUTION_CAP = 300
BY_CAP = 60
State = Literal["open", "acknowledged", "closed"]


@dataclass(frozen=True)
class Trouble:
    """One incident of the scope; times later than the report's making are None.

    Attributes:
        members: devices it ever held. headline: whether one of them is of the headline's class.
    """

    id: int
    fingerprint: str
    kind: IncidentKind
    site_id: int | None
    root: int | None
    device_type: str | None
    cause: str
    category: str
    severity: Severity
    conclusion: Conclusion
    started_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    devices: int
    recurrence: int
    previous_id: int | None
    flapping: bool
    mark: bool | None
    members: Sequence[int]
    provenance: Provenance = "real"
    headline: bool = True

    def open_at(self, moment: datetime) -> bool:
        """Whether it had been opened and not closed by then."""
        return self.opened_at <= moment and (self.closed_at is None or self.closed_at > moment)


def bounds(source: Source) -> dict[str, Any]:
    """The parameters that restrict a statement to a report's scope, period and knowledge."""
    return {
        "fleet": source.scope.kind == "fleet",
        "site": source.scope.id if source.scope.kind == "site" else None,
        "ids": source.ids,
        "main": list(source.main),
        "start": source.period.start,
        "end": source.period.end,
        "now": source.now,
    }


def troubles(source: Source, *, since: datetime | None = None) -> list[Trouble]:
    """Incidents that overlap the period (or begin `since` then), by number.

    Args:
        since: look back further than the period.
    """
    parameters = bounds(source) | ({} if since is None else {"start": since})
    found = []
    rows: list[tuple[Any, ...]] = source.conn.execute(load(SQL)["incidents"], parameters).fetchall()
    for row in rows:
        members = tuple(row[-1])
        which = class_of(members or ((row[4],) if row[4] is not None else ()), source)
        found.append(Trouble(*[*row[:-1], members, which, which == source.headline]))
    return found


def class_of(devices: Sequence[int], source: Source) -> Provenance:
    """The class of an incident: the first of `PROVENANCE_ORDER` that one of its devices in scope has.

    Devices that HOMEPOT no longer knows belong to the headline's class, so that nothing is hidden.
    """
    present = {source.refs[device].provenance for device in devices if device in source.refs}
    return next((kind for kind in PROVENANCE_ORDER if kind in present), source.headline)


def opened_in(found: Sequence[Trouble], source: Source) -> list[Trouble]:
    """Those that opened in the period."""
    return [trouble for trouble in found if minute_in(trouble.opened_at, source.period)]


def ended_how(closed_by: str | None, resolution: str | None) -> Ended:
    """How a closed incident came to its end."""
    if closed_by != "rule":
        return "by_hand"
    return "recovered" if resolution in (None, "recovered") else "forgotten"


def said_by_person(closed_by: str | None, resolution: str | None) -> str | None:
    """A resolution that a person wrote, cleaned; None where the rule closed it or nothing was written."""
    if closed_by == "rule" or not resolution or not resolution.strip():
        return None
    return clean(resolution, RESOLUTION_CAP)


def facts_of(trouble: Trouble, source: Source, past: PastIncident | None = None) -> IncidentFacts:
    """An incident as it is told."""
    sites = {site.id: site.name for site in source.roster.sites}
    closed = trouble.closed_at is not None
    return IncidentFacts(
        id=trouble.id,
        kind=trouble.kind,
        cause=clean(trouble.cause, 80),
        category=trouble.category,
        severity=trouble.severity,
        conclusion=trouble.conclusion,
        device_id=trouble.root,
        device=device_of(trouble, source.refs),
        site=sites.get(trouble.site_id) if trouble.site_id is not None else None,
        devices=trouble.devices,
        provenance=trouble.provenance,
        started_at=trouble.started_at,
        opened_at=trouble.opened_at,
        acknowledged_at=trouble.acknowledged_at,
        acknowledged_by=clean(trouble.acknowledged_by, BY_CAP) if trouble.acknowledged_by else None,
        closed_at=trouble.closed_at,
        ended=ended_how(trouble.closed_by, trouble.resolution) if closed else None,
        closed_by=clean(trouble.closed_by, BY_CAP)
        if trouble.closed_by and trouble.closed_by != "rule"
        else None,
        resolution=said_by_person(trouble.closed_by, trouble.resolution) if closed else None,
        recurrence=trouble.recurrence,
        flapping=trouble.flapping,
        mark=trouble.mark,
        past=past,
    )


def device_of(trouble: Trouble, refs: Mapping[int, DeviceRef]) -> DeviceRef | None:
    """The device that an incident is about; None: of none, or HOMEPOT no longer knows it."""
    return refs.get(trouble.root) if trouble.root is not None else None


def similar_of(source: Source, ids: Sequence[int], most: int) -> dict[int, tuple[PastIncident, ...]]:
    """The past incidents most like each, the most alike first; where memory found none, the same before.

    A report about one site names incidents of that site only: its readers may see no other.
    """
    conn, now = source.conn, source.now
    sites = {device.site_id for device in source.roster.devices}
    whole = source.scope.kind in {"fleet", "device_type"} or len(sites) != 1
    site = None if whole else next(iter(sites))
    wanted: dict[int, list[tuple[int, float | None]]] = {}
    for incident, previous, said in conn.execute(load(SQL)["nearest"], {"ids": list(ids), "now": now}):
        near: list[tuple[int, float | None]] = [
            (int(one["incident_id"]), float(one["similarity"]))
            for one in said or ()
            if one.get("incident_id") is not None and one.get("similarity") is not None
        ]
        if previous is not None and previous not in {number for number, _ in near}:
            near.append((int(previous), None))
        wanted[incident] = near
    past = sorted({number for near in wanted.values() for number, _ in near})
    ends = {
        row[0]: row[1:]
        for row in conn.execute(load(SQL)["ends"], {"ids": past, "now": now, "site": site})
        if past
    }
    return {
        incident: tuple(_past(number, alike, ends[number]) for number, alike in near if number in ends)[:most]
        for incident, near in wanted.items()
    }


def _past(number: int, similarity: float | None, row: Sequence[Any]) -> PastIncident:
    opened, closed, by, resolution, outcome = row
    held = {"held": True, "came_back": False}.get(cast(str, outcome or ""))
    return PastIncident(
        id=number,
        similarity=similarity,
        opened_at=opened,
        closed_at=closed,
        ended=ended_how(by, resolution) if closed else None,
        resolution=said_by_person(by, resolution) if closed else None,
        held=held,
    )
