"""The sample fleet in a real database: loaded once, replayed minute by minute, compared with the truth."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from homepot_ai.errors import SampleError
from homepot_ai.settings import DemoSettings, Settings
from homepot_ai.store.database import Database
from homepot_ai.testing import sample, sample_outage, sample_state
from homepot_ai.testing.sample_fleet import DEVICES

NOW = datetime(2026, 11, 20, 14, 7, 33, tzinfo=UTC)
MINUTE = NOW.replace(second=0)
DAYS = 9
# Each row with the time since the row before of the same device, and how much it should be.
GAPS = (
    "SELECT device_id, timestamp, collection_interval_seconds AS due, extract(epoch FROM timestamp - "
    "lag(timestamp) OVER (PARTITION BY device_id ORDER BY timestamp)) AS gap FROM device_metrics"
)


@dataclass
class Loaded:
    db: Database
    settings: Settings
    summary: sample.SampleSummary
    progress: list[tuple[int, int, str]]


@pytest.fixture(scope="module")
def loaded(postgres: str, empty_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Nine days of the sample fleet, loaded once; tests that write take a copy (`playing`)."""
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE sample_loaded TEMPLATE {empty_template}")
    db = Database(postgres.replace("/homepot?", "/sample_loaded?"))
    settings = Settings(var_dir=tmp_path_factory.mktemp("var"), demo=DemoSettings(history_days=DAYS))
    calls: list[tuple[int, int, str]] = []
    summary = sample.load(db, settings, NOW, lambda *call: calls.append(call))
    yield Loaded(db, settings, summary, calls)
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute("DROP DATABASE sample_loaded WITH (FORCE)")


@pytest.fixture
def playing(loaded: Loaded, clone: Callable[[str], Database]) -> Callable[[], Database]:
    """A function that makes a copy of the loaded database, for a test to write to."""
    return lambda: clone("sample_loaded")


def rows(db: Database, query: str, *parameters: object) -> list[tuple[object, ...]]:
    with db.admin() as conn:
        return conn.execute(query, parameters).fetchall()  # type: ignore[arg-type]


def test_past_incidents_have_facts_of_the_recording_and_made_up_resolutions(loaded: Loaded) -> None:
    found = rows(
        loaded.db,
        "SELECT cause, category, kind, resolution, facts->'metrics', opened_at, closed_at FROM ai_incidents "
        "WHERE state = 'closed' AND provenance = 'simulated' ORDER BY opened_at",
    )
    assert len(found) >= 6, found
    assert {row[2] for row in found} == {"device", "gateway"}
    for cause, _, kind, resolution, metrics, opened, closed in found:
        assert str(resolution).endswith("Simulated: part of the sample fleet.")
        assert loaded.summary.first < opened < closed < NOW  # type: ignore[operator]
        assert bool(metrics) == (kind == "device")
        for metric in metrics:  # type: ignore[attr-defined]
            edge = metric[metric["direction"]]
            assert (metric["observed"] > edge) == (metric["direction"] == "high"), cause
    assert rows(loaded.db, "SELECT count(*) FROM ai_incident_events") == [(0,)]


def test_what_is_loaded_ends_now_and_reaches_back(loaded: Loaded) -> None:
    assert sample.is_loaded(loaded.db, loaded.settings)
    [(count, first, last)] = rows(
        loaded.db, "SELECT count(*), min(timestamp), max(timestamp) FROM device_metrics"
    )
    assert count == loaded.summary.rows
    assert timedelta(minutes=5) > NOW.replace(tzinfo=None) - last >= timedelta(0)  # type: ignore[operator]
    assert first.replace(tzinfo=UTC) >= MINUTE - timedelta(days=DAYS)  # type: ignore[attr-defined]
    assert loaded.summary.incidents_ahead >= 3
    assert loaded.progress[-1][0] == loaded.progress[-1][1]
    done = [call[0] for call in loaded.progress]
    assert done[:-1] == sorted(done[:-1])


