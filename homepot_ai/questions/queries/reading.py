"""Rows that several named queries begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from homepot_ai.errors import NotFound
from homepot_ai.language.booking import Ref
from homepot_ai.questions.page import Page
from homepot_ai.questions.types import Slots, Span
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

SQL = named_sql.load("questions/sql/status.sql")
#: No named query holds more rows than this.
MOST = 500
#: Hours are whole: what begins within the first of a span begins with it.
LATER = timedelta(hours=2)


@dataclass(frozen=True)
class Now:
    """A device as it is now; `status` is of the newest score of the last day, None where there is none."""

    id: int
    public_id: str
    name: str
    device_type: str
    site_id: int
    site: str
    firmware: str | None
    simulated: bool
    lifecycle: str
    at: datetime | None
    score: float | None
    status: str | None
    reason: str | None
    age_s: float | None
    factors: Any
    gap: str | None
    last_sample_at: datetime | None
    noticed_at: datetime | None
    last_heartbeat_at: datetime | None

    def fresh(self, now: datetime, within: timedelta) -> bool:
        """Whether it was scored lately."""
        return self.at is not None and now - self.at <= within


def device(conn: Connection, number: int | None, now: datetime) -> Now:
    """One device.

    Raises:
        NotFound: it is not there, or not for this asker.
    """
    row = conn.execute(SQL["device"], {"device": number, "now": now}).fetchone()
    if row is None:
        raise NotFound("device", str(number))
    return Now(*row)


def site_row(conn: Connection, number: int | None) -> tuple[int, str, str, str | None, str | None]:
    """A site: number, name, public id, location, zone.

    Raises:
        NotFound: it is not there, or not for this asker.
    """
    row = conn.execute(SQL["site"], {"site": number}).fetchone()
    if row is None:
        raise NotFound("site", str(number))
    return row[0], str(row[1] or row[2]), str(row[2]), row[3], row[4]


def rows(conn: Connection, statement: LiteralString, given: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Rows of a statement, never more than MOST."""
    return conn.execute(statement, given).fetchmany(MOST)


def tell_device(page: Page, one: Now) -> Ref:
    """The device on the page, at its site."""
    page.dated(one.at)
    site = page.site(one.site_id, one.site)
    return page.device(one.id, one.name, one.status or "not_scored", site)


def tell_scope(conn: Connection, page: Page, slots: Slots, now: datetime) -> Ref:
    """What a question with an optional device or site is about."""
    if slots.device is not None:
        return tell_device(page, device(conn, slots.device, now))
    if slots.site is not None:
        number, name, *_ = site_row(conn, slots.site)
        return page.type(slots.device_type, name) if slots.device_type else page.site(number, name)
    if slots.device_type:
        return page.type(slots.device_type)
    return page.everything()


def scope(slots: Slots, now: datetime, **more: object) -> dict[str, object]:
    """What most statements bind."""
    span = slots.span
    return {
        "device": slots.device,
        "site": slots.site,
        "type": slots.device_type,
        "now": now,
        "since": span.start if span else None,
        "until": min(span.end, now) if span else now,
        "limit": MOST,
        **more,
    }


def tell_known(page: Page, it: Ref, first: datetime | None) -> None:
    """Where a span begins before anything is known, since when something is."""
    if page.span is not None and first is not None and first > page.span.start + LATER:
        page.say("Nothing is known of before {at}.", at=page.moment(it, "known since", first))


def span_of(page: Page, slots: Slots, now: datetime, days: float) -> Span:
    """The span that was asked for, or the last days."""
    if slots.span is not None:
        return slots.span
    hours = round(days * 24)
    words = (
        page.t("last {n} days", n=round(days))
        if hours % 24 == 0 and hours > 24
        else page.t("last {n} hours", n=hours)
    )
    return Span(now - timedelta(hours=hours), now, words)
