"""What people decide about visits: accept, decline, done. One transaction each, audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from homepot_ai.errors import NotFound, PredictionError
from homepot_ai.store import audit, episodes, outcomes, schedule
from homepot_ai.store.outcomes import NewOutcome
from homepot_ai.store.schedule import State, Visit
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection, Database

Decision = Literal["accept", "decline"]
PURPOSE = "maintenance visits"
COMMENT_CAP = 500


@dataclass(frozen=True)
class Decided:
    """A visit as it is now; `new` False: it was so already."""

    visit: Visit
    new: bool
    said: str


def decide(
    db: Database, number: int, decision: Decision, *, by: str, comment: str | None = None, now: datetime
) -> Decided:
    """Accept a proposed visit, or decline one.

    Raises:
        NotFound: no such visit.
        PredictionError: it is done, lapsed or declined.
    """
    state: State = "accepted" if decision == "accept" else "declined"
    before: tuple[State, ...] = ("proposed",) if decision == "accept" else ("proposed", "accepted")
    with db.writer() as conn:
        episodes.lock(conn)
        visit = _visit(conn, number)
        if visit.state == state:
            return Decided(visit, False, f"visit {number} is {state} already: nothing written")
        if visit.state not in before:
            raise PredictionError(
                f"visit {number} is {visit.state} and cannot be {state}: `homepot-ai visits` lists what waits"
            )
        schedule.decide(
            conn, number, state, before=before, by=clean(by, 100), comment=_comment(comment), now=now
        )
        _audit(conn, now, by, state, visit)
        return Decided(_visit(conn, number), True, f"visit {number} {state} by {clean(by, 100)}")


def done(
    db: Database, number: int, *, at: datetime | None, by: str, comment: str | None = None, now: datetime
) -> Decided:
    """Note that a visit was made: the device was maintained then, and its warning may prove averted.

    Args:
        at: when; None: at the time of the visit, or now when that is still to come.

    Raises:
        NotFound: no such visit.
        PredictionError: it was declined or has lapsed, or `at` is in the future.
    """
    with db.writer() as conn:
        episodes.lock(conn)
        visit = _visit(conn, number)
        when = at or min(visit.visit_until, now)
        if when > now:
            raise PredictionError(f"{when:%Y-%m-%d %H:%M} UTC is in the future: say it when it is done")
        if visit.state == "done":
            return Decided(visit, False, f"visit {number} is done already: nothing written")
        if visit.state not in ("proposed", "accepted"):
            raise PredictionError(
                f"visit {number} is {visit.state}: record what was done all the same with "
                f"`homepot-ai outcome add {visit.device_id} maintained`"
            )
        schedule.done(conn, number, done_at=when, by=clean(by, 100), comment=_comment(comment), now=now)
        outcomes.put(
            conn,
            NewOutcome(
                visit.device_id, when, "maintained", "visit", str(number), clean(by, 100),
                ended_at=when, cause=visit.cause, comment=_comment(comment),
            ),
            now,
        )  # fmt: skip
        _audit(conn, now, by, "done", visit)
        return Decided(_visit(conn, number), True, f"visit {number} done at {when:%Y-%m-%d %H:%M} UTC")


def _visit(conn: Connection, number: int) -> Visit:
    visit = schedule.one(conn, number)
    if visit is None:
        raise NotFound("visit", str(number), schedule.near(conn, number))
    return visit


def _comment(text: str | None) -> str | None:
    return clean(text, COMMENT_CAP) if text and text.strip() else None


def _audit(conn: Connection, now: datetime, by: str, action: str, visit: Visit) -> None:
    audit.record(
        conn, at=now, actor=clean(by, 100), action=action, subject=f"visit {visit.id}", purpose=PURPOSE,
        details={"device": visit.device_id, "cause": visit.cause, "visit_at": visit.visit_at.isoformat()},
    )  # fmt: skip
