"""Every morning: what happened yesterday?"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Failed, State
from prefect.utilities.annotations import quote

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from flows.mail import wake_sender
from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import Zone, load_settings
from tasks import reports

# The hour, local to the site, at which the schedule makes the report of the day before.
REPORT_HOUR = time(6)


@flow(name="daily-report", timeout_seconds=3600, **FAILURE_HOOKS)
def daily_report(
    *,
    timezone: Zone | None = None,
    site: str | None = None,
    day: date | None = None,
    mode: Literal["maintenance"] = "maintenance",
    revise: bool = False,
    at: datetime | None = None,
) -> State[Any]:
    """Make the report of the previous local day for each site of a timezone and for the fleet.

    Args:
        timezone: sites of this zone, and the fleet when it is the fleet's zone; default: every zone in use.
        site: only this site, by name or public id.
        day: the local day to report on; default: the day before `at`.
        mode: whom it is written for.
        revise: compute again from today's database instead of replaying a report made before.
        at: the moment to act for; default now.
    """
    now = utc_now()
    # A report is wanted all day long: only yesterday's late run gives way to today's.
    if reason := too_late(at, now, timedelta(days=1)):
        return skipped(reason)
    settings, database = load_settings(), open_fleet()
    scopes = reports.find_scopes(database, settings, timezone=timezone, site=site)
    if not scopes:
        return skipped(f"no site in {timezone or 'any timezone'}")
    outcomes, failures = [], {}
    for scope in scopes:
        moment = acting_moment(day, at, now, ZoneInfo(scope.timezone))
        # One scope's trouble must not cost the others their report.
        try:
            outcomes.append(
                reports.make_report(database, settings, quote(scope), at=moment, mode=mode, revise=revise)
            )
        except Exception as error:
            failures[str(scope)] = str(error) if isinstance(error, HomepotAIError) else repr(error)
            get_run_logger().exception("no report for %s", scope)
    queued = sum(outcome.queued for outcome in outcomes)
    publish("daily-report", _page([outcome.markdown() for outcome in outcomes], failures))
    if queued:
        wake_sender()
    if failures:
        return Failed(message=f"{len(failures)} of {len(scopes)} reports failed: {'; '.join(failures)}")
    made = sum(outcome.created for outcome in outcomes)
    return done(f"{made} reports made, {len(outcomes) - made} replayed, {queued} mails queued")


def acting_moment(day: date | None, at: datetime | None, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment whose previous local day is reported on.

    >>> acting_moment(date(2026, 10, 24), None, datetime(2026, 11, 1), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-10-25T05:00:00+00:00'
    """
    if day is not None:
        return as_utc(datetime.combine(day + timedelta(days=1), REPORT_HOUR, zone))
    return as_utc(at) if at is not None else now


def _page(parts: list[str], failures: dict[str, str]) -> str:
    lines = ["# Daily report", ""]
    lines += [f"- **{scope} failed**: {error}" for scope, error in failures.items()]
    return "\n".join([*lines, "", *parts]) + "\n"
