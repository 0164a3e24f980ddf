"""What is predicted, as a daily report says it: facts as of the period's end, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.prediction import track_record
from homepot_ai.prediction.acting import reason_of
from homepot_ai.prediction.calendar import TELLING
from homepot_ai.prediction.record_page import record_sentence, warnings_sentence
from homepot_ai.reporting import words
from homepot_ai.reporting.facts import DeviceRef, ForecastFacts, PredictedDevice
from homepot_ai.reporting.periods import local
from homepot_ai.store import episodes, named_sql, schedule
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.reporting.facts import ReportFacts
    from homepot_ai.reporting.periods import Period
    from homepot_ai.store.database import Connection

_SQL = named_sql.load("reporting/sql/predicted.sql")
#: So many are kept in the facts, and so many shown.
CAP, SHOWN = 100, 8
SOON = timedelta(hours=72)
NOT_YET = "Forecasts of the next 72 hours are not available yet."
GLYPH = {"high": "▲", "critical": "■"}


@dataclass(frozen=True)
class ForecastLine:
    """A device at high risk, as the report shows it."""

    glyph: str
    level: str
    name: str
    about: str
    expected: str
    action: str
    visit: str


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
                reason=clean(reason_of(e.facts), 300),
                action=clean(e.action, 300) if e.action else None,
                probability=None if e.probability is None else round(e.probability, 4),
                low=_moment(crossing.get("low")),
                high=_moment(crossing.get("high")),
                visit_at=None if visit is None else visit.visit_at,
                visit_state=None if visit is None else visit.state,
            )
        )
    record = track_record.current(conn, now)
    said = f"{record_sentence(record)} {warnings_sentence(record)}"
    return ForecastFacts(judged=judged, devices=tuple(devices), total=len(held), record=said)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def soon(facts: ForecastFacts, end: datetime) -> int:
    """How many are expected within 72 hours of the period's end."""
    return sum(d.level == "critical" if d.low is None else d.low <= end + SOON for d in facts.devices)


def lead(facts: ReportFacts) -> str:
    """The section's first paragraph: how many, how soon, and how good such forecasts were."""
    found = facts.forecasts
    if found is None:
        problem = facts.problem("forecasts")
        return f"This section could not be made: {problem}." if problem else NOT_YET
    judged = words.count(found.judged, "device")
    if not found.total:
        return f"No device is at high risk; {judged} judged. {found.record}"
    near = soon(found, facts.period.end)
    said = f"{words.count(found.total, 'device')} at high risk, of {judged} judged"
    said += f"; {near:,} of them within 72 hours" if near else ""
    return f"{said}. {found.record}"


def lines(facts: ReportFacts, *, fleet: bool) -> tuple[ForecastLine, ...]:
    """The devices, the most urgent first."""
    found = facts.forecasts
    if found is None:
        return ()
    clock = words.Clock.of(facts)
    return tuple(_line(item, clock, fleet=fleet) for item in found.devices[:SHOWN])


def note(facts: ReportFacts) -> str:
    """How many are not shown."""
    found = facts.forecasts
    more = 0 if found is None else found.total - min(SHOWN, len(found.devices))
    return f"And {words.count(more, 'device')} more: homepot-ai predict." if more > 0 else ""


def _line(item: PredictedDevice, clock: words.Clock, *, fleet: bool) -> ForecastLine:
    about = [item.device.site] if fleet else []
    visit = "no visit is planned"
    if item.visit_at is not None:
        visit = f"visit {item.visit_state} for {local(item.visit_at, clock.timezone):%a %Y-%m-%d %H:%M}"
    expected = item.reason
    if item.low is not None and item.probability is not None and item.probability >= TELLING:
        expected += f"; {item.probability:.0%} probability of a failure within 7 days"
    return ForecastLine(
        glyph=GLYPH.get(item.level, "▲"),
        level=item.level,
        name=item.device.name,
        about=" · ".join([*about, f"{item.level} risk since {local(item.since, clock.timezone):%Y-%m-%d}"]),
        expected=expected,
        action=item.action or "Look at it before it fails",
        visit=visit,
    )
