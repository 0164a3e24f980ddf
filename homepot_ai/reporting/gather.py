"""Fetching what a daily report needs, and putting it together as :class:`ReportFacts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from homepot_ai.errors import NotFound
from homepot_ai.fleet import devices as fleet
from homepot_ai.fleet.received import received
from homepot_ai.reporting import added, compute, own, predicted
from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.compute import Day, DeviceDay, Episode, RosterDevice, RosterSite
from homepot_ai.reporting.courses import timeline, worst
from homepot_ai.reporting.facts import (
    AlarmFacts,
    AnomalyFacts,
    DeviceRef,
    PeriodFacts,
    Provenance,
    ReportFacts,
    Scope,
    ScopeName,
    Silenced,
    ThresholdFacts,
)
from homepot_ai.reporting.periods import Period, comparisons
from homepot_ai.reporting.source import Parts, Roster, Source
from homepot_ai.store import health_hours, marks
from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

WORST = 10
ANOMALY_CAP = 500
_SQL = "reporting/sql/report.sql"


def gather(conn: Connection, settings: Settings, scope: Scope, period: Period, now: datetime) -> ReportFacts:
    """Read one snapshot of the database and compute the facts of a report over days, of any scope.

    Sections that can fail without taking the report along do so, and are listed in `problems`;
    scores and devices cannot. Scores are read by the hour where a day was rolled up
    (:func:`homepot_ai.store.health_hours.roll_up`, before this), by the minute elsewhere.

    Args:
        conn: a reader's connection, inside one repeatable-read transaction.

    Raises:
        NotFound: the site or device does not exist, or no device is of the type.
    """
    mine = _members(conn, settings, scope)
    today = _day(conn, settings, period, mine)
    roster = _roster(conn, settings, scope, mine, today)
    ids = [device.id for device in roster.devices]
    parts = Parts(conn)
    rows = parts.make("completeness", lambda: received(conn, ids, period.start, period.end)) or {}
    provenance = compute.provenance_of(roster.devices, rows)
    refs = {device.id: _ref(device, provenance[device.id]) for device in roster.devices}
    classes = compute.classes(
        roster.devices,
        provenance,
        today,
        [(what, _day(conn, settings, then, ids)) for what, then in comparisons(period).items()],
    )
    headline: Provenance = classes[0].provenance if classes else "real"
    main = [device.id for device in roster.devices if provenance[device.id] == headline]
    troubled = compute.ranked(roster.devices, today)
    anomalies = _anomalies(today, refs)
    source = Source(
        conn, settings, scope, period, now, roster, refs, headline, main, today, rows, tuple(parts.problems)
    )
    gathered: dict[str, Any] = {}
    for plugin in PLUGINS:
        if period.kind in plugin.kinds:
            gathered[plugin.key] = parts.make(plugin.key, partial(plugin.gather, source))
    gathered["added"] = added.gather(source, parts, period.kind)
    return ReportFacts(
        report_type=period.kind,
        organisation=clean(settings.reports.organisation),
        scope=scope,
        name=roster.name,
        period=PeriodFacts(
            kind=period.kind,
            start=period.start,
            end=period.end,
            timezone=period.timezone,
            first_day=period.first_day,
            last_day=period.last_day,
        ),
        classes=classes,
        deleted_devices=roster.deleted,
        sites=compute.site_table(roster.sites, roster.devices, provenance, headline, today)
        if scope.kind in {"fleet", "device_type"}
        else (),
        timeline=parts.make("timeline", lambda: timeline(conn, main, period)) or (),
        worst=parts.make("worst", lambda: worst(conn, troubled[:WORST], refs, today)) or (),
        troubled_devices=len(troubled),
        anomalies=anomalies[:ANOMALY_CAP],
        anomalies_total=len(anomalies),
        alarms=parts.make("alarms", lambda: _alarms(conn, settings, period, roster, main)),
        completeness=None
        if any(problem.section == "completeness" for problem in parts.problems)
        else compute.completeness(roster.devices, refs, rows, today),
        silenced=_silenced(roster, today),
        forecasts=parts.make("forecasts", lambda: predicted.gather(conn, refs, period, now)),
        scoring=parts.make("scoring", lambda: own.scoring(conn, settings, period)),
        made=own.made(conn, now),
        problems=tuple(parts.problems),
        **gathered,
    )


def _members(conn: Connection, settings: Settings, scope: Scope) -> list[int] | None:
    """Ids of a scope's devices; None for the fleet, whose deleted devices are counted as well."""
    known = fleet.list_devices(conn)
    if scope.kind == "fleet":
        return None
    if scope.kind == "site":
        sites = fleet.list_sites(conn, settings)
        if scope.id not in {site.id for site in sites}:
            raise NotFound("site", str(scope.id), [site.public_id for site in sites[:3]])
        return [d.id for d in known if d.site_id == scope.id]
    if scope.kind == "device":
        found = [d.id for d in known if d.id == scope.id]
        if not found:
            raise NotFound("device", str(scope.id), [d.public_id for d in known[:3]])
        return found
    found = [d.id for d in known if d.device_type == scope.name]
    if not found:
        raise NotFound("device type", str(scope.name), sorted({d.device_type for d in known})[:3])
    return found


