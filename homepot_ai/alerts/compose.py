"""An alert as a mail or as a message to a channel, ready for its outbox. Pure: no clock, no randomness.

The mails about one incident to one recipient are one thread: the first has a Message-ID that derives
from the incident, later ones refer to it. What began in a digest refers to the digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from homepot_ai.alerts import view
from homepot_ai.alerts.records import MAIL, Letter, Recipient
from homepot_ai.alerts.view import AlertView, DigestView, Known
from homepot_ai.reporting.mail import POLICY, bare_address, header_address
from homepot_ai.reporting.templating import environment
from homepot_ai.store.outbox import OutboxMail
from homepot_ai.text import clean, width, wrap

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

PREFIX = "[HOMEPOT] "
CHANNEL_CHARACTERS = 900
WHY_YOU = "You get this because of an alert route or a subscription of yours."
# What channels would read as a mention, a link or markup. Names come from others.
_DEFUSED = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'", "[": "(", "]": ")", "|": "¦"})


@dataclass(frozen=True)
class Thread:
    """What a recipient had before of an incident, oldest first: Message-IDs with their brackets."""

    earlier: tuple[str, ...] = ()


def key_of(letter: Letter, now: datetime) -> str:
    """The outbox's key: the same letter is never queued twice."""
    first = letter.tellings[0]
    if letter.form == "single":
        what = f"incident-{first.incident_id}.{first.kind}"
        what += f".{first.event_id}" if first.event else f".{now:%Y%m%dT%H%M}"
    else:
        what = f"{letter.form}-{first.incident_id}.{now:%Y%m%dT%H%M%S}"
    return f"alert {what}:{letter.recipient.key}"


def message_id(letter: Letter, thread: Thread, settings: Settings, now: datetime) -> str:
    """The Message-ID of a letter's mail; the first about an incident derives from the incident alone."""
    digest = digest_of(letter.recipient)
    first = letter.tellings[0]
    if letter.form == "single" and not thread.earlier:
        return f"<incident-{first.incident_id}.{digest}@{settings.mail.domain}>"
    what = key_of(letter, now).removeprefix("alert ").partition(":")[0]
    return f"<{what}.{digest}@{settings.mail.domain}>"


def mail(
    letter: Letter,
    known: Mapping[int, Known],
    thread: Thread,
    settings: Settings,
    templates: Path,
    now: datetime,
) -> OutboxMail:
    """A letter to a mail address.

    Raises:
        MailError: the address cannot stand in a header.
    """
    assert letter.recipient.channel == MAIL
    made = _view(letter, known, settings, now)
    identity = message_id(letter, thread, settings, now)
    subject = clean(f"{PREFIX}{made.subject}", 200)
    message = EmailMessage(policy=POLICY)
    message["From"] = header_address(settings.mail.sender, "the sender (HOMEPOT_AI_MAIL__SENDER)")
    message["To"] = bare_address(letter.recipient.address)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = identity
    if thread.earlier:
        message["In-Reply-To"] = thread.earlier[-1]
        message["References"] = " ".join([thread.earlier[0], *thread.earlier[1:][-4:]])
    message["List-Id"] = f"HOMEPOT alerts <alerts.{settings.mail.domain}>"
    unsubscribe = unsubscribe_url(settings)
    message["List-Unsubscribe"] = f"<{unsubscribe}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Incident-Id"] = ", ".join(str(t.incident_id) for t in letter.tellings[:20])
    if made.level == "critical":
        message["Importance"] = "high"
    text, html = _parts(letter, made, settings, templates, unsubscribe)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"={hashlib.sha256(identity.encode()).hexdigest()[:24]}")
    # Folding is for encoded words; a plain subject stays on one line.
    plain = subject.isascii() and settings.mail.sender.isascii()
    payload = message.as_bytes(policy=POLICY.clone(max_line_length=998) if plain else POLICY)
    return OutboxMail(
        key_of(letter, now), "alert", _reference(letter), letter.recipient.address, subject, identity, payload
    )


def channel_message(
    letter: Letter, known: Mapping[int, Known], settings: Settings, now: datetime
) -> OutboxMail:
    """A letter to a channel: `{"title", "body", "level"}` as JSON. The channel's address is not in it."""
    made = _view(letter, known, settings, now)
    title = defuse(clean(made.subject, 200))
    lines = [defuse(line) for line in _short(made)]
    body = "\n".join(lines)
    if len(body) > CHANNEL_CHARACTERS:
        body = body[: CHANNEL_CHARACTERS - 1].rstrip() + "…"
    body += "\n" + "\n".join(command for command, _ in made.commands)
    return channel_row(key_of(letter, now), _reference(letter), letter.recipient, title, body, made.level)


