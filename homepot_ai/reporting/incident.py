"""The facts of an incident's report: preliminary while it is open, final once it is closed.

Both are the same report, a later revision of it, and end where knowledge ended: at the close, or when it
was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from homepot_ai.errors import NotFound
from homepot_ai.fleet import devices as fleet
from homepot_ai.fleet.received import received
from homepot_ai.reporting import added, compute, gather, own
from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.compute import Day, RosterDevice, RosterSite
from homepot_ai.reporting.facts import (
    PROVENANCE_ORDER,
    AnomalyFacts,
    DeviceRef,
    PeriodFacts,
    Provenance,
    ReportFacts,
    Scope,
    ScopeName,
    Silenced,
)
from homepot_ai.reporting.happened import Trouble, class_of
from homepot_ai.reporting.incident_source import SQL, IncidentSource
from homepot_ai.reporting.periods import Period, local
from homepot_ai.reporting.source import Parts, Roster
from homepot_ai.store import incidents
from homepot_ai.store.database import Connection
from homepot_ai.store.incidents import Incident
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


def incident_facts(conn: Connection, settings: Settings, incident_id: int, now: datetime) -> ReportFacts:
    """Everything that is known of one incident at a moment.

    Its scope is the device that it is about, or the site of several, or (a storm) the fleet; its period
    begins with the first symptom and ends with the close, or with `now`.

    Args:
        conn: a reader's connection, inside one repeatable-read transaction.
        now: nothing later is read: made for a moment before the close, the report is preliminary.

    Raises:
        NotFound: there is no such incident, or it was only suspected by then.

    >>> incident_facts(conn, settings, 42, now).incident_header.final                 # doctest: +SKIP
    True
    """
    incident = incidents.incident(conn, incident_id)
    if incident is None or incident.opened_at is None or incident.opened_at > now:
        near = conn.execute(load(SQL)["near"], {"id": incident_id}).fetchall()
        raise NotFound("incident", str(incident_id), [str(number) for (number,) in near])
    source = _source(conn, settings, incident, now)
    parts = Parts(conn)
    gathered: dict[str, Any] = {
        plugin.key: parts.make(plugin.key, partial(plugin.gather, source))
        for plugin in PLUGINS
        if "incident" in plugin.kinds
    }
    gathered["added"] = added.gather(source, parts, "incident")
    period = source.period
    return ReportFacts(
        report_type="incident",
        organisation=clean(settings.reports.organisation),
        scope=source.scope,
        name=source.roster.name,
        period=PeriodFacts(
            kind="incident",
            start=period.start,
            end=period.end,
            timezone=period.timezone,
            first_day=period.first_day,
            last_day=period.last_day,
        ),
        classes=(),
        deleted_devices=source.roster.deleted,
        sites=(),
        timeline=(),
        worst=(),
        troubled_devices=0,
        anomalies=tuple(source.anomalies[: gather.ANOMALY_CAP]),
        anomalies_total=len(source.anomalies),
        silenced=Silenced(maintenance_devices=0, maintenance_minutes=0, excluded_devices=0),
        made=own.made(conn, now),
        problems=tuple(parts.problems),
        **gathered,
    )


def _source(conn: Connection, settings: Settings, incident: Incident, now: datetime) -> IncidentSource:
    members = [
        (device, since, until if until is not None and until <= now else None)
        for device, since, until in incidents.devices_of(conn, incident.id)
        if since <= now
    ]
    wanted = {device for device, _, _ in members}
    if incident.root_device_id is not None:
        wanted.add(incident.root_device_id)
    sites = {site.id: site for site in fleet.list_sites(conn, settings)}
    devices = [
        RosterDevice(
            id=device.id,
            public_id=clean(device.public_id),
            name=clean(device.name),
            type=clean(device.device_type),
            site_id=device.site_id,
            site=clean(sites[device.site_id].name),
            created_at=device.created_at,
            is_simulated=device.is_simulated,
            excluded=device.excluded,
            healthy_above=settings.health.thresholds_for(device.device_type).healthy,
        )
        for device in fleet.list_devices(conn)
        if device.id in wanted
    ]
    known = {device.id: device for device in devices}
    root = known.get(incident.root_device_id or 0)
    site_id = root.site_id if root is not None else incident.site_id
    scope, name = _scope(incident, root, sites.get(site_id or 0))
    zone = sites[site_id].timezone if site_id in sites else settings.reports.timezone
    period = _period(incident, zone, now)
    rows = received(conn, list(known), period.start, period.end)
    provenance = compute.provenance_of(devices, rows)
    refs = {
        device.id: DeviceRef(
            id=device.id, public_id=device.public_id, name=device.name, type=device.type, site=device.site,
            provenance=provenance[device.id],
        )
        for device in devices
    }  # fmt: skip
    present = set(provenance.values())
    headline: Provenance = next((kind for kind in PROVENANCE_ORDER if kind in present), "real")
    here = [
        RosterSite(
            s.id, clean(s.public_id), clean(s.name), clean(s.location) if s.location else None, s.timezone
        )
        for s in sites.values()
    ]
    trouble = _trouble(incident, tuple(sorted(wanted)), now)
    source = IncidentSource(
        conn=conn,
        settings=settings,
        scope=scope,
        period=period,
        now=now,
        roster=Roster(name, here, devices, len(wanted - known.keys())),
        refs=refs,
        headline=headline,
        main=[device.id for device in devices if provenance[device.id] == headline],
        today=Day(period),
        incident=incident,
        trouble=trouble,
        events=[event for event in incidents.events(conn, incident.id) if event.at <= now],
        members=members,
        anomalies=_anomalies(conn, incident.id, refs, now),
    )
    return replace(source, trouble=replace(trouble, provenance=class_of(source.devices, source)))


def _scope(incident: Incident, root: RosterDevice | None, site: fleet.Site | None) -> tuple[Scope, ScopeName]:
    where = clean(site.name) if site is not None else None
    if incident.kind == "device" and incident.root_device_id is not None:
        name = root.name if root is not None else f"device {incident.root_device_id}"
        public = root.public_id if root is not None else None
        return Scope(kind="device", id=incident.root_device_id), ScopeName(
            name=name, public_id=public, location=where
        )
    if site is not None and where is not None:
        location = clean(site.location) if site.location else None
        return Scope(kind="site", id=site.id), ScopeName(
            name=where, public_id=clean(site.public_id), location=location
        )
    return Scope(kind="fleet"), ScopeName(name="Whole fleet")


def _period(incident: Incident, zone: str, now: datetime) -> Period:
    """From the first symptom to the close, or to `now`; at least a minute long."""
    closed = incident.closed_at if incident.closed_at is not None and incident.closed_at <= now else None
    start = incident.started_at
    end = max(closed or now.replace(second=0, microsecond=0), start + timedelta(minutes=1))
    last = local(end - timedelta(microseconds=1), zone).date()
    return Period("incident", start, end, zone, local(start, zone).date(), last)


def _trouble(incident: Incident, members: Sequence[int], now: datetime) -> Trouble:
    def by(moment: datetime | None) -> bool:
        return moment is not None and moment <= now

    assert incident.opened_at is not None
    taken, closed = by(incident.acknowledged_at), by(incident.closed_at)
    return Trouble(
        id=incident.id,
        fingerprint=incident.fingerprint,
        kind=incident.kind,
        site_id=incident.site_id,
        root=incident.root_device_id,
        device_type=incident.device_type,
        cause=incident.cause,
        category=incident.category,
        severity=incident.peak_severity,
        conclusion=incident.conclusion,
        started_at=incident.started_at,
        opened_at=incident.opened_at,
        acknowledged_at=incident.acknowledged_at if taken else None,
        acknowledged_by=incident.acknowledged_by if taken else None,
        closed_at=incident.closed_at if closed else None,
        closed_by=incident.closed_by if closed else None,
        resolution=incident.resolution if closed else None,
        devices=incident.peak_devices,
        recurrence=incident.recurrence,
        previous_id=incident.previous_id,
        flapping=incident.flapping,
        mark=incident.mark,
        members=members,
    )


def _anomalies(
    conn: Connection, incident_id: int, refs: dict[int, DeviceRef], now: datetime
) -> list[AnomalyFacts]:
    names = (
        "severity", "metric", "observed", "expected_low", "expected_high", "started_at", "ended_at",
        "initial_score", "lowest_score", "mark",
    )  # fmt: skip
    found = []
    for number, device, *rest in conn.execute(load(SQL)["anomalies"], {"id": incident_id, "now": now}):
        if device in refs:
            row = dict(zip(names, rest, strict=True))
            row["metric"] = clean(row["metric"], 80) if row["metric"] else None
            found.append(
                AnomalyFacts.model_validate(
                    {"id": number, "device": refs[device], "opened_in_period": True, **row}
                )
            )
    return found
