"""The minute: plan what is due, read it, score it, store it.

    plan   where does the shard stand, which minutes are due        (database, read)
    read   telemetry, logs, devices, state of just these minutes    (database, read)
    score  the engine, minute by minute                             (pure)
    store  scores, anomalies, hours, events and the moved state     (one transaction)

A run that is killed anywhere has either stored everything or nothing; the next
one begins at the watermark. A minute of the past is scored from the snapshot
then in force and moves nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from homepot_ai.errors import StateGone
from homepot_ai.fleet import devices as fleet_devices
from homepot_ai.fleet import events, schedules, signals
from homepot_ai.fleet import samples as telemetry
from homepot_ai.fleet.records import Counters, Seen
from homepot_ai.health import rows
from homepot_ai.health.batches import MinuteBatch, ScoredMinutes
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.engine import Engine
from homepot_ai.health.minutes import Fleet, iterate
from homepot_ai.health.planning import AHEAD, HOUR, MINUTE, MinutePlan
from homepot_ai.health.records import REASONS, STATUSES, MinuteResult
from homepot_ai.health.summary import ScoreSummary, summarise, worst_devices
from homepot_ai.health.week_reading import read_weeks
from homepot_ai.settings import Settings
from homepot_ai.store import health_hours, marks, scores, state
from homepot_ai.store.database import Connection, Database


def read(db: Database, settings: Settings, plan: MinutePlan) -> MinuteBatch:
    """Fetch what the plan's minutes need, in one snapshot of the database.

    Raises:
        StateMoved: another run was ahead since the plan was made.
        StateGone: the past minute's state was cleared away since.
    """
    engine = Engine(settings.health)
    with db.reader() as conn:
        parts: dict[int, state.Stored] = {}
        if plan.state_at is not None and plan.mode == "past":
            parts = state.snapshot_parts(conn, plan.shard, plan.state_at)
            if not parts:
                raise StateGone(
                    f"the state of {plan.state_at:%Y-%m-%d %H:%M} UTC was cleared away meanwhile: try again"
                )
        elif plan.state_at is not None:
            state.require_version(conn, plan.shard, plan.version)
            slots = {slot for t in _touched(plan) for slot in engine.slots_needed(t)}
            parts = state.live_parts(conn, plan.shard, [state.FAST, state.CURSOR, *sorted(slots)])
        cursor = Cursor.load(parts[state.CURSOR]) if state.CURSOR in parts else Cursor.empty()
        after = plan.first - MINUTE
        batch = fetch(
            conn,
            settings,
            plan,
            cursor,
            window=(after - timedelta(minutes=settings.scoring.lateness_minutes), after),
            parts=parts,
        )
        weeks = read_weeks(conn, plan.shard, plan.minutes, again=plan.mode == "past")
        return replace(batch, weeks=weeks)


def fetch(
    conn: Connection,
    settings: Settings,
    plan: MinutePlan,
    cursor: Cursor,
    *,
    window: tuple[datetime, datetime],
    parts: Mapping[int, state.Stored],
    site_id: int | None = None,
) -> MinuteBatch:
    """Read one stretch of time, from `window[1]` to `plan.last`, and late telemetry from `window[0]` on.

    Args:
        site_id: read only this site's devices; None: the whole shard.
    """
    shards = settings.scoring.shards
    absent = frozenset(item.table for item in plan.missing)
    fleet = read_fleet(conn, settings, plan.shard, absent, site_id=site_id)
    known = cursor.for_devices(fleet.device_id)
    return MinuteBatch(
        fleet=fleet,
        samples=telemetry.read_window(
            conn,
            window[1],
            plan.last,
            late_after=window[0],
            seen=Seen(known.device_id, known.last_t, known.last_id, window[1].timestamp()),
            counters=Counters(
                cursor.device_id, cursor.count, cursor.count_t, cursor.count_writer, cursor.percent
            ),
            only=None if site_id is None else fleet.device_id.tolist(),
            shard=plan.shard,
            shards=shards,
        ),
        logs=signals.read(
            conn,
            window[1],
            plan.last,
            device_ids=fleet.device_id,
            public_ids=fleet.public_id,
            checks_above_id=cursor.checks_id,
            missing_tables=absent,
        ),
        arrivals=telemetry.read_arrivals(
            conn,
            cursor.last_id,
            late_before=window[0],
            future_after=None if plan.now is None else plan.now + AHEAD,
            future_ids=cursor.future_ids.tolist(),
            shard=plan.shard,
            shards=shards,
        ),
        checks_id=0
        if "health_checks" in absent
        else signals.newest_check(conn, plan.last, above_id=cursor.checks_id),
        parts=parts,
    )


def read_fleet(
    conn: Connection, settings: Settings, shard: int, absent: frozenset[str], *, site_id: int | None = None
) -> Fleet:
    """The shard's devices and what is known of their sites; `absent`: tables that this HOMEPOT lacks."""
    found = fleet_devices.scoring_devices(conn, shard=shard, shards=settings.scoring.shards)
    if site_id is not None:
        found = [device for device in found if device[2] == site_id]
    columns = list(zip(*found, strict=True)) or [()] * 8
    moved = marks.offsets(conn)
    return Fleet(
        device_id=np.array(columns[0], dtype=np.int64),
        device_type=np.array(columns[1], dtype=object),
        alarm_offset=np.array([moved.get(type_, 0.0) for type_ in columns[1]], np.float32) if moved else None,
        site_id=np.array(columns[2], dtype=np.int64),
        last_heartbeat=np.array(columns[3], dtype=np.float64),
        created=np.array(columns[4], dtype=np.float64),
        excluded=np.array(columns[5], dtype=bool),
        public_id=list(columns[6]),
        name=list(columns[7]),
        zones={site.id: site.timezone for site in fleet_devices.list_sites(conn, settings)},
        maintenance=[] if "site_operating_schedules" in absent else schedules.read(conn),
    )


