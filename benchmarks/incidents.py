"""What people would have been paged, and what the stage costs: python benchmarks/incidents.py [--days 7]

Replay: the last days of a HOMEPOT dump are scored minute by minute as in production, and every minute is
judged by the same step that the minute's run calls, in memory. Pages before hygiene: every anomaly that
opens, and every device that falls silent. After: incidents that are told (opened outside of a window,
released, flapping once). It stops with an error if an incident stays open with nothing to be seen of it, or
if two live ones share a fingerprint.

Stage: seconds of the whole stage against an embedded PostgreSQL with so many devices: idle, in the minute of
a storm in which every device has an anomaly, in the minutes after, and when all fall silent at once.

    --dump FILE      another dump (default: the reduced one of the tests)
    --days 7         of it
    --devices 10000  for the stage; 0 leaves it out

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from homepot_ai.fleet import devices as fleet
from homepot_ai.fleet import samples as telemetry
from homepot_ai.fleet import schema
from homepot_ai.health import rows as health_rows
from homepot_ai.health import scoring
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.engine import Engine
from homepot_ai.health.planning import MinutePlan, floor_minute
from homepot_ai.health.records import CRITICAL, NO_DATA, REASONS, WARNING, Episode, MinuteResult
from homepot_ai.incidents import stage
from homepot_ai.incidents.machine import LIVE
from homepot_ai.incidents.replay import Ledger
from homepot_ai.incidents.signs import Unit
from homepot_ai.settings import Settings
from homepot_ai.store import embedded, migrate, state
from homepot_ai.store.database import Database
from homepot_ai.store.incidents import Watched
from homepot_ai.testing.homepot_dump import restore

ROOT = Path(__file__).resolve().parent.parent
DUMP = ROOT / "tests" / "data" / "homepot_reduced.sql.gz"
MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Replay:
    """A fleet's minutes through engine and ledger."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.settings = settings
        with db.reader() as conn:
            found = [d for d in fleet.list_devices(conn) if d.is_active]
            sites = fleet.list_sites(conn, settings)
        self.units = {
            d.id: Unit(d.id, d.name, d.public_id, d.device_type, d.site_id, d.gateway_device_id)
            for d in found
        }
        self.sites = {site.id: site.name for site in sites}
        self.ledger = Ledger(
            self.units, self.sites, settings.incidents, zones={site.id: site.timezone for site in sites}
        )
        self.open: dict[int, tuple[int, Episode]] = {}
        self.quiet: dict[int, datetime] = {}
        self.sampled: dict[int, deque[datetime]] = defaultdict(deque)
        self.ill: Counter[int] = Counter()
        self.anomalies = self.silences = self.minutes = 0
        self.end = START
        #: (site, day) to pages.
        self.before: Counter[tuple[int, str]] = Counter()
        self.after: Counter[tuple[int, str]] = Counter()

    def minute(self, result: MinuteResult) -> None:
        """Judge one minute, and count what would be paged."""
        at = health_rows.moment(result.at)
        for episode in result.opened:
            self.anomalies += 1
            self.open[episode.device_id] = (self.anomalies, episode)
            self._page(self.before, self.units[episode.device_id].site_id, at)
        for episode in result.updated:
            number, _ = self.open.get(episode.device_id, (0, episode))
            if number:
                self.open[episode.device_id] = (number, episode)
        for episode in result.closed:
            self.open.pop(episode.device_id, None)
        self._samples(result, at)
        silent = self._silent(result, at)
        watched = Watched(
            live=(), anomalies=[self._row(number, e) for number, e in self.open.values()], silences=silent,
            silent_before={}, unjudged=frozenset(), members=(), suppressed=(),
        )  # fmt: skip
        signs = stage.signs_of(watched, self.units, {}, at, self.settings.incidents, held_by={}, done=())
        seldom = {
            device
            for device, seen in self.sampled.items()
            if len(seen) * self.settings.incidents.sparse_minutes < min(60, self.minutes + 1)
        }
        signs = [
            replace(s, samples=1 + self.ill[s.device_id]) if s.device_id in seldom and not s.silent else s
            for s in signs
        ]
        excluded = REASONS.index("excluded")
        out = (result.status >= NO_DATA) & (result.reason != excluded)
        decided = self.ledger.minute(at, signs, frozenset(result.device_id[out].tolist()))
        for case in decided:
            told = {e.kind for e in case.events} & {"opened", "released", "flapping"}
            if told and (not case.suppressed or "flapping" in told):
                self._page(self.after, case.now.site_id or 0, at)
        self.minutes += 1
        self.check()

    def _samples(self, result: MinuteResult, at: datetime) -> None:
        """What the stage asks `ai_health_scores` for."""
        for device in result.device_id[result.data_age_s < 60].tolist():
            self.sampled[device].append(at)
        for seen in self.sampled.values():
            while seen and seen[0] <= at - timedelta(hours=1):
                seen.popleft()
        ill = np.isin(result.status, (WARNING, CRITICAL)) & (result.data_age_s < 60)
        for device in result.device_id[ill].tolist():
            if device in self.open and health_rows.moment(self.open[device][1].started_at) < at:
                self.ill[device] += 1
        for device in set(self.ill) - set(self.open):
            del self.ill[device]

    def _silent(self, result: MinuteResult, at: datetime) -> list[tuple[int, datetime, datetime | None]]:
        now = result.device_id[result.status == NO_DATA].tolist()
        ages = dict(zip(result.device_id.tolist(), result.data_age_s.tolist(), strict=True))
        found = []
        for device in now:
            heard = None if math.isnan(ages[device]) else at - timedelta(seconds=ages[device])
            if device not in self.quiet:
                self.quiet[device] = at
                # Whoever was never heard, or not for days, is no news before either.
                if heard is not None and at - heard < timedelta(hours=24):
                    self.silences += 1
                    self._page(self.before, self.units[device].site_id, at)
            found.append((device, self.quiet[device], heard))
        self.quiet = {device: since for device, since in self.quiet.items() if device in set(now)}
        return found

    def _row(self, number: int, e: Episode) -> tuple[Any, ...]:
        def known(value: float) -> float | None:
            return None if math.isnan(value) else value

        return (
            number, e.device_id, e.severity, health_rows.moment(e.started_at), e.metric or None,
            known(e.observed), known(e.low), known(e.high), known(e.peak_score), None, e.opened_by, None,
            False, [f"{f.metric} {f.kind}" for f in e.factors],
        )  # fmt: skip

    def _page(self, count: Counter[tuple[int, str]], site: int, at: datetime) -> None:
        count[site, f"{at:%Y-%m-%d}"] += 1

    def check(self) -> None:
        """What must hold in every minute."""
        live = [i for i in self.ledger.history.values() if i.state in LIVE]
        assert len({i.fingerprint for i in live}) == len(live), "two live incidents of one fingerprint"

    def forgotten(self, at: datetime) -> list[int]:
        """Incidents that are open though nothing of them was to be seen for longer than their hold."""
        config = self.settings.incidents
        return [
            i.id
            for i in self.ledger.history.values()
            if i.state in LIVE and i.quiet_since is not None
            and at - i.quiet_since
            > MINUTE * (config.stable_minutes if i.flapping else config.hold_minutes)
        ]  # fmt: skip


