"""From a real outbox to a real mail server over a socket, which misbehaves in every way it knows."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import logging
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default as default_policy
from pathlib import Path

import pytest
from pydantic import SecretStr

from homepot_ai.errors import DatabaseUnreachable
from homepot_ai.reporting.smtp import DeliveredLine, DeliverySummary, MailServer, deliver_due
from homepot_ai.settings import MailSettings
from homepot_ai.store import outbox
from homepot_ai.store.database import Database
from homepot_ai.testing.chaos import Chaos, parse
from homepot_ai.testing.mail_sink import MailSink
from tests.mail_helpers import NOW, mail, queue, received, rows, server, states

LATER = NOW + timedelta(hours=2)


def deliver(
    db: Database, sink: MailSink, *, now: datetime = NOW, answer_timeout: float = 5.0, timeout: float = 5.0
) -> DeliverySummary:
    return deliver_due(
        db, server(sink, timeout=timeout, answer_timeout=answer_timeout), now=now, worker="test"
    )


def test_mails_go_out_once_over_one_connection(database, tmp_path):
    queue(database, *(mail(f"m{n}") for n in range(5)))
    with MailSink(tmp_path) as sink:
        assert deliver(database, sink).sent == 5
        assert deliver(database, sink) == DeliverySummary()
        assert sink.connections == 1  # a run with nothing to send does not connect
    assert received(tmp_path) == {f"<m{n}@homepot.example>": 1 for n in range(5)}
    one = rows(database)["m0"]
    assert (one.state, one.attempts) == ("sent", 1)
    assert one.last_answer.startswith("sent: 250 2.0.0 stored as")
    assert NOW <= one.sent_at < NOW + timedelta(minutes=1)


def test_the_content_arrives_unharmed(database, tmp_path):
    queue(database, mail("dots", size=300_000))
    with MailSink(tmp_path) as sink:
        deliver(database, sink)
    stored = (tmp_path / "000001.eml").read_bytes()
    found = message_from_bytes(stored, policy=default_policy)
    assert found["Delivered-To"] == "dots@example.org"
    assert found["Return-Path"] == "<reports@homepot.example>"
    sent = message_from_bytes(mail("dots", size=300_000).payload, policy=default_policy)
    assert found.get_content().replace("\r\n", "\n") == sent.get_content()


def test_two_senders_at_once_share_the_mails(database, tmp_path):
    queue(database, *(mail(f"m{n}") for n in range(40)))
    with MailSink(tmp_path) as sink, ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: deliver(database, sink), range(3)))
    assert sum(run.sent for run in runs) == 40
    assert received(tmp_path) == {f"<m{n}@homepot.example>": 1 for n in range(40)}


def test_the_limit_is_kept_and_the_rest_waits(database, tmp_path):
    queue(database, *(mail(f"m{n}") for n in range(3)))
    with MailSink(tmp_path) as sink:
        run = deliver_due(database, server(sink), now=NOW, worker="test", limit=2)
    assert (run.sent, run.waiting) == (2, 1)


@pytest.mark.parametrize("mode", ["4xx", "4xx-data"])
def test_a_passing_refusal_is_retried_later_with_the_same_message_id(database, tmp_path, mode):
    queue(database, mail("a"), mail("b"))
    with MailSink(tmp_path, chaos=[parse(f"{mode}:times=1,only=a@")]) as sink:
        first = deliver(database, sink)
        assert (first.sent, first.retry) == (1, 1)
        assert deliver(database, sink) == DeliverySummary(waiting=1)  # not before its time
        assert deliver(database, sink, now=LATER).sent == 1
        assert sink.connections == 2
    assert received(tmp_path) == {"<a@homepot.example>": 1, "<b@homepot.example>": 1}
    assert rows(database)["a"].attempts == 2


@pytest.mark.parametrize("mode", ["5xx", "5xx-data"])
def test_a_final_refusal_is_shown_and_does_not_stop_the_others(database, tmp_path, mode):
    queue(database, mail("a"), mail("b"))
    with MailSink(tmp_path, chaos=[parse(f"{mode}:only=a@")]) as sink:
        run = deliver(database, sink)
        assert deliver(database, sink, now=LATER) == DeliverySummary()
    assert (run.sent, run.failed, run.waiting) == (1, 1, 0)
    found = rows(database)["a"]
    assert found.state == "failed"
    assert found.last_answer.startswith("refused: 55")
    assert run.lines == (
        DeliveredLine(found.id, "a@example.org", "Report a", "failed", "refused", run.lines[0].answer),
    )
    assert "homepot-ai outbox resend" in run.markdown()


def test_a_refused_sender_keeps_the_mails(database, tmp_path):
    queue(database, mail("a"))
    chaos = Chaos("mail", "reply", "553 5.7.1 not your address", times=1)
    with MailSink(tmp_path, chaos=[chaos]) as sink:
        assert deliver(database, sink).retry == 1
        assert rows(database)["a"].last_answer.startswith("sender refused: 553")
        assert deliver(database, sink, now=LATER).sent == 1


def test_nobody_listens(database):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        queue(database, *(mail(f"m{n}") for n in range(3)))
        run = deliver_due(database, MailServer("127.0.0.1", port), now=NOW, worker="test")
    assert (run.retry, run.sent, run.waiting) == (3, 0, 3)
    assert run.trouble.startswith("unreachable: ")
    assert f"127.0.0.1:{port}" in run.trouble
    assert "nothing is lost" in run.markdown()
    assert all(line.not_before > NOW and line.attempts == 1 for line in rows(database).values())
    assert all(line.last_answer == run.trouble for line in rows(database).values())


def test_a_server_that_turns_everybody_away(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path, chaos=[parse("refuse:times=1")]) as sink:
        assert deliver(database, sink).trouble.endswith("421 4.3.2 not taking mail at the moment")
        assert deliver(database, sink, now=LATER).sent == 1


@pytest.mark.parametrize("kind", ["report", "alert"])
@pytest.mark.parametrize("mode", ["drop-before-data", "drop-in-body"])
def test_a_line_lost_before_the_end_is_simply_tried_again(database, tmp_path, mode, kind):
    queue(database, mail("a", kind, size=2_000_000), mail("b", kind))
    with MailSink(tmp_path, chaos=[parse(f"{mode}:times=1,only=a@")], receive_buffer=8192) as sink:
        first = deliver(database, sink)
        assert (first.sent, first.retry, first.unknown) == (1, 1, 0)
        assert rows(database)["a"].last_answer.startswith("connection lost: ")
        assert deliver(database, sink, now=LATER).sent == 1
    assert received(tmp_path) == {"<a@homepot.example>": 1, "<b@homepot.example>": 1}


def test_a_line_lost_after_the_end_holds_a_report_until_an_operator_decides(database, tmp_path):
    queue(database, mail("a"), mail("b"))
    with MailSink(tmp_path, chaos=[parse("drop-after-data:times=1,only=a@")]) as sink:
        first = deliver(database, sink)
        assert (first.sent, first.unknown, first.held, first.waiting) == (1, 1, 1, 0)
        assert deliver(database, sink, now=LATER) == DeliverySummary(held=1)
        held = rows(database)["a"]
        assert held.state == "unknown"
        assert "no answer came back" in held.last_answer
        with database.writer() as conn:
            outbox.resend(conn, held.id, actor="ann", now=LATER)
        assert deliver(database, sink, now=LATER).sent == 1
    assert received(tmp_path) == {"<a@homepot.example>": 2, "<b@homepot.example>": 1}


def test_a_line_lost_after_the_end_sends_an_alert_again_with_the_same_message_id(database, tmp_path):
    queue(database, mail("a", "alert"))
    with MailSink(tmp_path, chaos=[parse("drop-after-data:times=1")]) as sink:
        assert deliver(database, sink).retry == 1
        assert deliver(database, sink, now=LATER).sent == 1
    assert received(tmp_path) == {"<a@homepot.example>": 2}


def test_a_server_that_never_answers_an_alert_does_not_get_it_for_ever(database, tmp_path):
    queue(database, mail("a", "alert"))
    with MailSink(tmp_path, chaos=[parse("drop-after-data")]) as sink:
        for hour in range(15):
            run = deliver(database, sink, now=NOW + timedelta(hours=hour))
    assert run == DeliverySummary(held=1)
    assert received(tmp_path) == {"<a@homepot.example>": 9}


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "body"])
def test_a_slow_server_before_the_end_is_tried_again(database, tmp_path, stage):
    queue(database, mail("a", size=8_000_000))
    chaos = Chaos(stage, "slow", seconds=20, times=1)
    with MailSink(tmp_path, chaos=[chaos], receive_buffer=8192) as sink:
        first = deliver(database, sink, timeout=1.0)
        assert (first.retry, first.unknown) == (1, 0)
        assert rows(database)["a"].last_answer.startswith("timed out: ")
        assert deliver(database, sink, now=LATER, timeout=15.0).sent == 1
    assert received(tmp_path) == {"<a@homepot.example>": 1}


def test_a_server_that_does_not_greet(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path, chaos=[Chaos("connect", "slow", seconds=20)]) as sink:
        run = deliver(database, sink, timeout=0.5)
    assert run.trouble.startswith("timed out: ")
    assert "expect TLS from the start" in run.trouble


def test_a_server_slow_after_the_end_leaves_the_outcome_unknown(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path, chaos=[parse("slow:stage=answer,seconds=20")]) as sink:
        run = deliver(database, sink, answer_timeout=0.5)
    assert (run.unknown, run.held) == (1, 1)


def test_a_late_answer_is_waited_for(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path, chaos=[parse("slow:stage=answer,seconds=1.5")]) as sink:
        run = deliver(database, sink, timeout=0.5, answer_timeout=10)
    assert run.sent == 1


def test_a_server_that_breaks_every_conversation_is_not_asked_for_the_rest(database, tmp_path):
    queue(database, *(mail(f"m{n}") for n in range(10)))
    with MailSink(tmp_path, chaos=[parse("drop-before-data")]) as sink:
        run = deliver(database, sink)
        assert sink.connections == 3
    assert (run.retry, run.waiting) == (10, 10)
    assert "3 conversations in a row broke" in run.trouble
    assert {line.attempts for line in rows(database).values()} == {1}


def test_broken_mails_do_not_block_the_others(database, tmp_path):
    queue(
        database,
        replace(mail("empty"), payload=b""),
        replace(mail("garbage"), payload=b"\xff\xfe\x00" * 50),
        mail("address", recipient="eve@example.org\r\nRCPT TO:<all@example.org>"),
        replace(mail("line"), payload=b"From: a@homepot.example\r\n\r\n" + b"x" * 5000),
        mail("good"),
    )
    with MailSink(tmp_path) as sink:
        run = deliver(database, sink)
        assert sink.connections == 1
    assert (run.sent, run.failed) == (1, 4)
    assert received(tmp_path) == {"<good@homepot.example>": 1}
    answers = {name: line.last_answer for name, line in rows(database).items()}
    assert answers["empty"] == "broken: the stored mail is empty"
    assert answers["garbage"].startswith("broken: the sender")
    assert answers["address"].startswith("broken: the recipient")
    assert answers["line"].startswith("refused: 500 Line too long")


def test_a_mail_over_the_servers_limit_is_final_and_says_so(database, tmp_path):
    queue(database, mail("big", size=50_000), mail("small"))
    with MailSink(tmp_path, size_limit=20_000) as sink:
        run = deliver(database, sink)
    assert states(database) == {"big": "failed", "small": "sent"}
    assert run.lines[0].result == "too big"
    assert "the server takes 20,000" in run.lines[0].answer


def test_given_up_after_two_days_of_trying(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path, chaos=[parse("4xx")]) as sink:
        for n in range(80):
            run = deliver(database, sink, now=NOW + timedelta(hours=2 * n))
            if run.failed:
                break
    assert run.failed == 1
    assert rows(database)["a"].last_answer.endswith("given up after 53 attempts")


# --- encryption and login -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[ssl.SSLContext, Path]:
    """A server's context and the file that a client must trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail test")])
    start = datetime.now().astimezone()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start - timedelta(days=1))
        .not_valid_after(start + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, private)
    return context, cert


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_and_logged_in(database, tmp_path, certificate, security):
    context, trusted = certificate
    queue(database, mail("a", size=500_000), mail("b"))
    with MailSink(
        tmp_path, tls=context, implicit_tls=security == "tls", login=("reports", "geheim ü")
    ) as sink:
        run = deliver_due(
            database,
            replace(
                server(sink),
                security=security,
                ca_file=trusted,
                user="reports",
                password=SecretStr("geheim ü"),
            ),
            now=NOW,
            worker="test",
        )
    assert (run.sent, run.trouble) == (2, None)


