"""`homepot-ai` commands about incidents: what is open, what happened, what people do with them; windows."""

from __future__ import annotations

import getpass
from datetime import date
from typing import Annotated, Literal

import typer

from homepot_ai.cli.common import LARGEST, Number, moment, opened, say, utc_now
from homepot_ai.errors import SettingsError
from homepot_ai.incidents import actions, page, planning_windows, reading
from homepot_ai.incidents.actions import Done
from homepot_ai.text import clean, table

app = typer.Typer()
By = Annotated[str | None, typer.Option(help="Who says so; default you.")]
Comment = Annotated[str | None, typer.Option(help="In a few words, for whoever reads it later.")]


@app.command()
def incidents(
    device: Annotated[str | None, typer.Option(help="Of this device: name, public id or number.")] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    since: Annotated[str | None, typer.Option(help="Opened since: 2026-11-20, or 24h, 7d.")] = None,
) -> None:
    """List incidents, open ones first, the gravest of them first."""
    _, db = opened()
    now = utc_now()
    begun = None if since is None else moment(since, now, back=True)
    open_only = not (all_of_them or since)
    found = reading.opened(db, open_only=open_only, since=begun, device=device)
    if not found:
        say("no incident is open" if open_only else "no incidents")
        return
    head = ("id", "severity", "what", "state", "since", "how sure", "mark")
    say(table(head, page.rows_of(found, now), "0> 0< 0< 0< 0< 0< 0<"))
    say("  homepot-ai incident ID tells what happened; acknowledge, snooze, close, mark --incident")


@app.command()
def incident(number: Number) -> None:
    """Tell an incident from its beginning: what it is, what happened, who did what."""
    _, db = opened()
    for line in page.story_lines(reading.story(db, number), utc_now()):
        say(line)


@app.command()
def acknowledge(number: Number, comment: Comment = None, by: By = None) -> None:
    """Say that you look after an incident."""
    settings, db = opened()
    _done(
        actions.acknowledge(
            db, settings, number, by=by or getpass.getuser(), comment=comment, now=utc_now(), source="cli"
        )
    )


@app.command()
def snooze(
    number: Number,
    until: Annotated[str, typer.Argument(help="For 30m, 4h or 2d, or until 2026-11-21T08:00 (UTC).")],
    comment: Comment = None,
    by: By = None,
) -> None:
    """Have no more told of an incident for a while; then it is told again, if it is still ill."""
    settings, db = opened()
    now = utc_now()
    _done(
        actions.snooze(
            db, settings, number, until=moment(until, now), by=by or getpass.getuser(), comment=comment,
            now=now, source="cli",
        )
    )  # fmt: skip


@app.command()
def close(
    number: Number,
    resolution: Annotated[str, typer.Argument(help="What was the matter, and what was done.")],
    by: By = None,
) -> None:
    """Close an incident by hand, with what solved it."""
    settings, db = opened()
    by = by or getpass.getuser()
    _done(actions.close(db, settings, number, by=by, resolution=resolution, now=utc_now(), source="cli"))


@app.command()
def window(
    action: Annotated[Literal["list", "add", "cancel"], typer.Argument()] = "list",
    name: Annotated[str, typer.Argument(help="Of a new one its name, else the number to cancel.")] = "",
    scope: Annotated[Literal["site", "device", "fleet"], typer.Option(help="Whom it is about.")] = "site",
    of: Annotated[str, typer.Option(help="The site's or device's name, public id or number.")] = "",
    starts: Annotated[str | None, typer.Option(help="Once: 2026-11-22T20:00 (UTC).")] = None,
    minutes: Annotated[int, typer.Option(help="How long it lasts.")] = 0,
    weekdays: Annotated[str, typer.Option(help="Recurring: sat,sun or mon-fri or daily.")] = "",
    clock: Annotated[str, typer.Option(help="Recurring: when it starts on the wall's clock, 22:00.")] = "",
    timezone: Annotated[str, typer.Option(help="The clock's zone; default the site's own.")] = "",
    valid_from: Annotated[str | None, typer.Option(help="Its first day, 2026-11-22.")] = None,
    valid_until: Annotated[str | None, typer.Option(help="Its last day.")] = None,
    comment: Annotated[str, typer.Option(help="More about it.")] = "",
    by: By = None,
) -> None:
    """Times in which incidents are recorded and not told: list, add or cancel them."""
    settings, db = opened()
    now, who = utc_now(), by or getpass.getuser()
    if action == "cancel":
        if not name.isdigit():
            raise SettingsError("say which window: homepot-ai window cancel NUMBER")
        say(f"● {planning_windows.cancel(db, min(int(name), LARGEST), by=who, now=now, source='cli').said}")
        return
    if action == "add":
        asked = planning_windows.Asked(
            name, scope, of, None if starts is None else moment(starts, now), None, minutes, weekdays, clock,
            timezone, _day(valid_from), _day(valid_until), comment,
        )  # fmt: skip
        say(f"● {planning_windows.add(db, settings, asked, by=who, now=now, source='cli').said}")
        return
    listing = planning_windows.listing(db, settings, now)
    rows = [
        (str(w.id), called, clean(w.name), planning_windows.words(w), "yes" if until else "")
        for w, called, until in listing.windows
    ]
    head = ("id", "for", "name", "when", "now")
    say(table(head, rows, "0> 0< 0< 0< 0<") if rows else "no window of ours is planned")
    for silenced in listing.silenced:
        became = silenced.outcome.replace("_", " ") if silenced.outcome else "still"
        say(f"  not told ({silenced.why}, {became}): incident {silenced.incident_id}, {silenced.title}")


def judged(number: int, verdict: Literal["true", "false", "withdrawn"], by: str, comment: str | None) -> None:
    """`homepot-ai mark NUMBER VERDICT --incident`."""
    settings, db = opened()
    _done(actions.mark(db, settings, number, verdict, by=by, comment=comment, now=utc_now(), source="cli"))


def _done(done: Done) -> None:
    say(f"● {clean(done.said, 400)}")
    say(f"  {done.incident.title}")
    if done.marked:
        say(f"  {done.marked} anomalies that are its evidence have the same verdict now")
    for moved in done.moved:
        say(f"  threshold of {clean(moved.device_type)}: {clean(moved.reason, 400)}")


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no day; write for example 2026-11-22") from None
