"""learn-hazards against a real database and a real Prefect server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from flows.hazards import learn_hazards
from homepot_ai.cli.main import app
from homepot_ai.store.database import Database
from tests.flows.conftest import Connect, artifact, run
from tests.hours_world import calm, sql, write_hours
from tests.support import small_fleet

pytestmark = pytest.mark.slow


def test_a_week_of_a_young_fleet(database: Database, connect: Connect) -> None:
    connect(database)
    small_fleet(database, devices=2)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    write_hours(database, {1: {"cpu_percent": calm(30)}, 2: {"cpu_percent": calm(50)}}, days=3, until=until)
    state = run(learn_hazards)
    assert state.is_completed(), state.message
    assert "0 failures are known, 20 are needed" in str(state.message)
    assert "nothing is learned yet" in artifact("learn-hazards")
    again = run(learn_hazards, at=until)
    assert again.name == "Skipped"
    assert "fitted before" in str(again.message)
    back = run(learn_hazards, at=until - timedelta(days=2))
    assert "this is a look back" in str(back.message)
    assert sql(database, "SELECT version, in_force FROM ai_hazard_models ORDER BY version") == [
        (1, True),
        (2, False),
    ]
    put = run(learn_hazards, use_version=1)
    assert put.is_completed(), put.message
    assert "version 1 put back by hand" in artifact("learn-hazards")
    gone = run(learn_hazards, use_version=9)
    assert gone.is_failed()
    assert "docs/runbooks/learn-hazards.md" in artifact("learn-hazards")
    listed = CliRunner().invoke(app, ["hazards"])
    assert listed.exit_code == 0, listed.output
    assert "in force" in listed.output
