"""Constructed days to look at and to test with: quiet, bad, degraded, empty, silent, large.

Nothing here is random: every number follows from the device's position.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import sin

from homepot_ai.reporting.facts import (
    AlarmFacts,
    AnomalyFacts,
    ClassFacts,
    Completeness,
    Count,
    DeviceRef,
    DeviceRows,
    Earlier,
    Figures,
    Made,
    PeriodFacts,
    Problem,
    Provenance,
    ReportFacts,
    Scope,
    ScopeName,
    ScoringFacts,
    ServiceState,
    Silenced,
    SiteFacts,
    SparkBin,
    Status,
    StatusCounts,
    ThresholdFacts,
    TimelineBin,
    WorstDevice,
)
from homepot_ai.reporting.periods import Period, comparisons, day

DAY = date(2026, 11, 19)
ZONE = "Europe/Berlin"
_TYPES = ("pos_terminal", "gateway", "iot_sensor", "industrial_controller", "tablet")
_METRICS = (
    ("cpu_percent", 96.4, 12.0, 48.0),
    ("network_latency_ms", 1840.0, None, 210.0),
    ("memory_percent", 93.8, 41.0, 63.0),
    ("disk_percent", 91.2, None, 90.0),
    ("transactions_per_minute", 0.2, 3.0, 11.5),
    ("temperature_celsius", 71.5, 32.0, 48.5),
)


def device(number: int, site: str = "Berlin Mitte", kind: Provenance = "controlled") -> DeviceRef:
    """A device with a plausible name."""
    type_ = _TYPES[number % len(_TYPES)]
    return DeviceRef(
        id=number,
        public_id=f"DEVICE-{1000 + number * 37 % 8999:04d}-K{number % 10}Q7-X{number * 7 % 100:02d}B",
        name=f"{type_.replace('_', ' ').capitalize()} {number}",
        type=type_,
        site=site,
        provenance=kind,
    )


def figures(devices: int, period: Period, *, end: StatusCounts, health: float, silent: int = 0) -> Figures:
    """Figures that fit together: `silent` device-minutes without data, the rest scored."""
    due = devices * period.minutes
    scored = due - silent
    bad = end.total - end.healthy
    return Figures(
        devices=devices,
        scored_devices=devices,
        status_at_end=end,
        status_minutes=StatusCounts(
            healthy=max(0, scored - bad * 190),
            warning=min(scored, bad * 120),
            critical=min(scored, bad * 70),
            no_data=silent,
        ),
        score_points=int(scored * health * 10_000),
        scored_minutes=scored,
        minutes_due=due,
        minutes_judged=due,
        minutes_with_data=scored,
        opened=0 if silent == due else bad * 3,
        closed=0 if silent == due else bad * 2,
        still_open=0 if silent == due else bad,
        attention=end.critical + end.warning + end.no_data,
    )


def _timeline(period: Period, devices: int, trouble: float) -> tuple[TimelineBin, ...]:
    bins = []
    count = -(-period.minutes // 30)
    for index in range(count):
        wave = max(0.0, sin((index - count * 0.45) / count * 9)) * max(trouble, 0.0)
        total = devices * 30
        critical, warning, silent = int(total * wave * 0.4), int(total * wave * 0.5), int(total * wave * 0.2)
        if trouble < 0:  # nobody sent anything
            silent = total
        bins.append(
            TimelineBin(
                start=period.start + timedelta(minutes=30 * index),
                minutes=StatusCounts(
                    healthy=total - critical - warning - silent,
                    warning=warning,
                    critical=critical,
                    no_data=silent,
                ),
                score_points=int((total - silent) * (0.95 - 0.4 * wave) * 10_000),
                scored_minutes=total - silent,
            )
        )
    return tuple(bins)


def _spark(period: Period, number: int) -> tuple[SparkBin, ...]:
    bins = []
    count = -(-period.minutes // 15)
    for index in range(count):
        dip = max(0.0, sin((index - 9 * number) / 11.0)) * (0.85 - 0.06 * number)
        silent = 15 if number % 4 == 3 and 60 < index < 74 else 0
        lowest = None if silent else round(0.97 - dip - 0.02 * ((index * 7 + number) % 5), 3)
        bins.append(SparkBin(lowest=lowest, no_data=silent))
    return tuple(bins)


def worst(period: Period, number: int, who: DeviceRef, status: Status) -> WorstDevice:
    """A device that had a bad day."""
    spark = _spark(period, number)
    scores = [bin_.lowest for bin_ in spark if bin_.lowest is not None]
    low = min(scores)
    where = next(index for index, bin_ in enumerate(spark) if bin_.lowest == low)
    minutes = StatusCounts(
        healthy=period.minutes - 500 + 30 * number, warning=300 - 20 * number, critical=200 - 10 * number
    )
    return WorstDevice(
        device=who,
        status_at_end=status,
        since=None if number == 3 else period.end - timedelta(minutes=47 * (number + 1)),
        attention=status != "healthy",
        mean=round(sum(scores) / len(scores), 4),
        lowest=low,
        lowest_at=period.start + timedelta(minutes=15 * where + 8),
        last=spark[-1].lowest,
        minutes=minutes,
        minutes_lost=round(412.5 - 33.7 * number, 1),
        healthy_above=0.8,
        main_metric=_METRICS[number % len(_METRICS)][0],
        main_share=0.62 - 0.03 * number,
        open_anomalies=int(status != "healthy"),
        spark=spark,
    )


def _silent(period: Period, who: DeviceRef) -> WorstDevice:
    return WorstDevice(
        device=who,
        status_at_end="no_data",
        since=None,
        attention=True,
        mean=None,
        lowest=None,
        lowest_at=None,
        last=None,
        minutes=StatusCounts(no_data=period.minutes),
        minutes_lost=float(period.minutes),
        healthy_above=0.8,
        main_metric=None,
        main_share=None,
        open_anomalies=0,
        spark=(SparkBin(lowest=None, no_data=15),) * (period.minutes // 15),
    )


def anomaly(period: Period, number: int, who: DeviceRef) -> AnomalyFacts:
    """An anomaly; the first three are still open."""
    metric, observed, low, high = _METRICS[number % len(_METRICS)]
    started = period.end - timedelta(minutes=93 * (number + 1))
    return AnomalyFacts(
        id=900 + number,
        device=who,
        severity="critical" if number % 3 == 0 else "warning" if number % 3 == 1 else "info",
        metric=metric,
        observed=observed,
        expected_low=low,
        expected_high=high,
        started_at=started,
        ended_at=None if number < 3 else started + timedelta(minutes=17 + 9 * number),
        opened_in_period=started > period.start,
        mark=None if number % 4 else number % 8 == 0,
        initial_score=0.38,
        lowest_score=round(0.31 - 0.015 * number, 3),
    )


def _alarms(kind: str, period: Period, opened: int) -> AlarmFacts:
    """Enough marks for a precision on a bad day, too few otherwise, none in an empty scope."""
    measured = kind == "bad"
    moved = ThresholdFacts(
        device_type="pos_terminal",
        offset=0.12,
        marked_true=9,
        marked_false=6,
        since=period.start - timedelta(days=6),
    )
    return AlarmFacts(
        opened=opened,
        marked_true=3 * measured,
        marked_false=int(measured),
        window_days=90,
        window_opened=0 if kind == "empty" else 120 if measured else 41,
        window_true=0 if kind == "empty" else 24 if measured else 2,
        window_false=0 if kind == "empty" else 7 if measured else 1,
        thresholds=(moved,) * measured,
    )


def example(  # one knob per thing that a page shows
    kind: str = "bad",
    *,
    devices: int = 25,
    fleet: bool = False,
    which: date = DAY,
    zone: str = ZONE,
    now: datetime | None = None,
    name: str = "Berlin Mitte",
) -> ReportFacts:
    """A day of one kind: quiet, bad, degraded (sections missing, scoring down), empty or silent.

    >>> example("quiet").headline.day.attention
    0
    """
    period = day(which, zone)
    before = comparisons(period)
    bad, empty = kind in {"bad", "degraded"}, kind == "empty"
    refs = [device(number, name) for number in range(1, devices + 1)]
    if kind == "silent":
        end = StatusCounts(no_data=devices)
    elif bad:
        end = StatusCounts(healthy=devices - 4, critical=1, warning=2, no_data=1)
    else:
        end = StatusCounts(healthy=devices)
    silent = devices * period.minutes if kind == "silent" else 640 if bad else 0
    now_figures = figures(devices, period, end=end, health=0.912 if bad else 0.958, silent=silent)
    earlier = figures(
        devices,
        before["day_before"],
        end=StatusCounts(healthy=devices - 1, warning=1),
        health=0.941,
        silent=62,
    )

    def compared(day: Figures | None, weekday: Figures | None) -> tuple[Earlier, ...]:
        return (
            Earlier(what="day_before", first_day=before["day_before"].first_day, figures=day),
            Earlier(what="same_weekday", first_day=before["same_weekday"].first_day, figures=weekday),
        )

    classes: list[ClassFacts] = []
    if not empty:
        classes.append(
            ClassFacts(
                provenance="controlled",
                figures=now_figures,
                earlier=compared(earlier, None if kind == "degraded" else earlier),
            )
        )
    if bad:
        few = figures(2, period, end=StatusCounts(healthy=1, warning=1), health=0.71)
        classes.append(ClassFacts(provenance="simulated", figures=few, earlier=compared(None, None)))
    states: tuple[Status, ...] = ("critical", "warning", "warning", "no_data")
    worst_ten = tuple(
        worst(period, n, ref, states[n] if n < 4 else "healthy") for n, ref in enumerate(refs[:10])
    )
    if kind == "silent":
        worst_ten = tuple(_silent(period, ref) for ref in refs[:10])
    anomalies = tuple(anomaly(period, n, refs[n * 3 % devices]) for n in range(22))
    own = period.minutes if kind != "degraded" else 871
    problems: tuple[Problem, ...] = ()
    if kind == "degraded":
        problems = (
            Problem(section="completeness", reason='column "collection_interval_seconds" does not exist'),
        )
    made = now or period.end + timedelta(hours=6, seconds=4)
    rows = tuple(
        DeviceRows(
            device=ref,
            rows=0 if kind == "silent" else expected - (n * 211 if bad and n < 5 else 0),
            moments=0 if kind == "silent" else expected - (n * 211 if bad and n < 5 else 0),
            expected=expected,
            interval_seconds=60,
        )
        for n, ref in enumerate(refs)
        if (expected := period.minutes)
    )
    return ReportFacts(
        report_type="daily",
        organisation="HOMEPOT",
        scope=Scope(kind="fleet") if fleet else Scope(kind="site", id=1),
        name=ScopeName(name="Whole fleet")
        if fleet
        else ScopeName(name=name, public_id="SITE-5WH7-X37K", location="Friedrichstraße 90, 10117 Berlin"),
        period=PeriodFacts(
            kind="daily",
            start=period.start,
            end=period.end,
            timezone=zone,
            first_day=which,
            last_day=which,
        ),
        classes=tuple(classes),
        deleted_devices=0,
        sites=tuple(
            SiteFacts(
                id=n,
                public_id=f"SITE-{n}",
                name=site,
                timezone=place,
                figures=figures(8, period, end=end_, health=0.95 - 0.03 * (3 - n), silent=10 * (3 - n)),
                other_devices=int(n == 1) * 2,
            )
            for n, (site, place, end_) in enumerate(
                (
                    ("Berlin Mitte", ZONE, StatusCounts(healthy=5, critical=1, warning=2)),
                    ("New York Hudson Yards", "America/New_York", StatusCounts(healthy=7, no_data=1)),
                    ("Singapore Changi", "Asia/Singapore", StatusCounts(healthy=8)),
                ),
                start=1,
            )
        )
        if fleet
        else (),
        timeline=()
        if empty
        else _timeline(period, devices, 0.55 if bad else -1.0 if kind == "silent" else 0.0),
        worst=worst_ten if bad or kind == "silent" else (),
        troubled_devices=13 if bad else devices if kind == "silent" else 0,
        anomalies=anomalies if bad else (),
        anomalies_total=len(anomalies) if bad else 0,
        alarms=_alarms(kind, period, opened=now_figures.opened if not empty else 0),
        completeness=None
        if kind == "degraded"
        else Completeness(
            devices=() if empty else rows,
            devices_total=0 if empty else devices,
            rows=sum(row.rows for row in rows),
            moments_counted=sum(row.moments for row in rows),
            expected=sum(row.expected or 0 for row in rows),
            devices_without_interval=0,
        ),
        silenced=Silenced(
            maintenance_devices=2 * bad, maintenance_minutes=240 * bad, excluded_devices=int(bad)
        ),
        scoring=ScoringFacts(
            shards=1,
            minutes_scored=own,
            minutes_due=period.minutes,
            rows_read=own * devices,
            rejected=(Count(name="duplicate", count=41), Count(name="not_a_number", count=3)) if bad else (),
            longest_gap_minutes=569 if kind == "degraded" else 0,
            slowest_seconds=3.21,
        ),
        made=Made(
            at=made,
            last_scored=made - timedelta(hours=7 if kind == "degraded" else 0, seconds=64),
            services=tuple(
                ServiceState(
                    service=service,
                    state="down" if kind == "degraded" and service == "mail" else "ok",
                    detail=detail,
                    since=period.start - timedelta(days=4),
                    checked_at=made - timedelta(minutes=2),
                )
                for service, detail in (
                    ("database", "PostgreSQL 18.4 answers in 2 ms"),
                    ("disk", "71 % free"),
                    ("mail", "connection refused" if kind == "degraded" else "mail.example.org greets"),
                )
            ),
            outbox=(Count(name="sent", count=12), *((Count(name="failed", count=1),) * int(bad))),
        ),
        problems=problems,
    )
