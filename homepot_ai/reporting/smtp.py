"""Deliver what is due in the outbox: each mail once, as far as SMTP allows.

    1. take up what dead senders left behind
    2. list what is due, alerts first
    3. for each mail: claim it, hand it over, commit `in_data` just before the end mark, record the answer
    4. if the server as a whole gives trouble, put the rest off and say so

The one moment that SMTP leaves open lies between the end mark and our record of
the answer; docs/mail.md says what happens then.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from homepot_ai.reporting.smtp_conversation import Conversation, MailServer
from homepot_ai.reporting.smtp_envelope import Outcome
from homepot_ai.store import outbox
from homepot_ai.store.outbox_rules import Result
from homepot_ai.store.outbox_sender import ClaimedMail, DueMail, SenderSession, sender_session

if TYPE_CHECKING:
    from homepot_ai.store.database import Database

__all__ = ["DeliveredLine", "DeliverySummary", "MailServer", "deliver_due"]

# A server that breaks this many conversations in a row is not asked for the rest.
TROUBLE_IN_A_ROW = 3
_TROUBLE = frozenset({Result.LOST, Result.TIMED_OUT, Result.UNKNOWN})
_SHOWN = 20


@dataclass(frozen=True)
class DeliveredLine:
    """What happened to one mail in this run. `result` names it, `state` is where it is now."""

    id: int
    recipient: str
    subject: str
    state: str
    result: str
    answer: str


@dataclass(frozen=True)
class DeliverySummary:
    """What one run did.

    Attributes:
        sent: taken by the server.
        retry: put off (4xx, connection, configuration); they go again by themselves.
        failed: final, shown until an operator decides.
        unknown: newly held in this run, since nobody knows whether the server took them.
        held: all that are held now, older ones included.
        recovered: left behind by dead senders and taken up.
        waiting: mails that are still to leave after this run.
        trouble: what is wrong with the server as a whole, or None.
        lines: the mails that did not simply go out.
        bounces: addresses that servers refuse for good, until they take a mail again.
    """

    sent: int = 0
    retry: int = 0
    failed: int = 0
    unknown: int = 0
    held: int = 0
    recovered: int = 0
    waiting: int = 0
    trouble: str | None = None
    lines: tuple[DeliveredLine, ...] = field(default=())
    bounces: tuple[outbox.Bounce, ...] = ()

    def markdown(self) -> str:
        """A page that an operator understands."""
        text = [self._verdict(), ""]
        text += ["| sent | goes again | failed | newly held | held in all | still to leave |"]
        text += ["|---:|---:|---:|---:|---:|---:|"]
        text += [
            f"| {self.sent} | {self.retry} | {self.failed} | {self.unknown} | {self.held} | {self.waiting} |"
        ]
        if self.trouble:
            text += ["", f"**The mail server gives trouble:** {_cell(self.trouble)}"]
        if self.recovered:
            text += ["", f"{self.recovered} left behind by a sender that died were taken up."]
        if self.lines:
            text += ["", "| mail | to | subject | now | what happened |", "|---:|---|---|---|---|"]
            text += [
                f"| {line.id} | {_cell(line.recipient)} | {_cell(line.subject)} | {line.state} | "
                f"{line.result}: {_cell(line.answer)} |"
                for line in self.lines[:_SHOWN]
            ]
            if len(self.lines) > _SHOWN:
                text += ["", f"{len(self.lines) - _SHOWN} more: `homepot-ai outbox`"]
        if self.bounces:
            text += ["", "**Addresses that are refused** (correct or end their subscriptions):", ""]
            text += [f"- {_cell(str(bounce))}" for bounce in self.bounces[:_SHOWN]]
        if self.failed or self.held:
            text += ["", "Failed and held mails wait for `homepot-ai outbox resend NUMBER` or `drop NUMBER`."]
        return "\n".join(text)

    def _verdict(self) -> str:
        if self.trouble:
            return f"▲ The mail server gives trouble; {self.waiting} mails wait, nothing is lost."
        if self.failed or self.held:
            return f"▲ {self.failed} failed now, {self.held} are held: an operator must decide."
        if self.waiting:
            return f"● {self.sent} sent, {self.waiting} wait for their next attempt."
        return f"● {self.sent} sent, nothing waits." if self.sent else "● Nothing to send, nothing waits."


def deliver_due(
    db: Database, server: MailServer, *, now: datetime, worker: str, limit: int = 200
) -> DeliverySummary:
    """Send the mails that are due; several senders at once share them without sending one twice.

    May be killed anywhere and run again. Must not be called from inside a running event loop.

    Args:
        now: decides what is due; aware.
        worker: shown in the outbox as the sender, e.g. `worker-1:4711`.
        limit: the most mails that are tried in this run.

    Raises:
        DatabaseUnreachable: the database is away. What the mail server had answered is recorded if
            the database came back in time.

    >>> deliver_due(db, MailServer("127.0.0.1", 8025), now=now, worker="me").sent    # doctest: +SKIP
    3
    """
    clock = _Clock(now)
    run = _Run()
    with sender_session(db, worker) as session:
        for mail in session.recover(now):
            run.recovered += 1
            run.count[mail.state] += mail.state == "unknown"
        due = session.due(now, limit)
        if due:
            asyncio.run(_deliver(session, server, due, clock, run))
    with db.reader() as conn:
        after = outbox.summary(conn, now=clock())
        bounces = tuple(outbox.bounces(conn))
    return DeliverySummary(
        sent=run.count["sent"],
        retry=run.count["queued"],
        failed=run.count["failed"],
        unknown=run.count["unknown"],
        held=after.counts["unknown"],
        recovered=run.recovered,
        waiting=after.waiting,
        trouble=run.trouble,
        lines=tuple(run.lines),
        bounces=bounces,
    )


class _Clock:
    """The caller's `now`, moving on while mails are being sent."""

    def __init__(self, now: datetime) -> None:
        self._now, self._started = now, time.monotonic()

    def __call__(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._started)


