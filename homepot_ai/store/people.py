"""Who gets which report, and what is special about a site or a device. Every change is audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Literal

from homepot_ai.errors import SettingsError
from homepot_ai.store import audit, named_sql
from homepot_ai.store.alerts import visible_sites
from homepot_ai.store.database import Connection
from homepot_ai.store.sealing import Address

_SQL = named_sql.load("store/sql/people.sql")

Kind = Literal["daily", "weekly", "monthly", "incident", "alert"]
Mode = Literal["maintenance", "predictive", "executive"]
Scope = Literal["fleet", "site", "device", "own"]
PURPOSE = "changed at the command line"
#: How a kind is read where the subscriber does not say.
USUAL_MODE: dict[str, Mode] = {"weekly": "predictive", "monthly": "executive"}


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to get.

    Attributes:
        scope, scope_id: the fleet, one site, one device, or `own`: every site that HOMEPOT lets them see.
        mode, language, paper: of the edition; None: the kind's usual mode, the settings' language and paper.
        digest: one mail for all sites of a period instead of one for each; with `own` or `fleet`.
        csv: with the tables of the report attached.
    """

    kind: Kind = "daily"
    scope: Scope = "fleet"
    scope_id: int | None = None
    mode: Mode | None = None
    language: Literal["en", "de"] | None = None
    paper: Literal["A4", "Letter"] | None = None
    digest: bool = False
    csv: bool = False


@dataclass(frozen=True)
class Subscription:
    """Somebody's subscription; `of` is the name of a site or device, None for the fleet and for `own`.

    Attributes:
        bounces: how often mail servers refused this address for good since it last took a mail.
    """

    email: str
    kind: str
    scope: str
    of: str | None
    mode: str
    language: str | None
    paper: str | None
    digest: bool
    csv: bool
    active: bool
    bounces: int
    bounced_at: datetime | None
    answer: str | None

    @property
    def extras(self) -> str:
        """What is special about it, in a few words.

        >>> Subscription("a@b", "daily", "own", None, "executive", "de", None, True, False, True, 0, None,
        ...              None).extras
        'digest, de'
        """
        parts = ["digest" if self.digest else "", self.language or "", self.paper or ""]
        return ", ".join(part for part in [*parts, "csv" if self.csv else ""] if part)


def subscribe(conn: Connection, email: str, wanted: Wanted, *, actor: str, now: datetime) -> None:
    """Send somebody a kind of report. Again with the same kind and scope changes mode, language and so on.

    Raises:
        SettingsError: that is no mail address, or what is wanted does not fit together.
    """
    address = parseaddr(email)[1]
    name, at, domain = address.rpartition("@")
    if not (name and at and domain) or address != email.strip() or any(c.isspace() for c in address):
        raise SettingsError(f"{email!r} is no mail address; write for example ops@example.org")
    if wanted.digest and wanted.kind in ("alert", "incident"):
        raise SettingsError(
            "a digest gathers daily, weekly or monthly reports; alerts have digests of their own"
        )
    if wanted.digest and wanted.scope not in ("own", "fleet"):
        raise SettingsError("a digest is of one's own sites or of the fleet's; leave --site and --device out")
    if wanted.csv and (wanted.digest or wanted.kind == "alert"):
        raise SettingsError(
            "tables come with reports of their own, not with digests or alerts; leave --csv out"
        )
    if wanted.kind == "alert" and wanted.scope in ("own", "device"):
        raise SettingsError(
            "alerts are of a site or of the whole fleet; routes can say more: homepot-ai routes"
        )
    if wanted.scope == "own" and address.lower() not in visible_sites(conn, [address]):
        raise SettingsError(
            f"HOMEPOT does not know {address}, so nothing is their own; name sites with --site, or the fleet"
        )
    conn.execute(
        _SQL["subscribe"],
        {
            "email": Address(address),
            "kind": wanted.kind,
            "scope": wanted.scope,
            "scope_id": wanted.scope_id,
            "mode": wanted.mode or USUAL_MODE.get(wanted.kind, "maintenance"),
            "locale": wanted.language,
            "paper": wanted.paper,
            "digest": wanted.digest,
            "csv": wanted.csv,
        },
    )
    # The address is in the table already: the audit log need not hold it again.
    details = {"kind": wanted.kind, "scope": wanted.scope, "id": wanted.scope_id, "digest": wanted.digest}
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
    scope: Scope | None = None,
    scope_id: int | None = None,
    kind: Kind | None = None,
    actor: str,
    now: datetime,
) -> int:
    """End somebody's subscriptions: all, or those of a kind or of a scope; returns how many."""
    ended = conn.execute(
        _SQL["unsubscribe"],
        {"email": Address(email.strip()), "kind": kind, "scope": scope, "scope_id": scope_id},
    ).rowcount
    if ended:
        audit.record(
            conn, at=now, actor=actor, action="unsubscribed", subject="a recipient", purpose=PURPOSE,
            details={"ended": ended, "kind": kind, "scope": scope, "id": scope_id},
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
