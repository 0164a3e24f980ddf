"""`homepot-ai report`: make or fetch a daily report by hand, over the same function as the schedule."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.errors import ReportError
from homepot_ai.fleet.devices import resolve_site
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.periods import start_of_day
from homepot_ai.reporting.service import ReportOutcome, make_report
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


def make(settings: Settings, scope: str, day: str | None, *, revise: bool, now: datetime) -> ReportOutcome:
    """Make the daily report of a scope, or replay it.

    Args:
        scope: `fleet`, or a site's name, public id or number.
        day: the local day as 2026-11-19; None is the last one that is over.

    Raises:
        NotFound: there is no such site; the message names the nearest.
        ReportError: the day cannot be read, or is not over.
    """
    db = Database.from_settings(settings)
    wanted, timezone = Scope(kind="fleet"), settings.reports.timezone
    if scope.strip().casefold() != "fleet":
        with db.reader() as conn:
            site = resolve_site(conn, settings, scope)
        wanted, timezone = Scope(kind="site", id=site.id), site.timezone
    at = now if day is None else start_of_day(_day(day) + timedelta(days=1), timezone)
    return make_report(db, settings, scope=wanted, at=at, revise=revise, now=now)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ReportError(f"{text!r} is no day; write it as 2026-11-19") from error
