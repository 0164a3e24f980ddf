"""Deliver what is due in the channels' outbox, by the same rules as mails.

A channel that gives trouble puts off its own messages and nobody else's. Between the request and our
record of the answer lies the same window as with mail: there an alert goes again, since one message too
many is better than none.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.alerts import channels
from homepot_ai.alerts.channels import ChannelOutcome
from homepot_ai.store import outbox
from homepot_ai.store.outbox import CHANNELS
from homepot_ai.store.outbox_rules import Result
from homepot_ai.store.outbox_sender import DueMail, SenderSession, sender_session
from homepot_ai.text import clean

if TYPE_CHECKING:
    from pydantic import SecretStr

    from homepot_ai.store.database import Database

# After one of these, the channel is not asked for the rest of the run.
_TROUBLE = frozenset(
    {
        Result.DEFERRED, Result.UNREACHABLE, Result.UNKNOWN, Result.TLS_FAILED, Result.AUTH_FAILED,
        Result.NOT_CONFIGURED,
    }
)  # fmt: skip
_SHOWN = 20


@dataclass(frozen=True)
class ChannelLine:
    """What happened to one message: the channel's name, the title, its state now, how it ended."""

    id: int
    channel: str
    title: str
    state: str
    answer: str


@dataclass(frozen=True)
class ChannelSummary:
    """What one run did.

    Attributes:
        sent, retry, failed: messages by what became of them.
        waiting: still to leave after this run; attention: failed or of unknown outcome, in all.
        trouble: by channel, why it was not asked for the rest.
    """

    sent: int = 0
    retry: int = 0
    failed: int = 0
    recovered: int = 0
    waiting: int = 0
    attention: int = 0
    trouble: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[ChannelLine, ...] = ()

    def markdown(self) -> str:
        """A few lines for the artifact of `deliver`; empty when no channel is in use."""
        if not (self.sent or self.retry or self.failed or self.waiting or self.attention):
            return ""
        sign = "▲" if self.trouble or self.failed or self.attention else "●"
        text = [
            "## Channels",
            "",
            f"{sign} {self.sent} sent, {self.retry} go again, {self.failed} failed, {self.waiting} wait.",
        ]
        for name, why in sorted(self.trouble.items()):
            text += ["", f"**Channel {name}:** {_cell(why)}"]
        if self.lines:
            text += ["", "| number | channel | message | now | what happened |", "|---:|---|---|---|---|"]
            text += [
                f"| {line.id} | {line.channel} | {_cell(line.title)} | {line.state} | {_cell(line.answer)} |"
                for line in self.lines[:_SHOWN]
            ]
        if self.attention:
            text += ["", "Failed ones wait for `homepot-ai outbox resend NUMBER --channels` or `drop`."]
        return "\n".join(text) + "\n"


def deliver_due(
    db: Database,
    urls: Mapping[str, SecretStr],
    *,
    now: datetime,
    worker: str,
    timeout: float = 15.0,
    limit: int = 200,
) -> ChannelSummary:
    """Send the channel messages that are due; several senders at once share them.

    May be killed anywhere and run again.

    Args:
        urls: Apprise's address of each channel, by name.
        timeout: seconds for one connection and for one answer.

    Raises:
        DatabaseUnreachable: the database is away.

    >>> deliver_due(db, {"ops": url}, now=now, worker="me").sent                  # doctest: +SKIP
    1
    """
    began = time.monotonic()
    count: Counter[str] = Counter()
    lines: list[ChannelLine] = []
    trouble: dict[str, ChannelOutcome] = {}
    put_off: dict[str, list[DueMail]] = {}

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    with sender_session(db, worker, CHANNELS) as session:
        recovered = session.recover(now)
        for due in session.due(now, limit):
            if due.recipient in trouble:
                put_off.setdefault(due.recipient, []).append(due)
                continue
            ended = _one(session, due, urls, clock(), timeout, lines, count)
            if ended is not None and ended.result in _TROUBLE:
                trouble[due.recipient] = ended
        for name, rest in put_off.items():
            problem = trouble[name]
            # These were not tried: whatever became of the one before, they are certainly not there.
            result = Result.TIMED_OUT if problem.result is Result.UNKNOWN else problem.result
            count.update(session.postpone(rest, result, problem.answer, clock()).values())
    with db.reader() as conn:
        after = outbox.summary(conn, now=clock(), box=CHANNELS)
    return ChannelSummary(
        sent=count["sent"],
        retry=count["queued"],
        failed=count["failed"],
        recovered=len(recovered),
        waiting=after.waiting,
        attention=after.attention,
        trouble={name: f"{outcome.result}: {outcome.answer}" for name, outcome in trouble.items()},
        lines=tuple(lines),
    )


def _one(
    session: SenderSession,
    due: DueMail,
    urls: Mapping[str, SecretStr],
    now: datetime,
    timeout: float,
    lines: list[ChannelLine],
    count: Counter[str],
) -> ChannelOutcome | None:
    message = session.claim(due.id, now)
    if message is None:  # another sender was faster
        return None
    url = urls.get(message.recipient)
    if url is None:
        outcome = ChannelOutcome(
            Result.NOT_CONFIGURED,
            f"there is no channel {clean(message.recipient, 40)!r} in the settings (alerts.channels)",
        )
    else:
        session.enter_data(message)
        outcome = channels.send(url.get_secret_value(), message.payload, timeout=timeout, now=now)
    again = None if outcome.again_after is None else now + outcome.again_after
    after = session.record(
        message, outcome.result, f"{outcome.result}: {outcome.answer}", now, not_before=again
    )
    count[after.state] += 1
    if after.state != "sent":
        lines.append(ChannelLine(message.id, message.recipient, message.subject, after.state, outcome.answer))
    return outcome


def _cell(text: str) -> str:
    flat = " ".join(text.split())
    for mark in "\\|<>[]`*_":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
