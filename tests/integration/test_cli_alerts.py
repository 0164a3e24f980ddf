"""`homepot-ai routes | alerts | outbox | subscribe`, as somebody at a terminal would use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from homepot_ai import settings
from homepot_ai.alerts.queue import queue_alerts
from homepot_ai.cli import main as cli
from homepot_ai.errors import MailError, NotFound, SettingsError
from homepot_ai.store.database import Database
from tests import incident_rows_alert as world
from tests.support import small_fleet

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database) -> Iterator[Invoke]:
    """A function that runs a command where one channel is configured."""
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    monkeypatch.setenv("HOMEPOT_AI_ALERTS__CHANNELS", '{"ops": "json://127.0.0.1:9/secret-path"}')
    small_fleet(database)

    def run(*words: str) -> Result:
        settings.load_settings.cache_clear()
        return CliRunner().invoke(cli.app, list(words))

    yield run
    settings.load_settings.cache_clear()


def test_routes_from_nobody_to_a_test_message(invoke: Invoke) -> None:
    assert "nobody is told of incidents yet" in invoke("routes").output
    added = invoke("routes", "add", "Night", "--to", "ops", "--hours", "22:00-06:00", "--after", "15")
    assert added.output == "● route 1 (Night) is in force\n"
    invoke("subscribe", "ann@example.org", "--kind", "alert", "--site", "Berlin")
    shown = invoke("routes").output
    assert "1  Night" in shown
    assert "daily 22:00-06:00 UTC, else waits" in shown
    assert "escalation after 15 min" in shown
    assert "ann@example.org" in shown
    assert "a test message to channel ops is queued" in invoke("routes", "test", "Night").output
    assert "1 channel messages wait" in invoke("outbox").output
    assert invoke("outbox", "drop", "1", "--channels").output == "● channel message 1: dropped\n"
    assert invoke("routes", "remove", "1").output == "● route 1 (Night) is removed\n"


def test_errors_say_what_to_do(invoke: Invoke) -> None:
    assert isinstance(invoke("routes", "add").exception, SettingsError)
    assert isinstance(invoke("routes", "remove", "nothing").exception, NotFound)
    wrong = invoke("routes", "add", "x", "--to", "oops").exception
    assert isinstance(wrong, SettingsError)
    assert "alerts.channels: ops" in str(wrong)
    assert isinstance(invoke("outbox", "resend", "1", "--channels").exception, NotFound)
    assert not isinstance(invoke("routes").exception, MailError)


def test_no_command_shows_a_channel_s_address(invoke: Invoke) -> None:
    shown = invoke("settings").output
    assert "alerts.channels.ops" in shown
    assert "(set, not shown)" in shown
    for words in (("settings",), ("routes",), ("outbox",), ("alerts",)):
        assert "secret-path" not in invoke(*words).output


def test_the_review_at_the_terminal(invoke: Invoke, database: Database) -> None:
    assert "0 pages in 7 days, within budget" in invoke("alerts").output
    now = datetime.now(UTC)
    world.opened(database, at=now)
    queue_alerts(database, settings.load_settings(), now=now)
    shown = invoke("alerts", "--days", "2").output
    assert "1 incidents were told to nobody" in " ".join(shown.split())