def test_no_row_is_there_twice_and_provenance_is_told(loaded: Loaded) -> None:
    assert not rows(
        loaded.db, "SELECT device_id FROM device_metrics GROUP BY device_id, timestamp HAVING count(*) > 1"
    )
    found = dict(
        rows(
            loaded.db,
            "SELECT d.name, string_agg(DISTINCT m.provenance || ' ' || collection_interval_seconds, ',') "
            "FROM device_metrics m JOIN devices d ON d.id = m.device_id GROUP BY d.name",
        )
    )
    assert len(found) == len(DEVICES)
    for device in DEVICES:
        interval = 60 if device.unit.startswith("machine") else 300
        assert found[device.name] == f"{'simulated' if device.constructed else 'controlled'} {interval}"


def test_samples_come_at_their_interval(loaded: Loaded) -> None:
    """Only the outage leaves a gap: rows are neither repeated, resampled nor padded."""
    gaps = rows(
        loaded.db,
        f"SELECT d.name, count(*) FROM ({GAPS}) x JOIN devices d ON d.id = x.device_id "
        "WHERE gap <> due GROUP BY d.name",
    )
    berlin = {device.name for device in DEVICES if device.gateway} | {"Store gateway"}
    assert dict(gaps) == dict.fromkeys(berlin, 1)


def test_the_outage_is_silent_and_told_in_states_and_logs(loaded: Loaded) -> None:
    [(offline,)] = rows(
        loaded.db,
        "SELECT count(DISTINCT device_id) FROM device_state_history "
        "WHERE new_state = 'offline' AND provenance = 'simulated'",
    )
    assert offline == 13
    assert rows(loaded.db, "SELECT DISTINCT provenance FROM error_logs") == [("simulated",)]
    [(alert,)] = rows(loaded.db, "SELECT resolution_notes FROM alerts WHERE severity = 'critical'")
    assert "modem" in str(alert)
    [(missing,)] = rows(
        loaded.db,
        "SELECT count(*) FROM alerts a WHERE status = 'resolved' AND resolved_at > timestamp "
        "AND device_id NOT IN (SELECT device_id FROM devices)",
    )
    assert missing == 0


def test_zones_gateways_and_subscriptions(loaded: Loaded) -> None:
    zones = {row[0] for row in rows(loaded.db, "SELECT timezone FROM ai_site_settings")}
    assert zones == {"Europe/Berlin", "America/New_York", "Asia/Singapore"}
    behind = rows(
        loaded.db,
        "SELECT count(*), count(DISTINCT gateway_device_id) FROM ai_device_settings "
        "WHERE gateway_device_id IS NOT NULL",
    )
    assert behind == [(12, 1)]
    scopes = rows(
        loaded.db, "SELECT kind, scope, count(*) FROM ai_subscriptions GROUP BY kind, scope ORDER BY 1, 2"
    )
    assert scopes == [
        ("alert", "fleet", 1),
        ("daily", "fleet", 1),
        ("daily", "site", 3),
        ("incident", "site", 3),
    ]
    heartbeats = rows(loaded.db, "SELECT DISTINCT last_heartbeat_at, last_seen FROM devices")
    assert heartbeats == [(NOW, NOW)]


def test_loading_twice_is_refused(loaded: Loaded) -> None:
    with pytest.raises(SampleError, match="--reset"):
        sample.load(loaded.db, loaded.settings, NOW)


def test_another_fleet_is_never_touched(homepot_dump: Database, settings: Settings) -> None:
    before = rows(homepot_dump, "SELECT count(*), max(id) FROM device_metrics")
    with pytest.raises(SampleError, match="another fleet"):
        sample.load(homepot_dump, settings, NOW)
    assert rows(homepot_dump, "SELECT count(*), max(id) FROM device_metrics") == before
    assert rows(homepot_dump, "SELECT count(*) FROM devices") == [(15,)]
    assert not sample.is_loaded(homepot_dump, settings)


def test_a_configured_database_is_never_touched(database: Database, tmp_path: Path) -> None:
    theirs = Settings(var_dir=tmp_path, database_url=SecretStr(database.url))
    for act in (
        lambda: sample.load(database, theirs, NOW),
        lambda: sample.replay(database, theirs, NOW),
        lambda: sample.create_homepot_tables(database, theirs),
    ):
        with pytest.raises(SampleError, match="embedded"):
            act()
    assert rows(database, "SELECT count(*) FROM sites") == [(0,)]


