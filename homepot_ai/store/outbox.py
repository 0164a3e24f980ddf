"""The outboxes: one row for each mail or channel message that must leave, written with what it announces.

This module queues, shows and decides by an operator's hand; `outbox_sender` is
the sending side and `outbox_rules` says what becomes of a mail after an attempt.
Mails and channels have a table each, of the same columns and states: every
function takes which one, and means mails by default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, LiteralString

import psycopg
from psycopg.rows import args_row
from psycopg.types.json import Jsonb

from homepot_ai.errors import MailError, NotFound
from homepot_ai.store import named_sql
from homepot_ai.store.sealing import Address, Content, MailKey, Private

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection

_STATEMENTS = named_sql.load("store/sql/outbox.sql")


@dataclass(frozen=True)
class Outbox:
    """One of the outboxes.

    Attributes:
        noun: what a row of it is called in messages.
        option: what the command line wants for it.
        sql: the statements, over its table.
    """

    noun: str
    option: str
    sql: Mapping[str, LiteralString]


def _over(table: LiteralString) -> Mapping[str, LiteralString]:
    return MappingProxyType(
        {name: statement.replace("ai_mail_outbox", table) for name, statement in _STATEMENTS.items()}
    )


MAILS = Outbox("mail", "", _STATEMENTS)
CHANNELS = Outbox("channel message", " --channels", _over("ai_alerts_outbox"))

Kind = Literal["report", "alert"]
STATES = ("queued", "claimed", "in_data", "sent", "failed", "unknown", "dropped")
OPEN_STATES = ("queued", "claimed", "in_data")
ATTENTION_STATES = ("failed", "unknown")


@dataclass(frozen=True)
class OutboxMail:
    """A mail to queue.

    Attributes:
        key: unique for (what is announced, recipient), e.g. `rpt_20251127_site_7#1:ann@example.org`.
            The same key is never queued twice.
        kind: "report" or "alert": they differ when nobody knows whether the server took it.
        reference: what it announces, e.g. the report's id.
        recipient: one address.
        message_id: with its angle brackets; a repetition uses it again, so that mail programs see one mail.
        payload: the whole MIME message.
    """

    key: str
    kind: Kind
    reference: str
    recipient: str
    subject: str
    message_id: str
    payload: bytes


@dataclass(frozen=True)
class OutboxLine:
    """A mail in the outbox, without its content. `size` in bytes, 0 when the content was forgotten."""

    id: int
    kind: Kind
    reference: str
    recipient: str
    subject: str
    message_id: str
    state: str
    attempts: int
    not_before: datetime
    last_answer: str | None
    created_at: datetime
    sent_at: datetime | None
    size: int

    def __str__(self) -> str:
        again = f", due {self.not_before:%Y-%m-%d %H:%M} UTC" if self.state == "queued" else ""
        tried = f"tried {self.attempts} times" if self.attempts != 1 else "tried once"
        answer = f"; {' '.join(self.last_answer.split())}" if self.last_answer else ""
        return (
            f"{self.id:>6}  {self.state:<8} {self.recipient}  {self.subject}\n"
            f"{'':>8}{self.message_id}, {tried}{again}{answer}"
        )


@dataclass(frozen=True)
class OutboxSummary:
    """The outbox at a glance.

    Attributes:
        counts: mails for each of the seven states.
        oldest_waiting: age of the oldest mail that is still to leave, or None.
        next_due: when the next waiting mail is due, or None.
    """

    counts: dict[str, int]
    oldest_waiting: timedelta | None
    next_due: datetime | None

    @property
    def waiting(self) -> int:
        """Mails that are still to leave by themselves."""
        return sum(self.counts[state] for state in OPEN_STATES)

    @property
    def attention(self) -> int:
        """Mails that need an operator: failed or unknown."""
        return sum(self.counts[state] for state in ATTENTION_STATES)

    def markdown(self, box: Outbox = MAILS) -> str:
        """Two or three lines: what waits, what needs a decision, what went."""
        waits = f"● {self.waiting} {box.noun}s wait"
        if self.oldest_waiting is not None:
            waits += f", the oldest for {self.oldest_waiting.total_seconds() / 3600:.1f} h"
        if self.next_due is not None:
            waits += f"; the next is due {self.next_due:%Y-%m-%d %H:%M} UTC"
        went = f"● {self.counts['sent']} sent, {self.counts['dropped']} dropped by an operator"
        if not self.attention:
            return f"{waits}\n{went}"
        decide = (
            f"▲ {self.counts['unknown']} of unknown outcome and {self.counts['failed']} failed wait for "
            f"`homepot-ai outbox resend NUMBER{box.option}` or `drop NUMBER{box.option}`"
        )
        return f"{decide}\n{waits}\n{went}"


@dataclass(frozen=True)
class Bounce:
    """An address that servers refuse for good: how often in a row, when last, with which words."""

    email: str
    in_a_row: int
    last_at: datetime
    answer: str

    def __str__(self) -> str:
        often = "once" if self.in_a_row == 1 else f"{self.in_a_row} times in a row"
        return f"{self.email}: refused {often}, last {self.last_at:%Y-%m-%d %H:%M} UTC: {self.answer}"


@dataclass(frozen=True)
class _Count:
    state: str
    count: int
    oldest: datetime
    next_due: datetime


def enqueue(conn: Connection, mail: OutboxMail, *, now: datetime | None = None, box: Outbox = MAILS) -> bool:
    """Queue a mail in the caller's transaction: it exists if and only if what it announces does.

    Args:
        conn: a writer's connection inside its transaction.
        now: when the mail is due and counted as created; None takes the transaction's time.

    Returns:
        False when the key was queued before; the stored mail is left as it is.

    Raises:
        MailError: another key already uses this Message-ID.

    >>> with db.writer() as conn:                              # doctest: +SKIP
    ...     store_report(conn, report)
    ...     enqueue(conn, OutboxMail("r1:ann@example.org", "report", "r1", "ann@example.org",
    ...                              "All well", "<r1.ann@example.org>", message.as_bytes()))
    True
    """
    try:
        cursor = conn.execute(
            box.sql["enqueue"],
            {
                "key": MailKey(mail.key),
                "kind": mail.kind,
                "reference": mail.reference,
                "recipient": Address(mail.recipient) if box is MAILS else mail.recipient,
                "subject": mail.subject,
                "message_id": mail.message_id,
                "payload": Content(mail.payload) if box is MAILS else mail.payload,
                "now": now,
            },
        )
    except psycopg.errors.UniqueViolation as error:
        raise MailError(
            f"the {box.noun} {mail.key!r} would carry the Message-ID {mail.message_id}, which another in the "
            "outbox has: derive it from what the mail announces and from its recipient"
        ) from error
    return cursor.rowcount == 1


def summary(conn: Connection, *, now: datetime, box: Outbox = MAILS) -> OutboxSummary:
    """Count the mails by state and say how long the oldest has been waiting."""
    counts = dict.fromkeys(STATES, 0)
    oldest: datetime | None = None
    next_due: datetime | None = None
    rows = conn.cursor(row_factory=args_row(_Count)).execute(box.sql["counts"])
    for row in rows:
        counts[row.state] = row.count
        if row.state in OPEN_STATES:
            oldest = row.oldest if oldest is None else min(oldest, row.oldest)
        if row.state == "queued":
            next_due = row.next_due
    return OutboxSummary(counts, None if oldest is None else now - oldest, next_due)


def lines(
    conn: Connection, states: Sequence[str] = STATES, *, limit: int = 100, box: Outbox = MAILS
) -> list[OutboxLine]:
    """The newest mails in these states, newest first."""
    cursor = conn.cursor(row_factory=args_row(OutboxLine))
    return cursor.execute(box.sql["lines"], {"states": list(states), "limit": limit}).fetchall()


def pending(conn: Connection, *, limit: int = 100, box: Outbox = MAILS) -> list[OutboxLine]:
    """Mails that are still to leave by themselves, newest first."""
    return lines(conn, OPEN_STATES, limit=limit, box=box)


def attention(conn: Connection, *, limit: int = 100, box: Outbox = MAILS) -> list[OutboxLine]:
    """Mails that failed or whose end is unknown: each waits for `resend` or `drop`, newest first."""
    return lines(conn, ATTENTION_STATES, limit=limit, box=box)


def bounces(conn: Connection) -> list[Bounce]:
    """Addresses that were refused and have taken no mail since, the newest first."""
    return conn.cursor(row_factory=args_row(Bounce)).execute(MAILS.sql["bounces"]).fetchall()


def line(conn: Connection, mail_id: int, box: Outbox = MAILS) -> OutboxLine:
    """One mail in the outbox.

    Raises:
        NotFound: there is none with this id.
    """
    cursor = conn.cursor(row_factory=args_row(OutboxLine))
    found = cursor.execute(box.sql["line"], {"id": mail_id}).fetchone()
    if found is None:
        raise NotFound(f"{box.noun} in the outbox", str(mail_id))
    return found


def resend(
    conn: Connection,
    mail_id: int,
    *,
    actor: str,
    now: datetime,
    purpose: str | None = None,
    box: Outbox = MAILS,
) -> None:
    """An operator wants an unknown, failed or dropped mail to go (again), with the same Message-ID.

    Raises:
        NotFound: there is no such mail.
        MailError: it is on its way, was sent, or its content is no longer kept.
    """
    found = line(conn, mail_id, box)
    if found.size == 0:
        raise MailError(
            f"{box.noun} {mail_id} cannot go again: its content is no longer kept; make a report again with "
            "--revise"
        )
    _decide(conn, box, found, _RESEND, actor=actor, now=now, purpose=purpose)


def drop(
    conn: Connection,
    mail_id: int,
    *,
    actor: str,
    now: datetime,
    purpose: str | None = None,
    box: Outbox = MAILS,
) -> None:
    """An operator wants a queued, unknown or failed mail not to go (again), e.g. since it did arrive.

    Raises:
        NotFound: there is no such mail.
        MailError: it is being sent at this moment, was sent, or was dropped before.
    """
    _decide(conn, box, line(conn, mail_id, box), _DROP, actor=actor, now=now, purpose=purpose)


def forget_payloads(conn: Connection, *, before: datetime, box: Outbox = MAILS) -> int:
    """Empty the content of mails created before a moment that were sent or dropped; rows stay.

    Returns:
        How many.
    """
    return conn.execute(box.sql["forget_payloads"], {"before": before}).rowcount


@dataclass(frozen=True)
class _Decision:
    action: str
    state: str
    from_states: tuple[str, ...]


_RESEND = _Decision("resend", "queued", ("unknown", "failed", "dropped"))
_DROP = _Decision("drop", "dropped", ("queued", "unknown", "failed"))


def _decide(
    conn: Connection,
    box: Outbox,
    found: OutboxLine,
    decision: _Decision,
    *,
    actor: str,
    now: datetime,
    purpose: str | None,
) -> None:
    before = f"{found.state}, {found.last_answer or 'no answer'}"
    changed = conn.execute(
        box.sql["decide"],
        {
            "id": found.id,
            "state": decision.state,
            "from_states": list(decision.from_states),
            "now": now,
            "answer": Private(f"{decision.action} decided by {actor}; before: {before}"),
        },
    ).rowcount
    if changed == 0:
        raise MailError(
            f"{box.noun} {found.id} to {found.recipient} is {line(conn, found.id, box).state}; "
            f"{decision.action} is possible for: {', '.join(decision.from_states)}"
        )
    conn.execute(
        box.sql["audit"],
        {
            "now": now,
            "actor": actor,
            "action": f"{box.noun.split()[0]}.{decision.action}",
            "subject": f"{box.noun} {found.id}",
            "purpose": purpose,
            "details": Jsonb(
                {
                    "reference": found.reference,
                    "message_id": found.message_id,
                    "state_before": found.state,
                }
            ),
        },
    )
