"""Incidents and HOMEPOT's `alerts` in step, both ways, within the transaction of the minute.

There: a row for each incident that is told, its severity as it worsens and eases, acknowledged, resolved.
Back: acknowledged or resolved in HOMEPOT is acknowledged or closed here, by whoever did it there. `ignored`
says that nothing was wrong: it closes the incident and marks it false. Notes of a resolved one that begin
with "false" or "true" are a mark as well, also when they come after the close.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from homepot_ai.fleet import alerts
from homepot_ai.fleet import devices as fleet
from homepot_ai.incidents import actions
from homepot_ai.incidents.case import Case, told
from homepot_ai.incidents.signs import cause_words
from homepot_ai.settings import Settings
from homepot_ai.store import incidents
from homepot_ai.store.database import Connection
from homepot_ai.store.incidents import Incident, Severity
from homepot_ai.text import clean

#: Who acts when HOMEPOT does not say who.
SOMEBODY = "somebody at HOMEPOT"
#: So long after its close an incident's alert is still looked at for a mark.
_ASKED = timedelta(days=7)
_SEVERITY: Mapping[Severity, alerts.Severity] = MappingProxyType(
    {"critical": "critical", "warning": "medium", "info": "info"}
)
_STATUS: Mapping[str, alerts.Status] = MappingProxyType(
    {"open": "active", "acknowledged": "acknowledged", "closed": "resolved"}
)


def door(conn: Connection, settings: Settings, notes: list[str]) -> bool:
    """Whether the table is to be kept in step and can be; why not is added to the notes."""
    if not settings.incidents.homepot_alerts:
        return False
    why = alerts.unavailable(conn)
    if why is not None:
        notes.append(why)
    return why is None


def verdict_in(notes: str | None) -> bool | None:
    """What resolution notes say about whether the alert was right; None: nothing.

    >>> verdict_in("False alarm, backup was running"), verdict_in("true: fan replaced"), verdict_in("done")
    (False, True, None)
    """
    found = re.match(r"(true|false)\b", (notes or "").strip().lower())
    return None if found is None else found[1] == "true"


def read_back(conn: Connection, settings: Settings, *, at: datetime, now: datetime) -> int:
    """Do here what people did in HOMEPOT; returns how many incidents that changed.

    What closed while the table was away is resolved there now.
    """
    live = {i.homepot_alert_id: i for i in incidents.live(conn) if i.homepot_alert_id is not None}
    closed = incidents.closed_unjudged(conn, at - _ASKED)
    changed = 0
    for answer in alerts.answers(conn, [*live, *closed]):
        by = clean(answer.by, 100) if answer.by else SOMEBODY
        notes = clean(answer.notes, 500) if answer.notes and answer.notes.strip() else None
        verdict = False if answer.status == "ignored" else verdict_in(notes)
        incident = live.get(answer.id)
        number = closed[answer.id] if incident is None else incident.id
        if incident is not None and answer.status == "acknowledged":
            if incident.state != "open":
                continue
            actions.acknowledge_in(conn, number, by=by, comment=notes, now=at, source="homepot")
        elif incident is not None:
            resolution = notes or f"{answer.status} in HOMEPOT"
            actions.close_in(conn, number, by=by, resolution=resolution, now=at, source="homepot")
        elif verdict is None:
            continue
        if verdict is not None and answer.status != "acknowledged":
            actions.mark_in(
                conn, settings, number, "true" if verdict else "false",
                by=by, comment=notes, now=now, source="homepot",
            )  # fmt: skip
        changed += 1
    for alert in alerts.left_active(conn, [*closed]):
        incident = incidents.incident(conn, closed[alert])
        if incident is not None:
            show(conn, incident)
    return changed


def write(conn: Connection, cases: Sequence[Case]) -> None:
    """Bring HOMEPOT's rows up to date with what these cases became."""
    roots = {
        case.now.root_device_id
        for case in cases
        if _due(case) and case.now.homepot_alert_id is None and case.now.root_device_id is not None
    }
    named = fleet.in_use(conn, sorted(roots))
    for case in cases:
        if not _due(case):
            continue
        number, root = case.now.homepot_alert_id, named.get(case.now.root_device_id or 0)
        row = alert_of(case.now, None if root is None else root.public_id)
        if number is not None:
            alerts.update(conn, number, row)
        else:
            case.set(homepot_alert_id=alerts.insert(conn, row))
            incidents.note_alert(conn, case.now.id, case.now.homepot_alert_id)


def show(conn: Connection, incident: Incident) -> None:
    """Bring the row of one incident up to date, if it has one."""
    if incident.homepot_alert_id is not None:
        alerts.update(conn, incident.homepot_alert_id, alert_of(incident, None))


def _due(case: Case) -> bool:
    now, before = case.now, case.before
    if now.homepot_alert_id is None:
        # One that is silenced gets its row when it is told; one that ended before, never.
        return case.opened and told(list(case.suppressed))
    if before is None:
        return False
    return (now.state, now.severity, now.devices) != (before.state, before.severity, before.devices)


def alert_of(incident: Incident, public_id: str | None) -> alerts.Alert:
    """An incident as a row of HOMEPOT's."""
    lines = [
        incident.title,
        f"{cause_words(incident.cause)}; {incident.conclusion.lower()}; {incident.devices} device(s).",
        f"Incident {incident.id} of homepot-ai: `homepot-ai incident {incident.id}`.",
    ]
    closed = incident.state == "closed"
    return alerts.Alert(
        at=incident.opened_at or incident.started_at,
        public_id=public_id,
        site_id=incident.site_id,
        title=incident.title,
        description="\n".join(lines),
        severity=_SEVERITY[incident.severity],
        category=incident.category,
        status=_STATUS[incident.state],
        resolved_at=incident.closed_at,
        resolved_by=("homepot-ai" if incident.closed_by == "rule" else incident.closed_by)
        if closed
        else None,
        notes=incident.resolution if closed else None,
    )
