"""An alarm about ourselves as a mail or a channel's message, ready for an outbox. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal

from homepot_ai.alerts.compose import PREFIX, channel_row, defuse, digest_of
from homepot_ai.alerts.phrases import moment
from homepot_ai.alerts.records import MAIL, Recipient
from homepot_ai.reporting.editions import templates_of
from homepot_ai.reporting.mail import POLICY, bare_address, header_address
from homepot_ai.reporting.templating import environment
from homepot_ai.store.outbox import OutboxMail
from homepot_ai.text import NBSP, clean, width
from homepot_ai.watch import keys

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.watch.alarm_rules import Alarm, Telling

Level = Literal["good", "warning", "critical"]
WHY_YOU = (
    "You get this because your address is in the setting watch.mail_to. It is about the software that "
    "watches the devices, not about one of them."
)
_GLYPH = {"good": "●", "warning": "▲", "critical": "■"}
_KICKER = {
    "new": "HOMEPOT itself",
    "worse": "HOMEPOT itself · worse than before",
    "still": "HOMEPOT itself · still so",
    "over": "HOMEPOT itself · well again",
}


@dataclass(frozen=True)
class AlarmView:
    """What a mail about an alarm shows; every text is clean."""

    subject: str
    kicker: str
    level: Level
    headline: str
    lead: str
    rows: tuple[tuple[str, str], ...]
    runbook: str
    runbook_url: str
    commands: tuple[tuple[str, str], ...]
    footer: str
    why_you: str = WHY_YOU

    @property
    def glyph(self) -> str:
        """The sign beside the headline, so that colour is never alone."""
        return _GLYPH[self.level]


def view(alarm: Alarm, telling: Telling, settings: Settings, now: datetime) -> AlarmView:
    """Word an alarm."""
    zone = settings.reports.timezone
    title = clean(alarm.title, 120)
    over = telling == "over"
    rows = [("Since", moment(alarm.first_at, zone))]
    if over:
        rows += [("Until", moment(now, zone)), ("It lasted", lasted(now - alarm.first_at))]
    else:
        if alarm.count > 1:
            rows.append(("Seen", f"{alarm.count} times, last {moment(alarm.last_at, zone)}"))
        rows.append(("Urgency", alarm.severity))
    rows.append(("Name", clean(alarm.key, 120)))
    if settings.pod:
        rows.append(("Pod", clean(settings.pod, 60)))
    base = settings.alerts.runbook_url.rstrip("/")
    repeat = lasted(timedelta(minutes=settings.watch.repeat_minutes))
    again = "" if over else f" Told again at most every {repeat} while it lasts, and when it is over."
    detail = clean(alarm.detail, 600)
    return AlarmView(
        subject=f"{'Well again: ' if over else ''}{title}",
        kicker=_KICKER[telling],
        level="good" if over else alarm.severity,
        headline=f"Well again: {title}" if over else title,
        lead=f"It was: {detail}" if over else detail,
        rows=tuple(rows),
        runbook=keys.page(alarm.runbook),
        runbook_url=f"{base}/runbooks/{alarm.runbook}.md" if base else "",
        commands=(
            ("homepot-ai status", "every part at a glance, looked at now"),
            ("homepot-ai alarms", "what is open, and since when"),
        ),
        footer=f"Told by rule, {moment(now, zone)}.{again}".replace(NBSP, " "),
    )


def letter(alarm: Alarm, telling: Telling, to: Recipient, settings: Settings, now: datetime) -> OutboxMail:
    """An alarm to a mail address or a channel.

    Raises:
        MailError: the address cannot stand in a header.
    """
    made = view(alarm, telling, settings, now)
    key = f"watch {alarm.key} {telling} {now:%Y%m%dT%H%M%S}:{to.key}"
    if to.channel != MAIL:
        lines = [made.lead, *(f"{label}: {value}" for label, value in made.rows)]
        body = "\n".join(defuse(line) for line in lines)
        body += f"\nRunbook: {made.runbook_url or made.runbook}"
        return channel_row(key, alarm.key, to, defuse(f"{made.glyph} {made.subject}"), body, made.level)
    first = _message_id(alarm, "new", alarm.first_at, to, settings)
    identity = first if telling == "new" else _message_id(alarm, telling, now, to, settings)
    subject = clean(f"{PREFIX}{made.glyph} {made.subject}", 200)
    message = EmailMessage(policy=POLICY)
    message["From"] = header_address(settings.mail.sender, "the sender (HOMEPOT_AI_MAIL__SENDER)")
    message["To"] = bare_address(to.address)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = identity
    if identity != first:
        message["In-Reply-To"] = message["References"] = first
    message["List-Id"] = f"HOMEPOT operations <operations.{settings.mail.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Alarm"] = clean(alarm.key, 120).encode("ascii", "replace").decode()
    if made.level == "critical":
        message["Importance"] = "high"
    known = environment(templates_of(settings))
    shared = {"view": made, "command_width": max(width(command) for command, _ in made.commands)}
    message.set_content(known.get_template("mail/alarm.txt.j2").render(shared), cte="quoted-printable")
    html = known.get_template("mail/alarm.html.j2").render(shared)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"={hashlib.sha256(identity.encode()).hexdigest()[:24]}")
    return OutboxMail(key, "alert", alarm.key, to.address, subject, identity, message.as_bytes(policy=POLICY))


def lasted(span: timedelta) -> str:
    """A length of time as people say it.

    >>> lasted(timedelta(minutes=95)), lasted(timedelta(days=3)), lasted(timedelta(seconds=20))
    ('95 min', '3 days', '20 s')
    """
    seconds = max(0.0, span.total_seconds())
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def _message_id(alarm: Alarm, telling: str, at: datetime, to: Recipient, settings: Settings) -> str:
    what = hashlib.sha256(alarm.key.encode()).hexdigest()[:16]
    return f"<alarm-{what}.{telling}.{at:%Y%m%dT%H%M%S}.{digest_of(to)}@{settings.mail.domain}>"
