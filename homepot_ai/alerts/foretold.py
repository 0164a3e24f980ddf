"""Telling people of devices that are likely to fail: once per warning, with the visit to accept.

    1. under the lock of the episodes, take those that nobody was told of
    2. who wants alerts of their sites and may see them gets one mail about all of his, a channel one message
    3. in the same transaction: outbox rows, and that they were told

Killed anywhere, nothing was told and the next run begins anew. A warning that ended before anybody could be
told is not told any more. Predictions wait for nobody's hours: they are mails, and no pages; escalations,
reminders and routes for chosen kinds of incident messages do not get them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from homepot_ai.alerts import compose
from homepot_ai.alerts.foretold_view import ForetoldView, Warned, build
from homepot_ai.alerts.queue import templates_of
from homepot_ai.alerts.records import MAIL, Recipient, Rule, at_least
from homepot_ai.alerts.rules import ALERT_KINDS, rules_of
from homepot_ai.errors import MailError
from homepot_ai.prediction import calendar, track_record
from homepot_ai.reporting.mail import POLICY, bare_address, header_address
from homepot_ai.reporting.templating import environment
from homepot_ai.store import alerts as alert_store
from homepot_ai.store import episodes, outbox, schedule
from homepot_ai.store.outbox import OutboxMail
from homepot_ai.text import clean, width

if TYPE_CHECKING:
    from homepot_ai.prediction.track_record import TrackRecord
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

SEVERITY: Mapping[str, str] = {"high": "warning", "critical": "critical"}
#: What changed so lately is in the calendar beside the new visits, struck out if it is no more.
CALENDAR_BACK = timedelta(days=14)


@dataclass(frozen=True)
class Told:
    """What one run told.

    Attributes:
        episodes: warnings that count as told now; queued: mails and channel messages.
        nobody: warnings that no route or subscription tells anybody of.
        not_allowed: left out because the person may not see the site.
        failed: recipients whom no message could be made for, with the reason.
    """

    episodes: int = 0
    queued: int = 0
    nobody: tuple[int, ...] = ()
    not_allowed: int = 0
    failed: tuple[str, ...] = ()


def tell(db: Database, settings: Settings, now: datetime) -> Told:
    """Queue the messages about every warning that nobody was told of; one transaction.

    >>> tell(db, settings, now).queued                                             # doctest: +SKIP
    1
    """
    with db.writer() as conn:
        episodes.lock(conn)
        untold = episodes.untold(conn, now)
        if not untold:
            return Told()
        told = _tell(conn, settings, [e for e in untold if e.ended_at is None], now)
        episodes.set_told(conn, [e.id for e in untold], now)
    return told


def _tell(conn: Connection, settings: Settings, live: Sequence[episodes.Episode], now: datetime) -> Told:
    names = episodes.names(conn, [e.device_id for e in live])
    visits = {(v.device_id, v.cause): v for v in schedule.live(conn)}
    warned = [
        Warned(e, names[e.device_id], visits.get((e.device_id, e.cause)))
        for e in live
        if e.device_id in names
    ]
    rules = rules_of(conn, settings)
    addresses = {rule.recipient.address for rule in rules if rule.recipient.channel == MAIL}
    visible = alert_store.visible_sites(conn, addresses)
    letters: dict[Recipient, list[Warned]] = {}
    not_allowed, heard = 0, set()
    for recipient in sorted({rule.recipient for rule in rules}):
        mine = [rule for rule in rules if rule.recipient == recipient]
        for one in warned:
            if not any(wants(rule, one) for rule in mine):
                continue
            sites = visible.get(recipient.address.lower(), None)
            if recipient.channel == MAIL and sites is not None and one.device.site_id not in sites:
                not_allowed += 1
                continue
            letters.setdefault(recipient, []).append(one)
            heard.add(one.episode.id)
    record = track_record.current(conn, now)
    queued, failed = 0, []
    for recipient, about in letters.items():
        try:
            message = _message(conn, recipient, about, record, settings, now)
            box = outbox.MAILS if recipient.channel == MAIL else outbox.CHANNELS
            with conn.transaction():
                queued += outbox.enqueue(conn, message, now=now, box=box)
        except (MailError, ValueError, KeyError, TypeError) as error:
            # One address that is none must not cost the others their warning.
            failed.append(f"{recipient}: {error}")
    nobody = tuple(one.episode.id for one in warned if one.episode.id not in heard)
    return Told(len(warned), queued, nobody, not_allowed, tuple(failed))


def wants(rule: Rule, one: Warned) -> bool:
    """Whether a rule is about a warning: its site, device, type and severity; not about chosen kinds only."""
    return (
        rule.after_minutes == 0
        and rule.kinds in (None, ALERT_KINDS)
        and rule.site_id in (None, one.device.site_id)
        and rule.device_id in (None, one.device.id)
        and (rule.device_types is None or one.device.device_type in rule.device_types)
        and at_least(SEVERITY[one.episode.level], rule.min_severity)
    )


def _message(
    conn: Connection,
    recipient: Recipient,
    about: Sequence[Warned],
    record: TrackRecord,
    settings: Settings,
    now: datetime,
) -> OutboxMail:
    view = build(about, record, settings)
    numbers = ",".join(str(one.episode.id) for one in about)
    name = f"prediction-{about[0].episode.id}.{hashlib.sha256(numbers.encode()).hexdigest()[:12]}"
    key, reference = f"{name}:{recipient.key}", f"prediction {about[0].episode.id}"
    if recipient.channel != MAIL:
        body = "\n".join(compose.defuse(line) for line in [view.lead, *view.short])
        title = compose.defuse(clean(view.subject, 200))
        return compose.channel_row(key, reference, recipient, title, body, view.level)
    sites = {one.device.site_id for one in about}
    visits = [v for v in schedule.listed(conn, now - CALENDAR_BACK) if v.site_id in sites]
    names = episodes.names(conn, [v.device_id for v in visits])
    title = "Maintenance " + ", ".join(sorted({clean(one.device.site) for one in about}))
    attached = calendar.ics(visits, names, domain=settings.mail.domain, title=title) if visits else None
    identity = f"<{name}.{compose.digest_of(recipient)}@{settings.mail.domain}>"
    payload = _mail(recipient, view, attached, identity, settings, now)
    subject = clean(f"{compose.PREFIX}{view.subject}", 200)
    return OutboxMail(key, "alert", reference, recipient.address, subject, identity, payload)


def _mail(
    recipient: Recipient,
    view: ForetoldView,
    attached: bytes | None,
    identity: str,
    settings: Settings,
    now: datetime,
) -> bytes:
    message = EmailMessage(policy=POLICY)
    message["From"] = header_address(settings.mail.sender, "the sender (HOMEPOT_AI_MAIL__SENDER)")
    message["To"] = bare_address(recipient.address)
    message["Subject"] = clean(f"{compose.PREFIX}{view.subject}", 200)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = identity
    message["List-Id"] = f"HOMEPOT alerts <alerts.{settings.mail.domain}>"
    message["List-Unsubscribe"] = f"<{compose.unsubscribe_url(settings)}>"
    message["Auto-Submitted"] = "auto-generated"
    known, shared = (
        environment(templates_of(settings)),
        {
            "view": view,
            "why_you": compose.WHY_YOU,
            "unsubscribe": compose.unsubscribe_url(settings),
            "unsubscribe_address": compose.unsubscribe_address(settings),
            "command_width": max(width(command) for command, _ in view.commands),
            "attached": attached is not None,
        },
    )
    text = known.get_template("mail/prediction.txt.j2").render(shared)
    html = known.get_template("mail/prediction.html.j2").render(shared)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if attached is not None:
        message.add_attachment(
            attached, "text", "calendar", filename="visits.ics", params={"method": "PUBLISH"}
        )
    seed = hashlib.sha256(identity.encode()).hexdigest()[:24]
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"={seed}.{number}")
    plain = str(message["Subject"]).isascii() and settings.mail.sender.isascii()
    return message.as_bytes(policy=POLICY.clone(max_line_length=998) if plain else POLICY)
