"""Alerts: who is told of what, on demand; how that does, every morning."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import State
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, person, publish, utc_now
from flows.mail import wake_sender
from homepot_ai.alerts.rules import NewRoute
from homepot_ai.settings import load_settings
from tasks import alerts

Minutes = Annotated[int, Field(ge=0, le=10080)]


@flow(name="alert-routes", timeout_seconds=120, **FAILURE_HOOKS)
def alert_routes(
    action: Literal["list", "add", "remove", "test"] = "list",
    name: Annotated[str, Field(max_length=80)] = "",
    to: Annotated[str, Field(max_length=200)] = "",
    site: str = "",
    device_types: str = "",
    severity: Literal["info", "warning", "critical"] = "warning",
    kinds: str = "",
    days: str = "",
    hours: str = "",
    timezone: str = "",
    outside: Literal["wait", "skip"] = "wait",
    after_minutes: Minutes = 0,
    renotify_minutes: Minutes = 0,
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Say who is told of incidents: add a route, remove one, send a test message by it, or list them.

    Args:
        action: what to do.
        name: the route's name, or for remove and test its number.
        to: a mail address, or the name of a channel in the settings.
        site: only incidents of this site, by name or public id.
        device_types: only of these, separated by commas.
        severity: from this severity on.
        kinds: only these messages, separated by commas; empty: all.
        days: mon-fri, or sat,sun; empty: every day.
        hours: local time, such as 08:00-18:00 or 22:00-06:00; empty: all day.
        timezone: of the hours; empty: the site's, or the fleet's.
        outside: outside the hours, wait for their beginning, or tell nothing (another route does).
        after_minutes: more than 0 makes it an escalation: told when nobody has acknowledged for so long.
        renotify_minutes: remind so often while nobody has acknowledged; 0: never.
        by: who says so.
        at: the moment to act for; default now.
    """
    now, database, settings = utc_now() if at is None else as_utc(at), open_fleet(), load_settings()
    wanted = NewRoute(
        name=name, to=to, site=site, device_types=device_types, severity=severity, kinds=kinds, days=days,
        hours=hours, timezone=timezone, outside=outside, after_minutes=after_minutes,
        renotify_minutes=renotify_minutes,
    )  # fmt: skip
    who = person(by)
    said, page = alerts.change_routes(database, settings, action, wanted, by=who, now=now)
    publish("alert-routes", page)
    if action == "test":
        wake_sender()
    return done(said)


@flow(name="alert-review", timeout_seconds=300, **FAILURE_HOOKS)
def alert_review(days: Annotated[int, Field(ge=1, le=90)] = 7, at: datetime | None = None) -> State[Any]:
    """Pages per day and site against the budget, the noisiest rules, what was silenced and what became of it.

    Args:
        days: how far back to look.
        at: the moment to look back from; default now.
    """
    now = utc_now() if at is None else as_utc(at)
    found = alerts.review_alerts(open_fleet(), load_settings(), now=now, days=days)
    publish("alert-review", found.markdown())
    return done(found.headline)
