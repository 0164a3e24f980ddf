"""`homepot-ai anomalies | mark | thresholds`, as somebody at a terminal would use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.store.database import Database
from tests.support import small_fleet

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database) -> Iterator[Invoke]:
    """A function that runs a command on six tills that had ten anomalies, one an hour; the last is open."""
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    monkeypatch.setenv("HOMEPOT_AI_HEALTH__ALARM__ABOVE_ROUTINE", "0.4")
    small_fleet(database)
    now = datetime.now(UTC)
    with database.admin() as conn:
        for number in range(10):
            began = now - timedelta(hours=10 - number, minutes=10)
            ended = None if number == 9 else began + timedelta(minutes=20)
            conn.execute(
                "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
                "severity, metric, observed, expected_high, strength, opened_by) "
                "VALUES (%s, %s, '[]', %s, %s, %s, 'warning', 'cpu_percent', 97, 40, 0.6, 'evidence')",
                (1 + number % 3, "closed" if ended else "open", began, began, ended),
            )

    def run(*words: str) -> Result:
        settings.load_settings.cache_clear()
        return CliRunner().invoke(cli.app, list(words))

    yield run
    settings.load_settings.cache_clear()


def listed(result: Result) -> list[str]:
    """First cells of the lines that begin with a number."""
    cells = [line.split() for line in result.output.splitlines()]
    return [row[0] for row in cells if row and row[0].isdigit()]


def test_anomalies_are_found_with_their_numbers(invoke: Invoke) -> None:
    shown = invoke("anomalies")
    assert listed(shown) == [str(number) for number in range(10, 0, -1)]
    assert "CPU 97.0 %, expected at most 40.0 %" in shown.output
    assert "homepot-ai mark ID true|false|withdrawn" in shown.output
    assert listed(invoke("anomalies", "--open")) == ["10"]
    assert listed(invoke("anomalies", "--device", "Checkout 2")) == ["8", "5", "2"]
    assert listed(invoke("anomalies", "--since", "3h")) == ["10", "9"]
    begun = f"{datetime.now(UTC) - timedelta(hours=3):%Y-%m-%dT%H:%M}"
    assert listed(invoke("anomalies", "--since", begun)) == ["10", "9"]
    assert "no anomalies" in invoke("anomalies", "--device", "Checkout 6").output
    assert isinstance(invoke("anomalies", "--since", "yesterday").exception, SettingsError)
    assert isinstance(invoke("anomalies", "--device", "Checkout 66").exception, NotFound)


def test_marked_listed_and_reset(invoke: Invoke, database: Database) -> None:
    assert "every alarm threshold is as designed" in invoke("thresholds").output
    for number in (1, 2):
        assert f"anomaly {number} marked false" in invoke("mark", str(number), "false", "--by", "Ann").output
    third = invoke("mark", "3", "false", "--by", "Ann", "--comment", "backup")
    assert "anomaly 3 marked false; threshold of pos_terminal +0.00 → +0.20 decades" in third.output
    assert "was marked false already: nothing written" in invoke("mark", "3", "false").output
    [line] = [line for line in invoke("anomalies").output.splitlines() if line.split()[:1] == ["3"]]
    assert " false " in line
    assert "+0.20 decades" in invoke("thresholds").output
    assert "as designed again (+0.20 before)" in invoke("thresholds", "reset", "pos_terminal").output
    assert "reset by" in invoke("thresholds").output
    with database.reader() as conn:
        told = conn.execute(
            "SELECT marked_by, comment, source FROM ai_anomaly_marks ORDER BY id DESC"
        ).fetchone()
    assert told == ("Ann", "backup", "cli")


def test_what_cannot_be_marked_is_refused(invoke: Invoke) -> None:
    assert isinstance(invoke("mark", "77", "true").exception, NotFound)
    assert invoke("mark", "7", "maybe").exit_code == 2
    assert isinstance(invoke("thresholds", "reset").exception, SettingsError)
    assert isinstance(invoke("thresholds", "reset", "kiosk").exception, NotFound)
