"""Marks on a real database: what is written, what moves, and what the next scoring run makes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homepot_ai.errors import MarkError, NotFound
from homepot_ai.health import learning, marking, marks_page, planning, scoring
from homepot_ai.health.planning import MINUTE
from homepot_ai.health.summary import ScoreSummary
from homepot_ai.settings import Settings
from homepot_ai.store import marks
from homepot_ai.store.database import Database
from tests.support import START, small_fleet, telemetry, wave

NOW = START + timedelta(days=1)
DEVICES = range(1, 7)
LEARNED = 240


def rows(db: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with db.admin() as conn:
        return conn.execute(query, parameters).fetchall()


def say(db: Database, settings: Settings, number: int, verdict: Any, minute: int = 0) -> marking.Marked:
    return marking.mark(
        db, settings, verdict, anomaly=number, by="ann", source="cli", now=NOW + timedelta(minutes=minute)
    )


def offset(db: Database, type_: str = "pos_terminal") -> float:
    with db.reader() as conn:
        return round(marks.offsets(conn).get(type_, 0.0), 2)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        var_dir=tmp_path, scoring={"warmup_scored_days": 0}, health={"alarm": {"above_routine": 0.4}}
    )


@pytest.fixture
def logged(database: Database) -> Database:
    """One anomaly an hour: twelve of tills by evidence of strength .5 to 1.6, a limit's, a gateway's."""
    small_fleet(database)
    with database.admin() as conn:
        conn.execute("UPDATE devices SET device_type = 'gateway' WHERE id = 6")
        for number in range(14):
            device = 6 if number == 13 else 1 + number % 5
            conn.execute(
                "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
                "severity, metric, observed, expected_high, strength, opened_by) "
                "VALUES (%s, 'closed', '[]', %s, %s, %s, 'warning', 'cpu_percent', 97, 40, %s, %s)",
                (
                    device,
                    START,
                    START + number * timedelta(hours=1),
                    START + number * timedelta(hours=1, minutes=1) + timedelta(minutes=20),
                    0.5 + 0.1 * number,
                    "limit" if number == 12 else "evidence",
                ),
            )
    return database


def test_a_verdict_is_appended_audited_and_the_current_one(logged: Database, settings: Settings) -> None:
    first = say(logged, settings, 3, "false")
    again = say(logged, settings, 3, "false", 1)
    assert (first.written, again.written) == (True, False)
    assert "already" in marks_page.headline(again)
    say(logged, settings, 3, "true", 2)
    say(logged, settings, 3, "withdrawn", 3)
    assert not say(logged, settings, 3, "withdrawn", 4).written
    assert "no mark to withdraw" in marks_page.headline(say(logged, settings, 4, "withdrawn", 5))
    told = rows(logged, "SELECT anomaly_id, verdict, marked_by, source FROM ai_anomaly_marks ORDER BY id")
    assert told == [(3, v, "ann", "cli") for v in ("false", "true", "withdrawn")]
    assert rows(logged, "SELECT mark FROM ai_anomaly_logs WHERE id = 3") == [(None,)]
    audited = rows(logged, "SELECT actor, subject, details ->> 'verdict' FROM ai_audit_log ORDER BY at")
    assert audited == [("ann", "anomaly 3", v) for v in ("false", "true", "withdrawn")]


def test_false_marks_raise_the_type_and_withdrawing_gives_it_back(
    logged: Database, settings: Settings
) -> None:
    seen = [(say(logged, settings, n, "false", n), offset(logged))[1] for n in range(1, 8)]
    # Two prove nothing; from then on all but two of the weakest would not have been paged.
    assert seen == [0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert offset(logged, "gateway") == 0
    back = [(say(logged, settings, n, "withdrawn", 10 + n), offset(logged))[1] for n in range(7, 0, -1)]
    assert back == [0.4, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0]
    decided = rows(
        logged, "SELECT offset_decades, marked_false, decided_by, reason FROM ai_alarm_thresholds ORDER BY id"
    )
    assert [round(row[0], 2) for row in decided] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert {row[2] for row in decided} == {marks.RULE}
    assert decided[4][3].startswith("7 of 7 marked anomalies were false; at +0.50 decades 0 true and 2 false")


def test_what_a_limit_opened_is_counted_and_moves_nothing(logged: Database, settings: Settings) -> None:
    marked = say(logged, settings, 13, "false")
    assert marked.written
    assert marked.moved is None
    assert "health.limits" in marks_page.marked_page(marked)
    assert rows(logged, "SELECT mark FROM ai_anomaly_logs WHERE id = 13") == [(False,)]
    assert rows(logged, "SELECT count(*) FROM ai_alarm_thresholds") == [(0,)]


def test_marks_past_their_time_stop_counting(logged: Database, settings: Settings) -> None:
    for n in range(1, 6):
        say(logged, settings, n, "false", n)
    assert offset(logged) == pytest.approx(0.3)
    assert marking.settle(logged, settings, NOW + timedelta(days=30)) == []
    [moved] = marking.settle(logged, settings, START + timedelta(days=90, hours=2.5))
    assert (moved.device_type, round(moved.before, 2), moved.after) == ("pos_terminal", 0.3, 0.0)


def test_a_reset_holds_until_new_marks_come(logged: Database, settings: Settings) -> None:
    for n in range(1, 6):
        say(logged, settings, n, "false", n)
    marking.reset(logged, "pos_terminal", by="boss", now=NOW + timedelta(minutes=20))
    assert offset(logged) == 0
    say(logged, settings, 6, "false", 21)
    say(logged, settings, 7, "false", 22)
    assert offset(logged) == 0
    say(logged, settings, 8, "false", 23)
    assert offset(logged) == pytest.approx(0.6)
    with pytest.raises(NotFound, match="pos_terminal"):
        marking.reset(logged, "pos_terminl", by="boss", now=NOW)
    assert rows(logged, "SELECT actor, subject FROM ai_audit_log WHERE action = 'reset'") == [
        ("boss", "alarm threshold of pos_terminal")
    ]


def test_an_anomaly_by_device_and_time_and_what_is_said_when_there_is_none(
    logged: Database, settings: Settings
) -> None:
    def mark(**which: Any) -> marking.Marked:
        return marking.mark(logged, settings, "true", by="ann", source="flow", now=NOW, **which)

    at = START + timedelta(hours=2, minutes=10)
    assert mark(device="Checkout 3", at=at).anomaly.id == 3
    with pytest.raises(
        NotFound, match=r"Checkout 3 at 2026-11-18 09:30 UTC.*: 13 \(Checkout 3, .*8 \(.*3 \("
    ):
        mark(device="Checkout 3", at=START + timedelta(minutes=30))
    with pytest.raises(NotFound, match=r"no anomaly '77'; did you mean: 14 \(Checkout 6, 2026-11-18 22:00"):
        mark(anomaly=77)
    with pytest.raises(NotFound, match="3 of Checkout 4"):
        mark(anomaly=3, device="Checkout 4")
    with pytest.raises(MarkError, match="a moment at which it was open"):
        mark(device="Checkout 3")
    with pytest.raises(MarkError, match="true or false"):
        marking.mark(logged, settings, None, anomaly=3, by="ann", source="flow", now=NOW)
    assert rows(logged, "SELECT count(*) FROM ai_anomaly_marks") == [(1,)]


def score(db: Database, settings: Settings, now: Any) -> ScoreSummary:
    plan = planning.plan(db, settings, now=now)
    assert plan.mode == "live", plan.reason
    return scoring.store(
        db, settings, plan, scoring.score(settings, plan, scoring.read(db, settings, plan)), now
    )


def opened(db: Database, settings: Settings, now: Any) -> dict[int, tuple[float, str]]:
    """What the next run would open, by device: strength and by what. Nothing is stored."""
    plan = planning.plan(db, settings, now=now)
    scored = scoring.score(settings, plan, scoring.read(db, settings, plan))
    return {e.device_id: (e.strength, e.opened_by) for result in scored.results for e in result.opened}


def test_the_next_run_opens_fewer_and_after_withdrawing_as_many(
    database: Database, settings: Settings
) -> None:
    small_fleet(database)
    metrics = {f"{name}": wave(level) for name, level in (("cpu_percent", 40), ("memory_percent", 55))}
    telemetry(database, START, LEARNED, DEVICES, **metrics)
    until = START + (LEARNED - 1) * MINUTE
    learning.warm_up(database, settings, until=until, now=until)
    # Every device jumps, each a little farther than the one before.
    telemetry(
        database, START + LEARNED * MINUTE, 6, DEVICES,
        cpu_percent=lambda minute, device: wave(40)(minute, device) + (minute > 1) * (0.5 + 0.8 * device),
        memory_percent=lambda minute, device: wave(55)(minute, device) + (minute > 1) * (0.5 + 0.8 * device),
    )  # fmt: skip
    now = until + 6 * MINUTE + timedelta(seconds=20)
    before = opened(database, settings, now)
    strengths = sorted(strength for strength, by in before.values() if by == "evidence")
    assert len(strengths) >= 2, before

    # Earlier alarms about as strong as the weakest of these were all false.
    with database.admin() as conn:
        for number in range(5):
            conn.execute(
                "INSERT INTO ai_anomaly_logs (device_id, status, metrics, created_at, started_at, ended_at, "
                "severity, strength, opened_by) "
                "VALUES (1, 'closed', '[]', %s, %s, %s, 'warning', %s, 'evidence')",
                (START, START - number * MINUTE, START, strengths[0] + 0.02),
            )
    for number in range(1, 6):
        say(database, settings, number, "false", number)
    raised = offset(database)
    assert settings.health.alarm.opens_at + raised >= strengths[0]
    after = opened(database, settings, now)
    assert set(after) < set(before)
    assert all(strength > settings.health.alarm.opens_at + raised for strength, _ in after.values())

    for number in range(1, 6):
        say(database, settings, number, "withdrawn", 10 + number)
    assert opened(database, settings, now) == before
    # What is then stored can be marked in its turn.
    summary = score(database, settings, now)
    assert summary.opened == len(before)
    stored = rows(
        database, "SELECT device_id, strength, opened_by FROM ai_anomaly_logs WHERE strength <> %s", 0
    )
    kept = {device: (strength, by) for device, strength, by in stored if device in before}
    for device, (strength, by) in before.items():
        assert kept[device][1] == by
        assert kept[device][0] >= strength - 1e-6


def test_the_page_says_since_when_and_which_anomaly(database: Database, settings: Settings) -> None:
    small_fleet(database)
    telemetry(database, START, LEARNED, DEVICES, cpu_percent=wave(40))
    until = START + (LEARNED - 1) * MINUTE
    learning.warm_up(database, settings, until=until, now=until)
    for first in (LEARNED, LEARNED + 15):
        telemetry(
            database, START + first * MINUTE, 15, [1, 2, 3, 4, 5],
            cpu_percent=lambda minute, device: 99.0 if device == 2 else wave(40)(minute, device),
        )  # fmt: skip
        summary = score(database, settings, START + (first + 14) * MINUTE + timedelta(seconds=20))
    [ill] = summary.ill
    [(number, began)] = rows(database, "SELECT id, started_at FROM ai_anomaly_logs WHERE device_id = 2")
    [(first_bad,)] = rows(
        database, "SELECT min(at) FROM ai_health_scores WHERE device_id = 2 AND score <= 0.8"
    )
    # Since the run before: the moved state remembers it.
    assert ill.since == min(began, first_bad) < START + (LEARNED + 14) * MINUTE
    assert ill.anomaly == number
    page = summary.markdown()
    assert f"| {ill.since:%H:%M} (" in page
    assert "CPU 99.0 %" in page
    assert f"| {number} |" in page
    assert f"Checkout 6 since {START + (LEARNED - 1) * MINUTE - timedelta(seconds=30):%H:%M}" in page
