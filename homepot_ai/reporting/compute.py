"""From rows to facts: the arithmetic of a report. Nothing here touches a database or a clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import cast

from homepot_ai.fleet.received import Received
from homepot_ai.reporting.facts import (
    POINTS,
    PROVENANCE_ORDER,
    STATUSES,
    ClassFacts,
    Completeness,
    DeviceRef,
    DeviceRows,
    Earlier,
    EarlierKind,
    Figures,
    Provenance,
    SiteFacts,
    Status,
    StatusCounts,
)
from homepot_ai.reporting.periods import Period
from homepot_ai.store.health_hours import DeviceSum

#: A device whose last row is older than this before the last scored minute was no longer scored.
LAST_ROW_MINUTES = 15
ROWS_CAP = 1000


@dataclass(frozen=True)
class RosterDevice:
    """A device of the scope; names are cleaned."""

    id: int
    public_id: str
    name: str
    type: str
    site_id: int
    site: str
    created_at: datetime | None
    is_simulated: bool
    excluded: bool
    healthy_above: float


@dataclass(frozen=True)
class RosterSite:
    """A site of the scope; names are cleaned."""

    id: int
    public_id: str
    name: str
    location: str | None
    timezone: str


@dataclass(frozen=True)
class DeviceDay:
    """Scores of one device over one period.

    Attributes:
        young: not scored for want of history, though data came.
        unjudged: not scored because excluded or because scoring itself failed.
        open_minutes: within the site's opening hours; open_judged, open_with_data, open_critical: of these.
        hours_judged: hours with a judged minute; hours_unbroken: of these, without a minute of no data.
        ages: minutes by the age of their newest data, as in :mod:`homepot_ai.store.health_hours`.
    """

    device_id: int
    minutes: StatusCounts
    young: int
    unjudged: int
    score_points: int
    last_at: datetime
    last_status: Status
    open_minutes: int = 0
    open_judged: int = 0
    open_with_data: int = 0
    open_critical: int = 0
    hours_judged: int = 0
    hours_unbroken: int = 0
    ages: tuple[int, ...] = ()

    @classmethod
    def of(cls, found: DeviceSum) -> DeviceDay:
        """Of what was read from hours and minutes."""
        return cls(
            device_id=found.device_id,
            minutes=StatusCounts(**{status: getattr(found, status) for status in STATUSES}),
            young=found.young,
            unjudged=found.unjudged,
            score_points=found.score_points,
            last_at=found.last_at,
            last_status=cast(Status, found.last_status),
            open_minutes=found.open_minutes,
            open_judged=found.open_judged,
            open_with_data=found.open_with_data,
            open_critical=found.open_critical,
            hours_judged=found.hours_judged,
            hours_unbroken=found.hours_unbroken,
            ages=found.ages,
        )

    @property
    def scored(self) -> int:
        """Minutes with a score that counts."""
        return self.minutes.healthy + self.minutes.warning + self.minutes.critical

    @property
    def judged(self) -> int:
        """Minutes that count for availability."""
        return self.minutes.total - self.minutes.in_maintenance - self.unjudged

    @property
    def with_data(self) -> int:
        """Judged minutes with fresh data."""
        return self.scored + self.young

    @property
    def lost(self) -> float:
        """Minutes lost: sum of (1 - score), plus the minutes without data."""
        return self.scored - self.score_points / POINTS + self.minutes.no_data


@dataclass(frozen=True)
class Episode:
    """An anomaly as it stood at the end of a period."""

    id: int
    device_id: int
    severity: str
    metric: str | None
    observed: float | None
    expected_low: float | None
    expected_high: float | None
    started_at: datetime
    ended_at: datetime | None
    initial_score: float | None
    lowest_score: float | None
    mark: bool | None = None


@dataclass(frozen=True)
class Day:
    """Everything counted about one period: scores by device and the anomalies that overlap it.

    Attributes:
        lost_minutes: minutes of the period whose scores are kept nowhere any more.
        fleet_at: the last minute of the period that was scored of anything in the fleet: a site that
            was left behind must not measure itself by its own last minute.
    """

    period: Period
    devices: Mapping[int, DeviceDay] = field(default_factory=dict)
    episodes: Sequence[Episode] = ()
    lost_minutes: int = 0
    fleet_at: datetime | None = None

    @cached_property
    def last_at(self) -> datetime | None:
        """The last minute that was scored for anybody."""
        mine = max((day.last_at for day in self.devices.values()), default=None)
        return mine if mine is None or self.fleet_at is None else max(mine, self.fleet_at)

    @cached_property
    def open_severities(self) -> Mapping[int, Sequence[str]]:
        """Severities of the anomalies that were open at the end, by device."""
        found: dict[int, list[str]] = {}
        for episode in self.episodes:
            if episode.ended_at is None:
                found.setdefault(episode.device_id, []).append(episode.severity)
        return found

    @cached_property
    def calling(self) -> frozenset[int]:
        """Devices that need attention at the end."""
        ids = {*self.devices, *self.open_severities}
        return frozenset(
            d for d in ids if needs_attention(self.status_at_end(d), self.open_severities.get(d, ()))
        )

    def status_at_end(self, device_id: int) -> Status:
        """The status of a device's last minute; not scored when that was long before the last of all."""
        day, last = self.devices.get(device_id), self.last_at
        if day is None or last is None or day.last_at < last - timedelta(minutes=LAST_ROW_MINUTES):
            return "not_scored"
        return day.last_status


