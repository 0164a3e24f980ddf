"""What alerting reads and writes: the queue of incident events, incidents, what was told, routes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from psycopg.rows import args_row

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection
from homepot_ai.store.sealing import Address

_SQL = named_sql.load("store/sql/alerts.sql")

# A backlog after an outage is worked off in parts: one transaction stays short.
EVENTS_AT_ONCE = 2000
OPEN_AT_ONCE = 2000
DEVICES_NAMED = 12


@dataclass(frozen=True)
class QueuedEvent:
    """Something that happened to an incident and was not decided on yet."""

    id: int
    incident_id: int
    at: datetime
    kind: str
    actor: str
    comment: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class AlertIncident:
    """An incident as alerting sees it. Titles and names are written by others: clean them before use.

    Attributes:
        site_name, timezone: None where the incident is of no site, or the site has no zone of its own.
        initial, facts: what it was at its opening and what it is now, `{"metrics": [...], ...}`.
    """

    id: int
    kind: str
    site_id: int | None
    site_name: str | None
    timezone: str | None
    root_device_id: int | None
    device_type: str | None
    cause: str
    category: str
    title: str
    state: str
    severity: str
    conclusion: str
    started_at: datetime
    opened_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    devices: int
    peak_devices: int
    initial: Mapping[str, Any]
    facts: Mapping[str, Any]
    previous_id: int | None
    recurrence: int
    mark: bool | None
    held_sites: Sequence[int] = ()
    held_types: Sequence[str] = ()
    held_devices: Sequence[int] = ()


@dataclass(frozen=True)
class Named:
    """A device of an incident, and its site."""

    name: str
    site_id: int | None


@dataclass(frozen=True)
class StoredMessage:
    """What one recipient was told of an incident, is to be told later, or was not told.

    Attributes:
        state: told, waiting or not_told.
        due_at: when a waiting one is told with others in a digest.
        page: the same for everybody who was told the same; None for what is no page.
        message_id: of the mail; None for other channels.
    """

    id: int
    incident_id: int
    event_id: int
    channel: str
    address: str
    kind: str
    severity: str
    at: datetime
    state: str
    why: str | None
    due_at: datetime | None
    told_at: datetime | None
    page: str | None
    message_id: str | None


@dataclass(frozen=True)
class Route:
    """A row of `ai_alert_routes`. None means: any; `site` is the site's name."""

    id: int
    name: str
    channel: str
    address: str
    site_id: int | None
    site: str | None
    device_types: list[str] | None
    min_severity: str
    kinds: list[str] | None
    weekdays: list[int] | None
    local_from: time | None
    local_to: time | None
    timezone: str | None
    outside: str
    after_minutes: int
    renotify_minutes: int | None
    active: bool


@dataclass(frozen=True)
class AlertSubscription:
    """Somebody who subscribed to alerts or incidents of the fleet, a site or a device."""

    id: int
    email: str
    kind: str
    scope: str
    scope_id: int | None


@dataclass(frozen=True)
class Finding:
    """What an investigation found: a recommendation and what it rests on."""

    incident_id: int
    recommendation: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class NewMessage:
    """A row to be written; fields as in `StoredMessage`."""

    incident_id: int
    event_id: int
    channel: str
    address: str
    kind: str
    severity: str
    at: datetime
    state: str
    why: str | None = None
    due_at: datetime | None = None
    told_at: datetime | None = None
    page: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class EndedWait:
    """What becomes of a waiting row. With `due_at` it goes on waiting."""

    id: int
    state: str
    why: str | None = None
    due_at: datetime | None = None
    told_at: datetime | None = None
    message_id: str | None = None


def lock(conn: Connection) -> None:
    """Be the only one who decides, until the transaction ends."""
    conn.execute(_SQL["lock"])


def anything(conn: Connection, now: datetime) -> bool:
    """Whether there may be something to tell: one statement over three small indexes."""
    row = conn.execute(_SQL["anything"], {"now": now}).fetchone()
    return row is not None and bool(row[0])


