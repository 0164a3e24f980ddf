"""Constructed reports of every kind, with every section: a day, a week, a month, an incident, a range.

Nothing here is random, as in :mod:`homepot_ai.testing.report_examples`, whose bad day they extend.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

from homepot_ai.reporting.facts import (
    Count,
    Earlier,
    ForecastFacts,
    ForecastRecord,
    PeriodFacts,
    PredictedDevice,
    ReportFacts,
    Scope,
    ScopeName,
    SparkBin,
    StatusCounts,
    TimelineBin,
)
from homepot_ai.reporting.facts.kpis import (
    ClassKpis,
    DayCounts,
    FailureKpis,
    Freshness,
    KpisFacts,
    Promise,
    Ratio,
    TypeKpis,
    TypesFacts,
)
from homepot_ai.reporting.periods import Period, comparisons, custom, of_day
from homepot_ai.testing import report_examples_sections as parts
from homepot_ai.testing.report_examples import DAY, ZONE, device, example, figures, worst

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def forecasts(end: datetime) -> ForecastFacts:
    """Two devices at high risk, one of them soon."""
    first = PredictedDevice(
        device=device(4),
        level="critical",
        since=end - timedelta(days=2),
        metric="disk_percent",
        limit=90.0,
        rises=True,
        action="Free disk space or extend the volume; find what grows (logs, journals, caches).",
        probability=0.71,
        low=end + 20 * HOUR,
        mid=end + 41 * HOUR,
        high=end + 70 * HOUR,
        visit_at=end + 34 * HOUR,
        visit_state="accepted",
    )
    second = first.model_copy(
        update={
            "device": device(11),
            "level": "high",
            "metric": None,
            "limit": None,
            "rises": None,
            "action": None,
            "probability": 0.46,
            "low": None,
            "mid": None,
            "high": None,
            "visit_at": None,
            "visit_state": None,
        }
    )
    record = ForecastRecord(
        settled=3140,
        horizon="7d",
        forecaster="hazard",
        n=2180,
        happened=31,
        brier=0.0121,
        base_brier=0.0139,
        skill=0.13,
        anecdotal=False,
        told=19,
        false_alarms=5,
        false_low=0.118,
        false_high=0.488,
        lead_hours=52.0,
        averted=4,
    )
    return ForecastFacts(judged=25, devices=(first, second), total=2, record=record)


def _ratio(numerator: int, denominator: int, *left: tuple[str, int]) -> Ratio:
    return Ratio(
        numerator=numerator,
        denominator=denominator,
        left_out=tuple(Count(name=name, count=count) for name, count in left),
    )


def kpis(minutes: int) -> KpisFacts:
    """Key figures of 25 devices over so many minutes."""
    due = 25 * minutes
    first = ClassKpis(
        provenance="controlled",
        devices=25,
        devices_without_hours=3,
        availability=_ratio(due * 982 // 1000, due),
        availability_open=_ratio(due * 4 // 10, due * 41 // 100),
        uptime=_ratio(due * 961 // 1000, due),
        uptime_open=_ratio(due * 39 // 100, due * 41 // 100),
        failures=FailureKpis(
            began=7,
            ended=6,
            open_at_end=1,
            without_end=0,
            repair_minutes=1130,
            running_minutes=due * 96 // 100,
        ),
        completeness=_ratio(due * 941 // 1000, due),
        connectivity=_ratio(due * 97 // 100, due * 98 // 100),
        continuity=_ratio(due // 60 - 41, due // 60),
        freshness=Freshness(
            within=tuple(due * share // 100 for share in (52, 93, 96, 98, 99, 100)),
            minutes=due,
            p50_seconds=30,
            p95_seconds=120,
        ),
        compliance=_ratio(due * 95 // 100, due * 982 // 1000),
        precision=_ratio(24, 31),
        recall=_ratio(6, 7),
    )
    promises = (
        Promise(key="anomaly_accuracy", target=0.85, at_least=True, value=164, of=175, trivial=0.91),
        Promise(key="anomaly_precision", target=0.8, at_least=True, value=24, of=31, trivial=0.09),
        Promise(key="false_positives", target=0.15, at_least=False, value=4, of=175, trivial=0.0),
        Promise(key="failure_prediction", target=0.75, at_least=True, why="nothing_yet"),
        Promise(key="pattern_matching", target=0.85, at_least=True, why="not_recorded"),
        Promise(key="own_availability", target=0.995, at_least=True, value=minutes - 9, of=minutes),
        Promise(key="question_seconds", target=2.0, at_least=False, why="not_built"),
    )
    return KpisFacts(
        classes=(first,),
        days=DayCounts(alarmed_bad=14, alarmed_fine=4, silent_bad=2, silent_fine=155, unjudged=9),
        own=_ratio(minutes - 9, minutes),
        valid_rows=_ratio(due - 44, due),
        promises=promises,
        lost_minutes=0,
    )


def types(minutes: int) -> TypesFacts:
    """Three device types."""
    return TypesFacts(
        types=tuple(
            TypeKpis(
                device_type=name,
                provenance="controlled",
                devices=count,
                availability=_ratio(count * minutes * share // 1000, count * minutes),
                availability_open=_ratio(count * minutes * share // 2400, count * minutes * 10 // 24),
                failures=FailureKpis(
                    began=began, ended=began, open_at_end=0, without_end=0, repair_minutes=190 * began,
                    running_minutes=count * minutes,
                ),
            )
            for name, count, share, began in (
                ("pos_terminal", 12, 962, 5), ("gateway", 4, 991, 2), ("iot_sensor", 9, 999, 0),
            )
        )
    )  # fmt: skip


def _bins(period: Period, devices: int) -> tuple[TimelineBin, ...]:
    count = min(-(-period.minutes // 30), 84)
    step = (period.end - period.start) / count
    made = []
    for index in range(count):
        wave = max(0.0, sin(index / 5.0)) * max(0.0, sin(index / count * 3.1)) * 0.5
        total = round(devices * step / MINUTE)
        bad = {"critical": int(total * wave * 0.2), "warning": int(total * wave * 0.5)}
        silent = int(total * wave * 0.1)
        healthy = total - sum(bad.values()) - silent
        made.append(
            TimelineBin(
                start=period.start + step * index,
                minutes=StatusCounts(healthy=healthy, no_data=silent, **bad),
                score_points=int(total * (0.95 - 0.4 * wave) * 10_000),
                scored_minutes=total - silent,
            )
        )
    return tuple(made)


def _over(facts: ReportFacts, period: Period, **more: Any) -> ReportFacts:
    """A bad day's facts as those of another period."""
    refs = [device(number) for number in range(1, 11)]
    states = ("critical", "warning", "warning", "no_data", *["healthy"] * 6)
    step = max(1, period.minutes // 96)
    listed = tuple(
        worst(period, n, ref, states[n]).model_copy(  # type: ignore[arg-type] # words of a status each
            update={
                "spark": tuple(
                    SparkBin(lowest=round(0.96 - max(0.0, sin(i / 9 - n)) * (0.8 - 0.06 * n), 3), no_data=0)
                    for i in range(96)
                ),
                "minutes_lost": (412.5 - 33.7 * n) * period.minutes / 1440,
                "lowest_at": period.start + MINUTE * step * (11 + 7 * n),
            }
        )
        for n, ref in enumerate(refs)
    )
    end = StatusCounts(healthy=21, critical=1, warning=2, no_data=1)
    now = figures(25, period, end=end, health=0.921, silent=25 * period.minutes * 18 // 1000)
    before = figures(25, period, end=StatusCounts(healthy=24, warning=1), health=0.934, silent=620)
    earlier = tuple(
        Earlier(what=what, first_day=then.first_day, figures=before)
        for what, then in comparisons(period).items()
    )
    first = facts.classes[0].model_copy(update={"figures": now, "earlier": earlier})
    others = tuple(
        item.model_copy(update={"earlier": tuple(e.model_copy(update={"figures": None}) for e in earlier)})
        for item in facts.classes[1:]
    )
    scoring = facts.scoring.model_copy(
        update={"minutes_scored": period.minutes - 9, "minutes_due": period.minutes, "longest_gap_minutes": 9}
    ) if facts.scoring else None  # fmt: skip
    at = period.end + 6 * HOUR
    made = facts.made.model_copy(update={"at": at, "last_scored": at - MINUTE})
    told = PeriodFacts(
        kind=period.kind,
        start=period.start,
        end=period.end,
        timezone=period.timezone,
        first_day=period.first_day,
        last_day=period.last_day,
    )
    update = {
        "report_type": period.kind,
        "period": told,
        "classes": (first, *others),
        "timeline": _bins(period, 25),
        "worst": listed,
        "scoring": scoring,
        "made": made,
        "forecasts": forecasts(period.end),
    }
    return facts.model_copy(update=update | more)


def full_day(*, fleet: bool = False) -> ReportFacts:
    """A bad day with its incidents, forecasts and key figures."""
    facts = example("bad", fleet=fleet)
    incidents = parts.incidents(facts.period)
    minutes = round((facts.period.end - facts.period.start) / MINUTE)
    more = {"incidents": incidents, "forecasts": forecasts(facts.period.end), "kpis": kpis(minutes)}
    return facts.model_copy(update=more)


def week() -> ReportFacts:
    """A week of the whole fleet."""
    period = of_day("weekly", DAY, ZONE)
    facts = _over(example("bad", fleet=True), period)
    more = parts.weekly_parts(facts.period, tuple(site.id for site in facts.sites))
    return facts.model_copy(update={"kpis": kpis(period.minutes), "types": types(period.minutes)} | more)


def month() -> ReportFacts:
    """A month of the whole fleet."""
    period = of_day("monthly", DAY, ZONE)
    facts = _over(example("bad", fleet=True), period)
    more = parts.monthly_parts(facts.period, tuple(site.id for site in facts.sites))
    return facts.model_copy(update={"kpis": kpis(period.minutes), "types": types(period.minutes)} | more)


def span() -> ReportFacts:
    """Three days of one device, not from midnight to midnight."""
    first = datetime(2026, 11, 17, 7, 0, tzinfo=UTC)
    period = custom(first, first + timedelta(days=2, hours=9), ZONE)
    name = ScopeName(name=device(7).name, public_id=device(7).public_id, location="Berlin Mitte")
    facts = _over(example("bad"), period, scope=Scope(kind="device", id=7), name=name)
    one = figures(1, period, end=StatusCounts(warning=1), health=0.71, silent=95)
    first_class = facts.classes[0].model_copy(
        update={
            "figures": one,
            "earlier": tuple(e.model_copy(update={"figures": one}) for e in facts.classes[0].earlier),
        }
    )
    more = {
        "classes": (first_class,),
        "timeline": _bins(period, 1),
        "worst": facts.worst[6:7],
        "troubled_devices": 1,
        "anomalies": facts.anomalies[2:3],
        "anomalies_total": 1,
        "forecasts": None,
    }
    if facts.completeness is not None:
        mine = [row for row in facts.completeness.devices if row.device.id == 7]
        due = sum(row.expected or 0 for row in mine)
        got = sum(row.moments for row in mine)
        more["completeness"] = facts.completeness.model_copy(
            update={
                "devices": tuple(mine), "devices_total": 1, "devices_without_interval": 0,
                "rows": got, "moments_counted": got, "expected": due,
            }
        )  # fmt: skip
    return facts.model_copy(update=more)
