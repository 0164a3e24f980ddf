"""Constructed facts of one incident's report: preliminary or final, to look at and to test with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

from homepot_ai.reporting.facts import (
    AnomalyFacts,
    Made,
    PeriodFacts,
    ReportFacts,
    Scope,
    ScopeName,
    Silenced,
)
from homepot_ai.reporting.facts.actions import ActionFacts
from homepot_ai.reporting.facts.incident import (
    EvidenceSeries,
    ImpactDevice,
    IncidentActions,
    IncidentEvidence,
    IncidentHeader,
    IncidentImpact,
    IncidentMoment,
    IncidentSimilar,
    IncidentTimeline,
    IncidentUnknown,
)
from homepot_ai.testing.report_examples import ZONE, device
from homepot_ai.testing.report_examples_sections import HOUR, MINUTE, incident, past

DONE = "Fan cleaned, thermal paste renewed"
START = datetime(2026, 11, 19, 9, 42, tzinfo=UTC)


def incident_example(*, final: bool = True) -> ReportFacts:
    """The whole report of a till that ran hot for four hours; preliminary: made an hour after it began."""
    end = START + (4 * HOUR + 11 * MINUTE if final else 55 * MINUTE)
    who = device(5)
    period = PeriodFacts(
        kind="incident", start=START, end=end, timezone=ZONE, first_day=START.date(), last_day=START.date()
    )
    return ReportFacts(
        report_type="incident",
        organisation="HOMEPOT",
        scope=Scope(kind="device", id=who.id),
        name=ScopeName(name=who.name, public_id=who.public_id, location=who.site),
        period=period,
        classes=(),
        deleted_devices=0,
        sites=(),
        timeline=(),
        worst=(),
        troubled_devices=0,
        silenced=Silenced(maintenance_devices=0, maintenance_minutes=0, excluded_devices=0),
        made=Made(at=end + MINUTE, last_scored=end, services=(), outbox=()),
        problems=(),
        **incident_parts(period, final=final),
    )


def incident_parts(period: PeriodFacts, *, final: bool = True) -> dict[str, Any]:
    """Every section of one incident's report: a till that ran hot; ends with the period where final."""
    start, end = period.start, period.end
    opened = start + 12 * MINUTE
    who = device(5)
    this = incident(5, opened, None).model_copy(
        update={
            "device": who, "device_id": who.id, "severity": "critical", "cause": "cpu_percent.high",
            "category": "performance", "conclusion": "LIKELY", "recurrence": 1, "started_at": start,
            "acknowledged_at": opened + 25 * MINUTE, "acknowledged_by": "Anna Berger",
            "closed_at": end if final else None, "ended": "by_hand" if final else None,
            "closed_by": "Anna Berger" if final else None,
            "resolution": DONE if final else None,
        }
    )  # fmt: skip
    moments = [
        IncidentMoment(at=start, what="first_symptom"),
        IncidentMoment(
            at=start,
            what="anomaly",
            device=who.name,
            metric="cpu_percent",
            observed=97.4,
            low=12.0,
            high=48.0,
        ),
        IncidentMoment(at=opened, what="opened", after="warning", count=1),
        IncidentMoment(at=opened + MINUTE, what="told", why="opened", count=3),
        IncidentMoment(at=opened + 2 * MINUTE, what="investigated"),
        IncidentMoment(
            at=opened + 25 * MINUTE, what="acknowledged", actor="Anna Berger", comment="on my way, 20 minutes"
        ),
        IncidentMoment(at=opened + 40 * MINUTE, what="worsened", before="warning", after="critical"),
    ]
    if final:
        moments += [
            IncidentMoment(
                at=end - 50 * MINUTE, what="done", actor="Anna Berger", comment=DONE
            ),
            IncidentMoment(at=end - 31 * MINUTE, what="quiet"),
            IncidentMoment(at=end, what="closed", actor="Anna Berger", comment=DONE),
        ]  # fmt: skip
    minutes = round((end - start) / MINUTE)
    action = ActionFacts(
        incident_id=this.id, cause=this.cause, device=who.name, action=DONE,
        by="Anna Berger", done_at=end - 50 * MINUTE, outcome=None, recovered_at=None, held_until=None,
    )  # fmt: skip
    lost = round(minutes * 0.46, 1)
    points = ("cause", "action_not_judged", "not_marked") if final else ("still_open", "cause", "not_marked")
    return {
        "anomalies": (
            AnomalyFacts(
                id=881, device=who, severity="warning", metric="cpu_percent", observed=97.4,
                expected_low=12.0, expected_high=48.0, started_at=start, ended_at=end if final else None,
                opened_in_period=True,
                initial_score=0.52, lowest_score=0.21,
            ),
        ),
        "anomalies_total": 1,
        "incident_header": IncidentHeader(
            incident=this, final=final, initial_severity="warning",
            quiet_since=end - 31 * MINUTE if final else None,
        ),
        "incident_timeline": IncidentTimeline(moments=tuple(moments), total=len(moments)),
        "incident_impact": IncidentImpact(
            minutes=minutes,
            devices=(
                ImpactDevice(
                    device_id=who.id, device=who, joined_at=opened, left_at=end if final else None,
                    minutes_lost=lost, minutes_silent=6,
                ),
            ),
            devices_total=1, minutes_lost=lost, minutes_silent=6, minutes_judged=minutes, minutes_due=minutes,
            open_minutes=minutes - 30, open_minutes_lost=round(lost * 0.8, 1), pages=2, told=3, held_back=0,
            first_told_at=opened + MINUTE,
        ),
        "incident_evidence": IncidentEvidence(
            series=(
                _course(who.name, None, start, end, final, 0.94, 0.28, 0.8, None),
                _course(who.name, "cpu_percent", start, end, final, 31.0, 95.0, 12.0, 48.0),
                _course(who.name, "temperature_celsius", start, end, final, 44.0, 71.0, 32.0, 52.0),
            ),
            anomalies=2, not_drawn=0,
        ),
        "incident_similar": IncidentSimilar(
            past=tuple(past(n, opened) for n in range(3)), investigated_at=opened + 2 * MINUTE, by_words=False
        ),
        "incident_actions": IncidentActions(
            actions=(action,) if final else (),
            advice="Clean the fan first: it helped in 3 of 4 similar incidents.",
        ),
        "incident_unknown": IncidentUnknown.model_validate({"points": points, "minutes_unjudged": 0}),
    }  # fmt: skip


def _course(
    name: str, metric: str | None, start: datetime, end: datetime, final: bool, well: float, ill: float,
    low: float | None, high: float | None,
) -> EvidenceSeries:  # fmt: skip
    step, begin = 120, start - HOUR
    until = end + (HOUR if final else 0 * HOUR)
    values: list[float | None] = []
    for n in range(int((until - begin).total_seconds() // step)):
        at = begin + n * step * timedelta(seconds=1)
        share = min(1.0, max(0.0, (at - start) / (20 * MINUTE)))
        if final and at > end - 45 * MINUTE:
            share = max(0.0, 1 - (at - (end - 45 * MINUTE)) / (14 * MINUTE))
        noise = sin(n * 2.3) * 0.03 + sin(n * 0.61) * 0.02
        value = well + (ill - well) * share + noise * abs(ill - well)
        values.append(None if 70 <= n < 73 else round(value, 3))
    return EvidenceSeries(
        device=name, metric=metric, start=begin, step_seconds=step, values=tuple(values), low=low, high=high,
        since=None if metric is None else start, until=end if final and metric else None,
    )  # fmt: skip
