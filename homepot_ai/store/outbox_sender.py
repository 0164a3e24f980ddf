"""The sending side of the outbox: who holds which mail, and how one notices that a sender is dead.

A sender keeps one database session. Before it claims a row it takes the
session-level advisory lock of that row, and lets go after the outcome is
recorded. PostgreSQL drops the lock the moment the session ends, however it
ends, so a claimed row with a free lock has no living sender: no lease to wait
for, no heartbeat. No transaction is open while the mail server is spoken to.

Needs a connection of its own: behind a pooler, one in *session* mode.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from psycopg.rows import args_row

from homepot_ai.errors import DatabaseError, DatabaseUnreachable
from homepot_ai.store import sealing
from homepot_ai.store.outbox import MAILS, Outbox
from homepot_ai.store.outbox_rules import Next, Result, after_attempt, after_death, bounce_code
from homepot_ai.store.sealing import Address, Private

if TYPE_CHECKING:
    from homepot_ai.store.database import Connection, Database

log = logging.getLogger(__name__)

# A restart of PostgreSQL takes seconds; what the mail server said is worth the wait.
_RECORD_RETRIES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


class ClaimLost(DatabaseError):
    """The mail is no longer ours: the session was cut and another sender took it over."""


@dataclass(frozen=True)
class DueMail:
    """A mail whose time has come."""

    id: int
    kind: str
    attempts: int
    recipient: str = ""


@dataclass(frozen=True)
class ClaimedMail:
    """A mail that this session holds. `attempts` counts this one."""

    id: int
    kind: str
    recipient: str
    subject: str
    message_id: str
    payload: bytes
    attempts: int


@dataclass(frozen=True)
class Recovered:
    """A mail that a dead sender left behind, and what becomes of it."""

    id: int
    state: str
    remark: str


@dataclass(frozen=True)
class _InHand:
    state: str
    kind: str
    attempts: int
    claimed_by: str | None


@contextmanager
def sender_session(db: Database, worker: str, box: Outbox = MAILS) -> Iterator[SenderSession]:
    """Open the database session that holds the locks; closing it lets go of all of them."""
    with db.writer() as conn:
        # Before anything is claimed: without the key no mail could be read, and each would be tried in vain.
        sealing.of(conn).require()
        conn.commit()
        conn.autocommit = True
        # A server that waits minutes for a slow mail server must not cut us off,
        # and one whose peer's machine lost power should notice within a minute.
        for setting in (
            "SET idle_session_timeout = 0",
            "SET tcp_keepalives_idle = 30",
            "SET tcp_keepalives_interval = 10",
            "SET tcp_keepalives_count = 3",
        ):
            conn.execute(setting)
        yield SenderSession(db, conn, f"{worker} {uuid4().hex[:8]}", box)


class SenderSession:
    """What one sender may do. Every method is one short transaction."""

    def __init__(self, db: Database, conn: Connection, sender: str, box: Outbox = MAILS) -> None:
        self._db = db
        self._sql = box.sql
        self._mails = box is MAILS
        self._conn = conn
        self.sender = sender

    def recover(self, now: datetime) -> list[Recovered]:
        """Take up what dead senders left: not delivered goes again, perhaps delivered is held.

        Mails of living senders are not touched.
        """
        recovered = []
        for (mail_id,) in self._conn.execute(self._sql["in_hand"]).fetchall():
            with self._conn.transaction():
                locked = self._conn.execute(self._sql["lock_in_transaction"], {"id": mail_id}).fetchone()
                if locked != (True,):
                    continue
                # Read again: between the list and the lock a living sender may have finished.
                row = (
                    self._conn.cursor(row_factory=args_row(_InHand))
                    .execute(self._sql["read_in_hand"], {"id": mail_id})
                    .fetchone()
                )
                if row is None:
                    continue
                after = after_death(row.kind, row.state, row.attempts, now, random.random())  # noqa: S311 - spreads load
                answer = f"{after.remark} (sender: {row.claimed_by})"
                self._conn.execute(
                    self._sql["release"],
                    {
                        "id": mail_id,
                        "state": after.state,
                        "not_before": after.not_before,
                        "answer": answer,
                    },
                )
            recovered.append(Recovered(int(str(mail_id)), after.state, after.remark))
            log.warning("action=mail_recovered id=%s state=%s", mail_id, after.state)
        return recovered

    def due(self, now: datetime, limit: int) -> list[DueMail]:
        """The mails whose time has come, alerts first. Nothing is claimed yet."""
        cursor = self._conn.cursor(row_factory=args_row(DueMail))
        return cursor.execute(self._sql["due"], {"now": now, "limit": limit}).fetchall()

    def claim(self, mail_id: int, now: datetime) -> ClaimedMail | None:
        """Take a mail for this session, or None when another sender was faster or it is not due any more."""
        # The lock first: a claimed row must never be seen without one.
        if self._conn.execute(self._sql["lock"], {"id": mail_id}).fetchone() != (True,):
            return None
        claimed = (
            self._conn.cursor(row_factory=args_row(ClaimedMail))
            .execute(self._sql["claim"], {"id": mail_id, "sender": self.sender, "now": now})
            .fetchone()
        )
        if claimed is None:
            self._conn.execute(self._sql["unlock"], {"id": mail_id})
            return None
        return replace(claimed, payload=sealing.opened(self._conn, claimed.payload))

    def _private(self, answer: str) -> str:
        """What a mail server answers may quote an address; a channel's answer holds none."""
        return Private(answer) if self._mails else answer

    def enter_data(self, mail: ClaimedMail) -> None:
        """Commit that the server may have the mail from now on.

        Runs on the session that holds the lock: if that was cut, this fails and the mail is not completed.

        Raises:
            ClaimLost: another sender holds the mail.
            DatabaseUnreachable: the session is gone.
        """
        try:
            changed = self._conn.execute(
                self._sql["enter_data"], {"id": mail.id, "sender": self.sender, "attempts": mail.attempts}
            ).rowcount
        except psycopg.OperationalError as error:
            raise DatabaseUnreachable(
                f"the database session ended while mail {mail.id} was being sent; the mail was not completed "
                "and goes again with the next run"
            ) from error
        if changed != 1:
            raise ClaimLost(f"mail {mail.id} was taken over by another sender; it was not completed here")

    def record(
        self,
        mail: ClaimedMail,
        result: Result,
        answer: str,
        now: datetime,
        *,
        not_before: datetime | None = None,
    ) -> Next:
        """Store how the attempt ended and let go of the mail.

        Args:
            not_before: what the server asked for (Retry-After); a later back-off of ours stands.

        If the database is away (a restart), wait for it up to half a minute: what the server answered
        is known here and nowhere else.

        Raises:
            ClaimLost: another sender holds the mail.
            DatabaseUnreachable: the session is gone; the message says whether the outcome was stored after
                all and, if not, what the server answered.
        """
        after = after_attempt(mail.kind, result, mail.attempts, now, random.random())  # noqa: S311 - spreads load
        if not_before is not None and after.not_before is not None:
            after = replace(after, not_before=max(after.not_before, not_before))
        parameters = {
            "id": mail.id,
            "sender": self.sender,
            "attempts": mail.attempts,
            "state": after.state,
            "new_attempts": after.attempts,
            "not_before": after.not_before,
            "sent_at": now if after.state == "sent" else None,
            "answer": self._private("; ".join(part for part in (answer, after.remark) if part)),
        }
        try:
            with self._conn.transaction():
                changed = self._conn.execute(self._sql["record"], parameters).rowcount
                if changed and self._mails:
                    self._note_bounce(mail.recipient, result, answer, now)
            self._conn.execute(self._sql["unlock"], {"id": mail.id})
        except psycopg.OperationalError as error:
            self._record_late(mail, answer, parameters)
            raise DatabaseUnreachable(
                f"the database session ended while mail {mail.id} was being sent; its outcome ({result}) was "
                "recorded afterwards, the rest goes with the next run"
            ) from error
        if changed != 1:
            raise ClaimLost(
                f"mail {mail.id} was taken over by another sender; here it ended as {result}: {answer}"
            )
        log.info("action=mail_%s id=%s message_id=%s", after.state, mail.id, mail.message_id)
        return after

    def _note_bounce(self, recipient: str, result: Result, answer: str, now: datetime) -> None:
        if result is Result.SENT:
            self._conn.execute(self._sql["took_mail"], {"recipient": Address(recipient)})
        elif code := bounce_code(result, answer):
            said = answer.partition(": ")[2] or answer
            self._conn.execute(
                self._sql["bounced"],
                {"recipient": Address(recipient), "now": now, "code": code, "answer": Private(said)},
            )

    def postpone(
        self, mails: Sequence[DueMail], result: Result, answer: str, now: datetime
    ) -> dict[int, str]:
        """Put off mails that were not even tried, since the server as a whole gives trouble.

        Returns:
            id → new state ("queued" or, given up, "failed") of those that nobody else took meanwhile.
        """
        afters = [
            after_attempt(mail.kind, result, mail.attempts + 1, now, random.random())  # noqa: S311 - spreads load
            for mail in mails
        ]
        rows = self._conn.execute(
            self._sql["postpone"],
            {
                "ids": [mail.id for mail in mails],
                "states": [after.state for after in afters],
                "attempts": [after.attempts for after in afters],
                "not_befores": [after.not_before for after in afters],
                "answer": self._private(answer),
                "now": now,
            },
        ).fetchall()
        return {int(str(mail_id)): str(state) for mail_id, state in rows}

    def _record_late(self, mail: ClaimedMail, answer: str, parameters: dict[str, object]) -> None:
        for wait in _RECORD_RETRIES_S:
            time.sleep(wait)
            try:
                with self._db.writer() as conn:
                    conn.execute(self._sql["record_late"], parameters)
            except (psycopg.OperationalError, DatabaseUnreachable):
                continue
            log.warning("action=mail_recorded_late id=%s state=%s", mail.id, parameters["state"])
            return
        raise DatabaseUnreachable(
            f"mail {mail.id}: the mail server answered {answer!r}, but the database is away and that could "
            "not be recorded; the mail will show as unknown"
        )
