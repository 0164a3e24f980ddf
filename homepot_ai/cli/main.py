"""`homepot-ai`: the command line. What needs Prefect (up, run) joins by entry point."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from homepot_ai import __version__
from homepot_ai.cli import (
    alerts,
    api,
    ask,
    backup,
    fleet,
    hazards,
    incidents,
    marks,
    memory,
    models,
    post,
    predict,
    reports,
    retention,
    security,
    visits,
    watch,
)
from homepot_ai.cli.common import write_whole
from homepot_ai.errors import HomepotAIError, SettingsError
from homepot_ai.settings import load_settings, settings_file, settings_for
from homepot_ai.store.database import Database
from homepot_ai.text import clean
from homepot_ai.text import table as columns

app = typer.Typer(
    help="Scheduled AI operations for HOMEPOT fleets.", no_args_is_help=True, add_completion=False
)
db_app = typer.Typer(help="Our tables in the database.", no_args_is_help=True)
app.add_typer(db_app, name="db")
app.add_typer(fleet.app)
app.add_typer(marks.app)
app.add_typer(alerts.app)
app.add_typer(incidents.app)
app.add_typer(memory.app)
app.add_typer(post.app)
app.add_typer(predict.app)
app.add_typer(visits.app)
app.add_typer(hazards.app)
app.add_typer(reports.app)
app.add_typer(retention.app)
app.add_typer(ask.app)
app.add_typer(api.app)
app.add_typer(models.app)
app.add_typer(backup.app)
app.add_typer(security.app)
app.add_typer(watch.app)
console = Console(highlight=False)
# Variables that nobody typed: a demo's folder put them into the environment.
_by_the_demo: set[str] = set()


def main() -> None:
    """Run the command line; an error on purpose is one message and exit code 1, not a traceback."""
    for point in sorted(entry_points(group="homepot_ai.commands"), key=lambda p: p.name, reverse=True):
        loaded = point.load()
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=point.name)
        else:
            app.command(point.name)(loaded)
    try:
        # A folder that was brought up as a demo is one, also in another shell.
        if not {"up", "--help"} & set(sys.argv[1:]):
            typed = set(os.environ)
            settings_for(None)
            _by_the_demo.update(set(os.environ) - typed)
        app()
    except HomepotAIError as error:
        Console(stderr=True, highlight=False).print(
            f"homepot-ai: {error}", style="red", markup=False, soft_wrap=True
        )
        sys.exit(1)


def _now() -> datetime:
    return datetime.now(UTC)


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)


@db_app.command("upgrade")
def db_upgrade(
    add_indexes: Annotated[
        bool, typer.Option(help="Also build the indexes that our readers need on HOMEPOT's tables.")
    ] = False,
) -> None:
    """Create or migrate our tables and roles; older ones are dumped first. HOMEPOT's own are left alone."""
    from homepot_ai.backup import upgrading

    settings = load_settings()
    allowed = add_indexes or settings.database.may_add_indexes
    db = Database.from_settings(settings)
    for line in upgrading.upgrade(db, settings, _now(), may_add_indexes=allowed):
        console.print(f"● {line}")


@db_app.command("query")
def db_query(statement: Annotated[str, typer.Argument(help="One SELECT, in quotes.")]) -> None:
    """Read with one SELECT, as a role that can change nothing: at most 200 rows, within 30 seconds."""
    from homepot_ai.store import reading

    found = reading.read(Database.from_settings(load_settings()), statement)
    if found.columns:
        rows = [tuple(_cell(value) for value in row) for row in found.rows]
        layout = " ".join("0>" if number else "0<" for number in found.numbers)
        shown = columns(tuple(_cell(name) for name in found.columns), rows, layout, indent=0)
        console.print(shown, markup=False, soft_wrap=True)
    count = len(found.rows)
    said = "1 row" if count == 1 else f"{count} rows"
    if found.more:
        said = f"the first {said}; there are more: narrow it down, or say ORDER BY, LIMIT and OFFSET"
    console.print(f"● {said}", markup=False, soft_wrap=True)


