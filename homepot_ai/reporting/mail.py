"""What every mail of ours obeys: how it is encoded, and which addresses may stand in a header."""

from __future__ import annotations

import re
from email import policy
from email.headerregistry import Address
from email.utils import parseaddr

from homepot_ai.errors import MailError
from homepot_ai.text import clean

_BARE = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\\,;:\"]+")
# A line of a mail may have so many characters without its end (RFC 5322, 2.1.1).
_LINE = 998
_IDS = frozenset({"message-id", "in-reply-to", "references"})


class _WholeIds(policy.EmailPolicy):
    """Ids stay on the line of their header: a long one would be put on the next, where not every program that
    puts conversations together looks for it."""

    def fold(self, name: str, value: str) -> str:
        return _whole(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        return _whole(name, value).encode("ascii") or super().fold_binary(name, value)


def _whole(name: str, value: str) -> str:
    line = f"{name}: {value}"
    fits = name.lower() in _IDS and len(line) <= _LINE and line.isascii() and line.isprintable()
    return f"{line}\r\n" if fits else ""


# 7bit: whatever stands between us and the reader may not be clean for eight.
POLICY = _WholeIds(linesep="\r\n", cte_type="7bit")


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
