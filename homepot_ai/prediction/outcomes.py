"""What really happened to devices: gathered by rule, recorded and withdrawn by people.

A failure is a critical incident of the device itself that nobody marked false, that no maintenance
covers and that is no part of a gateway's or site's; or what a person says. Gathering again adds nothing and
follows later marks: an incident that is marked false is a failure no more. When it does not work: a device
that fails unseen (never scored, or taken away silently) leaves no failure here unless somebody records it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.errors import NotFound, PredictionError
from homepot_ai.fleet import devices as fleet
from homepot_ai.fleet import lifecycle
from homepot_ai.fleet.lifecycle import Change
from homepot_ai.store import audit
from homepot_ai.store import outcomes as store
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.outcomes import Kind, NewOutcome, Outcome
from homepot_ai.text import clean

#: Incidents so far back are looked at again: a mark may come late.
LOOK_BACK = timedelta(days=400)
#: State history arrives late, too.
OVERLAP = timedelta(days=31)
#: An hour is what clocks of people and machines may differ by.
SLACK = timedelta(hours=1)
COMMENT_CAP = 500
PURPOSE = "what happened to a device"
_REPLACED = re.compile(r"replac|swap|exchang|ersetz|ausgetauscht|remplac", re.IGNORECASE)
_MAINTAINED = frozenset({"maintenance", "in_maintenance", "servicing", "repair"})
_RETIRED = frozenset({"retired", "decommissioned", "suspended"})


@dataclass(frozen=True)
class Gathered:
    """What one gathering did.

    Attributes:
        failures: failures written, or given their end; moved: withdrawn or restored by later marks.
        states: maintained, replaced and retired, out of the state history.
    """

    failures: int
    moved: int
    states: int


@dataclass(frozen=True)
class Recorded:
    """An outcome that a person recorded or withdrew; `new` False: it was so already."""

    outcome: Outcome
    device: str
    new: bool


def read_change(change: Change) -> NewOutcome | None:
    """What a change of state means for the device's life; None: nothing that is of interest here.

    >>> from datetime import UTC
    >>> when = datetime(2026, 11, 20, tzinfo=UTC)
    >>> read_change(Change(7, 3, when, "online", "maintenance", "new disk", None)).kind
    'maintained'
    """
    kind: Kind
    if _REPLACED.search(change.reason or ""):
        kind = "replaced"
    elif change.new in _RETIRED:
        kind = "retired"
    elif change.new in _MAINTAINED:
        kind = "maintained"
    else:
        return None
    return NewOutcome(
        device_id=change.device_id,
        at=change.at,
        kind=kind,
        source="state_history",
        reference=str(change.id),
        recorded_by="rule",
        ended_at=change.next_at if kind == "maintained" else None,
        comment=clean(change.reason, COMMENT_CAP) if change.reason else None,
    )


def gather(db: Database, now: datetime) -> Gathered:
    """Bring the outcomes up to date with incidents and state history. Again changes nothing."""
    with db.writer() as conn:
        known = store.state_history_read_to(conn)
        after = now - LOOK_BACK if known is None else min(known, now) - OVERLAP
        wanted = [read_change(change) for change in lifecycle.changes(conn, after, now)]
        states = sum(store.put(conn, one, now) is not None for one in wanted if one is not None)
        # After the states: what is broken while somebody works on it has not failed.
        failures, moved = store.gather_failures(conn, now - LOOK_BACK, now)
    return Gathered(failures, moved, states)


def add(
    db: Database,
    device: str,
    kind: Kind,
    *,
    at: datetime,
    cause: str | None = None,
    comment: str | None = None,
    by: str,
    now: datetime,
) -> Recorded:
    """Record what a device went through, as a person says it. The same for the same minute is one.

    Raises:
        NotFound: no such device.
        PredictionError: the kind is none, or it lies in the future.
    """
    if kind not in store.KINDS:
        raise PredictionError(f"{kind!r} is nothing that a device goes through: use {', '.join(store.KINDS)}")
    if at > now + SLACK:
        raise PredictionError(f"{at:%Y-%m-%d %H:%M} UTC is in the future: record what happened, when it has")
    minute = at.replace(second=0, microsecond=0)
    with db.writer() as conn:
        found = fleet.resolve_device(conn, device)
        number = store.put(
            conn,
            NewOutcome(
                device_id=found.id,
                at=minute,
                kind=kind,
                source="person",
                reference=f"{minute:%Y-%m-%dT%H:%MZ}",
                recorded_by=clean(by, 100),
                cause=clean(cause, 100) if cause and cause.strip() else None,
                comment=clean(comment, COMMENT_CAP) if comment and comment.strip() else None,
            ),
            now,
        )
        same = [
            o
            for o in store.newest(conn, found.id, 1000)
            if o.id == number or (o.source == "person" and o.kind == kind and o.at == minute)
        ]
        _audit(conn, now, by, "recorded", same[0])
    return Recorded(same[0], clean(found.name), number is not None)


def withdraw(db: Database, number: int, *, by: str, now: datetime) -> Recorded:
    """Take an outcome back: forecasts that it settled are settled again without it.

    Raises:
        NotFound: no such outcome.
    """
    with db.writer() as conn:
        new = store.withdraw(conn, number, by=clean(by, 100), now=now)
        outcome = store.one(conn, number)
        if outcome is None:
            raise NotFound("outcome", str(number), [str(o.id) for o in store.newest(conn, limit=5)])
        if new:
            _audit(conn, now, by, "withdrew", outcome)
        names = {d.id: d.name for d in fleet.list_devices(conn)}
    return Recorded(outcome, clean(names.get(outcome.device_id, f"device {outcome.device_id}")), new)


def _audit(conn: Connection, now: datetime, by: str, action: str, outcome: Outcome) -> None:
    audit.record(
        conn, at=now, actor=clean(by, 100), action=action, subject=f"device {outcome.device_id}",
        purpose=PURPOSE, details={"outcome": outcome.id, "kind": outcome.kind, "at": outcome.at.isoformat()},
    )  # fmt: skip
