"""`homepot-ai incidents | incident | acknowledge | snooze | close | window`, as somebody at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import IncidentError, NotFound, SettingsError
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.incident_world import World

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database
) -> Iterator[tuple[Invoke, World]]:
    """A function that runs a command on six tills of which the third has an open incident."""
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    world = World(database, Settings(var_dir=tmp_path))
    world.at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
    world.anomaly(3)
    world.run()

    def run(*words: str) -> Result:
        settings.load_settings.cache_clear()
        return CliRunner().invoke(cli.app, list(words), catch_exceptions=True)

    yield run, world
    settings.load_settings.cache_clear()


def test_what_is_open_is_listed_and_told(invoke: tuple[Invoke, World]) -> None:
    run, _ = invoke
    listed = run("incidents").output
    assert "Checkout 3: CPU 97.2 %, expected at most 90.0 %" in listed
    assert "▲ warning" in listed
    assert run("incidents", "--device", "Checkout 2").output.strip() == "no incident is open"
    told = run("incident", "1").output
    assert told.startswith("▲ incident 1: Checkout 3")
    assert "UTC  opened: warning, 1 device(s)" in told
    assert isinstance(run("incident", "9").exception, NotFound)


def test_it_is_acknowledged_snoozed_marked_and_closed(invoke: tuple[Invoke, World]) -> None:
    run, world = invoke
    assert "incident 1 acknowledged by Ann" in run("acknowledge", "1", "--by", "Ann", "--comment", "k").output
    assert "incident 1 snoozed until" in run("snooze", "1", "4h", "--by", "Ann").output
    assert isinstance(run("snooze", "1", "someday").exception, SettingsError)
    assert isinstance(run("snooze", "1", "2020-01-01").exception, IncidentError)
    marked = run("mark", "1", "false", "--incident", "--by", "Ann")
    assert "1 anomalies that are its evidence have the same verdict now" in marked.output
    assert world.sql("SELECT mark FROM ai_anomaly_logs") == [(False,)]
    assert "incident 1 closed by Ann: fan" in run("close", "1", "fan", "--by", "Ann").output
    assert run("incidents").output.strip() == "no incident is open"
    assert "closed" in run("incidents", "--all").output
    assert "resolution: fan (Ann)" in run("incident", "1").output
    assert isinstance(run("acknowledge", "1").exception, IncidentError)


def test_windows_are_added_listed_and_cancelled(invoke: tuple[Invoke, World]) -> None:
    run, _ = invoke
    assert "no window of ours" in run("window").output
    add = ("window", "add", "reboot", "--of", "Berlin", "--weekdays", "sat,sun", "--clock", "22:00")
    assert "sat, sun from 22:00 for 8 h (Europe/Berlin)" in run(*add, "--minutes", "480").output
    assert "(it was there already)" in run(*add, "--minutes", "480").output
    assert isinstance(run(*add).exception, IncidentError)
    assert "reboot" in run("window", "list").output
    assert "window 1 cancelled" in run("window", "cancel", "1").output
    assert "no window of ours" in run("window").output
    assert isinstance(run("window", "cancel").exception, SettingsError)
    assert isinstance(run("window", "cancel", "77").exception, NotFound)
