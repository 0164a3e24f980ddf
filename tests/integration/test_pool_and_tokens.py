"""Connections that are lent again carry nothing over; tokens are kept by hash and end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from homepot_ai.errors import AccessError, NotFound
from homepot_ai.store import tokens
from homepot_ai.store.database import Database
from homepot_ai.store.pool import PooledDatabase

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def module_database(postgres: str, empty_template: str) -> Database:
    url = postgres.replace("/homepot?", "/test_pool?")
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE test_pool TEMPLATE {empty_template}")
    return Database(url)


@pytest.fixture
def pool(module_database: Database) -> PooledDatabase:
    return PooledDatabase(module_database.url, idle=2, statement_seconds=1.0)


def backend(conn: psycopg.Connection) -> tuple[int, str, str, str]:
    row = conn.execute(
        "SELECT pg_backend_pid(), current_user, current_setting('TimeZone'), "
        "current_setting('transaction_read_only')"
    ).fetchone()
    assert row is not None
    return row


def test_one_connection_serves_reader_and_writer_in_turn(pool: PooledDatabase) -> None:
    with pool.reader() as conn:
        first = backend(conn)
    with pool.writer() as conn:
        second = backend(conn)
    assert first[0] == second[0]
    assert first[1:] == ("homepot_ai_reader", "UTC", "on")
    assert second[1:] == ("homepot_ai_writer", "UTC", "off")


def test_what_a_borrower_set_is_gone(pool: PooledDatabase) -> None:
    with pool.session() as conn:
        first = backend(conn)[0]
        conn.execute("SELECT pg_advisory_lock(4711); SET TimeZone = 'Asia/Tokyo'; SET statement_timeout = 0")
    with pool.reader() as conn:
        assert backend(conn) == (first, "homepot_ai_reader", "UTC", "on")
        held = conn.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711")
        assert held.fetchone() == (0,)
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute("SELECT pg_sleep(30)")
    with pool.reader() as conn:  # and a failed transaction is over
        assert backend(conn)[0] == first


def test_an_error_takes_the_work_back(pool: PooledDatabase) -> None:
    with pytest.raises(AccessError), pool.writer() as conn:
        tokens.make(conn, "half", scopes=["read"], sites=None, user=None, expires_at=None, actor="t", now=NOW)
        tokens.make(conn, "half", scopes=["read"], sites=None, user=None, expires_at=None, actor="t", now=NOW)
    with pool.reader() as conn:
        assert [token.name for token in tokens.listed(conn)] == []


def test_a_connection_that_the_server_ended_is_replaced(
    pool: PooledDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homepot_ai.store.pool.TRUSTED_S", 0.0)
    with pool.reader() as conn:
        first = backend(conn)[0]
    with pool.admin() as conn, pytest.raises(psycopg.OperationalError):  # the same one: it ends itself
        conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pool.reader() as conn:
        assert backend(conn)[0] != first


def test_a_token_is_shown_once_and_kept_by_hash(database: Database) -> None:
    with database.writer() as conn:
        secret = tokens.make(
            conn, "till", scopes=["read", "ask"], sites=[2, 1], user="Ann@Example.org",
            expires_at=NOW + timedelta(days=1), actor="test", now=NOW,
        )  # fmt: skip
    with database.admin() as conn:
        kept = "".join(map(str, conn.execute("SELECT * FROM ai_api_tokens").fetchall()))
        logged = "".join(map(str, conn.execute("SELECT * FROM ai_audit_log").fetchall()))
    assert secret.startswith(tokens.PREFIX)
    assert secret not in kept + logged
    with database.writer() as conn:
        found = tokens.find(conn, secret)
        assert found is not None
        assert (found.name, found.sites, found.user) == ("till", frozenset({1, 2}), "ann@example.org")
        assert [found.may(scope) for scope in tokens.SCOPES] == [True, True, False, False, False, False]
        assert found.state(NOW) == "valid"
        assert found.state(NOW + timedelta(days=1)) == "expired"
        tokens.revoke(conn, "till", actor="test", now=NOW)
        again = tokens.find(conn, secret)
        assert again is not None
        assert again.state(NOW) == "revoked"
        with pytest.raises(NotFound, match="no token 'tyll'"):
            tokens.revoke(conn, "tyll", actor="test", now=NOW)
        assert tokens.find(conn, secret + "x") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["root"]}, "no scope root"),
        ({"name": "  "}, "needs a name"),
        ({"expires_at": NOW}, "must expire later"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    database: Database, change: dict[str, object], says: str
) -> None:
    wanted: dict[str, object] = {
        "name": "x", "scopes": ["read"], "sites": None, "user": None, "expires_at": None, **change,
    }  # fmt: skip
    make: Callable[..., str] = tokens.make
    with pytest.raises(AccessError, match=says), database.writer() as conn:
        make(conn, wanted.pop("name"), actor="test", now=NOW, **wanted)
