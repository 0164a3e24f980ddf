"""The reduced HOMEPOT dump and its loader: real structure, real rows, no secrets."""

from __future__ import annotations

import gzip
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from homepot_ai.store.database import Database
from homepot_ai.testing.homepot_dump import restore

DATA = Path(__file__).parents[1] / "data"
DUMP = DATA / "homepot_reduced.sql.gz"
SCRIPT = Path(__file__).parents[2] / "scripts" / "make_reduced_dump.py"


def test_it_is_small_and_holds_nothing_secret() -> None:
    assert DUMP.stat().st_size < 620_000
    assert "Apache License" in (DATA / "NOTICE.md").read_text()
    text = gzip.decompress(DUMP.read_bytes()).decode()
    assert "$2b$" not in text
    assert "\\restrict" not in text
    mails = {word for word in text.replace('"', " ").split() if "@" in word}
    assert mails
    assert all(mail.endswith("@homepot.example") for mail in mails)


def test_it_restores_with_the_structure_that_we_ship(raw_homepot_dump: Database, database: Database) -> None:
    """The schema file for the embedded database and the dump describe the same tables."""
    query = (
        "SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, ''), "
        "coalesce(character_maximum_length, 0) FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    indexes = (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' "
        "AND indexname NOT LIKE 'ai\\_%' ORDER BY 1"
    )
    keys = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
    )
    for question in (query, indexes, keys):
        with raw_homepot_dump.admin() as theirs, database.admin() as ours:
            expected = theirs.execute(question).fetchall()
            assert len(expected) > 50
            assert ours.execute(question).fetchall() == expected


def test_rows_and_sequences_are_there(raw_homepot_dump: Database) -> None:
    with raw_homepot_dump.admin() as conn:
        assert conn.execute("SELECT count(*) FROM devices").fetchone() == (15,)
        assert conn.execute("SELECT count(*) FROM sites").fetchone() == (2,)
        span = conn.execute(
            "SELECT max(timestamp) - min(timestamp) > '2 days' FROM device_metrics"
        ).fetchone()
        assert span == (True,)
        assert conn.execute("SELECT nextval('public.device_metrics_id_seq')").fetchone() == (24093,)
        traps = conn.execute(
            "SELECT (SELECT count(*) FROM health_checks WHERE response_data::jsonb ? 'system'), "
            "(SELECT count(*) FROM error_logs WHERE context->>'original_device_id' IS NULL), "
            "(SELECT count(DISTINCT provenance) FROM device_metrics)"
        ).fetchone()
        assert traps is not None
        assert all(traps)


def test_the_session_is_as_before(clone: Callable[[str], Database]) -> None:
    db = clone("template1")
    with db.admin() as conn:
        conn.execute("SET search_path = public")
        counts = restore(conn, DUMP)
        assert conn.execute("SHOW search_path").fetchone() == ("public",)
    assert counts["devices"] == 15
    assert counts["users"] == 2


def test_a_broken_dump_leaves_nothing(clone: Callable[[str], Database], tmp_path: Path) -> None:
    broken = tmp_path / "broken.sql"
    broken.write_text(
        "CREATE TABLE public.t (id int);\nCOPY public.t (id) FROM stdin;\n1\nnot a number\n\\.\n"
    )
    db = clone("template1")
    with pytest.raises(psycopg.DataError), db.admin() as conn:
        restore(conn, broken)
    with db.admin() as conn:
        assert conn.execute("SELECT to_regclass('public.t')").fetchone() == (None,)


def test_reducing_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script applied to its own output keeps every row and byte: it is deterministic."""
    again = tmp_path / "again.sql.gz"
    monkeypatch.setattr(sys, "argv", ["make_reduced_dump.py", str(DUMP), str(again)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert gzip.decompress(again.read_bytes()) == gzip.decompress(DUMP.read_bytes())
