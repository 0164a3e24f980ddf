"""Stored mails (`.eml`) as text for a terminal: a list, or one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from email.utils import parsedate_to_datetime
from pathlib import Path

from homepot_ai.errors import NotFound

_NAME = re.compile(r"(\d{6,})\.eml")
# Whatever a mail holds, it must not steer the reader's terminal.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class MailLine:
    """One stored mail. `size` in bytes; `date` is None when the mail has none that can be read."""

    number: int
    path: Path
    sender: str
    recipient: str
    subject: str
    date: datetime | None
    size: int

    def __str__(self) -> str:
        when = "no date" if self.date is None else f"{self.date:%Y-%m-%d %H:%M %z}"
        return (
            f"{self.number:>4}  {when:<22}  {self.recipient[:32]:<32}  {_size(self.size):>9}  {self.subject}"
        )


def list_mails(directory: Path) -> list[MailLine]:
    """The mails in a folder, oldest first; empty when the folder does not exist yet."""
    found = []
    for number, path in sorted(_numbered(directory).items()):
        content = path.read_bytes()
        mail = _parse(content.partition(b"\r\n\r\n")[0])
        found.append(
            MailLine(
                number,
                path,
                _header(mail, "From"),
                _header(mail, "To") or _header(mail, "Delivered-To"),
                _header(mail, "Subject"),
                _date(mail),
                len(content),
            )
        )
    return found


def show(directory: Path, number: int) -> str:
    """One mail: from, to, subject, date, its text part, its attachments with their sizes.

    Raises:
        NotFound: there is no mail with this number.

    >>> print(show(Path("var/mail"), 1))                          # doctest: +SKIP
    From:     HOMEPOT <reports@homepot.example>
    ...
    """
    mails = _numbered(directory)
    if number not in mails:
        raise NotFound("stored mail", str(number), [str(known) for known in sorted(mails)[-3:]])
    content = mails[number].read_bytes()
    mail = _parse(content)
    lines = [
        f"{name + ':':<13} {value}"
        for name in ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To")
        if (value := _header(mail, name))
    ]
    lines += [f"{'File:':<13} {mails[number]} ({_size(len(content))})", ""]
    lines += [_body(mail).rstrip(), ""]
    parts = [text for part in mail.walk() if (text := _attached(part))]
    if parts:
        lines += ["Attached:", *(f"  {text}" for text in parts), ""]
    return "\n".join(lines)


def _numbered(directory: Path) -> dict[int, Path]:
    if not directory.is_dir():
        return {}
    return {int(match[1]): path for path in directory.iterdir() if (match := _NAME.fullmatch(path.name))}


def _parse(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=default_policy)
    assert isinstance(mail, EmailMessage)
    return mail


def _header(mail: EmailMessage, name: str) -> str:
    try:
        value = str(mail.get(name, ""))
    except (ValueError, LookupError, AttributeError):  # what the standard library trips over
        return "(cannot be read)"
    return _STEERING.sub("", " ".join(value.split()))


def _date(mail: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(_header(mail, "Date"))
    except ValueError:
        return None


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain",))
    if part is None:
        return "(no text part)"
    try:
        text = str(part.get_content())
    except (LookupError, ValueError) as error:
        return f"(the text part cannot be read: {error})"
    return _STEERING.sub("", text.replace("\r\n", "\n"))


def _attached(part: EmailMessage) -> str | None:
    """What a reader does not see as text: attachments and the pictures inside the HTML part."""
    disposition = part.get_content_disposition()
    inline_picture = part.get_content_maintype() == "image"
    if part.is_multipart() or not (disposition == "attachment" or inline_picture):
        return None
    payload = part.get_payload(decode=True)
    size = len(payload) if isinstance(payload, bytes) else 0
    name = _STEERING.sub("", part.get_filename() or "without a name")
    where = "" if disposition == "attachment" else ", inside the HTML part"
    return f"{name} ({part.get_content_type()}, {_size(size)}{where})"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"
