"""`ai_risk_episodes`: warnings as they were raised, told, ended and settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/episodes.sql")

Outcome = Literal["came_true", "averted", "false_alarm", "censored"]
Level = Literal["high", "critical"]


@dataclass(frozen=True)
class Episode:
    """A stretch of high risk.

    Attributes:
        last_at: when it was last judged so high; lower_since: since when it is lower; None: it is not.
        due_at: until when the warning holds: after that, without a failure, it was false.
        facts: what it was raised on, as JSON (see `acting`).
        happened_at: of one that came true, when.
    """

    id: int
    device_id: int
    site_id: int | None
    cause: str
    level: Level
    raised_at: datetime
    last_at: datetime
    lower_since: datetime | None
    ended_at: datetime | None
    due_at: datetime
    probability: float | None
    action: str | None
    prediction_id: int | None
    alerted_at: datetime | None
    facts: Mapping[str, Any]
    outcome: Outcome | None = None
    happened_at: datetime | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True)
class NamedDevice:
    """A device with its site. Names are written by others: clean them before use."""

    id: int
    public_id: str
    name: str
    device_type: str | None
    site_id: int
    site: str
    timezone: str | None


def lock(conn: Connection) -> None:
    """Be the only one who acts on risks, until the transaction ends."""
    conn.execute(_SQL["lock"])


def live(conn: Connection) -> list[Episode]:
    """Episodes that have not ended."""
    return [Episode(*row) for row in conn.execute(_SQL["live"])]


def unsettled(conn: Connection, now: datetime) -> list[Episode]:
    """Episodes of which nobody knows yet whether they were right, or of which more is known since."""
    return [Episode(*row) for row in conn.execute(_SQL["unsettled"], {"now": now})]


def between(conn: Connection, since: datetime, until: datetime, site_id: int | None = None) -> list[Episode]:
    """Episodes that overlap a span, of a site or (None) all, the most urgent first."""
    parameters = {"since": since, "until": until, "site_id": site_id}
    return [Episode(*row) for row in conn.execute(_SQL["between"], parameters)]


def untold(conn: Connection, now: datetime) -> list[Episode]:
    """Episodes that nobody was told of, locked until the transaction ends."""
    return [Episode(*row) for row in conn.execute(_SQL["untold"], {"now": now})]


def set_told(conn: Connection, ids: Sequence[int], now: datetime) -> None:
    """Note that people were told."""
    conn.execute(_SQL["told"], {"ids": list(ids), "now": now})


def raise_one(
    conn: Connection,
    *,
    device_id: int,
    cause: str,
    level: str,
    at: datetime,
    due_at: datetime,
    probability: float | None,
    action: str | None,
    prediction_id: int | None,
    facts: Mapping[str, Any],
) -> int | None:
    """Begin an episode; None when one is live already, or the device is gone."""
    parameters = {
        "device_id": device_id, "cause": cause, "level": level, "at": at, "due_at": due_at,
        "probability": probability, "action": action, "prediction_id": prediction_id,
        "facts": orjson.dumps(dict(facts)).decode(),
    }  # fmt: skip
    row = conn.execute(_SQL["raise_one"], parameters).fetchone()
    return None if row is None else int(row[0])


def move(conn: Connection, episode: Episode, facts: Mapping[str, Any] | None = None) -> None:
    """Write what one run made of a live episode."""
    parameters = {
        "id": episode.id, "level": episode.level, "last_at": episode.last_at,
        "lower_since": episode.lower_since, "ended_at": episode.ended_at,
        "probability": episode.probability,
        "facts": None if facts is None else orjson.dumps(dict(facts)).decode(),
    }  # fmt: skip
    conn.execute(_SQL["move"], parameters)


def settle(
    conn: Connection,
    number: int,
    outcome: Outcome,
    *,
    happened_at: datetime | None,
    ended_at: datetime | None,
    now: datetime,
) -> bool:
    """Say what became of an episode; again where more is known since."""
    parameters = {
        "id": number, "outcome": outcome, "happened_at": happened_at, "ended_at": ended_at, "now": now,
    }  # fmt: skip
    return conn.execute(_SQL["settle"], parameters).rowcount == 1


def crossed(conn: Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """Which of these episodes' limits were crossed, and when."""
    return dict(conn.execute(_SQL["crossed"], {"ids": list(ids)}).fetchall())


def names(conn: Connection, devices: Sequence[int]) -> dict[int, NamedDevice]:
    """Devices and their sites by number."""
    return {row[0]: NamedDevice(*row) for row in conn.execute(_SQL["names"], {"ids": sorted(set(devices))})}
