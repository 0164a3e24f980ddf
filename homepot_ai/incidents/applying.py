"""Cases from rows, and what was decided about them back into rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from homepot_ai.incidents.case import Case, Suppression
from homepot_ai.store import incidents
from homepot_ai.store.database import Connection
from homepot_ai.store.incidents import Watched


def cases_of(watched: Watched) -> list[Case]:
    """Live incidents with their devices and silences."""
    cases = {row.id: Case(row, row) for row in watched.live}
    for incident_id, device_id, joined_at in watched.members:
        cases[incident_id].members[device_id] = joined_at
    for incident_id, why, window_id, begun_at, until in watched.suppressed:
        cases[incident_id].suppressed[why] = Suppression(why, window_id, begun_at, until)
    return list(cases.values())


def apply(conn: Connection, cases: Sequence[Case], at: datetime) -> list[Case]:
    """Write what a step decided; new incidents get their numbers. Returns the cases as they are now."""
    changed = [case for case in cases if case.changed]
    # What ends frees its fingerprint for what begins.
    for case in changed:
        if case.before is not None and case.now != case.before:
            case.set(updated_at=at)
            if not incidents.update(conn, case.now):
                raise AssertionError(f"incident {case.now.id} changed under the lock")
    for case in changed:
        if case.before is None:
            case.set(id=incidents.insert(conn, case.now))
    incidents.leave_devices(conn, [(case.now.id, device) for case in changed for device in case.left], at)
    incidents.join_devices(
        conn,
        [(case.now.id, device, since) for case in changed for device, since in case.joined.items()],
    )
    incidents.link_anomalies(conn, [(case.now.id, number) for case in changed for number in case.linked])
    for case in changed:
        for silence in [*case.begun.values(), *case.ended]:
            incidents.suppress(
                conn, case.now.id, why=silence.why, window_id=silence.window_id,
                begun_at=silence.begun_at, until=silence.until,
            )  # fmt: skip
        for silence in case.ended:
            assert silence.ended_at is not None
            assert silence.outcome is not None
            incidents.end_suppressed(
                conn, case.now.id, why=silence.why, ended_at=silence.ended_at, outcome=silence.outcome
            )
        for event in case.events:
            incidents.append_event(
                conn, case.now.id, at=event.at, kind=event.kind, actor=event.actor, comment=event.comment,
                details=event.details,
            )  # fmt: skip
        version = case.now.version + (case.before is not None and case.now != case.before)
        case.set(version=version)
    return list(cases)


def settle(case: Case) -> Case:
    """A case as it is once it was written: nothing left to write."""
    return replace(
        case, before=case.now, signs=[], joined={}, left={}, linked=[], begun={}, ended=[], events=[]
    )