def test_without_starttls_nothing_is_sent_in_the_clear(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path) as sink:
        run = deliver_due(database, replace(server(sink), security="starttls"), now=NOW, worker="test")
        assert run.trouble.startswith("TLS failed: ")
        assert "does not offer STARTTLS" in run.trouble
        assert received(tmp_path) == {}
        # Repaired, everything goes out by itself: nothing was lost.
        assert deliver(database, sink, now=LATER).sent == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_not_trusted_stops_everything(database, tmp_path, certificate, security):
    queue(database, mail("a"))
    with MailSink(tmp_path, tls=certificate[0], implicit_tls=security == "tls") as sink:
        run = deliver_due(database, replace(server(sink), security=security), now=NOW, worker="test")
    assert run.trouble.startswith("TLS failed: ")
    assert "CERTIFICATE_VERIFY_FAILED" in run.trouble
    assert (states(database), received(tmp_path)) == ({"a": "queued"}, {})


def test_tls_towards_a_server_that_speaks_plain(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path) as sink:
        run = deliver_due(database, replace(server(sink), security="tls"), now=NOW, worker="test")
    assert run.trouble.startswith("TLS failed: ")


def test_certificates_that_cannot_be_read(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path / "mails") as sink:
        wrong = replace(server(sink), security="tls", ca_file=tmp_path / "missing.pem")
        run = deliver_due(database, wrong, now=NOW, worker="test")
    assert run.trouble.startswith("TLS failed: cannot read the certificates in")


