"""`homepot-ai` commands that make reports and say who gets them."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markdown import Markdown

from homepot_ai.cli.common import console, opened, say, utc_now, write_whole
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.fleet import devices as fleet
from homepot_ai.settings import Settings
from homepot_ai.store import people
from homepot_ai.store.database import Connection
from homepot_ai.text import clean, table

app = typer.Typer()

Kind = Literal["daily", "weekly", "monthly", "custom", "incident"]
Mode = Literal["maintenance", "predictive", "executive"]
SiteOption = Annotated[str | None, typer.Option(help="A site's name, public id or number.")]
DeviceOption = Annotated[str | None, typer.Option(help="A device's name, public id or number.")]
LanguageOption = Annotated[Literal["en", "de"] | None, typer.Option(help="Default: as in the settings.")]
PaperOption = Annotated[Literal["A4", "Letter"] | None, typer.Option(help="Default: as in the settings.")]


@app.command()
def report(
    scope: Annotated[
        str, typer.Argument(help="'fleet'; a site's name, public id or number; device:NAME; type:NAME.")
    ] = "fleet",
    kind: Annotated[Kind | None, typer.Option(help="Default daily, or what the other options mean.")] = None,
    day: Annotated[str | None, typer.Option(help="The local day, 2026-11-19; default yesterday.")] = None,
    week: Annotated[str | None, typer.Option(help="A week, 2026-W47, or a day of it.")] = None,
    month: Annotated[str | None, typer.Option(help="A month, 2026-11.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="A range: 2026-11-19, 2026-11-19T08:00.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Its end: a day is included, a moment not.")] = None,
    incident: Annotated[int | None, typer.Option(help="The number of an incident.", min=1)] = None,
    mode: Annotated[Mode | None, typer.Option(help="Whom it is written for.")] = None,
    language: LanguageOption = None,
    paper: PaperOption = None,
    revise: Annotated[bool, typer.Option(help="Compute again from today's database.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the PDF here.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the tables as CSV into this folder.")] = None,
) -> None:
    """Make a report of any kind, or fetch it if it was made before.

    One that is made now is also mailed to whoever subscribed to it.
    """
    from homepot_ai.reporting import command
    from homepot_ai.reporting.document import Edition
    from homepot_ai.reporting.recipients import usual_edition
    from homepot_ai.reporting.service import Wish

    _check_period(day, week, month, start or end, incident)
    _check_targets(out, csv)
    meant: Kind = kind or _meant(week, month, start or end, incident)
    given = {"daily": day, "weekly": week or day, "monthly": month or day}
    settings, db = opened()
    usual = usual_edition(settings, meant)
    edition = Edition(mode or usual.mode, language or usual.language, paper or usual.paper)
    ask = command.Ask(scope, meant, given.get(meant) or "", start or "", end or "", incident)
    named = (mode, language, paper) != (None, None, None)
    wish = Wish(edition if named else None, revise=revise, csv=csv is not None)
    made = command.make(db, settings, ask, wish, now=utc_now())
    path = out or Path(f"{made.report_id}.pdf")
    write_whole(path, made.pdf)
    for name, content in made.tables.items():
        assert csv is not None
        write_whole(csv / name, content)
    console.print(Markdown(made.markdown()))
    say(f"● {path}")
    if csv is not None:
        say(f"● {len(made.tables)} tables in {csv}")


def _meant(week: str | None, month: str | None, ranged: str | None, incident: int | None) -> Kind:
    if incident is not None:
        return "incident"
    if ranged:
        return "custom"
    return "weekly" if week else "monthly" if month else "daily"


def _check_period(
    day: str | None, week: str | None, month: str | None, ranged: str | None, incident: int | None
) -> None:
    named = {"--day": day, "--week": week, "--month": month, "--from, --to": ranged, "--incident": incident}
    given = [name for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise SettingsError(f"a report is about one period; leave out all but one of {' and '.join(given)}")


def _check_targets(out: Path | None, csv: Path | None) -> None:
    # Before a report is made and its mails are queued.
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise SettingsError(f"--out names a file in a folder that is there; {out} does not")
    if csv is not None and not csv.is_dir():
        try:
            csv.mkdir()
        except OSError as error:
            raise SettingsError(
                f"the folder {csv} for --csv cannot be made: {error.strerror or error}"
            ) from error


@app.command()
def subscriptions() -> None:
    """Who gets which report, and which addresses are refused by mail servers."""
    _, db = opened()
    with db.reader() as conn:
        found = people.subscriptions(conn)
    if not found:
        say("nobody gets a report yet: homepot-ai subscribe ops@example.org")
        return
    rows = []
    for item in found:
        of = {"fleet": "the whole fleet", "own": "their own sites"}.get(item.scope)
        of = of or clean(item.of or f"a {item.scope} that is gone")
        state = "" if item.active else "ended"
        if item.bounces and item.active:
            state = f"▲ refused {item.bounces}x"
        rows.append((clean(item.email), item.kind, of, item.mode, item.extras, state))
    say(table(("recipient", "report", "of", "mode", "edition", ""), rows, "0< 0< 0< 0< 0< 0<"))
    for email, said in _refused(found).items():
        say(f"▲ {clean(email)}: {clean(said, 300)}")


def _refused(found: list[people.Subscription]) -> Mapping[str, str]:
    return {
        item.email: f"refused {item.bounces} times in a row, last {item.bounced_at:%Y-%m-%d %H:%M} UTC: "
        f"{item.answer}"
        for item in found
        if item.active and item.bounces and item.bounced_at
    }


@app.command()
def subscribe(
    email: Annotated[str, typer.Argument()],
    site: SiteOption = None,
    device: DeviceOption = None,
    own: Annotated[bool, typer.Option("--own", help="All sites that HOMEPOT lets them see.")] = False,
    kind: Annotated[
        people.Kind,
        typer.Option(help="daily, weekly, monthly: reports; alert: pages; incident: also what was found."),
    ] = "daily",
    mode: Annotated[Mode | None, typer.Option(help="Whom it is written for; default by kind.")] = None,
    language: LanguageOption = None,
    paper: PaperOption = None,
    digest: Annotated[bool, typer.Option("--digest", help="One mail for all sites of a period.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="With the report's tables attached.")] = False,
) -> None:
    """Mail somebody reports or alerts: of the whole fleet, a site, a device, or all their own sites.

    The same kind and scope again changes how it is read; several kinds go side by side.
    """
    settings, db = opened()
    with db.writer() as conn:
        scope, scope_id = _scope(conn, settings, site, device, own=own)
        wanted = people.Wanted(kind, scope, scope_id, mode, language, paper, digest, csv)
        people.subscribe(conn, email, wanted, actor=getpass.getuser(), now=utc_now())
    what = {"alert": "alerts", "incident": "everything about incidents"}.get(kind, f"the {kind} report")
    say(f"● {email} gets {what} of {_called(site, device, own=own)}{', in one mail' if digest else ''}")


@app.command()
def unsubscribe(
    email: Annotated[str, typer.Argument()],
    site: SiteOption = None,
    device: DeviceOption = None,
    own: Annotated[bool, typer.Option("--own", help="Only those of their own sites.")] = False,
    fleet_only: Annotated[bool, typer.Option("--fleet-only", help="Only those of the whole fleet.")] = False,
    kind: Annotated[people.Kind | None, typer.Option(help="Only this kind.")] = None,
) -> None:
    """End somebody's subscriptions: all of them, or those of a kind, a site, a device or the fleet."""
    settings, db = opened()
    with db.writer() as conn:
        if fleet_only and (site is not None or device is not None or own):
            raise SettingsError("say one of --site, --device, --own and --fleet-only")
        some = site is not None or device is not None or own or fleet_only
        scope, scope_id = _scope(conn, settings, site, device, own=own) if some else (None, None)
        ended = people.unsubscribe(
            conn, email, scope=scope, scope_id=scope_id, kind=kind, actor=getpass.getuser(), now=utc_now()
        )
        if not ended:
            active = [s for s in people.subscriptions(conn) if s.active]
            if any(s.email.casefold() == email.strip().casefold() for s in active):
                raise SettingsError(
                    f"{email} has subscriptions, but none like that: `homepot-ai subscriptions` lists them"
                )
            known = [s.email for s in active]
            raise NotFound("such subscription of", email, list(dict.fromkeys(known))[:3])
    say(f"● {ended} subscription(s) of {email} ended")


def _scope(
    conn: Connection, settings: Settings, site: str | None, device: str | None, *, own: bool
) -> tuple[people.Scope, int | None]:
    if (site is not None) + (device is not None) + own > 1:
        raise SettingsError("say one of --site, --device and --own; each subscription is of its own")
    if site is not None:
        return "site", fleet.resolve_site(conn, settings, site).id
    if device is not None:
        return "device", fleet.resolve_device(conn, device).id
    return ("own" if own else "fleet"), None


def _called(site: str | None, device: str | None, *, own: bool) -> str:
    return site or device or ("their own sites" if own else "the whole fleet")
