"""Courses before failures: what they are made of, and keeping them as patterns of kind `course`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/courses.sql")


@dataclass(frozen=True)
class FailureWithoutCourse:
    """A failure that memory holds no course of; texts are written by others."""

    outcome_id: int
    device_id: int
    at: datetime
    cause: str | None
    site_id: int | None
    device_type: str | None
    category: str | None
    resolution: str | None
    provenance: str | None


@dataclass(frozen=True)
class Trend:
    """A metric over some days.

    Attributes:
        hours: with data; slope: per day; first, last: means of the first five days and the last one, None:
            not measured then; spread: standard deviation of the hourly means; highest: of all.
    """

    metric: str
    hours: int
    slope: float | None
    first: float | None
    last: float | None
    spread: float
    highest: float


def without_course(
    conn: Connection, since: datetime, now: datetime, limit: int = 500
) -> list[FailureWithoutCourse]:
    """Failures since then of which memory holds no course, oldest first."""
    rows = conn.execute(_SQL["without_course"], {"since": since, "now": now, "limit": limit})
    return [FailureWithoutCourse(*row) for row in rows]


def trends(conn: Connection, device_id: int, since: datetime, until: datetime) -> list[Trend]:
    """A device's metrics over a span."""
    rows = conn.execute(_SQL["trends"], {"device_id": device_id, "since": since, "until": until})
    return [Trend(*row) for row in rows]


def anomalies(conn: Connection, device_id: int, since: datetime, until: datetime) -> list[tuple[str, int]]:
    """The metrics with the most anomalies in a span, with their number."""
    return conn.execute(
        _SQL["anomalies"], {"device_id": device_id, "since": since, "until": until}
    ).fetchall()


def insert(
    conn: Connection,
    failure: FailureWithoutCourse,
    *,
    category: str,
    metrics: Sequence[str],
    description: str,
    content_hash: str,
    now: datetime,
) -> bool:
    """Keep a course; False when it was kept already."""
    parameters = {
        **vars(failure), "category": category, "metrics": list(metrics), "description": description,
        "content_hash": content_hash, "happened_at": failure.at, "now": now,
    }  # fmt: skip
    return conn.execute(_SQL["insert"], parameters).rowcount == 1


def any_kept(conn: Connection) -> bool:
    """Whether memory holds the course before any failure."""
    return conn.execute(_SQL["any_kept"]).fetchone() == (True,)
