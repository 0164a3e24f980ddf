"""The mail sink as a process and in a thread, and its misbehaviours by name."""

from __future__ import annotations

import signal
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homepot_ai.errors import MailError
from homepot_ai.testing.chaos import MODES, parse
from homepot_ai.testing.mail_sink import MailSink
from tests.mail_helpers import mail


def send(port: int, name: str = "a") -> None:
    """By the standard library: a client that was not written with this server in mind."""
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail(
            "reports@homepot.example", [f"{name}@example.org", "b@example.org"], mail(name).payload
        )


def test_mails_are_numbered_and_carry_their_envelope(tmp_path):
    with MailSink(tmp_path / "new" / "folder") as sink:
        send(sink.port)
        send(sink.port)
    files = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert files == ["000001.eml", "000002.eml"]
    lines = (tmp_path / "new" / "folder" / "000001.eml").read_bytes().split(b"\r\n")
    assert lines[:3] == [
        b"Return-Path: <reports@homepot.example>",
        b"Delivered-To: a@example.org",
        b"Delivered-To: b@example.org",
    ]


def test_numbers_go_on_after_a_restart_and_after_a_mail_was_deleted(tmp_path):
    (tmp_path / "000041.eml").write_bytes(b"old")
    (tmp_path / "notes.txt").write_text("not a mail")
    for expected in ("000042.eml", "000043.eml"):
        with MailSink(tmp_path) as sink:
            send(sink.port)
        assert (tmp_path / expected).exists()
    assert (tmp_path / "000041.eml").read_bytes() == b"old"


def test_a_taken_port_is_named(tmp_path):
    with (
        MailSink(tmp_path) as sink,
        pytest.raises(MailError, match=f"port {sink.port} on 127.0.0.1 is taken"),
        MailSink(tmp_path, port=sink.port),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MailError, match="cannot start in"), MailSink(tmp_path / "file" / "mails"):
        pass


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    """Start the sink as a process; gives the process and its port."""
    started: list[subprocess.Popen[str]] = []

    def run(*options: str) -> tuple[subprocess.Popen[str], int]:
        command = [sys.executable, "-m", "homepot_ai.testing.mail_sink", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--dir", str(tmp_path / "mails"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline().split()[3].rstrip(",").rpartition(":")[2])

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_stores_mail_and_ends_cleanly_with_a_client_connected(start, tmp_path, number):
    process, port = start()
    send(port)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as lingering:
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        lingering.close()
    assert (process.returncode, errors) == (0, "")
    assert (tmp_path / "mails" / "000001.eml").exists()


def test_as_a_process_it_says_that_the_port_is_taken(tmp_path):
    with MailSink(tmp_path) as sink:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "homepot_ai.testing.mail_sink",
                "--port",
                str(sink.port),
                "--dir",
                tmp_path,
            ],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"port {sink.port} on 127.0.0.1 is taken")


def test_as_a_process_it_misbehaves_on_request(start):
    _, port = start("--chaos", "5xx:times=1,only=a@")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        refused = client.sendmail("r@homepot.example", ["a@example.org", "b@example.org"], mail("a").payload)
    assert refused == {"a@example.org": (550, b"5.1.1 no such mailbox")}


def test_a_mode_with_every_option_strikes_as_told_and_leaves_the_preset_alone(tmp_path):
    chaos = parse(f"4xx:times=2,only=ann@,seconds=3,stage=mail,signal={tmp_path}/s,release={tmp_path}/r")
    assert (chaos.seconds, chaos.release) == (3.0, tmp_path / "r")
    assert not chaos.strikes("rcpt", ["ann@example.org"])
    assert not chaos.strikes("mail", ["bob@example.org"])
    assert not (tmp_path / "s").exists()
    assert [chaos.strikes("mail", ["ann@example.org"]) for _ in range(3)] == [True, True, False]
    assert (tmp_path / "s").exists()
    assert MODES["4xx"].struck == 0


@pytest.mark.parametrize(
    ("text", "hint"), [("5yy", "known: refuse, 4xx"), ("4xx:often=2", "times="), ("slow:stage=bed", "stage=")]
)
def test_unknown_chaos_names_what_is_known(text, hint):
    with pytest.raises(ValueError, match=hint):
        parse(text)
