"""The arithmetic of the key figures. Pure: docs/kpis.md has the formulas, tests a slow count of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.fleet.received import Received
from homepot_ai.reporting.compute import Day, DeviceDay, Episode, RosterDevice, minute_in, minutes_due
from homepot_ai.reporting.facts import Count, Provenance
from homepot_ai.reporting.facts.kpis import ClassKpis, DayCounts, FailureKpis, Freshness, Ratio, TypeKpis
from homepot_ai.reporting.periods import Period
from homepot_ai.store.health_hours import AGE_EDGES

#: What two sources say of one device within an hour is one failure; an anomaly so late still told of it.
SLACK = timedelta(hours=1)


@dataclass(frozen=True)
class Failure:
    """A failure of a device; `others`: somebody else than our own incidents says so.

    Attributes:
        ended_at: None: it goes on, or nobody said when it ended (`ongoing` tells which).
    """

    device_id: int
    at: datetime
    ended_at: datetime | None
    others: bool
    ongoing: bool = False


def merged(failures: Iterable[Failure]) -> list[Failure]:
    """Failures of one device that overlap, or begin within an hour of the other's end, are one."""
    found: list[Failure] = []
    for one in sorted(failures, key=lambda f: (f.device_id, f.at)):
        last = found[-1] if found else None
        if last is None or last.device_id != one.device_id or not _touch(last, one):
            found.append(one)
            continue
        ends = [end for end in (last.ended_at, one.ended_at) if end is not None]
        ongoing = last.ongoing or one.ongoing
        found[-1] = Failure(
            one.device_id,
            last.at,
            None if ongoing else max(ends, default=None),
            last.others or one.others,
            ongoing,
        )
    return found


def _touch(first: Failure, second: Failure) -> bool:
    return first.ongoing or second.at <= (first.ended_at or first.at) + SLACK


def failure_kpis(failures: Sequence[Failure], period: Period, running_minutes: int) -> FailureKpis:
    """Failures of a group of devices in a period."""
    began = [f for f in failures if minute_in(f.at, period)]
    ended = [f for f in failures if minute_in(f.ended_at, period)]
    return FailureKpis(
        began=len(began),
        ended=len(ended),
        open_at_end=sum(
            f.at <= period.end and (f.ongoing if f.ended_at is None else f.ended_at > period.end)
            for f in failures
        ),
        without_end=sum(f.ended_at is None and not f.ongoing for f in began),
        repair_minutes=sum(round((f.ended_at - f.at).total_seconds() / 60) for f in ended if f.ended_at),
        running_minutes=running_minutes,
    )


def availabilities(devices: Sequence[RosterDevice], day: Day) -> dict[str, Ratio]:
    """Availability and uptime, around the clock and within opening hours."""
    rows = _rows(devices, day)
    due = sum(minutes_due(device, day) for device in devices)
    total = sum(row.minutes.total for row in rows)
    left = _counts(
        in_maintenance=sum(row.minutes.in_maintenance for row in rows),
        unjudged=sum(row.unjudged for row in rows),
        not_scored=due - total,
    )
    judged = sum(row.judged for row in rows)
    with_data = sum(row.with_data for row in rows)
    critical = sum(row.minutes.critical for row in rows)
    open_judged = sum(row.open_judged for row in rows)
    open_with_data = sum(row.open_with_data for row in rows)
    open_critical = sum(row.open_critical for row in rows)
    # Maintenance, exclusion and failed scoring within opening hours.
    open_left = _counts(not_judged=sum(row.open_minutes for row in rows) - open_judged)
    return {
        "availability": Ratio(numerator=with_data, denominator=judged, left_out=left),
        "availability_open": Ratio(numerator=open_with_data, denominator=open_judged, left_out=open_left),
        "uptime": Ratio(numerator=with_data - critical, denominator=judged, left_out=left),
        "uptime_open": Ratio(
            numerator=open_with_data - open_critical, denominator=open_judged, left_out=open_left
        ),
    }