def _cell(value: str | None) -> str:
    """A value on one line; nothing of a long name is cut, of a whole document its end."""
    if value is None:
        return "NULL"
    return clean(value, 1000) if value.strip() else ""


@app.command()
def reshard() -> None:
    """After scoring.shards was changed: redistribute what was learned. `homepot-ai up` does it as well."""
    from homepot_ai.health.resharding import reshard as redistribute

    current = load_settings()
    done = redistribute(Database.from_settings(current), current, now=_now())
    said = str(done or f"nothing to do: the state is one of {current.scoring.shards} shard(s)")
    console.print(f"● {said}", markup=False, soft_wrap=True)


@app.command()
def settings() -> None:
    """Print every setting in force and where it comes from. Secrets are not printed."""
    current = load_settings()
    file = settings_file()
    written = _file_names(file)
    rows = []
    for name, value in _leaves(current):
        variable = "HOMEPOT_AI_" + name.replace(".", "__").upper()
        source = "default"
        if variable in _by_the_demo:
            source = "the demo"
        elif variable in os.environ:
            source = f"environment {variable}"
        elif any(name == w or name.startswith(f"{w}.") for w in written):
            source = f"file {file.name}"
        rows.append((name, value, source))
    # Names are there to be copied: the terminal may wrap them, nothing is cut.
    console.print(columns(("setting", "value", "from"), rows, "0< 0< 0<"), markup=False, soft_wrap=True)


