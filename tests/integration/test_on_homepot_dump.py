"""The whole cycle on a real HOMEPOT's data: it works, and HOMEPOT's own tables stay as they were."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from homepot_ai.fleet import devices, records, samples, schema, signals
from homepot_ai.health import learning, planning, scoring
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.service import make_report
from homepot_ai.settings import Settings
from homepot_ai.store import migrate
from homepot_ai.store.database import Database
from tests.support import table_checksums

# The dump ends here; see tests/data/NOTICE.md.
END = datetime(2026, 11, 20, 15, 52, tzinfo=UTC)


def test_the_reader_understands_every_row(homepot_dump: Database) -> None:
    with homepot_dump.reader() as conn:
        (total,) = conn.execute("SELECT count(*) FROM device_metrics").fetchone()
        found = samples.read_window(conn, END - timedelta(days=30), END + timedelta(days=1))
    assert len(found.rows) == total
    assert found.rejected == {}
    shown = {name: found.value[found.metric == i] for i, name in enumerate(found.names)}
    assert 0 < shown["error_ratio"].max() < 0.2  # ratios and per cent alike
    assert shown["cpu_percent"].max() <= 100
    assert {"services", "device_info", "uptime_seconds"} & {n for n, v in shown.items() if len(v)} == set()
    assert set(found.rows.provenance.tolist()) == {1, 2}  # controlled and simulated, row by row


def test_provenance_is_taken_from_each_row_and_not_from_its_device(homepot_dump: Database) -> None:
    """HOMEPOT's simulator writes onto real devices, and flags every device of this dump as simulated."""
    with homepot_dump.admin() as conn:
        (device,) = conn.execute(
            "SELECT min(device_id) FROM device_metrics WHERE provenance = 'controlled'"
        ).fetchone()
        conn.execute(
            "INSERT INTO device_metrics (timestamp, device_id, cpu_percent, provenance) "
            "VALUES (%s, %s, 99, 'simulated'), (%s, %s, 50, NULL)",
            [END.replace(tzinfo=None), device, (END + timedelta(seconds=1)).replace(tzinfo=None), device],
        )
    with homepot_dump.reader() as conn:
        found = samples.read_window(conn, END - timedelta(days=30), END + timedelta(days=1)).rows
    kinds = found.provenance[found.device_id == device]
    assert {records.PROVENANCES[kind] for kind in kinds} == {"real", "controlled", "simulated"}


def test_naive_and_aware_tables_agree_about_the_time(homepot_dump: Database) -> None:
    """Telemetry is naive UTC, health checks are timestamptz: both come from the same seconds."""
    with homepot_dump.reader() as conn:
        found = devices.list_devices(conn)
        ids = np.array([d.id for d in found], dtype=np.int64)
        logs = signals.read(
            conn, END - timedelta(hours=1), END, device_ids=ids, public_ids=[d.public_id for d in found]
        )
        rows = samples.read_window(conn, END - timedelta(hours=1), END).rows
    assert len(logs.check_t) > 0
    assert abs(logs.check_t.max() - rows.t.max()) < 120
    assert logs.errors
    assert all(END.timestamp() - 7200 <= e.t <= END.timestamp() for e in logs.errors)


def test_error_logs_find_their_device_under_either_key(homepot_dump: Database) -> None:
    with homepot_dump.reader() as conn:
        keys = conn.execute(
            "SELECT bool_or(context->>'original_device_id' IS NOT NULL), bool_or("
            "context->>'original_device_id' IS NULL AND context->>'device_id' IS NOT NULL) FROM error_logs"
        ).fetchone()
    assert keys == (True, True)


def test_the_cycle_works_and_homepot_is_unchanged(raw_homepot_dump: Database, tmp_path: Path) -> None:
    db, settings = raw_homepot_dump, Settings(var_dir=tmp_path)
    before = table_checksums(db, "public")
    migrate.upgrade(db)
    now = END + timedelta(seconds=15)
    learning.warm_up(db, settings, until=END - planning.MINUTE, now=now)
    plan = planning.plan(db, settings, now=now)
    summary = scoring.store(
        db, settings, plan, scoring.score(settings, plan, scoring.read(db, settings, plan)), now
    )
    assert summary.devices == 15
    assert summary.counts["healthy"] + summary.counts["warning"] + summary.counts["critical"] >= 11
    outcome = make_report(db, settings, scope=Scope(kind="fleet"), at=now, now=now)
    assert outcome.pdf.startswith(b"%PDF")
    assert outcome.created
    again = make_report(db, settings, scope=Scope(kind="fleet"), at=now, now=now + timedelta(hours=1))
    assert again.pdf == outcome.pdf
    assert table_checksums(db, "public") == before


@pytest.mark.parametrize("missing", schema.BEARABLE)
def test_a_homepot_without_a_table_is_scored_all_the_same(
    homepot_dump: Database, tmp_path: Path, missing: str
) -> None:
    settings = Settings(var_dir=tmp_path, scoring={"warmup_days": 1, "warmup_scored_days": 0})
    with homepot_dump.admin() as conn:
        conn.execute(f"ALTER TABLE public.{missing} RENAME TO gone")
    learning.warm_up(homepot_dump, settings, until=END - planning.MINUTE, now=END)
    plan = planning.plan(homepot_dump, settings, now=END)
    batch = scoring.read(homepot_dump, settings, plan)
    summary = scoring.store(homepot_dump, settings, plan, scoring.score(settings, plan, batch), END)
    assert summary.written == 15
    assert f"this HOMEPOT lacks table {missing}" in summary.markdown()


def test_the_commands_of_the_readme_work_in_a_folder_that_never_was_up(
    raw_homepot_dump: Database, tmp_path: Path
) -> None:
    before = table_checksums(raw_homepot_dump, "public")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOMEPOT_AI_")}
    environment |= {
        "HOMEPOT_AI_DATABASE_URL": raw_homepot_dump.url,
        "HOMEPOT_AI_VAR_DIR": str(tmp_path / "not" / "there"),
        "HOMEPOT_AI_SCORING__WARMUP_DAYS": "1",
        "HOMEPOT_AI_PREFECT__PORT": "9",  # nobody's: the commands must not meet a server that runs here
    }

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "homepot_ai.cli", *words]
        return subprocess.run(
            program, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    early = command("run", "score-health")
    assert early.returncode == 1
    assert "homepot-ai db upgrade" in early.stdout + early.stderr
    for words in (["db", "upgrade"], ["run", "score-health"], ["run", "daily-report"]):
        done = command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    with raw_homepot_dump.reader() as conn:
        assert conn.execute("SELECT count(*) >= 15 FROM ai_health_scores").fetchone() == (True,)
        assert conn.execute("SELECT count(*) FROM ai_reports").fetchone() == (3,)
    assert table_checksums(raw_homepot_dump, "public") == before
