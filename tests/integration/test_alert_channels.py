"""Channels: Apprise's own plugins against local servers that speak each service's protocol.

Telegram's and Slack's hosts are fixed in their plugins; only that class attribute is pointed elsewhere,
everything else is the code that runs in production.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from homepot_ai.alerts import channels, compose
from homepot_ai.alerts.delivery import ChannelSummary, deliver_due
from homepot_ai.alerts.queue import queue_alerts
from homepot_ai.alerts.records import Recipient
from homepot_ai.errors import SettingsError
from homepot_ai.settings import Settings
from homepot_ai.store import outbox
from homepot_ai.store.database import Database
from homepot_ai.store.outbox import CHANNELS
from homepot_ai.store.outbox_rules import Result
from tests import incident_rows_alert as world
from tests.channel_servers import ChannelServer, channel_server
from tests.incident_rows_alert import NOW
from tests.support import small_fleet

TOKEN = "123456789:AbCdEfGhIjKlMnOpQrStUvWxYz012345678"
HOOK = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
MESSAGE = orjson.dumps(
    {"title": "Critical: ‹!channel› down", "body": "CPU 97 %\nhomepot-ai incident 1", "level": "critical"}
)
MINUTE = timedelta(minutes=1)
SECRETS = ("AbCdEfGh", "TIiajkdn", "hidden-topic", "4242", "secret-path")


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChannelServer]:
    with channel_server() as server:
        from apprise.plugins.slack import NotifySlack
        from apprise.plugins.telegram import NotifyTelegram

        monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{server.port}/bot")
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{server.port}/services")
        monkeypatch.setattr(NotifySlack, "request_rate_per_sec", 0)
        yield server


def urls(server: ChannelServer) -> dict[str, str]:
    return {
        "telegram": f"tgram://{TOKEN}/4242",
        "slack": f"slack://{HOOK}/#alerts",
        "ntfy": f"ntfy://127.0.0.1:{server.port}/hidden-topic",
        "webhook": f"json://127.0.0.1:{server.port}/secret-path",
    }


def send(url: str, timeout: float = 5.0) -> channels.ChannelOutcome:
    return channels.send(url, MESSAGE, timeout=timeout, now=NOW)


class TestProtocols:
    def test_telegram(self, http: ChannelServer) -> None:
        assert send(urls(http)["telegram"]).result is Result.SENT
        [got] = http.received
        assert got.path == f"/bot{TOKEN}/sendMessage"
        assert str(got.body["chat_id"]) == "4242"
        assert "Critical: ‹!channel› down" in got.body["text"]
        assert "homepot-ai incident 1" in got.body["text"]

    def test_slack(self, http: ChannelServer) -> None:
        assert send(urls(http)["slack"]).result is Result.SENT
        [got] = http.received
        assert got.path == f"/services/{HOOK}"
        assert "CPU 97 %" in str(got.body)
        assert "<!channel>" not in str(got.body)

    def test_ntfy(self, http: ChannelServer) -> None:
        assert send(urls(http)["ntfy"]).result is Result.SENT
        [got] = http.received
        assert got.body["topic"] == "hidden-topic"
        assert got.body["title"] == "Critical: ‹!channel› down"

    def test_webhook(self, http: ChannelServer) -> None:
        assert send(urls(http)["webhook"]).result is Result.SENT
        [got] = http.received
        assert got.path == "/secret-path"
        assert (got.body["title"], got.body["type"]) == ("Critical: ‹!channel› down", "failure")
        assert got.body["message"].startswith("CPU 97 %")

    def test_a_long_message_is_one_message(self, http: ChannelServer) -> None:
        long = orjson.dumps({"title": "t" * 500, "body": "b " * 20_000, "level": "warning"})
        for url in urls(http).values():
            before = len(http.received)
            assert channels.send(url, long, timeout=5.0, now=NOW).result is Result.SENT
            assert len(http.received) == before + 1


@pytest.mark.parametrize("service", ["telegram", "slack", "ntfy", "webhook"])
class TestTrouble:
    @pytest.mark.parametrize(
        ("status", "result"),
        [
            (400, Result.REFUSED),
            (401, Result.AUTH_FAILED),
            (404, Result.AUTH_FAILED),
            (413, Result.TOO_BIG),
            (500, Result.DEFERRED),
            (503, Result.DEFERRED),
        ],
    )
    def test_answers(self, http: ChannelServer, service: str, status: int, result: Result) -> None:
        http.status = status
        outcome = send(urls(http)[service])
        assert (outcome.result, outcome.again_after) == (result, None)
        assert f"HTTP {status}" in outcome.answer
        assert not any(secret in outcome.answer for secret in SECRETS)

    def test_later_please(self, http: ChannelServer, service: str) -> None:
        http.status, http.headers = 429, {"Retry-After": "180"}
        outcome = send(urls(http)[service])
        assert (outcome.result, outcome.again_after) == (Result.DEFERRED, timedelta(seconds=180))
        http.headers = {"Retry-After": "Wed, 18 Nov 2026 09:40:00 GMT"}
        assert send(urls(http)[service]).again_after == timedelta(minutes=10)
        http.headers = {"Retry-After": "99999"}
        assert send(urls(http)[service]).again_after == timedelta(hours=1)

    def test_no_answer_and_a_broken_line_leave_it_unknown(self, http: ChannelServer, service: str) -> None:
        http.mode = "cut"
        assert send(urls(http)[service]).result is Result.UNKNOWN
        http.mode = "hang"
        begun = time.monotonic()
        assert send(urls(http)[service], timeout=0.4).result is Result.UNKNOWN
        assert time.monotonic() - begun < 3


def test_a_server_that_drips_is_left_after_a_while(http: ChannelServer) -> None:
    http.mode = "drip"
    begun = time.monotonic()
    outcome = send(urls(http)["webhook"], timeout=0.6)
    assert outcome.result is Result.UNKNOWN
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("scheme", ["json", "ntfy", "jsons"])
def test_nobody_answers(scheme: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        outcome = send(f"{scheme}://127.0.0.1:{taken.getsockname()[1]}/hidden-topic")
    assert outcome.result is Result.UNREACHABLE
    assert send("json://no-such-host.invalid/x").result is Result.UNREACHABLE


def test_a_chat_that_is_not_there(http: ChannelServer) -> None:
    outcome = send(f"tgram://{TOKEN}/9999")
    assert (outcome.result, outcome.answer) == (
        Result.REFUSED,
        "HTTP 400 Bad Request: Bad Request: chat not found",
    )


def test_nothing_of_the_address_reaches_a_log(http: ChannelServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for trouble in (200, 401, 500):
        http.status = None if trouble == 200 else trouble
        for url in urls(http).values():
            send(url)
    assert not any(secret in caplog.text for secret in SECRETS)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("bogus://secret-path", "none that Apprise knows"),
        ("", "none that Apprise knows"),
        (f"tgram://{TOKEN}/4242/4243", "exactly one target"),
        (f"tgram://{TOKEN}/", "exactly one target"),
        ("ntfys://ntfy.example.org/a/b", "exactly one target"),
    ],
)
def test_an_address_is_looked_at_before_it_is_used(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        channels.check("ops", url)
    assert not any(secret in str(raised.value) for secret in SECRETS)


def test_what_speaks_there() -> None:
    assert channels.check("ops", f"tgram://{TOKEN}/4242") == "Telegram"
    assert channels.check("ops", f"slack://{HOOK}/#alerts") == "Slack"
    assert channels.check("ops", "jsons://user:word@hooks.example.org/path") == "JSON"


# The outbox


def put(db: Database, *names: str, to: str = "hook") -> None:
    for number, name in enumerate(names):
        message = compose.test_message(Recipient(to), name, Settings(), NOW + number * timedelta(seconds=1))
        with db.writer() as conn:
            assert outbox.enqueue(conn, message, now=NOW, box=CHANNELS)


def deliver(db: Database, where: dict[str, str], minutes: float = 0, timeout: float = 2.0) -> ChannelSummary:
    known = {name: SecretStr(url) for name, url in where.items()}
    return deliver_due(db, known, now=NOW + minutes * MINUTE, worker="test", timeout=timeout)


def states(db: Database) -> list[tuple[str, str]]:
    with db.admin() as conn:
        return conn.execute("SELECT recipient, state FROM ai_alerts_outbox ORDER BY id").fetchall()


class TestDelivery:
    def test_each_once(self, database: Database, http: ChannelServer) -> None:
        put(database, "a", "b")
        where = {"hook": urls(http)["webhook"]}
        assert deliver(database, where).sent == 2
        assert deliver(database, where) == ChannelSummary()
        assert len(http.received) == 2

    def test_a_dead_channel_holds_up_no_other(self, database: Database, http: ChannelServer) -> None:
        put(database, "a", "b", "c", to="dead")
        put(database, "d", to="hook")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            where = {"dead": f"json://127.0.0.1:{taken.getsockname()[1]}/x", "hook": urls(http)["webhook"]}
            summary = deliver(database, where)
        assert (summary.sent, summary.retry, summary.waiting) == (1, 3, 3)
        assert states(database) == [("dead", "queued")] * 3 + [("hook", "sent")]
        assert "**Channel dead:** unreachable: nobody answers" in summary.markdown()
        # It is back: nothing was lost.
        assert deliver(database, {name: urls(http)["webhook"] for name in where}, 5).sent == 3

    def test_a_channel_nobody_configured_waits(self, database: Database, http: ChannelServer) -> None:
        put(database, "a")
        summary = deliver(database, {})
        assert "no channel 'hook' in the settings" in summary.markdown()
        assert states(database) == [("hook", "queued")]
        assert deliver(database, {"hook": urls(http)["webhook"]}, 2).sent == 1

    def test_it_waits_as_long_as_the_server_asks(self, database: Database, http: ChannelServer) -> None:
        put(database, "a")
        http.status, http.headers = 429, {"Retry-After": "600"}
        where = {"hook": urls(http)["webhook"]}
        assert deliver(database, where).retry == 1
        http.status = None
        assert deliver(database, where, 9).sent == 0
        assert deliver(database, where, 11).sent == 1

    def test_refused_for_good_is_shown_until_somebody_decides(
        self, database: Database, http: ChannelServer
    ) -> None:
        put(database, "a")
        http.status = 400
        summary = deliver(database, {"hook": urls(http)["webhook"]})
        assert (summary.failed, summary.attention) == (1, 1)
        with database.reader() as conn:
            [line] = outbox.attention(conn, box=CHANNELS)
        assert not any(secret in str(line) for secret in SECRETS)
        http.status = None
        with database.writer() as conn:
            outbox.resend(conn, line.id, actor="ann", now=NOW, box=CHANNELS)
        assert deliver(database, {"hook": urls(http)["webhook"]}).sent == 1

    def test_no_secret_is_stored(self, database: Database, http: ChannelServer) -> None:
        settings = Settings(alerts={"channels": {"hook": urls(http)["webhook"]}})
        small_fleet(database)
        world.route(database, "hook", "hook")
        world.opened(database, title="<!channel> POS 7")
        assert queue_alerts(database, settings, now=NOW).queued == 1
        http.status = 500
        deliver(database, {"hook": urls(http)["webhook"]})
        with database.admin() as conn:
            tables = conn.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'homepot_ai'"
            ).fetchall()
            for (table,) in tables:
                rows = conn.execute(f"SELECT t::text FROM homepot_ai.{table} t").fetchall()
                assert "secret-path" not in str(rows)
        assert "secret-path" not in str(settings) + repr(settings)


SENDER = """
import sys
from datetime import datetime
from pydantic import SecretStr
from homepot_ai.alerts.delivery import deliver_due
from homepot_ai.store.database import Database
url, channel, now = sys.argv[1:]
deliver_due(Database(url), {"hook": SecretStr(channel)}, now=datetime.fromisoformat(now), worker="victim",
            timeout=60)
"""


@pytest.mark.slow
def test_killed_before_the_answer_it_goes_again_and_others_once(
    database: Database, http: ChannelServer, tmp_path: Any
) -> None:
    put(database, "a", "b")
    http.mode, http.signal = "hang", tmp_path / "reached"
    url = urls(http)["webhook"]
    process = subprocess.Popen([sys.executable, "-c", SENDER, database.url, url, NOW.isoformat()])
    deadline = time.monotonic() + 30
    while not http.signal.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    http.mode = ""
    time.sleep(0.3)
    assert states(database) == [("hook", "in_data"), ("hook", "queued")]
    summary = deliver(database, {"hook": url})
    assert (summary.sent, summary.recovered) == (2, 1)
    titles = sorted(got.body["title"] for got in http.received)
    # The window: taken by the server, its answer not recorded. Everything else arrives once.
    assert titles == [f"Test of the alert route “{name}”" for name in ("a", "a", "b")]
    assert deliver(database, {"hook": url}).sent == 0
