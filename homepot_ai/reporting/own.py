"""About ourselves: which minutes were scored of those that were due, and how a report came about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from homepot_ai.reporting.facts import Count, Made, ScoringFacts, ServiceState
from homepot_ai.reporting.periods import Period
from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

_SQL = "reporting/sql/report.sql"


def scoring(conn: Connection, settings: Settings, period: Period) -> ScoringFacts:
    """Minutes scored of minutes due, rows read and rejected, for the whole fleet."""
    cursor: psycopg.Cursor[Any] = conn.cursor()
    bounds = {"start": period.start, "end": period.end}
    shards = list(cursor.execute(load(_SQL)["scoring_minutes"], bounds))
    rejected = [
        Count(name=clean(name, 60), count=n) for name, n in cursor.execute(load(_SQL)["rejected"], bounds)
    ]
    span = cursor.execute(load(_SQL)["scoring_span"]).fetchone()
    first = span[0] if span else None
    # Nothing is due before the service scored its first minute, and everything if it never did.
    begins = min(max(period.start, first - timedelta(minutes=1)), period.end) if first else period.start
    changes = list(cursor.execute(load(_SQL)["shard_changes"]))
    layouts = shard_layouts(changes, settings.scoring.shards, begins, period.end)
    count = max(len(shards), *(number for *_, number in layouts))
    found = {row[0]: row for row in shards}
    gaps = [0]
    for shard in range(count):
        # A shard is due while the fleet is split into more than its number.
        mine = [(start, end) for start, end, number in layouts if number > shard]
        if not mine:
            continue
        first_due, last_due = mine[0][0], mine[-1][1]
        if shard not in found:
            gaps.append(_minutes(last_due - first_due))
            continue
        opens, closes, gap = found[shard][4:]
        gaps += [_minutes(opens - first_due) - 1, _minutes(last_due - closes), int(gap or 1) - 1]
    slowest = [row[3] for row in shards if row[3] is not None]
    return ScoringFacts(
        shards=count,
        minutes_scored=sum(row[1] for row in shards),
        minutes_due=sum(_minutes(end - start) * number for start, end, number in layouts),
        rows_read=sum(row[2] or 0 for row in shards),
        rejected=tuple(rejected),
        longest_gap_minutes=max(0, *gaps),
        slowest_seconds=max(slowest, default=None),
        due_from=begins if begins > period.start else None,
    )


def shard_layouts(
    changes: Sequence[tuple[datetime, int, int]], now: int, start: datetime, end: datetime
) -> list[tuple[datetime, datetime, int]]:
    """Into how many shards the fleet was split, stretch by stretch of a period.

    Args:
        changes: (moment, shards before, shards after), in order of time.
        now: the number today.

    >>> noon = datetime(2026, 11, 20, 12)
    >>> [n for *_, n in shard_layouts([(noon, 1, 4)], 4, datetime(2026, 11, 20), datetime(2026, 11, 21))]
    [1, 4]
    """
    until = [*(moment for moment, _, _ in changes), end]
    numbers = [*(before for _, before, _ in changes), changes[-1][2] if changes else now]
    layouts, begin = [], start
    for moment, number in zip(until, numbers, strict=True):
        stop = min(moment, end)
        if stop > begin:
            layouts.append((begin, stop, number))
            begin = stop
    return layouts or [(start, end, now)]


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def made(conn: Connection, now: datetime) -> Made:
    """When a report was made, how far scoring had come, and how the services and the outbox stood."""
    cursor: psycopg.Cursor[Any] = conn.cursor()
    span = cursor.execute(load(_SQL)["scoring_span"]).fetchone()
    services = [
        ServiceState(
            service=clean(service, 60),
            state=state,
            detail=clean(detail, 200),
            since=since,
            checked_at=checked,
        )
        for service, state, detail, since, checked in cursor.execute(load(_SQL)["services"])
    ]
    outbox = cursor.execute(load(_SQL)["outbox"], {"now": now})
    return Made(
        at=now.replace(microsecond=0),
        last_scored=span[1] if span else None,
        services=tuple(services),
        outbox=tuple(Count(name=state, count=count) for state, count in outbox),
    )