def test_a_wrong_password_is_named_kept_out_of_sight_and_loses_nothing(database, tmp_path, caplog):
    secret = "wrong-Pa55word"
    queue(database, mail("a"), mail("b"))
    with caplog.at_level(logging.DEBUG), MailSink(tmp_path, login=("reports", "right")) as sink:
        target = replace(server(sink), user="reports", password=SecretStr(secret))
        run = deliver_due(database, target, now=NOW, worker="test")
        assert (run.retry, run.failed) == (2, 0)
        assert run.trouble.startswith("login failed: ")
        assert "535" in run.trouble
        right = replace(target, password=SecretStr("right"))
        assert deliver_due(database, right, now=LATER, worker="test").sent == 2
    shown = " ".join([repr(target), str(target), run.markdown(), repr(run)])
    shown += " ".join(record.getMessage() for record in caplog.records if record.name.startswith("homepot"))
    for form in (secret, base64.b64encode(secret.encode()).decode()):
        assert form not in shown


def test_a_server_that_repeats_the_password_does_not_get_it_shown(database):
    """A hand-made server, since no decent one does this."""
    secret = "repeated-Pa55word"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 rude\r\n")
        while line := await reader.readline():
            if line.startswith(b"EHLO"):
                writer.write(b"250-rude\r\n250 AUTH PLAIN\r\n")
            else:
                writer.write(b"535 you said " + line.strip() + b" that is " + secret.encode() + b"\r\n")

    ready, port = threading.Event(), [0]

    async def listen() -> None:
        listening = await asyncio.start_server(talk, "127.0.0.1", 0)
        port[0] = listening.sockets[0].getsockname()[1]
        ready.set()
        await asyncio.sleep(3)
        listening.close()

    thread = threading.Thread(target=asyncio.run, args=(listen(),), daemon=True)
    thread.start()
    ready.wait()
    queue(database, mail("a"))
    target = MailServer("127.0.0.1", port[0], user="reports", password=SecretStr(secret), timeout=2.0)
    run = deliver_due(database, target, now=NOW, worker="test")
    thread.join()
    assert "535 you said AUTH PLAIN *** that is ***" in run.trouble
    assert secret not in rows(database)["a"].last_answer


