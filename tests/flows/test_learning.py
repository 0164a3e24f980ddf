"""learn-baselines against a real database and a real Prefect server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from prefect.artifacts import Artifact

from deployments import catalogue
from flows.learning import learn_baselines
from homepot_ai.settings import ScoringSettings, Settings
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, artifact, run
from tests.support import small_fleet
from tests.week_world import hour_values, write_hours

pytestmark = pytest.mark.slow


def test_an_empty_fleet_leaves_no_record(database: Database, connect: Connect) -> None:
    connect(database)
    state = run(learn_baselines)
    assert state.name == "Skipped", state.message
    with database.reader() as conn:
        assert conn.execute("SELECT count(*) FROM ai_baseline_fits").fetchone() == (0,)


def test_a_night_a_repeated_run_and_a_version_put_back(database: Database, connect: Connect) -> None:
    connect(database)
    small_fleet(database, devices=4)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    write_hours(database, hour_values(4, 37 * 24, until=until)[:, None, :], until=until)
    at = until + timedelta(seconds=1)
    first = run(learn_baselines, at=at)
    assert first.is_completed(), first.message
    assert "version 1" in str(first.message)
    assert "4 of 4 series have a shape of the week" in artifact("learn-baselines")
    again = run(learn_baselines, at=at)
    assert again.name == "Skipped"
    assert "fitted before" in str(again.message)
    progress = Artifact.get("learn-baselines-progress")
    assert progress is not None
    assert progress.data == 100.0
    gone = run(learn_baselines, use_version=7)
    assert gone.is_failed()
    assert "no kept baseline of shard 0 '7'" in str(gone.message)
    assert "docs/runbooks/learn-baselines.md" in artifact("learn-baselines")
    none = run(learn_baselines, use_version=0)
    assert none.is_completed(), none.message
    assert "taken out by hand" in artifact("learn-baselines")
    with database.reader() as conn:
        told = conn.execute("SELECT version, adopted, in_force FROM ai_baseline_fits ORDER BY 1").fetchall()
    assert told[-1] == (2, True, True)
    assert np.sum([in_force for _, _, in_force in told]) == 1


def test_each_shard_has_a_night_of_its_own() -> None:
    settings = Settings(scoring=ScoringSettings(shards=2))
    entries = {e["name"]: e for e in catalogue.render(settings, [])["deployments"]}
    for number in (1, 2):
        entry = entries[f"learn-baselines-{number}"]
        assert entry["parameters"]["shard"] == number - 1
        assert entry["schedules"][0]["cron"] == "40 2 * * *"
