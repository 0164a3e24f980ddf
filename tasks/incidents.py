"""Incidents: the stage that ends a minute, and what people do with them, one call each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from prefect.events import emit_event
from prefect.logging import get_run_logger

from homepot_ai import pod_names
from homepot_ai.incidents import actions, planning_windows, reading
from homepot_ai.incidents import stage as minute
from homepot_ai.incidents.actions import Done
from homepot_ai.incidents.planning_windows import Asked, Listing, Planned
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database
from homepot_ai.store.incidents import Incident
from homepot_ai.store.marks import Verdict
from tasks.stage import stage

TAGS = {"incidents"}
#: What investigate-incident is triggered by; one for all that opened in one run.
OPENED = "homepot.incident.opened"
#: What incident-report is triggered by as well.
CLOSED = "homepot.incident.closed"


@stage("incidents", timeout_seconds=60, tags=TAGS)
def judge_incidents(database: Database, settings: Settings, *, now: datetime) -> minute.Outcome:
    """Open, group, silence and close incidents as of the newest scored minute, in one transaction."""
    outcome = minute.run(database, settings, now)
    get_run_logger().info(
        "incidents opened=%d closed=%d live=%s seconds=%.3f",
        len(outcome.opened), outcome.closed, outcome.counts, outcome.seconds,
    )  # fmt: skip
    return outcome


def announce(opened: Sequence[int], closed: int = 0) -> None:
    """Tell Prefect which incidents opened and how many closed, once for all; nothing when none did.

    Whoever listens looks for every incident that it has not seen: an event that is lost or comes twice
    does no harm, so nothing waits for it.
    """
    pod = load_settings().pod
    if opened:
        emit_event(
            event=OPENED,
            resource={"prefect.resource.id": pod_names.resource(f"homepot.incident.{opened[0]}", pod)},
            payload={"incident_ids": list(opened)},
        )
    if closed:
        emit_event(
            event=CLOSED,
            resource={"prefect.resource.id": pod_names.resource(CLOSED, pod)},
            payload={"closed": closed},
        )


@stage("list-incidents", timeout_seconds=30, tags=TAGS)
def list_open(database: Database) -> Sequence[Incident]:
    """What is open, the gravest first."""
    return reading.opened(database)


@stage("acknowledge", timeout_seconds=60, tags=TAGS)
def acknowledge(
    database: Database, settings: Settings, number: int, *, by: str, comment: str, now: datetime
) -> Done:
    """Say that somebody looks after an incident."""
    return _log(
        actions.acknowledge(database, settings, number, by=by, comment=comment, now=now, source="flow")
    )


@stage("snooze", timeout_seconds=60, tags=TAGS)
def snooze(
    database: Database,
    settings: Settings,
    number: int,
    *,
    until: datetime,
    by: str,
    comment: str,
    now: datetime,
) -> Done:
    """Have no more told of an incident until a moment."""
    return _log(
        actions.snooze(
            database, settings, number, until=until, by=by, comment=comment, now=now, source="flow"
        )
    )


@stage("close-incident", timeout_seconds=60, tags=TAGS)
def close(
    database: Database, settings: Settings, number: int, *, by: str, resolution: str, now: datetime
) -> Done:
    """Close an incident with what solved it."""
    return _log(
        actions.close(database, settings, number, by=by, resolution=resolution, now=now, source="flow")
    )


@stage("mark-incident", timeout_seconds=60, tags=TAGS)
def mark(
    database: Database,
    settings: Settings,
    number: int,
    verdict: Verdict | None,
    *,
    by: str,
    comment: str,
    now: datetime,
) -> Done:
    """Say whether an incident was right; all of its evidence gets the verdict."""
    return _log(
        actions.mark(database, settings, number, verdict, by=by, comment=comment, now=now, source="flow")
    )


@stage("add-window", timeout_seconds=30, tags=TAGS)
def add_window(database: Database, settings: Settings, asked: Asked, *, by: str, now: datetime) -> Planned:
    """Make a window."""
    planned = planning_windows.add(database, settings, asked, by=by, now=now, source="flow")
    get_run_logger().info("window=%d written=%s", planned.window.id, planned.written)
    return planned


@stage("cancel-window", timeout_seconds=30, tags=TAGS)
def cancel_window(database: Database, number: int, *, by: str, now: datetime) -> Planned:
    """End a window for good."""
    planned = planning_windows.cancel(database, number, by=by, now=now, source="flow")
    get_run_logger().info("window=%d cancelled=%s", number, planned.written)
    return planned


@stage("list-windows", timeout_seconds=30, tags=TAGS)
def list_windows(database: Database, settings: Settings, *, now: datetime) -> Listing:
    """What is planned, and what was not told lately."""
    return planning_windows.listing(database, settings, now)


def _log(done: Done) -> Done:
    get_run_logger().info("incident=%d written=%s %s", done.incident.id, done.written, done.said)
    return done
