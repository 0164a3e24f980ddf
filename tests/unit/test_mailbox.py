"""Stored mails as text for a terminal."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from homepot_ai.errors import NotFound
from homepot_ai.reporting.mailbox import list_mails, show


def _report() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "HOMEPOT <reports@homepot.example>"
    message["To"] = "Änn <ann@example.org>"
    message["Subject"] = "[HOMEPOT] Zürich: 3 devices need attention"
    message["Date"] = "Thu, 27 Nov 2025 06:00:00 +0100"
    message["Message-ID"] = "<r1@homepot.example>"
    message.set_content("Fleet health   97 %  ▲\n\nWorst devices\n")
    message.add_alternative("<p>Fleet health 97 % <img src='cid:x'></p>", subtype="html")
    html = message.get_body(("html",))
    html.add_related(b"\x89PNG" + b"0" * 1500, "image", "png", cid="<x>")
    message.add_attachment(b"%PDF" + b"0" * 250_000, maintype="application", subtype="pdf", filename="r.pdf")
    return message


def _store(folder: Path, number: int, content: bytes) -> None:
    (folder / f"{number:06d}.eml").write_bytes(b"Delivered-To: ann@example.org\r\n" + content)


def test_a_list_of_mails(tmp_path):
    _store(tmp_path, 2, b"Subject: no date\r\n\r\nx")
    _store(tmp_path, 1, _report().as_bytes())
    (tmp_path / "000003.part").write_bytes(b"half written")
    first, second = list_mails(tmp_path)
    assert (first.number, first.recipient) == (1, "Änn <ann@example.org>")
    assert str(first).split() == [
        "1", "2025-11-27", "06:00", "+0100", "Änn", "<ann@example.org>", f"{first.size / 1000:.1f}", "kB",
        "[HOMEPOT]", "Zürich:", "3", "devices", "need", "attention",
    ]  # fmt: skip
    assert (second.date, second.recipient) == (None, "ann@example.org")
    assert "no date" in str(second)


def test_no_folder_is_an_empty_mailbox(tmp_path):
    assert list_mails(tmp_path / "nothing yet") == []


def test_a_whole_mail(tmp_path):
    _store(tmp_path, 1, _report().as_bytes())
    size = (tmp_path / "000001.eml").stat().st_size
    assert show(tmp_path, 1) == (
        "From:         HOMEPOT <reports@homepot.example>\n"
        "To:           Änn <ann@example.org>\n"
        "Subject:      [HOMEPOT] Zürich: 3 devices need attention\n"
        "Date:         Thu, 27 Nov 2025 06:00:00 +0100\n"
        "Message-ID:   <r1@homepot.example>\n"
        f"File:         {tmp_path}/000001.eml ({size / 1000:.1f} kB)\n"
        "\n"
        "Fleet health   97 %  ▲\n"
        "\n"
        "Worst devices\n"
        "\n"
        "Attached:\n"
        "  without a name (image/png, 1.5 kB, inside the HTML part)\n"
        "  r.pdf (application/pdf, 250.0 kB)\n"
    )


def test_a_mail_cannot_steer_the_terminal(tmp_path):
    body = "\x1b[2J\x1b]0;owned\x07 hello \u202eevil"
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content(body)
    _store(tmp_path, 1, message.as_bytes())
    text = show(tmp_path, 1)
    assert "hello" in text
    assert not any(steering in text for steering in ("\x1b", "\x07", "\u202e"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Subject: html\r\nContent-Type: text/html\r\n\r\n<p>x", "(no text part)"),
        (b"Content-Type: text/plain; charset=klingon\r\n\r\nx", "(the text part cannot be read"),
        (b"\xff\xfe garbage", "File:"),
        (b"", "File:"),
    ],
)
def test_odd_mails_are_shown_as_far_as_they_go(tmp_path, content, expected):
    _store(tmp_path, 1, content)
    assert expected in show(tmp_path, 1)
    assert len(list_mails(tmp_path)) == 1


def test_a_number_that_is_not_there_names_the_last_ones(tmp_path):
    _store(tmp_path, 7, b"Subject: x\r\n\r\nx")
    with pytest.raises(NotFound, match="no stored mail '8'; did you mean: 7"):
        show(tmp_path, 8)
