"""Routes as one action with a headline, and as a page: what the flow and the command line share."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.alerts import rules
from homepot_ai.errors import SettingsError
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

HEADER = ("no.", "route", "to", "of", "from", "when", "and")


def act(
    db: Database, settings: Settings, action: str, wanted: rules.NewRoute, *, by: str, now: datetime
) -> str:
    """Do one of list, add, remove and test; returns what was done.

    Raises:
        SettingsError: a part is missing or cannot be understood.
        NotFound: no such route, site or channel.
    """
    if action == "list":
        with db.reader() as conn:
            return f"{len(rules.listing(conn, settings))} routes and subscriptions"
    if not wanted.name.strip():
        raise SettingsError(f"say which route: its name, or for remove and test its number ({action})")
    with db.writer() as conn:
        if action == "add":
            number = rules.add(conn, settings, wanted, actor=by, now=now)
            return f"route {number} ({clean(wanted.name, 80)}) is in force"
        if action == "remove":
            gone = rules.remove(conn, wanted.name, actor=by, now=now)
            return f"route {gone.id} ({clean(gone.name, 80)}) is removed"
        recipient = rules.test(conn, settings, wanted.name, now=now)
        return f"a test message to {clean(str(recipient), 80)} is queued"


def page(db: Database, settings: Settings, said: str) -> str:
    """What was done, and every route and subscription in force."""
    with db.reader() as conn:
        rows = rules.listing(conn, settings)
    text = ["# Alert routes", "", f"● {_cell(said)}.", ""]
    if not rows:
        return "\n".join([*text, "▲ Nobody is told of incidents yet. Run it with action *add*."]) + "\n"
    text += [f"| {' | '.join(HEADER)} |", "|---:|---|---|---|---|---|---|"]
    text += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(text) + "\n"


def _cell(text: str) -> str:
    for mark in "\\|<>[]`*":
        text = text.replace(mark, f"\\{mark}")
    return text
