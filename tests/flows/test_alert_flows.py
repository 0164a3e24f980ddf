"""Alerts through the flows: out within the minute, by mail and by channel; routes and review on demand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from blocks import AlertChannel
from flows.alerts import alert_review, alert_routes
from flows.health import score_health
from flows.mail import deliver
from homepot_ai.errors import SettingsError
from homepot_ai.reporting.mailbox import list_mails
from homepot_ai.store.database import Database
from homepot_ai.testing.mail_sink import MailSink
from tests import incident_rows_alert as world
from tests.channel_servers import ChannelServer, channel_server
from tests.flows.conftest import Connect, artifact, run
from tests.support import small_fleet, telemetry, wave

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet(database: Database) -> Database:
    """Three devices that reported every minute of the last half hour."""
    small_fleet(database, devices=3)
    last = datetime.now(UTC).replace(second=0, microsecond=0)
    telemetry(database, last - timedelta(minutes=30), 31, [1, 2, 3], cpu_percent=wave(30))
    return database


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mail") as listening:
        yield listening


@pytest.fixture
def http() -> Iterator[ChannelServer]:
    with channel_server() as server:
        yield server


def test_out_within_the_minute_by_mail_and_channel(
    fleet: Database, connect: Connect, sink: MailSink, http: ChannelServer
) -> None:
    connect(fleet, MAIL__PORT=str(sink.port), ALERTS__CHANNELS=f'{{"ops": "json://127.0.0.1:{http.port}/x"}}')
    world.route(fleet, "ann", "ann@example.org")
    world.route(fleet, "ops", "ops")
    world.opened(fleet, at=datetime.now(UTC))
    begun = time.monotonic()
    state = run(score_health)
    assert state.name == "Completed", state.message
    # Without deployments there is nobody to wake: the sender ran here.
    assert [mail.recipient for mail in list_mails(sink.directory)] == ["ann@example.org"]
    assert [got.body["title"] for got in http.received] == [
        "Warning: Checkout 3: CPU and network latency high (Berlin) - incident 1"
    ]
    assert time.monotonic() - begun < 60
    assert "**Alerts**: 2 messages queued, 0 wait." in artifact("score-health")
    assert "## Channels" in artifact("deliver")
    assert "1 sent" in artifact("deliver")


def test_deliver_tells_what_is_due_also_when_scoring_stands_still(
    fleet: Database, connect: Connect, sink: MailSink
) -> None:
    connect(fleet, MAIL__PORT=str(sink.port))
    world.route(fleet, "ann", "ann@example.org", renotify_minutes=30)
    now = datetime.now(UTC)
    number = world.opened(fleet, at=now)
    assert (run(deliver).message or "").startswith("1 sent")
    assert (run(deliver, at=now + timedelta(minutes=40)).message or "").startswith("1 sent")
    assert (run(deliver, at=now + timedelta(minutes=41)).message or "").startswith("0 sent")
    subjects = [mail.subject for mail in list_mails(sink.directory)]
    assert [subject.split(":")[0] for subject in subjects] == [
        "[HOMEPOT] Warning",
        "[HOMEPOT] Still open after 58 min, warning",
    ]
    assert f"incident {number}" in subjects[0]


def test_trouble_with_deciding_holds_up_no_delivery(
    fleet: Database, connect: Connect, sink: MailSink
) -> None:
    connect(fleet, MAIL__PORT=str(sink.port))
    world.route(fleet, "ann", "ann@example.org")
    assert run(alert_routes, action="test", name="ann").is_completed()
    with fleet.admin() as conn:
        conn.execute("UPDATE ai_mail_outbox SET state = 'queued'")
        conn.execute("ALTER TABLE ai_alert_messages RENAME TO gone")
    state = run(deliver)
    assert (state.message or "").startswith("1 sent")
    assert "Alerts could not be queued" in artifact("deliver")


def test_routes_by_form(fleet: Database, connect: Connect, sink: MailSink) -> None:
    connect(fleet, MAIL__PORT=str(sink.port))
    assert run(alert_routes).message == "0 routes and subscriptions"
    assert "Nobody is told of incidents yet" in artifact("alert-routes")
    added = run(
        alert_routes, action="add", name="Day|shift", to="ann@example.org", site="Berlin", days="mon-fri",
        hours="08:00-18:00", by="Ann",
    )  # fmt: skip
    assert added.message == "route 1 (Day|shift) is in force"
    assert "mon-fri 08:00-18:00 Europe/Berlin, else waits" in artifact("alert-routes")
    assert run(alert_routes, action="test", name="1").is_completed()
    assert [mail.subject for mail in list_mails(sink.directory)] == [
        "[HOMEPOT] Test of the alert route “Day|shift”"
    ]
    refused = run(alert_routes, action="add", name="x", to="nobody")
    with pytest.raises(SettingsError, match="neither a mail address nor a channel"):
        refused.result()
    assert run(alert_routes, action="remove", name="1").message == "route 1 (Day|shift) is removed"


def test_the_review(fleet: Database, connect: Connect, sink: MailSink) -> None:
    connect(fleet, MAIL__PORT=str(sink.port))
    world.route(fleet, "ann", "ann@example.org")
    now = datetime.now(UTC)
    world.opened(fleet, at=now)
    run(deliver)
    state = run(alert_review, at=now + timedelta(minutes=1))
    assert state.message == "1 pages in 7 days, within budget"
    assert "| pos_terminal | cpu_percent.high | 1 | 1 | none judged | 0 |" in artifact("alert-review")


def test_blocks_follow_the_settings_and_show_no_secret(fleet: Database, connect: Connect) -> None:
    secret = "json://127.0.0.1:9/secret-path"
    connect(fleet, ALERTS__CHANNELS=f'{{"ops": "{secret}", "night": "{secret}"}}')
    assert set(AlertChannel.load_all(["ops", "night", "none"])) == {"ops", "night"}
    assert "secret-path" not in repr(AlertChannel.load("channel-ops"))
    with get_client(sync_client=True) as client:
        for document in client.read_block_documents_by_type("alert-channel", include_secrets=False):
            assert "secret-path" not in document.model_dump_json()
    connect(fleet, ALERTS__CHANNELS=f'{{"ops": "{secret}"}}')
    assert set(AlertChannel.load_all(["ops", "night"])) == {"ops"}
    with pytest.raises(SettingsError, match="none that Apprise knows") as raised:
        connect(fleet, ALERTS__CHANNELS='{"ops": "secret-path"}')
    assert "secret-path" not in str(raised.value)
