"""Scores by the hour: rolled up from minutes, kept long after them, and read in their place.

A UTC day's hours are made in one statement and replaced as a whole when more of the day was scored
since. Whoever reads a stretch of time gets hours where a day is rolled up, and minutes where it is not or
where an hour is cut (zones half an hour off): the sums are the same. Only what is neither rolled up nor kept
any more is missing, and that is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

from homepot_ai.fleet import devices, schedules
from homepot_ai.store.named_sql import load

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

_SQL = load("store/sql/health_hours.sql")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
#: Seconds up to which `ages` count minutes by the age of their newest data; the last count is of all.
AGE_EDGES = (30, 60, 120, 300, 900, 3600)


@dataclass(frozen=True)
class DeviceSum:
    """Minutes of one device over a stretch of time, by what they were.

    Attributes:
        young: not scored for want of history, though data came; unjudged: excluded, or scoring failed.
        score_points: scores in ten-thousandths.
        open_minutes: within the site's opening hours; open_judged, open_with_data, open_critical: of these.
        hours_judged: hours with a judged minute; hours_unbroken: of these, without a minute of no data.
        ages: minutes by the age of their newest data, cumulative over :data:`AGE_EDGES`, then all.
        last_at: the last minute that has a row, and its status.
    """

    device_id: int
    healthy: int
    warning: int
    critical: int
    no_data: int
    in_maintenance: int
    not_scored: int
    young: int
    unjudged: int
    score_points: int
    open_minutes: int
    open_judged: int
    open_with_data: int
    open_critical: int
    hours_judged: int
    hours_unbroken: int
    ages: tuple[int, ...]
    last_at: datetime
    last_status: str

    def __add__(self, other: DeviceSum) -> DeviceSum:
        """Both stretches together."""
        later = max(self, other, key=lambda one: one.last_at)
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        ages = tuple(a + b for a, b in zip(self.ages, other.ages, strict=True))
        return DeviceSum(
            self.device_id, **counts, ages=ages, last_at=later.last_at, last_status=later.last_status
        )


_COUNTS = [f.name for f in fields(DeviceSum) if f.name not in {"device_id", "ages", "last_at", "last_status"}]


@dataclass(frozen=True)
class Part:
    """A stretch [start, end) and where its scores are read; `gone`: they are kept nowhere any more."""

    source: Literal["hours", "minutes", "gone"]
    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        """How long it is."""
        return round((self.end - self.start).total_seconds() / 60)


@dataclass(frozen=True)
class Opening:
    """When devices' sites are open: arrays of equal length, one entry per device and stretch."""

    devices: Sequence[int] = ()
    opens: Sequence[datetime] = ()
    closes: Sequence[datetime] = ()


def opening(conn: Connection, settings: Settings, start: datetime, end: datetime) -> Opening:
    """The opening hours between two moments of every device whose site has a schedule, by its own clock."""
    zones = {site.id: site.timezone for site in devices.list_sites(conn, settings)}
    hours = schedules.operating_hours(conn, list(zones))
    found = {site: schedules.open_stretches(days, zones[site], start, end) for site, days in hours.items()}
    rows = [(d.id, *span) for d in devices.list_devices(conn) for span in found.get(d.site_id, ())]
    return Opening(*zip(*rows, strict=True)) if rows else Opening()


