"""Report mails towards servers that misbehave: each arrives once, the unknown is held, bounces are kept."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homepot_ai.cli import common as cli_common
from homepot_ai.cli import post as cli_post
from homepot_ai.errors import ReportError
from homepot_ai.reporting import smtp
from homepot_ai.reporting.letter import Letter, compose, message_id
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store import outbox, people
from homepot_ai.store.database import Database
from homepot_ai.store.outbox import OutboxMail
from homepot_ai.store.people import Wanted
from homepot_ai.testing.chaos import parse
from homepot_ai.testing.mail_sink import MailSink
from tests.mail_helpers import received

NOW = datetime(2026, 11, 20, 5, tzinfo=UTC)
READERS = [f"reader{n}@example.org" for n in range(12)]


def queue(db: Database, settings: Settings) -> list[str]:
    """A report's mails to twelve readers; their Message-IDs."""
    letter = Letter(
        subject="[HOMEPOT] Berlin: all well - daily 2026-11-19", made_at=NOW, text="All is well.\n",
        html="<html><body><p>All is well.</p></body></html>", list_name="daily-site1", reference="rpt_1",
        language="en", pictures={"bar.x@homepot.example": b"\x89PNG" + bytes(900)},
        pdfs={"1.pdf": b"%PDF-1.7" + bytes(range(256)) * 300}, tables={},
    )  # fmt: skip
    ids = []
    with db.writer() as conn:
        for to in READERS:
            identity = message_id("rpt_1.r1", to, settings.mail.domain)
            payload = compose(letter, to, settings, identity)
            mail = OutboxMail(f"rpt_1#1:{to}", "report", "rpt_1", to, letter.subject, identity, payload)
            assert outbox.enqueue(conn, mail, now=NOW)
            ids.append(identity)
    return ids


def deliver(db: Database, port: int, at: datetime, **more: object) -> smtp.DeliverySummary:
    server = smtp.MailServer("127.0.0.1", port, timeout=1.5, answer_timeout=1.5, **more)  # type: ignore[arg-type]
    return smtp.deliver_due(db, server, now=at, worker="chaos")


@pytest.mark.parametrize(
    ("mode", "sent", "unknown", "failed"),
    [
        ("refuse:times=2", 12, 0, 0),
        ("4xx:times=5", 12, 0, 0),
        ("4xx-data:times=3", 12, 0, 0),
        ("5xx:only=reader1@", 11, 0, 1),
        ("5xx-data:only=reader2@", 11, 0, 1),
        ("drop-in-body:times=2", 12, 0, 0),
        ("drop-after-data:times=2", 10, 2, 0),
        ("slow:stage=answer,seconds=4,times=1", 11, 1, 0),
    ],
)
def test_counts_and_no_duplicates(
    database: Database, settings: Settings, tmp_path: Path, mode: str, sent: int, unknown: int, failed: int
) -> None:
    ids = queue(database, settings)
    with MailSink(tmp_path / "mail", host="127.0.0.1", port=0, chaos=[parse(mode)]) as sink:
        for attempt in range(4):  # the next runs, hours later
            deliver(database, sink.port, NOW + timedelta(hours=3 * attempt + 1))
    with database.reader() as conn:
        counts = outbox.summary(conn, now=NOW).counts
    assert (counts["sent"], counts["unknown"], counts["failed"]) == (sent, unknown, failed)
    assert counts["queued"] == counts["claimed"] == counts["in_data"] == 0
    arrived: Counter[str] = received(tmp_path / "mail")
    assert set(arrived.values()) == {1}, "nothing twice"
    assert set(arrived) <= set(ids)
    assert len(arrived) >= sent, "what is unknown may have arrived, what is sent has"


