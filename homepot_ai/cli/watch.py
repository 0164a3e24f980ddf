"""Looking after ourselves, from the command line: status, alarms, metrics."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer

from homepot_ai.cli.common import say, utc_now
from homepot_ai.errors import DatabaseError, SettingsError
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database

app = typer.Typer()


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    system_only: Annotated[bool, typer.Option("--system", help="Without the fleet.")] = False,
) -> None:
    """The fleet and the system at a glance, looked at now. Ends with 1 when a part is down."""
    from homepot_ai import overview

    current, now = load_settings(), utc_now()
    db = _database(current)
    itself = overview.system(db, current, now)
    if as_json:
        say(orjson.dumps(itself.record(now), option=orjson.OPT_INDENT_2).decode())
        raise typer.Exit(1 if itself.state == "down" else 0)
    screen = overview.page(itself.parts, itself.alarms, now)
    if db is not None and not system_only:
        try:
            screen = overview.overview(db, current, now, itself)
        except DatabaseError as error:
            say(f"the fleet is not known: {error}\n")
    say(screen)
    raise typer.Exit(1 if itself.state == "down" else 0)


@app.command("alarms")
def alarms_command(
    action: Annotated[
        Literal["list", "test", "check-server"],
        typer.Argument(help="test: tell everybody something harmless. check-server: tell if it is away."),
    ] = "list",
    days: Annotated[int, typer.Option(min=0, max=92, help="Also what is over, of so many days.")] = 2,
    patience: Annotated[float, typer.Option(min=0, help="Seconds that the Prefect server may be away.")] = 60,
) -> None:
    """What is wrong with this system itself, who is told, and whether a test reaches them."""
    from homepot_ai.overview import alarm_line
    from homepot_ai.watch import alarms, service

    current, now = load_settings(), utc_now()
    if action == "check-server":
        _check_server(current, patience)
        return
    db = _database(current)
    if action == "test":
        _test(db, current)
        return
    lasting = service.known(db, current, now).lasting
    for alarm in lasting:
        say(alarm_line(alarm, now))
        told = f"told {alarm.told_at:%Y-%m-%d %H:%M} UTC" if alarm.known else "told to nobody yet"
        say(f"    {alarm.detail}")
        say(f"    {alarm.key}: seen {alarm.count} times since {alarm.first_at:%Y-%m-%d %H:%M} UTC, {told}")
    if not lasting:
        say("● no alarm is open")
    over = []
    if db is not None and days:
        try:
            with db.reader() as conn:
                over = alarms.recent_alarms(conn, now - timedelta(days=days))
        except DatabaseError as error:
            say(f"what is over is not known: {error}")
    for alarm in over:
        say(f"● over since {alarm.resolved_at:%Y-%m-%d %H:%M} UTC: {alarm.title}")
    if waiting := alarms.spool_of(current).waiting(now):
        say(f"▲ {len(waiting)} letters wait on this machine, past the database")
    to = alarms.recipients(current)
    say(f"told: {', '.join(map(str, to)) or 'nobody (settings watch.mail_to, watch.channels)'}")


def _check_server(settings: Settings, patience_s: float) -> None:
    from homepot_ai.watch import alarms, scheduler

    seen = scheduler.tell_if_away(settings, patience_s=patience_s)
    if seen.state == "ok":
        return
    to = ", ".join(map(str, alarms.recipients(settings))) or "nobody (settings watch.mail_to, watch.channels)"
    say(f"▲ {seen.detail}; told: {to}")
    raise typer.Exit(1)


def _test(db: Database | None, settings: Settings) -> None:
    from homepot_ai.watch import alarms, keys

    if not alarms.recipients(settings):
        raise SettingsError("nobody is told of alarms: name somebody in watch.mail_to or watch.channels")
    now = utc_now()
    key = f"test {now:%Y%m%dT%H%M%S}"
    alarms.raise_alarm(
        db, settings, key, severity="warning", title="Test of the alarms", runbook="check-services", now=now,
        detail=f"Nothing is wrong. {os.environ.get('USER', 'somebody')} asked whether alarms arrive here.",
    )  # fmt: skip
    alarms.clear_alarm(db, settings, key, now=now, quietly=True)
    sent, waiting = alarms.send_spooled(settings, now=now)
    said = (
        f"{sent} sent from this machine, {waiting} wait here"
        if sent or waiting
        else "queued: `deliver` sends it"
    )
    say(f"● a test for {', '.join(map(str, alarms.recipients(settings)))}: {said} ({keys.page('deliver')})")


@app.command()
def metrics(
    out: Annotated[
        Path | None, typer.Option(help="Write them here at once, for node_exporter's textfile collector.")
    ] = None,
) -> None:
    """Everything that Prometheus may read of fleet and system, once. The HTTP door has it at /metrics."""
    from homepot_ai.watch import exporter

    current = load_settings()
    text = exporter.once(_database(current), current, utc_now())
    if out is None:
        say(text.decode().rstrip())
        return
    if not out.absolute().parent.is_dir():
        raise SettingsError(f"--out names a file in a folder that is there; {out} does not")
    part = out.with_name(f".{out.name}.part")
    part.write_bytes(text)
    part.replace(out)
    say(f"● {out}")


def _database(settings: Settings) -> Database | None:
    try:
        return Database.from_settings(settings)
    except DatabaseError:
        return None
