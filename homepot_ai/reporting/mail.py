"""What every mail of ours obeys: how it is encoded, and which addresses may stand in a header."""

from __future__ import annotations

import re
from email import policy
from email.headerregistry import Address
from email.utils import parseaddr

from homepot_ai.errors import MailError
from homepot_ai.text import clean

_BARE = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\\,;:\"]+")
# 7bit: whatever stands between us and the reader may not be clean for eight.
POLICY = policy.SMTP.clone(cte_type="7bit")


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