def minute_in(moment: datetime | None, period: Period) -> bool:
    """Whether a minute, named by its end, belongs to a period."""
    return moment is not None and period.start < moment <= period.end


def needs_attention(status: Status, severities_open: Iterable[str]) -> bool:
    """Critical, warning or silent at the end, or with an open anomaly that is more than informative."""
    return status in {"critical", "warning", "no_data"} or any(s != "info" for s in severities_open)


def minutes_due(device: RosterDevice, day: Day) -> int:
    """Minutes of the period since the device exists; never fewer than it has rows."""
    born = max(day.period.start, device.created_at) if device.created_at else day.period.start
    due = max(0, int((day.period.end - born).total_seconds() // 60))
    row = day.devices.get(device.id)
    return max(due, row.minutes.total if row else 0)


def figures(devices: Sequence[RosterDevice], day: Day) -> Figures:
    """The numbers of a group of devices over a period."""
    ids = {device.id for device in devices}
    rows = [day.devices[device.id] for device in devices if device.id in day.devices]
    ends: Counter[str] = Counter(day.status_at_end(device.id) for device in devices)
    spent = {status: sum(row.minutes.get(status) for row in rows) for status in STATUSES}
    mine = [episode for episode in day.episodes if episode.device_id in ids]
    return Figures(
        devices=len(devices),
        scored_devices=sum(row.scored > 0 for row in rows),
        status_at_end=StatusCounts(**ends),
        status_minutes=StatusCounts(**spent),
        score_points=sum(row.score_points for row in rows),
        scored_minutes=sum(row.scored for row in rows),
        minutes_due=sum(minutes_due(device, day) for device in devices),
        minutes_judged=sum(row.judged for row in rows),
        minutes_with_data=sum(row.with_data for row in rows),
        opened=sum(minute_in(e.started_at, day.period) for e in mine),
        closed=sum(minute_in(e.ended_at, day.period) for e in mine),
        still_open=sum(e.ended_at is None for e in mine),
        attention=len(day.calling & ids),
    )


def compared(devices: Sequence[RosterDevice], day: Day) -> Figures | None:
    """The numbers of a group over an earlier period; None when nothing of it was scored then."""
    result = figures(devices, day)
    return result if result.status_minutes.total else None


def provenance_of(devices: Sequence[RosterDevice], rows: Mapping[int, Received]) -> dict[int, Provenance]:
    """The class of each device in a period: that of its rows, `mixed` when they are of several.

    A device that was silent keeps the class of its last row. One that never sent belongs to the
    headline's class, so that silence is never hidden, unless HOMEPOT calls it simulated.
    """

    def one(value: str) -> Provenance:
        # A row that states nothing was written by an agent of old: real.
        return cast(Provenance, value if value in {"controlled", "simulated"} else "real")

    known: dict[int, Provenance] = {}
    for device in devices:
        received = rows.get(device.id)
        if received is not None:
            kinds = {one(value) for value in received.provenances}
            known[device.id] = kinds.pop() if len(kinds) == 1 else "mixed"
        elif device.is_simulated:
            known[device.id] = "simulated"
    present = set(known.values())
    headline: Provenance = next((kind for kind in PROVENANCE_ORDER if kind in present), "real")
    return {device.id: known.get(device.id, headline) for device in devices}


def classes(
    devices: Sequence[RosterDevice],
    provenance: Mapping[int, Provenance],
    today: Day,
    earlier: Sequence[tuple[EarlierKind, Day]],
) -> tuple[ClassFacts, ...]:
    """The numbers of each class that is present, the headline's first. Classes are never added up."""
    result = []
    for kind in PROVENANCE_ORDER:
        group = [device for device in devices if provenance[device.id] == kind]
        if group:
            result.append(
                ClassFacts(
                    provenance=kind,
                    figures=figures(group, today),
                    earlier=tuple(
                        Earlier(what=what, first_day=then.period.first_day, figures=compared(group, then))
                        for what, then in earlier
                    ),
                )
            )
    return tuple(result)


def site_table(
    sites: Sequence[RosterSite],
    devices: Sequence[RosterDevice],
    provenance: Mapping[int, Provenance],
    headline: Provenance,
    today: Day,
) -> tuple[SiteFacts, ...]:
    """Sites that have devices, worst first: most devices needing attention, then lowest health."""
    result = []
    for site in sites:
        mine = [device for device in devices if device.site_id == site.id]
        if not mine:
            continue
        group = [device for device in mine if provenance[device.id] == headline]
        result.append(
            SiteFacts(
                id=site.id,
                public_id=site.public_id,
                name=site.name,
                timezone=site.timezone,
                figures=figures(group, today),
                other_devices=len(mine) - len(group),
            )
        )

    def worst_first(site: SiteFacts) -> tuple[int, float, str, int]:
        health = site.figures.health
        return -site.figures.attention, 2.0 if health is None else health, site.name, site.id

    return tuple(sorted(result, key=worst_first))


def ranked(devices: Sequence[RosterDevice], day: Day) -> list[RosterDevice]:
    """Devices that had any trouble, worst first.

    Trouble is a minute in warning, critical or without data, or needing attention at the end. Those that
    need attention come first, then by minutes lost.
    """

    def troubled(device: RosterDevice) -> bool:
        row = day.devices.get(device.id)
        bad = row.minutes.warning + row.minutes.critical + row.minutes.no_data if row else 0
        return bad > 0 or device.id in day.calling

    def worst_first(device: RosterDevice) -> tuple[bool, float, int]:
        row = day.devices.get(device.id)
        return device.id not in day.calling, -row.lost if row else 0.0, device.id

    return sorted(filter(troubled, devices), key=worst_first)


def completeness(
    devices: Sequence[RosterDevice],
    refs: Mapping[int, DeviceRef],
    rows: Mapping[int, Received],
    day: Day,
) -> Completeness:
    """Rows received against expected, the least complete first; the list is capped, the totals are not.

    Expected are the seconds of the period since the device exists, divided by its collection interval.
    """
    lines = []
    for device in devices:
        got = rows.get(device.id)
        interval = got.interval_seconds if got else None
        born = max(day.period.start, device.created_at) if device.created_at else day.period.start
        seconds = max(0.0, (day.period.end - born).total_seconds())
        lines.append(
            DeviceRows(
                device=refs[device.id],
                rows=got.rows if got else 0,
                moments=got.moments if got else 0,
                expected=int(seconds // interval) if interval else None,
                interval_seconds=interval,
            )
        )

    def least_first(line: DeviceRows) -> tuple[float, int]:
        # A device without a single row has no known interval either: it is the least complete of all.
        return (-1.0 if line.rows == 0 else 2.0 if line.share is None else line.share), line.device.id

    known = [line for line in lines if line.expected]
    return Completeness(
        devices=tuple(sorted(lines, key=least_first)[:ROWS_CAP]),
        devices_total=len(lines),
        rows=sum(line.rows for line in lines),
        moments_counted=sum(min(line.moments, line.expected or 0) for line in known),
        expected=sum(line.expected or 0 for line in known),
        devices_without_interval=sum(not line.expected for line in lines),
    )
