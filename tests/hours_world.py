"""Hours of telemetry with a known future, written straight into our tables, and courses made in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from homepot_ai.store import scores
from homepot_ai.store.database import Database

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
Course = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def filling(now: float, per_day: float, noise: float = 0.1, seed: int = 1) -> Course:
    """A line that stands at `now` at the end; its argument are days before the end (negative)."""
    rng = np.random.default_rng(seed)
    return lambda days: now + per_day * days + rng.normal(0, noise, len(days))


def calm(level: float, noise: float = 1.0, wave: float = 3.0, seed: int = 2) -> Course:
    """A level with a daily wave."""
    rng = np.random.default_rng(seed)
    return lambda days: level + wave * np.sin(2 * np.pi * days) + rng.normal(0, noise, len(days))


def write_hours(
    db: Database,
    courses: Mapping[int, Mapping[str, Course]],
    *,
    days: float = 30,
    until: datetime = AT,
) -> None:
    """Rows of ai_metric_hours for devices with courses by metric; NaN is no sample."""
    hours = round(days * 24)
    t = (np.arange(hours) - hours + 1) / 24
    values = {device: {name: course(t) for name, course in mine.items()} for device, mine in courses.items()}
    names = sorted({name for mine in courses.values() for name in mine})
    rows = []
    for column in range(hours):
        found = [
            (device, names.index(name), value[column])
            for device, mine in sorted(values.items())
            for name, value in sorted(mine.items())
            if not np.isnan(value[column])
        ]
        device, metric, mean = (np.array([row[i] for row in found]) for i in range(3))
        mean = mean.astype(np.float32)
        rows.append(
            scores.HourRows(
                until + timedelta(hours=column - hours), names, device.astype(np.int64),
                metric.astype(np.int32), np.full(len(mean), 60, np.int32), mean, mean, mean, mean,
            )
        )  # fmt: skip
    with db.writer() as conn:
        scores.insert_hours(conn, rows)


def outcome(db: Database, device: int, kind: str, at: datetime, cause: str = "") -> None:
    """What a device went through, as a person would have recorded it."""
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO ai_device_outcomes (device_id, at, kind, cause, source, reference, recorded_by, "
            "recorded_at, changed_at) VALUES (%s, %s, %s, %s, 'person', %s, 'test', %s, %s)",
            [device, at, kind, cause or None, f"{device} {kind} {at.isoformat()}", at, at],
        )


def sql(db: Database, statement: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
    with db.admin() as conn:
        cursor = conn.execute(statement, parameters)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []
