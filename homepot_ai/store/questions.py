"""What was asked, how it was understood, and what came of it: `ai_questions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection
from homepot_ai.store.sealing import Address

_SQL = named_sql.load("store/sql/questions.sql")


@dataclass(frozen=True)
class Asked:
    """An earlier question, as it was understood; slots are words."""

    intent: str
    slots: Mapping[str, str]
    how: str


def record(
    conn: Connection,
    *,
    at: datetime,
    user: str,
    question: str,
    intent: str | None,
    slots: Mapping[str, str],
    how: str,
    outcome: str,
    response_ms: float,
) -> None:
    """Write a question down.

    Args:
        outcome: `answered`, `refused: WHY`, `ambiguous`, `not found`, `unclear`, `too slow`.
        response_ms: milliseconds until its answer was there.
    """
    conn.execute(
        _SQL["record"],
        {
            "at": at,
            "user": Address(user.casefold()),
            "question": question,
            "intent": intent,
            "slots": orjson.dumps(dict(slots)).decode(),
            "how": how,
            "outcome": outcome,
            "ms": response_ms,
        },
    )


def last(conn: Connection, user: str, since: datetime, now: datetime) -> Asked | None:
    """The newest question of somebody that was understood, if it is not older than `since`."""
    row = conn.execute(
        _SQL["last"], {"user": Address(user.casefold()), "since": since, "now": now}
    ).fetchone()
    return None if row is None else Asked(str(row[0]), dict(row[1]), str(row[2]))
