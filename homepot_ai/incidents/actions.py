"""What people do with an incident: acknowledge, snooze, close, judge. One transaction each, audited.

The functions ending in `_in` work within the caller's transaction, which must hold the incidents' lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from homepot_ai.errors import IncidentError, NotFound
from homepot_ai.health import marking
from homepot_ai.health.marking import Moved
from homepot_ai.incidents import applying
from homepot_ai.incidents.case import Case
from homepot_ai.settings import Settings
from homepot_ai.store import audit, incidents
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.incidents import Incident
from homepot_ai.store.marks import Verdict
from homepot_ai.text import clean

Source = Literal["flow", "cli", "homepot"]
LONGEST_SNOOZE = timedelta(days=30)
CANDIDATES = 8


@dataclass(frozen=True)
class Done:
    """What an action did.

    Attributes:
        written: False when everything was so already.
        said: one sentence.
        marked: anomalies whose verdict changed; moved: thresholds that followed.
    """

    incident: Incident
    written: bool
    said: str
    marked: int = 0
    moved: Sequence[Moved] = ()


def acknowledge(
    db: Database,
    settings: Settings,
    id: int,
    *,
    by: str,
    comment: str | None = None,
    now: datetime,
    source: Source,
) -> Done:
    """Say that somebody looks after an incident.

    Raises:
        NotFound: with the open ones.
        IncidentError: it is not open.
    """
    with db.writer() as conn:
        incidents.one_at_a_time(conn)
        return _shown(
            conn, settings, acknowledge_in(conn, id, by=by, comment=comment, now=now, source=source)
        )


def acknowledge_in(
    conn: Connection, id: int, *, by: str, comment: str | None, now: datetime, source: Source
) -> Done:
    """`acknowledge` within a transaction."""
    by, comment, case = clean(by, 100), _comment(comment), _load(conn, id)
    if case.now.state == "acknowledged" and case.now.acknowledged_by == by and comment is None:
        return Done(case.now, False, f"incident {id} was acknowledged by {by} already: nothing written")
    case.acknowledge(now, by, comment)
    return _write(conn, case, now, by, "acknowledged", source, comment, f"incident {id} acknowledged by {by}")


def snooze(
    db: Database,
    settings: Settings,
    id: int,
    *,
    until: datetime,
    by: str,
    comment: str | None = None,
    now: datetime,
    source: Source,
) -> Done:
    """Have no more told of an incident until a moment: it is told again then, if it is still ill.

    Raises:
        NotFound: with the open ones.
        IncidentError: it is not open, or the moment is past or too far.
    """
    if until <= now:
        raise IncidentError(f"{until:%Y-%m-%d %H:%M} UTC is past: a snooze ends later than now")
    if until > now + LONGEST_SNOOZE:
        raise IncidentError(
            f"a snooze ends within {LONGEST_SNOOZE.days} days: what may be silent for longer is a window "
            "(`homepot-ai window add`), or to be closed"
        )
    by, comment = clean(by, 100), _comment(comment)
    with db.writer() as conn:
        incidents.one_at_a_time(conn)
        case = _load(conn, id)
        if case.now.snoozed_until == until and case.now.snoozed_by == by:
            return Done(case.now, False, f"incident {id} is snoozed until then already: nothing written")
        case.snooze(now, by, until, comment)
        said = f"incident {id} snoozed until {until:%Y-%m-%d %H:%M} UTC"
        return _write(conn, case, now, by, "snoozed", source, comment, said)


def close(
    db: Database,
    settings: Settings,
    id: int,
    *,
    by: str,
    resolution: str,
    now: datetime,
    source: Source,
) -> Done:
    """Close an incident by hand. What is wrong now will not open it again; what comes anew will.

    Raises:
        NotFound: with the open ones.
        IncidentError: it is not open, or nothing is said about what solved it.
    """
    with db.writer() as conn:
        incidents.one_at_a_time(conn)
        done = close_in(conn, id, by=by, resolution=resolution, now=now, source=source)
        return _shown(conn, settings, done)


def close_in(conn: Connection, id: int, *, by: str, resolution: str, now: datetime, source: Source) -> Done:
    """`close` within a transaction."""
    by, said, case = clean(by, 100), _comment(resolution), _load(conn, id)
    if said is None:
        raise IncidentError(f"say what became of incident {id}: its resolution is what helps the next time")
    if case.now.state == "closed" and (case.now.closed_by, case.now.resolution) == (by, said):
        return Done(case.now, False, f"incident {id} was closed so already: nothing written")
    case.close(now, by=by if by != "rule" else "rule (a person)", resolution=said)
    return _write(conn, case, now, by, "closed", source, said, f"incident {id} closed by {by}: {said}")


def mark(
    db: Database,
    settings: Settings,
    id: int,
    verdict: Verdict | None,
    *,
    by: str,
    comment: str | None = None,
    now: datetime,
    source: Source,
) -> Done:
    """Say whether an incident was right, or take it back; also of one that is closed.

    Every anomaly that is its evidence gets the verdict: it counts in the measured precision and moves
    thresholds as if they were marked one by one.

    Raises:
        NotFound: with the open ones.
        IncidentError: the verdict is not said, or the incident never opened.
    """
    if verdict is None:
        raise IncidentError(f"say whether incident {id} was true or false, or withdraw what was said")
    with db.writer() as conn:
        incidents.one_at_a_time(conn)
        return mark_in(conn, settings, id, verdict, by=by, comment=comment, now=now, source=source)


def mark_in(
    conn: Connection,
    settings: Settings,
    id: int,
    verdict: Verdict,
    *,
    by: str,
    comment: str | None,
    now: datetime,
    source: Source,
) -> Done:
    """`mark` within a transaction."""
    by, comment, case = clean(by, 100), _comment(comment), _load(conn, id)
    value = None if verdict == "withdrawn" else verdict == "true"
    if case.now.mark is value:
        had = "has no mark" if value is None else f"was marked {verdict} already"
        return Done(case.now, False, f"incident {id} {had}: nothing written")
    case.judge(now, by, value, comment)
    marked, moved = marking.mark_all(
        conn, settings, incidents.anomalies_of(conn, id), verdict,
        by=by, comment=comment or f"incident {id}", source=source, now=now,
    )  # fmt: skip
    said = f"incident {id}: mark withdrawn" if value is None else f"incident {id} marked {verdict}"
    done = _write(conn, case, now, by, "marked", source, comment, said)
    return Done(done.incident, True, said, marked, moved)


def _load(conn: Connection, id: int) -> Case:
    watched = incidents.held(conn, id)
    if not watched.live or watched.live[0].opened_at is None:
        near = incidents.listed(conn, open_only=True, limit=CANDIDATES)
        raise NotFound("incident", str(id), [f"{one.id} ({clean(one.title, 60)})" for one in near])
    return applying.cases_of(watched)[0]


def _comment(text: str | None) -> str | None:
    return clean(text, 1000) if text and text.strip() else None


def _write(
    conn: Connection,
    case: Case,
    now: datetime,
    by: str,
    action: str,
    source: Source,
    comment: str | None,
    said: str,
) -> Done:
    applying.apply(conn, [case], now)
    audit.record(
        conn, at=now, actor=by, action=action, subject=f"incident {case.now.id}",
        purpose="acted on an incident",
        details={"source": source, "comment": comment, "title": case.now.title},
    )  # fmt: skip
    return Done(case.now, True, said)


def _shown(conn: Connection, settings: Settings, done: Done) -> Done:
    """HOMEPOT's dashboard shows it at once, not with the next minute."""
    from homepot_ai.incidents import homepot_alerts

    if done.written and homepot_alerts.door(conn, settings, []):
        homepot_alerts.show(conn, done.incident)
    return done
