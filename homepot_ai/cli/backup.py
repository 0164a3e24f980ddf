"""`homepot-ai backup` and `homepot-ai restore`: make, list, question, put into force, go back."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from homepot_ai.cli.common import console, moment, opened, say, utc_now
from homepot_ai.errors import BackupError, DatabaseUnreachable
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.backup.records import Stored

LEAST_WIDTH = 120
app = typer.Typer()
backup_app = typer.Typer(help="Backups: list, make, question.", invoke_without_command=True)
app.add_typer(backup_app, name="backup")

Name = Annotated[str | None, typer.Argument(help="A backup's name, as listed, or an archive's path.")]


def show(page: str) -> None:
    """A page on the screen. Never so narrow that a name is folded: it is typed again."""
    Console(highlight=False, width=max(console.width, LEAST_WIDTH)).print(Markdown(page))


@backup_app.callback()
def backup(context: typer.Context) -> None:
    """Without a command: list them."""
    if context.invoked_subcommand is None:
        list_()


@backup_app.command("list")
def list_() -> None:
    """The backups that are there, and how the last drill of each went. Works without the database as well."""
    from homepot_ai.backup import page, service

    settings = load_settings()
    try:
        db = Database.from_settings(settings)
    except DatabaseUnreachable:
        db = Database("host=/nonexistent")
    show(page.listing(service.listed(db, settings, utc_now())))


@backup_app.command()
def now() -> None:
    """Make one, restore it into a scratch place, question it."""
    from homepot_ai.backup import page, places, service

    with _database() as (settings, db), console.status("backup ...") as status:
        made = service.make(
            db, settings, utc_now(), blocks=_blocks(settings), command=places.command_of(settings),
            actor=getpass.getuser(), told=lambda said: status.update(f"backup: {said}"),
        )  # fmt: skip
    show(page.made(made))


@backup_app.command()
def verify(name: Name = None) -> None:
    """Restore one (default: the newest) into a scratch place and question it. Nothing in use is touched."""
    from homepot_ai.backup import page, service

    with _database() as (settings, db), console.status("verify ...") as status:
        chosen = _chosen(settings, name, None)
        drill = service.verify(
            db, settings, utc_now(), chosen, told=lambda said: status.update(f"verify: {said}")
        )
    show("\n".join([f"**{chosen.name}**", "", *page.checks(drill.checks)]))
    raise typer.Exit(0 if drill.passed else 1)


@app.command()
def restore(
    name: Name = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    at: Annotated[
        str | None,
        typer.Option(help="The newest that was made until then: 2026-11-21, 2026-11-21T08:15 (UTC), 2d ago."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Back to what was in use before.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="No backup: the index out of PostgreSQL alone.")
    ] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="HOMEPOT's tables as well; only the embedded database's.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is put into force.")] = False,
) -> None:
    """Put a backup into force. What is in use is set aside, and --undo goes back to it."""
    from homepot_ai.backup import page, restoring

    if sum((undo, rebuild, name is not None or at is not None)) > 1 or ((undo or rebuild) and dry_run):
        raise BackupError(
            "say one thing: a backup (by name or --at, with or without --dry-run), --undo or --rebuild"
        )
    actor = getpass.getuser()
    with _database() as (settings, db):
        if rebuild:
            _rebuild(db, settings)
            return
        if undo:
            _sure(yes, "Go back to what was in use before the last restore?")
            show(page.restored(restoring.undo(db, settings, utc_now(), actor=actor)))
            return
        until = None if at is None else moment(at.removesuffix(" ago"), utc_now(), back=True)
        chosen = _chosen(settings, name, until)
        with console.status("restore: reading ...") as status:
            if dry_run:
                show(page.preview(restoring.preview(db, settings, chosen)))
                return
            status.stop()
            _sure(yes, f"Put {chosen.name} into force? What is in use is set aside.")
            status.start()
            result = restoring.restore(
                db, settings, chosen, utc_now(), whole=whole, actor=actor,
                told=lambda said: status.update(f"restore: {said}"),
            )  # fmt: skip
    show(page.restored(result))


def _rebuild(db: Database, settings: Settings) -> None:
    from homepot_ai.memory import keeping

    with console.status("rebuilding ..."):
        checked = keeping.rebuild(db, settings, utc_now(), afresh=True)
    for one in checked:
        say(f"● {one.collection}: {one}")


def _sure(yes: bool, question: str) -> None:
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True)


def _chosen(settings: Settings, name: str | None, until: datetime | None) -> Stored:
    """By name, by moment, the newest; or an archive that lies elsewhere, by its path."""
    from homepot_ai.backup import places
    from homepot_ai.backup.archive import SEALED
    from homepot_ai.backup.records import Stored

    if name is not None and "/" in name and (path := Path(name)).is_file():
        stat = path.stat()
        return Stored(
            path.name.split(".")[0], path.resolve(), datetime.fromtimestamp(stat.st_mtime, UTC), stat.st_size,
            path.name.endswith(SEALED),
        )  # fmt: skip
    return places.pick(places.stored(places.folder_of(settings)), name=name, at=until)


def _blocks(settings: Settings) -> list[Any]:
    from homepot_ai.answers.prefect_api import PrefectApi, PrefectDown

    api = PrefectApi(settings)
    try:
        return list(api.block_documents())
    except PrefectDown as error:
        say(f"▲ without Prefect's blocks: {error}")
        return []
    finally:
        api.close()


@contextmanager
def _database() -> Iterator[tuple[Settings, Database]]:
    """The database; the embedded one is started for the command when it is down."""
    from homepot_ai.store import embedded

    settings = load_settings()
    if settings.database_url is not None or embedded.running_url(settings.var_dir) is not None:
        yield opened()
        return
    server = embedded.start(settings.var_dir)
    try:
        yield opened()
    finally:
        server.stop()
