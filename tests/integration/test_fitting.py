"""The nightly fit on a real database: read, fit, check, record, switch - and everything that goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from homepot_ai.errors import NotFound, ScoringError, StateGone
from homepot_ai.health import fitting, learning, planning, scoring
from homepot_ai.health.fit_summary import FitSummary
from homepot_ai.health.planning import MINUTE
from homepot_ai.health.week import HOURS, INDEX, PARTS, Week, hour_of_week
from homepot_ai.settings import Settings
from homepot_ai.store import fits
from homepot_ai.store.database import Database
from tests.support import small_fleet, table_checksums, telemetry, wave
from tests.week_world import UNTIL, hour_values, weekend, write_hours

DEVICES, METRICS, HISTORY = 8, 2, 37 * 24
DAY = timedelta(days=1)
NOW = UNTIL + timedelta(minutes=40)


def values(hours: int = HISTORY, **changed: Any) -> npt.NDArray[np.float64]:
    """Two metrics per device: the first has a weekend, the second none."""
    shape = changed.pop("shape", weekend())
    with_week = hour_values(DEVICES, hours, shape=shape, **changed)
    plain = hour_values(DEVICES, hours, shape=np.zeros(HOURS), seed=2, **changed)
    return np.stack([with_week, plain], axis=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var_dir=tmp_path)


@pytest.fixture
def fleet(database: Database) -> Database:
    small_fleet(database, devices=DEVICES)
    return database


def learn(db: Database, settings: Settings, at: Any = NOW, now: Any = None) -> FitSummary:
    plan = fitting.plan(db, shard=0, at=at, now=now or at)
    if plan.done is not None:
        return fitting.summary(db, 0, plan.done)
    return fitting.store(db, settings, plan, fitting.fit(db, settings, plan), now or at)


def in_force(db: Database) -> list[int]:
    with db.reader() as conn:
        return [r[0] for r in conn.execute("SELECT version FROM ai_baseline_fits WHERE in_force").fetchall()]


def loaded(db: Database, version: int) -> Week:
    week = Week()
    with db.reader() as conn:
        (found,) = (a for a in fits.adopted(conn, 0, NOW + 100 * DAY) if a.version == version)
        for part, payload in fits.parts(conn, 0, found.fitted_at, PARTS).items():
            week.load(part, payload)
    return week


def test_a_weekend_is_found_checked_and_put_in_force(fleet: Database, settings: Settings) -> None:
    write_hours(fleet, values())
    moved: list[tuple[int, int]] = []
    plan = fitting.plan(fleet, shard=0, at=NOW, now=NOW)
    found = fitting.fit(fleet, settings, plan, lambda done, total: moved.append((done, total)))
    summary = fitting.store(fleet, settings, plan, found, NOW)
    assert moved[-1] == (2 * DEVICES, 2 * DEVICES)
    assert in_force(fleet) == [1]
    fit = summary.fit
    assert fit.adopted
    assert fit.error_new is not None
    assert fit.error_without is not None
    assert fit.error_new < 0.8 * fit.error_without
    assert (fit.series, fit.details["eligible"]) == (16, 16)
    assert 8 <= fit.details["shaped"] <= 10, "the metric without a week hardly ever has one"
    assert fit.data_until == UNTIL
    page = summary.markdown()
    assert "version 1 adopted" in page
    assert "Checkout" in page
    assert "Saturday" in page or "Sunday" in page
    week = loaded(fleet, 1)
    assert len(week) == fit.details["shaped"]
    saturday_noon = 5 * 24 + 12
    offset = week.offsets(saturday_noon, week.key, lambda names: np.arange(len(names), dtype=np.int32))
    first = np.array([week.names[k] == "load_0" for k in (week.key & 0xFFFFF).tolist()])
    # The shape is zero-mean over the days: 5/7 of the depth on a quiet one.
    assert np.abs(offset[first] + 20 * np.sin(np.pi * 6 / 14) * 5 / 7).max() < 2.5


def test_the_same_hours_again_change_nothing(fleet: Database, settings: Settings) -> None:
    write_hours(fleet, values())
    learn(fleet, settings)
    before = table_checksums(fleet, "homepot_ai")
    again = learn(fleet, settings, at=NOW + timedelta(minutes=15))
    assert again.fit.version == 1
    # Two runs that began at the same time: the second finds the first one's row when it stores.
    plan = fitting.FitPlan(0, UNTIL, None, None, False)
    assert fitting.store(fleet, settings, plan, fitting.fit(fleet, settings, plan), NOW).fit.version == 1
    assert table_checksums(fleet, "homepot_ai") == before


def test_a_run_killed_between_payload_and_switch_leaves_nothing(
    fleet: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hours(fleet, values())
    before = table_checksums(fleet, "homepot_ai")
    record = fits._record

    def killed(*args: Any) -> None:
        conn = args[0]
        assert conn.execute("SELECT count(*) FROM ai_baselines WHERE kind = 'fitted'").fetchone() == (169,)
        conn.pgconn.finish()  # as the server sees it when the process dies
        raise KeyboardInterrupt

    monkeypatch.setattr(fits, "_record", killed)
    with pytest.raises(KeyboardInterrupt):
        learn(fleet, settings)
    assert table_checksums(fleet, "homepot_ai") == before
    monkeypatch.setattr(fits, "_record", record)
    assert learn(fleet, settings).fit.version == 1
    assert in_force(fleet) == [1]


def test_a_version_that_is_worse_is_recorded_and_not_used(fleet: Database, settings: Settings) -> None:
    """Somebody's import wrote last weeks' hours wrongly: weekend and work are exchanged in three weeks."""
    good = values(hours=HISTORY + 7 * 24, until=UNTIL + 7 * DAY)
    write_hours(fleet, good[:, :, : -7 * 24])
    learn(fleet, settings)
    week, shape = 7 * 24, weekend()
    t = (UNTIL + 7 * DAY).timestamp() + (np.arange(good.shape[2]) - good.shape[2]) * 3600
    hour = np.array([hour_of_week(x) for x in t])
    bad = good.copy()
    wrong = slice(bad.shape[2] - 5 * week, bad.shape[2] - 24)
    bad[:, 0, wrong] += (np.roll(shape, 72)[hour] - shape[hour])[wrong]
    with fleet.admin() as conn:
        conn.execute("DELETE FROM ai_metric_hours")
    write_hours(fleet, bad, until=UNTIL + 7 * DAY)
    summary = learn(fleet, settings, at=NOW + 7 * DAY)
    fit = summary.fit
    assert fit.error_new is not None
    assert fit.error_old is not None
    assert fit.error_new > fit.error_old
    assert not fit.adopted
    assert in_force(fleet) == [1]
    assert "version 2 not adopted, version 1 stays" in summary.headline
    assert fit.payload_bytes == 0
    with fleet.reader() as conn:
        count = conn.execute("SELECT count(DISTINCT version) FROM ai_baselines WHERE kind = 'fitted'")
        assert count.fetchone() == (1,)


def test_versions_are_kept_put_back_and_forgotten(fleet: Database, settings: Settings) -> None:
    write_hours(fleet, values(hours=HISTORY + 7 * 24, until=UNTIL + 7 * DAY), until=UNTIL + 7 * DAY)
    for night in range(7):
        fitting.use(fleet, settings, shard=0, version=0, now=NOW + night * DAY)
    learn(fleet, settings, at=NOW + 7 * DAY)
    assert in_force(fleet) == [8]
    with fleet.reader() as conn:
        kept = [a.version for a in fits.adopted(conn, 0, NOW + 8 * DAY) if a.kept]
    assert kept == [5, 6, 7, 8], "in force and three before"
    with pytest.raises(NotFound, match=r"'2'.*5, 6, 7, 8"):
        fitting.use(fleet, settings, shard=0, version=2, now=NOW + 8 * DAY)
    assert in_force(fleet) == [8]
    later = NOW + 8 * DAY
    assert fitting.use(fleet, settings, shard=0, version=0, now=later).fit.version == 9
    assert len(loaded(fleet, 9)) == 0
    back = fitting.use(fleet, settings, shard=0, version=8, now=later)
    assert back.fit.version == 10
    assert "version 8 was put back by hand" in back.headline
    assert in_force(fleet) == [10]
    assert [loaded(fleet, 10).dump(p) for p in PARTS] == [loaded(fleet, 8).dump(p) for p in PARTS]
    assert learn(fleet, settings, at=NOW + 7 * DAY, now=later).fit.version == 8, "putting back is no fit"


def test_a_look_back_is_recorded_and_not_used(fleet: Database, settings: Settings) -> None:
    write_hours(fleet, values(hours=HISTORY + 7 * 24))
    learn(fleet, settings)
    back = learn(fleet, settings, at=NOW - 7 * DAY, now=NOW + timedelta(hours=1))
    assert not back.fit.adopted
    assert "a fit on later hours is there" in back.fit.reason
    assert in_force(fleet) == [1]


def test_too_little_history_and_an_empty_fleet_say_so(fleet: Database, settings: Settings) -> None:
    empty = learn(fleet, settings, at=NOW - DAY)
    assert (empty.fit.series, empty.fit.adopted) == (0, False)
    write_hours(fleet, values(hours=13 * 24))
    short = learn(fleet, settings)
    assert (short.fit.series, short.fit.details["eligible"], short.fit.adopted) == (16, 0, False)
    assert "no series has a shape of the week" in short.headline
    with pytest.raises(ScoringError, match="future"):
        fitting.plan(fleet, shard=0, at=NOW + DAY, now=NOW)


def test_days_in_an_anomaly_are_not_learned_from(fleet: Database, settings: Settings) -> None:
    """On one Saturday to Monday a device was broken, and reported; learned from, it would look weekly."""
    hours = 15 * 24 + 24
    sick = values(hours=hours)
    sick[:, 0, -8 * 24 : -6 * 24] += 300
    write_hours(fleet, sick)
    with fleet.writer() as conn:
        conn.execute(
            "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
            "severity) SELECT n, 'closed', '[]', %(b)s, %(b)s, %(e)s, 'warning' FROM generate_series(1, 4) n",
            {"b": UNTIL - timedelta(hours=8 * 24), "e": UNTIL - timedelta(hours=6 * 24)},
        )
        block = fits.anomalies(conn, list(range(1, 9)), UNTIL - timedelta(hours=hours), UNTIL)
    assert len(block) == 4
    plan = fitting.plan(fleet, shard=0, at=NOW, now=NOW)
    reader = fitting._Reader(fleet, plan, list(range(1, 9)), np.zeros(8, np.int32))
    ((read, _),) = reader.blocks(np.arange(8))
    dirty = np.nan_to_num(read.mean).max(axis=1) > 200
    assert set(read.device_id[dirty].tolist()) == {5, 6, 7, 8}


def test_a_damaged_part_is_not_used(fleet: Database, settings: Settings) -> None:
    write_hours(fleet, values())
    learn(fleet, settings)
    with fleet.admin() as conn:
        conn.execute("UPDATE ai_baselines SET payload = payload || 'x' WHERE kind = 'fitted' AND part = 3")
    with fleet.reader() as conn:
        (version,) = fits.adopted(conn, 0, NOW + DAY)
        assert set(fits.parts(conn, 0, version.fitted_at, [INDEX, 4])) == {INDEX, 4}
        with pytest.raises(ScoringError, match=r"part 3 .* damaged"):
            fits.parts(conn, 0, version.fitted_at, [INDEX, 3])


class TestTheMinute:
    """A minute is scored with the week in force at its time, live and again."""

    SCORED = UNTIL + timedelta(hours=6, minutes=20)

    @pytest.fixture
    def scored(self, fleet: Database, settings: Settings) -> Database:
        """A state of an hour and a half, hours of five weeks, and a fit of the night before."""
        write_hours(fleet, values())
        history = self.SCORED - timedelta(minutes=90)
        telemetry(fleet, history, 180, range(1, DEVICES + 1), cpu_percent=wave(40), memory_percent=wave(55))
        # The metrics that the minutes bring have a week of their own.
        with fleet.writer() as conn:
            conn.execute("UPDATE ai_metric_hours SET metrics = ARRAY['cpu_percent', 'memory_percent']")
        learn(fleet, settings, at=NOW)
        quiet = settings.model_copy(
            update={"scoring": settings.scoring.model_copy(update={"warmup_scored_days": 0})}
        )
        learning.warm_up(fleet, quiet, until=self.SCORED - MINUTE, now=self.SCORED)
        return fleet

    def run(self, db: Database, settings: Settings, at: Any, now: Any) -> Any:
        plan = planning.plan(db, settings, at=at, now=now)
        batch = scoring.read(db, settings, plan)
        found = scoring.score(settings, plan, batch)
        return batch, scoring.store(db, settings, plan, found, now)

    def test_only_the_hours_touched_are_read(self, scored: Database, settings: Settings) -> None:
        batch, _ = self.run(scored, settings, self.SCORED, self.SCORED)
        assert {w.since for w in batch.weeks} == {(UNTIL + timedelta(hours=1)).timestamp()}
        sunday = 6 * 24
        assert [w.part for w in batch.weeks] == [INDEX, sunday + 7, sunday + 8]

    def test_scored_again_after_later_fits_it_says_the_same(
        self, scored: Database, settings: Settings
    ) -> None:
        self.run(scored, settings, None, self.SCORED + timedelta(minutes=45))
        after = self.SCORED + timedelta(minutes=80)
        for version in (0, 1):
            fitting.use(scored, settings, shard=0, version=version, now=self.SCORED + timedelta(minutes=50))
        self.run(scored, settings, None, after)
        # Both count from the next full hour on: the minutes before keep the version that they had.
        past = self.SCORED + timedelta(minutes=43)
        _, again = self.run(scored, settings, past, after)
        assert (again.mode, again.differing, again.equal) == ("past", 0, DEVICES)
        with scored.admin() as conn:
            conn.execute("DELETE FROM ai_baselines WHERE kind = 'fitted' AND version = 1")
        with pytest.raises(StateGone, match=r"shape of the week in force then \(version 1\)"):
            self.run(scored, settings, past, after)

    def test_the_week_changes_what_is_expected(self, scored: Database, settings: Settings) -> None:
        plan = planning.plan(scored, settings, at=self.SCORED, now=self.SCORED)
        batch = scoring.read(scored, settings, plan)
        with_week = scoring.score(settings, plan, batch)
        without = scoring.score(settings, plan, replace(batch, weeks=()))
        slot = next(part for part in with_week.parts if part >= 0)
        assert bytes(with_week.parts[slot]) != bytes(without.parts[slot])  # type: ignore[arg-type]


def test_a_shard_that_there_is_not_is_refused(database: Database, settings: Settings) -> None:
    plan = fitting.plan(database, shard=1, at=UNTIL, now=UNTIL)
    with pytest.raises(ScoringError, match="there is no shard 1"):
        fitting.fit(database, settings, plan)
    with pytest.raises(ScoringError, match="there is no shard 1"):
        fitting.use(database, settings, shard=1, version=0, now=UNTIL)
