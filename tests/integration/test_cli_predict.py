"""`homepot-ai predict`, as somebody at a terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from homepot_ai import settings
from homepot_ai.cli import main as cli
from homepot_ai.errors import NotFound, SettingsError
from homepot_ai.prediction import stage
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tests.hours_world import calm, filling, sql, write_hours
from tests.support import small_fleet


def test_the_worst_first_one_device_and_a_look_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: Database
) -> None:
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_SETTINGS_FILE", str(tmp_path / "homepot-ai.yaml"))
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", database.url)
    settings.load_settings.cache_clear()

    def said(*words: str) -> str:
        done = CliRunner().invoke(cli.app, ["predict", *words])
        assert done.exception is None, done.exception
        return done.output

    small_fleet(database, devices=2)
    now = datetime.now(UTC)
    until = now.replace(minute=0, second=0, microsecond=0)
    hours = {1: {"cpu_percent": calm(30)}, 2: {"disk_percent": filling(85, 0.8)}}
    write_hours(database, hours, until=until)
    assert "nothing is foretold yet" in said()
    stage.predict(database, Settings(var_dir=tmp_path), at=now, now=now)
    listed = said()
    assert listed.index("Checkout 2") < listed.index("Checkout 1")
    assert "Disk from" in listed
    kept = sql(database, "SELECT count(*) FROM ai_predictions")
    told = said("checkout 2")
    assert "reaches 90.0 %" in told
    assert "Free disk space" in told
    back = said("--at", (until - timedelta(days=2)).isoformat())
    assert "2 devices:" in back
    assert sql(database, "SELECT count(*) FROM ai_predictions WHERE reason = 'daily'") == kept
    for words, error in ((["Checkout 9"], NotFound), (["--at", "noon"], SettingsError)):
        assert isinstance(CliRunner().invoke(cli.app, ["predict", *words]).exception, error)
    settings.load_settings.cache_clear()
