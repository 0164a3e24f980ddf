"""A fleet split over shards: who scores what, who waits for whom, and what a change of their number costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments import bootstrap
from homepot_ai.errors import ScoringError, ShardsChanged, StateGone
from homepot_ai.fleet.shards import shard_of
from homepot_ai.health import learning, planning, resharding, scoring
from homepot_ai.health.planning import MINUTE
from homepot_ai.health.week import HOURS, PARTS, Week
from homepot_ai.reporting.own import shard_layouts
from homepot_ai.settings import Settings
from homepot_ai.store import fits, locks, state
from homepot_ai.store.database import Database
from tests.support import START, small_fleet, table_checksums, telemetry, wave

DEVICES = list(range(1, 17))
LEARNED = 90
NOW = START + LEARNED * MINUTE
END = NOW + 121 * MINUTE


def settings_of(shards: int) -> Settings:
    return Settings(scoring={"shards": shards, "warmup_scored_days": 0})


def rows(db: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with db.reader() as conn:
        return conn.execute(query, parameters).fetchall()


def run(db: Database, settings: Settings, until: datetime, only: Sequence[int] | None = None) -> None:
    """Score every shard up to this minute; what the tables hold of later ones has happened already."""
    for shard in only or range(settings.scoring.shards):
        while True:
            with db.reader() as conn:
                if state.live(conn)[shard].watermark >= until:
                    break
            plan = planning.plan(db, settings, shard=shard, at=until, now=END)
            scored = scoring.score(settings, plan, scoring.read(db, settings, plan))
            scoring.store(db, settings, plan, scored, END)


def world(db: Database) -> None:
    """Devices of four types, with metrics of their own that no two shards meet in the same order."""
    small_fleet(db, devices=len(DEVICES))
    with db.admin() as conn:
        conn.execute(
            "UPDATE devices SET device_type = "
            "(ARRAY['gateway', 'kiosk', 'pos_terminal', 'iot_sensor'])[1 + mod(id, 4)]"
        )
        conn.execute(
            "INSERT INTO health_checks (id, device_id, is_healthy, timestamp) SELECT m, 5, m % 3 = 0, "
            "'2026-11-18 10:40+00'::timestamptz + m * interval '1 minute' FROM generate_series(1, 60) m"
        )

    def sick(minute: int, device: int) -> float:
        hit = device in (3, 9) and (LEARNED + 35 < minute < LEARNED + 90)
        return 99.0 if hit else wave(40)(minute, device)

    def own(minute: int, device: int) -> str:
        # 16 - device: the first device of a shard brings names that another shard meets last.
        names = [f"m{(16 - device + i) % 7}" for i in range(4)]
        return json.dumps({name: round(wave(20)(minute + i, device), 3) for i, name in enumerate(names)})

    telemetry(db, START, LEARNED + 122, DEVICES, cpu_percent=sick, memory_percent=wave(55), extra_metrics=own)


def fitted(db: Database, at: datetime, seed: int) -> None:
    """A fitted week of one shard, as learn-baselines stores it: offsets that move scores."""
    names = ["m3", "cpu_percent", "never_seen"]
    device, metric = np.repeat(DEVICES, 3), np.tile(np.arange(3, dtype=np.int32), len(DEVICES))
    offset = np.random.default_rng(seed).normal(0, 4, (len(device), HOURS)).astype(np.float32)
    week = Week.build(names, device, metric, offset)
    row = {
        "data_from": at - timedelta(days=30), "data_until": at, "series": len(week), "error_new": 0.5,
        "error_old": None, "error_without": 1.0, "adopted": True, "reason": "better", "details": {},
    }  # fmt: skip
    with db.writer() as conn:
        payloads = [(part, week.dump(part)) for part in PARTS]
        fits.store(conn, 0, row, payloads, shards=1, now=at, keep_hours=48)


def results(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    queries = {
        "scores": "SELECT device_id, at, score, status, reason, sample_count, data_age_seconds, factors "
        "FROM ai_health_scores ORDER BY 1, 2",
        "anomalies": "SELECT device_id, started_at, ended_at, severity, metric, observed, expected_low, "
        "expected_high, initial_score, peak_score, metrics FROM ai_anomaly_logs ORDER BY 1, 2",
        # In which order a shard met names is nobody's business.
        "hours": "SELECT device_id, hour, m, n[i], mean[i], min[i], max[i], last[i] FROM ai_metric_hours, "
        "unnest(metrics) WITH ORDINALITY AS u(m, i) ORDER BY 1, 2, 3",
        "events": "SELECT device_id, at, kind, key, summary FROM ai_event_cache ORDER BY 1, 2, 3, 4",
    }
    return {name: rows(db, query) for name, query in queries.items()}


def live_bytes(db: Database) -> dict[tuple[int, int], bytes]:
    """Every part of every shard's live state."""
    with db.reader() as conn:
        parts = [state.FAST, state.CURSOR, *state.slots(conn)]
        return {
            (shard, part): bytes(payload)
            for shard in state.live(conn)
            for part, payload in state.live_parts(conn, shard, parts).items()
        }