def _touched(plan: MinutePlan) -> list[float]:
    """The plan's minutes, and the hour after a full one: its snapshot needs those slots as well."""
    minutes = plan.minutes
    full = [t for t in minutes if t % HOUR.total_seconds() == 0]
    return minutes + [t + 60.0 * i for t in full for i in range(1, 61)]


def score(settings: Settings, plan: MinutePlan, batch: MinuteBatch) -> ScoredMinutes:
    """Step the engine through the plan's minutes. Pure: the batch is not changed."""
    engine = Engine(settings.health)
    for part, payload in batch.parts.items():
        if part != state.CURSOR:
            engine.load_part(part, payload)
    for week in batch.weeks:
        engine.load_week(week.part, week.payload, week.since)
    cursor = Cursor.load(batch.parts[state.CURSOR]) if state.CURSOR in batch.parts else Cursor.empty()
    scored = step(engine, cursor, plan, batch)
    return replace(scored, parts=dump(engine, scored.cursor))


def dump(engine: Engine, cursor: Cursor) -> dict[int, state.Payload]:
    """The state after a run: the fast part, the cursor, and the profile slots that changed.

    The fast part is shown, not copied: store it before the engine steps on.
    """
    slots = {part: engine.dump_part(part) for part in engine.dirty_parts() if part >= 0}
    return {state.FAST: engine.view_part(state.FAST), state.CURSOR: cursor.dump(), **slots}


def step(
    engine: Engine,
    cursor: Cursor,
    plan: MinutePlan,
    batch: MinuteBatch,
    *,
    emit: bool = True,
    watch: Callable[[MinuteResult], None] | None = None,
) -> ScoredMinutes:
    """Step `engine` and `cursor` through a batch; both are moved.

    Args:
        emit: keep the results, to be stored; False only learns.
        watch: is shown every minute's result, kept or not.
    """
    began = time.perf_counter()
    cursor = cursor.for_devices(batch.fleet.device_id)
    rejected = Counter(batch.samples.rejected)
    results: list[MinuteResult] = []
    sample_counts = []
    hours: list[scores.HourRows] = []
    happened: list[scores.EventRow] = []
    snapshots: dict[datetime, Mapping[int, state.Payload]] = {}
    moving = plan.mode == "live"
    used = 0
    for minute in iterate(
        engine, batch.fleet, cursor, batch.samples, batch.logs, plan.minutes, rejected=rejected
    ):
        t = minute.observations.at
        wanted = emit and (moving or t == plan.last.timestamp())
        result = engine.step(minute.observations, minute.devices, emit=wanted)
        if watch is not None:
            watch(result)
        closed = engine.hours_closed()
        rejected["too_many_metrics"] += engine.refused
        used += int(minute.devices.sample_count.sum())
        if wanted:
            results.append(result)
            sample_counts.append(minute.devices.sample_count)
            happened += rows.anomaly_events(result) + rows.status_events(result, cursor.status)
            cursor.note_status(result.status, t)
        if moving and closed is not None:
            hours.append(rows.hour_rows(closed, engine.metric_names))
        if moving and emit and t % HOUR.total_seconds() == 0:
            snapshots[datetime.fromtimestamp(t, UTC)] = snapshot(
                engine, cursor, t, copy=t != plan.last.timestamp()
            )
    if moving:
        rejected["late"] += batch.arrivals.late
        rejected["future"] += len(set(batch.arrivals.future_ids) - set(cursor.future_ids.tolist()))
    else:  # a snapshot's minutes were read by earlier runs: what they used already is no loss
        del rejected["out_of_order"]
    cursor.future_ids = np.array(sorted(batch.arrivals.future_ids), dtype=np.int64)
    cursor.last_id, cursor.checks_id = batch.arrivals.newest_id, batch.checks_id
    happened += events.from_logs(batch.logs, batch.fleet.device_id, (plan.first - MINUTE).timestamp())
    return ScoredMinutes(
        results=results,
        fleet=batch.fleet,
        cursor=cursor,
        sample_counts=sample_counts,
        rejected={reason: n for reason, n in sorted(rejected.items()) if n},
        assumed=batch.samples.assumed,
        rows_read=used,
        hours=hours,
        snapshots=snapshots,
        parts={},
        events=happened,
        seconds=time.perf_counter() - began,
    )


