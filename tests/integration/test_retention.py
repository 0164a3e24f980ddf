"""What is past its time: archived so that others can read it, verified, and only then gone."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homepot_ai.retention import applying, archive, rules
from homepot_ai.retention.records import RetentionSummary
from homepot_ai.settings import RetentionSettings, Settings
from homepot_ai.store import named_sql
from homepot_ai.store.database import Database

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=1200)
LEDGER = NOW - timedelta(days=230)
DOCS = Path(__file__).resolve().parents[2] / "docs"

ROWS = named_sql.parse((Path(__file__).parents[1] / "data" / "long_ago.sql").read_text(encoding="utf-8"))


def fill(db: Database) -> None:
    """Years of an installation."""
    with db.admin() as conn:
        for statement in ROWS.values():
            conn.execute(statement, {"old": OLD, "ledger": LEDGER, "now": NOW})


def counts(db: Database) -> dict[str, int]:
    """Rows of every table of ours that is no partition."""
    with db.admin() as conn:
        tables = [
            name
            for (name,) in conn.execute(
                "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'homepot_ai'::regnamespace "
                "AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname LIKE 'ai%' ORDER BY 1"
            )
        ]
        return {name: conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def by_table(summary: RetentionSummary) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in summary.removed:
        table = re.split(r" (?:of|before) \d", part.what)[0]
        found[table] = found.get(table, 0) + part.rows
    return found


@pytest.fixture
def years(database: Database) -> Database:
    fill(database)
    return database


def test_everything_old_leaves_into_archives_that_others_can_read(
    years: Database, settings: Settings
) -> None:
    import duckdb
    import pandas

    db = years
    before = counts(db)
    dry = applying.apply_retention(db, settings, NOW, dry_run=True)
    assert counts(db) == before
    assert not (settings.var_dir / "archive").exists()
    seen: list[str] = []
    done = applying.apply_retention(
        db, settings, NOW, dry_run=False, told=lambda part: seen.append(part.what)
    )
    assert done.failed == []
    after = counts(db)
    # A dry run says what then happens. A mail's row goes once its content has.
    gone = by_table(done)
    assert by_table(dry) == gone
    assert seen == [part.what for part in done.removed]
    missing = {t: before[t] - after[t] for t in before if before[t] > after[t]}
    thinned = missing.pop("ai_watch_sizes") - gone["watch sizes"]
    assert thinned == done.emptied.sizes == dry.emptied.sizes > 0
    audit = missing.pop("ai_audit_log", 0)
    assert audit == 0, "each part was noted down"
    assert {t.removeprefix("ai_").replace("_", " "): n for t, n in missing.items()} == {
        t: n for t, n in gone.items() if t not in {"watch sizes", "audit log"}
    }
    # Of each rule's tables something went: none of its statements was left out of this test.
    untouched = {t for rule in rules.RULES for t in rule.tables} - {f"ai_{t.replace(' ', '_')}" for t in gone}
    assert untouched == set()

    folder = archive.folder_of(settings)
    read = pandas.read_parquet(folder / "predictions" / "2026-04.parquet")
    assert read["metric"].tolist() == ["cpu_percent"] * 2
    assert str(read["made_at"].dtype) == "datetime64[us, UTC]"
    assert json.loads(read["facts"][0]) == {"why": "ü"}
    with duckdb.connect() as conn:
        every = str(folder / "predictions" / "*.parquet")
        found = conn.execute("SELECT count(*), min(mid), max(score) FROM read_parquet(?)", [every]).fetchone()
        assert found == (2, 41.5, 0.1)
        visits = str(folder / "maintenance-schedule" / "*.parquet")
        [(cost,)] = conn.execute("SELECT cost FROM read_parquet(?)", [visits]).fetchall()
        assert str(cost) == "120.50"
    with db.reader() as conn:
        recorded = archive.listed(conn)
        kept = conn.execute("SELECT device_id FROM ai_predictions ORDER BY made_at, device_id").fetchall()
        assert conn.execute("SELECT id, previous_id FROM ai_incidents").fetchall() == [(2, None)]
        assert conn.execute("SELECT name FROM ai_backups").fetchall() == [("last good",)]
        assert conn.execute("SELECT version FROM ai_hazard_models").fetchall() == [(2,)]
    assert kept == [(8,), (7,), (7,)], "what is not settled, and what is younger than its time"
    listed = json.loads((folder / archive.MANIFEST).read_text())
    assert [one["sha256"] for one in listed] == [one.sha256 for one in recorded]
    assert sum(one["row_count"] for one in listed) == sum(gone.values())
    assert archive.unrecorded(db, settings) == []
    assert [one.wrong for one in archive.check(db, settings)] == [None] * len(recorded)
    with db.reader() as conn:
        [(payload,)] = conn.execute("SELECT payload FROM ai_mail_outbox").fetchall()
    assert bytes(payload) == b"secret", "nobody knows whether it arrived: it waits for a decision"
    [mails] = (folder / "mail-outbox").iterdir()
    assert pandas.read_parquet(mails)["payload"].tolist() == [b""]
    assert applying.apply_retention(db, settings, NOW, dry_run=False).removed == []


def test_a_forecast_that_was_settled_in_the_next_month_leaves_once(
    database: Database, settings: Settings
) -> None:
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO ai_predictions (made_at, device_id, kind, horizon, from_at, due_at, metric, mid, "
            "forecaster, version, reason, facts, settled_at, outcome, score) VALUES "
            "('2026-03-30 03:00+00', 7, 'level', '24h', '2026-03-30 03:00+00', '2026-04-01 03:00+00', "
            "'cpu_percent', 41.5, 'x', '1', 'daily', '{}', '2026-04-02 03:00+00', 'happened', 0.1)"
        )
    done = applying.apply_retention(database, settings, NOW, dry_run=False)
    assert [(part.what, part.rows) for part in done.removed if "predictions" in part.what] == [
        ("predictions of 2026-03", 1)
    ]


def test_what_comes_late_into_an_archived_month_gets_a_file_of_its_own(
    years: Database, settings: Settings
) -> None:
    applying.apply_retention(years, settings, NOW, dry_run=False)
    with years.admin() as conn:
        conn.execute(
            "INSERT INTO ai_audit_log (at, actor, action, subject) VALUES (%s, 'late', 'b', 'c')", [OLD]
        )
    folder = archive.folder_of(settings) / "audit-log"
    [first] = sorted(folder.iterdir())
    before = first.read_bytes()
    applying.apply_retention(years, settings, NOW, dry_run=False)
    assert [path.name for path in sorted(folder.iterdir())] == [f"{first.stem}-2.parquet", first.name]
    assert first.read_bytes() == before


def test_a_damaged_archive_and_a_missing_one_are_told(years: Database, settings: Settings) -> None:
    applying.apply_retention(years, settings, NOW, dry_run=False)
    folder = archive.folder_of(settings)
    damaged, lost = folder / "incidents", folder / "windows"
    [file] = damaged.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    for path in lost.iterdir():
        path.unlink()
    (folder / "half.parquet.part").write_text("x")
    told = {
        one.archive.path.partition("/")[0]: one.wrong for one in archive.check(years, settings) if one.wrong
    }
    assert told == {
        "incidents": "has another content than it was made with",
        "windows": "cannot be read (No such file or directory)",
    }
    assert [path.name for path in archive.unrecorded(years, settings)] == ["half.parquet.part"]


def test_what_cannot_be_archived_stays_and_the_rest_goes_on(years: Database, settings: Settings) -> None:
    folder = archive.folder_of(settings)
    folder.mkdir(parents=True)
    # A file where the folder should be: as a disk that takes no more, it is an error of the system.
    (folder / "incident-events").write_text("in the way")
    before = counts(years)
    done = applying.apply_retention(years, settings, NOW, dry_run=False)
    assert len(done.failed) == 1
    assert done.failed[0].startswith("incidents: the archive")
    assert "Nothing was removed" in done.failed[0]
    assert "parts could not be archived" in done.line
    after = counts(years)
    for table in ("ai_incidents", "ai_incident_events", "ai_incident_devices", "ai_actions"):
        assert after[table] == before[table]
    assert after["ai_risk_episodes"] == 0
    (folder / "incident-events").unlink()
    assert applying.apply_retention(years, settings, NOW, dry_run=False).failed == []
    assert counts(years)["ai_incidents"] == before["ai_incidents"] - 1
    # What the first attempt left of these is the same file, written anew: none is there twice.
    assert [path.name for path in sorted((folder / "incident-devices").iterdir())] == [f"{OLD:%Y-%m}.parquet"]


def test_a_score_that_comes_while_its_day_goes_is_not_lost(database: Database, settings: Settings) -> None:
    """Whoever of the two has to give way: each row is in the table or in an archive, or was refused."""
    import psycopg

    from homepot_ai.store import scores

    day = (NOW - timedelta(days=15)).replace(hour=0)
    insert = "INSERT INTO ai_health_scores VALUES (%s, %s, 1, 'healthy', NULL, 1)"
    with database.writer() as conn:
        scores.ensure_partitions(conn, day, day, ahead_days=0)
        conn.execute(insert, [1, day])
    inserted: list[int] = []
    begun = threading.Event()

    def late() -> None:
        try:
            with database.writer() as conn:
                begun.set()
                inserted.append(conn.execute(insert, [2, day + timedelta(minutes=1)]).rowcount)
        except psycopg.Error:
            inserted[:] = [0]

    thread = threading.Thread(target=late)
    original = archive.write

    def while_writing(path: Path, pieces: Iterator[archive.Rows]) -> int:
        rows = original(path, pieces)
        thread.start()
        begun.wait(10)
        return rows

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(archive, "write", while_writing)
        applying.apply_retention(database, settings, NOW, dry_run=False)
    thread.join(60)
    with database.reader() as conn:
        (archived,) = conn.execute("SELECT coalesce(sum(row_count), 0) FROM ai_archives").fetchone() or (0,)
        (stored,) = conn.execute("SELECT count(*) FROM ai_health_scores").fetchone() or (0,)
    assert archived + stored == 1 + sum(inserted)


def test_every_table_is_in_the_list_with_its_bound(database: Database) -> None:
    page = (DOCS / "retention.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(ai_\w+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    assert sorted(rows) == sorted(counts(database)), (
        "a table of ours without a bound, or one that is not there"
    )
    for rule in rules.RULES:
        assert rule.days in RetentionSettings.model_fields
        for table in rule.tables:
            if (rule.name, table) != ("outcomes", "ai_incident_patterns"):
                assert f"rule `retention.{rule.days}`" in rows[table], table
    ruled = {table for rule in rules.RULES for table in rule.tables} | {"ai_health_scores"}
    assert {table for table, bound in rows.items() if "rule `" in bound} == ruled


def test_old_indexes_and_logs_go_and_young_ones_stay(database: Database, settings: Settings) -> None:
    import os

    memory, logs = settings.var_dir / "memory", settings.var_dir / "log"
    old, young = memory / "chroma.aside-20261001T030000", memory / "chroma.aside-20261119T030000-1"
    for folder in (old, young, memory / "chroma", logs):
        folder.mkdir(parents=True)
        (folder / "data.log").write_bytes(b"x" * 1000)
    ancient = logs / "worker-batch.log.3"
    ancient.write_bytes(b"y")
    long_ago = (NOW - timedelta(days=30)).timestamp()
    os.utime(ancient, (long_ago, long_ago))
    os.utime(logs / "data.log", (NOW.timestamp(), NOW.timestamp()))
    dry = applying.apply_retention(database, settings, NOW, dry_run=True)
    assert (dry.files, dry.file_bytes) == (2, 1001)
    assert old.exists()
    done = applying.apply_retention(database, settings, NOW, dry_run=False)
    assert (done.files, done.file_bytes) == (2, 1001)
    assert not old.exists()
    assert not ancient.exists()
    assert young.exists()
    assert (logs / "data.log").exists()
    assert "| old indexes and logs (0.0 MB) | 2 |" in done.markdown()