class TestTheHash:
    @pytest.mark.parametrize("shards", [1, 2, 3, 4, 7, 16, 100])
    def test_sql_and_python_agree(self, database: Database, shards: int) -> None:
        ids = [*range(3000), *range(2**31 - 500, 2**31)]
        found = rows(database, "SELECT ai_shard_of(i, %s) FROM unnest(%s::int[]) i", shards, ids)
        assert [n for (n,) in found] == shard_of(np.array(ids), shards).tolist()

    def test_it_never_changes(self) -> None:
        # Where devices lie is stored: another hash would lose what was learned of them.
        assert shard_of(np.arange(1, 17), 4).tolist() == [3, 2, 2, 1, 1, 0, 0, 3, 3, 2, 2, 1, 1, 0, 0, 3]

    @pytest.mark.parametrize("step", [1, 2, 3, 4, 8, 10, 16, 64, 100, 128, 1000, 1024, 65536])
    @pytest.mark.parametrize("shards", [2, 3, 4, 8, 10, 16])
    def test_no_pattern_of_numbers_fills_one_shard(self, step: int, shards: int) -> None:
        held = np.bincount(shard_of(np.arange(1, 20_001) * step, shards), minlength=shards)
        assert held.max() < 1.1 * 20_000 / shards


class TestOneRunAtATime:
    HOLD = """
import sys, time
from homepot_ai.store import locks
from homepot_ai.store.database import Database
with locks.shard(Database(sys.argv[1]), int(sys.argv[2])) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""

    def hold(self, db: Database, shard: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", self.HOLD, db.url, str(shard)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def test_a_second_process_finds_it_busy_until_the_first_is_killed(self, database: Database) -> None:
        first = self.hold(database, 1)
        try:
            assert first.stdout is not None
            assert first.stdout.readline() == "True\n"
            second = self.hold(database, 1)
            assert second.stdout is not None
            assert second.stdout.readline() == "False\n"
            second.kill()
            with locks.shard(database, 0) as other:
                assert other, "another shard is free"
            with (
                pytest.raises(ScoringError, match="shard 1 was being scored for 1 s"),
                locks.all_shards(database, 2, patience_s=1),
            ):
                pass
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            deadline, mine = time.monotonic() + 10, False
            while not mine and time.monotonic() < deadline:
                with locks.shard(database, 1) as mine:
                    pass
                time.sleep(0.05)
            assert mine, "PostgreSQL frees the lock of a process that is gone"
        finally:
            first.kill()

    def test_it_is_free_again_after_the_block_and_after_an_error(self, database: Database) -> None:
        for _ in range(2):
            with pytest.raises(RuntimeError), locks.shard(database, 0) as mine:
                assert mine
                raise RuntimeError
        with locks.all_shards(database, 3, patience_s=1), locks.shard(database, 2) as mine:
            assert not mine


class TestAnotherNumberOfShards:
    def test_is_refused_until_the_state_is_redistributed(self, database: Database) -> None:
        world(database)
        learning.warm_up(database, settings_of(1), until=NOW - MINUTE, now=NOW)
        for shard in range(4):
            with pytest.raises(ShardsChanged, match=r"made for 1 shard, .* says 4: run `homepot-ai reshard`"):
                planning.plan(database, settings_of(4), shard=shard, now=NOW)
        with pytest.raises(ScoringError, match=r"there is no shard 4: scoring\.shards is 4"):
            planning.plan(database, settings_of(4), shard=4, now=NOW)
        assert resharding.reshard(database, settings_of(1), now=NOW) is None
        assert resharding.reshard(database, settings_of(4), now=NOW) is not None
        assert planning.plan(database, settings_of(4), shard=3, now=NOW).mode == "live"
        with pytest.raises(ShardsChanged, match=r"made for 4 shards, .* says 1"):
            planning.plan(database, settings_of(1), now=NOW)

    def test_scores_are_those_of_an_installation_that_never_changed(
        self, clone: Callable[[str], Database], empty_template: str
    ) -> None:
        still, moved = clone(empty_template), clone(empty_template)
        ends = [NOW + 40 * MINUTE, NOW + 80 * MINUTE, NOW + 120 * MINUTE]
        for db in (still, moved):
            world(db)
            # The second takes over from the first while all this happens.
            fitted(db, NOW - timedelta(days=2), seed=1)
            fitted(db, NOW - timedelta(hours=2), seed=2)
            learning.warm_up(db, settings_of(1), until=NOW - MINUTE, now=NOW)
        for end in ends:
            run(still, settings_of(1), end)
        for shards, end in zip((1, 4, 2), ends, strict=True):
            resharding.reshard(moved, settings_of(shards), now=END)
            run(moved, settings_of(shards), end)
        expected, found = results(still), results(moved)
        assert len(expected["scores"]) == 121 * len(DEVICES)
        assert len(expected["anomalies"]) >= 2
        assert all(score is not None for _, _, score, *_ in expected["scores"])
        for name in expected:
            assert found[name] == expected[name], name
        in_force = rows(
            moved, "SELECT shard, version, series FROM ai_baseline_fits WHERE in_force ORDER BY 1"
        )
        assert [(shard, version) for shard, version, _ in in_force] == [(0, 6), (1, 6)]
        assert sum(series for *_, series in in_force) == 3 * len(DEVICES)

    def test_what_is_split_and_put_together_again_has_the_same_bytes(self, database: Database) -> None:
        world(database)
        learning.warm_up(database, settings_of(1), until=NOW - MINUTE, now=NOW)
        run(database, settings_of(1), NOW + 50 * MINUTE)
        before = live_bytes(database)
        assert len(before) > 4
        for shards in (4, 3, 1):
            resharding.reshard(database, settings_of(shards), now=END)
            assert {shard for shard, _ in live_bytes(database)} == set(range(shards))
        assert live_bytes(database) == before

    def test_shards_that_lag_or_never_ran_are_brought_to_the_same_minute(self, database: Database) -> None:
        world(database)
        three = settings_of(3)
        for shard in (0, 1):
            learning.warm_up(database, three, shard=shard, until=NOW - MINUTE, now=NOW)
        run(database, three, NOW + 30 * MINUTE, only=[0])
        run(database, three, NOW + 10 * MINUTE, only=[1])
        done = resharding.reshard(database, settings_of(1), now=END)
        assert done is not None
        assert "from 3 to 1 shards, as of 2026-11-18 11:00 UTC" in str(done)
        run(database, settings_of(1), NOW + 40 * MINUTE)
        per_device = dict(rows(database, "SELECT device_id, count(*) FROM ai_health_scores GROUP BY 1"))
        owner = dict(zip(DEVICES, shard_of(np.array(DEVICES), 3).tolist(), strict=True))
        assert {per_device[d] for d in DEVICES if owner[d] < 2} == {41}
        assert {per_device[d] for d in DEVICES if owner[d] == 2} == {10}, "it began with what it learned"
        query = "SELECT bool_and(score IS NOT NULL) FROM ai_health_scores WHERE at = %s"
        ((ready,),) = rows(database, query, NOW + 40 * MINUTE)
        assert ready

    def test_a_process_killed_on_the_way_leaves_everything_as_it_was(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world(database)
        learning.warm_up(database, settings_of(1), until=NOW - MINUTE, now=NOW)
        before = table_checksums(database, "homepot_ai")
        with monkeypatch.context() as patched, pytest.raises(RuntimeError):
            patched.setattr(
                resharding.audit, "record", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("killed"))
            )
            resharding.reshard(database, settings_of(4), now=NOW)
        assert table_checksums(database, "homepot_ai") == before

    def test_past_minutes_before_the_change_are_refused_and_later_ones_are_not(
        self, database: Database
    ) -> None:
        world(database)
        learning.warm_up(database, settings_of(1), until=NOW - MINUTE, now=NOW)
        run(database, settings_of(1), NOW + 45 * MINUTE)
        resharding.reshard(database, settings_of(2), now=END)
        two = settings_of(2)
        run(database, two, NOW + 50 * MINUTE)
        with pytest.raises(StateGone, match=r"minutes after 2026-11-18 11:15 UTC can be.*scoring.shards"):
            planning.plan(database, two, at=NOW + 40 * MINUTE, now=END)
        for shard in (0, 1):
            plan = planning.plan(database, two, shard=shard, at=NOW + 48 * MINUTE, now=END)
            scored = scoring.score(two, plan, scoring.read(database, two, plan))
            summary = scoring.store(database, two, plan, scored, END)
            assert (summary.written, summary.differing) == (0, 0)
            assert summary.equal == (shard_of(np.array(DEVICES), 2) == shard).sum()


def test_the_command_and_bootstrap_redistribute_once(database: Database, tmp_path: Path) -> None:
    world(database)
    learning.warm_up(database, settings_of(1), until=NOW - MINUTE, now=NOW)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEPOT_AI_")}
    variables = {"DATABASE_URL": database.url, "VAR_DIR": str(tmp_path), "SCORING__SHARDS": "2"}
    env = kept | {f"HOMEPOT_AI_{name}": value for name, value in variables.items()}
    told = []
    for _ in range(2):
        command = [sys.executable, "-m", "homepot_ai.cli", "reshard"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, cwd=tmp_path)
        told.append(done.stdout)
    assert "redistributed from 1 to 2 shards, as of 2026-11-18 10:29 UTC" in told[0]
    assert "nothing to do: the state is one of 2 shard(s)" in told[1]
    three = Settings(database_url=database.url, var_dir=tmp_path, scoring={"shards": 3})
    assert "from 2 to 3 shards" in str(bootstrap.fit_shards(three, NOW))
    assert bootstrap.fit_shards(three, NOW) is None
    assert rows(database, "SELECT details->'before', details->'after' FROM ai_audit_log ORDER BY id") == [
        (1, 2), (2, 3),
    ]  # fmt: skip


def test_one_snapshot_always_stays_and_the_cap_is_shared(database: Database) -> None:
    world(database)
    learning.warm_up(database, settings_of(1), until=NOW - MINUTE, now=NOW)
    with database.writer() as conn:
        parts = state.live_parts(conn, 0, [state.FAST, state.CURSOR])
        copies = {part: bytes(payload) for part, payload in parts.items()}
        size = 8000 * -(-len(copies[state.FAST]) // 8000) + len(copies[state.CURSOR])
        for hour in range(5):
            state.put_snapshot(conn, 0, NOW + timedelta(hours=hour), copies, NOW, shards=1)
        newest = NOW + timedelta(hours=4)
        state.forget_snapshots(conn, 0, newest=newest, hours=48, max_bytes=3 * size)
        kept = "SELECT DISTINCT at FROM ai_baselines WHERE kind = 'snapshot' ORDER BY 1"
        assert [at for (at,) in conn.execute(kept)] == [NOW + timedelta(hours=h) for h in (2, 3, 4)]
        state.forget_snapshots(conn, 0, newest=newest, hours=48, max_bytes=10)
        assert [at for (at,) in conn.execute(kept)] == [newest]
        held = conn.execute("SELECT DISTINCT at FROM ai_baseline_pages WHERE NOT live").fetchall()
        assert held == [(newest,)]


def test_a_damaged_page_is_noticed(database: Database, tmp_path: Path) -> None:
    world(database)
    learning.warm_up(database, settings_of(1), until=NOW - MINUTE, now=NOW)
    with database.writer() as conn:
        conn.execute(
            "UPDATE ai_baseline_pages "
            "SET payload = set_byte(payload, 5000, 255 - get_byte(payload, 5000)) WHERE page = 0"
        )
    plan = planning.plan(database, settings_of(1), now=NOW)
    with pytest.raises(ScoringError, match="damaged"):
        scoring.read(database, settings_of(1), plan)


def test_minutes_due_follow_the_number_of_shards() -> None:
    """A report counts shard-minutes: a change at noon must not make the morning look unscored."""
    hours = [START + timedelta(hours=h) for h in range(10)]
    changes = [(hours[2], 1, 4), (hours[6], 4, 2)]

    def numbers(first: int, last: int) -> list[tuple[int, int]]:
        found = shard_layouts(changes, 2, hours[first], hours[last])
        assert (found[0][0], found[-1][1]) == (hours[first], hours[last])
        return [((end - start) // timedelta(hours=1), number) for start, end, number in found]

    assert numbers(0, 2) == [(2, 1)]
    assert numbers(0, 9) == [(2, 1), (4, 4), (3, 2)]
    assert numbers(3, 7) == [(3, 4), (1, 2)]
    assert numbers(7, 9) == [(2, 2)]
    assert shard_layouts([], 3, hours[0], hours[1]) == [(hours[0], hours[1], 3)]
