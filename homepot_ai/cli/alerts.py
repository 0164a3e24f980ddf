"""`homepot-ai` commands about alerts: who is told of what, and how that does."""

from __future__ import annotations

import getpass
from typing import Annotated, Literal

import typer
from rich.markdown import Markdown

from homepot_ai.cli.common import console, opened, say, utc_now
from homepot_ai.text import table

app = typer.Typer()


@app.command()
def routes(
    action: Annotated[Literal["list", "add", "remove", "test"], typer.Argument()] = "list",
    name: Annotated[str, typer.Argument(help="A route's name or number.")] = "",
    to: Annotated[str, typer.Option(help="A mail address, or a channel of the settings.")] = "",
    site: Annotated[str, typer.Option(help="A site's name, public id or number; else every site.")] = "",
    device_types: Annotated[str, typer.Option(help="Only these, separated by commas.")] = "",
    severity: Annotated[
        Literal["info", "warning", "critical"], typer.Option(help="From this on.")
    ] = "warning",
    kinds: Annotated[str, typer.Option(help="Only these messages, e.g. opened,recovered.")] = "",
    days: Annotated[str, typer.Option(help="mon-fri, or sat,sun; else every day.")] = "",
    hours: Annotated[str, typer.Option(help="Local time, 08:00-18:00 or 22:00-06:00; else all day.")] = "",
    timezone: Annotated[str, typer.Option(help="Of the hours; else the site's, or the fleet's.")] = "",
    outside: Annotated[
        Literal["wait", "skip"], typer.Option(help="Outside the hours: wait for them, or tell nothing.")
    ] = "wait",
    after: Annotated[int, typer.Option(help="Minutes without acknowledgement: makes it an escalation.")] = 0,
    renotify: Annotated[int, typer.Option(help="Remind every so many minutes; 0: never.")] = 0,
) -> None:
    """List who is told of incidents, add or remove a route, or send a test message by one."""
    from homepot_ai.alerts import rules, rules_page

    settings, db = opened()
    if action == "list":
        with db.reader() as conn:
            found = rules.listing(conn, settings)
        if not found:
            say("nobody is told of incidents yet: homepot-ai routes add NAME --to ops@example.org")
            return
        say(table(rules_page.HEADER, found, "0> 0< 0< 0< 0< 0< 0<"))
        return
    wanted = rules.NewRoute(
        name=name, to=to, site=site, device_types=device_types, severity=severity, kinds=kinds, days=days,
        hours=hours, timezone=timezone, outside=outside, after_minutes=after, renotify_minutes=renotify,
    )  # fmt: skip
    say(f"● {rules_page.act(db, settings, action, wanted, by=getpass.getuser(), now=utc_now())}")
    if action == "test":
        say("  It goes within five minutes, or at once with: homepot-ai run deliver")


@app.command()
def alerts(
    days: Annotated[int, typer.Option(min=1, max=90, help="How far back to look.")] = 7,
) -> None:
    """Pages per day and site against the budget, the noisiest rules, what was silenced."""
    from homepot_ai.alerts.review import review

    settings, db = opened()
    console.print(Markdown(review(db, settings, now=utc_now(), days=days).markdown()))
