"""What follows from predictions, one call each: warn, plan, decide, record, settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.alerts import foretold
from homepot_ai.fleet.devices import resolve_site
from homepot_ai.prediction import acting, calendars, deciding, due, outcomes
from homepot_ai.prediction.records import DeviceRisk
from homepot_ai.settings import Settings
from homepot_ai.store import episodes
from homepot_ai.store import outcomes as store
from homepot_ai.store.database import Database
from homepot_ai.store.outcomes import Kind, Outcome
from tasks.stage import stage

TAGS = {"prediction"}


@dataclass(frozen=True)
class Followed:
    """What followed from a run's risks."""

    acted: acting.Acted
    told: foretold.Told
    calendars: int


@stage("act-on-risks", timeout_seconds=300, tags=TAGS)
def act_on_risks(
    database: Database, settings: Settings, risks: Sequence[DeviceRisk], *, now: datetime
) -> Followed:
    """Raise and end warnings, plan visits, queue the mails about them, write the calendars."""
    acted = acting.act_on(database, settings, risks, now)
    told = foretold.tell(database, settings, now)
    written = calendars.write(database, settings, now)
    get_run_logger().info("acted %s; told=%d queued=%d", acted.headline, told.episodes, told.queued)
    return Followed(acted, told, len(written))


@stage("settle-due", timeout_seconds=1800, tags=TAGS)
def settle_due(database: Database, settings: Settings, *, now: datetime) -> due.Settled:
    """Gather what happened, settle what is due, keep the record that it makes."""
    settled = due.settle_due(database, settings, now)
    get_run_logger().info("settled forecasts=%d warnings=%s", settled.settled, dict(settled.episodes))
    return settled


@stage("read-schedule", timeout_seconds=30, tags=TAGS)
def read_schedule(database: Database, settings: Settings, *, site: str, now: datetime) -> calendars.Schedule:
    """Visits of a site (empty: of all)."""
    with database.reader() as conn:
        chosen = resolve_site(conn, settings, site).id if site else None
        return calendars.read(conn, now, chosen)


@stage("decide-visits", timeout_seconds=60, tags=TAGS)
def decide_visits(
    database: Database,
    settings: Settings,
    numbers: Sequence[int],
    decision: deciding.Decision,
    *,
    by: str,
    comment: str,
    now: datetime,
) -> list[deciding.Decided]:
    """Accept or decline visits, and write the calendars anew."""
    decided = [
        deciding.decide(database, number, decision, by=by, comment=comment, now=now) for number in numbers
    ]
    calendars.write(database, settings, now)
    get_run_logger().info("decided %s", "; ".join(one.said for one in decided))
    return decided


@stage("note-visit-done", timeout_seconds=30, tags=TAGS)
def note_visit_done(
    database: Database,
    settings: Settings,
    number: int,
    *,
    at: datetime | None,
    by: str,
    comment: str,
    now: datetime,
) -> deciding.Decided:
    """Note that a visit was made, and write the calendars anew."""
    decided = deciding.done(database, number, at=at, by=by, comment=comment, now=now)
    calendars.write(database, settings, now)
    get_run_logger().info("%s", decided.said)
    return decided


@stage("record-outcome", timeout_seconds=30, tags=TAGS)
def record_outcome(
    database: Database,
    device: str,
    kind: Kind,
    *,
    at: datetime,
    cause: str,
    comment: str,
    by: str,
    now: datetime,
) -> outcomes.Recorded:
    """Record what a device went through."""
    recorded = outcomes.add(database, device, kind, at=at, cause=cause, comment=comment, by=by, now=now)
    get_run_logger().info("recorded outcome=%d new=%s", recorded.outcome.id, recorded.new)
    return recorded


@stage("withdraw-outcome", timeout_seconds=30, tags=TAGS)
def withdraw_outcome(database: Database, number: int, *, by: str, now: datetime) -> outcomes.Recorded:
    """Take an outcome back."""
    return outcomes.withdraw(database, number, by=by, now=now)


@stage("read-outcomes", timeout_seconds=30, tags=TAGS)
def read_outcomes(database: Database) -> tuple[list[Outcome], dict[int, str]]:
    """The newest outcomes, and the names of their devices."""
    with database.reader() as conn:
        newest = store.newest(conn)
        return newest, episodes.names(conn, [one.device_id for one in newest])
