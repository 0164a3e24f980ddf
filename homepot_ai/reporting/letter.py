"""A mail about reports as it goes into the outbox: MIME parts, headers, thread and size.

    multipart/mixed
      multipart/alternative
        text/plain
        multipart/related
          text/html
          image/png ...   by Content-ID
      application/pdf ...
      text/csv ...        on wish

The same letter for the same recipient is the same message, byte for byte: nothing here looks at a clock
or draws a random number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from homepot_ai.reporting import one_click
from homepot_ai.reporting.mail import POLICY, bare_address, header_address
from homepot_ai.reporting.one_click import Leaving
from homepot_ai.reporting.voice import Voice
from homepot_ai.text import wrap

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

COLUMNS = 78
MEGABYTE = 1_000_000
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
#: A thread's first mail and its last ones are named; mail programs need no more.
_REFERENCES = 5


@dataclass(frozen=True)
class Letter:
    """What every recipient of one edition gets.

    Attributes:
        list_name: kind and scope, `daily-site1`: part of List-Id and of what one unsubscribes from.
        reference: X-Report-Id.
        pictures: PNG by Content-ID without its brackets, as the HTML names them.
        pdfs, tables: attachments by file name; tables go only to those who want them.
    """

    subject: str
    made_at: datetime
    text: str
    html: str
    list_name: str
    reference: str
    language: str
    pictures: Mapping[str, bytes]
    pdfs: Mapping[str, bytes]
    tables: Mapping[str, bytes]


def message_id(name: str, recipient: str, domain: str) -> str:
    """The Message-ID of a letter to a recipient: always the same, and it tells nobody's address.

    Args:
        name: what is announced, with its revision.

    >>> message_id("rpt_20261119_daily_site1.r1", "Ann@example.org", "homepot.example")
    '<rpt_20261119_daily_site1.r1.438c4c7afe600cdf@homepot.example>'
    """
    digest = hashlib.sha256(recipient.strip().casefold().encode()).hexdigest()[:16]
    return f"<{name}.{digest}@{domain}>"


def compose(
    letter: Letter,
    recipient: str,
    settings: Settings,
    identity: str,
    *,
    thread: Sequence[str] = (),
    tables: bool = False,
) -> bytes:
    """One recipient's message, ready for SMTP (CRLF line ends).

    A mail that would be larger than `mail.max_megabytes` goes without its tables, then without its PDFs
    from the last one on, and says so.

    Args:
        identity: its Message-ID, with angle brackets.
        thread: Message-IDs of what the recipient had before, the oldest first.
        tables: whether the recipient wants the CSV files.

    Raises:
        MailError: an address cannot stand in a header.
    """
    said = Voice("de" if letter.language == "de" else "en", "UTC", templates=settings.templates).t
    limit = round(settings.mail.max_megabytes * MEGABYTE)
    whole = letter if tables else replace(letter, tables={})
    made = _message(whole, recipient, settings, identity, thread)
    if len(made) <= limit:
        return made
    notes = []
    if whole.tables:
        notes.append(
            said("The tables (CSV) are not attached: the mail would be larger than {limit} MB.",
                 limit=f"{settings.mail.max_megabytes:g}")
        )  # fmt: skip
        whole = replace(whole, tables={})
    left = dict(whole.pdfs)
    while len(made := _message(_noting(whole, left, notes), recipient, settings, identity, thread)) > limit:
        if not left:
            break  # the words alone: whoever set such a limit still gets them
        name, _ = left.popitem()
        notes.append(
            said("{name} is not attached: the mail would be larger than {limit} MB. Fetch it with "
                 "homepot-ai report.", name=name, limit=f"{settings.mail.max_megabytes:g}")
        )  # fmt: skip
    return made


def _noting(letter: Letter, pdfs: Mapping[str, bytes], notes: Sequence[str]) -> Letter:
    text = letter.text.rstrip("\n") + "\n" + "".join(f"\n{wrap(note, COLUMNS)}\n" for note in notes)
    lines = "".join(f"<p>{escape(note)}</p>" for note in notes)
    html = letter.html.replace("</body>", f"{lines}</body>", 1)
    return replace(letter, text=text, html=html, pdfs=dict(pdfs))


def _message(
    letter: Letter, recipient: str, settings: Settings, identity: str, thread: Sequence[str]
) -> bytes:
    mail = EmailMessage(policy=POLICY)
    mail["From"] = header_address(settings.mail.sender, "the sender (HOMEPOT_AI_MAIL__SENDER)")
    mail["To"] = bare_address(recipient)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(letter.made_at)
    mail["Message-ID"] = identity
    if thread:
        mail["In-Reply-To"] = thread[-1]
        mail["References"] = " ".join([thread[0], *thread[1:][-_REFERENCES:]])
    kind = letter.list_name.partition("-")[0]
    mail["List-Id"] = f"HOMEPOT {kind} reports <{letter.list_name}.{settings.mail.domain}>"
    by_mail = f"<{unsubscribe_url(letter.list_name, settings)}>"
    link = one_click.link(settings, Leaving(recipient, letter.list_name))
    if link is None:
        mail["List-Unsubscribe"] = by_mail
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Report-Id"] = letter.reference
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    page = list(mail.iter_parts())[1]
    assert isinstance(page, EmailMessage)
    for cid, picture in letter.pictures.items():
        name = f"{cid.split('.')[0]}.png"
        page.add_related(picture, "image", "png", cid=f"<{cid}>", disposition="inline", filename=name)
    for name, pdf in letter.pdfs.items():
        mail.add_attachment(pdf, "application", "pdf", filename=name)
    for name, table in letter.tables.items():
        # As bytes: the text of a table is not rewrapped, and its line ends stay.
        mail.add_attachment(table, "text", "csv", filename=name, params={"charset": "utf-8"})
    seed = hashlib.sha256(identity.encode()).hexdigest()[:24]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"={seed}.{number}")
    # Folding is for encoded words, which must not be long; a plain subject stays on one line, because
    # Python would otherwise break it before its first word.
    plain = letter.subject.isascii() and settings.mail.sender.isascii()
    made = mail.as_bytes(policy=POLICY.clone(max_line_length=998) if plain else POLICY)
    if link is None:
        return made
    # Written by hand: Python would fold a long link into encoded words, which no mail program follows.
    return f"List-Unsubscribe: <{link}>,\r\n {by_mail}\r\n{ONE_CLICK}\r\n".encode() + made


def unsubscribe_address(settings: Settings) -> str:
    """Whom to write to, to get no more."""
    return parseaddr(settings.mail.unsubscribe)[1] or settings.mail.unsubscribe


def unsubscribe_url(list_name: str, settings: Settings) -> str:
    """The same as a link for mail programs. It reaches a person: the subject tells them what to stop.

    >>> from homepot_ai.settings import Settings
    >>> unsubscribe_url("daily-site1", Settings())
    'mailto:unsubscribe@homepot.example?subject=unsubscribe%20daily%20site1'
    """
    subject = quote(f"unsubscribe {list_name.replace('-', ' ', 1)}")
    return f"mailto:{quote(unsubscribe_address(settings), safe='@+')}?subject={subject}"
