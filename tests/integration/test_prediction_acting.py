"""From risks to settled warnings, in a real PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from homepot_ai.errors import NotFound, PredictionError
from homepot_ai.prediction import acting, deciding, due, outcomes, track_record
from homepot_ai.settings import Settings
from homepot_ai.store import outcomes as outcome_store
from homepot_ai.store import schedule
from homepot_ai.store.database import Database
from tests.prediction_world import DAY, HOUR, NOW, forecast, hours_of, outcome, risk, rows, world

pytestmark = pytest.mark.slow
RATES = {"currency": "EUR", "visit": 90, "hour": 60, "downtime_hour": 100, "outage_hours": 5}


def critical_incident(db: Database, device: int, opened: datetime, **changes: object) -> int:
    values = {
        "fingerprint": f"{device}{opened}{changes}", "kind": "device", "site_id": 1, "root_device_id": device,
        "cause": "disk_percent", "category": "storage", "title": "Disk full", "state": "closed",
        "severity": "critical", "initial_severity": "critical", "peak_severity": "critical",
        "started_at": opened - HOUR, "opened_at": opened, "closed_at": opened + 2 * HOUR, "closed_by": "rule",
        "initial": "{}", "facts": "{}", "updated_at": opened, **changes,
    }  # fmt: skip
    with db.admin() as conn:
        row = conn.execute(
            f"INSERT INTO ai_incidents ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))}) "
            "RETURNING id",
            list(values.values()),
        ).fetchone()
    assert row is not None
    return int(row[0])


def failures(db: Database) -> list[int]:
    with db.reader() as conn:
        found = outcome_store.between(conn, NOW - 400 * DAY, NOW)
    return [o.device_id for o in found if o.kind == "failure"]


class TestOutcomes:
    def test_a_failure_is_a_critical_incident_of_the_device_itself(self, database: Database) -> None:
        world(database)
        at = NOW - 2 * DAY
        critical_incident(database, 1, at)
        critical_incident(database, 2, at, mark=False)
        critical_incident(database, 3, at, peak_severity="warning", initial_severity="warning")
        in_window = critical_incident(database, 4, at)
        critical_incident(database, 5, at)
        site = critical_incident(database, 6, at, kind="site", root_device_id=None)
        worsened = critical_incident(database, 6, at, initial_severity="warning", closed_at=None,
                                     closed_by=None, state="open")  # fmt: skip
        with database.admin() as conn:
            conn.execute(
                "INSERT INTO ai_suppressed (incident_id, why, begun_at) VALUES (%s, 'homepot_schedule', %s)",
                [in_window, at],
            )
            conn.execute(
                "INSERT INTO ai_incident_devices (incident_id, device_id, joined_at) VALUES (%s, 5, %s)",
                [site, at],
            )
            conn.execute(
                "INSERT INTO ai_incident_events (incident_id, at, kind, actor, details) VALUES "
                '(%s, %s, \'worsened\', \'rule\', \'{"from": "warning", "to": "critical"}\')',
                [worsened, at + 9 * HOUR],
            )
        assert outcomes.gather(database, NOW).failures == 2
        assert failures(database) == [1, 6]
        (open_one,) = rows(database, "SELECT at, ended_at FROM ai_device_outcomes WHERE device_id = 6")
        assert open_one == (at + 9 * HOUR, None)
        again = outcomes.gather(database, NOW)
        assert (again.failures, again.moved) == (0, 0)

    def test_maintenance_that_looks_like_a_failure_is_none(self, database: Database) -> None:
        world(database)
        for device, hours in ((1, 1), (2, 5)):
            critical_incident(database, device, NOW - DAY + hours * HOUR)
        outcomes.gather(database, NOW)
        assert failures(database) == [1, 2]
        # HOMEPOT tells late that both were in maintenance for two hours.
        with database.admin() as conn:
            for number, device, hours, new in ((1, 1, 0, "maintenance"), (2, 1, 2, "online"),
                                               (3, 2, 0, "maintenance"), (4, 2, 2, "online")):  # fmt: skip
                conn.execute(
                    "INSERT INTO device_state_history (id, timestamp, device_id, previous_state, new_state) "
                    "VALUES (%s, %s, %s, %s, %s)",
                    [number, (NOW - DAY + hours * HOUR).replace(tzinfo=None), device,
                     "maintenance" if new == "online" else "online", new],
                )  # fmt: skip
        outcomes.gather(database, NOW + HOUR)
        assert failures(database) == [2]
        assert outcomes.gather(database, NOW + HOUR).moved == 0

    def test_it_follows_later_marks(self, database: Database) -> None:
        world(database)
        number = critical_incident(database, 1, NOW - DAY)
        outcomes.gather(database, NOW)
        for mark, expected in ((False, []), (None, [1]), (True, [1])):
            with database.admin() as conn:
                conn.execute("UPDATE ai_incidents SET mark = %s WHERE id = %s", [mark, number])
            outcomes.gather(database, NOW)
            assert failures(database) == expected
        (known,) = rows(database, "SELECT id FROM ai_device_outcomes")
        outcomes.withdraw(database, known[0], by="Ann", now=NOW)
        outcomes.gather(database, NOW)
        assert failures(database) == [], "what a person withdrew stays withdrawn"

    def test_state_history_and_people(self, database: Database) -> None:
        world(database)
        changes = [
            (1, "online", "maintenance", "disk check"), (2, "maintenance", "online", None),
            (3, "online", "online", "Gerät ausgetauscht"), (4, "online", "retired", None),
            (5, "online", "offline", None),
        ]  # fmt: skip
        with database.admin() as conn:
            for n, (number, before, after, why) in enumerate(changes):
                device = 1 if number == 2 else number
                conn.execute(
                    "INSERT INTO device_state_history (id, timestamp, device_id, previous_state, new_state, "
                    "reason) VALUES (%s, %s, %s, %s, %s, %s)",
                    [number, (NOW - DAY + n * HOUR).replace(tzinfo=None), device, before, after, why],
                )
        assert outcomes.gather(database, NOW).states == 3
        assert outcomes.gather(database, NOW).states == 0
        found = rows(database, "SELECT device_id, kind, at, ended_at FROM ai_device_outcomes ORDER BY 1")
        assert [(row[0], row[1]) for row in found] == [(1, "maintained"), (3, "replaced"), (4, "retired")]
        assert found[0][2:] == (NOW - DAY, NOW - DAY + HOUR)

        said = outcomes.add(database, "Checkout 2", "failure", at=NOW, comment="x\r\ny", by="Ann", now=NOW)
        again = outcomes.add(database, "2", "failure", at=NOW, by="Bob", now=NOW + HOUR)
        assert (said.new, again.new) == (True, False)
        assert said.outcome.comment == "x y"
        withdrawn = outcomes.withdraw(database, said.outcome.id, by="Ann", now=NOW)
        assert withdrawn.new
        assert not outcomes.withdraw(database, said.outcome.id, by="Ann", now=NOW).new
        back = outcomes.add(database, "2", "failure", at=NOW, by="Bob", now=NOW + HOUR)
        assert back.new
        with pytest.raises(PredictionError, match="in the future"):
            outcomes.add(database, "2", "failure", at=NOW + DAY, by="Ann", now=NOW)
        with pytest.raises(NotFound, match="there is no outcome '999'"):
            outcomes.withdraw(database, 999, by="Ann", now=NOW)


class TestSettling:
    def test_every_due_row_gets_its_outcome_and_the_record_changes(
        self, database: Database, settings: Settings
    ) -> None:
        world(database, devices=40)
        made = NOW - 20 * DAY
        for device in range(1, 41):
            hours_of(database, device, NOW - 12 * DAY, 12 * 24, 50.0)
            for kind, p in (("hazard", 0.9 if device <= 8 else 0.02), ("base-rate", 0.2)):
                forecast(database, device, made, p=p, forecaster=kind, base_rate=0.2)
                forecast(database, device, made, horizon="24h", hours=24, p=p / 4, forecaster=kind)
        for device in range(1, 8):
            outcome(database, device, made + 2 * DAY, ended=made + 3 * DAY)
        outcome(database, 40, made + DAY, "maintained", "visit")
        forecast(database, 1, NOW - DAY)
        with database.reader() as conn:
            assert track_record.current(conn, NOW).made_at is None
        settled = due.settle_due(database, settings, NOW)
        assert settled.settled == 160
        assert settled.results["failure", "happened"] == 14
        assert settled.results["failure", "censored"] == 4
        with database.reader() as conn:
            record = track_record.current(conn, NOW)
        figure = record.figure("7d", "hazard")
        assert figure is not None
        assert (figure.n, figure.happened, figure.anecdotal) == (39, 7, True)
        assert figure.skill is not None
        assert figure.skill > 0.5
        assert record.waiting == 1
        assert record.thresholds.reason.startswith("priors")
        assert due.settle_due(database, settings, NOW + HOUR).settled == 0
        (left,) = rows(database, "SELECT count(*) FROM ai_predictions WHERE settled_at IS NULL")
        assert left == (1,)

    def test_what_is_learned_later_corrects(self, database: Database, settings: Settings) -> None:
        world(database)
        hours_of(database, 1, NOW - 12 * DAY, 12 * 24, 50.0)
        number = forecast(database, 1, NOW - 10 * DAY, p=0.3)
        due.settle_due(database, settings, NOW)
        query = "SELECT outcome, score FROM ai_predictions WHERE id = %s"
        assert rows(database, query, number)[0][0] == "did_not"
        late = outcome(database, 1, NOW - 6 * DAY, ended=NOW - 5 * DAY, known=NOW + HOUR)
        assert due.settle_due(database, settings, NOW + 2 * HOUR).again == 1
        assert rows(database, query, number)[0] == ("happened", pytest.approx(0.49))
        outcomes.withdraw(database, late, by="Ann", now=NOW + 3 * HOUR)
        # Withdrawn: there is nothing to join with, but its forecasts are settled again all the same.
        assert due.settle_due(database, settings, NOW + 4 * HOUR).again == 1
        assert rows(database, query, number)[0] == ("did_not", pytest.approx(0.09))
        assert due.settle_due(database, settings, NOW + 5 * HOUR).again == 0

    def test_levels_and_limits_by_what_was_measured(self, database: Database, settings: Settings) -> None:
        world(database)
        made = NOW - 10 * DAY
        # Half a percent an hour from 50: the limit of 90 is reached after 80 hours.
        hours_of(database, 1, made, 240, 50.0, 0.5)
        interval = {"metric": "disk_percent", "coverage": 0.8, "p": None}
        level = forecast(
            database, 1, made, kind="level", hours=168, low=130.0, mid=134.0, high=140.0, unit="%", **interval
        )
        edges = [(made + n * DAY).timestamp() for n in (2, 3, 4)]
        limit = forecast(
            database, 1, made, kind="limit", horizon="crossing", hours=200, unit="epoch_s", **interval,
            low=edges[0], mid=edges[1], high=edges[2], facts='{"limit": 90, "direction": "high"}',
        )  # fmt: skip
        # Its late edge is not over when it is due: it says nothing of how good intervals are.
        forecast(
            database, 2, made, kind="life", horizon="30d", hours=200, unit="days", **interval,
            low=5.0, mid=20.0, high=40.0,
        )  # fmt: skip
        hours_of(database, 2, made, 240, 50.0)
        settled = due.settle_due(database, settings, NOW)
        assert settled.settled == 3
        query = "SELECT outcome, observed, observed_at FROM ai_predictions WHERE id = %s"
        assert rows(database, query, level)[0][:2] == ("happened", pytest.approx(133.5, abs=0.6))
        assert rows(database, query, limit)[0][2] == made + 80 * HOUR
        held = {c.kind: c.held for c in settled.after.coverages}
        assert held == {"level": 1.0, "limit": 1.0}

    def test_infinite_hours_cross_no_limit(self, database: Database, settings: Settings) -> None:
        world(database)
        made = NOW - 10 * DAY
        hours_of(database, 1, made, 240, 50.0)
        interval = {"metric": "disk_percent", "coverage": 0.8, "p": None, "low": 1.0, "mid": 2.0, "high": 3.0}
        forecast(database, 1, made, kind="limit", horizon="crossing", hours=200, unit="epoch_s", **interval,
                 facts='{"limit": 90, "direction": "high"}')  # fmt: skip
        forecast(database, 1, made, kind="level", hours=168, unit="%", **interval)
        with database.admin() as conn:
            for hour, value in ((20, "Infinity"), (21, "NaN"), (22, "1e30"), (167, "Infinity")):
                conn.execute(
                    "UPDATE ai_metric_hours SET mean = ARRAY[%s::real] WHERE hour = %s",
                    [value, made + hour * HOUR],
                )
        due.settle_due(database, settings, NOW)
        found = rows(database, "SELECT kind, outcome, observed FROM ai_predictions ORDER BY 1")
        assert found == [("level", "happened", 50.0), ("limit", "did_not", None)]

    def test_an_empty_ledger(self, database: Database, settings: Settings) -> None:
        settled = due.settle_due(database, settings, NOW)
        assert (settled.settled, settled.after.settled) == (0, 0)


def live(db: Database) -> list[schedule.Visit]:
    with db.reader() as conn:
        return schedule.live(conn)


class TestActing:
    def test_once_per_device_and_cause_with_a_visit_and_a_row_in_the_ledger(
        self, database: Database, settings: Settings
    ) -> None:
        world(database, rates=RATES)
        risks = [risk(1), risk(2, low_days=5), risk(3, "moderate"), risk(4, "unknown")]
        acted = acting.act_on(database, settings, risks, NOW)
        assert (len(acted.raised), len(acted.proposed)) == (2, 2)
        first, second = live(database)
        # Merged: one visit to the site, its call-out shared.
        assert first.visit_at == second.visit_at
        assert second.visit_until == first.visit_at + 2 * HOUR
        assert [str(v.cost) for v in (first, second)] == ["105.00", "105.00"]
        assert str(first.cost_if_not) == "310.00"
        assert first.reason.startswith("Disk is expected to reach 90.0 % between Tue 24 Nov and")
        assert first.sequence == 0
        again = acting.act_on(database, settings, risks, NOW)
        assert again == acting.Acted()
        for hour in range(1, 30):
            moved = [replace(r, at=NOW + hour * HOUR) for r in risks]
            later = acting.act_on(database, settings, moved, NOW + hour * HOUR)
            assert (later.raised, later.proposed, later.moved) == ((), (), ())
        kinds = rows(database, "SELECT kind, count(*) FROM ai_predictions WHERE reason = 'raised' GROUP BY 1")
        assert sorted(kinds) == [("failure", 6), ("limit", 2)]
        assert rows(database, "SELECT count(*) FROM ai_risk_episodes") == [(2,)]

    def test_two_runs_at_once_raise_once(self, database: Database, settings: Settings) -> None:
        world(database)
        risks = [risk(n) for n in range(1, 7)]
        threads = [
            threading.Thread(target=acting.act_on, args=(database, settings, risks, NOW)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rows(database, "SELECT count(*) FROM ai_risk_episodes") == [(6,)]
        assert len(live(database)) == 6

    def test_a_device_that_is_broken_is_not_foretold_to_break(
        self, database: Database, settings: Settings
    ) -> None:
        world(database)
        outcome(database, 1, NOW - 3 * DAY, source="incident")
        outcome(database, 2, NOW - 3 * DAY, source="incident", ended=NOW - 4 * HOUR)
        outcome(database, 3, NOW - 3 * DAY, source="incident", ended=NOW - 30 * HOUR)
        outcome(database, 4, NOW - 3 * DAY, source="person")
        acting.act_on(database, settings, [risk(n) for n in (1, 2, 3, 4)], NOW)
        found = rows(database, "SELECT device_id FROM ai_risk_episodes ORDER BY 1")
        assert [device for (device,) in found] == [3, 4]

    def test_killed_in_the_middle_nothing_is_kept(
        self, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world(database)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(acting._Plan, "_refresh", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            acting.act_on(database, settings, [risk(1)], NOW)
        assert rows(database, "SELECT count(*) FROM ai_risk_episodes") == [(0,)]
        assert rows(database, "SELECT count(*) FROM ai_predictions") == [(0,)]
        assert len(acting.act_on(database, settings, [risk(1)], NOW).raised) == 1

    def test_a_failure_told_late_makes_a_false_alarm_come_true(
        self, database: Database, settings: Settings
    ) -> None:
        world(database)
        acting.act_on(database, settings, [risk(1, low_days=None, cause="failure")], NOW)
        hours_of(database, 1, NOW, 8 * 24, 50.0)
        with database.admin() as conn:
            conn.execute(
                "INSERT INTO ai_baselines (shard, kind, at, part, version, payload, checksum, created_at) "
                "VALUES (0, 'live', %s, -1, 1, '', '', %s)",
                [NOW + 5 * DAY, NOW],
            )
        after = NOW + 8 * DAY
        assert due.settle_due(database, settings, after).episodes == {}, "scoring is behind"
        with database.admin() as conn:
            conn.execute("UPDATE ai_baselines SET at = %s", [after])
        assert due.settle_due(database, settings, after + HOUR).episodes == {"false_alarm": 1}
        late = outcome(database, 1, NOW + 3 * DAY, ended=NOW + 4 * DAY, known=after + 2 * HOUR)
        assert due.settle_due(database, settings, after + DAY).episodes == {"came_true": 1}
        assert due.settle_due(database, settings, after + DAY).episodes == {}
        outcomes.withdraw(database, late, by="Ann", now=after + 2 * DAY)
        settled = due.settle_due(database, settings, after + 3 * DAY)
        assert (settled.episodes, settled.after.warnings.false_alarms) == ({"false_alarm": 1}, 1)

    def test_a_settling_for_a_moment_to_come_is_mended_when_it_has_come(
        self, database: Database, settings: Settings
    ) -> None:
        world(database)
        acting.act_on(database, settings, [risk(1, low_days=None, cause="failure")], NOW)
        hours_of(database, 1, NOW - DAY, 24, 50.0)
        number = forecast(database, 1, NOW - HOUR)
        due.settle_due(database, settings, NOW + 90 * DAY)
        query = "SELECT p.outcome, e.outcome FROM ai_predictions p, ai_risk_episodes e WHERE p.id = %s"
        assert rows(database, query, number) == [("censored", "censored")]
        hours_of(database, 1, NOW, 9 * 24, 50.0)
        outcome(database, 1, NOW + 3 * DAY, ended=NOW + 4 * DAY)
        due.settle_due(database, settings, NOW + 8 * DAY)
        assert rows(database, query, number) == [("happened", "came_true")]

    def test_a_device_that_moved_is_visited_where_it_is(self, database: Database, settings: Settings) -> None:
        world(database)
        acting.act_on(database, settings, [risk(1), risk(2)], NOW)
        deciding.decide(database, 2, "accept", by="Ann", now=NOW)
        with database.admin() as conn:
            conn.execute(
                "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
                "VALUES (2, 'site-2', 'Hamburg', true, 'active')"
            )
            conn.execute("UPDATE devices SET site_id = 2")
        acted = acting.act_on(database, settings, [risk(1), risk(2)], NOW + HOUR)
        assert (len(acted.lapsed), len(acted.proposed)) == (1, 1)
        found = [(v.device_id, v.site_id, v.state) for v in live(database)]
        assert sorted(found) == [(1, 2, "proposed"), (2, 1, "accepted")]
        assert acting.act_on(database, settings, [risk(1), risk(2)], NOW + HOUR) == acting.Acted()

    def test_declined_stays_declined_until_it_is_worse(self, database: Database, settings: Settings) -> None:
        world(database)
        acting.act_on(database, settings, [risk(1)], NOW)
        (visit,) = live(database)
        said = deciding.decide(database, visit.id, "decline", by="Ann", comment="not now", now=NOW)
        assert (said.new, said.visit.state, said.visit.sequence) == (True, "declined", 1)
        assert not deciding.decide(database, visit.id, "decline", by="Ann", now=NOW).new
        for hour in range(1, 4):
            at = NOW + hour * HOUR
            assert acting.act_on(database, settings, [risk(1, at=at, p7=0.7)], at).proposed == ()
        worse = NOW + 5 * HOUR
        assert len(acting.act_on(database, settings, [risk(1, "critical", at=worse)], worse).proposed) == 1
        with pytest.raises(PredictionError, match="is declined and cannot be accepted"):
            deciding.decide(database, visit.id, "accept", by="Ann", now=NOW)
        with pytest.raises(NotFound):
            deciding.decide(database, 999, "accept", by="Ann", now=NOW)

    def test_an_accepted_visit_stays_and_done_averts(self, database: Database, settings: Settings) -> None:
        world(database)
        acting.act_on(database, settings, [risk(1)], NOW)
        (visit,) = live(database)
        deciding.decide(database, visit.id, "accept", by="Ann", now=NOW)
        sooner = NOW + HOUR
        acting.act_on(database, settings, [risk(1, "critical", at=sooner, low_days=1.2)], sooner)
        assert live(database)[0].visit_at == visit.visit_at
        made = visit.visit_until + HOUR
        done = deciding.done(database, visit.id, at=None, by="Ann", now=made)
        assert done.visit.done_at == visit.visit_until
        assert not deciding.done(database, visit.id, at=None, by="Ann", now=made).new
        hours_of(database, 1, NOW, 24 * 12, 60.0)
        settled = due.settle_due(database, settings, NOW + 12 * DAY)
        assert settled.episodes == {"averted": 1}
        censored = rows(database, "SELECT facts->>'censored' FROM ai_predictions WHERE horizon = '7d'")
        assert censored == [("it was replaced, retired or repaired before this was due",)]

    def test_a_passed_proposal_moves_and_an_ended_warning_takes_it_along(
        self, database: Database, settings: Settings
    ) -> None:
        world(database)
        acting.act_on(database, settings, [risk(1, low_days=8)], NOW)
        (visit,) = live(database)
        after = visit.visit_at + HOUR
        moved = acting.act_on(database, settings, [risk(1, at=after, low_days=6)], after)
        assert moved.moved == (visit.id,)
        (new,) = live(database)
        assert new.visit_at > after
        assert new.sequence == 1
        for hour in (1, 26):
            at = after + hour * HOUR
            acted = acting.act_on(database, settings, [risk(1, "low", at=at, low_days=None)], at)
        assert acted.lapsed == (visit.id,)
        assert live(database) == []

    def test_came_true_and_false_alarms_make_the_record(self, database: Database, settings: Settings) -> None:
        world(database)
        acting.act_on(database, settings, [risk(1), risk(2)], NOW)
        outcome(database, 1, NOW + 3 * DAY, ended=NOW + 3.2 * DAY)
        outcome(database, 3, NOW + 4 * DAY, ended=NOW + 4.2 * DAY)
        for device in (1, 2, 3):
            hours_of(database, device, NOW, 24 * 20, 60.0)
        settled = due.settle_due(database, settings, NOW + 20 * DAY)
        assert settled.episodes == {"came_true": 1, "false_alarm": 1}
        warned = settled.after.warnings
        assert (warned.came_true, warned.false_alarms, warned.lead_hours) == (1, 1, pytest.approx(72))
        assert (warned.failures, warned.unwarned) == (2, 1)
        at = NOW + 3 * DAY + timedelta(hours=5)
        assert acting.act_on(database, settings, [risk(1, at=at)], at).raised == ()
