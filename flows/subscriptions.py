"""Who gets which report, by form."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, person, publish, utc_now
from flows.reports import Language, Mode, Paper
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.settings import load_settings
from homepot_ai.store import people
from homepot_ai.text import clean
from tasks import reports

Name = Annotated[str, Field(max_length=200)]
Kind = Literal["daily", "weekly", "monthly", "incident", "alert"]


@flow(name="subscribe", timeout_seconds=120, **FAILURE_HOOKS)
def subscribe(
    email: Annotated[str, Field(max_length=254)] = "",
    kind: Kind = "daily",
    site: Name = "",
    device: Name = "",
    own_sites: bool = False,
    mode: Mode | None = None,
    language: Language | None = None,
    paper: Paper | None = None,
    digest: bool = False,
    csv: bool = False,
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Mail somebody reports or alerts. With no address filled in it lists who gets what.

    Args:
        email: whom; several kinds go side by side, the same kind and scope again changes how it is read.
        kind: daily, weekly, monthly: reports; alert: pages; incident: also what was found and done.
        site: of this site, by name or public id; empty: of the whole fleet.
        device: of this device alone, by name or public id.
        own_sites: of every site that HOMEPOT lets them see.
        mode: whom it is written for; default by kind.
        language: default: as in the settings.
        paper: default: as in the settings.
        digest: one mail for all sites of a period, the worst first; of one's own sites or of the fleet's.
        csv: with the report's tables attached.
        by: who subscribes them.
        at: the moment to write down; default now.
    """
    now, database = utc_now(), open_fleet()
    if email.strip():
        if sum(map(bool, (site.strip(), device.strip(), own_sites))) > 1:
            raise SettingsError("say one of site, device and own sites; each subscription is of its own")
        wanted = people.Wanted(
            kind, "own" if own_sites else "fleet", None, mode, language, paper, digest, csv
        )
        reports.subscribe(
            database, load_settings(), email, quote(wanted), site=site.strip(), device=device.strip(),
            by=person(by), now=now if at is None else as_utc(at),
        )  # fmt: skip
    found = reports.list_subscriptions(database)
    publish("subscribe", _page(found))
    active = sum(one.active for one in found)
    return done(f"{clean(email.strip(), 80)} is subscribed" if email.strip() else f"{active} subscriptions")


@flow(name="unsubscribe", timeout_seconds=120, **FAILURE_HOOKS)
def unsubscribe(
    email: Annotated[str, Field(max_length=254)] = "",
    kind: Kind | None = None,
    site: Name = "",
    device: Name = "",
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """End somebody's subscriptions. With no address filled in it lists who gets what.

    Args:
        email: whose; all of them, if nothing else is filled in.
        kind: only this kind.
        site: only those of this site, by name or public id.
        device: only those of this device, by name or public id.
        by: who ends them.
        at: the moment to write down; default now.
    """
    now, database = utc_now(), open_fleet()
    ended = 0
    if email.strip():
        ended = reports.unsubscribe(
            database, load_settings(), email, kind=kind, site=site.strip(), device=device.strip(),
            by=person(by), now=now if at is None else as_utc(at),
        )  # fmt: skip
    found = reports.list_subscriptions(database)
    publish("unsubscribe", _page(found))
    if email.strip() and not ended:
        known = list(dict.fromkeys(one.email for one in found if one.active))
        raise NotFound("such subscription of", email.strip(), known[:3])
    if not email.strip():
        return done(f"{sum(one.active for one in found)} subscriptions")
    return done(f"{ended} subscription(s) of {clean(email.strip(), 80)} ended")


def _page(found: list[people.Subscription]) -> str:
    lines = [
        "# Who gets what",
        "",
        "| recipient | report | of | mode | edition | |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        of = {"fleet": "the whole fleet", "own": "their own sites"}.get(one.scope) or one.of or "gone"
        state = f"▲ refused {one.bounces} times in a row: {one.answer}" if one.bounces else ""
        cells = (one.email, one.kind, of, one.mode, one.extras, state if one.active else "ended")
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    flat = clean(text, 120) if text else ""
    for mark in "\\|<>[]`*_":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
