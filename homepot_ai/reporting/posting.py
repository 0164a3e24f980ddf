"""The mails of a report: for whom, into which thread, once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homepot_ai.errors import MailError
from homepot_ai.reporting import recipients, stored
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import Kind, PeriodFacts, ReportFacts
from homepot_ai.reporting.letter import Letter, compose, message_id
from homepot_ai.reporting.periods import Period
from homepot_ai.reporting.recipients import Recipient, Subject
from homepot_ai.store import audit
from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load
from homepot_ai.store.outbox import OutboxMail, enqueue
from homepot_ai.store.sealing import Address, MailKey

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

_SQL = load("reporting/sql/stored.sql")


@dataclass(frozen=True)
class Reader:
    """Somebody, and the letter in the edition that they read."""

    recipient: Recipient
    letter: Letter


@dataclass(frozen=True)
class Readers:
    """Who gets a report. `refused`: the reasons of those who do not; `subscribed`: whether anybody did."""

    chosen: tuple[Recipient, ...]
    refused: tuple[str, ...]
    subscribed: bool


@dataclass(frozen=True)
class Post:
    """What was put into the outbox, and who was passed over, with the reason."""

    queued: int
    skipped: tuple[str, ...] = ()


def readers(
    conn: Connection,
    settings: Settings,
    subject: Subject,
    facts: ReportFacts,
    addresses: Sequence[str],
    edition: Edition,
    *,
    csv: bool,
    new: bool,
) -> Readers:
    """Everybody who gets a report: its subscribers, those whose digest is out already, those named.

    Args:
        new: it is not stored yet, so that no digest tells of it.
    """
    known = recipients.subscriptions(conn, subject.kind)
    visible = recipients.visible_to(
        conn, {*(one.email.strip() for one in known), *(each.strip() for each in addresses)}
    )
    usual = recipients.usual_edition(settings, subject.kind)
    subscribers, refused = recipients.choose(known, visible, subject, usual)
    chosen = [
        one for one in subscribers if not one.after_digest or _digest_is_out(conn, facts, one.address, new)
    ]
    asked, not_asked = recipients.asked(addresses, visible, subject, edition, csv=csv)
    return Readers((*chosen, *asked), (*refused, *not_asked), bool(chosen))


def missing(
    conn: Connection, report_id: str, revision: int, chosen: Sequence[Recipient], *, late: bool
) -> list[Recipient]:
    """Those whose mail is not in the outbox yet; subscribers only while the period is news."""
    found = []
    for one in chosen:
        key, _ = _names(report_id, revision, one)
        if (late and one.subscription is not None) or _queued(conn, key) is not None:
            continue
        found.append(one)
    return found


def post(
    conn: Connection,
    settings: Settings,
    facts: ReportFacts,
    report_id: str,
    revision: int,
    wanted: Sequence[Reader],
    *,
    incident: int | None,
    now: datetime,
) -> Post:
    """Put the letters into the outbox, in the caller's transaction."""
    queued, skipped, reached, named = 0, [], set(), 0
    for reader in wanted:
        one = reader.recipient
        key, name = _names(report_id, revision, one)
        identity = message_id(name, one.address, settings.mail.domain)
        thread = _thread(conn, facts, report_id, revision, one, incident)
        try:
            payload = compose(reader.letter, one.address, settings, identity, thread=thread, tables=one.csv)
        except MailError as error:
            whose = one.address if one.subscription is None else f"subscription {one.subscription}"
            skipped.append(f"{whose}: {error}")
            continue
        mail = OutboxMail(
            key, "report", report_id, one.address.strip(), reader.letter.subject, identity, payload
        )
        queued += (new := enqueue(conn, mail, now=now))
        if one.subscription is None:
            named += new
        else:
            reached.add(one.subscription)
    if reached:
        stored.note_recipients(conn, report_id, revision, reached)
    if named:
        audit.record(
            conn, at=now, actor="homepot-ai", action="mailed", subject=report_id,
            purpose="asked for by name", details={"recipients": named, "revision": revision},
        )  # fmt: skip
    return Post(queued, tuple(skipped))


