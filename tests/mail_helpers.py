"""What the mail tests share: mails to queue, and counting what a sink received."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

from homepot_ai.reporting.smtp import MailServer
from homepot_ai.store import outbox
from homepot_ai.store.database import Database
from homepot_ai.store.outbox import Kind, OutboxLine, OutboxMail
from homepot_ai.testing.mail_sink import MailSink

NOW = datetime(2025, 11, 27, 6, 0, tzinfo=UTC)


def mail(name: str, kind: Kind = "report", recipient: str | None = None, size: int = 0) -> OutboxMail:
    """A mail whose key, Message-ID and (unless given) recipient derive from `name`; body of `size` bytes."""
    to = recipient or f"{name}@example.org"
    message = EmailMessage()
    message["From"] = "HOMEPOT <reports@homepot.example>"
    message["To"] = f"{name}@example.org"
    message["Subject"] = f"Report {name}"
    message["Message-ID"] = f"<{name}@homepot.example>"
    message.set_content("All is well.\n.\nEven after a dot.\n" + ("x" * 70 + "\n") * (size // 71))
    return OutboxMail(
        f"{name}:{to}", kind, name, to, f"Report {name}", message["Message-ID"], message.as_bytes()
    )


def queue(db: Database, *mails: OutboxMail, now: datetime = NOW) -> None:
    with db.writer() as conn:
        for one in mails:
            assert outbox.enqueue(conn, one, now=now)


def rows(db: Database) -> dict[str, OutboxLine]:
    """The outbox by reference."""
    with db.reader() as conn:
        return {line.reference: line for line in outbox.lines(conn)}


def states(db: Database) -> dict[str, str]:
    return {name: line.state for name, line in rows(db).items()}


def received(directory: Path) -> Counter[str]:
    """How often each Message-ID arrived."""
    return Counter(str(message_from_bytes(p.read_bytes())["Message-ID"]) for p in directory.glob("*.eml"))


def server(sink: MailSink, *, timeout: float = 5.0, answer_timeout: float = 5.0) -> MailServer:
    return MailServer("127.0.0.1", sink.port, timeout=timeout, answer_timeout=answer_timeout)
