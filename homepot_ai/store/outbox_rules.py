"""What becomes of a mail after an attempt: pure decisions, no clock and no database.

queued ──claim──► claimed ──body sent, end mark about to go──► in_data ──► sent
  ▲                  │                                            ├──────► failed    5xx, too big, broken
  └── 4xx, lost ─────┴────────────────────────────────────────────┤
  └── an alert whose end is not known ────────────────────────────┤
                                                                  └──────► unknown   a report: held
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache


class Result(StrEnum):
    """How one attempt ended, by name."""

    SENT = "sent"
    DEFERRED = "deferred"  # 4xx
    REFUSED = "refused"  # 5xx to the recipient or to the content
    SENDER_REFUSED = "sender refused"  # 5xx to our own address
    TOO_BIG = "too big"
    BROKEN = "broken"  # the stored mail cannot be transmitted at all
    UNREACHABLE = "unreachable"
    LOST = "connection lost"  # before the end mark: certainly not delivered
    TIMED_OUT = "timed out"  # before the end mark: certainly not delivered
    TLS_FAILED = "TLS failed"
    AUTH_FAILED = "login failed"
    NOT_CONFIGURED = "not configured"  # a channel that the settings do not know
    UNKNOWN = "unknown"  # the end mark went out, no answer came back


FINAL = frozenset({Result.REFUSED, Result.TOO_BIG, Result.BROKEN})
# Nobody but an operator can repair these, and they say nothing about the mail: never given up.
CONFIGURATION = frozenset({Result.TLS_FAILED, Result.AUTH_FAILED, Result.NOT_CONFIGURED})

_BOUNCE = re.compile(r"\b(5\d\d)\b.*\(at RCPT\)$", re.DOTALL)

FIRST_DELAY = timedelta(minutes=1)
CAPS = {"report": timedelta(hours=1), "alert": timedelta(minutes=10)}
GIVE_UP_AFTER = timedelta(hours=48)
# A server that takes the mail and then always drops the line would get an alert
# again and again; beyond this many attempts it is held like a report.
ALERT_REPEATS = 8
# A mail that kills its sender (out of memory, say) is taken up again at once this often, then backs off:
# it must not stand at the head of the queue for ever.
QUICK_RECOVERIES = 2
# Attempts that failed for the configuration's sake count towards the delay up to here, and never towards
# giving up.
CONFIGURATION_ATTEMPTS = 12


@dataclass(frozen=True)
class Next:
    """The row's next state.

    Attributes:
        state: as in the table's `state`.
        attempts: what to store as the number of attempts.
        not_before: when a queued mail is due again; None leaves it alone.
        remark: appended to the answer that is shown, or empty.
    """

    state: str
    attempts: int
    not_before: datetime | None = None
    remark: str = ""


def back_off(kind: str, attempts: int, jitter: float) -> timedelta:
    """How long to wait after the `attempts`-th attempt (1, 2, …): doubled each time, up to a cap.

    Args:
        kind: "report" (cap one hour) or "alert" (cap ten minutes).
        attempts: how many were made.
        jitter: a random number in [0, 1): takes off up to a quarter, so that mails that failed
            together do not come back together.

    >>> back_off("report", 3, 0.0)
    datetime.timedelta(seconds=240)
    >>> back_off("report", 60, 0.0)
    datetime.timedelta(seconds=3600)
    """
    doublings = min(max(attempts, 1) - 1, 16)
    doubled: timedelta = FIRST_DELAY * (1 << doublings)
    return min(doubled, CAPS[kind]) * (1.0 - 0.25 * jitter)


@lru_cache
def patience(kind: str) -> int:
    """The number of attempts after which their delays add up to 48 hours.

    Counted in attempts and not by the clock, so that a machine that was off over a weekend has not
    used up any.

    >>> patience("report")
    53
    """
    attempts, waited = 0, timedelta()
    while waited < GIVE_UP_AFTER:
        attempts += 1
        waited += back_off(kind, attempts, 0.0)
    return attempts


def after_attempt(kind: str, result: Result, attempts: int, now: datetime, jitter: float) -> Next:
    """Decide what becomes of a mail whose sender lives and knows how the attempt ended.

    Args:
        attempts: including this one.
    """
    if result is Result.SENT:
        return Next("sent", attempts)
    if result in FINAL:
        return Next("failed", attempts)
    again = now + back_off(kind, attempts, jitter)
    if result is Result.UNKNOWN:
        if kind == "alert" and attempts <= ALERT_REPEATS:
            return Next("queued", attempts, again, "an alert goes again with the same Message-ID")
        return Next("unknown", attempts, None, "held until an operator decides: resend or drop")
    if result in CONFIGURATION:
        counted = attempts if attempts <= CONFIGURATION_ATTEMPTS else attempts - 1
        return Next("queued", counted, again, "check the settings; nothing is lost")
    if attempts >= patience(kind):
        return Next("failed", attempts, None, f"given up after {attempts} attempts")
    return Next("queued", attempts, again)


def bounce_code(result: Result, answer: str) -> int | None:
    """The server's code if it refused this recipient for good; None for everything else.

    Only an answer to RCPT speaks of the address: one to the content would be the same for anybody.

    >>> bounce_code(Result.REFUSED, "refused: 550 5.1.1 no such mailbox (at RCPT)")
    550
    >>> bounce_code(Result.REFUSED, "refused: 554 5.6.0 content refused (at end of mail)") is None
    True
    """
    found = _BOUNCE.search(answer) if result is Result.REFUSED else None
    return None if found is None else int(found[1])


def after_death(kind: str, state: str, attempts: int, now: datetime, jitter: float) -> Next:
    """Decide what becomes of a mail whose sender died on it.

    Args:
        state: "claimed" (the end mark had not gone out: certainly not delivered) or "in_data".
    """
    again = now if attempts <= QUICK_RECOVERIES else now + back_off(kind, attempts, jitter)
    if state == "claimed":
        return Next("queued", attempts, again, "the sender died before the mail was complete; it goes again")
    if kind == "alert" and attempts <= ALERT_REPEATS:
        return Next(
            "queued",
            attempts,
            again,
            "the sender died before it could record the server's answer; "
            "an alert goes again with the same Message-ID",
        )
    return Next(
        "unknown",
        attempts,
        None,
        "the sender died before it could record the server's answer; "
        "held until an operator decides: resend or drop",
    )
