"""Stages of reports: whom they are for, making them, and who gets them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from prefect.logging import get_run_logger

from homepot_ai.fleet import devices
from homepot_ai.reporting import batch, command, service, stored
from homepot_ai.reporting.batch import Batch, LocalScope
from homepot_ai.reporting.facts import Kind
from homepot_ai.reporting.service import Wish
from homepot_ai.settings import Settings
from homepot_ai.store import people
from homepot_ai.store.database import Database
from tasks.stage import is_transient, stage

TAGS = {"reports"}
# A report that failed because a server was away is made once more, after so long.
AGAIN_S = 3.0
# What a run of incident reports takes at most, and how far back it looks for what was never reported.
INCIDENTS = 50
INCIDENTS_WITHIN = timedelta(days=2)


@stage("find-scopes", timeout_seconds=30, tags=TAGS)
def find_scopes(
    database: Database,
    settings: Settings,
    kind: Kind,
    *,
    timezone: str | None,
    site: str | None,
    device: str | None,
) -> list[LocalScope]:
    """The sites, devices and the fleet that a run reports on.

    Args:
        timezone: sites of this zone, and the fleet when it is the fleet's zone; None: every zone in use.
        site, device: just this one (its name or public id).

    Raises:
        NotFound: no such site or device.
    """
    with database.reader() as conn:
        if device or site:
            named = f"device:{device}" if device else str(site)
            scope = command.scope_of(conn, settings, named)
        zones: Sequence[str] = [timezone] if timezone else devices.timezones_in_use(conn, settings)
    if device or site:
        return [LocalScope(scope, service.zone_of(database, settings, scope))]
    return [
        LocalScope(scope, zone)
        for zone in zones
        for scope in service.scopes_of(database, settings, zone, kind)
    ]


@stage("make-reports", timeout_seconds=3000, tags=TAGS)
def make_reports(
    database: Database,
    settings: Settings,
    kind: Kind,
    scopes: Sequence[LocalScope],
    *,
    at: datetime,
    day: date | None,
    wish: Wish,
    digests: bool,
) -> Batch:
    """Make every scope's report and queue its mails in the same transaction, then the digests.

    What was made before is replayed; one scope's trouble does not cost the others their report.
    """
    made = batch.make_all(database, settings, kind, scopes, at=at, day=day, wish=wish, now=datetime.now(UTC))
    again = [scope for scope, error in made.errors.items() if is_transient(error)]
    if again:
        time.sleep(AGAIN_S)
    # The digests come last, when it is known which sites have a report.
    rest = batch.make_all(database, settings, kind, again, at=at, day=day, wish=wish, now=datetime.now(UTC))
    errors = {s: e for s, e in {**made.errors, **rest.errors}.items() if s not in again or s in rest.errors}
    both = replace(made, reports=(*made.reports, *rest.reports), errors=errors)
    if digests:
        told = batch.digest_zones(
            database, settings, kind, scopes, at=at, day=day, failures=both.failures, now=datetime.now(UTC)
        )
        both = replace(both, digests=told)
    get_run_logger().info(
        "reports kind=%s made=%d replayed=%d failed=%d queued=%d",
        kind,
        sum(one.created for one in both.reports),
        sum(not one.created for one in both.reports),
        len(both.errors),
        both.queued,
    )
    return both


@stage("make-custom-report", timeout_seconds=600, tags=TAGS)
def make_custom(
    database: Database, settings: Settings, ask: command.Ask, wish: Wish, *, now: datetime
) -> service.ReportOutcome:
    """Make the report that somebody asks for."""
    return command.make(database, settings, ask, wish, now=now)


@stage("find-incidents", timeout_seconds=30, tags=TAGS)
def find_incidents(database: Database, *, now: datetime) -> list[int]:
    """Incidents that opened or closed since they were last reported."""
    with database.reader() as conn:
        return stored.incidents_to_report(conn, since=now - INCIDENTS_WITHIN, now=now, limit=INCIDENTS)


@stage("make-incident-reports", timeout_seconds=1500, tags=TAGS)
def make_incident_reports(
    database: Database, settings: Settings, incidents: Sequence[int], *, wish: Wish, now: datetime
) -> tuple[list[service.ReportOutcome], Mapping[int, str]]:
    """Make the reports of incidents, preliminary or final as each stands; one failing spoils no other."""
    done, failed = batch.make_incidents(database, settings, incidents, wish=wish, now=now)
    get_run_logger().info("incident reports made=%d failed=%d", len(done), len(failed))
    return done, failed


@stage("subscribe", timeout_seconds=60, tags=TAGS)
def subscribe(
    database: Database,
    settings: Settings,
    email: str,
    wanted: people.Wanted,
    *,
    site: str,
    device: str,
    by: str,
    now: datetime,
) -> None:
    """Write a subscription."""
    with database.writer() as conn:
        placed = _placed(database, settings, wanted, site=site, device=device)
        people.subscribe(conn, email, placed, actor=by, now=now)


@stage("unsubscribe", timeout_seconds=60, tags=TAGS)
def unsubscribe(
    database: Database,
    settings: Settings,
    email: str,
    *,
    kind: people.Kind | None,
    site: str,
    device: str,
    by: str,
    now: datetime,
) -> int:
    """End somebody's subscriptions, or those of a kind, a site or a device; returns how many."""
    scope: people.Scope | None = None
    scope_id: int | None = None
    if site or device:
        placed = _placed(database, settings, people.Wanted(), site=site, device=device)
        scope, scope_id = placed.scope, placed.scope_id
    with database.writer() as conn:
        return people.unsubscribe(conn, email, scope=scope, scope_id=scope_id, kind=kind, actor=by, now=now)


@stage("list-subscriptions", timeout_seconds=30, tags=TAGS)
def list_subscriptions(database: Database) -> list[people.Subscription]:
    """Who gets what."""
    with database.reader() as conn:
        return people.subscriptions(conn)


def _placed(
    database: Database, settings: Settings, wanted: people.Wanted, *, site: str, device: str
) -> people.Wanted:
    with database.reader() as conn:
        if device:
            return replace(wanted, scope="device", scope_id=devices.resolve_device(conn, device).id)
        if site:
            return replace(wanted, scope="site", scope_id=devices.resolve_site(conn, settings, site).id)
    return wanted
