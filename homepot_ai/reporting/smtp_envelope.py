"""A stored mail made ready for the line: addresses, options, wire form - or why it cannot go. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY
from email.utils import parseaddr

from homepot_ai.store.outbox_rules import Result

_LINE_ENDING = re.compile(rb"\r\n|\n|\r")
_LEADING_DOT = re.compile(rb"(?m)^\.")
# RFC 4954: what a server says when it wants a login or dislikes ours.
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_OVER_QUOTA = 552  # at MAIL or after the body: the mail is too big; at RCPT: the mailbox is full
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, and in whose words."""

    result: Result
    answer: str


@dataclass(frozen=True)
class Envelope:
    """A mail as it goes over the line. `wire` has CRLFs and doubled dots, but not the end mark."""

    sender: str
    recipient: str
    wire: bytes
    options: tuple[str, ...]
    encoding: str


def envelope(
    extensions: Mapping[str, str], sender: str | None, recipient: str, payload: bytes
) -> Envelope | Outcome:
    """What goes over the line, or why this mail cannot."""
    if not payload.strip():
        return Outcome(Result.BROKEN, "the stored mail is empty")
    if sender is None:
        try:
            sender = str(message_from_bytes(payload, policy=SMTP_POLICY).get("From", ""))
        except (ValueError, LookupError, IndexError, AttributeError) as error:  # what the parser trips over
            return Outcome(Result.BROKEN, f"the stored mail's From cannot be read: {error}")
    addresses: list[str] = []
    for role, text in (("sender", sender), ("recipient", recipient)):
        address = None if CONTROL.search(text) else ascii_domain(parseaddr(text)[1])
        if address is None:
            return Outcome(Result.BROKEN, f"the {role} {CONTROL.sub(' ', text)!r} is not a mail address")
        addresses.append(address)
    options: list[str] = []
    encoding = "ascii"
    if not all(address.isascii() for address in addresses):
        if "smtputf8" not in extensions:
            return Outcome(
                Result.REFUSED,
                "the address has characters beyond ASCII before the @ and the server takes none (SMTPUTF8)",
            )
        options.append("SMTPUTF8")
        encoding = "utf-8"
    wire = wire_form(payload)
    if "size" in extensions:
        limit = extensions["size"].strip()
        if limit.isdigit() and 0 < int(limit) < len(wire):
            return Outcome(
                Result.TOO_BIG,
                f"the mail has {len(wire):,} bytes, the server takes {int(limit):,}; "
                "make the report smaller or ask the server's owner",
            )
        options.append(f"SIZE={len(wire)}")
    if not payload.isascii() and "8bitmime" in extensions:
        options.append("BODY=8BITMIME")
    return Envelope(addresses[0], addresses[1], wire, tuple(options), encoding)


def by_code(code: int, message: str, *, at: str) -> Outcome:
    """Name a server's answer.

    Args:
        at: "MAIL", "RCPT", "DATA" or "end of mail": the same code means another thing elsewhere.

    >>> by_code(550, "no such user", at="RCPT")
    Outcome(result=<Result.REFUSED: 'refused'>, answer='550 no such user (at RCPT)')
    """
    words = f"{code} {message} (at {at})"
    if 200 <= code < 300 and at == "end of mail":
        return Outcome(Result.SENT, f"{code} {message}")
    if code in _LOGIN_CODES:
        return Outcome(Result.AUTH_FAILED, words)
    if code == _OVER_QUOTA and at != "RCPT":
        return Outcome(Result.TOO_BIG, words)
    if 500 <= code < 600:
        return Outcome(Result.SENDER_REFUSED if at == "MAIL" else Result.REFUSED, words)
    if 400 <= code < 500:
        return Outcome(Result.DEFERRED, words)
    # Neither yes nor no. After the end mark that leaves it open whether the server took the mail.
    nonsense = f"the answer makes no sense: {words}"
    return Outcome(Result.UNKNOWN if at == "end of mail" else Result.DEFERRED, nonsense)


def wire_form(payload: bytes) -> bytes:
    """CRLF everywhere, a CRLF at the end, leading dots doubled.

    >>> wire_form(b"a\\n.b")
    b'a\\r\\n..b\\r\\n'
    """
    lines = _LINE_ENDING.sub(b"\r\n", payload)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return _LEADING_DOT.sub(b"..", lines)


def ascii_domain(address: str) -> str | None:
    """The address with its domain in ASCII (IDNA), or None if it is none."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or " " in address:
        return None
    try:
        return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        return None