def _leaves(tree: BaseModel, prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in type(tree).model_fields:
        value = getattr(tree, name)
        path = f"{prefix}{name}"
        if isinstance(value, BaseModel):
            found += _leaves(value, f"{path}.")
        elif isinstance(value, SecretStr):
            found.append((path, "(set, not shown)"))
        elif isinstance(value, dict) and value and all(isinstance(v, SecretStr) for v in value.values()):
            found += [(f"{path}.{key}", "(set, not shown)") for key in value]
        elif isinstance(value, dict) and value and all(isinstance(v, BaseModel) for v in value.values()):
            for key, item in value.items():
                found += _leaves(item, f"{path}.{key}.")
        else:
            found.append((path, "-" if value is None else str(value)))
    return found


def _file_names(file: Path) -> set[str]:
    import yaml

    if not file.exists():
        return set()

    def walk(tree: object, prefix: str) -> set[str]:
        if not isinstance(tree, dict):
            return {prefix.rstrip(".")}
        return set().union(*(walk(v, f"{prefix}{k}.") for k, v in tree.items()), set())

    return walk(yaml.safe_load(file.read_text(encoding="utf-8")) or {}, "")


@app.command()
def doctor() -> None:
    """One screen: what is there, missing, too old or unreachable, and what to do."""
    from homepot_ai.doctor import examine

    findings = examine(load_settings(), _now())
    marks = {"ok": "[green]● ok[/]", "degraded": "[yellow]▲ look[/]", "down": "[red]■ broken[/]"}
    table = Table("", "what", "what was found", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(marks[finding.state], finding.service, _plain(finding.detail))
    console.print(table)
    raise typer.Exit(1 if any(f.state == "down" for f in findings) else 0)


@app.command()
def mailbox(number: Annotated[int | None, typer.Argument(help="Show this mail.")] = None) -> None:
    """List the mails that the local sink took, or show one."""
    from homepot_ai.reporting import mailbox as box

    folder = load_settings().var_dir / "mail"
    if number is not None:
        console.print(box.show(folder, number), markup=False, soft_wrap=True)
        return
    mails = box.list_mails(folder)
    if not mails:
        console.print(f"no mail in {folder} yet")
        return
    for mail in mails:
        console.print(str(mail), markup=False, soft_wrap=True)


@app.command()
def outbox(
    action: Annotated[Literal["list", "resend", "drop"], typer.Argument()] = "list",
    mail: Annotated[int | None, typer.Argument(help="The number of a mail, as listed.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; it goes into the audit log.")] = None,
    channels: Annotated[bool, typer.Option("--channels", help="Channel messages, not mails.")] = False,
) -> None:
    """What waits to be sent; decide about a mail or channel message whose outcome is not known."""
    from homepot_ai.store import outbox as store

    db = Database.from_settings(load_settings())
    if action == "list":
        for box in (store.MAILS, store.CHANNELS):
            with db.reader() as conn:
                found = [*store.attention(conn, box=box), *store.pending(conn, box=box)]
                summary = store.summary(conn, now=_now(), box=box)
            if box is store.MAILS or any(summary.counts.values()):
                console.print(summary.markdown(box), markup=False, soft_wrap=True)
            for line in found:
                console.print(str(line), markup=False, soft_wrap=True)
        return
    if mail is None:
        raise typer.BadParameter(f"say which mail to {action}: homepot-ai outbox {action} NUMBER")
    box = store.CHANNELS if channels else store.MAILS
    decide = store.resend if action == "resend" else store.drop
    with db.writer() as conn:
        decide(conn, mail, actor=os.environ.get("USER", "operator"), now=_now(), purpose=reason, box=box)
    console.print(f"● {box.noun} {mail}: {'queued again' if action == 'resend' else 'dropped'}")


@app.command("demo-truth")
def demo_truth() -> None:
    """What really happened in the sample fleet, beside what was found and what the reports say of it."""
    from homepot_ai.testing import sample

    current, now = load_settings(), _now()
    db = Database.from_settings(current)
    for lines in (sample.truth_beside_found(db, current, now), sample.truth_beside_reports(db, current, now)):
        if lines:
            console.print(f"{lines}\n", markup=False, soft_wrap=True)


@app.command("demo-outage")
def demo_outage(
    minutes: Annotated[int, typer.Option(help="How long the gateway is away, 1 to 240.")] = 25,
) -> None:
    """Demo only: the gateway and the twelve devices behind it fall silent, to see what is told of it."""
    from homepot_ai.testing import sample_outage

    made = sample_outage.stage(load_settings(), _now(), minutes)
    console.print(
        f"● {len(made.devices)} devices are silent until {made.ended:%H:%M} UTC. Look at "
        "`homepot-ai incidents` and `homepot-ai mailbox` in some minutes.",
        markup=False, soft_wrap=True,
    )  # fmt: skip


@app.command()
def backtest(
    start: Annotated[str | None, typer.Option(help="2026-11-13T00:00 (UTC); default a week earlier.")] = None,
    end: Annotated[str | None, typer.Option(help="2026-11-20T00:00 (UTC); default now.")] = None,
    site: Annotated[str | None, typer.Option(help="A site's name, public id or number; else all.")] = None,
    a: Annotated[list[str] | None, typer.Option(help="name=value; default what is in force.")] = None,
    b: Annotated[list[str] | None, typer.Option(help="name=value, to be compared with a.")] = None,
    number: Annotated[int | None, typer.Option(help="Fetch this one instead, as it was kept.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the PDF here.")] = None,
) -> None:
    """What a configuration would have paged over a past range; two of them side by side."""
    from homepot_ai.reporting import backtest_command as command

    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise SettingsError(f"--out names a file in a folder that is there; {out} does not")
    current = load_settings()
    db = Database.from_settings(current)
    if number is not None:
        path, made = out or Path(f"backtest-{number}.pdf"), command.fetch(db, number)
        write_whole(path, made)
        console.print(f"● {path}", markup=False, soft_wrap=True)
        return
    with console.status("backtest ...") as status:
        outcome = command.ask(
            db, current, start=start, end=end, site=site, a=a or [], b=b or [], now=_now(),
            show=lambda said: status.update(f"backtest: {said}"),
        )  # fmt: skip
    path = out or Path(f"backtest-{outcome.number}.pdf")
    write_whole(path, outcome.pdf)
    console.print(Markdown(outcome.markdown))
    console.print(f"● {path}", markup=False, soft_wrap=True)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
