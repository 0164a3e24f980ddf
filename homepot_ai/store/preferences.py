"""How somebody reads: mode and language, by user. A subscription keeps its own. Every change is audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from homepot_ai.errors import SettingsError
from homepot_ai.store import audit, named_sql
from homepot_ai.store.database import Connection
from homepot_ai.store.people import Mode
from homepot_ai.store.sealing import Address

_SQL = named_sql.load("store/sql/preferences.sql")

Language = Literal["en", "de"]
#: Longer is no user's name and no address (RFC 5321 allows 254).
LONGEST = 254


@dataclass(frozen=True)
class Preference:
    """What somebody prefers."""

    mode: Mode
    language: Language


#: Of somebody who said nothing.
USUAL = Preference("maintenance", "en")


def get(conn: Connection, user: str) -> Preference | None:
    """What a user prefers; None: nobody said."""
    row = conn.execute(_SQL["get"], {"user": Address(key(user))}).fetchone()
    return None if row is None else Preference(*row)


def put(
    conn: Connection, user: str, wanted: Preference, now: datetime, *, actor: str = "the user", door: str = ""
) -> None:
    """Keep what a user prefers.

    Args:
        actor: who says so; door: where, for the audit log.

    Raises:
        SettingsError: that is nobody's name.
    """
    name = key(user)
    if not name or len(name) > LONGEST or any(ord(c) < 32 for c in name):
        raise SettingsError(
            f"{user[:40]!r} is no user: write the mail address or name that they are known by in HOMEPOT"
        )
    row = {"user": Address(name), "mode": wanted.mode, "language": wanted.language, "now": now}
    conn.execute(_SQL["put"], row)
    # The address is in the table already: the audit log need not hold it again.
    audit.record(
        conn, at=now, actor=actor, action="set", subject="a user's preference",
        purpose=door or "how answers are read",
        details={"mode": wanted.mode, "language": wanted.language},
    )  # fmt: skip


def forget(conn: Connection, user: str, now: datetime, *, actor: str) -> bool:
    """Keep nothing of a user any more; returns whether there was something."""
    gone = conn.execute(_SQL["forget"], {"user": Address(key(user))}).rowcount > 0
    if gone:
        audit.record(
            conn, at=now, actor=actor, action="removed", subject="a user's preference",
            purpose="how answers are read", details={},
        )  # fmt: skip
    return gone


def everybody(conn: Connection) -> list[tuple[str, Preference, datetime]]:
    """Every user who prefers something: name, what, since when."""
    return [
        (user, Preference(mode, language), at)
        for user, mode, language, at in conn.execute(_SQL["listed"]).fetchall()
    ]


def key(user: str) -> str:
    """How a user is known in the table: case does not tell people apart.

    >>> key(" Ops@Example.org")
    'ops@example.org'
    """
    return user.strip().casefold()