def test_a_load_that_breaks_leaves_nothing_and_may_be_repeated(database: Database, tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path, demo=DemoSettings(history_days=2))

    def pull_the_plug(done: int, _total: int, _text: str) -> None:
        if done > 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample.load(database, settings, NOW, pull_the_plug)
    assert not sample.is_loaded(database, settings)
    assert rows(database, "SELECT count(*) FROM device_metrics") == [(0,)]
    assert sample.load(database, settings, NOW).devices == len(DEVICES)
    assert sample.is_loaded(database, settings)


CHECKSUM = (
    "SELECT count(*), md5(string_agg(m::text, '' ORDER BY device_id, timestamp)) FROM (SELECT device_id, "
    "timestamp, cpu_percent, memory_percent, disk_percent, transaction_volume, extra_metrics::text, "
    "provenance FROM device_metrics WHERE timestamp > %s) m"
)


def test_replay_in_any_steps_gives_the_same_rows(loaded: Loaded, playing: Callable[[], Database]) -> None:
    since = MINUTE.replace(tzinfo=None) - timedelta(minutes=30)
    once, often = playing(), playing()
    total = sample.replay(once, loaded.settings, NOW + timedelta(minutes=30))
    steps = [0, 0, 60, 61, 61, 119, 600, 300, 1799, 1800, 1800]
    each = [sample.replay(often, loaded.settings, NOW + timedelta(seconds=step)).rows for step in steps]
    assert sum(each) == total.rows
    assert [each[position] for position in (0, 1, 4, 7, 10)] == [0] * 5
    assert total.devices == len(DEVICES)
    assert total.rows == 4 * 30 + 25 * 6
    assert rows(once, CHECKSUM, since) == rows(often, CHECKSUM, since)
    assert "rows of 29 devices" in total.markdown()


def test_replay_goes_on_seamlessly(loaded: Loaded, playing: Callable[[], Database]) -> None:
    db = playing()
    sample.replay(db, loaded.settings, NOW + timedelta(hours=2))
    gaps = rows(
        db,
        f"SELECT DISTINCT gap = due FROM ({GAPS}) x WHERE timestamp > %s",
        MINUTE.replace(tzinfo=None) - timedelta(hours=1),
    )
    assert gaps == [(True,)]
    beats = rows(db, "SELECT DISTINCT last_heartbeat_at FROM devices")
    assert beats == [(NOW + timedelta(hours=2),)]


def test_replay_catches_up_after_days_in_seconds(loaded: Loaded, playing: Callable[[], Database]) -> None:
    db = playing()
    started = time.monotonic()
    caught_up = sample.replay(db, loaded.settings, NOW + timedelta(days=3))
    assert caught_up.rows == pytest.approx(3 * (4 * 1440 + 25 * 288), abs=40)
    assert time.monotonic() - started < 30
    started = time.monotonic()
    sample.replay(db, loaded.settings, NOW + timedelta(days=3, minutes=1))
    assert time.monotonic() - started < 2


def test_an_outage_on_demand_is_silent_then_over_and_in_the_truth(
    loaded: Loaded, playing: Callable[[], Database], tmp_path: Path
) -> None:
    db = playing()
    shutil.copytree(loaded.settings.var_dir / "sample", tmp_path / "sample")
    settings = loaded.settings.model_copy(update={"var_dir": tmp_path})
    sample.replay(db, settings, NOW + timedelta(minutes=5))
    made = sample_outage.stage(settings, NOW + timedelta(minutes=5), 20)
    assert len(made.devices) == 13
    with pytest.raises(SampleError, match="begin the next one after that"):
        sample_outage.stage(settings, NOW + timedelta(minutes=6), 20)
    sample.replay(db, settings, NOW + timedelta(minutes=20))
    silent = "SELECT count(*) FROM devices WHERE last_heartbeat_at = %s"
    assert rows(db, silent, made.began) == [(13,)]
    for minutes in (25, 40):
        sample.replay(db, settings, NOW + timedelta(minutes=minutes))
    inside = "SELECT count(DISTINCT device_id) FROM device_metrics WHERE timestamp >= %s AND timestamp < %s"
    window = [moment.replace(tzinfo=None) for moment in (made.began, made.ended)]
    assert rows(db, inside, *window) == [(len(DEVICES) - 13,)]
    assert rows(db, silent, NOW + timedelta(minutes=40)) == [(len(DEVICES),)]
    after = [made.ended.replace(tzinfo=None), (NOW + timedelta(minutes=40)).replace(tzinfo=None)]
    assert rows(db, inside, *after) == [(len(DEVICES),)]
    told = [row for row in sample_state.truth(settings) if row.started_at == made.began]
    assert {row.device for row in told} == set(made.devices)


