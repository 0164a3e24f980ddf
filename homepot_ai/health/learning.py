"""Learning from history: before the first minute is scored, and when a fleet is loaded at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from homepot_ai.fleet import samples as telemetry
from homepot_ai.fleet import schema
from homepot_ai.health import scoring
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.engine import Engine
from homepot_ai.health.planning import MINUTE, MinutePlan, floor_minute
from homepot_ai.health.state import MAGIC
from homepot_ai.settings import Settings
from homepot_ai.store import scores, state
from homepot_ai.store.database import Database

# Telemetry rows held at once; a stretch is cut so that about so many lie in it.
CHUNK_ROWS = 200_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Learned:
    """What was learned from.

    Attributes:
        since: where the history began; None when there was none.
        rows: telemetry rows read; minutes: minutes stepped; scored: minutes of them that were stored.
    """

    since: datetime | None
    until: datetime
    rows: int
    minutes: int
    scored: int

    def markdown(self) -> str:
        """What an operator reads first."""
        if self.since is None:
            return "**No history to learn from**: scores begin when enough has been seen of each device\n"
        return (
            f"**Learned from {self.rows} telemetry rows** between {self.since:%Y-%m-%d %H:%M} and "
            f"{self.until:%Y-%m-%d %H:%M} UTC, {self.scored} minutes of them scored\n"
        )


def warm_up(
    db: Database,
    settings: Settings,
    *,
    shard: int = 0,
    until: datetime,
    now: datetime,
    progress: Progress | None = None,
) -> Learned:
    """Learn from the history before `until` and leave a live state there.

    As much history is used as `scoring.warmup_days` and `scoring.warmup_rows` allow. If all of it fits,
    its last `scoring.warmup_scored_days` are scored, so that a new installation's first report is not
    empty; a large fleet begins with the present. A state of another version of the program is dropped
    first; minutes that were scored then are learned from, and not scored again.

    Raises:
        StateMoved: the shard has a state already.
    """
    limits = settings.scoring
    until = floor_minute(until)
    with db.writer() as conn:
        state.drop_foreign(conn, MAGIC)
    with db.reader() as conn:
        scored = scores.newest_minute(conn, shard)
        earliest = until - timedelta(days=limits.warmup_days)
        first, _, count = telemetry.history_bounds(conn, earliest, until, shard=shard, shards=limits.shards)
    score_from = until
    if first is not None and count <= limits.warmup_rows:
        learned = floor_minute(first) + timedelta(minutes=settings.health.baseline.min_minutes)
        score_from = max(until - timedelta(days=limits.warmup_scored_days), min(learned, until))
    if scored is not None:
        score_from = max(score_from, min(scored, until))
    return _learn(db, settings, shard=shard, score_from=score_from, until=until, now=now, progress=progress)


def backfill(
    db: Database,
    settings: Settings,
    start: datetime,
    end: datetime,
    progress: Progress | None = None,
    *,
    shard: int = 0,
    now: datetime | None = None,
) -> Learned:
    """Learn from the history before `start`, then score every minute from there to `end`.

    For loading a fleet at once: the shard must have no state yet.
    """
    return _learn(db, settings, shard=shard, score_from=start, until=end, now=now or end, progress=progress)


def _learn(
    db: Database,
    settings: Settings,
    *,
    shard: int,
    score_from: datetime,
    until: datetime,
    now: datetime,
    progress: Progress | None,
) -> Learned:
    shards, limits = settings.scoring.shards, settings.scoring
    score_from, until = floor_minute(score_from), floor_minute(until)
    with db.reader() as conn:
        missing = tuple(schema.require_vital(conn, db.homepot_schema))
        earliest = score_from - timedelta(days=limits.warmup_days)
        first, _, count = telemetry.history_bounds(conn, earliest, until, shard=shard, shards=shards)
    engine, cursor = Engine(settings.health), Cursor.empty()
    if first is None:
        start = score_from
    else:
        start = floor_minute(first)
        if start < score_from:  # what is to be scored is read whatever its size
            learned_rows = count * ((score_from - start) / max(until - start, MINUTE))
            share = min(1.0, limits.warmup_rows / max(learned_rows, 1.0))
            start = floor_minute(score_from - (score_from - start) * share)
    minutes = max(1, round((until - start) / MINUTE))
    chunk = MINUTE * max(60, min(1440, round(minutes * CHUNK_ROWS / max(count, 1))))
    rows = scored_minutes = version = 0
    at = start
    while at < until:
        scoring_now = at >= score_from
        if scoring_now and version == 0:
            engine.forget_episodes(at.timestamp())
        # A chunk is either learned from or scored, never both.
        end = min(at + chunk, until if scoring_now else min(score_from, until))
        part = MinutePlan("live", shard, "learning", at + MINUTE, end, None, at, version or None, 0, missing)
        with db.reader() as conn:
            batch = scoring.fetch(conn, settings, part, cursor, window=(at, at), parts={})
        stepped = scoring.step(engine, cursor, part, batch, emit=scoring_now)
        cursor = stepped.cursor
        rows += stepped.rows_read
        if scoring_now:
            scoring.store(db, settings, part, replace(stepped, parts=scoring.dump(engine, cursor)), now)
            version += 1
            scored_minutes += len(stepped.results)
        else:
            with db.writer() as conn:
                scores.insert_hours(conn, stepped.hours)
        at = end
        if progress is not None:
            progress(round((at - start) / MINUTE), minutes)
    if version == 0:
        engine.forget_episodes(until.timestamp())
        with db.writer() as conn:
            parts = scoring.dump(engine, cursor)
            state.advance(conn, shard, shards=shards, version=None, at=until, parts=parts, now=now)
    return Learned(None if first is None else start, until, rows, minutes, scored_minutes)
