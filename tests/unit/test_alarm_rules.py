"""When an alarm about ourselves is told: the rules, without anything around them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from homepot_ai.store.checks import ServiceCheck
from homepot_ai.watch import keys, runs
from homepot_ai.watch.alarm_rules import Alarm, Telling, gone, seen
from homepot_ai.watch.keys import Severity
from homepot_ai.watch.service import FLOWS_KEY, verdicts

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
REPEAT = timedelta(hours=4)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


class Story:
    """A cause over time, and what was told of it."""

    def __init__(self) -> None:
        self.row: Alarm | None = None
        self.told: list[tuple[float, Telling]] = []

    def ill(self, minutes: float, severity: Severity = "warning", after: int = 1) -> None:
        cause = Alarm("service disk", severity, "t", "d", "service-disk", 1, at(minutes), at(minutes))
        self.row, telling = seen(self.row, cause, repeat=REPEAT, after=after)
        if telling is not None:
            self.told.append((minutes, telling))
            self.row = replace(self.row, told_at=at(minutes))

    def well(self, minutes: float) -> None:
        row, telling = gone(self.row, at(minutes))
        self.row = row or self.row
        if telling is not None:
            self.told.append((minutes, telling))


def test_what_lasts_is_told_at_once_and_then_every_four_hours() -> None:
    story = Story()
    for minute in range(0, 600, 5):
        story.ill(minute)
    assert story.told == [(0, "new"), (240, "still"), (480, "still")]
    assert story.row is not None
    assert story.row.count == 120
    story.well(600)
    story.well(605)
    assert story.told[-1] == (600, "over")
    assert len(story.told) == 4


def test_what_becomes_worse_is_told_at_once_and_what_becomes_better_is_not() -> None:
    story = Story()
    story.ill(0)
    story.ill(5, "critical")
    story.ill(10, "critical")
    story.ill(15, "warning")
    assert story.told == [(0, "new"), (5, "worse")]


def test_what_flaps_is_told_once_until_it_stays() -> None:
    story = Story()
    for minute in range(0, 100, 10):
        story.ill(minute)
        story.well(minute + 5)
    assert story.told == [(0, "new"), (5, "over")]
    for minute in (100, 105, 110, 115, 120):
        story.ill(minute)
    assert story.told[2:] == [(115, "new")]
    story.well(130)
    assert story.told[3:] == [(130, "over")]


def test_who_was_not_told_that_it_was_ill_is_not_told_that_it_is_well() -> None:
    story = Story()
    story.ill(0, after=2)
    story.well(5)
    assert story.told == []
    story.ill(10, after=2)
    story.ill(11, after=2)
    assert story.told == [(11, "new")]


def test_a_clock_that_went_back_silences_nothing() -> None:
    story = Story()
    story.ill(60 * 24 * 365)
    story.ill(0)
    assert story.told[-1] == (0, "new")
    assert story.row is not None
    assert story.row.first_at == at(0)


def late(name: str, state: str = "degraded") -> ServiceCheck:
    return ServiceCheck(f"flow {name}", state, "late")  # type: ignore[arg-type]


def test_many_late_flows_have_one_cause_and_are_one_alarm() -> None:
    few = verdicts([late("a"), late("b", "down")], {}, [], NOW)
    assert [(one.key, one.severity) for one in few] == [
        ("service flow a", "warning"), ("service flow b", "critical"),
    ]  # fmt: skip
    many = verdicts([late(name) for name in "abcde"], {}, ["service flow a"], NOW)
    assert [(one.action, one.key) for one in many] == [("raise", FLOWS_KEY)]
    assert many[0].detail == "a, b, c, d, e"
    over = verdicts([ServiceCheck("flow a", "ok", "")], {}, ["service flow a", FLOWS_KEY], NOW)
    assert [(one.action, one.key) for one in over] == [("clear", FLOWS_KEY), ("clear", "service flow a")]


def test_some_checks_must_see_it_twice_and_an_alarm_that_lasts_goes_on() -> None:
    mail = [ServiceCheck("mail", "down", "away")]
    assert verdicts(mail, {"mail": ("down", NOW)}, [], NOW) == []
    assert len(verdicts(mail, {"mail": ("down", at(-5))}, [], NOW)) == 1
    assert verdicts(mail, {"mail": ("ok", at(-60))}, [], NOW) == []
    assert len(verdicts(mail, {}, ["service mail"], NOW)) == 1


def test_a_failed_run_is_told_instead_of_its_lateness_until_the_flow_is_down() -> None:
    lasting = [keys.run_key("backup-memory")]
    assert verdicts([late("backup-memory")], {}, lasting, NOW) == []
    assert len(verdicts([late("backup-memory", "down")], {}, lasting, NOW)) == 1


def ended(name: str, minutes: float, state: str = "Crashed") -> runs.EndedRun:
    return runs.EndedRun(name, "brown-fox", state, "Its process is gone.", at(minutes))


def test_a_killed_run_that_said_nothing_is_found_and_one_that_did_is_not_counted_twice() -> None:
    def judged(**given: object) -> list[tuple[str, str]]:
        known: dict[str, object] = {
            "ended": [ended("backup-memory", -8)], "completed": {}, "scheduled": {"backup-memory"},
            "lasting": [], "last_seen": {}, "flow_of": {"backup-memory": "backup-memory"}, "now": NOW,
        }  # fmt: skip
        return [(one.action, one.key) for one in runs.verdicts(**(known | given))]  # type: ignore[arg-type]

    assert judged() == [("raise", "run backup-memory")]
    assert judged(last_seen={"run backup-memory": at(-7.9)}) == []
    assert judged(last_seen={"run backup-memory": at(-600)}) == [("raise", "run backup-memory")]
    assert judged(completed={"backup-memory": at(-2)}) == []
    alarm = Alarm("run backup-memory", "warning", "t", "d", "backup-memory", 1, at(-8), at(-7.9), at(-7.9))
    told = {"lasting": [alarm], "last_seen": {alarm.key: alarm.last_at}}
    assert judged(**told) == []
    assert judged(**told, completed={"backup-memory": at(-1)}) == [("clear", "run backup-memory")]
    asked = replace(alarm, key="run mark", first_at=at(-3000), last_at=at(-3000))
    assert judged(ended=[], lasting=[asked]) == [("clear", "run mark")]


def test_a_shard_has_its_own_alarm_and_its_flows_runbook() -> None:
    crashed = runs.failed(ended("score-health-3", 0), "score-health")
    assert (crashed.key, crashed.runbook, crashed.after) == ("run score-health-3", "score-health", 2)
    assert crashed.title == "score-health-3 crashed"
    assert crashed.detail == "Run brown-fox: Its process is gone."


def cleared(looked_at: list[ServiceCheck], lasting: list[str]) -> list[str]:
    return [one.key for one in verdicts(looked_at, {}, lasting, NOW) if one.action == "clear"]


def test_what_is_not_looked_at_any_more_ends_its_alarm() -> None:
    well = [ServiceCheck(name, "ok", "") for name in ("database", "outbox", "scoring", "flow a")]
    lasting = ["service tables", "service stored", "service scoring-2", "service flow gone", "run a"]
    assert sorted(cleared(well, lasting)) == sorted(lasting[:4])
    # Nobody knows while those who would tell are away.
    assert cleared([ServiceCheck("database", "down", "")], lasting[:2]) == []
    assert cleared([ServiceCheck("prefect server", "down", "")], ["service flow gone", FLOWS_KEY]) == []


def test_what_swings_between_degraded_and_down_is_worse_once() -> None:
    story = Story()
    for minute in range(0, 235, 5):
        story.ill(minute, "critical" if minute % 10 else "warning")
    assert story.told == [(0, "new"), (5, "worse")]
    story.ill(245, "warning")
    assert story.told[2:] == [(245, "still")]