def snapshot(engine: Engine, cursor: Cursor, t: float, *, copy: bool) -> Mapping[int, state.Payload]:
    """The state as of `t`, with the profile slots of the hour after it.

    Args:
        copy: the engine steps on before this is stored.
    """
    parts = {slot: engine.dump_part(slot) for slot in slots_after(engine, t)}
    fast: state.Payload = engine.dump_part(state.FAST) if copy else engine.view_part(state.FAST)
    return {state.FAST: fast, state.CURSOR: cursor.dump(), **parts}


def slots_after(engine: Engine, t: float) -> list[int]:
    """The profile slots that the hour after `t` touches."""
    return sorted({slot for i in range(1, 61) for slot in engine.slots_needed(t + 60.0 * i)})


def store(
    db: Database, settings: Settings, plan: MinutePlan, scored: ScoredMinutes, now: datetime
) -> ScoreSummary:
    """Write everything of a run in one transaction.

    Raises:
        StateMoved: another run was ahead; nothing was written.
    """
    began = time.perf_counter()
    shards = settings.scoring.shards
    with db.writer() as conn:
        if plan.mode == "live":
            state.advance(
                conn,
                plan.shard,
                shards=shards,
                version=plan.version,
                at=plan.last,
                parts=scored.parts,
                now=now,
            )
            for at, parts in scored.snapshots.items():
                state.put_snapshot(conn, plan.shard, at, parts, now, shards=shards)
            if scored.snapshots:
                state.forget_snapshots(
                    conn,
                    plan.shard,
                    newest=plan.last,
                    hours=settings.scoring.snapshot_hours,
                    max_bytes=settings.scoring.snapshot_bytes // shards,
                )
        written, equal = write_results(conn, settings, plan, scored, now)
        open_now = marks.open_at(conn, worst_devices(scored), plan.last)
    return summarise(
        plan,
        scored,
        written=written,
        equal=equal,
        store_seconds=time.perf_counter() - began,
        open_anomalies=open_now,
    )


def write_results(
    conn: Connection, settings: Settings, plan: MinutePlan, scored: ScoredMinutes, now: datetime
) -> tuple[int, int]:
    """Scores, minutes, hours, anomalies and events of a run; returns rows written and found equal."""
    if not scored.results:
        return 0, 0
    scores.ensure_partitions(conn, plan.first, max(plan.last, now))
    written, equal = scores.insert_scores(
        conn,
        rows.score_rows(scored.results, scored.sample_counts),
        statuses=STATUSES,
        reasons=REASONS,
    )
    if plan.mode == "past":
        # What alarms, hours and events said then stands: only holes in the scores are filled.
        if written:
            health_hours.filled(conn, plan.first, plan.last)
        return written, equal
    scores.insert_minutes(conn, _minute_counts(plan, scored, now))
    scores.note_gaps(
        conn,
        rows.gap_rows(scored.results[-1]),
        shard=plan.shard,
        shards=settings.scoring.shards,
        statuses=STATUSES,
        reasons=REASONS,
    )
    scores.insert_hours(conn, scored.hours)
    scores.write_anomalies(conn, **rows.anomaly_rows(scored.results, scored.cursor), now=now)
    scores.insert_events(conn, scored.events, settings.retention.event_ttl_hours)
    return written, equal


def _minute_counts(plan: MinutePlan, scored: ScoredMinutes, now: datetime) -> list[scores.MinuteCounts]:
    """One record per minute; what was rejected in the run is told with its last minute."""
    return [
        scores.MinuteCounts(
            shard=plan.shard,
            at=rows.moment(result.at),
            devices=len(result.device_id),
            **rows.status_counts(result),
            rows_read=int(counts.sum()),
            rejected=scored.rejected if result is scored.results[-1] else {},
            seconds=scored.seconds / len(scored.results),
            scored_at=now,
        )
        for result, counts in zip(scored.results, scored.sample_counts, strict=True)
    ]
