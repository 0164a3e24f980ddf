"""What people ask for when they have a report made by hand, over the same functions as the schedule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from homepot_ai.errors import NotFound, ReportError
from homepot_ai.fleet import devices as fleet
from homepot_ai.reporting import periods
from homepot_ai.reporting.facts import Kind, Scope
from homepot_ai.reporting.periods import Period
from homepot_ai.reporting.service import (
    Render,
    ReportOutcome,
    Wish,
    make_incident_report,
    make_report,
    zone_of,
)
from homepot_ai.store.database import Connection, Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


@dataclass(frozen=True)
class Ask:
    """A report as somebody asks for it.

    Attributes:
        scope: `fleet`; a site's name, public id or number; `device:NAME`, `type:NAME`.
        when: of a daily, weekly or monthly report: a day, week or month (`2026-11-19`, `2026-W47`,
            `2026-11`); empty: the last one that is over.
        start, end: of a custom one: days, both included, or moments, on the clock of the scope.
        incident: the number of the incident that it is about.
    """

    scope: str = "fleet"
    kind: Kind = "daily"
    when: str = ""
    start: str = ""
    end: str = ""
    incident: int | None = None


def make(
    db: Database,
    settings: Settings,
    ask: Ask,
    wish: Wish,
    *,
    now: datetime,
    render: Render | None = None,
) -> ReportOutcome:
    """Make the report that is asked for, or replay it.

    Raises:
        NotFound: there is no such site, device, device type or incident; the message names the nearest.
        ReportError: a day or range that cannot be read, or is not over.
    """
    if ask.incident is not None or ask.kind == "incident":
        if ask.incident is None:
            raise ReportError("say which incident: its number, as `homepot-ai incidents` lists it")
        return make_incident_report(db, settings, ask.incident, wish=wish, render=render, now=now)
    with db.reader() as conn:
        scope = scope_of(conn, settings, ask.scope)
    period = period_of(ask, zone_of(db, settings, scope), now)
    return make_report(
        db, settings, report_type=ask.kind, scope=scope, period=period, wish=wish, render=render, now=now
    )


def scope_of(conn: Connection, settings: Settings, text: str) -> Scope:
    """The scope that somebody names.

    Raises:
        NotFound: with the nearest names.
    """
    wanted = text.strip()
    if wanted.casefold() in ("", "fleet"):
        return Scope(kind="fleet")
    prefix, colon, rest = wanted.partition(":")
    if colon and prefix.casefold() == "device":
        return Scope(kind="device", id=fleet.resolve_device(conn, rest).id)
    if colon and prefix.casefold() == "type":
        types = sorted({device.device_type for device in fleet.list_devices(conn)})
        found = [each for each in types if each.casefold() == rest.strip().casefold()]
        if not found:
            raise NotFound("device type", rest.strip(), types[:3])
        return Scope(kind="device_type", name=found[0])
    return Scope(kind="site", id=fleet.resolve_site(conn, settings, wanted).id)


def period_of(ask: Ask, timezone: str, now: datetime) -> Period | None:
    """The period that is asked for; None: the last one of its kind that is over.

    >>> period_of(Ask(kind="weekly", when="2026-W47"), "UTC", datetime(2026, 12, 1)).short_label
    '2026-11-16–2026-11-22'

    Raises:
        ReportError: it cannot be read.
    """
    if ask.kind == "custom":
        if not (ask.start and ask.end):
            raise ReportError("say from when to when: days such as 2026-11-19, or moments, 2026-11-19T08:00")
        return periods.custom(_edge(ask.start), _edge(ask.end), timezone, now=now)
    if ask.start or ask.end:
        raise ReportError(f"a {ask.kind} report has its own range; a range of yours is of kind custom")
    return periods.of_day(ask.kind, _day(ask.when, ask.kind), timezone) if ask.when else None


def _day(text: str, kind: Kind) -> date:
    """A day of the period: of 2026-11-19 itself, of 2026-W47 its Monday, of 2026-11 its first."""
    said = text.strip()
    try:
        if kind == "weekly" and re.fullmatch(r"\d{4}-W\d\d", said):
            return date.fromisoformat(f"{said}-1")
        if kind == "monthly" and re.fullmatch(r"\d{4}-\d\d", said):
            return date.fromisoformat(f"{said}-01")
        return date.fromisoformat(said)
    except ValueError as error:
        example = {"weekly": "2026-W47, or a day of it: 2026-11-19", "monthly": "2026-11"}
        noun = {"weekly": "week", "monthly": "month"}.get(kind, "day")
        raise ReportError(f"{text!r} is no {noun}; write it as {example.get(kind, '2026-11-19')}") from error


def _edge(text: str) -> date | datetime:
    said = text.strip()
    try:
        return datetime.fromisoformat(said) if len(said) > 10 else date.fromisoformat(said)
    except ValueError as error:
        raise ReportError(
            f"{text!r} is neither a day nor a moment; write 2026-11-19 or 2026-11-19T08:00"
        ) from error
