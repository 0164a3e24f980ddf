"""`homepot-ai retention`, `archives` and `training-data`: what goes, what went, what is learned from."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown

from homepot_ai.cli.common import console, opened, say, utc_now
from homepot_ai.errors import ArchiveError, SettingsError
from homepot_ai.text import table

app = typer.Typer()


@app.command()
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, only count.")] = False,
) -> None:
    """What is past its time: counted, or with --apply archived, verified and removed."""
    from homepot_ai.retention.applying import apply_retention

    settings, db = opened()
    summary = apply_retention(
        db, settings, utc_now(), not apply, lambda part: say(f"● {part.what}: {part.rows}")
    )
    console.print(Markdown(summary.markdown()))
    if summary.failed:
        raise ArchiveError(summary.line)


@app.command()
def archives(
    verify: Annotated[bool, typer.Option("--verify", help="Read each again and compare its hash.")] = False,
) -> None:
    """Every archive that was made: what it holds, and with --verify whether it is what it was."""
    from homepot_ai.retention import archive

    settings, db = opened()
    if verify:
        checked = archive.check(db, settings)
        wrong = [f"{one.archive.path} {one.wrong}" for one in checked if one.wrong]
        for path in archive.unrecorded(db, settings):
            say(f"▲ {path.name} is no archive yet: a killed run left it, or somebody put it there")
        for said in wrong:
            say(f"■ {said}")
        if wrong:
            raise ArchiveError(
                f"{len(wrong)} of {len(checked)} archives are not what they were: bring them back from a copy"
            )
        say(f"● {len(checked)} archives are as they were made")
        return
    with db.reader() as conn:
        known = archive.listed(conn)
    if not known:
        say("nothing was archived yet")
        return
    rows = [(one.path, f"{one.row_count}", f"{one.bytes}", f"{one.made_at:%Y-%m-%d}") for one in known]
    say(table(("archive", "rows", "bytes", "made"), rows, "0< 0> 0> 0<"))
    say(f"{len(known)} archives in {archive.folder_of(settings)}")


@app.command("training-data")
def training_data(
    month: Annotated[str, typer.Option(help="A month (2026-10); none: what is missing of the window.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder; default: training in the state folder.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Write closed incidents as examples to learn from, without personal data: JSONL, a file a month."""
    from homepot_ai.retention.training import export

    settings, db = opened()
    done = export(db, settings, utc_now(), month=_month(month), folder=out, dry_run=dry_run)
    console.print(Markdown(done.markdown()))


def _month(typed: str) -> date | None:
    if not typed:
        return None
    try:
        return date.fromisoformat(f"{typed}-01")
    except ValueError:
        raise SettingsError(f"{typed!r} is no month; write for example 2026-10") from None
