"""`homepot-ai` commands about anomalies: which there were, whether they were right, what that moved."""

from __future__ import annotations

import getpass
from typing import Annotated, Literal

import typer

from homepot_ai.cli import incidents as incidents_cli
from homepot_ai.cli.common import LARGEST, moment, opened, say, utc_now
from homepot_ai.errors import SettingsError
from homepot_ai.fleet import devices as fleet
from homepot_ai.health import marking, marks_page
from homepot_ai.store import marks
from homepot_ai.text import clean, table

app = typer.Typer()
SHOWN = 50


@app.command()
def anomalies(
    device: Annotated[str | None, typer.Option(help="Of this device: name, public id or number.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    since: Annotated[
        str | None, typer.Option(help="Begun since: 2026-11-20, 2026-11-20T08:15 (UTC), or 24h, 7d.")
    ] = None,
) -> None:
    """List anomalies with their ids, the newest first."""
    _, db = opened()
    begun = None if since is None else moment(since, utc_now(), back=True)
    with db.reader() as conn:
        who = None if device is None else fleet.resolve_device(conn, device).id
        found = marks.anomalies(conn, device_id=who, open_only=open_only, since=begun, limit=SHOWN + 1)
    if not found:
        say("no anomalies")
        return
    rows = [
        (
            str(a.id),
            marking.name_of(a),
            marking.span(a),
            a.severity,
            marking.verdict_of(a.mark) or "-",
            marking.why(a),
        )
        for a in found[:SHOWN]
    ]
    say(table(("id", "device", "open", "severity", "mark", "why"), rows, "0> 0< 0< 0< 0< 0<"))
    if len(found) > SHOWN:
        say(f"  and older ones; narrow with --device, --open or --since (the newest {SHOWN} are shown)")
    say("  was it right?  homepot-ai mark ID true|false|withdrawn")


@app.command()
def mark(
    number: Annotated[
        int,
        typer.Argument(
            max=LARGEST, help="The anomaly's id, as `homepot-ai anomalies` lists it, or an incident's."
        ),
    ],
    verdict: Annotated[Literal["true", "false", "withdrawn"], typer.Argument(help="Was it right?")],
    by: Annotated[str | None, typer.Option(help="Who says so; default you.")] = None,
    comment: Annotated[str | None, typer.Option(help="What was the matter.")] = None,
    incident: Annotated[
        bool, typer.Option("--incident", help="The number is an incident's: all of its anomalies.")
    ] = False,
) -> None:
    """Say whether an anomaly was right, or take it back. Moves the device type's alarm threshold."""
    if incident:
        incidents_cli.judged(number, verdict, by or getpass.getuser(), comment)
        return
    settings, db = opened()
    marked = marking.mark(
        db, settings, verdict,
        anomaly=number, by=by or getpass.getuser(), comment=comment, source="cli", now=utc_now(),
    )  # fmt: skip
    anomaly = marked.anomaly
    say(f"● {clean(marks_page.headline(marked), 300)}")
    say(f"  {marking.name_of(anomaly)}, {marking.span(anomaly)}: {marking.why(anomaly)}")
    if marked.moved is None:
        say(f"  {marked.unmoved}")
    else:
        say(f"  threshold of {clean(marked.moved.device_type)}: {clean(marked.moved.reason, 400)}")


@app.command()
def thresholds(
    action: Annotated[Literal["list", "reset"], typer.Argument()] = "list",
    device_type: Annotated[str | None, typer.Argument(help="The device type to reset.")] = None,
) -> None:
    """How far marks moved the alarm of each device type; put one back to the designed threshold."""
    _, db = opened()
    if action == "reset":
        if device_type is None:
            raise SettingsError("say which device type: homepot-ai thresholds reset TYPE")
        moved = marking.reset(db, device_type, by=getpass.getuser(), now=utc_now())
        say(f"● alarm threshold of {clean(device_type)} is as designed again ({moved.before:+.2f} before)")
        say("  Marks made before count no more; new ones do.")
        return
    with db.reader() as conn:
        found = marks.thresholds(conn, utc_now())
    if not found:
        say("every alarm threshold is as designed: no mark has moved one")
        return
    rows = [
        (
            clean(t.device_type),
            marks_page.decades(t.offset),
            str(t.marked_true),
            str(t.marked_false),
            f"{t.decided_at:%Y-%m-%d %H:%M} UTC by {clean(t.decided_by)}",
            clean(t.reason, 400),
        )
        for t in found
        if device_type in (None, t.device_type)
    ]
    say(table(("device type", "moved by", "true", "false", "decided", "why"), rows, "0< 0< 0> 0> 0< 0<"))