def queued_events(conn: Connection) -> list[QueuedEvent]:
    """The oldest events that nobody decided on, at most `EVENTS_AT_ONCE`."""
    cursor = conn.cursor(row_factory=args_row(QueuedEvent))
    return cursor.execute(_SQL["queued_events"], {"limit": EVENTS_AT_ONCE}).fetchall()


def set_alerted(conn: Connection, ids: Sequence[int], now: datetime) -> None:
    """Take events out of the queue, in the transaction that queues their messages."""
    if ids:
        conn.execute(_SQL["set_alerted"], {"ids": list(ids), "now": now})


def unacknowledged(conn: Connection, now: datetime) -> list[int]:
    """Incidents that are open, not acknowledged and not snoozed: reminders and escalations are about them."""
    rows = conn.execute(_SQL["unacknowledged"], {"now": now, "limit": OPEN_AT_ONCE}).fetchall()
    return [int(i) for (i,) in rows]


def due_incidents(conn: Connection, now: datetime) -> list[int]:
    """Incidents of which something waits whose time has come."""
    return [int(i) for (i,) in conn.execute(_SQL["due_incidents"], {"now": now}).fetchall()]


def incidents(conn: Connection, ids: Collection[int]) -> dict[int, AlertIncident]:
    """These incidents by id."""
    cursor = conn.cursor(row_factory=args_row(AlertIncident))
    return {row.id: row for row in cursor.execute(_SQL["incidents"], {"ids": list(ids)}).fetchall()}


def devices_named(conn: Connection, ids: Collection[int]) -> dict[int, list[Named]]:
    """The first devices of each incident at each of its sites, in the order in which they joined."""
    found: dict[int, list[Named]] = {}
    rows = conn.execute(_SQL["devices"], {"ids": list(ids), "limit": DEVICES_NAMED}).fetchall()
    for incident_id, site_id, device_id, name in rows:
        named = Named(f"device {device_id}" if name is None else str(name), site_id)
        found.setdefault(int(incident_id), []).append(named)
    return found


def findings(conn: Connection, ids: Collection[int]) -> dict[int, Finding]:
    """The newest investigation of each incident that has one."""
    cursor = conn.cursor(row_factory=args_row(Finding))
    rows = cursor.execute(_SQL["findings"], {"ids": list(ids)}).fetchall()
    return {row.incident_id: row for row in rows}


def suppressed(conn: Connection, ids: Collection[int]) -> dict[int, str]:
    """Which of these incidents are silenced at this moment, and why."""
    rows = conn.execute(_SQL["suppressed"], {"ids": list(ids)}).fetchall()
    return {int(incident_id): str(why) for incident_id, why, _ in rows}


def messages(conn: Connection, ids: Collection[int]) -> dict[int, list[StoredMessage]]:
    """Everything that was told, waits or was not told of these incidents, oldest first."""
    cursor = conn.cursor(row_factory=args_row(StoredMessage))
    found: dict[int, list[StoredMessage]] = {}
    for row in cursor.execute(_SQL["messages"], {"ids": list(ids)}).fetchall():
        found.setdefault(row.incident_id, []).append(row)
    return found


def flapped(conn: Connection, ids: Collection[int], since: datetime) -> list[tuple[int, str, str]]:
    """Who was told since then that the same thing flaps: (id of these incidents, channel, address)."""
    if not ids:
        return []
    rows = conn.execute(_SQL["flapped"], {"ids": sorted(ids), "since": since}).fetchall()
    return [(int(i), str(channel), str(address)) for i, channel, address in rows]


def routes(conn: Connection, *, active_only: bool = True) -> list[Route]:
    """The routes, escalations last."""
    cursor = conn.cursor(row_factory=args_row(Route))
    return cursor.execute(_SQL["routes"], {"active_only": active_only}).fetchall()


