"""A report as a mail: text twin, HTML with its pictures, PDF attached.

    multipart/mixed
      multipart/alternative
        text/plain
        multipart/related
          text/html
          image/png ...   by Content-ID
      application/pdf

The same report for the same recipient is the same message, byte for byte: nothing here looks at
a clock or draws a random number.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from homepot_ai.errors import MailError
from homepot_ai.reporting import layout, layout_text
from homepot_ai.reporting.document import Document
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

_BARE = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\\,;:\"]+")
# 7bit: whatever stands between us and the reader may not be clean for eight.
POLICY = policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class ReportMail:
    """What every recipient of one report gets; see :func:`body_of`."""

    report_id: str
    revision: int
    subject: str
    made_at: datetime
    text: str
    html: str
    pictures: dict[str, bytes]
    pdf: bytes
    pdf_name: str
    list_name: str


def message_id(report_id: str, revision: int, recipient: str, domain: str) -> str:
    """The Message-ID of a report for a recipient: always the same, and it tells nobody's address.

    >>> message_id("rpt_20261119_daily_site1", 1, "Ann@example.org", "homepot.example")
    '<rpt_20261119_daily_site1.r1.438c4c7afe600cdf@homepot.example>'
    """
    digest = hashlib.sha256(recipient.strip().casefold().encode()).hexdigest()[:16]
    return f"<{report_id}.r{revision}.{digest}@{domain}>"


def body_of(
    document: Document, pdf: bytes, made_at: datetime, settings: Settings, templates: Path
) -> ReportMail:
    """Lay out and draw a report's mail once, for all recipients."""
    name = f"{document.report_id}.r{document.revision}@{settings.mail.domain}"
    drawn = {key: drawing.png(templates / "fonts") for key, drawing in layout.pictures(document).items()}
    cids = {key: f"{key}.{name}" for key in drawn}
    address = parseaddr(settings.mail.unsubscribe)[1] or settings.mail.unsubscribe
    html = layout.mail_html(document, templates, cids, _unsubscribe_of(document.report_id, settings))
    revised = f"-r{document.revision}" if document.revision > 1 else ""
    return ReportMail(
        report_id=document.report_id,
        revision=document.revision,
        subject=clean(document.subject, 200),
        made_at=made_at,
        text=layout_text.text(document, templates, address),
        html=html,
        pictures={cids[key]: picture for key, picture in drawn.items()},
        pdf=pdf,
        pdf_name=f"{document.report_id.removeprefix('rpt_')}{revised}.pdf",
        list_name=f"daily-{'-'.join(document.report_id.split('_')[3:]) or 'report'}",
    )


def compose_report(report: ReportMail, recipient: str, settings: Settings, message_id: str) -> bytes:
    """One recipient's message, ready for SMTP (CRLF line ends).

    Args:
        message_id: with its angle brackets; see :func:`message_id`.

    Raises:
        MailError: an address cannot stand in a header.
    """
    mail = EmailMessage(policy=POLICY)
    mail["From"] = header_address(settings.mail.sender, "the sender (HOMEPOT_AI_MAIL__SENDER)")
    mail["To"] = bare_address(recipient)
    mail["Subject"] = report.subject
    mail["Date"] = format_datetime(report.made_at)
    mail["Message-ID"] = message_id
    mail["List-Id"] = f"HOMEPOT daily reports <{report.list_name}.{settings.mail.domain}>"
    mail["List-Unsubscribe"] = f"<{_unsubscribe_of(report.report_id, settings)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Report-Id"] = f"{report.report_id}; revision={report.revision}"
    mail.set_content(report.text, cte="quoted-printable")
    mail.add_alternative(report.html, subtype="html", cte="quoted-printable")
    page = list(mail.iter_parts())[1]
    assert isinstance(page, EmailMessage)
    for cid, picture in report.pictures.items():
        name = f"{cid.split('.')[0]}.png"
        page.add_related(picture, "image", "png", cid=f"<{cid}>", disposition="inline", filename=name)
    mail.add_attachment(report.pdf, "application", "pdf", filename=report.pdf_name)
    seed = hashlib.sha256(message_id.encode()).hexdigest()[:24]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"={seed}.{number}")
    # Folding is for encoded words, which must not be long; a plain subject stays on one line, because
    # Python would otherwise break it before its first word.
    plain = report.subject.isascii() and settings.mail.sender.isascii()
    return mail.as_bytes(policy=POLICY.clone(max_line_length=998) if plain else POLICY)


def bare_address(recipient: str) -> Address:
    """A recipient is one bare address: whatever looks like more is not guessed at."""
    if not _BARE.fullmatch(recipient.strip()):
        raise MailError(f"the recipient {clean(recipient, 80)!r} is no mail address; write name@example.org")
    return header_address(recipient.strip(), "the recipient")


def header_address(text: str, whose: str) -> Address:
    """An address that may stand in a header.

    Raises:
        MailError: it may not.
    """
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    if not local or not domain or any(ord(character) < 33 for character in address):
        raise MailError(f"{whose} {clean(text, 80)!r} is no mail address; write name@example.org")
    return Address(display_name=clean(name, 80) if name else "", username=local, domain=domain)


def _unsubscribe_of(report_id: str, settings: Settings) -> str:
    # Reaches a person: the subject tells them what to stop.
    subject = quote(f"unsubscribe daily {report_id.split('_', 3)[-1]}")
    address = parseaddr(settings.mail.unsubscribe)[1] or settings.mail.unsubscribe
    return f"mailto:{quote(address, safe='@+')}?subject={subject}"
