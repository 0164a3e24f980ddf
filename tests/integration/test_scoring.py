"""The minute's pipeline on a real database: plan, read, score, store - and everything that goes wrong."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homepot_ai.errors import ScoringError, StateGone, StateMoved
from homepot_ai.fleet import events
from homepot_ai.health import learning, planning, scoring
from homepot_ai.health.engine import Engine
from homepot_ai.health.planning import MINUTE
from homepot_ai.health.summary import ScoreSummary
from homepot_ai.overview import overview
from homepot_ai.settings import Settings
from homepot_ai.store import state
from homepot_ai.store.database import Database
from tests.support import START, small_fleet, table_checksums, telemetry, wave

DEVICES = range(1, 7)
LEARNED = 90  # minutes of history before START + LEARNED


def run(db: Database, settings: Settings, now: datetime, at: datetime | None = None) -> ScoreSummary:
    plan = planning.plan(db, settings, at=at, now=now)
    assert plan.mode != "nothing", plan.reason
    return scoring.store(
        db, settings, plan, scoring.score(settings, plan, scoring.read(db, settings, plan)), now
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A first run that only learns: what these tests count are their own minutes."""
    return Settings(var_dir=tmp_path, scoring={"warmup_scored_days": 0})


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Database:
    """Six devices with an hour and a half of calm history, learned from."""
    small_fleet(database)
    telemetry(database, START, LEARNED, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    until = START + LEARNED * MINUTE - MINUTE
    learning.warm_up(database, settings, until=until, now=until)
    return database


NOW = START + LEARNED * MINUTE


def rows(db: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with db.reader() as conn:
        return conn.execute(query, parameters).fetchall()


def test_a_calm_minute(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    summary = run(fleet, settings, NOW + timedelta(seconds=15))
    assert (summary.minutes, summary.devices, summary.written) == (1, 6, 6)
    assert summary.counts["healthy"] == 6
    found = rows(
        fleet,
        "SELECT device_id, at, score, status::text, sample_count, data_age_seconds FROM ai_health_scores",
    )
    assert [(r[0], r[1], r[3], r[4], r[5]) for r in found] == [(d, NOW, "healthy", 1, 30.0) for d in DEVICES]
    assert all(0.8 < r[2] <= 1 for r in found)
    assert "no device needs attention" in summary.markdown()


def test_the_first_run_of_all_needs_history_first(database: Database, settings: Settings) -> None:
    small_fleet(database)
    plan = planning.plan(database, settings, now=NOW)
    assert plan.needs_warm_up
    learned = learning.warm_up(database, settings, until=NOW - MINUTE, now=NOW)
    assert learned.since is None
    assert "No history" in learned.markdown()
    summary = run(database, settings, NOW)
    assert summary.counts["healthy"] == 0
    assert summary.counts["no_data"] + summary.counts["not_scored"] == 6


def test_a_first_run_scores_the_last_days_of_a_history_that_fits(
    database: Database, settings: Settings
) -> None:
    small_fleet(database)
    telemetry(database, START, LEARNED, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    both = Settings(var_dir=settings.var_dir)
    learned = learning.warm_up(database, both, until=NOW - MINUTE, now=NOW)
    assert learned.scored == 60  # what is left after the engine's first half hour
    assert rows(database, "SELECT min(at), max(at), count(*) FROM ai_health_scores") == [
        (START + 30 * MINUTE, NOW - MINUTE, 60 * 6)
    ]
    short = Settings(var_dir=settings.var_dir, scoring={"warmup_rows": 100})
    with database.writer() as conn:
        conn.execute("DELETE FROM ai_baselines")
    assert learning.warm_up(database, short, until=NOW - MINUTE, now=NOW).scored == 0


def test_what_is_wrong_at_the_first_run_is_an_anomaly(database: Database, settings: Settings) -> None:
    sick = lambda minute, device: 99.5 if device == 3 and minute >= 60 else 40.0 + minute * 37 % 11 / 10  # noqa: E731
    small_fleet(database)
    telemetry(database, START, LEARNED + 1, DEVICES, cpu_percent=sick, memory_percent=wave(55))
    learning.warm_up(database, settings, until=NOW - MINUTE, now=NOW)
    run(database, settings, NOW)
    assert rows(database, "SELECT device_id, status, started_at FROM ai_anomaly_logs") == [(3, "open", NOW)]


def test_a_state_of_another_version_is_learned_anew(fleet: Database, settings: Settings) -> None:
    sick = lambda minute, device: 99.5 if device == 3 else 41.0  # noqa: E731
    telemetry(fleet, NOW, 20, DEVICES, cpu_percent=sick, memory_percent=wave(55))
    run(fleet, settings, NOW + 15 * MINUTE)
    assert rows(fleet, "SELECT device_id, status FROM ai_anomaly_logs") == [(3, "open")]
    with fleet.admin() as conn:  # as 0.1.0's first state was: in its row, and with other arrays
        conn.execute("DELETE FROM ai_baseline_pages")
        conn.execute("UPDATE ai_baselines SET payload = %s WHERE part = -1", [b"HAIS0001 and so on"])
        conn.execute("UPDATE ai_baselines SET payload = %s WHERE part = -2", [b"of another kind"])
    both = Settings(var_dir=settings.var_dir)
    now = NOW + 20 * MINUTE
    assert "Checkout 3" in overview(fleet, both, now)
    plan = planning.plan(fleet, both, now=now)
    assert plan.needs_warm_up
    assert plan.reason == "first run since an update: learning anew"
    before = rows(fleet, "SELECT * FROM ai_health_scores ORDER BY at, device_id")
    learned = learning.warm_up(fleet, both, until=plan.first - MINUTE, now=now)
    assert (learned.since, learned.scored) == (START - MINUTE, 4)
    # The episode that only the old state knew ends when it was last looked at, and nothing is told twice.
    assert rows(
        fleet, "SELECT status, ended_at FROM ai_anomaly_logs WHERE started_at <= %s", NOW + 15 * MINUTE
    ) == [("closed", NOW + 15 * MINUTE)]
    kept = rows(
        fleet, "SELECT * FROM ai_health_scores WHERE at <= %s ORDER BY at, device_id", NOW + 15 * MINUTE
    )
    assert kept == before
    assert run(fleet, both, now).minutes == 1


def test_an_empty_fleet_is_no_error(database: Database, settings: Settings) -> None:
    learning.warm_up(database, settings, until=NOW - MINUTE, now=NOW)
    summary = run(database, settings, NOW)
    assert (summary.devices, summary.written) == (0, 0)
    assert "no device" in summary.markdown()


def test_a_sick_device_is_explained_and_the_factors_add_up(fleet: Database, settings: Settings) -> None:
    sick = lambda minute, device: 99.5 if device == 3 and minute > 3 else 41.0  # noqa: E731
    telemetry(fleet, NOW, 15, DEVICES, cpu_percent=sick, memory_percent=wave(55))
    summary = run(fleet, settings, NOW + 14 * MINUTE)
    assert summary.counts["healthy"] == 5
    assert [(d.name, d.status) for d in summary.ill] == [("Checkout 3", "critical")]
    assert "CPU 99.5 %" in summary.ill[0].why
    ((score, factors),) = rows(
        fleet,
        "SELECT score, factors FROM ai_health_scores WHERE device_id = 3 AND at = %s",
        NOW + 14 * MINUTE,
    )
    assert sum(f["contribution"] for f in factors) == pytest.approx(1 - score, abs=2e-3)
    assert factors[0]["metric"] == "cpu_percent"
    ((metric, status, initial, peak),) = rows(
        fleet, "SELECT metric, status, initial_score, peak_score FROM ai_anomaly_logs"
    )
    assert (metric, status) == ("cpu_percent", "open")
    assert peak <= initial
    with fleet.reader() as conn:
        told = events.recent(conn, 3, NOW + 15 * MINUTE)
    assert {e.kind for e in told} == {"anomaly", "status_change"}
    text = events.summary(told, NOW + 15 * MINUTE, max_characters=300)
    assert len(text) <= 300
    assert "CPU" in text


def test_what_opens_is_closed_again_and_keeps_its_beginning(fleet: Database, settings: Settings) -> None:
    telemetry(
        fleet, NOW, 90, DEVICES, memory_percent=wave(55),
        cpu_percent=lambda minute, device: 99.5 if device == 3 and minute < 20 else wave(40)(minute, device),
    )  # fmt: skip
    now = NOW + 89 * MINUTE
    run(fleet, settings, now, at=NOW + 10 * MINUTE)
    ((opened,),) = rows(fleet, "SELECT to_jsonb(a) - '{peak_score,severity}'::text[] FROM ai_anomaly_logs a")
    run(fleet, settings, now, at=NOW + 69 * MINUTE)
    run(fleet, settings, now)
    ((closed,),) = rows(fleet, "SELECT to_jsonb(a) - '{peak_score,severity}'::text[] FROM ai_anomaly_logs a")
    assert closed["status"] == "closed"
    assert datetime.fromisoformat(closed["ended_at"]) > NOW + 19 * MINUTE
    changed = {key for key in opened if opened[key] != closed[key]}
    assert changed == {"status", "ended_at"}


def test_garbage_costs_nobody_else_their_score(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    stamp = NOW.replace(tzinfo=None) - timedelta(seconds=20)
    with fleet.admin() as conn:
        conn.execute("ALTER TABLE device_metrics DROP CONSTRAINT device_metrics_device_id_fkey")
        insert = (
            "INSERT INTO device_metrics (timestamp, device_id, cpu_percent, extra_metrics) "
            "VALUES (%s, %s, %s, %s)"
        )
        for at, device, cpu, extra in (
            (stamp, 1, float("nan"), None),
            (stamp, 2, 1e30, None),
            (stamp, 3, -7.0, None),
            (stamp, 4, 41.0, '{"queue_wait": "very long"}'),
            (stamp, 5, 41.0, None),
            (stamp, 5, 41.0, None),
            (stamp + timedelta(days=2), 6, 41.0, None),
            (stamp, 99, 41.0, None),
        ):
            conn.execute(insert, [at, device, cpu, extra])
    summary = run(fleet, settings, NOW + timedelta(seconds=15))
    assert summary.counts["healthy"] == 6
    assert dict(summary.rejected) == {
        "duplicate": 1, "future": 1, "not_a_number": 2, "out_of_range": 2, "unknown_device": 1,
    }  # fmt: skip
    for words in ("sent twice", "in the future", "no number", "impossible value", "unknown"):
        assert words in summary.markdown()
    ((stored,),) = rows(fleet, "SELECT rejected FROM ai_scoring_minutes WHERE at = %s", NOW)
    assert stored == dict(summary.rejected)


def test_a_row_from_the_future_is_not_scored_when_its_time_comes(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    telemetry(fleet, NOW + 5 * MINUTE, 1, [6], cpu_percent=lambda *_: 99.0, memory_percent=wave(55))
    run(fleet, settings, NOW)
    telemetry(fleet, NOW + MINUTE, 5, list(DEVICES)[:5], cpu_percent=wave(40), memory_percent=wave(55))
    run(fleet, settings, NOW + 5 * MINUTE)
    ((samples,),) = rows(
        fleet, "SELECT sample_count FROM ai_health_scores WHERE device_id = 6 AND at = %s", NOW + 5 * MINUTE
    )
    assert samples == 0


def test_nor_when_its_time_comes_minute_by_minute(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW + 5 * MINUTE, 1, [6], cpu_percent=lambda *_: 99.0, memory_percent=wave(55))
    told = []
    for minute in range(8):
        telemetry(fleet, NOW + minute * MINUTE, 1, range(1, 6), cpu_percent=wave(40), memory_percent=wave(55))
        told.append(run(fleet, settings, NOW + minute * MINUTE).rejected)
    assert told == [{"future": 1}] + [{}] * 7
    assert rows(fleet, "SELECT sum(sample_count) FROM ai_health_scores WHERE device_id = 6") == [(0,)]


def test_what_arrives_while_history_is_learned_does_not_claim_the_future(
    database: Database, settings: Settings
) -> None:
    small_fleet(database)
    telemetry(database, START, LEARNED + 9, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    learning.warm_up(database, settings, until=NOW - MINUTE, now=NOW)
    assert run(database, settings, NOW + 8 * MINUTE).rejected == {}
    assert rows(database, "SELECT min(sample_count), count(*) FROM ai_health_scores") == [(1, 9 * 6)]


def test_a_row_is_used_however_far_its_number_lies_below_those_seen(
    fleet: Database, settings: Settings
) -> None:
    with fleet.admin() as conn:
        conn.execute("SELECT setval('device_metrics_id_seq', 1000000)")
    telemetry(fleet, NOW, 1, range(1, 6), cpu_percent=wave(40), memory_percent=wave(55))
    run(fleet, settings, NOW)
    with fleet.admin() as conn:  # a transaction that began before the others and ended after them
        conn.execute(
            "INSERT INTO device_metrics (id, timestamp, device_id, cpu_percent) VALUES (500000, %s, 6, 41)",
            [(NOW - timedelta(seconds=30)).replace(tzinfo=None)],
        )
    assert run(fleet, settings, NOW + MINUTE).rejected == {}
    assert rows(fleet, "SELECT sum(sample_count) FROM ai_health_scores WHERE device_id = 6") == [(1,)]


def test_a_loss_is_counted_in_one_minute_only(fleet: Database, settings: Settings) -> None:
    with fleet.admin() as conn:
        conn.execute("ALTER TABLE device_metrics DROP CONSTRAINT device_metrics_device_id_fkey")
    telemetry(fleet, NOW, 1, [*DEVICES, 6, 99], cpu_percent=lambda _, device: 1e30 if device < 3 else 40.0)
    told = [run(fleet, settings, NOW + minute * MINUTE).rejected for minute in range(3)]
    assert told == [{"duplicate": 1, "out_of_range": 2, "unknown_device": 1}, {}, {}]


def test_failed_checks_of_an_outage_are_caught_up_with(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 100, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    with fleet.admin() as conn:
        conn.execute(
            "INSERT INTO health_checks (id, device_id, is_healthy, timestamp) SELECT m, 2, m < 60, "
            "%s::timestamptz + m * interval '1 minute' - interval '20 s' FROM generate_series(0, 99) m",
            [NOW],
        )
        conn.execute(  # so many others that those above lie far below the newest
            "INSERT INTO health_checks (id, device_id, is_healthy, timestamp) SELECT 100 + m, 1, true, "
            "%s::timestamptz FROM generate_series(0, 25000) m",
            [NOW + 98 * MINUTE],
        )
    for _ in range(2):
        run(fleet, settings, NOW + 99 * MINUTE)
    ((factors,),) = rows(
        fleet, "SELECT factors FROM ai_health_scores WHERE device_id = 2 AND at = %s", NOW + 90 * MINUTE
    )
    assert (factors[0]["metric"], factors[0]["observed"]) == ("failed_checks_in_row", 31.0)


def test_text_that_postgresql_cannot_read_stops_nobody(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 31, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    with fleet.admin() as conn:
        for second in range(3):
            at = (NOW - timedelta(seconds=9 + second)).replace(tzinfo=None)
            for context in (
                r'{"device_id": "DEVICE-3", "body": "\u0000"}',
                r'{"device_id": "\u0000"}',
                r'{"device_id": "\ud800"}',
                "[1]",
                "null",
            ):
                conn.execute(
                    "INSERT INTO error_logs (timestamp, category, severity, error_message, context) "
                    "VALUES (%s, 'device', 'error', 'paper jam', %s)",
                    [at, context],
                )
        conn.execute(
            "INSERT INTO device_metrics (timestamp, device_id, extra_metrics) VALUES (%s, 6, %s)",
            [(NOW - timedelta(seconds=10)).replace(tzinfo=None), r'{"queue\u0000": 3}'],
        )
    run(fleet, settings, NOW + 30 * MINUTE)  # over a full hour: names go into ai_metric_hours
    assert rows(fleet, "SELECT device_id, summary FROM ai_event_cache WHERE kind = 'error_burst'") == [
        (3, "3 errors in 15 minutes, last: paper jam")
    ]
    ((names,),) = rows(
        fleet, "SELECT metrics FROM ai_metric_hours WHERE device_id = 6 AND 'queue' = ANY(metrics)"
    )
    assert names[-1] == "queue"


def test_late_rows_are_used_while_they_can_be_and_counted_when_not(
    fleet: Database, settings: Settings
) -> None:
    telemetry(fleet, NOW, 10, list(DEVICES)[1:], cpu_percent=wave(40), memory_percent=wave(55))
    run(fleet, settings, NOW + 8 * MINUTE)
    # Device 1 delivers what it kept: two rows young enough, five too old.
    telemetry(fleet, NOW, 9, [1], cpu_percent=wave(40), memory_percent=wave(55))
    summary = run(fleet, settings, NOW + 9 * MINUTE)
    assert summary.rejected == {"late": 4}
    ((samples, age),) = rows(
        fleet,
        "SELECT sample_count, data_age_seconds FROM ai_health_scores WHERE device_id = 1 AND at = %s",
        NOW + 9 * MINUTE,
    )
    assert (samples, age) == (5, 90.0)


def test_run_twice_is_the_same_as_once(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    run(fleet, settings, NOW)
    before = table_checksums(fleet, "homepot_ai")
    again = planning.plan(fleet, settings, now=NOW + timedelta(seconds=40))
    assert (again.mode, again.reason) == ("nothing", "10:30 UTC is scored already")
    assert table_checksums(fleet, "homepot_ai") == before


def test_a_past_minute_gives_the_same_rows_and_moves_nothing(fleet: Database, settings: Settings) -> None:
    sick = lambda minute, device: 97.0 if device == 2 and minute > 40 else wave(40)(minute, device)  # noqa: E731
    telemetry(fleet, NOW, 90, DEVICES, cpu_percent=sick, memory_percent=wave(55))
    for minute in (44, 89):
        run(fleet, settings, NOW + 90 * MINUTE, at=NOW + minute * MINUTE)
    before = table_checksums(fleet, "homepot_ai")
    past = NOW + 55 * MINUTE  # a snapshot was taken at 11:00, NOW + 30 minutes
    for _ in range(2):
        summary = run(fleet, settings, NOW + 90 * MINUTE, at=past)
        assert (summary.mode, summary.written, summary.equal, summary.differing) == ("past", 0, 6, 0)
        assert table_checksums(fleet, "homepot_ai") == before
    with fleet.writer() as conn:
        conn.execute("DELETE FROM ai_health_scores WHERE at = %s AND device_id IN (2, 4)", [past])
    assert run(fleet, settings, NOW + 90 * MINUTE, at=past).written == 2
    assert table_checksums(fleet, "homepot_ai") == before


def test_a_minute_older_than_every_state_is_refused_with_a_reason(
    fleet: Database, settings: Settings
) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    run(fleet, settings, NOW)
    with pytest.raises(StateGone, match=r"cannot be scored again.*none is kept yet"):
        planning.plan(fleet, settings, at=NOW - 30 * MINUTE, now=NOW)


def test_the_future_cannot_be_scored(fleet: Database, settings: Settings) -> None:
    with pytest.raises(ScoringError, match="lies in the future"):
        planning.plan(fleet, settings, at=NOW + 5 * MINUTE, now=NOW)


def test_after_downtime_every_minute_is_caught_up_in_bounded_runs(
    fleet: Database, settings: Settings
) -> None:
    telemetry(fleet, NOW, 100, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    now = NOW + 99 * MINUTE
    first = run(fleet, settings, now)
    assert (first.minutes, first.behind) == (60, 40)
    assert "catching up 60 minutes" in first.markdown()
    second = run(fleet, settings, now)
    assert (second.minutes, second.behind) == (40, 0)
    assert first.rejected == second.rejected == {}
    ((minutes, n),) = rows(fleet, "SELECT count(DISTINCT at), count(*) FROM ai_health_scores")
    assert (minutes, n) == (100, 600)
    hours = rows(fleet, "SELECT DISTINCT hour, n[1] FROM ai_metric_hours WHERE hour >= %s ORDER BY 1", NOW)
    assert [n for _, n in hours] == [60]


def test_two_runs_at_once_leave_one_result(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    plan = planning.plan(fleet, settings, now=NOW)
    batch = scoring.read(fleet, settings, plan)
    scored = scoring.score(settings, plan, batch)
    scoring.store(fleet, settings, plan, scored, NOW)
    before = table_checksums(fleet, "homepot_ai")
    with pytest.raises(StateMoved):
        scoring.store(fleet, settings, plan, scored, NOW)
    assert table_checksums(fleet, "homepot_ai") == before


def test_a_run_that_was_overtaken_before_it_read_gives_way(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    plan = planning.plan(fleet, settings, now=NOW)
    run(fleet, settings, NOW)
    with pytest.raises(StateMoved):
        scoring.read(fleet, settings, plan)


def test_a_store_that_fails_half_way_leaves_nothing(
    fleet: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry(fleet, NOW, 1, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    before = table_checksums(fleet, "homepot_ai")
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(
            scoring.scores, "insert_events", lambda *_: (_ for _ in ()).throw(RuntimeError("killed"))
        )
        run(fleet, settings, NOW)
    after = table_checksums(fleet, "homepot_ai")
    assert {t for t in after if after[t] != before.get(t)} <= {"ai_health_scores"} | {
        t for t in after if t not in before
    }
    assert rows(fleet, "SELECT count(*) FROM ai_health_scores") == [(0,)]
    assert run(fleet, settings, NOW).written == 6


def test_a_silent_device_has_no_data_and_no_score(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 20, [1, 2, 3, 4, 5], cpu_percent=wave(40), memory_percent=wave(55))
    summary = run(fleet, settings, NOW + 19 * MINUTE)
    assert (summary.counts["healthy"], summary.counts["no_data"]) == (5, 1)
    assert "1 without data" in summary.headline
    ((score, status, reason),) = rows(
        fleet,
        "SELECT score, status::text, reason::text FROM ai_health_scores WHERE device_id = 6 AND at = %s",
        NOW + 19 * MINUTE,
    )
    assert (score, status, reason) == (None, "no_data", "silent")


def test_a_heartbeat_without_samples_is_stale(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 20, [1, 2, 3, 4, 5], cpu_percent=wave(40), memory_percent=wave(55))
    with fleet.admin() as conn:
        conn.execute("UPDATE devices SET last_heartbeat_at = %s WHERE id = 6", [NOW + 19 * MINUTE])
    run(fleet, settings, NOW + 19 * MINUTE)
    found = rows(
        fleet,
        "SELECT status::text, reason::text FROM ai_health_scores WHERE device_id = 6 AND at = %s",
        NOW + 19 * MINUTE,
    )
    assert found == [("not_scored", "stale")]


def test_homepots_word_is_not_believed(fleet: Database, settings: Settings) -> None:
    """HOMEPOT goes on saying online and healthy of a device that fell silent."""
    with fleet.admin() as conn:
        conn.execute("UPDATE devices SET status = 'online', health_state = 'healthy', is_monitored = false")
    telemetry(fleet, NOW, 20, [1, 2, 3, 4, 5], cpu_percent=wave(40), memory_percent=wave(55))
    assert run(fleet, settings, NOW + 19 * MINUTE).counts["no_data"] == 1


def test_logs_become_signals_and_events(fleet: Database, settings: Settings) -> None:
    telemetry(fleet, NOW, 5, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    with fleet.admin() as conn:
        for minute in range(4):
            at = NOW + minute * MINUTE + timedelta(seconds=10)
            conn.execute(
                "INSERT INTO health_checks (id, device_id, is_healthy, timestamp) VALUES (%s, 2, false, %s)",
                [minute + 1, at],
            )
            conn.execute(
                "INSERT INTO error_logs (timestamp, category, severity, error_message, context) "
                "VALUES (%s, 'device', 'error', %s, %s)",
                [at.replace(tzinfo=None), "printer\x07 jam\r\nBcc: x", json.dumps({"device_id": "DEVICE-3"})],
            )
        late = (NOW + 3 * MINUTE).replace(tzinfo=None)
        conn.execute(
            "INSERT INTO device_state_history (timestamp, device_id, previous_state, new_state) "
            "VALUES (%s, 4, 'online', 'error')",
            [late],
        )
        conn.execute(
            "INSERT INTO job_outcomes (timestamp, job_id, job_type, device_id, status, error_message) "
            "VALUES (%s, 'j', 'firmware_update', 'DEVICE-5', 'failed', 'checksum')",
            [late],
        )
        conn.execute(
            "INSERT INTO configuration_history (timestamp, entity_type, entity_id, parameter_name, "
            "new_value, changed_by, change_type) "
            "VALUES (%s, 'device', 'DEVICE-6', 'max_connections', '1', 'me', 'manual')",
            [late],
        )
    run(fleet, settings, NOW + 4 * MINUTE)
    told = {
        (d, kind): summary
        for d, kind, summary in rows(fleet, "SELECT device_id, kind, summary FROM ai_event_cache")
    }
    assert told[4, "status_change"] == "HOMEPOT state online → error"
    assert told[5, "failed_job"] == "job firmware_update failed: checksum"
    assert told[6, "configuration_change"].startswith("max_connections changed")
    assert told[3, "error_burst"] == "4 errors in 15 minutes, last: printer jam Bcc: x"
    ((factors,),) = rows(
        fleet, "SELECT factors FROM ai_health_scores WHERE device_id = 2 AND at = %s", NOW + 4 * MINUTE
    )
    assert ("failed_checks_in_row", 4.0) in {(f["metric"], f["observed"]) for f in factors}


def test_maintenance_days_count_outside_opening_hours(fleet: Database, settings: Settings) -> None:
    with fleet.admin() as conn:
        conn.execute(
            "INSERT INTO site_operating_schedules (id, site_id, day_of_week, open_time, close_time, "
            "is_closed, is_maintenance_window) VALUES (1, 1, 2, '12:00', '22:00', false, true)"
        )
    telemetry(fleet, NOW, 40, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    # A Wednesday, 10:30 UTC = 11:30 in Berlin: closed until 12:00.
    assert run(fleet, settings, NOW + 10 * MINUTE).counts["in_maintenance"] == 6
    assert run(fleet, settings, NOW + 35 * MINUTE).counts["in_maintenance"] == 0


@pytest.mark.parametrize("farewell", ["retired", "deleted"])
def test_the_anomaly_of_a_device_that_is_gone_is_closed(
    fleet: Database, settings: Settings, farewell: str
) -> None:
    sick = lambda minute, device: 99.5 if device == 6 else wave(40)(minute, device)  # noqa: E731
    telemetry(fleet, NOW, 20, DEVICES, cpu_percent=sick, memory_percent=wave(55))
    run(fleet, settings, NOW + 10 * MINUTE)
    with fleet.admin() as conn:
        if farewell == "retired":
            conn.execute("UPDATE devices SET lifecycle_state = 'retired' WHERE id = 6")
        else:
            conn.execute("DELETE FROM device_metrics WHERE device_id = 6")
            conn.execute("DELETE FROM devices WHERE id = 6")
    assert run(fleet, settings, NOW + 19 * MINUTE).closed == 1
    assert rows(fleet, "SELECT status, ended_at FROM ai_anomaly_logs") == [("closed", NOW + 11 * MINUTE)]


def test_names_that_change_all_the_time_cost_nobody_else_anything(
    fleet: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homepot_ai.health.memory.MANY_NAMES", 100)
    limited = Settings(
        var_dir=settings.var_dir,
        scoring={"warmup_scored_days": 0},
        health={"baseline": {"max_metrics": 40, "forget_days": 0.01}},
    )
    telemetry(
        fleet, NOW, 90, DEVICES, cpu_percent=wave(40), memory_percent=wave(55),
        extra_metrics=lambda minute, device: json.dumps(
            {f"job_{minute}_{i}": 1.0 for i in range(30)} if device == 2 else {"queue": 3.0 + minute % 2}
        ),
    )  # fmt: skip
    told = [run(fleet, limited, NOW + 89 * MINUTE, at=NOW + m * MINUTE).rejected for m in (0, 10, 50, 89)]
    assert [r.get("too_many_metrics", 0) > 0 for r in told] == [False, True, True, True]
    with fleet.reader() as conn:
        engine = Engine(limited.health)
        engine.load_part(state.FAST, state.live_parts(conn, 0, [state.FAST])[state.FAST])
    assert len(engine.metric_names) < 2000  # of 2700; a run's own are told apart
    counts = rows(
        fleet, "SELECT device_id, count(*), min(score) > 0.8 FROM ai_health_scores GROUP BY 1 ORDER BY 1"
    )
    assert counts == [(d, 90, True) for d in DEVICES]
    ((names,),) = rows(
        fleet, "SELECT metrics FROM ai_metric_hours WHERE device_id = 3 ORDER BY hour DESC LIMIT 1"
    )
    assert names == ["cpu_percent", "memory_percent", "queue"]


def test_a_watermark_in_the_future_is_explained(fleet: Database, settings: Settings) -> None:
    run(fleet, settings, NOW + 30 * MINUTE)
    plan = planning.plan(fleet, settings, now=NOW)
    assert plan.mode == "nothing"
    assert "11:00 UTC are scored already, which lies in the future: the clock was set back" in plan.reason


def test_shards_score_each_device_once(database: Database, tmp_path: Any) -> None:
    settings = Settings(var_dir=tmp_path, scoring={"shards": 2, "warmup_scored_days": 0})
    small_fleet(database)
    telemetry(database, START, LEARNED, DEVICES, cpu_percent=wave(40), memory_percent=wave(55))
    for shard in (0, 1):
        learning.warm_up(database, settings, shard=shard, until=NOW - 2 * MINUTE, now=NOW)
        plan = planning.plan(database, settings, shard=shard, now=NOW - MINUTE)
        scored = scoring.score(settings, plan, scoring.read(database, settings, plan))
        assert scoring.store(database, settings, plan, scored, NOW).written == 3
    assert rows(database, "SELECT count(*), count(DISTINCT device_id) FROM ai_health_scores") == [(6, 6)]