class _Run:
    """What has happened so far."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.recovered = 0
        self.trouble: str | None = None
        self.lines: list[DeliveredLine] = []

    def note(self, mail: ClaimedMail, outcome: Outcome, state: str) -> None:
        self.count[state] += 1
        if state != "sent":
            self.lines.append(
                DeliveredLine(mail.id, mail.recipient, mail.subject, state, outcome.result, outcome.answer)
            )


async def _deliver(
    session: SenderSession, server: MailServer, due: Sequence[DueMail], clock: _Clock, run: _Run
) -> None:
    conversation = Conversation(server)
    in_a_row = 0
    try:
        for position, mail in enumerate(due):
            if not conversation.is_open:
                problem = await conversation.open()
                if problem is not None:
                    _put_off(session, due[position:], problem, clock, run)
                    return
            claimed = session.claim(mail.id, clock())
            if claimed is None:  # another sender was faster
                continue
            outcome = await conversation.hand_over(
                claimed.recipient, claimed.payload, partial(session.enter_data, claimed)
            )
            after = session.record(claimed, outcome.result, f"{outcome.result}: {outcome.answer}", clock())
            run.note(claimed, outcome, after.state)
            in_a_row = in_a_row + 1 if outcome.result in _TROUBLE else 0
            if in_a_row >= TROUBLE_IN_A_ROW:
                words = f"{in_a_row} conversations in a row broke, the last: {outcome.answer}"
                result = Result.TIMED_OUT if outcome.result is Result.TIMED_OUT else Result.LOST
                _put_off(session, due[position + 1 :], Outcome(result, words), clock, run)
                return
            if outcome.result is Result.AUTH_FAILED:
                # "530 login required" and its like meet every mail of the batch.
                _put_off(session, due[position + 1 :], outcome, clock, run)
                return
    finally:
        await conversation.close()


def _put_off(
    session: SenderSession, rest: Sequence[DueMail], problem: Outcome, clock: _Clock, run: _Run
) -> None:
    run.trouble = f"{problem.result}: {problem.answer}"
    states = session.postpone(rest, problem.result, run.trouble, clock())
    run.count.update(states.values())


def _cell(text: str) -> str:
    """Text that neither breaks a table nor becomes markup in it."""
    flat = " ".join(text.split())
    for mark in "\\|<>[]`*_":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