def calm(play: Replay, at: datetime) -> None:
    """All is well from here on: nothing may stay open."""
    config = play.settings.incidents
    for n in range(1, config.stable_minutes + config.hold_minutes + 2):
        play.ledger.minute(at + n * MINUTE, [])
    left = [i.id for i in play.ledger.history.values() if i.state in LIVE]
    assert not left, f"open for ever: {left}"


def replay(db: Database, settings: Settings, days: int) -> Replay:
    """Learn from what lies before the last days, then judge each of their minutes."""
    with db.reader() as conn:
        missing = tuple(schema.require_vital(conn, db.homepot_schema))
        first, last, _ = telemetry.history_bounds(
            conn, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), shard=0, shards=1
        )
    assert first is not None
    assert last is not None
    end = floor_minute(last)
    begin = max(floor_minute(first) + timedelta(minutes=30), end - timedelta(days=days))
    engine, cursor = Engine(settings.health), Cursor.empty()
    play, at = Replay(db, settings), floor_minute(first)
    while at < end:
        judging = at >= begin
        until = min(at + timedelta(hours=12), end if judging else begin)
        part = MinutePlan("live", 0, "replay", at + MINUTE, until, None, at, None, 0, missing)
        with db.reader() as conn:
            batch = scoring.fetch(conn, settings, part, cursor, window=(at, at), parts={})
        if judging and at == begin:
            engine.forget_episodes(at.timestamp())
        scored = scoring.step(
            engine, cursor, part, batch, emit=judging, watch=play.minute if judging else None
        )
        cursor, at = scored.cursor, until
    forgotten = play.forgotten(end)
    assert not forgotten, f"open for ever: {forgotten}"
    play.end = end
    return play


def shown(play: Replay) -> dict[str, Any]:
    """The table, and what of it goes into the last line."""
    days = sorted({day for _, day in play.before} | {day for _, day in play.after})
    print(f"{'site':24} {'day':10} {'anomalies':>10} {'told':>6}")
    before, after = defaultdict(int), defaultdict(int)
    for site in sorted(play.sites | {0: "several"}):
        for day in days:
            b, a = play.before[site, day], play.after[site, day]
            before[site], after[site] = before[site] + b, after[site] + a
            if b or a:
                print(f"{(play.sites | {0: 'several sites'})[site]:24} {day:10} {b:10} {a:6}")
    length = max(1.0, play.minutes / 1440)
    live = [i.started_at for i in play.ledger.history.values() if i.state in LIVE]
    kinds = Counter(i.kind for i in play.ledger.history.values() if i.opened_at is not None)
    states = Counter(i.state for i in play.ledger.history.values())
    print(f"{'a day and site':35} {_rate(before, play, length):10.2f} {_rate(after, play, length):6.2f}")
    return {
        "days": round(length, 2), "sites": len(play.sites), "devices": len(play.units),
        "anomalies": play.anomalies, "silences": play.silences,
        "pages_before": sum(before.values()), "pages_after": sum(after.values()),
        "per_day_and_site_before": round(_rate(before, play, length), 2),
        "per_day_and_site_after": round(_rate(after, play, length), 2),
        "incidents_by_kind": dict(kinds), "incidents_by_state": dict(states),
        "incidents_by_severity": dict(
            Counter(i.peak_severity for i in play.ledger.history.values() if i.opened_at is not None)
        ),
        "flapping": sum(i.flapping for i in play.ledger.history.values()),
        "oldest_open_minutes": round((play.end - min(live)) / MINUTE) if live else 0,
        "open_for_ever": 0,
    }  # fmt: skip


