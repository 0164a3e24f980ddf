"""`homepot-ai serve` and `homepot-ai token`: the HTTP door, and who gets in."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from homepot_ai.cli.common import moment, opened, say, utc_now
from homepot_ai.errors import AccessError
from homepot_ai.fleet.devices import list_sites, resolve_site
from homepot_ai.settings import load_settings
from homepot_ai.store import tokens
from homepot_ai.store.tokens import SCOPES, Scope
from homepot_ai.text import clean, table

app = typer.Typer()
token_app = typer.Typer(help="Tokens of the HTTP door.", no_args_is_help=True)
app.add_typer(token_app, name="token")


@app.command()
def serve() -> None:
    """Serve the HTTP door (settings `api`) until Ctrl-C. `homepot-ai up` does it among its parts."""
    from homepot_ai.api import serve as serving

    settings = load_settings()
    say(f"● http://{settings.api.host}:{settings.api.port}/api/ai/status")
    serving.serve(settings)


@token_app.command("make")
def make(
    name: Annotated[str, typer.Argument(help="Whose or what for: it stands in the audit log.")],
    scope: Annotated[list[str] | None, typer.Option(help=f"One or more of: {', '.join(SCOPES)}.")] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Only these sites: name, public id or number. Default: all.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Whose preferences hold: a mail address.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="A date, a moment or a length: 2027-01-31, 90d. Default: never.")
    ] = None,
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    settings, db = opened()
    now = utc_now()
    wanted = scope or ["read", "ask", "report"]
    if unknown := sorted(set(wanted) - set(SCOPES)):
        raise AccessError(f"there is no scope {', '.join(unknown)}; there are: {', '.join(SCOPES)}")
    with db.writer() as conn:
        sites = None if not site else [resolve_site(conn, settings, one).id for one in site]
        secret = tokens.make(
            conn, name, scopes=_scopes(wanted), sites=sites, user=user,
            expires_at=moment(expires, now) if expires else None, actor=getpass.getuser(), now=now,
        )  # fmt: skip
    say(secret)


@token_app.command("list")
def listed() -> None:
    """List the tokens: what for, which sites, until when, last used."""
    settings, db = opened()
    now = utc_now()
    with db.reader() as conn:
        found = tokens.listed(conn)
        names = {site.id: clean(site.name) for site in list_sites(conn, settings)}
    if not found:
        say("no token was made yet: `homepot-ai token make NAME --scope read --site Berlin --expires 90d`")
        return
    rows = [
        (
            clean(one.name), one.state(now), ", ".join(one.scopes),
            "all" if one.sites is None else ", ".join(names.get(s, str(s)) for s in sorted(one.sites)),
            "never" if one.expires_at is None else f"{one.expires_at:%Y-%m-%d}",
            "never" if one.last_used_at is None else f"{one.last_used_at:%Y-%m-%d %H:%M} UTC",
        )
        for one in found
    ]  # fmt: skip
    say(table(("token", "state", "for", "sites", "expires", "last used"), rows, "0< 0< 0< 0< 0< 0<"))


@token_app.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="As `homepot-ai token list` shows it.")]) -> None:
    """End a token for good, at once."""
    _, db = opened()
    with db.writer() as conn:
        tokens.revoke(conn, name, actor=getpass.getuser(), now=utc_now())
    say(f"● {name} is revoked")


def _scopes(wanted: list[str]) -> list[Scope]:
    return [one for one in SCOPES if one in wanted]