def parts(conn: Connection, start: datetime, end: datetime) -> tuple[Part, ...]:
    """How a stretch of time is read, in order of time and without gaps."""
    if end <= start:
        return ()
    span = {"start": _midnight(start), "end": _midnight(end - timedelta(microseconds=1)) + DAY}
    rolled = {row[0] for row in conn.execute(_SQL["rolled_up"], span)}
    (kept,) = conn.execute(_SQL["kept_from"]).fetchone() or (None,)
    (scored,) = conn.execute(_SQL["scored_from"]).fetchone() or (None,)
    found: list[Part] = []

    def add(source: Literal["hours", "minutes", "gone"], opens: datetime, closes: datetime) -> None:
        if opens >= closes:
            return
        if found and found[-1].source == source:
            found[-1] = Part(source, found[-1].start, closes)
        else:
            found.append(Part(source, opens, closes))

    midnight = _midnight(start)
    while midnight < end:
        opens, closes = max(start, midnight), min(end, midnight + DAY)
        # Before anything was ever scored nothing is missing.
        lost = scored is not None and closes > scored and (kept is None or midnight.date() < kept)
        minutes: Literal["minutes", "gone"] = "gone" if lost else "minutes"
        if midnight.date() in rolled:
            first, last = min(-(-(opens - midnight) // HOUR) * HOUR + midnight, closes), opens
            last = max((closes - midnight) // HOUR * HOUR + midnight, first)
            add(minutes, opens, first)
            add("hours", first, last)
            add(minutes, last, closes)
        else:
            add(minutes, opens, closes)
        midnight += DAY
    return tuple(found)


def minutes_kept(conn: Connection, since: datetime) -> bool:
    """Whether minutes are kept from that moment on."""
    (kept,) = conn.execute(_SQL["kept_from"]).fetchone() or (None,)
    return kept is None or since.astimezone(UTC).date() >= kept


def sums(
    conn: Connection, reading: Iterable[Part], open_hours: Opening, ids: Sequence[int] | None = None
) -> dict[int, DeviceSum]:
    """Minutes of devices over a stretch, by device; `ids` None: of all that have any."""
    found: dict[int, DeviceSum] = {}
    for part in reading:
        if part.source == "gone":
            continue
        hours = _SQL["by_hour"] if part.source == "minutes" else _SQL["stored_hours"]
        for row in conn.execute(
            f"WITH hours AS ({hours}) {_SQL['sum_hours']}", _bound(part, open_hours, ids)
        ):
            one = _sum(row)
            known = found.get(one.device_id)
            found[one.device_id] = one if known is None else known + one
    return found


def bins(
    conn: Connection, reading: Iterable[Part], starts: Sequence[datetime], ids: Sequence[int]
) -> dict[int, list[int]]:
    """Minutes of some devices by bin: the six statuses and score points. `starts`: where each bin begins."""
    found: dict[int, list[int]] = {}
    for row in _binned(conn, reading, starts, ids, "bin_hours", "bin_minutes"):
        known = found.setdefault(row[0], [0] * 7)
        found[row[0]] = [a + b for a, b in zip(known, row[1:], strict=True)]
    return found


def device_bins(
    conn: Connection, reading: Iterable[Part], starts: Sequence[datetime], ids: Sequence[int]
) -> dict[tuple[int, int], tuple[float | None, int]]:
    """Of each device and bin: the lowest score, None if there is none, and the minutes without data."""
    found: dict[tuple[int, int], tuple[float | None, int]] = {}
    for device, number, lowest, silent in _binned(
        conn, reading, starts, ids, "bin_device_hours", "bin_device_minutes"
    ):
        low, before = found.get((device, number), (None, 0))
        known = [value for value in (low, lowest) if value is not None]
        found[device, number] = (min(known, default=None), before + silent)
    return found


def roll_up(db: Database, settings: Settings, start: datetime, end: datetime, *, now: datetime) -> list[date]:
    """Roll up the UTC days between two moments of which something was scored since; returns them.

    Before reports are read, and before a day's minutes go. Again changes nothing. Each day is a
    transaction of its own, and two at once wait for each other.

    >>> roll_up(db, settings, period.start, period.end, now=now)                   # doctest: +SKIP
    [datetime.date(2026, 11, 18), datetime.date(2026, 11, 19)]
    """
    with db.reader() as conn:
        wanted = [
            _midnight(part.start) + n * DAY
            for part in parts(
                conn, _midnight(start), _midnight(min(end, now) - timedelta(microseconds=1)) + DAY
            )
            if part.source == "minutes"
            for n in range(-(-(part.end - _midnight(part.start)) // DAY))
        ]
    return [midnight.date() for midnight in wanted if _roll_day(db, settings, midnight, now)]


def filled(conn: Connection, first: datetime, last: datetime) -> None:
    """Holes in the scores from one minute to another were filled: what was rolled up is out of date.

    Args:
        first, last: named by their end, as minutes are.
    """
    instant = timedelta(microseconds=1)
    span = {"first": _midnight(first - instant).date(), "last": _midnight(last - instant).date()}
    conn.execute(_SQL["out_of_date"], span)


def _roll_day(db: Database, settings: Settings, midnight: datetime, now: datetime) -> bool:
    part = Part("minutes", midnight, midnight + DAY)
    span = {"start": part.start, "end": part.end}
    with db.writer() as conn:
        conn.execute(_SQL["lock_day"], {"number": midnight.toordinal()})
        if midnight.date() in {row[0] for row in conn.execute(_SQL["rolled_up"], span)}:
            return False  # somebody else did it meanwhile
        (minutes,) = conn.execute(_SQL["scored_of"], span).fetchone() or (0,)
        conn.execute(_SQL["delete_day"], span)
        conn.execute(
            f"{_SQL['insert_day']} {_SQL['by_hour']}",
            _bound(part, opening(conn, settings, part.start, part.end), None),
        )
        conn.execute(_SQL["note_day"], {"day": midnight.date(), "now": now, "minutes": minutes})
    return True


def _binned(
    conn: Connection,
    reading: Iterable[Part],
    starts: Sequence[datetime],
    ids: Sequence[int],
    of_hours: str,
    of_minutes: str,
) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for part in reading:
        if part.source == "gone":
            continue
        statement = _SQL[of_minutes]
        # Bins finer than an hour need the minutes.
        if part.source == "hours":
            statement = f"WITH hours AS ({_SQL['stored_hours']}) {_SQL[of_hours]}"
        found += conn.execute(statement, {**_bound(part, Opening(), ids), "bins": list(starts)}).fetchall()
    return found


def _bound(part: Part, open_hours: Opening, ids: Sequence[int] | None) -> Mapping[str, Any]:
    return {
        "start": part.start,
        "end": part.end,
        "ids": None if ids is None else list(ids),
        "devices": list(open_hours.devices),
        "opens": list(open_hours.opens),
        "closes": list(open_hours.closes),
    }


def _sum(row: tuple[Any, ...]) -> DeviceSum:
    device, *counts, ages, last_at, last_status = row
    names = dict(zip(_COUNTS, counts, strict=True))
    return DeviceSum(device, **names, ages=tuple(ages), last_at=last_at, last_status=last_status)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
