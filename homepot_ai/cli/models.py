"""`homepot-ai models` and `prefer`: what can word texts here, and how somebody reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import typer
from rich.markdown import Markdown

from homepot_ai.cli.common import console, opened, say, utc_now
from homepot_ai.store import llm, preferences
from homepot_ai.text import table

app = typer.Typer()

WEEK = timedelta(days=7)


@app.command()
def models(
    probe: Annotated[
        bool, typer.Option(help="Ask each new model something small: how it is to be asked.")
    ] = False,
) -> None:
    """Which language models are configured, installed and changed, and how calls ended in the last week."""
    from homepot_ai.language import survey
    from homepot_ai.language.ollama import Ollama

    settings, db = opened()
    if not settings.ollama.enabled:
        say("language models are switched off (ollama.enabled): every text is worded by its template")
    else:
        found = survey.look(Ollama.from_settings(settings, db), utc_now(), probe=probe)
        console.print(Markdown(found.markdown()))
    with db.reader() as conn:
        counted = llm.outcomes(conn, utc_now() - WEEK)
    if not counted:
        say("no model was asked in the last 7 days")
        return
    rows = [
        (one.outcome, f"{one.calls}", f"{one.p50_ms:.0f}", f"{one.p95_ms:.0f}", f"{one.verified}",
         f"{one.refused}")
        for one in counted
    ]  # fmt: skip
    say("calls of the last 7 days")
    say(table(("ended", "calls", "p50 ms", "p95 ms", "verified", "refused"), rows, "0< 0> 0> 0> 0> 0>"))


@app.command()
def prefer(
    user: Annotated[str | None, typer.Argument(help="Mail address or name; none: list everybody.")] = None,
    mode: Annotated[
        Literal["maintenance", "predictive", "executive"] | None, typer.Argument(help="How they read.")
    ] = None,
    language: Annotated[Literal["en", "de"] | None, typer.Option(help="And in which language.")] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Keep nothing of this user any more.")] = False,
) -> None:
    """How somebody wants answers worded where a call does not say. Subscriptions keep their own mode."""
    _, db = opened()
    if user is None:
        with db.reader() as conn:
            known = preferences.everybody(conn)
        rows = [(name, told.mode, told.language, f"{at:%Y-%m-%d}") for name, told, at in known]
        listed = table(("user", "mode", "language", "since"), rows, "0< 0< 0< 0<")
        say(listed if rows else "nobody has said how they read; homepot-ai prefer USER MODE")
        return
    if forget:
        with db.writer() as conn:
            gone = preferences.forget(conn, user, utc_now(), actor="command line")
        say(f"● nothing is kept of {user}" if gone else f"nothing was kept of {user}")
        return
    with db.writer() as conn:
        before = preferences.get(conn, user) or preferences.USUAL
        if mode is None and language is None:
            say(f"{user} reads {before.mode}, {before.language}")
            return
        wanted = preferences.Preference(mode or before.mode, language or before.language)
        preferences.put(conn, user, wanted, utc_now(), actor="command line")
    say(f"● {user} reads {wanted.mode}, {wanted.language}")
