"""The people that a pod's profile names get what it says, from its first start on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from deployments.pod import profiles
from homepot_ai.errors import HomepotAIError
from homepot_ai.fleet import devices as fleet
from homepot_ai.settings import Settings
from homepot_ai.store import people
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection


def ensure(db: Database, settings: Settings, now: datetime) -> list[str]:
    """Subscribe those that were never subscribed; who ended a subscription is left in peace.

    Returns:
        What was done, and what could not be (yet), one sentence each.
    """
    told = []
    for one in profiles.load(settings.pods_folder, settings.pod).profile.recipients:
        try:
            with db.writer() as conn:
                if _subscribe(conn, settings, one, now):
                    told.append(f"{one.email} gets {one.kind} of {one.site or 'the whole fleet'}")
        except HomepotAIError as error:
            told.append(f"{one.email} gets nothing of {one.site or 'the fleet'} yet: {error}")
    return told


def _subscribe(conn: Connection, settings: Settings, one: profiles.Recipient, now: datetime) -> bool:
    site = None if one.site is None else fleet.resolve_site(conn, settings, one.site)
    scope: people.Scope = "fleet" if site is None else "site"
    of = None if site is None else site.name
    for known in people.subscriptions(conn):
        same = known.email.casefold() == one.email.casefold() and known.kind == one.kind
        if same and (known.scope, known.of) == (scope, of):
            return False
    wanted = people.Wanted(one.kind, scope, None if site is None else site.id, one.mode, one.language)
    people.subscribe(conn, one.email, wanted, actor=f"pod {settings.pod}", now=now)
    return True