def _day(conn: Connection, settings: Settings, period: Period, ids: Sequence[int] | None = None) -> Day:
    reading = health_hours.parts(conn, period.start, period.end)
    by_minute = [part for part in reading if part.source == "minutes"]
    open_hours = health_hours.Opening()
    if by_minute:
        open_hours = health_hours.opening(conn, settings, by_minute[0].start, by_minute[-1].end)
    found = health_hours.sums(conn, reading, open_hours, ids)
    episodes = []
    cursor: psycopg.Cursor[Any] = conn.cursor()
    for row in cursor.execute(load(_SQL)["anomalies"], {"start": period.start, "end": period.end}):
        id_, device_id, severity, metric, *rest, _provenance = row
        episodes.append(Episode(id_, device_id, severity, clean(metric, 80) if metric else None, *rest))
    lost = sum(part.minutes for part in reading if part.source == "gone")
    fleet = cursor.execute(load(_SQL)["scored_until"], {"start": period.start, "end": period.end}).fetchone()
    devices = {id_: DeviceDay.of(one) for id_, one in found.items()}
    return Day(period, devices, episodes, lost, fleet[0] if fleet else None)


def _roster(
    conn: Connection, settings: Settings, scope: Scope, mine: Sequence[int] | None, today: Day
) -> Roster:
    sites = [
        RosterSite(
            site.id,
            clean(site.public_id),
            clean(site.name),
            clean(site.location) if site.location else None,
            site.timezone,
        )
        for site in fleet.list_sites(conn, settings)
    ]
    by_id = {site.id: site for site in sites}
    known = fleet.list_devices(conn)
    members = None if mine is None else set(mine)
    due = {row[0] for row in fleet.scoring_devices(conn, shard=0, shards=1)}
    devices = []
    for device in known:
        born_later = device.created_at is not None and device.created_at >= today.period.end
        # Retired and sleeping devices take part only in the periods in which they were scored.
        if device.id not in today.devices and (device.id not in due or born_later):
            continue
        if members is not None and device.id not in members:
            continue
        devices.append(
            RosterDevice(
                id=device.id,
                public_id=clean(device.public_id),
                name=clean(device.name),
                type=clean(device.device_type),
                site_id=device.site_id,
                site=by_id[device.site_id].name,
                created_at=device.created_at,
                is_simulated=device.is_simulated,
                excluded=device.excluded,
                healthy_above=settings.health.thresholds_for(device.device_type).healthy,
            )
        )
    deleted = len(today.devices.keys() - {device.id for device in known}) if scope.kind == "fleet" else 0
    return Roster(_name(scope, by_id, known), sites, devices, deleted)


def _name(scope: Scope, sites: Mapping[int, RosterSite], known: Sequence[fleet.Device]) -> ScopeName:
    if scope.kind == "fleet":
        return ScopeName(name="Whole fleet")
    if scope.kind == "device_type":
        return ScopeName(name=clean(scope.name or ""))
    if scope.kind == "site":
        site = sites[scope.id or 0]
        return ScopeName(name=site.name, public_id=site.public_id, location=site.location)
    device = next(d for d in known if d.id == scope.id)
    return ScopeName(
        name=clean(device.name), public_id=clean(device.public_id), location=sites[device.site_id].name
    )


def _ref(device: RosterDevice, provenance: Provenance) -> DeviceRef:
    return DeviceRef(
        id=device.id,
        public_id=device.public_id,
        name=device.name,
        type=device.type,
        site=device.site,
        provenance=provenance,
    )


def _anomalies(today: Day, refs: Mapping[int, DeviceRef]) -> tuple[AnomalyFacts, ...]:
    """Open ones first, then the severest, then the longest."""
    weight = {"critical": 0, "warning": 1, "info": 2}
    found = [
        AnomalyFacts.model_validate(
            {
                "id": e.id,
                "device": refs[e.device_id],
                "severity": e.severity,
                "metric": e.metric,
                "observed": e.observed,
                "expected_low": e.expected_low,
                "expected_high": e.expected_high,
                "started_at": e.started_at,
                "ended_at": e.ended_at,
                "opened_in_period": compute.minute_in(e.started_at, today.period),
                "initial_score": e.initial_score,
                "lowest_score": e.lowest_score,
                "mark": e.mark,
            }
        )
        for e in today.episodes
        if e.device_id in refs
    ]

    def order(anomaly: AnomalyFacts) -> tuple[bool, int, timedelta, int]:
        ended = anomaly.ended_at or today.period.end
        return anomaly.ended_at is not None, weight[anomaly.severity], anomaly.started_at - ended, anomaly.id

    return tuple(sorted(found, key=order))


def _alarms(
    conn: Connection, settings: Settings, period: Period, roster: Roster, main: Sequence[int]
) -> AlarmFacts:
    days = settings.health.alarm.marks_days
    bounds = {"start": period.start, "end": period.end, "since": period.end - timedelta(days=days)}
    cursor: psycopg.Cursor[Any] = conn.cursor()
    row = cursor.execute(load(_SQL)["judged"], {**bounds, "ids": list(main)}).fetchone()
    assert row is not None
    types = {device.type for device in roster.devices}
    return AlarmFacts(
        opened=row[0],
        marked_true=row[1],
        marked_false=row[2],
        window_days=round(days),
        window_opened=row[3],
        window_true=row[4],
        window_false=row[5],
        thresholds=tuple(
            ThresholdFacts(
                device_type=clean(moved.device_type),
                offset=round(moved.offset, 2),
                marked_true=moved.marked_true,
                marked_false=moved.marked_false,
                since=moved.decided_at,
            )
            for moved in marks.thresholds(conn, period.end)
            if abs(moved.offset) > 0.001 and clean(moved.device_type) in types
        ),
    )


def _silenced(roster: Roster, today: Day) -> Silenced:
    rows = [today.devices[device.id] for device in roster.devices if device.id in today.devices]
    return Silenced(
        maintenance_devices=sum(row.minutes.in_maintenance > 0 for row in rows),
        maintenance_minutes=sum(row.minutes.in_maintenance for row in rows),
        excluded_devices=sum(device.excluded for device in roster.devices),
    )
