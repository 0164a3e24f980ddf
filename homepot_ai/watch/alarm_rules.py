"""When an alarm about ourselves is told, told again and taken back. Pure.

One row for each cause, with one open episode at a time. Told at once, then again while it lasts, at most
every `repeat`; sooner only when it became worse. What goes and comes back within that time is told again only
once it has stayed for `SETTLED`: a service that flaps writes no mail at every turn. Who was told that it is
ill is told that it is well again, and nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from homepot_ai.watch.keys import Severity

#: New: nobody knows of this episode yet.
Telling = Literal["new", "worse", "still", "over"]
SETTLED = timedelta(minutes=15)
# A clock that went back further than processes differ: what was told lies in the future, and counts no more.
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Alarm:
    """A cause, as it is remembered.

    Attributes:
        count: how often it was seen in this episode, which began at `first_at`.
        told_at: when somebody was told last, in this episode or an earlier one.
    """

    key: str
    severity: Severity
    title: str
    detail: str
    runbook: str
    count: int
    first_at: datetime
    last_at: datetime
    told_at: datetime | None = None
    resolved_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it lasts."""
        return self.resolved_at is None

    @property
    def known(self) -> bool:
        """Whether somebody was told of this episode."""
        return self.told_at is not None and self.told_at >= self.first_at


def seen(
    before: Alarm | None, now_seen: Alarm, *, repeat: timedelta, after: int = 1
) -> tuple[Alarm, Telling | None]:
    """What is remembered once a cause was seen (again), and what is to be told of it.

    Args:
        now_seen: the cause as it is now; its times are the moment.
        repeat: the same is told again at most so often.
        after: how often it must be seen before it is told at all.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 20, 3, tzinfo=UTC)
    >>> cause = Alarm("service disk", "warning", "The disk fills up", "2 GB left", "service-disk", 1, at, at)
    >>> first, telling = seen(None, cause, repeat=timedelta(hours=4))
    >>> telling, seen(replace(first, told_at=at), cause, repeat=timedelta(hours=4))[1]
    ('new', None)
    """
    now = now_seen.last_at
    if before is None:
        return now_seen, "new" if after <= 1 else None
    told = before.told_at
    if told is not None and told > now + _AHEAD:
        told = None
    if not before.open:
        after_it = replace(now_seen, told_at=told)
        quiet = told is not None and now - told < repeat and not _worse(before, now_seen)
        if quiet or after > 1:
            return _no_milder(after_it, before, told, now, repeat), None
        return after_it, "new"
    after_it = replace(
        now_seen, count=before.count + 1, first_at=min(before.first_at, now), told_at=told,
        last_at=max(before.last_at, now) if before.last_at <= now + _AHEAD else now,
    )  # fmt: skip
    if after_it.count < after:
        return after_it, None
    if told is None:
        return after_it, "new"
    if _worse(before, now_seen):
        return after_it, "worse"
    if not after_it.known and now - after_it.first_at >= SETTLED:
        return after_it, "new"
    if now - told >= repeat:
        return after_it, "still"
    return _no_milder(after_it, before, told, now, repeat), None


def gone(before: Alarm | None, now: datetime) -> tuple[Alarm | None, Telling | None]:
    """What is remembered once a cause is no more; None: there was nothing."""
    if before is None or not before.open:
        return None, None
    return replace(before, resolved_at=max(now, before.first_at)), "over" if before.known else None


def _no_milder(after: Alarm, before: Alarm, told: datetime | None, now: datetime, repeat: timedelta) -> Alarm:
    """What was told as critical lately stays so until something is told again: else what goes to and fro
    between degraded and down would be worse, and told, at every turn."""
    lately = told is not None and now - told < repeat
    return replace(after, severity="critical") if lately and before.severity == "critical" else after


def _worse(before: Alarm, now: Alarm) -> bool:
    return before.severity == "warning" and now.severity == "critical"