def test_a_login_is_demanded_but_none_is_set(database, tmp_path):
    queue(database, mail("a"), mail("b"))
    with MailSink(tmp_path, login=("reports", "right")) as sink:
        run = deliver(database, sink)
    assert run.trouble.startswith("login failed: 530")
    assert states(database) == {"a": "queued", "b": "queued"}


def test_a_user_without_a_password(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path, login=("reports", "right")) as sink:
        run = deliver_due(database, replace(server(sink), user="reports"), now=NOW, worker="test")
    assert "a user is set but no password" in run.trouble


def test_a_login_where_the_server_has_none(database, tmp_path):
    queue(database, mail("a"))
    with MailSink(tmp_path, tls=None) as sink:
        target = replace(server(sink), user="reports", password=SecretStr("x"))
        run = deliver_due(database, target, now=NOW, worker="test")
    assert run.trouble.startswith("login failed: ")


def test_the_server_from_the_settings():
    found = MailServer.from_settings(
        MailSettings(host="mail.example.org", port=587, security="starttls", sender="HP <r@hp.example>")
    )
    assert str(found) == "mail.example.org:587 (starttls)"
    assert found.sender == "HP <r@hp.example>"


def test_a_page_for_operators_keeps_its_table_whatever_a_server_says():
    line = DeliveredLine(1, "a|b@example.org", "[x](javascript:1) <img>", "failed", "refused", "550 a\n|b|")
    page = DeliverySummary(failed=1, lines=(line,) * 25).markdown()
    assert page.startswith("▲ 1 failed now")
    assert r"550 a \|b\|" in page
    assert "[x](" not in page
    assert "5 more: `homepot-ai outbox`" in page


