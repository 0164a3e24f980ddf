"""`homepot-ai seal` and `homepot-ai audit`: people's addresses under a key, and who did what."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated

import typer

from homepot_ai.cli.common import moment, opened, say, utc_now
from homepot_ai.store import audit as log
from homepot_ai.store import sealing
from homepot_ai.text import clean, table

app = typer.Typer()


@app.command()
def seal(
    new_key: Annotated[bool, typer.Option("--new-key", help="Print a new key, and do nothing else.")] = False,
) -> None:
    """Seal people's addresses with the key in force, or open them when none is. `db upgrade` does it as well.

    To change keys: the new one as HOMEPOT_AI_SECURITY__FIELD_KEY, the old one as
    HOMEPOT_AI_SECURITY__PREVIOUS_FIELD_KEY; after this command the old one is not needed any more.
    """
    if new_key:
        say(secrets.token_urlsafe(32))
        return
    _, db = opened()
    with db.admin() as conn:
        done = sealing.bring_up(conn, now=utc_now())
        within = sealing.of(conn).within
    as_it_was = "not sealed" if within is None else f"sealed with the key {within}"
    say(f"● {done or f'nothing to do: addresses are {as_it_was}'}")


@app.command()
def audit(
    since: Annotated[str, typer.Option(help="2026-11-20T08:15 (UTC), or 4h, 7d: so long ago.")] = "7d",
    by: Annotated[str | None, typer.Option(help="Who: part of the name.")] = None,
    action: Annotated[str | None, typer.Option(help="What was done: part of it.")] = None,
    subject: Annotated[str | None, typer.Option(help="To what: part of it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="Rows at most.")] = 50,
) -> None:
    """Who or what read or changed which data, and why."""
    _, db = opened()
    now = utc_now()
    begin = moment(since, now, back=True) if since else now - timedelta(days=7)
    wanted = log.Search(begin, now, by, action, subject)
    with db.reader() as conn:
        found, many = log.listed(conn, wanted, limit=limit), log.count(conn, wanted)
    if not found:
        say(f"nothing since {begin:%Y-%m-%d %H:%M} UTC that fits")
        return
    rows = [
        (
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            clean(one.actor, 40),
            clean(one.action, 60),
            clean(one.subject, 40),
            clean(one.purpose or "-", 60),
            clean(" ".join(f"{name}={value}" for name, value in one.details.items()) or "-", 100),
        )
        for one in found
    ]
    say(table(("at (UTC)", "by", "action", "of what", "why", "details"), rows, "0< 0< 0< 0< 0< 0<"))
    if many > len(found):
        say(f"{many - len(found)} older ones: --limit {min(many, 10000)}")
