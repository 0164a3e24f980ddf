"""On demand: what people do with incidents, and when they do not want to be told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import State
from pydantic import Field

from flows.common import FAILURE_HOOKS, RowId, as_utc, done, open_fleet, person, publish, utc_now
from homepot_ai.errors import IncidentError
from homepot_ai.incidents import page
from homepot_ai.incidents.planning_windows import Asked
from homepot_ai.settings import load_settings
from tasks import incidents


def _listed(flow_name: str, asked: str, now: datetime) -> State[Any]:
    found = incidents.list_open(open_fleet())
    publish(flow_name, page.listing_page(found, now, asked))
    return done(f"nothing {asked}: no incident was named")


def _moment(at: datetime | None) -> datetime:
    """When something is said to have happened: not later than now."""
    now = utc_now()
    moment = now if at is None else as_utc(at)
    if moment > now:
        raise IncidentError(f"{moment:%Y-%m-%d %H:%M} UTC lies in the future: nothing happened then yet")
    return moment


@flow(name="acknowledge", timeout_seconds=180, **FAILURE_HOOKS)
def acknowledge(
    incident: RowId = 0,
    comment: Annotated[str, Field(max_length=1000)] = "",
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Say that somebody looks after an incident. With nothing filled in it lists what is open.

    Args:
        incident: its number, as alerts, artifacts and `homepot-ai incidents` show it.
        comment: what is being done; optional.
        by: who looks after it.
        at: when that was (UTC where no zone is given); default now.
    """
    now = _moment(at)
    if not incident:
        return _listed("acknowledge", "acknowledged", now)
    who = person(by)
    found = incidents.acknowledge(open_fleet(), load_settings(), incident, by=who, comment=comment, now=now)
    publish("acknowledge", page.done_page(found, now))
    return done(found.said)


@flow(name="snooze", timeout_seconds=180, **FAILURE_HOOKS)
def snooze(
    incident: RowId = 0,
    minutes: Annotated[int, Field(ge=0, le=43_200)] = 0,
    until: datetime | None = None,
    comment: Annotated[str, Field(max_length=1000)] = "",
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Have no more told of an incident for a while. With nothing filled in it lists what is open.

    Args:
        incident: its number, as alerts, artifacts and `homepot-ai incidents` show it.
        minutes: for so long; or
        until: up to this moment (UTC where no zone is given). One of both is needed: no snooze is for ever.
        comment: why; optional.
        by: who wants it so.
        at: from when on (UTC where no zone is given); default now.
    """
    now = _moment(at)
    if not incident:
        return _listed("snooze", "snoozed", now)
    if bool(minutes) == (until is not None):
        raise IncidentError("say for how many minutes, or until when: one of both, a snooze always ends")
    end = now + timedelta(minutes=minutes) if until is None else as_utc(until)
    who = person(by)
    found = incidents.snooze(
        open_fleet(), load_settings(), incident, until=end, by=who, comment=comment, now=now
    )
    publish("snooze", page.done_page(found, now))
    return done(found.said)


@flow(name="close-incident", timeout_seconds=180, **FAILURE_HOOKS)
def close_incident(
    incident: RowId = 0,
    resolution: Annotated[str, Field(max_length=1000)] = "",
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Close an incident by hand, with what solved it. With nothing filled in it lists what is open.

    Args:
        incident: its number, as alerts, artifacts and `homepot-ai incidents` show it.
        resolution: what was the matter and what was done: it is what helps the next time.
        by: who closes it.
        at: when it was over (UTC where no zone is given); default now.
    """
    now = _moment(at)
    if not incident:
        return _listed("close-incident", "closed", now)
    who = person(by)
    found = incidents.close(open_fleet(), load_settings(), incident, by=who, resolution=resolution, now=now)
    publish("close-incident", page.done_page(found, now))
    return done(found.said)


@flow(name="add-window", timeout_seconds=120, **FAILURE_HOOKS)
def add_window(
    name: Annotated[str, Field(max_length=100)] = "",
    scope: Literal["site", "device", "fleet"] = "site",
    of: str = "",
    starts: datetime | None = None,
    minutes: Annotated[int, Field(ge=0, le=86_400)] = 0,
    weekdays: str = "",
    clock: str = "",
    timezone: str = "",
    valid_from: date | None = None,
    valid_until: date | None = None,
    cancel: RowId = 0,
    comment: Annotated[str, Field(max_length=500)] = "",
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Plan a time in which incidents are recorded and not told. With nothing filled in it lists windows.

    Args:
        name: what it is for, as people will read it.
        scope: whom it is about.
        of: the site's or device's name, public id or number; empty for the fleet.
        starts: once: when it starts (UTC where no zone is given).
        minutes: how long it lasts.
        weekdays: recurring: sat,sun or mon-fri or daily.
        clock: recurring: when it starts on the wall's clock, 22:00.
        timezone: recurring: the clock's zone; empty: the site's own.
        valid_from: recurring: its first day.
        valid_until: recurring: its last day.
        cancel: instead of all that: the number of a window that is to end for good.
        comment: more about it; optional.
        by: who plans it.
        at: the moment to act for (UTC where no zone is given); default now.
    """
    now, database, settings = _moment(at), open_fleet(), load_settings()
    who = person(by)
    planned = None
    if cancel:
        planned = incidents.cancel_window(database, cancel, by=who, now=now)
    elif name.strip() or of.strip() or starts is not None or weekdays.strip() or clock.strip():
        begin = None if starts is None else as_utc(starts)
        asked = Asked(
            name, scope, of, begin, None, minutes, weekdays, clock, timezone, valid_from, valid_until, comment
        )
        planned = incidents.add_window(database, settings, asked, by=who, now=now)
    listing = incidents.list_windows(database, settings, now=now)
    publish("add-window", page.windows_page(listing, now, planned))
    return done(planned.said if planned is not None else "nothing planned: windows are listed")
