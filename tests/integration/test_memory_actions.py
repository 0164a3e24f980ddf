"""Actions on incidents, judged by scored health in a real PostgreSQL, beside doing nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from homepot_ai.errors import ActionError, NotFound
from homepot_ai.memory import acting, investigate, page
from homepot_ai.memory.effect import effects
from homepot_ai.settings import MemorySettings, Settings
from homepot_ai.store import actions as store
from homepot_ai.store.database import Database
from tests.incident_rows_mem import NOW, PAST, health, incident, metric, past

pytestmark = pytest.mark.slow
OPENED = NOW - timedelta(days=4)


def course(db: Database, device: int, *, ill: int) -> None:
    """Healthy, then ill for so many minutes from the opening on, then healthy for a day and more."""
    spans = [(40, "healthy"), (ill, "critical"), (2300 - ill, "healthy")]
    health(db, device, OPENED - timedelta(minutes=40), spans, step=2)


def record(db: Database, number: int, action: str, minutes: float) -> acting.Recorded:
    at = OPENED + timedelta(minutes=minutes)
    return acting.record(db, number, action, by="Ann", at=at, source="test", now=NOW)


@pytest.fixture
def fleet(database: Database) -> tuple[Database, list[int]]:
    """Six incidents that end soon after an action, six in which nobody acts and that last for hours."""
    acted = []
    for number in range(6):
        acted.append(incident(database, device=100 + number, opened=OPENED, minutes=180, state="closed"))
        course(database, 100 + number, ill=70)
        incident(database, device=200 + number, opened=OPENED, minutes=900, state="closed")
        course(database, 200 + number, ill=600)
    return database, acted


def test_an_action_beside_doing_nothing(fleet: tuple[Database, list[int]]) -> None:
    db, acted = fleet
    for number in acted:
        record(db, number, "Deleted old logs", 60)
    early = acting.judge(db, OPENED + timedelta(hours=20))
    assert page.judged_headline(early) == "No action was due"
    judged = acting.judge(db, NOW)
    assert (judged.helped, judged.did_not_help, judged.cannot_tell) == (6, 0, 0)
    (only,) = judged.effects
    assert str(only.taken) == "6 of 6 (100%, 95 % interval 61% to 100%)"
    # From the same hour on as people acted: ill for nine more hours, which is no recovery within four.
    assert str(only.nothing) == "0 of 6 (0%, 95 % interval 0% to 39%)"
    assert only.verdict == "better than doing nothing"
    again = acting.judge(db, NOW)
    assert (again.helped, again.baseline, again.effects) == (0, 0, judged.effects)


def test_what_ends_by_itself_is_not_called_help(database: Database) -> None:
    for number in range(8):
        acted = incident(database, device=100 + number, opened=OPENED, minutes=200, state="closed")
        incident(database, device=200 + number, opened=OPENED, minutes=200, state="closed")
        for device in (100 + number, 200 + number):
            course(database, device, ill=90)
        record(database, acted, "Restarted the service", 60)
    (only,) = acting.judge(database, NOW).effects
    assert only.taken.rate == only.nothing.rate == 1.0
    assert only.verdict == "no difference to doing nothing is shown"


def test_what_was_over_before_anybody_acts_is_no_baseline(database: Database) -> None:
    acted = incident(database, device=1, opened=OPENED, minutes=200, state="closed")
    course(database, 1, ill=90)
    record(database, acted, "Restarted the service", 60)
    incident(database, device=2, opened=OPENED, minutes=30, state="closed")
    course(database, 2, ill=20)
    assert acting.judge(database, NOW).baseline == 0


def test_a_recurrence_counts_against_the_action(database: Database) -> None:
    number = incident(database, device=1, opened=OPENED, minutes=180, state="closed", fingerprint="same")
    course(database, 1, ill=70)
    record(database, number, "Restarted the service", 60)
    incident(
        database, device=1, opened=OPENED + timedelta(hours=9), minutes=60, state="closed", fingerprint="same"
    )
    judged = acting.judge(database, NOW)
    assert (judged.helped, judged.did_not_help) == (0, 1)
    with database.reader() as conn:
        (action,) = store.of_incidents(conn, [number])[number]
    assert "came back after" in (action.reason or "")


def test_resolutions_of_people_are_actions_and_those_of_a_rule_are_not(database: Database) -> None:
    past(database)
    incident(database, device=3, state="closed", resolution="recovered", closed_by="rule", opened=OPENED)
    judged = acting.judge(database, NOW)
    assert judged.resolutions == 4
    with database.reader() as conn:
        known = store.tallies(conn, NOW)
    assert {t.action_key for t in known if t.kind == "taken"} == {
        acting.key_of(str(case["resolution"])) for case in PAST
    }


@pytest.mark.parametrize("state", ["pending", "discarded"])
def test_what_never_opened_takes_no_action(database: Database, state: str) -> None:
    number = incident(database, device=1, state=state)
    with pytest.raises(NotFound):
        record(database, number, "Restarted", 0)


def test_what_is_said_wrong_is_refused(database: Database) -> None:
    number = incident(database, device=1)
    with pytest.raises(ActionError, match="say what was done"):
        acting.record(database, number, "  ", by="Ann", at=None, source="test", now=NOW)
    with pytest.raises(ActionError, match="in the future"):
        acting.record(database, number, "x", by="Ann", at=NOW + timedelta(hours=1), source="test", now=NOW)
    with pytest.raises(NotFound, match=f"did you mean: {number}"):
        acting.record(database, 999, "x", by="Ann", at=None, source="test", now=NOW)


def test_a_double_click_is_one_action_and_hostile_words_are_text(database: Database) -> None:
    number = incident(database, device=1)
    said = "replaced disk\r\n'; DROP TABLE ai_actions; -- \u202e{{ 7*7 }}" + "x" * 2000
    first, second = record(database, number, said, 1), record(database, number, said, 1)
    assert (first.new, second.new) == (True, False)
    assert len(first.action) == acting.ACTION_CAP
    assert first.action.isprintable()
    later = record(database, number, said, 10)
    assert later.new, "the same again at another time is another action"


def test_the_rate_reaches_the_recommendation(fleet: tuple[Database, list[int]], tmp_path: Path) -> None:
    db, acted = fleet
    for number in acted:
        record(db, number, "Deleted old logs", 60)
    acting.judge(db, NOW)
    from homepot_ai.memory import keeping

    keeping.learn_only(db, NOW)
    incident(db, device=1, opened=NOW, metrics=[metric("disk_percent", 92.0, high=80.0)])
    # Without a model at hand: by words and exact facts.
    without = MemorySettings(model="all-mpnet-base-v2", models_dir=tmp_path)
    result = investigate.investigate(db, Settings(var_dir=tmp_path, memory=without), NOW)
    details = investigate.details(result.findings[0], result.degraded)
    assert result.findings[0].advice.action == "Deleted old logs"
    assert (details["n"], details["success_rate"]) == (6, 1.0)
    assert details["interval"][0] == pytest.approx(0.61, abs=0.01)
    assert "It helped in 6 of 6" in details["recommendation"]
    assert effects([]) == []


def test_an_incident_whose_facts_are_odd_holds_up_no_other(
    fleet: tuple[Database, list[int]], tmp_path: Path
) -> None:
    db, _ = fleet
    numbers = [
        incident(db, device=n, opened=NOW, metrics=[metric("disk_percent", 92.0, high=80.0)])
        for n in (1, 2, 3)
    ]
    with db.admin() as conn:
        conn.execute("UPDATE ai_incidents SET facts = '[1]' WHERE id = %s", [numbers[0]])
    without = MemorySettings(model="all-mpnet-base-v2", models_dir=tmp_path)
    settings = Settings(var_dir=tmp_path, memory=without)
    result = investigate.investigate(db, settings, NOW)
    assert [number for number, _ in result.failed] == numbers[:1]
    assert {finding.incident.id for finding in result.findings} >= set(numbers[1:])
    shown = page.investigated(result)
    assert f"**Incident {numbers[0]} could not be looked into**" in shown
    assert "1 failed" in page.headline(result)
    # It waits, and is taken up when its facts can be read.
    with db.admin() as conn:
        conn.execute("UPDATE ai_incidents SET facts = '{}' WHERE id = %s", [numbers[0]])
    assert [f.incident.id for f in investigate.investigate(db, settings, NOW).findings] == numbers[:1]
