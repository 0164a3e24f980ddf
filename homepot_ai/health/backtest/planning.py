"""Whether a question can be answered, what has to be read for it, and how long that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from homepot_ai.errors import BacktestError
from homepot_ai.fleet import devices, schema
from homepot_ai.fleet import samples as telemetry
from homepot_ai.health.backtest.records import DeviceName
from homepot_ai.health.backtest.trial import Trial, unknown_types
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.planning import MINUTE, floor_minute
from homepot_ai.settings import Settings
from homepot_ai.store import marks
from homepot_ai.store.database import Connection, Database

DEFAULT_DAYS = 7
# Measured with one core of a small server: reading a row with two dozen values, stepping a configuration
# through it, and what a minute costs whatever is in it.
READ_S_PER_ROW, STEP_S_PER_ROW, STEP_S_PER_MINUTE = 45e-6, 12e-6, 2e-3
SLOW_S = 60.0


@dataclass(frozen=True)
class Part:
    """What is read of one shard: from `learn_from` on, so many rows, the first `learned` of them to learn."""

    shard: int
    learn_from: datetime
    learned: int
    rows: int


@dataclass(frozen=True)
class BacktestPlan:
    """A question that can be answered.

    Attributes:
        start, end: minutes in (start, end] are tried; aware UTC, whole minutes.
        site_id, site: None is the fleet; timezone: whose days count.
        names: the devices watched, by id.
        configurations: those in force changed as asked; the second one may be missing.
        offsets: decades by which marks had moved the alarm threshold of a device type.
        at: marks made after this moment are not known.
    """

    start: datetime
    end: datetime
    at: datetime
    site_id: int | None
    site: str | None
    timezone: str
    names: Mapping[int, DeviceName]
    parts: Sequence[Part]
    trials: Sequence[Trial]
    configurations: Sequence[HealthConfig]
    offsets: Mapping[str, float]
    missing: Sequence[schema.Missing]

    @property
    def learn_from(self) -> datetime:
        """Where learning begins; in a fleet of several shards the latest of theirs."""
        return max((part.learn_from for part in self.parts), default=self.start)

    @property
    def rows(self) -> int:
        """Telemetry rows to be read."""
        return sum(part.rows for part in self.parts)

    @property
    def minutes(self) -> int:
        """Minutes to be stepped, over all shards."""
        return sum(round((self.end - part.learn_from) / MINUTE) for part in self.parts)

    @property
    def expected_seconds(self) -> float:
        """Roughly how long it takes."""
        return seconds_for(self.rows, self.minutes, len(self.configurations))


def seconds_for(rows: float, minutes: float, configurations: int) -> float:
    """Roughly how long so many rows and minutes take; what is read is read once for all configurations."""
    stepped = configurations * (rows * STEP_S_PER_ROW + minutes * STEP_S_PER_MINUTE)
    return rows * READ_S_PER_ROW + stepped


def spoken(seconds: float) -> str:
    """A rough length of time.

    >>> spoken(20), spoken(400), spoken(11_000)
    ('less than a minute', 'about 7 minutes', 'about 3.1 hours')
    """
    if seconds < SLOW_S:
        return "less than a minute"
    if seconds < 1.5 * SLOW_S:
        return "about a minute"
    return f"about {seconds / 60:.0f} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"


def plan(
    db: Database,
    settings: Settings,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    site: str | None = None,
    trials: Sequence[Trial],
    at: datetime,
) -> BacktestPlan:
    """Look whether the question can be answered.

    Args:
        start: default a week before `end`, or where telemetry begins.
        end: default the last minute before `at`.
        trials: one configuration, or two to be compared.

    Raises:
        BacktestError: the range or a configuration cannot be tried; the message says what can.
        NotFound: there is no such site.
    """
    configurations = [trial.apply(settings.health) for trial in trials]
    last = floor_minute(at)
    until = last if end is None else floor_minute(end)
    if until > last:
        raise BacktestError(
            f"the end {until:%Y-%m-%d %H:%M} UTC lies in the future: choose {last:%Y-%m-%d %H:%M} UTC or "
            "before"
        )
    wanted = until - timedelta(days=DEFAULT_DAYS) if start is None else floor_minute(start)
    if wanted >= until:
        raise BacktestError(
            f"the start {wanted:%Y-%m-%d %H:%M} UTC is not before the end {until:%Y-%m-%d %H:%M} UTC: "
            "choose an earlier start"
        )
    with db.reader() as conn:
        missing = tuple(schema.require_vital(conn, db.homepot_schema))
        place = None if site is None else devices.resolve_site(conn, settings, site)
        names = _names(conn, settings, None if place is None else place.id)
        if not names:
            raise BacktestError(
                "the fleet has no active device: there is nothing to try"
                if place is None
                else f"{place.name} has no active device: choose another site"
            )
        kinds = sorted({name.device_type for name in names.values()})
        if strange := unknown_types(trials, kinds):
            raise BacktestError(
                f"there is no device of type {', '.join(strange)} here; there are: {', '.join(kinds)}"
            )
        parts = _parts(conn, settings, wanted, until, names if place else None)
        decided = marks.thresholds(conn, at)
    offsets = {each.device_type: each.offset for each in decided if each.offset and each.device_type in kinds}
    _require_difference(trials, configurations, offsets)
    begins = min((first for _, first in parts), default=None)
    if begins is None:
        raise BacktestError(f"there is no telemetry before {until:%Y-%m-%d %H:%M} UTC: choose a later range")
    if begins > wanted:
        if start is not None:
            raise BacktestError(
                f"telemetry begins at {begins:%Y-%m-%d %H:%M} UTC: choose a start after that; a week before "
                "the start to learn from is well spent"
            )
        return plan(
            db, settings, start=floor_minute(begins) + MINUTE, end=until, site=site, trials=trials, at=at
        )
    made = BacktestPlan(
        start=wanted,
        end=until,
        at=at,
        site_id=None if place is None else place.id,
        site=None if place is None else place.name,
        timezone=settings.reports.timezone if place is None else place.timezone,
        names=names,
        parts=[part for part, _ in parts],
        trials=tuple(trials),
        configurations=configurations,
        offsets=offsets,
        missing=missing,
    )
    _require_room(made, settings)
    return made


def _require_difference(
    trials: Sequence[Trial], configurations: Sequence[HealthConfig], offsets: Mapping[str, float]
) -> None:
    for (trial, config), (other, its) in pairwise(zip(trials, configurations, strict=True)):
        if config == its and (not offsets or trial.moved_by_marks == other.moved_by_marks):
            raise BacktestError("both configurations are the same: change something in b, or leave it out")


def _names(conn: Connection, settings: Settings, site_id: int | None) -> dict[int, DeviceName]:
    sites = {site.id: site.name for site in devices.list_sites(conn, settings)}
    return {
        device.id: DeviceName(
            device.id, device.public_id, device.name, device.device_type, device.site_id,
            sites.get(device.site_id, "no site"),
        )
        for device in devices.list_devices(conn)
        if device.is_active and not device.excluded and site_id in (None, device.site_id)
    }  # fmt: skip


def _parts(
    conn: Connection,
    settings: Settings,
    start: datetime,
    end: datetime,
    only: Mapping[int, DeviceName] | None,
) -> list[tuple[Part, datetime]]:
    """What each shard holds, and when its telemetry begins; learning is bounded as in a cold start."""
    limits = settings.scoring
    earliest = start - timedelta(days=limits.warmup_days)
    found = []
    for shard in range(limits.shards):
        whose = None if only is None else [d for d in only if d % limits.shards == shard]
        if whose == []:
            continue
        first, _, count = telemetry.history_bounds(
            conn, earliest - MINUTE, end, only=whose, shard=shard, shards=limits.shards
        )
        if first is None:
            continue
        _, _, learned = telemetry.history_bounds(
            conn, earliest - MINUTE, start, only=whose, shard=shard, shards=limits.shards
        )
        learn_from = min(floor_minute(first), start)
        if learned > limits.warmup_rows:
            share = limits.warmup_rows / learned
            learn_from = floor_minute(start - (start - learn_from) * share)
            count, learned = count - learned + limits.warmup_rows, limits.warmup_rows
        found.append((Part(shard, learn_from, learned, count), first))
    return found


def _require_room(made: BacktestPlan, settings: Settings) -> None:
    """Refuse what would take hours, and say how long it would and what fits."""
    rows = sum(part.rows - part.learned for part in made.parts)
    room = settings.backtest.max_rows
    if rows <= room:
        return
    fits = (made.end - made.start) * (room / rows)
    begin = floor_minute((made.end - fits).astimezone(UTC)) + MINUTE
    narrower = "" if made.site_id is not None else "one site, or "
    raise BacktestError(
        f"{made.start:%Y-%m-%d %H:%M} to {made.end:%Y-%m-%d %H:%M} UTC holds {rows:,} telemetry rows of "
        f"{len(made.names):,} devices and would take {spoken(made.expected_seconds)}; at most {room:,} are "
        f"tried. Choose {narrower}a start from {begin:%Y-%m-%d %H:%M} UTC on, or raise "
        "HOMEPOT_AI_BACKTEST__MAX_ROWS"
    )
