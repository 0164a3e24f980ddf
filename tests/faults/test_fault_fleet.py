"""A fleet of ten thousand devices that fell behind, and a machine whose clock is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from homepot_ai.health import learning
from homepot_ai.health.planning import MINUTE
from homepot_ai.settings import Settings
from homepot_ai.store import migrate
from homepot_ai.testing import sample
from tests.faults.conftest import NOW, Bed, Copy
from tests.faults.record import Case
from tests.support import small_fleet, telemetry, wave

pytestmark = pytest.mark.faults

SCORE = "flows.health.score_health"
DEVICES, LEARNED, DUE = 10_000, 10, 3


@pytest.fixture
def many(bed: Bed) -> Iterator[Copy]:
    """Ten thousand devices, ten minutes of which are learned and three are due."""
    copy = bed.clone("template1")
    try:
        database = copy.database
        settings = Settings(var_dir=copy.var)
        sample.create_homepot_tables(database, settings)
        migrate.upgrade(database, may_add_indexes=True)
        small_fleet(database, devices=DEVICES)
        first = NOW - (LEARNED + DUE) * MINUTE
        telemetry(
            database,
            first,
            LEARNED + DUE + 2,
            range(1, DEVICES + 1),
            cpu_percent=wave(40),
            memory_percent=wave(55),
        )
        until = NOW - DUE * MINUTE
        learning.warm_up(database, settings, until=until, now=until)
        yield copy
    finally:
        copy.drop()


def test_a_large_fleet_that_fell_behind_is_killed(many: Copy, case: Case) -> None:
    case.inject(
        "telemetry", f"{DEVICES:,} devices, {DUE} minutes behind, and kill -9 in the middle of catching up"
    )
    killed = many.run(SCORE, NOW, 60)
    assert "killed" in killed, killed
    with case.healing():
        assert many.run(SCORE, NOW + MINUTE)["good"]
    [(found, distinct, minutes)] = many.rows(
        "SELECT count(*), count(DISTINCT (device_id, at)), count(DISTINCT at) FROM ai_health_scores"
    )
    due = DEVICES * (DUE + 1)
    assert minutes == DUE + 1
    case.judge(
        lost=due - distinct,
        twice=found - distinct,
        of=f"{due:,} device-minutes",
        told="run Crashed; next run",
    )


def test_a_machine_is_ahead_of_all_others(fleet: Copy, case: Case) -> None:
    case.inject("clock", "one of several machines is 20 minutes ahead, and scores")
    ahead = timedelta(minutes=20)
    refused = fleet.run(SCORE, NOW + ahead, machine_ahead_s=ahead.total_seconds())
    assert not refused["good"], refused
    assert "20 minutes ahead of the database's" in refused["message"]
    assert fleet.rows("SELECT count(*) FROM ai_scoring_minutes WHERE at > %s", NOW) == [(0,)]
    with case.healing():
        assert fleet.run(SCORE, NOW)["good"]
    [(found, distinct)] = fleet.rows(
        "SELECT count(*), count(DISTINCT (device_id, at)) FROM ai_health_scores WHERE at > %s",
        NOW - 10 * MINUTE,
    )
    [(devices,)] = fleet.rows("SELECT count(*) FROM ai_health_scores WHERE at = %s", NOW)
    case.judge(
        lost=10 * devices - distinct, twice=found - distinct, of=f"{10 * devices} device-minutes",
        told="run Failed there: the clock is ahead; check-services: clock",
    )  # fmt: skip
