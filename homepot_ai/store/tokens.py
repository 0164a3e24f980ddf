"""Tokens of the HTTP door: kept by hash only, limited to scopes and, if so made, to sites."""

from __future__ import annotations

import difflib
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import orjson

from homepot_ai.errors import AccessError, NotFound
from homepot_ai.store import audit, named_sql
from homepot_ai.store.database import Connection
from homepot_ai.store.sealing import Address

_SQL = named_sql.load("store/sql/tokens.sql")

Scope = Literal["read", "ask", "report", "preferences", "metrics", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
#: Found by scanners of leaked secrets, and told from other tokens by eye.
PREFIX = "hpa_"


@dataclass(frozen=True)
class Token:
    """A token, without its secret.

    Attributes:
        scopes: what it may be used for; `admin` is all of them.
        sites: HOMEPOT's numbers of the sites it may see; None: all.
        user: whose preferences hold and on whose behalf is asked; None: nobody's but its own.
    """

    id: int
    name: str
    scopes: tuple[str, ...]
    sites: frozenset[int] | None
    user: str | None
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def may(self, scope: Scope) -> bool:
        """Whether it may be used for that."""
        return scope in self.scopes or "admin" in self.scopes

    def state(self, now: datetime) -> Literal["valid", "expired", "revoked"]:
        """Whether it may be used at all."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


def hashed(secret: str) -> str:
    """What is kept of a token: 256 random bits need no slow hash.

    >>> hashed("hpa_x")[:12]
    'e6ae852e5cc4'
    """
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def make(
    conn: Connection,
    name: str,
    *,
    scopes: Sequence[Scope],
    sites: Sequence[int] | None,
    user: str | None,
    expires_at: datetime | None,
    actor: str,
    now: datetime,
) -> str:
    """Make a token and return it: it can be seen this once.

    Raises:
        AccessError: the name is taken, nothing is allowed by it, or it would have expired already.
    """
    wanted = name.strip()
    if not wanted or not scopes:
        raise AccessError("a token needs a name and at least one scope: " + ", ".join(SCOPES))
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise AccessError(f"there is no scope {', '.join(unknown)}; there are: {', '.join(SCOPES)}")
    if expires_at is not None and expires_at <= now:
        raise AccessError(f"{expires_at:%Y-%m-%d %H:%M} UTC is over: a token must expire later than now")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = conn.execute(
        _SQL["insert"],
        {
            "name": wanted, "hash": hashed(secret), "scopes": sorted(set(scopes)),
            "sites": None if sites is None else sorted(set(sites)),
            "user": Address(user.strip().casefold()) if user else None, "now": now, "expires_at": expires_at,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        raise AccessError(
            f"there is a token {wanted!r} already, or was: names are not used twice, so that the audit log "
            "stays clear; take another"
        )
    audit.record(
        conn, at=now, actor=actor, action="token made", subject=wanted, purpose="access to the HTTP door",
        details={"scopes": sorted(set(scopes)), "sites": None if sites is None else sorted(set(sites))},
    )  # fmt: skip
    return secret


def find(conn: Connection, secret: str) -> Token | None:
    """The token that somebody shows; None: there is none like it."""
    row = conn.execute(_SQL["find"], {"hash": hashed(secret)}).fetchone()
    return None if row is None else _token(row)


def listed(conn: Connection) -> list[Token]:
    """Every token, the revoked ones last."""
    return [_token(row) for row in conn.execute(_SQL["listed"])]


def revoke(conn: Connection, name: str, *, actor: str, now: datetime) -> None:
    """End a token for good.

    Raises:
        NotFound: there is no token of that name.
    """
    if conn.execute(_SQL["revoke"], {"name": name.strip(), "now": now}).fetchone() is None:
        known = [str(row[0]) for row in conn.execute(_SQL["names"])]
        raise NotFound("token", name.strip(), difflib.get_close_matches(name, known, n=3))
    audit.record(
        conn, at=now, actor=actor, action="token revoked", subject=name.strip(),
        purpose="access to the HTTP door", details={},
    )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request that was answered or refused, for the audit log; `token`: its number, None without one."""

    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    token: int | None = None


def note(conn: Connection, asked: Sequence[Asked]) -> None:
    """Write a batch of requests into the audit log, and when tokens were used last."""
    if not asked:
        return
    conn.execute(
        _SQL["audit"],
        {
            "at": [one.at for one in asked],
            "actor": [one.actor for one in asked],
            "action": [one.action for one in asked],
            "subject": [one.subject for one in asked],
            "details": [orjson.dumps(dict(one.details)).decode() for one in asked],
        },
    )
    last: dict[int, datetime] = {}
    for one in asked:
        if one.token is not None:
            last[one.token] = max(one.at, last.get(one.token, one.at))
    if last:
        conn.execute(_SQL["used"], {"ids": list(last), "at": list(last.values())})


def _token(row: Sequence[Any]) -> Token:
    id_, name, scopes, sites, user, made_at, expires_at, revoked_at, used_at = row
    allowed = None if sites is None else frozenset(int(site) for site in sites)
    return Token(id_, name, tuple(scopes), allowed, user, made_at, expires_at, revoked_at, used_at)