def test_somebody_elses_rows_do_not_disturb_the_replay(
    loaded: Loaded, playing: Callable[[], Database]
) -> None:
    db = playing()
    with db.admin() as conn:
        for moment in (NOW + timedelta(seconds=41.5), NOW + timedelta(days=400)):
            conn.execute(
                "INSERT INTO device_metrics (timestamp, device_id, cpu_percent) "
                "SELECT %s, id, 'NaN' FROM devices",
                [moment.replace(tzinfo=None)],
            )
    assert sample.replay(db, loaded.settings, NOW + timedelta(minutes=10)).rows == 4 * 10 + 25 * 2


def test_when_a_recording_is_over_the_device_falls_silent_and_it_is_said(
    loaded: Loaded, playing: Callable[[], Database]
) -> None:
    db = playing()
    end = sample.replay(db, loaded.settings, NOW + timedelta(days=40))
    assert set(end.over) == {device.name for device in DEVICES}
    assert "--reset" in end.markdown()
    assert sample.replay(db, loaded.settings, NOW + timedelta(days=41)).rows == 0
    [(last,)] = rows(db, "SELECT max(last_heartbeat_at) FROM devices")
    assert last < NOW + timedelta(days=40)  # type: ignore[operator]


def test_replay_says_what_is_missing(database: Database, loaded: Loaded, settings: Settings) -> None:
    with pytest.raises(SampleError, match="nothing to replay"):
        sample.replay(database, settings, NOW)
    with pytest.raises(SampleError, match="does not hold the sample fleet"):
        sample.replay(database, loaded.settings, NOW)
    with pytest.raises(SampleError, match="no truth"):
        sample.truth(settings)


def test_the_truth_is_beside_the_database_not_in_it(loaded: Loaded) -> None:
    truth = sample.truth(loaded.settings)
    assert {row.source for row in truth} == {"recorded", "constructed"}
    assert len({row.site for row in truth}) == 3
    assert sum(row.what == "gateway outage" for row in truth) == 13
    assert all(row.started_at < row.ended_at and row.started_at.tzinfo for row in truth)
    text = (sample_state.folder(loaded.settings) / "truth.json").read_text()
    assert len(json.loads(text)) == len(truth)
    [(config,)] = rows(loaded.db, "SELECT string_agg(config::text, ' ') FROM devices")
    assert "row" not in str(config)
    assert "machine-" not in str(config)


def test_truth_beside_found(loaded: Loaded, playing: Callable[[], Database]) -> None:
    db = playing()
    truth = sample.truth(loaded.settings)
    soon = next(row for row in truth if row.started_at > MINUTE)
    outage = next(row for row in truth if row.what == "gateway outage")
    later = NOW + timedelta(minutes=15)
    nothing = sample.truth_beside_found(db, loaded.settings, later)
    assert " 0 found" in nothing
    with db.admin() as conn:
        for started in (soon.started_at + timedelta(minutes=2), soon.started_at - timedelta(days=1, hours=2)):
            conn.execute(
                "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
                "severity, metric) VALUES (%s, 'closed', '[]', %s, %s, %s, 'warning', 'cpu_percent')",
                [soon.device_id, started, started, started + timedelta(minutes=10)],
            )
        conn.execute(
            "SELECT ai_make_score_partitions(%s, %s)", [outage.started_at.date(), outage.ended_at.date()]
        )
        conn.execute(
            "INSERT INTO ai_health_scores (device_id, at, status, reason, sample_count) "
            "VALUES (%s, %s, 'no_data', 'silent', 0)",
            [outage.device_id, outage.started_at + timedelta(minutes=5)],
        )
    text = sample.truth_beside_found(db, loaded.settings, later)
    assert " 2 found" in text
    assert "1 findings belong to no known incident" in text
    line = next(line for line in text.splitlines() if "no data" in line)
    assert line.startswith("found")
    assert "gateway outage" in line