def digest_name(kind: Kind, period: PeriodFacts | Period) -> str:
    """The name of a digest: of a kind of report, a period and its zone.

    >>> from datetime import UTC, date, datetime
    >>> start, end = datetime(2026, 11, 18, 23, tzinfo=UTC), datetime(2026, 11, 19, 23, tzinfo=UTC)
    >>> digest_name("daily", PeriodFacts(kind="daily", start=start, end=end, timezone="Europe/Berlin",
    ...                                  first_day=date(2026, 11, 19), last_day=date(2026, 11, 19)))
    'digest_20261119_daily_europe-berlin'
    """
    zone = period.timezone.lower().replace("/", "-").replace("_", "-").replace("+", "-plus-")
    return f"digest_{period.first_day:%Y%m%d}_{kind}_{zone}"


def digest_key(name: str, address: str) -> str:
    """The outbox's key of somebody's digest."""
    return f"{name}:{address.strip().casefold()}"


def is_queued(conn: Connection, kind: Kind, period: Period, address: str) -> bool:
    """Whether somebody's digest is in the outbox."""
    return _queued(conn, digest_key(digest_name(kind, period), address)) is not None


def one_after_the_other(conn: Connection, name: str, *, digests: bool) -> None:
    """Until the transaction ends: reports of a period are stored, or its digests queued, never both at once.

    So each either is told of in a digest or knows that the digest is out.

    Args:
        name: of the digest.
    """
    conn.execute(_SQL["digests_wait" if digests else "digests_pass"], {"name": name})


def revisions(conn: Connection, report_ids: Sequence[str]) -> dict[str, int]:
    """The newest revision of each of these reports that was made."""
    return {str(row[0]): int(row[1]) for row in conn.execute(_SQL["revisions"], {"ids": list(report_ids)})}


def _digest_is_out(conn: Connection, facts: ReportFacts, address: str, new: bool) -> bool:
    """Whether somebody's digest went without this report, which then comes on its own."""
    digest = _queued(conn, digest_key(digest_name(facts.report_type, facts.period), address))
    return digest is not None and (new or digest[1] < facts.made.at)


def _queued(conn: Connection, key: str) -> tuple[str, datetime] | None:
    row: tuple[Any, ...] | None = conn.execute(_SQL["queued"], {"key": MailKey(key)}).fetchone()
    return None if row is None else (str(row[0]), row[1])


def _names(report_id: str, revision: int, one: Recipient) -> tuple[str, str]:
    """The outbox's key of a report's mail to somebody, and what its Message-ID begins with."""
    # Who asks for an edition by name may ask for another later; a subscriber reads one.
    e = one.edition
    which = "" if one.subscription is not None else f".{e.mode}-{e.language}-{e.paper}".lower()
    key = f"{report_id}#{revision}{which}:{one.address.strip().casefold()}"
    return key, f"{report_id}.r{revision}{which}"


def _thread(
    conn: Connection,
    facts: ReportFacts,
    report_id: str,
    revision: int,
    one: Recipient,
    incident: int | None,
) -> list[str]:
    """What the recipient had before of the same thing, the oldest first."""
    found: list[str] = []
    if incident is not None:
        rows = conn.execute(
            _SQL["told"], {"incident": incident, "recipient": Address(one.address)}
        ).fetchall()
        found += [str(row[0]) for row in rows]
    if one.after_digest:
        digest = _queued(conn, digest_key(digest_name(facts.report_type, facts.period), one.address))
        found += [digest[0]] if digest else []
    if revision > 1 or incident is not None:
        rows = conn.execute(
            _SQL["mailed"], {"reference": report_id, "recipient": Address(one.address)}
        ).fetchall()
        found += [str(row[0]) for row in rows]
    return list(dict.fromkeys(found))
