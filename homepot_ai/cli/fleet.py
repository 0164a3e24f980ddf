"""`homepot-ai` commands about sites and devices: what HOMEPOT has no column for."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from homepot_ai.cli.common import console, opened, utc_now
from homepot_ai.errors import SettingsError
from homepot_ai.fleet import devices as fleet
from homepot_ai.settings import Settings
from homepot_ai.store import people
from homepot_ai.store.database import Database
from homepot_ai.text import clean, table

app = typer.Typer()


@app.command()
def sites(
    site: Annotated[str | None, typer.Argument(help="A site's name, public id or number.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Its IANA time zone, e.g. Europe/Berlin.")] = None,
    locale: Annotated[str | None, typer.Option(help="Its language, e.g. en.")] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(help="Rates of visits, currency=EUR, visit=90, hour=60 ...; 'none' for none."),
    ] = None,
) -> None:
    """List the sites with their time zones, or set one's zone, language or cost rates."""
    settings, db = opened()
    if cost:
        if site is None:
            raise SettingsError("say the site that the rates are for: homepot-ai sites SITE --cost ...")
        _set_costs(settings, db, site, cost)
        if not (timezone or locale):
            return
    if site is not None and (timezone or locale):
        if timezone is not None:
            _check_zone(timezone)
        with db.writer() as conn:
            found = fleet.resolve_site(conn, settings, site)
            people.set_site(
                conn, found.id, timezone=timezone, locale=locale,
                default_timezone=settings.reports.timezone, actor=getpass.getuser(), now=utc_now(),
            )  # fmt: skip
        console.print(f"● {clean(found.name)} is set", markup=False)
        if timezone is not None:
            console.print(
                "  `homepot-ai setup`, or the next start, lets its report follow the new zone's six o'clock."
            )
        return
    rows = []
    with db.reader() as conn:
        listed = fleet.list_sites(conn, settings)
        chosen = None if site is None else fleet.resolve_site(conn, settings, site).id
        count: dict[int, int] = {}
        for device in fleet.list_devices(conn):
            count[device.site_id] = count.get(device.site_id, 0) + device.is_active
    for item in listed:
        if chosen in (None, item.id):
            cells = (clean(item.public_id), clean(item.name), str(item.id), item.timezone)
            rows.append((*cells, str(count.get(item.id, 0))))
    _show(("id", "site", "number", "time zone", "devices"), rows, "0< 0< 6> 0< 7>")


def _set_costs(settings: Settings, db: Database, site: str, given: Sequence[str]) -> None:
    from homepot_ai.prediction import costs
    from homepot_ai.store import audit, schedule

    pairs = dict(part.partition("=")[::2] for part in given if part != "none")
    rates = costs.checked(pairs)
    with db.writer() as conn:
        found = fleet.resolve_site(conn, settings, site)
        schedule.set_rates(conn, found.id, rates, default_timezone=settings.reports.timezone, now=utc_now())
        audit.record(
            conn, at=utc_now(), actor=getpass.getuser(), action="set", subject=f"site {found.id}",
            purpose="cost rates", details=rates,
        )  # fmt: skip
    said = ", ".join(f"{name} {value}" for name, value in rates.items()) or "none"
    console.print(f"● cost rates of {clean(found.name)}: {said}", markup=False, soft_wrap=True)


def _show(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], layout: str) -> None:
    """A table whose cells are there to be copied: the terminal may wrap lines, nothing is cut."""
    console.print(table(header, rows, layout), markup=False, soft_wrap=True)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise SettingsError(f"{name!r} is no IANA time zone; write for example Europe/Berlin") from error


@app.command()
def device(
    device: Annotated[str, typer.Argument(help="A device's name, public id or number.")],
    gateway: Annotated[str | None, typer.Option(help="The gateway that it is behind.")] = None,
    excluded: Annotated[bool | None, typer.Option(help="Take it out of scoring, or back in.")] = None,
) -> None:
    """Show a device's events; say which gateway it is behind, or take it out of scoring."""
    from homepot_ai.fleet import events

    _, db = opened()
    if gateway is not None or excluded is not None:
        with db.writer() as conn:
            found = fleet.resolve_device(conn, device)
            behind = None if gateway is None else fleet.resolve_device(conn, gateway).id
            if behind == found.id:
                raise SettingsError(f"{clean(found.name)} cannot be its own gateway")
            people.set_device(
                conn, found.id, gateway_id=behind, excluded=excluded, actor=getpass.getuser(), now=utc_now()
            )
        console.print(f"● {clean(found.name)} is set", markup=False)
        return
    with db.reader() as conn:
        found = fleet.resolve_device(conn, device)
        known = {d.id: d for d in fleet.list_devices(conn)}
        happened = events.recent(conn, found.id, utc_now())
    gateway_name = known[found.gateway_device_id].name if found.gateway_device_id in known else "none"
    console.print(
        f"{clean(found.name)} ({found.public_id}), {found.device_type}", markup=False, soft_wrap=True
    )
    console.print(
        f"gateway: {clean(gateway_name)}; excluded: {'yes' if found.excluded else 'no'}", markup=False
    )
    console.print(events.summary(happened, utc_now(), max_characters=4000), markup=False, soft_wrap=True)
