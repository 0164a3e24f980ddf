"""The store of failure models, the weekly fit and what predicting takes from it, on a real database."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from homepot_ai.errors import NotFound, PredictionError
from homepot_ai.prediction import in_force, learning
from homepot_ai.prediction.learning import HazardPlan, Learned
from homepot_ai.settings import Settings
from homepot_ai.store import hazards
from homepot_ai.store.database import Database
from tests import hazard_world as world
from tests.hours_world import calm, outcome, sql, write_hours
from tests.support import small_fleet

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR = NOW.replace(minute=0)


@pytest.fixture(scope="module")
def found() -> Learned:
    """A fit with windows of a fleet, small."""
    return learning.fit_and_check(world.histories(120, 90), None)


def planned(weeks: int = 0) -> HazardPlan:
    return HazardPlan(HOUR + timedelta(weeks=weeks), 90, None, False)


def test_a_fit_is_kept_once_and_judges(database: Database, found: Learned) -> None:
    assert found.adopted, found.reason
    assert found.model.kind == "learned"
    with database.reader() as conn:
        assert in_force.load_in_force(conn) is None, "nothing was fitted yet"
    version = learning.keep(database, planned(), found, NOW)
    assert learning.keep(database, planned(), found, NOW) == version, "killed and run again: nothing twice"
    with database.reader() as conn:
        model = in_force.load_in_force(conn)
    assert model is not None
    assert model.version == version
    fleet = world.histories(50, 30, seed=3)
    probability, life, facts = model.predict(fleet, np.arange(50), 30.0)
    assert (probability.shape, life.shape, len(facts)) == ((50, 3), (50, 3), 50)
    assert np.isfinite(probability).all()
    worst = int(probability[:, 1].argmax())
    assert probability[worst, 1] > 0.3
    assert 0 < len(facts[worst]) <= 5
    text = learning.summary(database, version).markdown()
    assert f"model {version} (learned) adopted" in text
    assert "| base rate |" in text


def test_one_in_force_kept_models_and_putting_back(database: Database, found: Learned) -> None:
    versions = [learning.keep(database, planned(week), found, NOW) for week in range(6)]
    with database.reader() as conn:
        rows = hazards.recent(conn)
    assert [row.version for row in rows if row.in_force] == versions[-1:]
    assert sum(row.payload_bytes is not None for row in rows) == hazards.KEEP
    with pytest.raises(NotFound):
        learning.use(database, version=versions[0], now=NOW)
    new = learning.use(database, version=versions[3], now=NOW)
    with database.reader() as conn:
        rows = hazards.recent(conn)
        model = in_force.load_in_force(conn)
    assert [row.version for row in rows if row.in_force] == [new]
    assert model is not None
    assert model.version == new
    assert "put back by hand" in rows[0].reason
    # The data of a model that was put back count as fitted by the first fit of them only.
    with database.reader() as conn:
        assert hazards.of_data(conn, planned(3).until) == versions[3]


def test_a_damaged_model_is_told(database: Database, found: Learned) -> None:
    version = learning.keep(database, planned(), found, NOW)
    sql(
        database, "UPDATE ai_hazard_models SET payload = set_byte(payload, 900, get_byte(payload, 900) # 255)"
    )
    with (
        database.reader() as conn,
        pytest.raises(PredictionError, match=f"failure model {version} is damaged"),
    ):
        in_force.load_in_force(conn)


@pytest.mark.parametrize("harm", ["checksum", "no model", "format"])
def test_a_damaged_model_is_replaced_by_the_next_fit(
    database: Database, settings: Settings, found: Learned, harm: str
) -> None:
    learning.keep(database, planned(-1), found, NOW)
    if harm == "checksum":
        sql(database, "UPDATE ai_hazard_models SET checksum = 'x'")
    else:
        file = io.BytesIO()
        np.savez(file, **({} if harm == "no model" else {"model": np.zeros(9, np.uint8)}))
        with database.writer() as conn:
            conn.execute(
                "UPDATE ai_hazard_models SET payload = %s, checksum = %s",
                [file.getvalue(), hashlib.blake2b(file.getvalue(), digest_size=16).hexdigest()],
            )
    with database.reader() as conn, pytest.raises(PredictionError, match=r"damaged|cannot be read"):
        in_force.load_in_force(conn)
    small_fleet(database, devices=2)
    write_hours(database, {1: {"cpu_percent": calm(30)}}, days=3, until=HOUR)
    learned = learning.learn(database, settings, planned())
    assert "compared with none" in learned.reason
    learning.keep(database, planned(), learned, NOW)
    with database.reader() as conn:
        assert in_force.load_in_force(conn) is not None


def test_a_fit_that_is_not_adopted_is_a_row_and_no_more(database: Database, found: Learned) -> None:
    first = learning.keep(database, planned(), found, NOW)
    worse = Learned(found.model, found.twin, False, "worse than the model in force", {})
    second = learning.keep(database, planned(1), worse, NOW)
    with database.reader() as conn:
        rows = hazards.recent(conn)
    assert [(row.version, row.in_force, row.payload_bytes is None) for row in rows] == [
        (second, False, True),
        (first, True, False),
    ]
    assert "not adopted" in learning.summary(database, second).headline


def test_a_young_fleet_gets_rates_and_hears_why(database: Database, settings: Settings) -> None:
    small_fleet(database, devices=3)
    write_hours(database, {device: {"cpu_percent": calm(30)} for device in (1, 2, 3)}, days=3, until=HOUR)
    outcome(database, 1, "failure", HOUR - timedelta(days=1), "cpu")
    outcome(database, 2, "maintained", HOUR - timedelta(days=2))
    plan = learning.plan(database, settings, at=NOW, now=NOW)
    assert (plan.until, plan.done, plan.outdated) == (HOUR, None, False)
    learned = learning.learn(database, settings, plan)
    assert learned.model.kind == "prior"
    assert learned.model.failures == 1, "maintenance is no failure"
    assert "1 failures are known, 20 are needed" in learned.reason
    version = learning.keep(database, plan, learned, NOW)
    assert learning.plan(database, settings, at=NOW, now=NOW).done == version
    assert learning.plan(database, settings, at=NOW - timedelta(days=3), now=NOW).outdated
    with pytest.raises(PredictionError, match="lies in the future"):
        learning.plan(database, settings, at=NOW + timedelta(hours=2), now=NOW)
    assert "nothing is learned yet" in learning.summary(database, version).markdown()
