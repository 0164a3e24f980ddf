"""Which minutes are due, and from what state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from psycopg import sql

from homepot_ai.errors import ScoringError
from homepot_ai.fleet import schema
from homepot_ai.health.state import MAGIC
from homepot_ai.settings import Settings
from homepot_ai.store import state
from homepot_ai.store.database import Database

MINUTE = timedelta(minutes=1)
# Clocks may differ by so much, and a reading that is tried again happens so much after its plan.
# What is further ahead claims the future: a row is left out, a watermark means that our clock was wrong.
AHEAD = timedelta(minutes=3)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class MinutePlan:
    """Which minutes of a shard are to be scored, and from what.

    Attributes:
        mode: "live" moves the state on; "past" scores one minute again; "nothing" says why in `reason`.
        first, last: ends of the first and last minute to be stepped, aware UTC.
        now: the present when the plan was made: rows later than that claim the future. None while
            learning, which may take long: the first live run tells.
        state_at: the state to begin from; None begins with nothing known.
        version: of the live state, None when there is none.
        behind: minutes still due after this plan.
        missing: tables that this HOMEPOT lacks; what depends on them is left out.
    """

    mode: Literal["live", "past", "nothing"]
    shard: int
    reason: str
    first: datetime
    last: datetime
    now: datetime | None
    state_at: datetime | None = None
    version: int | None = None
    behind: int = 0
    missing: tuple[schema.Missing, ...] = ()

    @property
    def needs_warm_up(self) -> bool:
        """Nothing is known of this shard yet: call `learning.warm_up` first."""
        return self.mode == "live" and self.state_at is None

    @property
    def minutes(self) -> list[float]:
        """Ends of the minutes, seconds since 1970."""
        n = round((self.last - self.first) / MINUTE) + 1
        return [self.first.timestamp() + 60.0 * i for i in range(n)]


def floor_minute(moment: datetime) -> datetime:
    """The minute that a moment lies in, as aware UTC.

    >>> floor_minute(datetime(2026, 11, 20, 10, 15, 42, tzinfo=UTC)).isoformat()
    '2026-11-20T10:15:00+00:00'
    """
    if moment.tzinfo is None:
        raise ScoringError(f"{moment} has no time zone: write for example 2026-11-20T10:15:00Z")
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def require_clock(db: Database, own: datetime) -> None:
    """Refuse to work on a machine whose clock is ahead of the database's, and of what devices send.

    It would score minutes whose samples are still to come, and the watermark never goes back: no other
    machine could score them any more. Samples of its own present say that the database is what is behind. A
    clock that is behind does no harm: nothing is due there.

    Raises:
        ScoringError: it is ahead by more than clocks differ.
    """
    with db.reader() as conn:
        row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    ahead = own - row[0]
    if ahead > AHEAD and not _telemetry_near(db, own):
        raise ScoringError(
            f"this machine's clock is {ahead / MINUTE:.0f} minutes ahead of the database's: minutes that are "
            "still to come are not scored. Set the clock that is wrong (docs/runbooks/service-clock.md)"
        )


def _telemetry_near(db: Database, own: datetime) -> bool:
    """Whether a device has sent something within the minutes that clocks may differ by."""
    with db.reader() as conn:
        row = conn.execute(
            sql.SQL(
                "SELECT EXISTS (SELECT FROM {}.device_metrics WHERE timestamp > %s AND timestamp <= %s)"
            ).format(sql.Identifier(db.homepot_schema)),
            [(own - AHEAD).astimezone(UTC).replace(tzinfo=None), own.astimezone(UTC).replace(tzinfo=None)],
        ).fetchone()
    return bool(row and row[0])


def plan(
    db: Database, settings: Settings, *, shard: int = 0, at: datetime | None = None, now: datetime
) -> MinutePlan:
    """Decide which minutes are due.

    Args:
        at: score up to this minute; one that was scored already is scored again from the past.
        now: the present.

    Raises:
        StateGone: a past minute is older than the kept states.
        ShardsChanged: the state was made for another number of shards.
        ScoringError: `at` lies in the future.
        HomepotSchemaMissing: HOMEPOT's vital tables are not there.
    """
    present = floor_minute(now)
    last = present if at is None else floor_minute(at)
    if last > present:
        raise ScoringError(f"{last:%Y-%m-%d %H:%M} UTC lies in the future: there is nothing to score yet")
    with db.reader() as conn:
        missing = tuple(schema.require_vital(conn, db.homepot_schema))
        shards = settings.scoring.shards
        # An update may bring another form of the state: what the old one knew is learned anew.
        renewed = shard in state.foreign(conn, MAGIC)
        live = None if renewed else state.live_of(conn, shard, shards)
        if live is None:
            reason = "first run since an update: learning anew" if renewed else "first run"
            return MinutePlan("live", shard, reason, last, last, now, missing=missing)
        if last > live.watermark:
            return _live(settings, shard, live, last, now, missing)
        if at is None:
            reason = f"{last:%H:%M} UTC is scored already"
            if live.watermark > present + AHEAD:
                reason = (
                    f"minutes up to {live.watermark:%Y-%m-%d %H:%M} UTC are scored already, which lies in "
                    "the future: the clock was set back; scoring goes on when that time has come"
                )
            return MinutePlan("nothing", shard, reason, last, last, now, missing=missing)
        began = state.snapshot_before(conn, shard, last, shards=shards)
    first = began + MINUTE
    return MinutePlan("past", shard, "asked for", first, last, now, began, live.version, 0, missing)


def _live(
    settings: Settings,
    shard: int,
    live: state.LiveState,
    last: datetime,
    now: datetime,
    missing: tuple[schema.Missing, ...],
) -> MinutePlan:
    """From the watermark on, but not further than a run can do, nor back further than is of use."""
    limits = settings.scoring
    first = max(live.watermark + MINUTE, last - timedelta(hours=limits.give_up_after_hours))
    until = min(last, first + MINUTE * (limits.catch_up_minutes - 1))
    behind = round((last - until) / MINUTE)
    skipped = round((first - live.watermark) / MINUTE) - 1
    reason = "on time" if until == first else f"catching up {round((until - first) / MINUTE) + 1} minutes"
    if skipped:
        reason += f"; {skipped} minutes before are given up (older than {limits.give_up_after_hours} h)"
    return MinutePlan("live", shard, reason, first, until, now, live.watermark, live.version, behind, missing)
