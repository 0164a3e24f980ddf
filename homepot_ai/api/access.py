"""Who asks, and what they may see: the one place where both are decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from homepot_ai.api.problems import Refused
from homepot_ai.hosts import is_loopback
from homepot_ai.questions.types import Asker
from homepot_ai.store import preferences, tokens

if TYPE_CHECKING:
    from starlette.requests import Request

    from homepot_ai.language.facts import Mode
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database
    from homepot_ai.store.tokens import Scope, Token

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="homepot-ai"'}
#: Somebody stands between: the address that we see is not theirs.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True)
class Caller:
    """Whoever asks.

    Attributes:
        asker: on whose behalf, with the sites that they may see.
        actor: as the audit log names them.
        user: whose preferences hold.
        token: the number of their token; None: without one, on this machine.
    """

    asker: Asker
    actor: str
    user: str
    token: int | None

    def reading(self, mode: Mode | None) -> Asker:
        """The asker, in the mode asked for or in that which they prefer."""
        return self.asker if mode is None else replace(self.asker, mode=mode)


def token_needed(settings: Settings) -> bool:
    """Whether nobody gets in without a token: always when others than this machine can reach the door."""
    api = settings.api
    return api.token_required or bool(api.public_url) or not is_loopback(api.host)


def shown(request: Request) -> str | None:
    """The token in a request; None: there is none.

    Raises:
        Refused: an Authorization header of another kind.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    kind, _, secret = header.partition(" ")
    if kind.casefold() != "bearer" or not secret.strip():
        raise Refused(401, "write Authorization: Bearer hpa_…", headers=CHALLENGE)
    return secret.strip()


def enter(
    db: Database, settings: Settings, request: Request, secret: str | None, scope: Scope, now: datetime
) -> Caller:
    """Let somebody in for something, or refuse them.

    Raises:
        Refused: 401 without a valid token, 403 for what it is not made for, or from where it may not be.
    """
    if secret is None:
        _only_here(settings, request)
        caller = Caller(Asker(timezone=settings.reports.timezone), "this machine", "local", None)
    else:
        with db.reader() as conn:
            token = tokens.find(conn, secret)
        if token is None:
            raise Refused(401, "this token is not known here", headers=CHALLENGE)
        if (state := token.state(now)) != "valid":
            raise Refused(401, f"this token is {state}: have another one made", headers=CHALLENGE)
        if not token.may(scope):
            made_for = ", ".join(token.scopes)
            raise Refused(403, f"this token is for {made_for}; this needs one for {scope}")
        caller = _of(token, settings)
    return caller


def prefers(db: Database, caller: Caller) -> Caller:
    """The same with mode and language as the user prefers them."""
    with db.reader() as conn:
        found = preferences.get(conn, caller.user)
    if found is None:
        return caller
    return replace(caller, asker=replace(caller.asker, mode=found.mode, language=found.language))


def _of(token: Token, settings: Settings) -> Caller:
    # What a token asked is referred to by that token alone: others of its user may see other sites.
    asked_as = f"token {token.name}"
    user = token.user or asked_as
    asker = Asker(user=asked_as, sites=token.sites, timezone=settings.reports.timezone)
    return Caller(asker, f"token {token.name}", user, token.id)


def _only_here(settings: Settings, request: Request) -> None:
    """Without a token: from this machine only, and not by a page that a browser loaded from elsewhere.

    A name that somebody points at 127.0.0.1 (DNS rebinding) still stands in Host; a proxy on this machine
    makes everybody look local, and says so.
    """
    client = request.client.host if request.client else ""
    proxied = any(name in request.headers for name in FORWARDED)
    if token_needed(settings) or proxied or not is_loopback(client):
        raise Refused(
            401,
            "a token is required: Authorization: Bearer …; `homepot-ai token make` makes one",
            headers=CHALLENGE,
        )
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not is_loopback(host):
        raise Refused(403, "without a token only as localhost, not by another name of this machine")
    origin = request.headers.get("origin")
    if origin is not None and not is_loopback(urlsplit(origin).hostname or ""):
        raise Refused(403, "without a token not from another site's page")
    # A link or picture of another page sends no Origin, but browsers say where it came from.
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise Refused(403, "without a token not from another site's page")
