"""`homepot-ai ask "…"`: a question in plain words."""

from __future__ import annotations

import getpass
import json
from typing import Annotated, Literal

import typer

from homepot_ai.cli.common import moment, opened, say, utc_now

app = typer.Typer()


@app.command()
def ask(
    question: Annotated[list[str], typer.Argument(help='In English or German: "how is Till 3 at Berlin".')],
    mode: Annotated[
        Literal["maintenance", "predictive", "executive"] | None, typer.Option(help="How it is worded.")
    ] = None,
    language: Annotated[
        Literal["en", "de"] | None, typer.Option(help="Of the answer; else the question's.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Relative times are on its clock: Europe/Berlin.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="fast, balanced, accurate, or a model's name.")] = None,
    at: Annotated[str | None, typer.Option(help="A past moment: 2026-11-20T08:00 (UTC), or 12h.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as the HTTP door gives it.")] = False,
) -> None:
    """Answer a question about the fleet; `it` and `there` refer to your last one."""
    from homepot_ai.answers import query_page
    from homepot_ai.answers.contracts import Query
    from homepot_ai.answers.query import asked, asker_of, query
    from homepot_ai.language.ollama import model_of

    settings, db = opened()
    now = utc_now()
    wanted: Query = asked(
        question=" ".join(question), mode=mode, language=language, timezone=timezone, model=model
    )
    asker = asker_of(db, settings, _user())
    then = now if at is None else moment(at, now, back=True)
    patience = settings.ollama.form_deadline_seconds
    answer = query(db, settings, wanted, asker, model_of(settings, db), then, patience_s=patience)
    if as_json:
        # Not through the console: it would wrap the text.
        typer.echo(json.dumps(answer.model_dump(mode="json"), ensure_ascii=False, indent=2))
        return
    for line in query_page.lines(answer, language or asker.language):
        say(line)


def _user() -> str:
    """Who sits at the terminal: questions of one person refer to each other, not to another's."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
