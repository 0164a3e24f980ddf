"""A running installation gets another number of shards: `scoring.shards` was changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from homepot_ai.errors import ScoringError
from homepot_ai.health import learning, planning, redistribute, scoring
from homepot_ai.health.engine import Engine
from homepot_ai.health.records import Ints
from homepot_ai.health.state import MAGIC
from homepot_ai.health.week import INDEX, PARTS, in_force_from
from homepot_ai.settings import Settings
from homepot_ai.store import audit, fits, locks, state
from homepot_ai.store.database import Connection, Database

# How long a run that is under way is waited for.
PATIENCE_S = 120


@dataclass(frozen=True)
class Resharded:
    """What was done."""

    before: int
    after: int
    at: datetime

    def __str__(self) -> str:
        return (
            f"what scoring has learned is redistributed from {self.before} to {self.after} shards, as of "
            f"{self.at:%Y-%m-%d %H:%M} UTC; minutes up to then cannot be scored again"
        )


def reshard(db: Database, settings: Settings, *, now: datetime) -> Resharded | None:
    """Redistribute the live state over as many shards as the settings say; None when it is so already.

    Shards are brought to the same minute first. Then all of the state is rewritten in one transaction,
    while every shard's lock is held: a process killed on the way leaves everything as it was.

    Raises:
        ScoringError: a shard is being scored and does not end.
    """
    after = settings.scoring.shards
    with db.reader() as conn:
        made_for = {shard.shards for shard in state.live(conn).values()}
    if made_for <= {after}:
        return None
    with db.writer() as conn:
        renewed = state.drop_foreign(conn, MAGIC)
    if renewed:  # another version made them: there is nothing to redistribute, the next run learns anew
        return reshard(db, settings, now=now)
    before = max(made_for - {after})
    with locks.all_shards(db, max(before, after), patience_s=PATIENCE_S):
        scoring_was = settings.scoring.model_copy(update={"shards": before})
        _level(db, settings.model_copy(update={"scoring": scoring_was}), now)
        with db.writer() as conn:
            return _move(conn, settings, before, now)


def _level(db: Database, was: Settings, now: datetime) -> None:
    """Bring the shards of the old layout to the minute of the foremost, scoring what they lack."""
    with db.reader() as conn:
        target = max(found.watermark for found in state.live(conn).values())
    for shard in range(was.scoring.shards):
        while True:
            with db.reader() as conn:
                found = state.live_of(conn, shard, was.scoring.shards)
            if found is None:
                learning.warm_up(db, was, shard=shard, until=target, now=now)
                continue
            if found.watermark >= target:
                break
            plan = planning.plan(db, was, shard=shard, at=target, now=max(now, target))
            scored = scoring.score(was, plan, scoring.read(db, was, plan))
            scoring.store(db, was, plan, scored, now)


def _move(conn: Connection, settings: Settings, before: int, now: datetime) -> Resharded:
    after, engine = settings.scoring.shards, Engine(settings.health)
    live = state.live(conn)
    moments = {found.watermark for found in live.values()}
    if sorted(live) != list(range(before)) or len(moments) > 1:
        raise ScoringError("a shard moved meanwhile: try again")
    (at,) = moments
    version = max(found.version for found in live.values()) + 1
    old = [state.live_parts(conn, shard, [state.FAST, state.CURSOR]) for shard in range(before)]
    cursors = redistribute.cursors([parts[state.CURSOR] for parts in old], after)
    fast = redistribute.Fast([parts.pop(state.FAST) for parts in old])
    state.drop_snapshots(conn)
    # The profile first: it is read by where the old layout stands.
    kept = scoring.slots_after(engine, at.timestamp())
    for slot in state.slots(conn):
        payloads = {
            shard: found[slot]
            for shard in range(before)
            if slot in (found := state.live_parts(conn, shard, [slot]))
        }
        state.drop_live_parts(conn, [slot])
        for shard, payload in enumerate(redistribute.slot(payloads, fast.codes, after)):
            state.put_live_part(conn, shard, slot, payload, shards=after, at=at, now=now)
            if slot in kept:
                state.put_snapshot(conn, shard, at, {slot: payload}, now, shards=after)
    state.drop_live_parts(conn, [state.FAST, state.CURSOR])
    for shard in range(after):
        parts: dict[int, state.Payload] = {
            state.FAST: fast.shard(shard, after),
            state.CURSOR: cursors[shard],
        }
        state.advance(
            conn, shard, shards=after, version=None, at=at, parts=parts, now=now, begin_with=version
        )
        # From here on minutes can be scored again; the old layout's snapshots fit no shard any more.
        state.put_snapshot(conn, shard, at, parts, now, shards=after)
    _move_fits(conn, before, after, now)
    audit.record(
        conn,
        at=now,
        actor="reshard",
        action="redistributed",
        subject="ai_baselines",
        purpose="scoring.shards was changed",
        details={"before": before, "after": after, "watermark": at.isoformat()},
    )
    return Resharded(before, after, at)


def _move_fits(conn: Connection, before: int, after: int, now: datetime) -> None:
    """Fitted weeks of the old layout as versions of the new one, each counting from when it did."""
    kept = [
        [version for version in fits.adopted(conn, shard, now) if version.kept] for shard in range(before)
    ]
    told = [{row.version: row for row in fits.recent(conn, shard, 10_000)} for shard in range(before)]
    # Shards are fitted one after the other, within the hour after which all of them count.
    moments: dict[float, datetime] = {}
    for version in sorted(chain.from_iterable(kept), key=lambda version: version.fitted_at):
        moments[in_force_from(version.fitted_at.timestamp())] = version.fitted_at
    if not moments:
        return
    rows = chain.from_iterable(fits.recent(conn, shard, 1) for shard in range(max(before, after)))
    last = max(row.version for row in rows)
    fits.begin_moving(conn, max(before, after))
    fits.retire(conn)
    for number, (hour, fitted_at) in enumerate(sorted(moments.items()), start=last + 1):
        used = [
            (shard, max(due, key=lambda version: version.fitted_at))
            for shard in range(before)
            if (due := [v for v in kept[shard] if in_force_from(v.fitted_at.timestamp()) <= hour])
        ]
        chosen: list[Ints] = []
        stored = [0] * after
        for part in PARTS:
            old = [fits.parts(conn, -1 - shard, v.fitted_at, [part])[part] for shard, v in used]
            if part == INDEX:
                payloads, chosen = redistribute.week_index(old, after)
            else:
                payloads = redistribute.week_hour(old, chosen)
            for target, payload in enumerate(payloads):
                fits.put_part(conn, target, number, fitted_at, part, payload, after)
                stored[target] += len(payload)
        shard, version = max(used, key=lambda pair: pair[1].fitted_at)
        row = told[shard][version.version]
        for target in range(after):
            moved = replace(
                row,
                version=number,
                fitted_at=fitted_at,
                series=len(chosen[target]),
                payload_bytes=stored[target],
                adopted=True,
                in_force=True,
                details={**row.details, "redistributed": {"from": before, "to": after}},
            )
            fits.record_moved(conn, target, moved)
    fits.end_moving(conn)
