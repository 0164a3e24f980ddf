"""What a question may read: views only, its sites' rows only, nothing for ever."""

from __future__ import annotations

import psycopg
import pytest

from homepot_ai.errors import NotMigrated
from homepot_ai.store import asking, migrate
from homepot_ai.store.database import Database
from tests.support import START, small_fleet

HIDDEN = (
    "ai_api_tokens",
    "ai_mail_outbox",
    "ai_alerts_outbox",
    "ai_llm_calls",
    "ai_questions",
    "ai_audit_log",
    "ai_baseline_pages",
    "ai_report_editions",
    "ai_user_preferences",
)


@pytest.fixture
def two_sites(database: Database) -> Database:
    small_fleet(database, devices=3)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "VALUES (2, 'SITE-2', 'Hamburg', true, 'active')"
        )
        conn.execute(
            "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
            "created_at) VALUES (11, 'DEVICE-11', 'Secret till', 'pos_terminal', 'active', 2, true, %s)",
            [START],
        )
        for device in (1, 11):
            conn.execute(
                "INSERT INTO ai_event_cache (device_id, at, kind, key, summary, expires_at) "
                "VALUES (%s, %s, 'anomaly', 'x', 'something', %s)",
                [device, START, START],
            )
    return database


def test_the_asker_sees_the_rows_of_its_sites_and_no_others(two_sites: Database) -> None:
    with two_sites.asker(None) as conn:
        assert conn.execute("SELECT id FROM devices ORDER BY id").fetchall() == [(1,), (2,), (3,), (11,)]
        assert conn.execute("SELECT count(*) FROM ai_event_cache").fetchone() == (2,)
    with two_sites.asker([1]) as conn:
        assert conn.execute("SELECT id FROM devices ORDER BY id").fetchall() == [(1,), (2,), (3,)]
        assert conn.execute("SELECT name FROM sites").fetchall() == [("Berlin",)]
        assert conn.execute("SELECT device_id FROM ai_event_cache").fetchall() == [(1,)]
        assert conn.execute("SELECT count(*) FROM device_seen(11)").fetchone() == (0,)
    with two_sites.asker([]) as conn:
        assert conn.execute("SELECT count(*) FROM devices").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM ai_event_cache").fetchone() == (0,)


def test_every_view_keeps_rows_back_from_who_may_see_nothing(two_sites: Database) -> None:
    with two_sites.asker([]) as conn:
        for name, (keeper, _) in asking.VIEWS.items():
            if keeper != "open":
                assert conn.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,), name


def test_where_nobody_said_which_sites_nothing_is_seen(two_sites: Database) -> None:
    with two_sites.admin() as conn:
        conn.execute(f"SET LOCAL ROLE {two_sites.asker_role}")
        conn.execute(f"SET LOCAL search_path = {two_sites.asking_schema}")
        assert conn.execute("SELECT count(*) FROM devices").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM ai_event_cache").fetchone() == (0,)


@pytest.mark.parametrize("table", [*HIDDEN, "public.devices", "public.users", "homepot_ai.ai_incidents"])
def test_what_is_no_view_cannot_be_read(two_sites: Database, table: str) -> None:
    with two_sites.asker(None) as conn, pytest.raises(psycopg.Error) as refused:
        conn.execute(f"SELECT 1 FROM {table} LIMIT 1")
    assert isinstance(refused.value, psycopg.errors.UndefinedTable | psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ai_event_cache",
        "UPDATE devices SET name = 'x'",
        "CREATE TEMP TABLE t (a int)",
        "INSERT INTO ai_event_cache (device_id) VALUES (1)",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_nothing_can_be_written_or_run(two_sites: Database, statement: str) -> None:
    with two_sites.asker(None) as conn, pytest.raises(psycopg.Error):
        conn.execute(statement)  # type: ignore[call-overload]


def test_a_slow_statement_is_ended_and_the_connection_is_as_before(two_sites: Database) -> None:
    with two_sites._connect() as conn:
        with (
            pytest.raises(psycopg.errors.QueryCanceled),
            asking.transaction(two_sites, conn, [1], timeout_s=0.05),
        ):
            conn.execute("SELECT pg_sleep(30)")
        assert conn.execute("SELECT current_setting('statement_timeout')").fetchone() == ("0",)
        assert conn.execute("SELECT current_user = session_user").fetchone() == (True,)


def test_upgrading_again_keeps_the_views_and_says_what_an_old_homepot_lacks(two_sites: Database) -> None:
    with two_sites.admin() as conn:  # the views do not hold HOMEPOT's tables: it may drop what it likes
        conn.execute("DROP TABLE site_operating_schedules")
        conn.execute("ALTER TABLE devices ALTER COLUMN name TYPE text")
    notes = migrate.upgrade(two_sites)
    assert any("site_operating_schedules" in note for note in notes)
    with two_sites.asker([1]) as conn:
        assert conn.execute("SELECT count(*) FROM devices").fetchone() == (3,)


def test_without_the_views_it_says_what_to_do(two_sites: Database) -> None:
    with two_sites.admin() as conn:
        asking.drop(two_sites, conn)
    with pytest.raises(NotMigrated, match="db upgrade"), two_sites.asker(None):
        pass
