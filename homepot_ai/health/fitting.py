"""The nightly fit of a shard: read its hours in blocks of devices, fit, check, record, switch.

    plan    hours up to which full hour, is there such a fit already     (database, read)
    fit     types from a sample, then every device, block by block       (database, read; pure in between)
    store   record, parts and switch                                     (one transaction)

Memory is bounded by a block and by what is kept of each series with a shape (340 bytes). The reads are
transactions of their own, one per block: a long one would keep dead versions of the minute's state alive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import ScoringError
from homepot_ai.fleet import devices as fleet_devices
from homepot_ai.health.fit_summary import FitSummary
from homepot_ai.health.records import Codes
from homepot_ai.health.week import HOUR_S, INDEX, PARTS, Week, hour_of_week
from homepot_ai.health.weekly import Fit, Fitter, Verdict
from homepot_ai.health.weekly_blocks import COLUMNS, HourBlock, left_out
from homepot_ai.health.weekly_types import TypeLearner
from homepot_ai.settings import Settings
from homepot_ai.store import fits, state
from homepot_ai.store.database import Connection, Database

HOUR = timedelta(hours=1)
#: Devices read at once: with 50 metrics a block is 17 MB, and as much again for each step of the fit.
BLOCK_DEVICES = 100
#: Devices of each type that its shape is learned from.
TYPE_DEVICES = 100
Progress = Callable[[int, int], None]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class FitPlan:
    """What is to be fitted.

    Attributes:
        until: end of the last hour that is looked at, aware UTC.
        done: the version that was fitted on the same hours before; None: there is none.
        in_force: the version to compare with; None: there is none.
        outdated: later hours than these were fitted before: this fit is a look back, and not adopted.
    """

    shard: int
    until: datetime
    done: int | None
    in_force: fits.Adopted | None
    outdated: bool

    @property
    def since(self) -> datetime:
        """Beginning of the first hour."""
        return self.until - COLUMNS * HOUR


def plan(db: Database, *, shard: int, at: datetime, now: datetime) -> FitPlan:
    """Decide what a fit at a moment looks at: the weeks before the last full hour.

    Raises:
        ScoringError: the moment lies in the future.
    """
    if at > now:
        raise ScoringError(f"{at:%Y-%m-%d %H:%M} UTC lies in the future: there are no hours yet")
    until = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with db.reader() as conn:
        known = fits.adopted(conn, shard, now)
        newest = fits.newest_data(conn, shard)
        return FitPlan(
            shard,
            until,
            fits.of_data(conn, shard, until),
            known[-1] if known else None,
            newest is not None and newest > until,
        )


def fit(db: Database, settings: Settings, plan: FitPlan, progress: Progress | None = None) -> Fit:
    """Fit every series of the shard.

    Raises:
        ScoringError: there is no such shard.
    """
    state.require_shard(plan.shard, settings.scoring.shards)
    with db.reader() as conn:
        found = fleet_devices.scoring_devices(conn, shard=plan.shard, shards=settings.scoring.shards)
        in_force = None if plan.in_force is None else _last_day(conn, plan, plan.in_force)
    types = [str(row[1]) for row in found]
    kinds = {name: i for i, name in enumerate(sorted(set(types)))}
    reader = _Reader(db, plan, [row[0] for row in found], np.array([kinds[t] for t in types], np.int32))
    sample = _sample(reader.group)
    total, done = len(sample) + len(found), 0
    learner = TypeLearner(plan.until.timestamp())
    for block, devices in reader.blocks(sample):
        learner.add(block)
        done += devices
        if progress is not None:
            progress(done, total)
    fitter = Fitter(plan.until.timestamp(), reader.names, learner, in_force)
    for block, devices in reader.blocks(np.arange(len(found))):
        fitter.add(block)
        done += devices
        if progress is not None:
            progress(done, total)
    return fitter.finish()


def _last_day(conn: Connection, plan: FitPlan, version: fits.Adopted) -> Week | None:
    """The version in force, as far as the check asks for it; None where its parts are gone."""
    hours = [hour_of_week(plan.until.timestamp() - i * HOUR_S) for i in range(1, 37)]
    week = Week()
    for part, payload in fits.parts(conn, plan.shard, version.fitted_at, [INDEX, *hours]).items():
        week.load(part, payload)
    return week if version.kept else None


def _sample(group: Codes) -> Index:
    """Places of up to TYPE_DEVICES devices of each type, evenly spread, ascending."""
    chosen = [np.zeros(0, np.intp)]
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        spread = np.linspace(0, len(members) - 1, min(len(members), TYPE_DEVICES)).round().astype(np.intp)
        chosen.append(members[spread])
    return np.sort(np.concatenate(chosen))


class _Reader:
    """Reads blocks of devices; metric names are numbered as they come."""

    def __init__(
        self,
        db: Database,
        plan: FitPlan,
        device_id: Sequence[int],
        group: Codes,
    ) -> None:
        self.db, self.plan = db, plan
        self.device_id, self.group = list(device_id), group
        self.names: list[str] = []
        self._code: dict[str, int] = {}

    def blocks(self, places: Index) -> Iterator[tuple[HourBlock, int]]:
        """Blocks of the devices at these places (ascending), and how many devices each stands for."""
        for first in range(0, len(places), BLOCK_DEVICES):
            part = places[first : first + BLOCK_DEVICES]
            yield self._block(part), len(part)

    def _block(self, places: Index) -> HourBlock:
        ids = [self.device_id[p] for p in places.tolist()]
        since, until = self.plan.since, self.plan.until
        with self.db.reader() as conn:
            rows = fits.hour_means(conn, ids, since, until)
            episodes = fits.anomalies(conn, ids, since, until)
        place = {device: i for i, device in enumerate(ids)}
        codes = [self._codes(row.metrics) for row in rows]
        owner = [place[row.device_id] for row in rows]
        pairs = [(p << 32) | c.astype(np.int64) for p, c in zip(owner, codes, strict=True)]
        series = np.unique(np.concatenate([np.zeros(0, np.int64), *pairs]))
        mean = np.full((len(series), COLUMNS), np.nan, np.float32)
        for row, pair in zip(rows, pairs, strict=True):
            mean[np.searchsorted(series, pair)[:, None], row.hour[None, :]] = row.mean.T
        mean[~np.isfinite(mean)] = np.nan
        at = (series >> 32).astype(np.intp)
        bad = left_out(
            np.array([place[device] for device, _, _ in episodes], np.intp),
            np.array([begin for _, begin, _ in episodes], np.float64),
            np.array([end for _, _, end in episodes], np.float64),
            len(ids),
            until.timestamp(),
        )
        for device in np.flatnonzero(bad.any(axis=1)).tolist():
            mean[np.ix_(at == device, bad[device])] = np.nan
        return HourBlock(
            device_id=np.array(ids, np.int64)[at],
            metric=(series & 0xFFFFFFFF).astype(np.int32),
            group=self.group[places][at],
            mean=mean,
        )

    def _codes(self, names: Sequence[str]) -> Codes:
        for name in names:
            if name not in self._code:
                self._code[name] = len(self.names)
                self.names.append(name)
        return np.array([self._code[name] for name in names], np.int32)


def store(db: Database, settings: Settings, plan: FitPlan, found: Fit, now: datetime) -> FitSummary:
    """Record a fit, and put it in force where it passed, in one transaction."""
    verdict = found.verdict
    if plan.outdated:
        verdict = Verdict(False, f"{verdict.reason}; not used, since a fit on later hours is there")
    row = {
        "data_from": plan.since,
        "data_until": plan.until,
        "series": found.series,
        "error_new": found.error_new,
        "error_old": found.error_old,
        "error_without": found.error_without,
        "adopted": verdict.adopted,
        "reason": verdict.reason,
        "details": {
            "eligible": found.eligible,
            "shaped": found.shaped,
            "compared": found.compared,
            "against": None if plan.in_force is None else plan.in_force.version,
            "largest": [vars(one) for one in found.largest],
        },
    }
    with db.writer() as conn:
        version = fits.store(
            conn,
            plan.shard,
            row,
            ((part, found.week.dump(part)) for part in PARTS),
            shards=settings.scoring.shards,
            now=now,
            keep_hours=settings.scoring.snapshot_hours,
        )
    return summary(db, plan.shard, version)


def use(db: Database, settings: Settings, *, shard: int, version: int, now: datetime) -> FitSummary:
    """Put an earlier version in force again, as a new one; 0: go without the week.

    Raises:
        NotFound: that version is not kept.
        ScoringError: there is no such shard.
    """
    state.require_shard(shard, settings.scoring.shards)
    keep = settings.scoring.snapshot_hours
    with db.writer() as conn:
        if version:
            reason = f"version {version} was put back by hand"
            new = fits.put_back(conn, shard, version, reason=reason, now=now, keep_hours=keep)
        else:
            empty = Week.join([], [])
            row = {
                "data_from": now,
                "data_until": now,
                "series": 0,
                "error_new": None,
                "error_old": None,
                "error_without": None,
                "adopted": True,
                "reason": "the week was taken out by hand",
                "details": {"put_back": 0},
            }
            parts = ((part, empty.dump(part)) for part in PARTS)
            new = fits.store(
                conn, shard, row, parts, shards=settings.scoring.shards, now=now, keep_hours=keep
            )
    return summary(db, shard, new)


def summary(db: Database, shard: int, version: int) -> FitSummary:
    """What is recorded of a fit, and of those around it."""
    with db.reader() as conn:
        rows = fits.recent(conn, shard, limit=100)
        kept = {a.version for a in fits.adopted(conn, shard, rows[0].fitted_at) if a.kept}
        names = {device.id: device.name for device in fleet_devices.list_devices(conn)}
    (row,) = (row for row in rows if row.version == version)
    return FitSummary(shard, row, rows, frozenset(kept), names)
