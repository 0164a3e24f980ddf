"""Constructed facts of the sections of weekly and monthly reports, to look at and to test with.

Nothing is random. `weekly_parts` and `monthly_parts` are fields of
:class:`~homepot_ai.reporting.facts.ReportFacts`: `facts.model_copy(update=weekly_parts(facts.period))`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import sin
from typing import Any

from homepot_ai.reporting.facts import PeriodFacts
from homepot_ai.reporting.facts.actions import ActionFacts, ActionsFacts, EffectFacts
from homepot_ai.reporting.facts.capacity import CapacityFacts, CapacityOutlook
from homepot_ai.reporting.facts.configuration import ChangeFacts, ConfigurationFacts
from homepot_ai.reporting.facts.costs import CostsFacts, CurrencyCosts
from homepot_ai.reporting.facts.decisions import Decision, DecisionsFacts
from homepot_ai.reporting.facts.incidents import IncidentFacts, IncidentsFacts, PastIncident
from homepot_ai.reporting.facts.league import LeagueFacts, LeagueSite
from homepot_ai.reporting.facts.method import AppendixFacts
from homepot_ai.reporting.facts.noise import NoiseDay, NoiseFacts, NoiseRule
from homepot_ai.reporting.facts.prevented import PreventedFacts, WarningFacts
from homepot_ai.reporting.facts.recurring import RecurringFacts, RecurringFault, SharedFault
from homepot_ai.reporting.facts.track_record import (
    CalibrationCurve,
    CalibrationFacts,
    CurvePoint,
    RecordCoverage,
    RecordFigure,
    TrackRecordFacts,
)
from homepot_ai.reporting.facts.visits import VisitFacts, VisitsFacts
from homepot_ai.testing.report_examples import device

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_CAUSES = (
    ("cpu_percent.high", "performance"),
    ("disk_percent.high", "storage"),
    ("silent", "connectivity"),
    ("network_latency_ms.high", "connectivity"),
    ("temperature_celsius.high", "temperature"),
)
_RESOLUTIONS = (
    "Fan cleaned, thermal paste renewed",
    "Old log files deleted, rotation set up",
    None,
    "Uplink cable replaced by the landlord",
    None,
)


def past(number: int, when: datetime) -> PastIncident:
    """A past incident that looks like it."""
    words = _RESOLUTIONS[number % 5]
    return PastIncident(
        id=100 + number,
        similarity=0.93 - 0.04 * number,
        opened_at=when - (9 + 4 * number) * DAY,
        closed_at=when - (9 + 4 * number) * DAY + 3 * HOUR,
        ended="by_hand" if words else "recovered",
        resolution=words,
        held=(True, False, None)[number % 3],
    )


def incident(number: int, opened: datetime, hours: float | None, *, known: bool = True) -> IncidentFacts:
    """An incident of one device; `hours` None: still open."""
    cause, category = _CAUSES[number % 5]
    who = device(number)
    closed = None if hours is None else opened + hours * HOUR
    return IncidentFacts(
        id=200 + number,
        kind="device",
        cause=cause,
        category=category,
        severity=("critical", "warning", "warning", "info")[number % 4],
        conclusion=("CONFIRMED", "LIKELY", "LIKELY", "INCONCLUSIVE")[number % 4],
        device_id=who.id,
        device=who,
        site=who.site,
        devices=1,
        provenance="controlled",
        started_at=opened - 12 * MINUTE,
        opened_at=opened,
        acknowledged_at=opened + 25 * MINUTE if number % 2 else None,
        acknowledged_by="Anna Berger" if number % 2 else None,
        closed_at=closed,
        ended=None if closed is None else "by_hand" if _RESOLUTIONS[number % 5] else "recovered",
        closed_by="Anna Berger" if closed is not None and _RESOLUTIONS[number % 5] else None,
        resolution=_RESOLUTIONS[number % 5] if closed is not None else None,
        recurrence=number % 3,
        flapping=number == 3,
        mark=True if number == 1 else None,
        past=past(number, opened) if known else None,
    )


def incidents(period: PeriodFacts) -> IncidentsFacts:
    """Six incidents, two of them open."""
    shown = [
        incident(4, period.end - 5 * HOUR, None),
        incident(1, period.end - 9 * HOUR, None),
        *(incident(n, period.end - (6 + 2 * n) * HOUR, 1.5 + n, known=n != 5) for n in (2, 3, 5, 7)),
    ]
    return IncidentsFacts(
        incidents=tuple(shown), total=6, opened=6, closed=4, still_open=2, unacknowledged=1, others=0
    )


def weekly_parts(period: PeriodFacts, sites: tuple[int, ...] = ()) -> dict[str, Any]:
    """Every section of a weekly report; `sites`: ids of the fleet's sites, in `facts.sites`."""
    days = (period.last_day - period.first_day).days + 1
    end = period.end
    pages = [(3 * n + 2) % 7 + (9 if n == 3 else 0) for n in range(days)]
    return {
        "incidents": incidents(period),
        "league": LeagueFacts(
            sites=tuple(
                LeagueSite(
                    id=site,
                    days=tuple(
                        round(0.93 - 0.02 * (i % 5) + 0.03 * sin(n * 0.9 + i) - 0.1 * (i == 0 and n > 3), 4)
                        for n in range(days)
                    ),
                    before=round(0.91 + 0.01 * (i % 4), 4),
                    incidents=(i * 3) % 5,
                )
                for i, site in enumerate(sites)
            ),
            before_from=period.first_day - days * DAY,
            days=days,
        ),
        "recurring": RecurringFacts(
            window_days=90,
            faults=tuple(
                RecurringFault(
                    last=incident(n, end - n * DAY, 2.0), times=5 - n, times_window=11 - n,
                    first_at=end - 70 * DAY, minutes=640 - 120 * n, actions=n % 2,
                )
                for n in (1, 2, 3)
            ),
            total=3,
            shared=(
                SharedFault(device_type="pos_terminal", cause="disk_percent.high", devices=7, incidents=9),
            ),
            shared_total=1,
        ),
        "noise": NoiseFacts(
            days=tuple(
                NoiseDay(day=period.first_day + n * DAY, pages=count, critical=count // 4)
                for n, count in enumerate(pages)
            ),
            pages=sum(pages), told=sum(pages) * 2, held_back=2, incidents=31, flapping=2, marked_true=9,
            marked_false=3, budget=10.0,
            rules=tuple(
                NoiseRule(
                    device_type=type_, cause=cause, pages=count, incidents=count - 2, marked_true=2,
                    marked_false=n, passed=n + 1,
                )
                for n, (type_, cause, count) in enumerate(
                    (
                        ("pos_terminal", "disk_percent.high", 12), ("gateway", "silent", 8),
                        ("iot_sensor", "temperature_celsius.high", 4),
                    )
                )
            ),
            rules_total=3,
        ),
        "actions": _actions(end),
        "track_record": track_record(end),
        "visits": visits(end),
        "costs": costs(),
        "decisions": decisions(end),
    }  # fmt: skip


def _actions(end: datetime) -> ActionsFacts:
    rows = (
        ("Restarted the till", "Anna Berger", "helped", True, None),
        ("Replaced the power supply", "Jonas Weiß", "did_not_help", True, 5.0),
        ("Rebooted the router", "Anna Berger", "did_not_help", False, None),
        ("Cleared 40 GB of logs", "Mia Roth", None, False, None),
    )
    return ActionsFacts(
        actions=tuple(
            ActionFacts(
                incident_id=201 + n, cause=_CAUSES[n][0], device=device(n + 1).name, action=action, by=by,
                done_at=end - (90 - 20 * n) * HOUR, outcome=outcome,  # type: ignore[arg-type]
                recovered_at=end - (89 - 20 * n) * HOUR if recovered else None,
                held_until=None if held is None else end - (89 - 20 * n) * HOUR + held * HOUR,
            )
            for n, (action, by, outcome, recovered, held) in enumerate(rows)
        ),
        total=4, helped=1, did_not_help=2, cannot_tell=0, waiting=1,
        effects=(
            EffectFacts(
                category="storage", action="Cleared logs", helped=14, judged=16, rate=0.875, low=0.64,
                high=0.965, nothing_helped=5, nothing_judged=21, difference=(0.637, 0.33, 0.8),
            ),
            EffectFacts(
                category="connectivity", action="Rebooted the router", helped=4, judged=11, rate=0.364,
                low=0.152, high=0.646, nothing_helped=9, nothing_judged=24, difference=(-0.011, -0.3, 0.3),
            ),
        ),
    )  # fmt: skip


def track_record(end: datetime) -> TrackRecordFacts:
    """A record with some failures in it."""
    return TrackRecordFacts(
        made_at=end - 7 * HOUR, settled=9840, censored=212, waiting=1410,
        figures=(
            RecordFigure(
                horizon="24h", forecaster="hazard", n=5130, independent=5130.0, happened=19, brier=0.00361,
                base_brier=0.00369, skill=0.0217, calibration_error=0.0009, leads=True, anecdotal=False,
            ),
            RecordFigure(
                horizon="7d", forecaster="hazard", n=4710, independent=672.9, happened=131, brier=0.0219,
                base_brier=0.0270, skill=0.189, calibration_error=0.0061, leads=True, anecdotal=False,
            ),
            RecordFigure(
                horizon="7d", forecaster="base-rate", n=4710, independent=672.9, happened=131, brier=0.0270,
                base_brier=0.0270, skill=0.0, calibration_error=0.0012, leads=False, anecdotal=False,
            ),
        ),
        coverages=(
            RecordCoverage(
                kind="level", forecaster="limit-crossing", promised=0.8, n=3120, held=0.83, low=0.79,
                high=0.86, error=1.4, anecdotal=False,
            ),
            RecordCoverage(
                kind="limit", forecaster="limit-crossing", promised=0.8, n=41, held=0.71, low=0.33, high=0.92,
                error=2.2, anecdotal=True,
            ),
        ),
        came_true=11, averted=6, false_alarms=4, warnings_censored=1, warnings_waiting=5, lead_hours=91.0,
        failures=19, unwarned=8,
    )  # fmt: skip


def visits(end: datetime) -> VisitsFacts:
    """Three visits of the coming week."""
    rows = (
        (
            3,
            "disk_percent.high",
            "critical",
            "accepted",
            110.0,
            620.0,
            "Free disk space or extend the volume; find what grows (logs, journals, caches).",
        ),
        (
            7,
            "temperature_celsius.high",
            "high",
            "proposed",
            110.0,
            372.0,
            "Check ventilation and surroundings of the device.",
        ),
        (12, "silent", "high", "proposed", None, None, "Check power and network of the device."),
    )
    return VisitsFacts(
        until=end + 7 * DAY, days=7,
        visits=tuple(
            VisitFacts.model_validate(
                {
                    "id": 40 + n, "device": device(number), "cause": cause, "level": level, "state": state,
                    "visit_at": end + (1 + 2 * n) * DAY + 19 * HOUR,
                    "visit_until": end + (1 + 2 * n) * DAY + 20 * HOUR,
                    "needed_by": end + (4 + n) * DAY, "timezone": "Europe/Berlin",
                    "probability": round(0.71 - 0.1 * n, 2),
                    "action": action, "cost": cost, "cost_if_not": without,
                    "currency": None if cost is None else "EUR",
                }
            )
            for n, (number, cause, level, state, cost, without, action) in enumerate(rows)
        ),
        total=3, proposed=2, accepted=1, overdue=1,
    )  # fmt: skip


def costs() -> CostsFacts:
    """Costs in one currency, with a site that has no rate."""
    return CostsFacts(
        currencies=(
            CurrencyCosts(
                currency="EUR", downtime=1284.5, minutes=2569, sites=3, visits=220.0, counted=2, if_not=992.0,
                weighed=2,
            ),
        ),
        sites_without=1, minutes_without=312, open_visits=3,
    )  # fmt: skip


def decisions(end: datetime) -> DecisionsFacts:
    """One of each kind."""
    open_one, again = incident(4, end - 5 * HOUR, None), incident(2, end - DAY, 2.0)
    return DecisionsFacts(
        decisions=(
            Decision(
                kind="incident", severity="critical", device=open_one.device, incident=open_one,
                number=open_one.id, cause=open_one.cause, since=open_one.opened_at,
            ),
            Decision(
                kind="visit", severity="warning", device=device(7), number=41,
                cause="temperature_celsius.high",
                since=end - DAY, until=end + 3 * DAY, probability=0.61, cost=110.0, cost_if_not=372.0,
                currency="EUR",
            ),
            Decision(
                kind="risk", severity="warning", device=device(9), cause="disk_percent.high", since=end - DAY,
                until=end + 6 * DAY, probability=0.55,
            ),
            Decision(
                kind="silent", severity="warning", device=device(13), cause="silent", since=end - 7 * DAY
            ),
            Decision(
                kind="recurring", severity="warning", device=again.device, incident=again, number=again.id,
                cause=again.cause, since=end - 70 * DAY, times=4,
            ),
        ),
        total=5,
    )  # fmt: skip


def monthly_parts(period: PeriodFacts, sites: tuple[int, ...] = ()) -> dict[str, Any]:
    """Every section of a monthly report but the restore drills."""
    end = period.end
    return weekly_parts(period, sites) | {
        "capacity": CapacityOutlook(
            items=tuple(_capacity(n, end) for n in range(4)), total=4, forecast=48, reaching=2, coverage=0.8
        ),
        "calibration": CalibrationFacts(
            made_at=end - 7 * HOUR,
            curves=tuple(
                CalibrationCurve(
                    horizon=horizon, forecaster="hazard", n=n, independent=independent, calibration_error=off,
                    anecdotal=False,
                    points=tuple(
                        CurvePoint(said=said, happened=hit, low=low, high=high, n=count)
                        for said, hit, low, high, count in points
                    ),
                )
                for horizon, n, independent, off, points in _CURVES
            ),
        ),
        "configuration": ConfigurationFacts(
            changes=(
                ChangeFacts(
                    at=end - 12 * DAY, parameter="update_channel", by="rollout-7", devices=14, device=None,
                    before=0.942, after=0.861, incidents=3, rolled_back=14,
                ),
                ChangeFacts(
                    at=end - 8 * DAY, parameter="heartbeat_interval", by="Jonas Weiß", devices=1,
                    device=device(6), before=0.951, after=0.953, incidents=0, rolled_back=0,
                ),
                ChangeFacts(
                    at=end - 10 * HOUR, parameter="log_level", by="Mia Roth", devices=1, device=device(2),
                    before=0.937, after=None, incidents=0, rolled_back=0,
                ),
            ),
            total=3, devices=16,
        ),
        "prevented": PreventedFacts(
            warnings=tuple(
                WarningFacts.model_validate(
                    {
                        "device": device(n + 3), "cause": _CAUSES[n][0], "level": "high",
                        "raised_at": end - (20 - n) * DAY, "outcome": outcome,
                        "happened_at": end - (17 - n) * DAY if outcome == "came_true" else None,
                        "settled_at": end - (13 - n) * DAY,
                    }
                )
                for n, outcome in enumerate(("averted", "averted", "came_true", "false_alarm"))
            ),
            total=4, came_true=1, averted=2, false_alarms=1, censored=0, failures=2, unwarned=1,
        ),
        "appendix": AppendixFacts(
            version="0.1.0", first_scored=end - 160 * DAY, score_days=14, hour_days=184,
            device_types=(("gateway", 0.8, 0.4), ("pos_terminal", 0.8, 0.4), ("iot_sensor", 0.75, 0.35)),
            model="6", model_failures=44,
        ),
    }  # fmt: skip


_CURVES = (
    ("24h", 5130, 5130.0, 0.0009, ((0.003, 0.002, 0.001, 0.004, 4800), (0.04, 0.03, 0.014, 0.06, 280),
                                   (0.24, 0.2, 0.09, 0.38, 50))),
    ("7d", 4710, 672.9, 0.0061, ((0.012, 0.01, 0.004, 0.024, 3600), (0.07, 0.09, 0.05, 0.16, 720),
                                 (0.24, 0.21, 0.1, 0.39, 240), (0.43, 0.48, 0.22, 0.75, 90),
                                 (0.71, 0.58, 0.27, 0.84, 60))),
)  # fmt: skip


def _capacity(n: int, end: datetime) -> CapacityFacts:
    start, growth = 68.0 + 5 * n, (0.62, 0.34, 0.03, -0.05)[n]
    days = [
        round(start + growth * i + 0.8 * sin(i * 1.7), 2) if i not in (9, 10) else None for i in range(30)
    ]
    now = days[-1] or start
    limited = n < 2
    reach = end + (6 + 15 * n) * DAY
    return CapacityFacts(
        device=device(3 + n),
        metric="disk_percent" if n != 2 else "memory_percent",
        now=now,
        first_day=(end - 30 * DAY).date(),
        days=tuple(days),
        due_at=end + 7 * DAY,
        low=round(now + growth * 7 - 2.2, 2),
        mid=round(now + growth * 7, 2),
        high=round(now + growth * 7 + 2.4, 2),
        limit=90.0 if limited else None,
        at_low=reach - 2 * DAY if limited else None,
        at_mid=reach if limited else None,
        at_high=reach + 5 * DAY if limited else None,
    )
