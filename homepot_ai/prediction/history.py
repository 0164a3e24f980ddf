"""Weeks of a fleet as arrays: the daily course of every metric, and what happened beside.

Days are 24 hours that end at the moment asked for, in UTC: no day has 23 or 25 hours, and the newest one is
always whole. Hours are read a day at a time, so memory grows with devices and metrics, not with hours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import PredictionError
from homepot_ai.fleet import devices as fleet_devices
from homepot_ai.fleet import history as logs
from homepot_ai.fleet import schema
from homepot_ai.fleet.history import Lines
from homepot_ai.fleet.metrics import ABSURD
from homepot_ai.prediction.records import Histories
from homepot_ai.store import happenings, metric_hours
from homepot_ai.store.database import Connection
from homepot_ai.store.happenings import Episodes, Outcome
from homepot_ai.store.metric_hours import Hour

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

DAY_S, HOUR_S, HOURS = 86_400.0, 3600.0, 24
DAY = timedelta(days=1)
#: A day counts with so many hours of values; a busy hour is one that a tenth of the day's hours reach.
LEAST_HOURS = 6
BUSY = 0.9
#: Metrics beyond the most common ones are no measures of a history.
MOST_MEASURES = 60
#: Measures that are no metric: hours without data, and health lost (its share times hours), each day.
SILENT, LOST = "silent_hours", "health_lost_hours"
MAINTAINED = "maintained"
EVENTS = (*logs.KINDS, "anomaly", "silence", MAINTAINED)


@dataclass(frozen=True)
class Fleet:
    """Devices by id: ids, public ids, names, types, sites; created in seconds since 1970, NaN unknown."""

    ids: Ints
    public: tuple[str, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    sites: Ints
    created: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Courses:
    """The daily course of every series (device, metric) of a fleet, over so many days up to `until`.

    Attributes:
        until: seconds since 1970, a full hour: the end of the last day.
        device: int64 [S], position in the fleet; metric: int32 [S], position in names.
        level: float32 [days, S], the median of a day's hourly means; NaN for a day of less than LEAST_HOURS.
        busy: float32 [days, S], what the busiest tenth of its hours reach.
        daily: float32 [S], share of the variance within days that repeats at the same hour, 0..1.
        last: float32 [S], the newest hour's mean; last_t: float64 [S], when that hour ended.
        first_t: float64 [S], when the first hour with a value began.
    """

    until: float
    names: tuple[str, ...]
    device: Ints
    metric: npt.NDArray[np.int32]
    level: Floats
    busy: Floats
    daily: Floats
    last: Floats
    last_t: npt.NDArray[np.float64]
    first_t: npt.NDArray[np.float64]

    @property
    def days(self) -> int:
        return int(self.level.shape[0])


@dataclass(frozen=True)
class Happened:
    """What happened beside the metrics, and what devices went through (by device and time)."""

    lines: Lines
    anomalies: Episodes
    silences: Episodes
    outcomes: Sequence[Outcome]


def floor_hour(at: datetime) -> datetime:
    """The last full hour: hours up to it are finished."""
    return at.replace(minute=0, second=0, microsecond=0)


def read_fleet(conn: Connection, *, everybody: bool = False) -> Fleet:
    """The devices in use, by id; `everybody`: also those that no longer are."""
    if everybody:
        rows = [
            (d.id, d.device_type, d.site_id, d.created_at and d.created_at.timestamp(), d.public_id, d.name)
            for d in fleet_devices.list_devices(conn)
            if not d.excluded
        ]  # fmt: skip
    else:
        rows = [
            (id_, kind, site, created, public, name)
            for id_, kind, site, _, created, excluded, public, name in fleet_devices.scoring_devices(
                conn, shard=0, shards=1
            )
            if not excluded
        ]
    ids, kinds, sites, created, public, names = zip(*rows, strict=True) if rows else ((),) * 6
    return Fleet(
        np.array(ids, np.int64), tuple(public), tuple(n or "" for n in names),
        tuple(k or "unknown" for k in kinds), np.array(sites, np.int64),
        np.array([np.nan if c is None else c for c in created], np.float64),
    )  # fmt: skip


def read_courses(
    conn: Connection, fleet: Fleet, until: datetime, days: int, *, devices: Sequence[int] | None = None
) -> Courses:
    """The daily courses of a fleet's metrics over the days before a full hour.

    Args:
        devices: read only these; the others have no series then.
    """
    since = floor_hour(until) - days * DAY
    builder = _Builder(fleet, since.timestamp(), days)
    for day in range(days):
        begin = since + day * DAY
        for hour in metric_hours.read(conn, begin, begin + DAY, devices=devices):
            builder.add(hour)
        builder.close(day)
    return builder.courses()


def read_happened(
    conn: Connection,
    fleet: Fleet,
    since: datetime,
    until: datetime,
    *,
    homepot_schema: str = "public",
    devices: Sequence[int] | None = None,
) -> Happened:
    """Logs, anomalies, silences in [since, until) of the devices, and all outcomes of all before `until`."""
    missing = frozenset(m.table for m in schema.require_vital(conn, homepot_schema))
    wanted = np.isin(fleet.ids, devices) if devices is not None else np.ones(len(fleet), bool)
    lines = logs.read_lines(
        conn, since, until, missing_tables=missing, device_ids=np.where(wanted, fleet.ids, -1),
        public_ids=[public if mine else "" for public, mine in zip(fleet.public, wanted, strict=True)],
    )  # fmt: skip
    return Happened(
        lines,
        happenings.anomalies(conn, since, until, devices),
        happenings.silences(conn, since, until, devices),
        happenings.outcomes(conn, until),
    )


def fleet_histories(
    conn: Connection,
    until: datetime,
    days: int,
    *,
    everybody: bool = False,
    homepot_schema: str = "public",
    devices: Sequence[int] | None = None,
) -> Histories:
    """Histories of a fleet in daily steps: what failure models are fitted on and asked about.

    The first rows are the fleet's devices by id, each as it is now; units that were replaced within these
    days are rows of their own behind them, with their past.

    Args:
        until: up to the full hour before it; days: how many.
        everybody: also devices that are no longer in use, for fitting.
        devices: read only these.
    """
    if days < 1:
        raise PredictionError(f"a history of {days} days holds nothing: ask for at least one")
    fleet = read_fleet(conn, everybody=everybody)
    end = floor_hour(until)
    courses = read_courses(conn, fleet, end, days, devices=devices)
    happened = read_happened(
        conn, fleet, end - days * DAY, end, homepot_schema=homepot_schema, devices=devices
    )
    return histories(fleet, courses, happened)


def histories(fleet: Fleet, courses: Courses, happened: Happened) -> Histories:
    """What was read, as the failure model takes it. A day is a step; day 0 is the first of the courses."""
    days, n = courses.days, len(fleet)
    since = courses.until - days * DAY_S
    where = {int(id_): i for i, id_ in enumerate(fleet.ids)}

    def step(t: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return (np.asarray(t, np.float64) - since) / DAY_S

    def place(device_id: npt.NDArray[np.int32]) -> Ints:
        return np.array([where.get(int(d), -1) for d in device_id], np.int64)

    measures, names = _measures(fleet, courses, happened, since, place)
    first = np.full(n, float(days))
    np.minimum.at(first, courses.device, step(courses.first_t))
    last = np.full(n, float(days))
    age = (since - fleet.created) / DAY_S

    parts = [(happened.lines.device, step(happened.lines.t), happened.lines.kind)]
    a = happened.anomalies
    parts.append((place(a.device_id), step(a.begin), np.full(len(a.begin), EVENTS.index("anomaly"))))
    s = happened.silences
    parts.append((place(s.device_id), step(s.begin), np.full(len(s.begin), EVENTS.index("silence"))))
    told = [(where[o.device_id], float(step(o.t)), o) for o in happened.outcomes if o.device_id in where]
    kept = [(d, t) for d, t, o in told if o.kind == "maintained" and t >= 0]
    parts.append((
        np.array([d for d, _ in kept], np.int64), np.array([t for _, t in kept], np.float64),
        np.full(len(kept), EVENTS.index(MAINTAINED)),
    ))  # fmt: skip
    device, when, kind = (np.concatenate([part[i] for part in parts]) for i in range(3))
    failed = [(d, t, o.cause) for d, t, o in told if o.kind == "failure" and t >= 0]
    failure_device = np.array([d for d, _, _ in failed], np.int64)
    failure_step = np.array([t for _, t, _ in failed], np.float64)
    causes = tuple(sorted({cause for *_, cause in failed}))
    for d, t, o in told:
        if o.kind == "retired":
            last[d] = min(last[d], max(t, 0.0))

    rows, kinds, ids = [measures], list(fleet.kinds), list(fleet.ids)
    inside = (device >= 0) & (when >= 0) & (when < days)
    device, when, kind = device[inside], when[inside], kind[inside]
    # Newest replacement last: what lies before it belongs to the unit that was there until then.
    for d, t, o in sorted(told, key=lambda item: item[1]):
        if o.kind != "replaced":
            continue
        row = len(ids)
        if t > 0:
            old = measures[d].copy()
            old[int(np.ceil(t)) :] = np.nan
            rows.append(old[None])
            kinds.append(fleet.kinds[d])
            ids.append(int(fleet.ids[d]))
            first, last = np.append(first, first[d]), np.append(last, t)
            age = np.append(age, age[d])
            device[(device == d) & (when <= t)] = row
            failure_device[(failure_device == d) & (failure_step <= t)] = row
            measures[d, : int(t) + 1] = np.nan
            first[d] = max(t, 0.0)
        age[d] = -t
    return Histories(
        devices=np.array(ids, np.int64), kinds=np.array(kinds, dtype=object),
        first_step=first, last_step=last, age=age,
        measures=np.concatenate(rows), measure_names=names,
        event_device=device, event_step=when, event_kind=kind.astype(np.int64), event_names=EVENTS,
        failure_device=failure_device, failure_step=failure_step,
        failure_cause=np.array([causes.index(cause) for *_, cause in failed], np.int64), causes=causes,
    )  # fmt: skip


def _measures(
    fleet: Fleet,
    courses: Courses,
    happened: Happened,
    since: float,
    place: Callable[[npt.NDArray[np.int32]], Ints],
) -> tuple[npt.NDArray[np.float32], tuple[str, ...]]:
    """[devices, days, measures]: daily medians of the most common metrics, silent hours, health lost."""
    days, n = courses.days, len(fleet)
    seen = np.bincount(courses.metric, minlength=len(courses.names))
    common = sorted(np.argsort(-seen, kind="stable")[:MOST_MEASURES].tolist(), key=lambda i: courses.names[i])
    column = np.full(len(courses.names), -1)
    column[common] = np.arange(len(common))
    out = np.full((n, days, len(common) + 2), np.nan, np.float32)
    mine = column[courses.metric] >= 0
    out[courses.device[mine], :, column[courses.metric[mine]]] = courses.level[:, mine].T
    known = np.zeros(n, bool)
    known[courses.device] = True
    out[known, :, -2:] = 0
    for offset, episodes in ((-2, happened.silences), (-1, happened.anomalies)):
        device = place(episodes.device_id)
        weight = np.ones(len(device)) if offset == -2 else episodes.lost
        for day in range(days):
            begin = since + day * DAY_S
            hours = np.minimum(episodes.end, begin + DAY_S) - np.maximum(episodes.begin, begin)
            there = (device >= 0) & (hours > 0)
            np.add.at(out[:, day, offset], device[there], (weight * hours / HOUR_S)[there])
    return out, (*(courses.names[i] for i in common), SILENT, LOST)


class _Builder:
    """Takes hours in any order within a day, and days in order of time."""

    def __init__(self, fleet: Fleet, since: float, days: int) -> None:
        self._since, self._days = since, days
        self._ids, self._count = fleet.ids, 0
        self._names: dict[str, int] = {}
        self._row = np.full((len(fleet), 0), -1, np.int32)
        self._device = np.zeros(0, np.int64)
        self._metric = np.zeros(0, np.int32)
        self._sheet: Floats = np.full((0, HOURS), np.nan, np.float32)
        self._level: Floats = np.full((days, 0), np.nan, np.float32)
        self._busy = self._level.copy()
        # Sums over days of (value - median of its day) by hour, and of their squares, for the daily wave.
        self._wave: Floats = np.zeros((0, HOURS), np.float32)
        self._square: Floats = np.zeros(0, np.float32)
        self._n: Floats = np.zeros(0, np.float32)
        self._last: Floats = np.full(0, np.nan, np.float32)
        self._last_t = np.full(0, np.nan)
        self._first_t = np.full(0, np.nan)

    def add(self, hour: Hour) -> None:
        """One hour of some devices; those that are not in the fleet are passed over."""
        position = np.searchsorted(self._ids, hour.device_id)
        position = np.minimum(position, max(len(self._ids) - 1, 0))
        mine = self._ids[position] == hour.device_id if len(self._ids) else np.zeros(len(position), bool)
        if not mine.any():
            return
        columns = [self._names.setdefault(name, len(self._names)) for name in hour.metrics]
        if len(self._names) > self._row.shape[1]:
            more = np.full((len(self._ids), len(self._names) - self._row.shape[1]), -1, np.int32)
            self._row = np.hstack([self._row, more])
        place = np.ix_(position[mine], columns)
        rows = self._row[place]
        if (rows < 0).any():
            rows = self._begin(place, rows)
        values = hour.mean[mine]
        self._sheet[rows, hour.hour] = np.where(np.abs(values) <= ABSURD, values, np.nan)

    def _begin(
        self, place: tuple[npt.NDArray[np.intp], ...], rows: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.int32]:
        """Series that are seen for the first time get the next rows."""
        new = np.argwhere(rows < 0)
        first = self._count
        self._count += len(new)
        rows[new[:, 0], new[:, 1]] = np.arange(first, self._count)
        self._row[place] = rows
        device, metric = place[0][new[:, 0], 0], place[1][0, new[:, 1]]
        self._device = np.append(self._device, device)
        self._metric = np.append(self._metric, metric.astype(np.int32))
        if self._count > len(self._sheet):
            # Half as much again: metrics that appear late must not copy everything each time.
            self._grow(max(self._count, 3 * len(self._sheet) // 2) - len(self._sheet))
        return rows

    def _grow(self, more: int) -> None:
        def wider(a: npt.NDArray[np.floating], value: float, axis: int) -> npt.NDArray[np.floating]:
            width = [(0, more if i == axis else 0) for i in range(a.ndim)]
            return np.pad(a, width, constant_values=value)

        self._sheet = wider(self._sheet, np.nan, 0)
        self._wave, self._square, self._n = (wider(a, 0, 0) for a in (self._wave, self._square, self._n))
        self._level, self._busy = (wider(a, np.nan, 1) for a in (self._level, self._busy))
        self._last, self._last_t, self._first_t = (
            wider(a, np.nan, 0) for a in (self._last, self._last_t, self._first_t)
        )

    def close(self, day: int) -> None:
        """A day is complete: its medians, and what it says of the daily wave; the sheet is empty again."""
        sheet, n = self._sheet[: self._count], self._count
        there = np.isfinite(sheet)
        hours = there.sum(axis=1)
        ordered = np.sort(sheet, axis=1)  # NaN goes last
        low, high = (np.maximum(hours - 1, 0)) // 2, hours // 2
        every = np.arange(n)
        median = (ordered[every, low] + ordered[every, np.minimum(high, HOURS - 1)]) / 2
        enough = hours >= LEAST_HOURS
        self._level[day, :n] = np.where(enough, median, np.nan)
        top = np.maximum(np.ceil(BUSY * hours).astype(np.intp) - 1, 0)
        self._busy[day, :n] = np.where(enough, ordered[every, top], np.nan)
        whole = hours >= 3 * HOURS // 4
        off = np.where(there & whole[:, None], sheet - median[:, None], np.float32(0))
        self._wave[:n] += off
        self._square[:n] += np.square(off).sum(axis=1)
        self._n[:n] += whole
        begin = self._since + day * DAY_S
        seen = hours > 0
        newest = HOURS - 1 - np.argmax(there[:, ::-1], axis=1)
        self._last[:n] = np.where(seen, sheet[every, newest], self._last[:n])
        self._last_t[:n] = np.where(seen, begin + (newest + 1) * HOUR_S, self._last_t[:n])
        begun = begin + np.argmax(there, axis=1) * HOUR_S
        self._first_t[:n] = np.where(seen & np.isnan(self._first_t[:n]), begun, self._first_t[:n])
        self._sheet[:n] = np.nan

    def courses(self) -> Courses:
        n = self._count
        order = np.lexsort((self._metric, self._device))
        with np.errstate(invalid="ignore", divide="ignore"):
            repeated = np.square(self._wave[:n]).sum(axis=1) / self._n[:n]
            share = repeated / self._square[:n]
            # What a wave of pure noise would repeat by chance.
            share = (share - 1 / self._n[:n]) / (1 - 1 / self._n[:n])
        daily = np.clip(np.nan_to_num(share, posinf=0, neginf=0), 0, 1).astype(np.float32)
        kept = order[np.isfinite(self._last_t[:n][order])]
        return Courses(
            until=self._since + self._days * DAY_S, names=tuple(self._names),
            device=self._device[kept], metric=self._metric[kept],
            level=self._level[:, :n][:, kept], busy=self._busy[:, :n][:, kept], daily=daily[kept],
            last=self._last[:n][kept], last_t=self._last_t[:n][kept], first_t=self._first_t[:n][kept],
        )  # fmt: skip
