"""Reports of an incident, and of whatever somebody asks for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import Failed, State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import FAILURE_HOOKS, RowId, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from flows.mail import wake_sender
from flows.reports import Language, Mode, Paper, edition, page, reasons
from homepot_ai.errors import ReportError
from homepot_ai.reporting.command import Ask
from homepot_ai.reporting.service import Wish
from homepot_ai.settings import load_settings
from tasks import reports

Address = Annotated[str, Field(max_length=254)]


@flow(name="incident-report", timeout_seconds=1800, **FAILURE_HOOKS)
def incident_report(
    incident: RowId = 0,
    incidents: Annotated[list[int] | None, Field(max_length=1000)] = None,
    mode: Mode | None = None,
    language: Language | None = None,
    paper: Paper | None = None,
    revise: bool = False,
    at: datetime | None = None,
) -> State[Any]:
    """Make the reports of incidents: preliminary when they open, final when they have closed.

    Args:
        incident: only this one, by its number; 0: every one that opened or closed since it was reported.
        incidents: the numbers that the triggering event told; only noted. Every incident that waits is
            taken, so that a lost or doubled event harms nothing.
        mode: whom it is written for; default: as subscriptions say, else maintenance.
        language: default: as subscriptions and settings say.
        paper: default: as subscriptions and settings say.
        revise: compute again from today's database instead of replaying a report made before.
        at: the moment to act for: nothing later is read; default now.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(hours=1)):
        return skipped(reason)
    settings, database, moment = load_settings(), open_fleet(), now if at is None else as_utc(at)
    wanted = [incident] if incident else reports.find_incidents(database, now=moment)
    if not wanted:
        return skipped("no incident opened or closed since it was reported")
    wish = Wish(edition(settings, "incident", mode, language, paper), revise=revise)
    made, failed = reports.make_incident_reports(database, settings, wanted, wish=quote(wish), now=moment)
    failures = {f"incident {number}": why for number, why in failed.items()}
    publish("incident-report", page("Incident reports", [one.markdown() for one in made], failures))
    queued = sum(one.queued for one in made)
    if queued:
        wake_sender()
    if failures:
        return Failed(message=f"{len(failures)} of {len(wanted)} reports failed: {reasons(failures)}")
    fresh = sum(one.created for one in made)
    return done(f"{fresh} reports made, {len(made) - fresh} replayed, {queued} mails queued")


@flow(name="custom-report", timeout_seconds=1800, **FAILURE_HOOKS)
def custom_report(
    start: Annotated[str, Field(max_length=40)] = "",
    end: Annotated[str, Field(max_length=40)] = "",
    scope: Literal["fleet", "site", "device", "device type"] = "fleet",
    name: Annotated[str, Field(max_length=200)] = "",
    mode: Mode | None = None,
    language: Language | None = None,
    paper: Paper | None = None,
    recipients: Annotated[list[Address] | None, Field(max_length=50)] = None,
    csv: bool = False,
    revise: bool = False,
    at: datetime | None = None,
) -> State[Any]:
    """Make a report of any range and scope, and mail it to whom you name.

    Args:
        start: the first day (2026-11-19) or moment (2026-11-19T08:00) on the clock of the scope.
        end: the last day, included, or a moment; default: the same day as start, else yesterday.
        scope: what it is about.
        name: which site, device or device type: its name or public id; empty for the fleet.
        mode: whom it is written for; default maintenance.
        language: default: as in the settings.
        paper: default: as in the settings.
        recipients: addresses that get it by mail; each sees only what HOMEPOT lets them see.
        csv: attach the tables too.
        revise: compute again from today's database instead of replaying a report made before.
        at: the moment to act for; default now.
    """
    now = utc_now()
    moment = now if at is None else as_utc(at)
    settings, database = load_settings(), open_fleet()
    if scope != "fleet" and not name.strip():
        raise ReportError(f"say which {scope}: its name or public id")
    yesterday = f"{(moment - timedelta(days=1)).date()}"
    first = start.strip() or yesterday
    last = end.strip() or (first if len(first) == len(yesterday) else yesterday)
    prefix = {"device": "device:", "device type": "type:"}.get(scope, "")
    ask = Ask(f"{prefix}{name.strip()}" if scope != "fleet" else "fleet", "custom", start=first, end=last)
    wish = Wish(
        edition(settings, "custom", mode, language, paper),
        revise=revise,
        addresses=tuple(recipients or ()),
        csv=csv,
    )
    made = reports.make_custom(database, settings, quote(ask), quote(wish), now=moment)
    publish("custom-report", page("Custom report", [made.markdown()], {}))
    if made.queued:
        wake_sender()
    return done(f"{made.report_id} revision {made.revision}: {made.verdict} {made.queued} mails queued")