def _rate(pages: dict[int, int], play: Replay, length: float) -> float:
    return sum(pages.values()) / length / max(1, len(play.sites))


class Stage:
    """The stage against a database in which so many devices fall ill."""

    def __init__(self, db: Database, settings: Settings, devices: int) -> None:
        self.db, self.settings, self.devices, self.at = db, settings, devices, START
        self.sql(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "SELECT n, 'SITE-' || n, 'Site ' || n, true, 'active' FROM generate_series(1, 200) n"
        )
        self.sql(
            "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
            "created_at) SELECT n, 'DEVICE-' || n, 'Till ' || n, 'pos_terminal', 'active', 1 + n %% 200, "
            "true, %s FROM generate_series(1, %s) n",
            START, devices,
        )  # fmt: skip
        self.sql(
            "INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at) "
            "VALUES (0, 'live', %s, %s, 1, '', '', %s)",
            START, state.FAST, START,
        )  # fmt: skip
        self.sql("ANALYZE")

    def sql(self, statement: str, *parameters: Any) -> None:
        with self.db.admin() as conn:
            conn.execute(statement, parameters)

    def run(self) -> float:
        """Seconds of one minute's stage."""
        self.at += MINUTE
        self.sql("UPDATE ai_baselines SET at = %s", self.at)
        began = time.perf_counter()
        stage.run(self.db, self.settings, self.at + timedelta(seconds=20))
        return time.perf_counter() - began

    def measure(self) -> dict[str, float]:
        """Seconds by situation, the median where there are several minutes of it."""
        found = {"idle": statistics.median(self.run() for _ in range(5))}
        next_ = self.at + MINUTE
        self.sql(
            "INSERT INTO ai_anomaly_logs (device_id, health_score, status, metrics, created_at, started_at, "
            "severity, metric, observed, expected_high, initial_score, peak_score, strength, opened_by) "
            """SELECT n, 0.5, 'open', '[{"metric": "cpu_percent", "kind": "baseline"}]', %s, %s, """
            "'warning', 'metric_' || n %% 97, 97, 90, 0.5, 0.5, 2, 'evidence' FROM generate_series(1, %s) n",
            next_, next_, self.devices,
        )  # fmt: skip
        found["storm"] = self.run()
        found["in the storm"] = statistics.median(self.run() for _ in range(3))
        self.sql("UPDATE ai_anomaly_logs SET status = 'closed', ended_at = started_at")
        found["over"] = self.run()
        self.at += self.settings.incidents.hold_minutes * MINUTE
        found["closed"] = self.run()
        self.sql(
            "INSERT INTO ai_device_gaps (device_id, status, reason, last_sample_at, noticed_at) "
            "SELECT n, 'no_data', 'silent', %s, %s FROM generate_series(1, %s) n",
            self.at - 3 * MINUTE, self.at + MINUTE, self.devices,
        )  # fmt: skip
        found["all silent"] = self.run()
        found["in the silence"] = statistics.median(self.run() for _ in range(3))
        return {name: round(seconds, 3) for name, seconds in found.items()}


@contextmanager
def server() -> Iterator[str]:
    """An embedded PostgreSQL of this benchmark's own."""
    var = Path(tempfile.mkdtemp(prefix="hp-inc-"))
    running = embedded.start(var)
    try:
        yield running.url
    finally:
        running.stop()
        shutil.rmtree(var, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dump", type=Path, default=DUMP)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--devices", type=int, default=10_000)
    asked = parser.parse_args()
    settings = Settings()
    result: dict[str, Any] = {"benchmark": "incidents", "dump": asked.dump.name}
    if asked.days:
        with server() as url:
            db = Database(url)
            with db.admin() as conn:
                conn.execute("SET search_path = public")
                restore(conn, asked.dump)
            migrate.upgrade(db)
            began = time.perf_counter()
            play = replay(db, settings, asked.days)
            result |= shown(play) | {"replay_seconds": round(time.perf_counter() - began, 1)}
            calm(play, play.end)
    if asked.devices:
        with server() as url:
            db = Database(url)
            with db.admin() as conn:
                conn.execute("SET search_path = public")
                conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_text())
            migrate.upgrade(db)
            found = Stage(db, settings, asked.devices).measure()
            for name, seconds in found.items():
                print(f"{asked.devices} devices, {name:16} {seconds:7.3f} s")
            result["stage_seconds"] = found
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
