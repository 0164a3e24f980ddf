"""`homepot-ai db query`: it reads, with the reader's rights, and says what it does not do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import DatabaseError, DatabaseUnreachable
from homepot_ai.store import reading
from homepot_ai.store.database import Database
from tests.support import small_fleet

Query = Callable[[str], Result]


@pytest.fixture
def query(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Query]:
    """A function that asks `db query` of a database of three devices."""
    small_fleet(database, 3)
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "none.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    settings.load_settings.cache_clear()
    yield lambda statement: CliRunner().invoke(cli.app, ["db", "query", statement])
    settings.load_settings.cache_clear()


def test_rows_are_shown_with_the_names_of_their_columns(query: Query) -> None:
    shown = query("SELECT 7 AS n, 'a' || chr(10) || 'b' AS name, NULL AS none, '' AS empty, true AS yes;")
    assert shown.exit_code == 0
    assert shown.output.splitlines() == ["n  name  none  empty  yes", "7  a b   NULL         t", "● 1 row"]
    assert query("SELECT name FROM devices ORDER BY name").output.count("\n") == 5


@pytest.mark.parametrize(
    ("statement", "last"),
    [
        ("SELECT", "● 1 row"),
        ("SELECT 1 WHERE false", "● 0 rows"),
        ("/* all */ -- mine\n (TABLE ai_restore_drills)", "● 0 rows"),
        ("VALUES ('50 %'), ('[red]%s')", "● 2 rows"),
        (
            "WITH a AS (SELECT 'infinity'::timestamptz AS at) SELECT at, interval '400 years' FROM a",
            "● 1 row",
        ),
        ("SELECT * FROM generate_series(1, 200)", "● 200 rows"),
    ],
)
def test_what_reads_is_taken(query: Query, statement: str, last: str) -> None:
    shown = query(statement)
    assert shown.exit_code == 0, shown.exception
    assert shown.output.splitlines()[-1] == last


def test_no_more_than_200_rows_and_it_says_so(query: Query) -> None:
    lines = query("SELECT * FROM generate_series(1, 100000000)").output.splitlines()
    assert len(lines) == 202
    assert lines[-1].startswith("● the first 200 rows; there are more")


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("", "takes one SELECT"),
        ("DELETE FROM ai_incidents", "takes one SELECT.*psql as the owner"),
        ("RESET ROLE", "takes one SELECT"),
        ("COPY devices TO PROGRAM 'id'", "takes one SELECT"),
        ("SELECT 1; COMMIT; RESET ROLE; DELETE FROM ai_incidents", "refuses this: .*multiple commands"),
        (
            "WITH gone AS (DELETE FROM ai_incidents RETURNING 1) SELECT * FROM gone",
            "refuses this: .*modifying",
        ),
        ("SELECT 1 INTO made", "refuses this: "),
        ("SELECT * FROM ai_incidents FOR UPDATE", "refuses this: "),
        ("SELECT hashed_password FROM users", "refuses this: permission denied"),
        ("SELECT nothing FROM nowhere", 'refuses this: relation "nowhere" does not exist'),
        ("SELECT 1 / 0", "refuses this: division by zero"),
        ("SELECT set_config('transaction_read_only', 'off', true)", "refuses this: .*before any query"),
    ],
)
def test_what_writes_or_is_wrong_is_one_sentence(query: Query, statement: str, complaint: str) -> None:
    refused = query(statement)
    assert refused.exit_code == 1
    assert isinstance(refused.exception, DatabaseError)
    assert "\n" not in str(refused.exception)
    with pytest.raises(DatabaseError, match=complaint):
        raise refused.exception


def test_what_takes_too_long_is_ended(query: Query, database: Database) -> None:
    begun = time.monotonic()
    with pytest.raises(DatabaseError, match=r"longer than 0\.3 s"):
        reading.read(database, "SELECT pg_sleep(60)", timeout_s=0.3)
    assert time.monotonic() - begun < 10
    assert query("SELECT current_setting('statement_timeout') AS t, current_user AS who").output.split() == [
        "t", "who", "30s", "homepot_ai_reader", "●", "1", "row",
    ]  # fmt: skip


def test_without_a_database_it_says_how_to_get_one(query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOMEPOT_AI_DATABASE_URL")
    settings.load_settings.cache_clear()
    assert isinstance(query("SELECT 1").exception, DatabaseUnreachable)