def test_without_tls_nothing_leaves_and_nothing_is_lost(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    queue(database, settings)
    with MailSink(tmp_path / "mail", host="127.0.0.1", port=0) as sink:
        for attempt in range(3):
            summary = deliver(database, sink.port, NOW + timedelta(hours=3 * attempt), security="starttls")
            assert "TLS failed" in str(summary.trouble)
            assert (summary.sent, summary.waiting) == (0, 12)
        assert not received(tmp_path / "mail")
        assert deliver(database, sink.port, NOW + timedelta(days=1)).sent == 12
    assert set(received(tmp_path / "mail").values()) == {1}


def test_a_refused_address_is_remembered_until_it_takes_a_mail(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    queue(database, settings)
    with database.writer() as conn:
        people.subscribe(conn, "Reader3@example.org", Wanted(), actor="test", now=NOW)
    with MailSink(tmp_path / "mail", host="127.0.0.1", port=0, chaos=[parse("5xx:only=reader3@")]) as sink:
        summary = deliver(database, sink.port, NOW)
    assert [(one.email, one.in_a_row) for one in summary.bounces] == [("reader3@example.org", 1)]
    assert "550 5.1.1 no such mailbox" in summary.markdown()
    with database.writer() as conn:
        [subscription] = people.subscriptions(conn)
        assert (subscription.active, subscription.bounces) == (True, 1)
        [line] = outbox.attention(conn)
        outbox.resend(conn, line.id, actor="test", now=NOW)
    with MailSink(tmp_path / "mail", host="127.0.0.1", port=0) as sink:
        assert deliver(database, sink.port, NOW).bounces == ()
    with database.reader() as conn:
        assert people.subscriptions(conn)[0].bounces == 0


def test_a_content_that_is_refused_is_no_bounce(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    queue(database, settings)
    with MailSink(
        tmp_path / "mail", host="127.0.0.1", port=0, chaos=[parse("5xx-data:only=reader3@")]
    ) as sink:
        summary = deliver(database, sink.port, NOW)
    assert (summary.failed, summary.bounces) == (1, ())


class TestFullDisk:
    def test_a_device_that_is_full(self) -> None:
        with pytest.raises(ReportError, match=r"/dev/full could not be written: No space left on device"):
            cli_common.write_whole(Path("/dev/full"), b"%PDF-" + bytes(10_000))

    def test_what_stood_there_stays_and_no_piece_is_left(self, tmp_path: Path) -> None:
        target = tmp_path / "report.pdf"
        target.write_bytes(b"yesterday's")
        code = (
            "import resource, signal, sys\nfrom pathlib import Path\nfrom homepot_ai.cli import common\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "common.write_whole(Path(sys.argv[1]), bytes(10_000))"
        )
        child = subprocess.run(
            [sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=False
        )
        assert "ReportError" in child.stderr
        assert "could not be written: File too large" in child.stderr
        assert target.read_bytes() == b"yesterday's"
        assert list(tmp_path.iterdir()) == [target]
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096

    def test_a_target_that_is_none_is_refused_before_anything_is_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        refused = {
            "--out": (tmp_path, "names a file in a folder"),
            "--csv": (tmp_path / "file", "cannot be made: File exists"),
        }
        for option, (target, said) in refused.items():
            result = CliRunner().invoke(cli_post.app, ["report", option, str(target)])
            assert said in str(result.exception)


def test_the_commands_say_who_gets_what(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    load_settings.cache_clear()

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli_post.app, list(words))
        return result.output + str(result.exception or "")

    try:
        assert "nobody gets a report yet" in run("subscriptions")
        assert "gets the weekly report of the whole fleet, in one mail" in run(
            "subscribe", "a@example.org", "--kind", "weekly", "--digest", "--language", "de"
        )
        run("subscribe", "a@example.org")
        listed = run("subscriptions")
        assert "digest, de" in listed
        assert "predictive" in listed
        assert "1 subscription(s) of a@example.org ended" in run(
            "unsubscribe", "a@example.org", "--kind", "weekly"
        )
        assert "1 subscription(s) of A@example.org ended" in run("unsubscribe", "A@example.org")
        assert "there is no such subscription" in run("unsubscribe", "a@example.org")
        assert "say one of --site" in run("subscribe", "a@example.org", "--own", "--site", "x")
    finally:
        load_settings.cache_clear()