def class_kpis(
    provenance: Provenance,
    devices: Sequence[RosterDevice],
    day: Day,
    received: Mapping[int, Received] | None,
    failures: Sequence[Failure],
    sites_with_hours: frozenset[int],
) -> ClassKpis:
    """The key figures of the devices of one class.

    Args:
        received: telemetry of the period by device; None: it could not be counted.
        failures: merged; those of other devices are ignored.
    """
    ids = {device.id for device in devices}
    rows = _rows(devices, day)
    mine = [f for f in failures if f.device_id in ids]
    opened = [e for e in day.episodes if e.device_id in ids and minute_in(e.started_at, day.period)]
    marked = [e for e in opened if e.mark is not None]
    ratios = availabilities(devices, day)
    hours = sum(row.hours_judged for row in rows)
    scored = sum(row.scored for row in rows)
    return ClassKpis(
        provenance=provenance,
        devices=len(devices),
        devices_without_hours=sum(device.site_id not in sites_with_hours for device in devices),
        **ratios,
        failures=failure_kpis(mine, day.period, ratios["uptime"].numerator),
        completeness=None if received is None else completeness(devices, received, day),
        connectivity=None if received is None else connectivity(devices, received),
        continuity=Ratio(numerator=sum(row.hours_unbroken for row in rows), denominator=hours),
        freshness=freshness([row.ages for row in rows if row.ages]),
        compliance=Ratio(
            numerator=sum(row.minutes.healthy for row in rows),
            denominator=scored,
            left_out=_counts(without_score=sum(row.minutes.total for row in rows) - scored),
        ),
        precision=Ratio(
            numerator=sum(e.mark is True for e in marked),
            denominator=len(marked),
            left_out=_counts(unmarked=len(opened) - len(marked)),
        ),
        recall=recall(mine, [e for e in day.episodes if e.device_id in ids], day.period),
    )


def type_kpis(
    device_type: str,
    provenance: Provenance,
    devices: Sequence[RosterDevice],
    day: Day,
    failures: Sequence[Failure],
) -> TypeKpis:
    """Availability, MTTR and MTBF of the devices of one type and class."""
    ids = {device.id for device in devices}
    ratios = availabilities(devices, day)
    mine = [f for f in failures if f.device_id in ids]
    return TypeKpis(
        device_type=device_type,
        provenance=provenance,
        devices=len(devices),
        availability=ratios["availability"],
        availability_open=ratios["availability_open"],
        failures=failure_kpis(mine, day.period, ratios["uptime"].numerator),
    )


