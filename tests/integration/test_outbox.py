"""The outbox in a real PostgreSQL: queueing, showing, operators' decisions, claims and dead senders."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from homepot_ai.errors import DatabaseUnreachable, MailError, NotFound
from homepot_ai.store import migrate, outbox
from homepot_ai.store.database import Database
from homepot_ai.store.outbox_rules import Result
from homepot_ai.store.outbox_sender import ClaimLost, DueMail, sender_session
from tests.mail_helpers import NOW, mail, queue, rows, states


def test_the_same_key_is_queued_once(database):
    queue(database, mail("a"))
    with database.writer() as conn:
        assert not outbox.enqueue(conn, replace(mail("a"), subject="another subject"), now=NOW)
    assert rows(database)["a"].subject == "Report a"


def test_a_mail_exists_only_if_what_it_announces_does(database):
    def queue_and_fail() -> None:
        with database.writer() as conn:
            outbox.enqueue(conn, mail("a"), now=NOW)
            raise RuntimeError("storing the report failed")

    with pytest.raises(RuntimeError):
        queue_and_fail()
    assert rows(database) == {}


def test_two_keys_may_not_share_a_message_id(database):
    queue(database, mail("a"))
    with pytest.raises(MailError, match=r"<a@homepot\.example>"), database.writer() as conn:
        outbox.enqueue(conn, replace(mail("a"), key="another"), now=NOW)


def test_without_a_time_the_transaction_s_own_is_taken(database):
    with database.writer() as conn:
        outbox.enqueue(conn, mail("a"))
        assert conn.execute(
            "SELECT created_at = now() AND not_before = now() FROM ai_mail_outbox"
        ).fetchone() == (True,)


def test_alerts_are_due_before_older_reports(database):
    queue(database, mail("report"))
    queue(database, mail("alert", "alert"), now=NOW + timedelta(minutes=5))
    queue(database, mail("later"), now=NOW + timedelta(hours=1))
    with sender_session(database, "w") as session:
        due = session.due(NOW + timedelta(minutes=6), 10)
    assert [one.kind for one in due] == ["alert", "report"]


def test_summary_counts_and_ages(database):
    queue(database, mail("a"))
    queue(database, mail("b"), now=NOW + timedelta(minutes=10))
    with database.reader() as conn:
        summary = outbox.summary(conn, now=NOW + timedelta(hours=1))
    assert (summary.waiting, summary.attention, summary.counts["queued"]) == (2, 0, 2)
    assert summary.oldest_waiting == timedelta(hours=1)
    assert summary.next_due == NOW


def test_the_outbox_as_text(database):
    queue(database, mail("a"), mail("b"), mail("c"))
    _end(database, "a", Result.UNKNOWN)
    _end(database, "c", Result.SENT)
    with database.reader() as conn:
        page = outbox.summary(conn, now=NOW + timedelta(hours=3)).markdown()
    assert page.splitlines() == [
        "▲ 1 of unknown outcome and 0 failed wait for `homepot-ai outbox resend NUMBER` or `drop NUMBER`",
        "● 1 mails wait, the oldest for 3.0 h; the next is due 2025-11-27 06:00 UTC",
        "● 1 sent, 0 dropped by an operator",
    ]
    found = rows(database)
    assert str(found["a"]) == (
        f"{found['a'].id:>6}  unknown  a@example.org  Report a\n"
        "        <a@homepot.example>, tried once; the server's words; "
        "held until an operator decides: resend or drop"
    )
    assert str(found["b"]).endswith("tried 0 times, due 2025-11-27 06:00 UTC")


def test_an_empty_outbox_has_no_oldest(database):
    with database.reader() as conn:
        summary = outbox.summary(conn, now=NOW)
    assert (summary.oldest_waiting, summary.next_due, summary.waiting) == (None, None, 0)


def _end(database, name: str, result: Result) -> int:
    with sender_session(database, "w") as session:
        found = rows(database)[name]
        claimed = session.claim(found.id, NOW)
        assert claimed is not None
        session.enter_data(claimed)
        session.record(claimed, result, "the server's words", NOW)
    return found.id


def _audit(database) -> list[tuple[object, ...]]:
    with database.reader() as conn:
        return conn.execute(
            "SELECT actor, action, subject, purpose, details->>'state_before' FROM ai_audit_log"
        ).fetchall()


def test_an_operator_sends_an_unknown_mail_again(database):
    queue(database, mail("a"))
    mail_id = _end(database, "a", Result.UNKNOWN)
    with database.reader() as conn:
        assert [line.id for line in outbox.attention(conn)] == [mail_id]
        assert outbox.pending(conn) == []
    with database.writer() as conn:
        outbox.resend(conn, mail_id, actor="ann", now=NOW, purpose="did not arrive")
    again = rows(database)["a"]
    assert (again.state, again.attempts, again.not_before) == ("queued", 0, NOW)
    assert again.message_id == "<a@homepot.example>"
    assert _audit(database) == [("ann", "mail.resend", f"mail {mail_id}", "did not arrive", "unknown")]


def test_an_operator_drops_an_unknown_mail(database):
    queue(database, mail("a"))
    mail_id = _end(database, "a", Result.UNKNOWN)
    with database.writer() as conn:
        outbox.drop(conn, mail_id, actor="ann", now=NOW)
    assert states(database) == {"a": "dropped"}
    assert _audit(database) == [("ann", "mail.drop", f"mail {mail_id}", None, "unknown")]


def test_a_sent_mail_is_neither_sent_again_nor_dropped(database):
    queue(database, mail("a"))
    mail_id = _end(database, "a", Result.SENT)
    for decision in (outbox.resend, outbox.drop):
        with pytest.raises(MailError, match="is sent"), database.writer() as conn:
            decision(conn, mail_id, actor="ann", now=NOW)
    assert _audit(database) == []


def test_a_mail_that_is_not_there(database):
    with pytest.raises(NotFound, match="there is no mail in the outbox '77'"), database.writer() as conn:
        outbox.resend(conn, 77, actor="ann", now=NOW)


def test_forgotten_content_keeps_its_key_but_cannot_go_again(database):
    queue(database, mail("a"), mail("b"))
    mail_id = _end(database, "a", Result.SENT)
    with database.writer() as conn:
        assert outbox.forget_payloads(conn, before=NOW + timedelta(days=1)) == 1
        assert not outbox.enqueue(conn, mail("a"), now=NOW)
        assert outbox.line(conn, mail_id).size == 0
    with database.writer() as conn:
        outbox.drop(conn, rows(database)["b"].id, actor="ann", now=NOW)
        assert outbox.forget_payloads(conn, before=NOW + timedelta(days=1)) == 1
    with pytest.raises(MailError, match="no longer kept"), database.writer() as conn:
        outbox.resend(conn, rows(database)["b"].id, actor="ann", now=NOW)


def test_a_claimed_mail_is_not_claimed_twice_and_its_living_sender_is_left_alone(database):
    queue(database, mail("a"))
    mail_id = rows(database)["a"].id
    with sender_session(database, "one") as one, sender_session(database, "two") as two:
        assert one.claim(mail_id, NOW) is not None
        assert two.claim(mail_id, NOW) is None
        assert two.recover(NOW) == []
        assert states(database) == {"a": "claimed"}


@pytest.mark.parametrize(
    ("kind", "in_data", "expected"),
    [
        ("report", False, "queued"),
        ("alert", False, "queued"),
        ("report", True, "unknown"),
        ("alert", True, "queued"),
    ],
)
def test_a_dead_senders_mail_is_taken_up_at_once(database, kind, in_data, expected):
    queue(database, mail("a", kind))
    with sender_session(database, "dead") as session:
        claimed = session.claim(rows(database)["a"].id, NOW)
        if in_data:
            session.enter_data(claimed)
    with sender_session(database, "living") as session:
        assert [one.state for one in session.recover(NOW)] == [expected]
        assert session.recover(NOW) == []
        assert len(session.due(NOW, 10)) == (expected == "queued")
    found = rows(database)["a"]
    assert found.state == expected
    assert "sender died" in found.last_answer
    assert "dead" in found.last_answer


def test_claiming_leaves_no_transaction_open(database):
    queue(database, mail("a"))
    with sender_session(database, "w") as session:
        session.claim(rows(database)["a"].id, NOW)
        with database.admin() as conn:
            in_transaction = conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            ).fetchone()
    assert in_transaction == (0,)


def test_locks_are_let_go_after_the_outcome(database):
    queue(database, mail("a"), mail("b"))
    _end(database, "a", Result.DEFERRED)
    with sender_session(database, "w") as session:
        assert session.claim(rows(database)["a"].id, NOW) is None  # not due yet
        with database.admin() as conn:
            assert conn.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (
                0,
            )


def _cut_other_sessions(database) -> None:
    with database.admin() as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_cut_session_stops_the_mail_before_it_is_complete(database):
    def cut_before_the_end() -> None:
        with sender_session(database, "w") as session:
            claimed = session.claim(rows(database)["a"].id, NOW)
            _cut_other_sessions(database)
            session.enter_data(claimed)

    queue(database, mail("a"))
    with pytest.raises(DatabaseUnreachable, match="was not completed"):
        cut_before_the_end()
    assert states(database) == {"a": "claimed"}


@pytest.mark.parametrize("judged_dead", [False, True])
@pytest.mark.parametrize("kind", ["report", "alert"])
def test_an_answer_is_recorded_although_the_session_was_cut(database, kind, judged_dead):
    def cut_before_the_record() -> None:
        with sender_session(database, "w") as session:
            claimed = session.claim(rows(database)["a"].id, NOW)
            session.enter_data(claimed)
            _cut_other_sessions(database)
            if judged_dead:
                with sender_session(database, "hasty") as hasty:
                    assert len(hasty.recover(NOW)) == 1
            session.record(claimed, Result.SENT, "250 OK", NOW)

    queue(database, mail("a", kind))
    with pytest.raises(DatabaseUnreachable, match="recorded afterwards"):
        cut_before_the_record()
    found = rows(database)["a"]
    assert (found.state, found.last_answer, found.sent_at) == ("sent", "250 OK", NOW)


def test_a_late_answer_does_not_disturb_the_next_sender(database):
    def late_answer() -> None:
        with sender_session(database, "slow") as slow:
            mine = slow.claim(rows(database)["a"].id, NOW)
            slow.enter_data(mine)
            _cut_other_sessions(database)
            with sender_session(database, "next") as following:
                following.recover(NOW)
                assert following.claim(mine.id, NOW) is not None
                slow.record(mine, Result.DEFERRED, "451 later", NOW)

    queue(database, mail("a", "alert"))
    with pytest.raises(DatabaseUnreachable):
        late_answer()
    found = rows(database)["a"]
    assert (found.state, found.attempts) == ("claimed", 2)
    assert "451 later" not in found.last_answer


def test_a_sender_without_the_claim_cannot_go_on(database):
    queue(database, mail("a"))
    with sender_session(database, "one") as one, sender_session(database, "two") as two:
        claimed = one.claim(rows(database)["a"].id, NOW)
        with pytest.raises(ClaimLost, match="not completed"):
            two.enter_data(claimed)
        with pytest.raises(ClaimLost, match="250 OK"):
            two.record(claimed, Result.SENT, "250 OK", NOW)


def test_postponing_spares_what_others_hold(database):
    queue(database, mail("a"), mail("b"))
    found = rows(database)
    both = [DueMail(found[name].id, "report", 0) for name in "ab"]
    with sender_session(database, "one") as one, sender_session(database, "two") as two:
        one.claim(found["a"].id, NOW)
        assert two.postpone(both, Result.UNREACHABLE, "nobody there", NOW) == {found["b"].id: "queued"}
    after = rows(database)["b"]
    assert (after.attempts, after.last_answer) == (1, "nobody there")
    assert NOW + timedelta(seconds=45) <= after.not_before <= NOW + timedelta(minutes=1)


def test_two_schemas_in_one_database_do_not_share_locks(database):
    pod = Database(database.url, "pod")
    migrate.upgrade(pod)
    for db in (database, pod):
        queue(db, mail("a"))
    assert rows(database)["a"].id == rows(pod)["a"].id
    with sender_session(database, "one") as one, sender_session(pod, "two") as two:
        assert one.claim(rows(database)["a"].id, NOW) is not None
        assert two.claim(rows(pod)["a"].id, NOW) is not None