def test_no_transaction_is_open_while_the_server_is_slow(database, tmp_path):
    queue(database, mail("a"))
    signal, release = tmp_path / "struck", tmp_path / "go on"
    chaos = [Chaos("answer", "slow", signal=signal, release=release, seconds=20)]
    with MailSink(tmp_path / "mails", chaos=chaos) as sink, ThreadPoolExecutor(1) as pool:
        run = pool.submit(deliver, database, sink, answer_timeout=20)
        while not signal.exists():
            time.sleep(0.02)
        with database.admin() as conn:
            found = conn.execute(
                "SELECT state FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchall()
        assert found == [("idle",)]
        assert states(database) == {"a": "in_data"}
        release.touch()
        assert run.result().sent == 1


@pytest.mark.parametrize(("stage", "message"), [("data", "not completed"), ("answer", "recorded afterwards")])
def test_a_database_session_cut_in_the_middle_neither_loses_nor_repeats(database, tmp_path, stage, message):
    queue(database, mail("a"))
    signal, release = tmp_path / "struck", tmp_path / "go on"
    chaos = [Chaos(stage, "slow", signal=signal, release=release, seconds=20, times=1)]
    with MailSink(tmp_path / "mails", chaos=chaos) as sink, ThreadPoolExecutor(1) as pool:
        run = pool.submit(deliver, database, sink, timeout=20, answer_timeout=20)
        while not signal.exists():
            time.sleep(0.02)
        with database.admin() as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        release.touch()
        with pytest.raises(DatabaseUnreachable, match=message):
            run.result()
        deliver(database, sink)
    assert received(tmp_path / "mails") == {"<a@homepot.example>": 1}
    assert states(database) == {"a": "sent"}
