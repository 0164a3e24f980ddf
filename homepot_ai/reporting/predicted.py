"""What was predicted at the end of a report's period, as facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.prediction import track_record
from homepot_ai.reporting.facts import DeviceRef, ForecastFacts, ForecastRecord, PredictedDevice
from homepot_ai.store import episodes, named_sql, schedule
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.reporting.periods import Period
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("reporting/sql/predicted.sql")
#: So many are kept in the facts.
CAP = 100


def gather(
    conn: Connection, refs: Mapping[int, DeviceRef], period: Period, now: datetime
) -> ForecastFacts | None:
    """Warnings that held at the period's end; None: nothing was ever forecast about these devices."""
    parameters = {"ids": list(refs), "start": period.start, "end": period.end}
    (judged,) = conn.execute(_SQL["judged"], parameters).fetchone() or (0,)
    instant = timedelta(microseconds=1)
    held = [
        e
        for e in episodes.between(conn, period.end - instant, period.end)
        if e.device_id in refs and (e.ended_at is None or e.ended_at > period.end)
    ]
    if not judged and not held:
        return None
    visits = {
        (v.device_id, v.cause): v
        for v in schedule.listed(conn, period.end)
        if v.state in ("proposed", "accepted", "done")
    }
    devices = []
    for e in held[:CAP]:
        crossing, visit = e.facts.get("crossing") or {}, visits.get((e.device_id, e.cause))
        devices.append(
            PredictedDevice(
                device=refs[e.device_id],
                level=e.level,
                since=e.raised_at,
                metric=clean(str(crossing["metric"]), 80) if crossing else None,
                limit=float(crossing["limit"]) if crossing else None,
                rises=crossing["direction"] == "high" if crossing else None,
                action=clean(e.action, 300) if e.action else None,
                probability=None if e.probability is None else round(e.probability, 4),
                low=_moment(crossing.get("low")),
                mid=_moment(crossing.get("mid")),
                high=_moment(crossing.get("high")),
                visit_at=None if visit is None else visit.visit_at,
                visit_state=None if visit is None else visit.state,
            )
        )
    record = record_of(track_record.current(conn, now))
    return ForecastFacts(judged=judged, devices=tuple(devices), total=len(held), record=record)


def record_of(known: track_record.TrackRecord) -> ForecastRecord:
    """What a report tells of the track record: the leading forecaster of the nearest horizon that has one.

    >>> record_of(track_record.TrackRecord()).settled
    0
    """
    figure, warned = known.figure("7d") or known.figure("24h"), known.warnings
    share = warned.false_share
    return ForecastRecord(
        settled=known.settled,
        horizon=figure.horizon if figure else None,
        forecaster=figure.forecaster if figure else None,
        n=figure.n if figure else 0,
        happened=figure.happened if figure else 0,
        brier=_rounded(figure.brier if figure else None),
        base_brier=_rounded(figure.base_brier if figure else None),
        skill=_rounded(figure.skill if figure else None),
        anecdotal=figure.anecdotal if figure else True,
        told=warned.told,
        false_alarms=warned.false_alarms,
        false_low=_rounded(share[1] if share else None),
        false_high=_rounded(share[2] if share else None),
        lead_hours=_rounded(warned.lead_hours),
        averted=warned.averted,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