def subscriptions(conn: Connection) -> list[AlertSubscription]:
    """Active subscriptions to alerts and incidents."""
    cursor = conn.cursor(row_factory=args_row(AlertSubscription))
    return cursor.execute(_SQL["alert_subscriptions"]).fetchall()


def visible_sites(conn: Connection, emails: Collection[str]) -> dict[str, frozenset[int] | None]:
    """Which sites HOMEPOT lets the owners of these addresses see, by lower-case address.

    None is all of them (an administrator). An address that HOMEPOT does not know, a team's
    for instance, is not in the answer: whoever configured it answers for it. Somebody who
    is not active any more sees nothing.
    """
    if not emails or conn.execute(_SQL["has_people"]).fetchone() != (True,):
        return {}
    found: dict[str, frozenset[int] | None] = {}
    wanted = sorted({email.lower() for email in emails})
    for email, active, admin, sites in conn.execute(_SQL["people"], {"emails": wanted}).fetchall():
        mine = None if active and admin else frozenset(sites or ()) if active else frozenset()
        before = found.get(email, frozenset())
        found[str(email)] = None if mine is None or before is None else mine | before
    return found


def budgets(conn: Connection, sites: Collection[int]) -> dict[int, tuple[str | None, float | None]]:
    """Time zone and pages per day of each site, None where the site has none of its own."""
    rows = conn.execute(_SQL["budgets"], {"sites": sorted(sites)}).fetchall()
    return {int(site): (zone, None if budget is None else float(budget)) for site, zone, budget in rows}


def pages(conn: Connection, since: Mapping[int, datetime]) -> dict[int, int]:
    """Pages told since a moment of each site (site 0: incidents of no site)."""
    rows = conn.execute(_SQL["pages"], {"sites": list(since), "starts": list(since.values())}).fetchall()
    return {int(site): int(count) for site, count in rows}


def add_messages(conn: Connection, rows: Sequence[NewMessage]) -> None:
    """Record what is told, waits or is not told."""
    if not rows:
        return
    columns = {
        "incident_ids": "incident_id", "event_ids": "event_id", "channels": "channel", "addresses": "address",
        "kinds": "kind", "severities": "severity", "ats": "at", "states": "state", "whys": "why",
        "dues": "due_at", "tolds": "told_at", "pages": "page", "message_ids": "message_id",
    }  # fmt: skip
    values = {name: [getattr(r, field) for r in rows] for name, field in columns.items()}
    conn.execute(_SQL["add_messages"], {**values, "addresses": [Address(r.address) for r in rows]})


def end_waiting(conn: Connection, rows: Sequence[EndedWait]) -> None:
    """Say what became of what waited."""
    if not rows:
        return
    columns = {
        "ids": "id", "states": "state", "whys": "why", "dues": "due_at", "tolds": "told_at",
        "message_ids": "message_id",
    }  # fmt: skip
    conn.execute(
        _SQL["end_waiting"], {name: [getattr(r, field) for r in rows] for name, field in columns.items()}
    )


def over_budget(conn: Connection, until: Mapping[int, datetime], now: datetime) -> None:
    """List incidents as held back by the budget until a moment."""
    if until:
        conn.execute(_SQL["over_budget"], {"ids": list(until), "untils": list(until.values()), "now": now})


def end_over_budget(conn: Connection, ids: Collection[int], now: datetime) -> None:
    """End that list's rows of incidents of which nothing waits any more."""
    if ids:
        conn.execute(_SQL["end_over_budget"], {"ids": sorted(ids), "now": now})


def add_route(conn: Connection, values: Mapping[str, object]) -> int | None:
    """Write a route; None when its name is taken."""
    row = conn.execute(_SQL["add_route"], {**values, "address": Address(values["address"])}).fetchone()
    return None if row is None else int(row[0])


def remove_route(conn: Connection, route_id: int) -> bool:
    """End a route; False when there is none."""
    return conn.execute(_SQL["remove_route"], {"id": route_id}).fetchone() is not None
