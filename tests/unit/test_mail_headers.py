"""What stands in the head of every mail of ours."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy

import pytest

from homepot_ai.reporting.mail import POLICY


@pytest.mark.parametrize("policy", [POLICY, POLICY.clone(max_line_length=998)])
def test_ids_stay_on_the_line_of_their_header(policy: EmailPolicy) -> None:
    identity = f"<alarm-{'3797a6a52229f15c' * 4}.new@homepot.example>"
    mail = EmailMessage(policy=POLICY)
    mail["Message-ID"] = identity
    mail["In-Reply-To"] = identity
    mail["References"] = identity
    mail["Subject"] = "Überlauf " * 30
    mail.set_content("Körper")
    made = mail.as_bytes(policy=policy)
    assert f"\r\nMessage-ID: {identity}\r\n".encode() in b"\r\n" + made
    assert f"\r\nIn-Reply-To: {identity}\r\n".encode() in made
    assert f"\r\nReferences: {identity}\r\n".encode() in made
    assert made.isascii()
    assert max(map(len, made.split(b"\r\n"))) <= 998
    assert message_from_bytes(made)["Message-ID"] == identity


def test_an_id_never_brings_a_header_with_it() -> None:
    mail = EmailMessage(policy=POLICY)
    with pytest.raises(ValueError, match=r"linefeed|carriage"):
        mail["Message-ID"] = "<a@b>\r\nBcc: everybody@example.org"
