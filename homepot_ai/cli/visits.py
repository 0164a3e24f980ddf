"""`homepot-ai` commands about visits, what happened to devices, and how good the forecasts were."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown

from homepot_ai.cli.common import LARGEST, console, moment, opened, say, utc_now, write_whole
from homepot_ai.errors import PredictionError, SettingsError
from homepot_ai.fleet.devices import resolve_device, resolve_site
from homepot_ai.prediction import deciding, outcomes_page, visits_page
from homepot_ai.prediction import outcomes as recording
from homepot_ai.store.outcomes import KINDS, Kind
from homepot_ai.text import table

app = typer.Typer()
visits_app = typer.Typer(help="Maintenance visits: list, accept, decline, done.")
outcome_app = typer.Typer(help="What devices went through: failures, replacements, maintenance.")
app.add_typer(visits_app, name="visits")
app.add_typer(outcome_app, name="outcome")

By = Annotated[str | None, typer.Option(help="Who; default you.")]
Comment = Annotated[str, typer.Option(help="In your own words.")]
Numbers = Annotated[list[int], typer.Argument(max=LARGEST, help="Numbers of visits, as listed.")]
At = Annotated[str | None, typer.Option(help="2026-11-20T14:30 (UTC), or 2h for two hours ago.")]


@visits_app.callback(invoke_without_command=True)
def visits(
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="A site's name, public id or number; else all.")] = None,
    ics: Annotated[Path | None, typer.Option(help="Write them as a calendar into this file.")] = None,
) -> None:
    """List proposed and accepted visits; write them as a calendar."""
    from homepot_ai.prediction import calendars

    if context.invoked_subcommand is not None:
        return
    settings, db = opened()
    if ics is not None and (ics.is_dir() or not ics.absolute().parent.is_dir()):
        raise SettingsError(f"--ics names a file in a folder that is there; {ics} does not")
    with db.reader() as conn:
        chosen = None if site is None else resolve_site(conn, settings, site).id
        found = calendars.read(conn, utc_now(), chosen)
    live = [v for v in found.visits if v.state in ("proposed", "accepted")]
    if live:
        rows = [visits_page.cells(visit, found.names, utc_now()) for visit in live]
        say(table(visits_page.HEADER, rows, "0> 0< 0< 0< 0< 0< 0< 0>"))
    else:
        say("no visit is proposed or accepted")
    if ics is not None:
        write_whole(ics, calendars.content(found, settings))
        say(f"● {ics}")


def _decide(numbers: Sequence[int], decision: deciding.Decision, by: str | None, comment: str) -> None:
    from homepot_ai.prediction import calendars

    settings, db = opened()
    for number in numbers:
        done = deciding.decide(
            db, number, decision, by=by or getpass.getuser(), comment=comment, now=utc_now()
        )
        say(f"● {done.said}")
    calendars.write(db, settings, utc_now())


@visits_app.command()
def accept(numbers: Numbers, by: By = None, comment: Comment = "") -> None:
    """Somebody goes: these visits stay where they are."""
    _decide(numbers, "accept", by, comment)


@visits_app.command()
def decline(numbers: Numbers, by: By = None, comment: Comment = "") -> None:
    """Nobody goes: not proposed again for the same cause until the risk is higher."""
    _decide(numbers, "decline", by, comment)


@visits_app.command("done")
def visit_done(numbers: Numbers, at: At = None, by: By = None, comment: Comment = "") -> None:
    """Somebody was there: the devices were maintained then."""
    from homepot_ai.prediction import calendars

    settings, db = opened()
    by, now = by or getpass.getuser(), utc_now()
    when = None if at is None else moment(at, now, back=True)
    for number in numbers:
        say(f"● {deciding.done(db, number, at=when, by=by, comment=comment, now=now).said}")
    calendars.write(db, settings, now)


@outcome_app.command("add")
def outcome_add(
    device: Annotated[str, typer.Argument(help="A device's name, public id or number.")],
    kind: Annotated[str, typer.Argument(help="failure, replaced, maintained or retired.")],
    at: At = None,
    cause: Annotated[str, typer.Option(help="What it was, e.g. disk.")] = "",
    comment: Comment = "",
    by: By = None,
) -> None:
    """Record what a device went through: forecasts are settled against it, models learn from it."""
    if kind not in KINDS:
        raise PredictionError(f"{kind!r} is nothing that a device goes through: use {', '.join(KINDS)}")
    known: Kind = kind
    _, db = opened()
    now = utc_now()
    recorded = recording.add(
        db, device, known, at=now if at is None else moment(at, now, back=True),
        cause=cause, comment=comment, by=by or getpass.getuser(), now=now,
    )  # fmt: skip
    say(f"● outcome {recorded.outcome.id}: {outcomes_page.headline(recorded)}")


@outcome_app.command("withdraw")
def outcome_withdraw(
    number: Annotated[int, typer.Argument(max=LARGEST, help="The number of an outcome, as listed.")],
    by: By = None,
) -> None:
    """Take an outcome back: it was none."""
    _, db = opened()
    recorded = recording.withdraw(db, number, by=by or getpass.getuser(), now=utc_now())
    say(f"● {outcomes_page.headline(recorded, withdrawn=True)}")


@outcome_app.command("list")
def outcome_list(
    device: Annotated[str | None, typer.Argument(help="A device's name, public id or number.")] = None,
) -> None:
    """The newest outcomes, of a device or all."""
    from homepot_ai.store import episodes, outcomes

    _, db = opened()
    with db.reader() as conn:
        chosen = None if device is None else resolve_device(conn, device).id
        found = outcomes.newest(conn, chosen)
        names = episodes.names(conn, [one.device_id for one in found])
    if not found:
        say("no outcome is recorded yet")
        return
    say(table(outcomes_page.HEADER, [outcomes_page.cells(one, names) for one in found], "0> " + "0< " * 7))


@app.command("track-record")
def track_record(
    at: Annotated[str | None, typer.Option(help="As of 2026-11-20T14:30 (UTC), or 2d ago; else now.")] = None,
) -> None:
    """How good the forecasts and warnings were so far, and the thresholds that this teaches."""
    from homepot_ai.prediction import record_page
    from homepot_ai.prediction import track_record as record

    _, db = opened()
    with db.reader() as conn:
        found = record.current(conn, utc_now() if at is None else moment(at, utc_now(), back=True))
    console.print(Markdown("\n".join(record_page.page(found))))


@app.command()
def insights(
    site: Annotated[str, typer.Argument(help="A site's name, public id or number.")],
    days: Annotated[int, typer.Option(min=1, max=92, help="How far back.")] = 30,
) -> None:
    """A site's last days: health, findings, predicted issues, costs, actions and whether they worked."""
    from homepot_ai.reporting import insight, insight_page

    settings, db = opened()
    found = insight.gather(db, settings, site, days, utc_now())
    console.print(Markdown(insight_page.page(found)))
