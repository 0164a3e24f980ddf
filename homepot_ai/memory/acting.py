"""What was done about an incident: recorded once, and judged once its day is over.

record   an action, with an event in the incident's history
judge    resolutions become actions, doing nothing becomes the baseline, what is due gets its outcome
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.errors import ActionError, NotFound
from homepot_ai.memory import effect
from homepot_ai.memory.concepts import concepts, fold
from homepot_ai.memory.effect import Effect
from homepot_ai.store import actions as store
from homepot_ai.store import audit, memory
from homepot_ai.store.actions import NewAction
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection, Database

ACTION_CAP = 500
BY_CAP = 100
#: How long incidents without any action stay candidates for the baseline: scores are kept no longer.
BASELINE_DAYS = 12
NOTHING = "nothing"


@dataclass(frozen=True)
class Recorded:
    """An action as it was recorded; `new` is False when it was there already."""

    incident_id: int
    action: str
    action_key: str
    by: str
    at: datetime
    new: bool


@dataclass(frozen=True)
class Judged:
    """What a judging run did, and what is known now."""

    resolutions: int
    baseline: int
    helped: int
    did_not_help: int
    cannot_tell: int
    effects: tuple[Effect, ...]


def record(
    db: Database, incident_id: int, action: str, *, by: str, at: datetime | None, source: str, now: datetime
) -> Recorded:
    """Record what was done about an incident. The same words for the same minute again write nothing.

    Args:
        at: when it was done; default now.

    Raises:
        NotFound: no such incident; the message names the nearest ones.
        ActionError: nothing was said, or the time is in the future.
    """
    if not action.strip():
        raise ActionError(
            f"say what was done about incident {incident_id}, for example: replaced the power supply"
        )
    done_at = at or now
    if done_at > now + timedelta(minutes=5):
        raise ActionError(f"{done_at:%Y-%m-%d %H:%M} UTC is in the future: record it when it was done")
    said, who = clean(action, ACTION_CAP), clean(by, BY_CAP)
    # Said again within the minute (a run that was tried again, a double click) it is the same action.
    minute = done_at.replace(second=0, microsecond=0)
    digest = hashlib.sha256(f"{fold(said)}\n{fold(who)}".encode()).hexdigest()[:12]
    new = NewAction(
        f"{incident_id}:{minute:%Y%m%dT%H%M}:{digest}", incident_id, "taken", said, key_of(said), who,
        done_at, now, source,
    )  # fmt: skip
    with db.writer() as conn:
        state = store.incident_state(conn, incident_id)
        if state is None or state in {"pending", "discarded"}:
            raise NotFound("incident", str(incident_id), store.near(conn, incident_id))
        number = store.record(conn, new)
        if number is not None:
            _tell(conn, new, number, now)
    return Recorded(incident_id, said, new.action_key, who, done_at, number is not None)


def _tell(conn: Connection, action: NewAction, number: int, now: datetime) -> None:
    memory.append_event(
        conn, action.incident_id, at=now, kind="action", actor=action.done_by, comment=action.action,
        details={"action_id": number, "done_at": action.done_at.isoformat(), "source": action.source},
    )  # fmt: skip
    audit.record(
        conn, at=now, actor=action.done_by, action="acted", subject=f"incident {action.incident_id}",
        purpose="recorded what was done", details={"action": action.action, "source": action.source},
    )  # fmt: skip


def key_of(action: str) -> str:
    """What makes two wordings the same action: what was done to what, in the words of the field.

    >>> key_of("Netzteil getauscht"), key_of("replaced the power adapter")
    ('replace: psu', 'replace: psu')
    """
    found = concepts(action)
    remedies = sorted(found.remedy)
    if not remedies:
        return fold(action)[:80]
    parts = sorted(found.part)
    return f"{' '.join(remedies)}: {' '.join(parts)}" if parts else " ".join(remedies)


def judge(db: Database, now: datetime) -> Judged:
    """Give every action of which the day is over its outcome. Killed anywhere, the next run goes on."""
    resolutions = _resolutions(db, now)
    baseline = _baseline(db, now)
    counted: dict[str, int] = {"helped": 0, "did_not_help": 0, "cannot_tell": 0}
    until = now - effect.WITHIN - effect.HOLD
    while True:
        with db.reader() as conn:
            due = store.due(conn, until)
        if not due:
            break
        for action in due:
            with db.writer() as conn:
                verdict = _verdict(conn, action)
                written = store.judge(
                    conn, action.id, outcome=verdict.outcome, reason=verdict.reason,
                    recovered_at=verdict.recovered_at, held_until=verdict.held_until,
                    health_before=verdict.health_before, now=now,
                )  # fmt: skip
            if action.kind == "taken":
                counted[verdict.outcome] += written
    with db.reader() as conn:
        known = effect.effects(store.tallies(conn, now))
    return Judged(resolutions, baseline, **counted, effects=tuple(known))


def _verdict(conn: Connection, action: store.DueAction) -> effect.Verdict:
    if action.device_id is None:
        return effect.Verdict("cannot_tell", "the incident is of no single device")
    last = action.done_at + effect.WITHIN + effect.HOLD + timedelta(minutes=effect.STEADY)
    course = store.course(conn, action.device_id, action.done_at - effect.BEFORE, last)
    return effect.judge(action.done_at, course, store.came_back(conn, action, action.done_at, last))


def _resolutions(db: Database, now: datetime) -> int:
    """Resolutions given at a close are the record of what helped, where no action was recorded."""
    with db.reader() as conn:
        found = store.unrecorded_resolutions(conn)
    written = 0
    for incident_id, text, by, at in found:
        said = clean(text, ACTION_CAP)
        new = NewAction(
            f"resolution:{incident_id}", incident_id, "taken", said, key_of(said), clean(by, BY_CAP), at, now,
            "resolution",
        )  # fmt: skip
        with db.writer() as conn:
            written += store.record(conn, new) is not None
    return written


def _baseline(db: Database, now: datetime) -> int:
    """Incidents in which nothing was done, as of a matched moment: still open when people usually act."""
    with db.reader() as conn:
        delays = store.delays(conn)
        if not delays:
            return 0  # nothing to compare with yet
        found = store.untouched(conn, now - timedelta(days=BASELINE_DAYS))
    usual = sorted(delays.values())[len(delays) // 2]
    written = 0
    for incident in found:
        moment = incident.opened_at + timedelta(minutes=delays.get(incident.category, usual))
        if moment >= incident.closed_at:
            continue  # it was over before anybody would have acted
        new = NewAction(
            f"nothing:{incident.incident_id}", incident.incident_id, "nothing", NOTHING, NOTHING, "nobody",
            moment, now, "judge-actions",
        )  # fmt: skip
        with db.writer() as conn:
            written += store.record(conn, new) is not None
    return written
