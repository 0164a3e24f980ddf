"""Who gets which report, and what is special about a site or a device. Every change is audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Literal

from homepot_ai.errors import SettingsError
from homepot_ai.store import audit, named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/people.sql")

Kind = Literal["daily", "alert", "incident"]
Mode = Literal["maintenance"]
PURPOSE = "changed at the command line"


@dataclass(frozen=True)
class Subscription:
    """Somebody's subscription; `site` is a site's name, None for the whole fleet."""

    email: str
    kind: str
    scope: str
    site: str | None
    mode: str
    active: bool


def subscribe(
    conn: Connection,
    email: str,
    *,
    site_id: int | None,
    kind: Kind = "daily",
    mode: Mode = "maintenance",
    actor: str,
    now: datetime,
) -> None:
    """Send somebody a kind of report, for a site or (None) the whole fleet. Again changes nothing.

    Raises:
        SettingsError: that is no mail address.
    """
    address = parseaddr(email)[1]
    name, at, domain = address.rpartition("@")
    if not (name and at and domain) or address != email.strip() or any(c.isspace() for c in address):
        raise SettingsError(f"{email!r} is no mail address; write for example ops@example.org")
    scope = "fleet" if site_id is None else "site"
    conn.execute(
        _SQL["subscribe"],
        {"email": address, "kind": kind, "scope": scope, "scope_id": site_id, "mode": mode},
    )
    # The address is in the table already: the audit log need not hold it again.
    details = {"kind": kind, "scope": scope, "site": site_id}
    audit.record(
        conn,
        at=now,
        actor=actor,
        action="subscribed",
        subject="a recipient",
        purpose=PURPOSE,
        details=details,
    )


def unsubscribe(
    conn: Connection,
    email: str,
    *,
    site_id: int | None = None,
    fleet_only: bool = False,
    kind: Kind | None = None,
    actor: str,
    now: datetime,
) -> int:
    """End somebody's subscriptions: all, or those of a site or of the whole fleet; returns how many."""
    scope = "site" if site_id is not None else "fleet" if fleet_only else None
    ended = conn.execute(
        _SQL["unsubscribe"], {"email": email.strip(), "kind": kind, "scope": scope, "scope_id": site_id}
    ).rowcount
    if ended:
        audit.record(
            conn, at=now, actor=actor, action="unsubscribed", subject="a recipient", purpose=PURPOSE,
            details={"ended": ended, "scope": scope, "site": site_id},
        )  # fmt: skip
    return ended


def subscriptions(conn: Connection) -> list[Subscription]:
    """Every subscription, the active ones first."""
    return [Subscription(*row) for row in conn.execute(_SQL["subscriptions"]).fetchall()]


def set_site(
    conn: Connection,
    site_id: int,
    *,
    timezone: str | None,
    locale: str | None,
    default_timezone: str,
    actor: str,
    now: datetime,
) -> None:
    """Set a site's time zone or locale; what is None stays as it was."""
    conn.execute(
        _SQL["set_site"],
        {
            "site_id": site_id,
            "timezone": timezone,
            "locale": locale,
            "default_timezone": default_timezone,
            "now": now,
        },
    )
    details = {"timezone": timezone, "locale": locale}
    audit.record(
        conn, at=now, actor=actor, action="set", subject=f"site {site_id}", purpose=PURPOSE, details=details
    )


def set_device(
    conn: Connection,
    device_id: int,
    *,
    gateway_id: int | None,
    excluded: bool | None,
    actor: str,
    now: datetime,
) -> None:
    """Say which gateway a device is behind, or take it out of scoring; what is None stays as it was."""
    conn.execute(
        _SQL["set_device"],
        {"device_id": device_id, "gateway_id": gateway_id, "excluded": excluded, "now": now},
    )
    details = {"gateway": gateway_id, "excluded": excluded}
    audit.record(
        conn,
        at=now,
        actor=actor,
        action="set",
        subject=f"device {device_id}",
        purpose=PURPOSE,
        details=details,
    )
