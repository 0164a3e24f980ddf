"""People's addresses under a key: nothing of them in the tables, and nothing that works otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import psycopg
import pytest

from homepot_ai.errors import SealError
from homepot_ai.health import learning, planning, scoring
from homepot_ai.health.planning import MINUTE
from homepot_ai.health.state import MAGIC
from homepot_ai.settings import Settings
from homepot_ai.store import migrate, outbox, people, preferences, sealing, tokens
from homepot_ai.store.database import Database
from homepot_ai.store.outbox import OutboxMail
from homepot_ai.store.outbox_rules import Result
from homepot_ai.store.outbox_sender import sender_session
from homepot_ai.store.people import Wanted
from homepot_ai.store.pool import PooledDatabase
from homepot_ai.store.sealing import Key, Keys
from tests.support import START, small_fleet, telemetry, wave

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
ONE, TWO = (Key(f"a key that is long enough, number {n}") for n in (1, 2))
ANN = "Ann.Planted@example.org"
MAIL = OutboxMail(
    f"rpt_1#1:{ANN.lower()}", "report", "rpt_1", ANN, "All well", "<rpt_1@example.org>", f"To: {ANN}".encode()
)


def with_keys(db: Database, current: Key | None, previous: Key | None = None) -> Database:
    return Database(db.url, keys=Keys(current, previous))


def everything(db: Database) -> str:
    """Every row of every table of ours, as somebody reads them who has a copy of the database."""
    with psycopg.connect(db.url) as conn:
        tables = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'homepot_ai' ORDER BY 1"
        ).fetchall()
        found = []
        for (table,) in tables:
            for (row,) in conn.execute(f'SELECT t::text FROM homepot_ai."{table}" t ORDER BY 1'):  # type: ignore[arg-type]
                found.append(row)
        for (payload,) in conn.execute("SELECT payload FROM homepot_ai.ai_mail_outbox"):
            found.append(bytes(payload).decode("latin-1"))
    return "\n".join(found)


def fill(db: Database) -> None:
    """Everything that writes an address, once."""
    with db.writer() as conn:
        people.subscribe(conn, ANN, Wanted("daily"), actor="test", now=NOW)
        preferences.put(conn, ANN, preferences.USUAL, NOW)
        tokens.make(conn, "till", scopes=["read"], sites=None, user=ANN, expires_at=None, actor="t", now=NOW)
        outbox.enqueue(conn, MAIL, now=NOW)
    with sender_session(db, "test") as session:
        claimed = session.claim(session.due(NOW, 1)[0].id, NOW)
        assert claimed is not None
        assert claimed.payload == MAIL.payload
        assert claimed.recipient.lower() == ANN.lower()
        session.enter_data(claimed)
        session.record(claimed, Result.REFUSED, f"refused: 550 5.1.1 no {ANN.lower()} here (at RCPT)", NOW)


def read(db: Database) -> Sequence[object]:
    """What readers make of it; the same whether sealed or not."""
    with db.reader() as conn:
        (subscription,) = people.subscriptions(conn)
        (bounce,) = outbox.bounces(conn)
        (line,) = outbox.lines(conn)
        return (
            subscription.email.lower(), subscription.bounces, bounce.email, bounce.answer,
            line.recipient.lower(), line.last_answer,
            preferences.get(conn, ANN.upper()), tokens.listed(conn)[0].user,
        )  # fmt: skip


@pytest.fixture
def sealed(database: Database) -> Database:
    db = with_keys(database, ONE)
    assert f"sealed with the key {ONE.id}" in "\n".join(migrate.upgrade(db))
    return db


def test_an_address_is_nowhere_in_the_tables_and_everywhere_to_its_readers(
    sealed: Database, clone: Callable[[str], Database], empty_template: str
) -> None:
    fill(sealed)
    assert "planted" not in everything(sealed).lower()
    plain = clone(empty_template)
    fill(plain)
    assert everything(plain).lower().count("planted") >= 8
    assert read(sealed) == read(plain)


def test_what_is_the_same_is_found_as_the_same(sealed: Database) -> None:
    fill(sealed)
    with sealed.writer() as conn:
        people.subscribe(conn, ANN.upper(), Wanted("daily", mode="executive"), actor="test", now=NOW)
        assert [one.mode for one in people.subscriptions(conn)] == ["executive"]
        assert not outbox.enqueue(conn, MAIL, now=NOW), "the same mail is never queued twice"
        assert people.unsubscribe(conn, ANN.lower(), actor="test", now=NOW) == 1
        assert preferences.forget(conn, ANN, NOW, actor="test")
    with sealed.asker(None) as conn:
        assert conn.execute("SELECT email FROM ai_subscriptions").fetchall() == [(ANN.lower(),)]
    pool = PooledDatabase(sealed.url, keys=sealed.keys)
    with pool.reader() as conn:
        assert people.subscriptions(conn)[0].email == ANN.lower()
    pool.close()


def test_sealed_later_changed_and_opened_again_nothing_is_lost(database: Database) -> None:
    fill(database)
    with database.writer() as conn:  # one person, written in two ways
        conn.execute(
            "INSERT INTO ai_subscriptions (email, kind, scope, mode, active) "
            "VALUES (%s, 'daily', 'fleet', 'executive', false)", [ANN.upper()],
        )  # fmt: skip
    for current, previous in ((ONE, None), (TWO, ONE), (None, TWO)):
        db = with_keys(database, current, previous)
        migrate.upgrade(db)
        assert ("planted" in everything(db).lower()) == (current is None)
        assert read(db)[0] == ANN.lower()
        with db.writer() as conn:
            assert not outbox.enqueue(conn, MAIL, now=NOW)
        with db.admin() as conn:
            assert sealing.bring_up(conn, now=NOW) is None, "a second time there is nothing to do"
    with database.reader() as conn:
        told = conn.execute("SELECT action FROM ai_audit_log WHERE action LIKE 'addresses%' ORDER BY id")
        assert [row[0] for row in told] == ["addresses sealed", "addresses sealed", "addresses opened"]


@pytest.mark.parametrize("key", [None, TWO])
def test_without_the_key_addresses_are_refused_and_all_else_goes_on(
    sealed: Database, key: Key | None
) -> None:
    fill(sealed)
    before = everything(sealed)
    stranger = with_keys(sealed, key)
    for attempt in (
        lambda: read(stranger),
        lambda: fill(stranger),
        lambda: migrate.upgrade(stranger),
        lambda: sender_session(stranger, "test").__enter__(),
    ):
        with pytest.raises(SealError, match=f"sealed with the key {ONE.id}.*HOMEPOT_AI_SECURITY__FIELD_KEY"):
            attempt()
    assert everything(sealed) == before
    with stranger.writer() as conn:
        conn.execute("SELECT count(*) FROM ai_subscriptions")
        conn.execute("INSERT INTO ai_audit_log (actor, action, subject) VALUES ('a', 'b', 'c')")


def test_a_changed_value_is_found_out(sealed: Database) -> None:
    fill(sealed)
    with psycopg.connect(sealed.url) as conn:
        conn.execute(
            "UPDATE homepot_ai.ai_subscriptions SET email = left(email, -4) || translate(right(email, 4), "
            "'abcdefghijklmnopqrstuvwxyz234567', 'bcdefghijklmnopqrstuvwxyz234567a')"
        )
    with sealed.reader() as conn, pytest.raises(SealError, match="was changed or is incomplete"):
        people.subscriptions(conn)


def test_a_device_that_is_named_like_a_sealed_address_stops_nothing(sealed: Database) -> None:
    with sealed.admin() as conn:
        for name in (TWO.seal("x"), "sealed1:00000000:aaaa", f"sealed1:{ONE.id}"):
            assert conn.execute("SELECT %s::text", [name]).fetchone() == (name,)


def test_nothing_but_addresses_is_sealed(sealed: Database, settings: Settings) -> None:
    """Bytes and texts that are no addresses are written as they are, also by COPY: minutes are scored on."""
    small_fleet(sealed)
    telemetry(sealed, START, 90, range(1, 7), cpu_percent=wave(40))
    until = START + 89 * MINUTE
    learning.warm_up(sealed, settings, until=until, now=until)
    plan = planning.plan(sealed, settings, now=until + MINUTE)
    assert plan.reason == "on time"
    scored = scoring.score(settings, plan, scoring.read(sealed, settings, plan))
    scoring.store(sealed, settings, plan, scored, until + MINUTE)
    assert planning.plan(sealed, settings, now=until + 2 * MINUTE).reason == "on time"
    with psycopg.connect(sealed.url) as conn:
        conn.execute("SET search_path = homepot_ai")
        begun = conn.execute("SELECT substr(payload, 1, 8) FROM ai_baseline_pages WHERE page = 0").fetchall()
        assert {bytes(row[0]) for row in begun} == {MAGIC}


def test_the_columns_that_are_sealed_are_all_there_are(database: Database) -> None:
    """A new column for an address is sealed too, or is named here with the reason."""
    with database.admin() as conn:
        found = conn.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'homepot_ai' AND column_name ~ '(mail|recipient|address|user_name)' "
            "AND data_type IN ('text', 'bytea')"
        ).fetchall()
    known = {(table, column) for table, columns in sealing.COLUMNS.items() for column in columns}
    # A channel's name; its address is in a block.
    assert set(found) - known == {("ai_alerts_outbox", "recipient")}
