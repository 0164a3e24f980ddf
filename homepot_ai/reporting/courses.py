"""Fetching the course of a day: of all devices together, and of each of the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

import psycopg

from homepot_ai.reporting.compute import Day, RosterDevice
from homepot_ai.reporting.facts import DeviceRef, SparkBin, StatusCounts, TimelineBin, WorstDevice
from homepot_ai.reporting.periods import Period
from homepot_ai.store.database import Connection
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

TIMELINE_SECONDS = 1800
SPARK_SECONDS = 900
_SQL = "reporting/sql/report.sql"


def counts_of(row: Sequence[int]) -> StatusCounts:
    """Six numbers in the order of the statuses."""
    healthy, warning, critical, no_data, in_maintenance, not_scored = row
    return StatusCounts(
        healthy=healthy,
        warning=warning,
        critical=critical,
        no_data=no_data,
        in_maintenance=in_maintenance,
        not_scored=not_scored,
    )


def timeline(conn: Connection, ids: Sequence[int], period: Period) -> tuple[TimelineBin, ...]:
    """The period in half-hours: device-minutes by status of some devices."""
    cursor: psycopg.Cursor[Any] = conn.cursor()
    parameters = {"start": period.start, "end": period.end, "ids": list(ids), "width": TIMELINE_SECONDS}
    found = {row[0]: row[1:] for row in cursor.execute(load(_SQL)["timeline"], parameters)}
    bins = -(-int((period.end - period.start).total_seconds()) // TIMELINE_SECONDS)
    result = []
    for number in range(bins):
        *counts, points = found.get(number, (0, 0, 0, 0, 0, 0, 0))
        minutes = counts_of(counts)
        result.append(
            TimelineBin(
                start=period.start + timedelta(seconds=number * TIMELINE_SECONDS),
                minutes=minutes,
                score_points=points,
                scored_minutes=minutes.healthy + minutes.warning + minutes.critical,
            )
        )
    return tuple(result)


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
        "width": SPARK_SECONDS,
        "statuses": [today.status_at_end(device) for device in ids],
    }
    cursor: psycopg.Cursor[Any] = conn.cursor()

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return list(cursor.execute(load(_SQL)[statement], parameters))

    bins = -(-int((period.end - period.start).total_seconds()) // SPARK_SECONDS)
    empty = SparkBin(lowest=None, no_data=0)
    sparks = {device_id: [empty] * bins for device_id in ids}
    for device_id, number, lowest, no_data in rows("sparks"):
        sparks[device_id][number] = SparkBin(lowest=lowest, no_data=no_data)
    lows = {device_id: (score, at) for device_id, score, at in rows("lows")}
    lasts = dict(rows("lasts"))
    since = dict(rows("since"))
    blame = {
        device_id: list(group) for device_id, group in groupby(rows("main_metrics"), key=lambda row: row[0])
    }
    result = []
    for device in devices:
        row = today.devices.get(device.id)
        low, low_at = lows.get(device.id, (None, None))
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
                spark=tuple(sparks[device.id]),
            )
        )
    return tuple(result)
