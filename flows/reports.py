"""Every morning, every Monday, every first of the month: what happened?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from prefect import flow
from prefect.states import Failed, State
from prefect.utilities.annotations import quote

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from flows.mail import wake_sender
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.recipients import usual_edition
from homepot_ai.reporting.service import Wish
from homepot_ai.settings import Settings, Zone, load_settings
from tasks import reports

Mode = Literal["maintenance", "predictive", "executive"]
Language = Literal["en", "de"]
Paper = Literal["A4", "Letter"]
Scheduled = Literal["daily", "weekly", "monthly"]
# A report is wanted until the next one is made: a late run gives way only to that.
_WANTED: dict[str, timedelta] = {
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=28),
}
# The artifact shows whole pages of this many reports; of more it says one line each.
_PAGES = 12
_REASONS = 3


@flow(name="daily-report", timeout_seconds=3600, **FAILURE_HOOKS)
def daily_report(
    *,
    timezone: Zone | None = None,
    site: str | None = None,
    device: str | None = None,
    day: date | None = None,
    mode: Mode | None = None,
    language: Language | None = None,
    paper: Paper | None = None,
    revise: bool = False,
    at: datetime | None = None,
) -> State[Any]:
    """Make the report of the previous local day for each site of a timezone and for the fleet.

    Args:
        timezone: sites of this zone, and the fleet when it is the fleet's zone; default: every zone in use.
        site: only this site, by name or public id.
        device: only this device, by name or public id.
        day: the local day to report on; default: the day before `at`.
        mode: whom it is written for; default: as subscriptions say, else maintenance.
        language: default: as subscriptions and settings say.
        paper: default: as subscriptions and settings say.
        revise: compute again from today's database instead of replaying a report made before.
        at: the moment to act for; default now.
    """
    settings = load_settings()
    wish = Wish(edition(settings, "daily", mode, language, paper), revise=revise)
    return _make("daily", settings, timezone=timezone, site=site, device=device, day=day, wish=wish, at=at)


@flow(name="weekly-report", timeout_seconds=3600, **FAILURE_HOOKS)
def weekly_report(
    *,
    timezone: Zone | None = None,
    site: str | None = None,
    device: str | None = None,
    day: date | None = None,
    mode: Mode | None = None,
    language: Language | None = None,
    paper: Paper | None = None,
    revise: bool = False,
    at: datetime | None = None,
) -> State[Any]:
    """Make the report of the previous week, Monday to Sunday, for each site of a timezone and for the fleet.

    Args:
        timezone: sites of this zone, and the fleet when it is the fleet's zone; default: every zone in use.
        site: only this site, by name or public id.
        device: only this device, by name or public id.
        day: a local day of the week to report on; default: the week before `at`.
        mode: whom it is written for; default: as subscriptions say, else predictive.
        language: default: as subscriptions and settings say.
        paper: default: as subscriptions and settings say.
        revise: compute again from today's database instead of replaying a report made before.
        at: the moment to act for; default now.
    """
    settings = load_settings()
    wish = Wish(edition(settings, "weekly", mode, language, paper), revise=revise)
    return _make("weekly", settings, timezone=timezone, site=site, device=device, day=day, wish=wish, at=at)


@flow(name="monthly-report", timeout_seconds=3600, **FAILURE_HOOKS)
def monthly_report(
    *,
    timezone: Zone | None = None,
    site: str | None = None,
    device: str | None = None,
    day: date | None = None,
    mode: Mode | None = None,
    language: Language | None = None,
    paper: Paper | None = None,
    revise: bool = False,
    at: datetime | None = None,
) -> State[Any]:
    """Make the report of the previous month for each site of a timezone and for the fleet.

    Args:
        timezone: sites of this zone, and the fleet when it is the fleet's zone; default: every zone in use.
        site: only this site, by name or public id.
        device: only this device, by name or public id.
        day: a local day of the month to report on; default: the month before `at`.
        mode: whom it is written for; default: as subscriptions say, else executive.
        language: default: as subscriptions and settings say.
        paper: default: as subscriptions and settings say.
        revise: compute again from today's database instead of replaying a report made before.
        at: the moment to act for; default now.
    """
    settings = load_settings()
    wish = Wish(edition(settings, "monthly", mode, language, paper), revise=revise)
    return _make("monthly", settings, timezone=timezone, site=site, device=device, day=day, wish=wish, at=at)


def edition(
    settings: Settings,
    kind: Literal["daily", "weekly", "monthly", "incident", "custom"],
    mode: Mode | None,
    language: Language | None,
    paper: Paper | None,
) -> Edition | None:
    """The edition that a form asks for; None where nothing was filled in."""
    if (mode, language, paper) == (None, None, None):
        return None
    usual = usual_edition(settings, kind)
    return Edition(mode or usual.mode, language or usual.language, paper or usual.paper)


def _make(
    kind: Scheduled,
    settings: Settings,
    *,
    timezone: str | None,
    site: str | None,
    device: str | None,
    day: date | None,
    wish: Wish,
    at: datetime | None,
) -> State[Any]:
    now = utc_now()
    if reason := too_late(at, now, _WANTED[kind]):
        return skipped(reason)
    database = open_fleet()
    scopes = reports.find_scopes(database, settings, kind, timezone=timezone, site=site, device=device)
    if not scopes:
        return skipped(f"no site in {timezone or 'any timezone'}")
    made = reports.make_reports(
        database,
        settings,
        kind,
        quote(scopes),
        at=now if at is None else as_utc(at),
        day=day,
        wish=quote(wish),
        digests=site is None and device is None,
    )
    pages = [one.markdown() for one in made.reports[:_PAGES]]
    pages += [f"- `{one.report_id}`: {one.verdict}" for one in made.reports[_PAGES:]]
    publish(f"{kind}-report", page(f"{kind.capitalize()} report", pages, made.failures, made.digests_said))
    if made.queued:
        wake_sender()
    if made.failures:
        return Failed(
            message=f"{len(made.failures)} of {len(scopes)} reports failed: {reasons(made.failures)}"
        )
    fresh = sum(one.created for one in made.reports)
    return done(f"{fresh} reports made, {len(made.reports) - fresh} replayed, {made.queued} mails queued")


def reasons(failures: Mapping[str, str]) -> str:
    """What failed and why, for the one line of a run: the first few whole, the rest by name.

    >>> reasons({"Berlin": "no such day"})
    'Berlin: no such day'
    """
    said = [f"{what}: {why}" for what, why in failures.items()]
    return "; ".join([*said[:_REASONS], *list(failures)[_REASONS:]])


def page(title: str, parts: list[str], failures: dict[str, str], more: str = "") -> str:
    """What an operator reads: what failed first, then what was made."""
    lines = [f"# {title}", ""]
    lines += [f"- **{scope} failed**: {error}" for scope, error in failures.items()]
    return "\n".join([*lines, "", *([more, ""] if more else []), *parts]) + "\n"