def completeness(devices: Sequence[RosterDevice], received: Mapping[int, Received], day: Day) -> Ratio:
    """Rows received of rows expected by the interval; no device counts for more than was expected of it."""
    got = wanted = without = 0
    for device in devices:
        found = received.get(device.id)
        born = max(day.period.start, device.created_at) if device.created_at else day.period.start
        seconds = max(0.0, (day.period.end - born).total_seconds())
        expected = int(seconds // found.interval_seconds) if found and found.interval_seconds else 0
        without += not expected
        wanted += expected
        got += min(found.moments, expected) if found else 0
    return Ratio(numerator=got, denominator=wanted, left_out=_counts(devices_without_interval=without))


def connectivity(devices: Sequence[RosterDevice], received: Mapping[int, Received]) -> Ratio:
    """Rows whose network probe was answered, of the rows of devices that had one answered at all."""
    mine = [received[device.id] for device in devices if device.id in received]
    probing = [one for one in mine if one.answered]
    return Ratio(
        numerator=sum(one.answered for one in probing),
        denominator=sum(one.rows for one in probing),
        left_out=_counts(devices_without_probe=len(devices) - len(probing)),
    )


def freshness(ages: Sequence[Sequence[int]]) -> Freshness:
    """Ages of several devices together, and the smallest edge that holds half, and 95 of 100, of them.

    >>> found = freshness([[50, 90, 96, 97, 97, 98, 100]])
    >>> found.p50_seconds, found.p95_seconds
    (30, 120)
    """
    total = [sum(column) for column in zip(*ages, strict=True)] or [0] * (len(AGE_EDGES) + 1)
    *within, minutes = total

    def quantile(percent: int) -> int | None:
        # In whole numbers: 0.95 x 100 is not always 95.
        enough = (edge for edge, n in zip(AGE_EDGES, within, strict=True) if n * 100 >= percent * minutes)
        return next(enough, None) if minutes else None

    return Freshness(
        within=tuple(within), minutes=minutes, p50_seconds=quantile(50), p95_seconds=quantile(95)
    )


def recall(failures: Sequence[Failure], episodes: Sequence[Episode], period: Period) -> Ratio:
    """Failures of the period that others recorded, and of these, those that an anomaly told of."""
    began = [f for f in failures if minute_in(f.at, period)]
    known = [f for f in began if f.others]
    by_device: dict[int, list[Episode]] = {}
    for episode in episodes:
        by_device.setdefault(episode.device_id, []).append(episode)
    told = [f for f in known if any(_overlap(f, e) for e in by_device.get(f.device_id, ()))]
    return Ratio(
        numerator=len(told),
        denominator=len(known),
        left_out=_counts(found_by_ourselves=len(began) - len(known)),
    )


def _overlap(failure: Failure, episode: Episode) -> bool:
    until = max(failure.ended_at or failure.at, failure.at + SLACK)
    return episode.started_at <= until and (episode.ended_at is None or episode.ended_at >= failure.at)


def device_days(devices: Sequence[RosterDevice], failures: Sequence[Failure], day: Day) -> DayCounts:
    """Each local day of each device that was scored in the period: was it bad, and was it alarmed?

    Bad: a failure lies in it, or an anomaly that people marked true. Alarmed: an anomaly that is more than
    informative lies in it. Where nobody marked it and no failure is known, the truth is not: unjudged.
    """
    days = day.period.days
    mine = [device for device in devices if device.id in day.devices]
    total = sum(device.created_at is None or device.created_at < d.end for device in mine for d in days)
    ids = {device.id for device in mine}
    bad: set[tuple[int, int]] = set()
    for failure in failures:
        if failure.device_id in ids:
            ends = day.period.end if failure.ongoing else failure.ended_at or failure.at
            bad |= {(failure.device_id, n) for n in _touched(days, failure.at, ends)}
    marks: dict[tuple[int, int], list[bool | None]] = {}
    for e in day.episodes:
        if e.device_id in ids and e.severity != "info":
            for n in _touched(days, e.started_at, e.ended_at or day.period.end):
                marks.setdefault((e.device_id, n), []).append(e.mark)
    true = {key for key, found in marks.items() if True in found} | (bad & marks.keys())
    unjudged = {key for key, found in marks.items() if key not in true and None in found}
    false = marks.keys() - true - unjudged
    missed = bad - marks.keys()
    return DayCounts(
        alarmed_bad=len(true),
        alarmed_fine=len(false),
        silent_bad=len(missed),
        silent_fine=total - len(marks) - len(missed),
        unjudged=len(unjudged),
    )


def _touched(days: Sequence[Period], start: datetime, end: datetime) -> list[int]:
    """Which days a stretch has a minute of; a moment is a minute."""
    return [n for n, d in enumerate(days) if start <= d.end and max(end, start) > d.start]


def _rows(devices: Sequence[RosterDevice], day: Day) -> list[DeviceDay]:
    return [day.devices[device.id] for device in devices if device.id in day.devices]


def _counts(**counts: int) -> tuple[Count, ...]:
    return tuple(Count(name=name, count=count) for name, count in counts.items() if count > 0)
