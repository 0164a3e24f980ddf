"""`ai_actions`: what was done about incidents, by whom, when, and whether health recovered and stayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/actions.sql")

Outcome = Literal["helped", "did_not_help", "cannot_tell"]


@dataclass(frozen=True)
class NewAction:
    """An action to be recorded; the same `key` again is recorded once.

    Attributes:
        kind: `nothing`: that nothing was done, for the baseline.
        action_key: what makes two differently worded actions the same one.
    """

    key: str
    incident_id: int
    kind: Literal["taken", "nothing"]
    action: str
    action_key: str
    done_by: str
    done_at: datetime
    recorded_at: datetime
    source: str


@dataclass(frozen=True)
class DueAction:
    """An action that can be judged."""

    id: int
    incident_id: int
    device_id: int | None
    kind: str
    done_at: datetime
    fingerprint: str


@dataclass(frozen=True)
class TakenAction:
    """An action as it is told."""

    id: int
    incident_id: int
    action: str
    action_key: str
    done_by: str
    done_at: datetime
    outcome: Outcome | None
    reason: str | None


@dataclass(frozen=True)
class Tally:
    """How often an action was taken on incidents of a category, and how often it helped.

    Attributes:
        judged: those of which the outcome is known.
    """

    category: str
    kind: str
    action_key: str
    action: str
    helped: int
    judged: int
    cannot_tell: int
    waiting: int


@dataclass(frozen=True)
class Untouched:
    """A closed incident about which nothing was done."""

    incident_id: int
    category: str
    opened_at: datetime
    closed_at: datetime


def record(conn: Connection, action: NewAction) -> int | None:
    """Append an action; None when it was recorded before, or there is no such incident."""
    row = conn.execute(_SQL["record"], vars(action)).fetchone()
    return None if row is None else int(row[0])


def incident_state(conn: Connection, number: int) -> str | None:
    """The state of an incident; None when there is none."""
    row = conn.execute(_SQL["state"], {"id": number}).fetchone()
    return None if row is None else str(row[0])


def near(conn: Connection, number: int) -> list[str]:
    """Numbers of incidents near a wrong one, for its error's message."""
    return [str(row[0]) for row in conn.execute(_SQL["near"], {"id": number})]


def unrecorded_resolutions(conn: Connection) -> list[tuple[int, str, str, datetime]]:
    """Resolutions that are not recorded as actions yet: (incident, text, by, when it became quiet)."""
    return conn.execute(_SQL["unrecorded_resolutions"]).fetchall()


def untouched(conn: Connection, since: datetime) -> list[Untouched]:
    """Incidents about which nothing was done."""
    return [Untouched(*row) for row in conn.execute(_SQL["untouched"], {"since": since})]


def delays(conn: Connection) -> dict[str, float]:
    """By category: minutes from opening to the first action, as the median."""
    return {category: float(minutes) for category, minutes in conn.execute(_SQL["delays"])}


def due(conn: Connection, until: datetime, limit: int = 500) -> list[DueAction]:
    """Actions done until then that are not judged yet."""
    return [DueAction(*row) for row in conn.execute(_SQL["due"], {"until": until, "limit": limit})]


def course(
    conn: Connection, device_id: int, since: datetime, until: datetime
) -> list[tuple[datetime, float | None, str]]:
    """Scored minutes: (at, score, status)."""
    return conn.execute(_SQL["course"], {"device_id": device_id, "from": since, "until": until}).fetchall()


def came_back(conn: Connection, action: DueAction, since: datetime, until: datetime) -> datetime | None:
    """When the incident's fingerprint opened anew in the span, or None."""
    row = conn.execute(
        _SQL["came_back"],
        {"fingerprint": action.fingerprint, "incident_id": action.incident_id, "from": since, "until": until},
    ).fetchone()
    return None if row is None else row[0]


def judge(
    conn: Connection,
    number: int,
    *,
    outcome: Outcome,
    reason: str,
    recovered_at: datetime | None,
    held_until: datetime | None,
    health_before: float | None,
    now: datetime,
) -> bool:
    """Give an action its outcome, once; False when it has one."""
    parameters = {
        "id": number, "outcome": outcome, "reason": reason, "recovered_at": recovered_at,
        "held_until": held_until, "health_before": health_before, "judged_at": now,
    }  # fmt: skip
    return conn.execute(_SQL["judge"], parameters).rowcount == 1


def tallies(conn: Connection, at: datetime) -> list[Tally]:
    """What was done and how often it helped, by category."""
    return [Tally(*row) for row in conn.execute(_SQL["tallies"], {"at": at})]


def of_incidents(conn: Connection, ids: Sequence[int]) -> dict[int, list[TakenAction]]:
    """The actions of incidents, by incident, in their order."""
    found: dict[int, list[TakenAction]] = {}
    for row in conn.execute(_SQL["of_incidents"], {"ids": list(ids)}):
        found.setdefault(row[1], []).append(TakenAction(*row))
    return found
