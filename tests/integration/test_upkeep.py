"""Retention, the event cache, service checks, the screens of doctor and status."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homepot_ai import doctor
from homepot_ai.errors import BacktestError
from homepot_ai.health import learning
from homepot_ai.overview import overview
from homepot_ai.reporting import backtest_command
from homepot_ai.retention import applying, archive, events
from homepot_ai.settings import Settings
from homepot_ai.store import backtests, checks, scores
from homepot_ai.store.database import Database
from homepot_ai.watch import exporter
from homepot_ai.watch.service import check_services
from tests.integration.test_scoring import DEVICES, LEARNED, run
from tests.support import START, small_fleet, telemetry, wave

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def count(db: Database, query: str) -> int:
    with db.reader() as conn:
        return int(conn.execute(query).fetchone()[0])


def fill_events(db: Database) -> None:
    fresh = [
        scores.EventRow(1, (NOW - timedelta(minutes=i)).timestamp(), "anomaly", f"k{i}", "something")
        for i in range(130)
    ]
    old = [scores.EventRow(2, (NOW - timedelta(days=9)).timestamp(), "anomaly", "k", "long ago")]
    with db.writer() as conn:
        scores.insert_events(conn, [*fresh, *old], ttl_hours=24 * 7)


def test_the_event_cache_keeps_the_newest_hundred_of_each_device(
    database: Database, settings: Settings
) -> None:
    fill_events(database)
    dry = events.clean_event_cache(database, settings, NOW, dry_run=True)
    assert (dry.expired, dry.beyond, count(database, "SELECT count(*) FROM ai_event_cache")) == (1, 30, 131)
    assert "dry run" in dry.markdown()
    done = events.clean_event_cache(database, settings, NOW, dry_run=False)
    assert (done.expired, done.beyond, done.kept) == (1, 30, 100)
    with database.reader() as conn:
        oldest = conn.execute("SELECT min(at) FROM ai_event_cache WHERE device_id = 1").fetchone()[0]
    assert oldest == NOW - timedelta(minutes=99)
    again = events.clean_event_cache(database, settings, NOW, dry_run=False)
    assert (again.expired, again.beyond) == (0, 0)


def fill_scores(db: Database, day: datetime, devices: int = 5) -> None:
    with db.writer() as conn:
        scores.ensure_partitions(conn, day, day, ahead_days=0)
        conn.execute(
            "INSERT INTO ai_health_scores (device_id, at, score, status, sample_count, factors) "
            "SELECT d, %s + m * interval '1 minute', 0.9, 'healthy', 1, CASE WHEN d = 3 THEN '[]'::jsonb END "
            "FROM generate_series(1, %s) d, generate_series(0, 59) m",
            [day, devices],
        )
        conn.execute(
            "INSERT INTO ai_metric_hours VALUES (1, %s, '{cpu_percent}', '{60}', '{1}', '{1}', '{1}', '{1}')",
            [day],
        )


def test_old_scores_and_hours_are_archived_verified_and_dropped(
    database: Database, settings: Settings
) -> None:
    import pyarrow.parquet as pq

    old, kept, ancient = NOW - timedelta(days=15), NOW - timedelta(days=2), NOW - timedelta(days=200)
    for day in (old, kept, ancient):
        fill_scores(database, day.replace(hour=0))
    dry = applying.apply_retention(database, settings, NOW, dry_run=True)
    assert len(dry.removed) == 3
    assert count(database, "SELECT count(*) FROM ai_health_scores") == 900
    done = applying.apply_retention(database, settings, NOW, dry_run=False)
    # What is past both its minutes and its hours leaves its hours in the archive as well.
    assert [item.rows for item in done.removed] == [300, 300, 1, 5]
    # A midnight's minute is the last of the day before: of the oldest there is no such day.
    assert count(database, "SELECT sum(healthy) FROM ai_health_hours") == 595
    assert count(database, "SELECT count(*) FROM ai_health_scores") == 300
    assert count(database, "SELECT count(*) FROM ai_metric_hours") == 2
    archived = pq.read_table(Path(done.removed[1].archive))
    assert archived.num_rows == 300
    assert archived.column("status").unique().to_pylist() == ["healthy"]
    assert archived.column("at")[0].as_py() == old.replace(hour=0)
    hours = pq.read_table(Path(done.removed[2].archive)).to_pylist()
    assert hours[0]["metrics"] == ["cpu_percent"]
    assert count(database, "SELECT count(*) FROM ai_audit_log WHERE actor = 'apply-retention'") == 4
    assert not list((settings.var_dir / "archive").rglob("*.part"))
    again = applying.apply_retention(database, settings, NOW, dry_run=False)
    assert again.removed == []
    assert done.partitions_made >= 3  # today and days ahead
    with database.writer() as conn:  # which the writer can use at once
        conn.execute(
            "INSERT INTO ai_health_scores (device_id, at, score, status, sample_count) "
            "VALUES (1, %s, 1, 'healthy', 1)", [NOW + timedelta(days=2)],
        )  # fmt: skip


def test_the_pdf_of_an_old_backtest_goes_and_says_so(database: Database, settings: Settings) -> None:
    asked = {
        "asked_by": "ann", "range_from": NOW, "range_until": NOW, "site_id": None, "configurations": {},
        "result": {}, "pdf": b"%PDF", "seconds": 1.0,
    }  # fmt: skip
    with database.writer() as conn:
        old = backtests.insert(conn, asked_at=NOW - timedelta(days=100), **asked)
        new = backtests.insert(conn, asked_at=NOW - timedelta(days=1), **asked)
    assert applying.apply_retention(database, settings, NOW, dry_run=True).emptied.backtests == 1
    assert backtest_command.fetch(database, old) == b"%PDF"
    assert applying.apply_retention(database, settings, NOW, dry_run=False).emptied.backtests == 1
    assert backtest_command.fetch(database, new) == b"%PDF"
    with pytest.raises(BacktestError, match="no longer kept"):
        backtest_command.fetch(database, old)


def test_retention_that_dies_before_its_commit_loses_nothing(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_scores(database, (NOW - timedelta(days=15)).replace(hour=0))
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(archive, "record", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("killed")))
        applying.apply_retention(database, settings, NOW, dry_run=False)
    assert count(database, "SELECT count(*) FROM ai_health_scores") == 300
    assert applying.apply_retention(database, settings, NOW, dry_run=False).removed[0].rows == 300


def greeter(answer: bytes) -> int:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        conn, _ = server.accept()
        with conn, server:
            conn.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("answer", "state"), [(b"220 mail.example ESMTP\r\n", "ok"), (b"554 go away\r\n", "degraded")]
)
def test_a_mail_server_is_judged_by_its_greeting(tmp_path: Path, answer: bytes, state: str) -> None:
    settings = Settings(var_dir=tmp_path, mail={"port": greeter(answer)})
    assert checks.mail_server(settings).state == state


def test_a_mail_server_that_is_away_is_down(tmp_path: Path) -> None:
    found = checks.mail_server(Settings(var_dir=tmp_path, mail={"port": 9}))
    assert found.state == "down"
    assert "mails wait in the outbox" in found.detail


def test_checks_are_stored_with_since_and_a_lost_database_is_told(
    database: Database, settings: Settings
) -> None:
    seen = {c.service: c for c in check_services(database, settings, NOW)}
    assert seen["scoring"].detail == "has not run yet"
    assert seen["database"].state == "ok"
    later = NOW + timedelta(minutes=5)
    extra = [checks.ServiceCheck("prefect", "ok", "42 runs")]
    check_services(database, settings, later, extra)
    with database.reader() as conn:
        found = conn.execute("SELECT service, since, checked_at FROM ai_service_checks").fetchall()
        rows = {service: (since, checked) for service, since, checked in found}
    assert rows["scoring"] == (NOW, later)
    assert rows["prefect"] == (later, later)
    # The default port may be somebody's running demo.
    lonely = Settings(var_dir=settings.var_dir, mail={"port": 9})
    away = check_services(Database("postgresql://127.0.0.1:1/x"), lonely, NOW, scheduler=False)
    assert [c.service for c in away if c.state == "down"] == ["mail", "database"]
    assert "■ down" in checks.markdown(away).splitlines()[2]


def test_the_status_screen_names_who_is_ill_and_why(database: Database, settings: Settings) -> None:
    small_fleet(database)
    assert "no minute has been scored yet" in overview(database, settings, NOW)
    telemetry(database, START, LEARNED, DEVICES, cpu_percent=wave(40))
    now = START + timedelta(minutes=LEARNED + 10)
    learning.warm_up(database, settings, until=now - timedelta(minutes=11), now=now)
    telemetry(
        database, START + timedelta(minutes=LEARNED), 11, [1, 2, 3, 4, 5],
        cpu_percent=lambda minute, device: 99.0 if device == 2 else wave(40)(minute, device),
    )  # fmt: skip
    run(database, settings, now)
    screen = overview(database, settings, now)
    assert "6 devices at 2026-11-18 10:40 UTC (0 min ago)" in screen
    assert "■ critical" in screen
    assert "CPU 99.0 %" in screen
    with database.reader() as conn:
        [(number, began)] = conn.execute("SELECT id, started_at FROM ai_anomaly_logs").fetchall()
        [(first,)] = conn.execute("SELECT min(at) FROM ai_health_scores WHERE score < 0.8").fetchall()
    [line] = [line for line in screen.splitlines() if "Checkout 2" in line]
    assert f" {round((now - min(first, began)).total_seconds() / 60)} min " in line
    assert f" {number} " in line
    assert "homepot-ai mark ANOMALY" in screen
    assert "no data: Checkout 6" in screen
    figures = exporter.once(database, settings, now).decode()
    assert 'homepot_ai_devices{status="critical"} 1.0' in figures
    assert 'homepot_ai_devices{status="no_data"} 1.0' in figures
    [health] = [
        line for line in figures.splitlines() if line.startswith('homepot_ai_site_health{site="Berlin"}')
    ]
    assert 0.5 < float(health.split()[-1]) < 1


def test_the_doctor_tells_everything_and_raises_nothing(
    database: Database, raw_homepot_dump: Database, tmp_path: Path
) -> None:
    def findings(url: str | None, **more: object) -> dict[str, checks.ServiceCheck]:
        settings = Settings(var_dir=tmp_path, database_url=url, prefect={"port": 9}, **more)
        return {f.service: f for f in doctor.examine(settings, NOW)}

    well = findings(database.url)
    assert well["tables"].state == well["roles"].state == well["HOMEPOT's tables"].state == "ok"
    assert "homepot-ai up" in well["prefect server"].detail
    fresh = findings(raw_homepot_dump.url)
    assert fresh["tables"].state == "down"
    assert "homepot-ai db upgrade" in fresh["tables"].detail
    elsewhere = findings(database.url, database={"homepot_schema": "homepot_ai"})
    assert "this is not a HOMEPOT database" in elsewhere["HOMEPOT's tables"].detail
    assert "HOMEPOT_AI_DATABASE_URL" in findings("postgresql://127.0.0.1:1/x")["database"].detail
    assert "homepot-ai up" in findings(None)["database"].detail
