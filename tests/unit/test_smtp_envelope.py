"""A stored mail made ready for the line, and a server's answers by name."""

from __future__ import annotations

import pytest

from homepot_ai.reporting.smtp_envelope import Envelope, Outcome, ascii_domain, by_code, envelope, wire_form
from homepot_ai.store.outbox_rules import Result

MAIL = b"From: HOMEPOT <reports@homepot.example>\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.mark.parametrize(
    ("payload", "wire"),
    [
        (b"a\nb", b"a\r\nb\r\n"),
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\rb\r", b"a\r\nb\r\n"),
        (b".\n..x\n", b"..\r\n...x\r\n"),
        (b"a\n\n.b", b"a\r\n\r\n..b\r\n"),
    ],
)
def test_the_wire_form_has_crlf_and_doubled_dots(payload, wire):
    assert wire_form(payload) == wire


def test_the_senders_address_comes_from_the_mail_unless_one_is_set():
    assert envelope({}, None, "ann@example.org", MAIL).sender == "reports@homepot.example"
    assert envelope({}, "Bounces <b@homepot.example>", "ann@example.org", MAIL).sender == "b@homepot.example"


@pytest.mark.parametrize("payload", [b"", b"\r\n \r\n"])
def test_an_empty_mail_is_broken(payload):
    assert envelope({}, "a@b.example", "ann@example.org", payload).result is Result.BROKEN


@pytest.mark.parametrize("payload", [b"Subject: no from\n\nx", b"\xff\xfe\x00garbage", b"From: \xff@\n\nx"])
def test_a_mail_without_a_sender_is_broken(payload):
    assert envelope({}, None, "ann@example.org", payload).result is Result.BROKEN


@pytest.mark.parametrize(
    "recipient",
    ["", "ann", "@example.org", "ann@", "ann@example.org\r\nRCPT TO:<eve@example.org>", "a b@c d", "\x00@x"],
)
def test_what_is_no_address_is_broken_and_quoted_on_one_line(recipient):
    outcome = envelope({}, "a@b.example", recipient, MAIL)
    assert outcome.result is Result.BROKEN
    assert "is not a mail address" in outcome.answer
    assert "\n" not in outcome.answer


def test_a_mail_over_the_servers_size_is_too_big_and_says_both_sizes():
    outcome = envelope({"size": "20"}, None, "ann@example.org", MAIL)
    assert outcome == Outcome(
        Result.TOO_BIG,
        f"the mail has {len(MAIL)} bytes, the server takes 20; "
        "make the report smaller or ask the server's owner",
    )


@pytest.mark.parametrize("limit", ["", "0", "1000000", "nonsense"])
def test_no_or_enough_size_is_no_obstacle(limit):
    ready = envelope({"size": limit}, None, "ann@example.org", MAIL)
    assert isinstance(ready, Envelope)
    assert f"SIZE={len(MAIL)}" in ready.options


def test_eight_bit_mail_is_announced_where_it_can_be():
    payload = MAIL + "grün\r\n".encode()
    assert "BODY=8BITMIME" in envelope({"8bitmime": ""}, None, "ann@example.org", payload).options
    assert envelope({}, None, "ann@example.org", payload).options == ()


def test_a_domain_beyond_ascii_is_encoded_and_a_name_beyond_ascii_needs_the_server():
    assert ascii_domain("ann@bücher.example") == "ann@xn--bcher-kva.example"
    assert envelope({}, None, "änn@example.org", MAIL).result is Result.REFUSED
    ready = envelope({"smtputf8": ""}, None, "änn@example.org", MAIL)
    assert (ready.options, ready.encoding) == (("SMTPUTF8",), "utf-8")


@pytest.mark.parametrize(
    ("code", "at", "result"),
    [
        (250, "end of mail", Result.SENT),
        (251, "end of mail", Result.SENT),
        (451, "RCPT", Result.DEFERRED),
        (421, "MAIL", Result.DEFERRED),
        (452, "end of mail", Result.DEFERRED),
        (550, "RCPT", Result.REFUSED),
        (552, "RCPT", Result.REFUSED),
        (554, "DATA", Result.REFUSED),
        (554, "end of mail", Result.REFUSED),
        (552, "MAIL", Result.TOO_BIG),
        (552, "end of mail", Result.TOO_BIG),
        (553, "MAIL", Result.SENDER_REFUSED),
        (530, "MAIL", Result.AUTH_FAILED),
        (250, "DATA", Result.DEFERRED),
        (354, "end of mail", Result.UNKNOWN),
        (-1, "end of mail", Result.UNKNOWN),
    ],
)
def test_answers_by_name(code, at, result):
    assert by_code(code, "words", at=at).result is result