def test_message(recipient: Recipient, name: str, settings: Settings, now: datetime) -> OutboxMail:
    """Something harmless that shows whether a route reaches somebody."""
    key = f"alert test-{now:%Y%m%dT%H%M%S.%f}:{recipient.key}"
    title = clean(f"Test of the alert route “{name}”", 200)
    body = (
        "Nothing is wrong. Somebody asked for this message to see whether alerts arrive here. "
        f"Route: {clean(name, 80)}. Recipient: {clean(str(recipient), 80)}."
    )
    if recipient.channel != MAIL:
        return channel_row(key, "test", recipient, defuse(title), defuse(body), "unknown")
    identity = f"<test-{now:%Y%m%dT%H%M%S.%f}.{digest_of(recipient)}@{settings.mail.domain}>"
    message = EmailMessage(policy=POLICY)
    message["From"] = header_address(settings.mail.sender, "the sender (HOMEPOT_AI_MAIL__SENDER)")
    message["To"] = bare_address(recipient.address)
    message["Subject"] = f"{PREFIX}{title}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = identity
    message["List-Id"] = f"HOMEPOT alerts <alerts.{settings.mail.domain}>"
    message["List-Unsubscribe"] = f"<{unsubscribe_url(settings)}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(wrap(body, 78) + "\n", cte="quoted-printable")
    return OutboxMail(
        key, "alert", "test", recipient.address, f"{PREFIX}{title}", identity, message.as_bytes(policy=POLICY)
    )


def _view(
    letter: Letter, known: Mapping[int, Known], settings: Settings, now: datetime
) -> AlertView | DigestView:
    if letter.form == "single":
        telling = letter.tellings[0]
        return view.alert(telling, known[telling.incident_id], settings, now)
    return view.digest(letter, known, settings, now)


def _parts(
    letter: Letter, made: AlertView | DigestView, settings: Settings, templates: Path, unsubscribe: str
) -> tuple[str, str]:
    known = environment(templates)
    shared = {
        "view": made,
        "why_you": WHY_YOU,
        "unsubscribe": unsubscribe,
        "unsubscribe_address": unsubscribe_address(settings),
        "command_width": max(width(command) for command, _ in made.commands),
    }
    if isinstance(made, AlertView):
        over = letter.tellings[0].kind == "recovered"
        shared["evidence_title"] = "What it was" if over else "Seen and expected"
        name = "alert"
    else:
        base = settings.alerts.runbook_url.rstrip("/")
        shared["runbook"], shared["runbook_url"] = view.RUNBOOK, f"{base}/incident-runbook.md" if base else ""
        name = "alert_digest"
    text = known.get_template(f"mail/{name}.txt.j2").render(shared)
    return text, known.get_template(f"mail/{name}.html.j2").render(shared)


def _short(made: AlertView | DigestView) -> list[str]:
    if isinstance(made, AlertView):
        return [made.lead, *made.evidence, *made.similar[:2]]
    lines = [made.lead] if made.lead else []
    lines += [f"{row.glyph} {row.number} {row.title} ({row.where}): {row.state}" for row in made.rows[:10]]
    hidden = made.hidden + max(len(made.rows) - 10, 0)
    return [*lines, f"and {hidden} more"] if hidden else lines


def channel_row(
    key: str, reference: str, recipient: Recipient, title: str, body: str, level: str
) -> OutboxMail:
    """A message to a channel as a row of its outbox."""
    payload = orjson.dumps({"title": title, "body": body, "level": level})
    return OutboxMail(key, "alert", reference, recipient.channel, title, key, payload)


def _reference(letter: Letter) -> str:
    first = letter.tellings[0]
    return f"incident {first.incident_id}" if letter.form == "single" else f"{letter.form} of incidents"


def digest_of(recipient: Recipient) -> str:
    """What tells recipients apart in a Message-ID and tells nobody's address."""
    return hashlib.sha256(recipient.key.strip().casefold().encode()).hexdigest()[:16]


def unsubscribe_address(settings: Settings) -> str:
    """Whom to write to, to get no more."""
    return parseaddr(settings.mail.unsubscribe)[1] or settings.mail.unsubscribe


def unsubscribe_url(settings: Settings) -> str:
    """The same as a link for mail programs."""
    # Reaches a person: the subject tells them what to stop.
    return f"mailto:{quote(unsubscribe_address(settings), safe='@+')}?subject={quote('unsubscribe alerts')}"


def defuse(text: str) -> str:
    """Text in which no channel finds a mention, a link or markup.

    >>> defuse("<!channel> [POS](7)")
    '‹!channel› (POS)(7)'
    """
    return text.translate(_DEFUSED).replace("\N{NO-BREAK SPACE}", " ")
