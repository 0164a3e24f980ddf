"""Fetching the course of a period: of all devices together, and of each of the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import psycopg

from homepot_ai.reporting.compute import Day, RosterDevice
from homepot_ai.reporting.facts import (
    STATUSES,
    DeviceRef,
    SparkBin,
    StatusCounts,
    TimelineBin,
    WorstDevice,
)
from homepot_ai.reporting.periods import Period
from homepot_ai.store import health_hours
from homepot_ai.store.database import Connection
from homepot_ai.store.health_hours import Part
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

TIMELINE_SECONDS = 1800
SPARK_SECONDS = 900
_SQL = "reporting/sql/report.sql"


def starts_of(period: Period, fine: int, *, minutes_kept: bool = True) -> list[datetime]:
    """Where the bins of a course begin: steps within each local day, so that a day's first bin is its own.

    Up to two days in steps of `fine` seconds (an hour where minutes are not kept any more), up to two weeks
    in three hours, beyond in days.
    """
    if len(period.days) <= 2:
        step = timedelta(seconds=fine if minutes_kept else max(fine, 3600))
    elif len(period.days) <= 14:
        step = timedelta(hours=3)
    else:
        return [max(day.start, period.start) for day in period.days]
    found = []
    for day in period.days:
        number = -(-(min(day.end, period.end) - day.start) // step)
        found += [day.start + n * step for n in range(number) if day.start + (n + 1) * step > period.start]
    return [period.start, *found[1:]]


def timeline(conn: Connection, ids: Sequence[int], period: Period) -> tuple[TimelineBin, ...]:
    """The course of a period: device-minutes by status of some devices, bin by bin."""
    reading, kept = _reading(conn, period)
    starts = starts_of(period, TIMELINE_SECONDS, minutes_kept=kept)
    found = health_hours.bins(conn, reading, starts, ids)
    result = []
    for number, start in enumerate(starts):
        *counts, points = found.get(number, [0] * 7)
        minutes = StatusCounts(**dict(zip(STATUSES, counts, strict=True)))
        result.append(
            TimelineBin(
                start=start,
                minutes=minutes,
                score_points=points,
                scored_minutes=minutes.healthy + minutes.warning + minutes.critical,
            )
        )
    return tuple(result)


def _reading(conn: Connection, period: Period) -> tuple[Sequence[Part], bool]:
    """What a course is read from, and whether finer than hours: a day or two by the minute while kept."""
    reading = health_hours.parts(conn, period.start, period.end)
    if len(period.days) > 2 or not health_hours.minutes_kept(conn, period.start):
        return reading, False
    return (Part("minutes", period.start, period.end),), True


def worst(
    conn: Connection, devices: Sequence[RosterDevice], refs: Mapping[int, DeviceRef], today: Day
) -> tuple[WorstDevice, ...]:
    """What is said of each of the worst devices, in their order."""
    ids = [device.id for device in devices]
    period = today.period
    parameters: dict[str, Any] = {
        "start": period.start,
        "end": period.end,
        "ids": ids,
        "statuses": [today.status_at_end(device) for device in ids],
    }
    cursor: psycopg.Cursor[Any] = conn.cursor()

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return list(cursor.execute(load(_SQL)[statement], parameters))

    reading, kept = _reading(conn, period)
    starts = starts_of(period, SPARK_SECONDS, minutes_kept=kept)
    points = health_hours.device_bins(conn, reading, starts, ids)
    nothing: tuple[float | None, int] = (None, 0)
    sparks = {
        device_id: [points.get((device_id, number), nothing) for number in range(len(starts))]
        for device_id in ids
    }
    lows = {device_id: (score, at) for device_id, score, at in rows("lows")}
    lasts = dict(rows("lasts"))
    since = dict(rows("since"))
    blame = {
        device_id: list(group) for device_id, group in groupby(rows("main_metrics"), key=lambda row: row[0])
    }
    result = []
    for device in devices:
        row = today.devices.get(device.id)
        # Minutes that are not kept any more leave their hour's lowest score, not its moment.
        fallen = min((low for low, _ in sparks[device.id] if low is not None), default=None)
        low, low_at = lows.get(device.id, (fallen, None))
        if low is not None and fallen is not None and fallen < low:
            low, low_at = fallen, None
        factors = blame.get(device.id, [])
        taken = sum(amount for _, _, amount in factors)
        result.append(
            WorstDevice(
                device=refs[device.id],
                status_at_end=today.status_at_end(device.id),
                since=since.get(device.id),
                attention=device.id in today.calling,
                mean=round(row.score_points / 10_000 / row.scored, 4) if row and row.scored else None,
                lowest=low,
                lowest_at=low_at,
                last=lasts.get(device.id),
                minutes=row.minutes if row else StatusCounts(),
                minutes_lost=round(row.lost, 1) if row else 0.0,
                healthy_above=device.healthy_above,
                main_metric=clean(str(factors[0][1]), 80) if taken > 0 else None,
                main_share=round(factors[0][2] / taken, 3) if taken > 0 else None,
                open_anomalies=len(today.open_severities.get(device.id, ())),
                spark=tuple(SparkBin(lowest=low, no_data=silent) for low, silent in sparks[device.id]),
            )
        )
    return tuple(result)
