"""What must hold of incidents whatever happens: properties over random minutes, people and windows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homepot_ai.errors import IncidentError
from homepot_ai.incidents.machine import LIVE, TRANSITIONS, move
from homepot_ai.incidents.replay import Ledger
from homepot_ai.incidents.signs import SEVERITIES, SILENT, Sign, Unit
from homepot_ai.settings import IncidentSettings
from homepot_ai.store.incidents import Incident
from homepot_ai.store.windows import Window

START = datetime(2026, 11, 18, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# Sites of eight, of which the first of each is the gateway of three others.
UNITS = {
    n: Unit(n, f"D{n}", f"DEVICE-{n}", "pos_terminal", n // 8, n // 8 * 8 if 0 < n % 8 < 4 else None)
    for n in range(16)
}
CONFIG = IncidentSettings(
    storm_cap=3, storm_minutes=3, flap_count=2, stable_minutes=15, hold_minutes=3, silent_critical_minutes=8
)
WINDOWS = (
    Window(1, "site", 0, "a", START + 20 * MINUTE, START + 45 * MINUTE, None, None, None, None, None, None,
           None, "Ann", START),
    Window(2, "site", 0, "b", START + 40 * MINUTE, START + 60 * MINUTE, None, None, None, None, None, None,
           None, "Ann", START),
    Window(3, "device", 9, "c", START + 10 * MINUTE, START + 30 * MINUTE, None, None, None, None, None, None,
           None, "Ann", START),
)  # fmt: skip


@dataclass
class Play:
    """A ledger under a random script, and everything that was seen of it."""

    ledger: Ledger = field(default_factory=lambda: Ledger(UNITS, {0: "A", 1: "B"}, CONFIG, WINDOWS))
    at: datetime = START
    anomalies: dict[int, tuple[int, str, datetime]] = field(default_factory=dict)
    silent: dict[int, datetime] = field(default_factory=dict)
    unjudged: set[int] = field(default_factory=set)
    numbers: int = 0
    seen: dict[int, list[Incident]] = field(default_factory=lambda: defaultdict(list))

    def act(self, what: str, device: int, grade: int) -> None:
        if what == "ill" and device not in self.anomalies:
            self.numbers += 1
            self.anomalies[device] = (self.numbers, SEVERITIES[grade], self.at + MINUTE)
        elif what == "well":
            self.anomalies.pop(device, None)
        elif what == "worse" and device in self.anomalies:
            number, _, since = self.anomalies[device]
            self.anomalies[device] = (number, "critical", since)
        elif what == "silent":
            self.silent.setdefault(device, self.at + MINUTE)
        elif what == "site silent":
            for one in range(device // 8 * 8, device // 8 * 8 + 8):
                self.silent.setdefault(one, self.at + MINUTE)
        elif what == "back":
            for one in [d for d in self.silent if d % 8 >= device % 8]:
                del self.silent[one]
        elif what == "unjudged":
            self.unjudged ^= {device}
        else:
            self._person(what, device)

    def _person(self, what: str, which: int) -> None:
        opened = [case for case in self.ledger.cases if case.opened]
        if not opened:
            return
        case = opened[which % len(opened)]
        if what == "acknowledge":
            case.acknowledge(self.at, "Ann", None)
        elif what == "snooze":
            case.snooze(self.at, "Ann", self.at + 7 * MINUTE, None)
        elif what == "close":
            case.close(self.at, by="Ann", resolution="rebooted")
        elif what == "mark":
            case.judge(self.at, "Ann", which % 2 == 0, None)
        self.ledger.keep([case])

    def minute(self) -> None:
        self.at += MINUTE
        signs = [
            Sign(device, f"cpu_percent.{'high' if number % 3 else 'low'}", severity, since, number,
                 round((self.at - since) / MINUTE) + 1)
            for device, (number, severity, since) in self.anomalies.items()
        ]  # fmt: skip
        signs += [
            Sign(device, SILENT, "critical" if self.at - since > 8 * MINUTE else "warning", since,
                 minutes=min(3, round((self.at - since) / MINUTE) + 1), hard=True)
            for device, since in self.silent.items()
        ]  # fmt: skip
        ill = {sign.device_id for sign in signs}
        self.ledger.minute(self.at, signs, frozenset(self.unjudged | set(self.silent)))
        for number, incident in self.ledger.history.items():
            if not self.seen[number] or self.seen[number][-1] != incident:
                self.seen[number].append(incident)
        self.check(ill)

    def check(self, ill: set[int]) -> None:
        live = [i for i in self.ledger.history.values() if i.state in LIVE]
        prints = [i.fingerprint for i in live]
        assert len(prints) == len(set(prints)), "two live ones of one fingerprint"
        assert {i.id for i in live} == {case.now.id for case in self.ledger.cases}
        for number, course in self.seen.items():
            now = course[-1]
            ended = [i for i in course if i.state in ("closed", "discarded")]
            if ended:
                assert now.state == ended[0].state, "what is over stays over"
                assert now.closed_at == ended[0].closed_at
            opened = [i for i in course if i.opened_at is not None]
            assert len({str(i.initial) for i in opened}) <= 1, "what it was at its opening is kept"
            assert len({(i.initial_severity, i.opened_at) for i in opened}) <= 1
            assert (now.state == "closed") == (now.closed_at is not None)
            self._events(number, now)
            self._silences(number, now)
        self._storm()

    def _storm(self) -> None:
        """However many fall ill: within so many minutes only so many are told one by one."""
        soon = self.at - CONFIG.storm_minutes * MINUTE
        told = [
            i
            for i in self.ledger.history.values()
            if i.kind == "device" and i.opened_at is not None and i.opened_at > soon and not i.flapping
            and not any(e.kind == "suppressed" and e.at == i.opened_at for e in self.ledger.events[i.id])
        ]  # fmt: skip
        assert len(told) < CONFIG.storm_cap + CONFIG.group_devices

    def _events(self, number: int, now: Incident) -> None:
        events = self.ledger.events[number]
        kinds = [event.kind for event in events]
        assert kinds.count("opened") == (now.opened_at is not None)
        assert kinds.count("closed") == (now.state == "closed")
        if "closed" in kinds:
            assert set(kinds[kinds.index("closed") + 1 :]) <= {"marked"}
        if "opened" in kinds:
            assert kinds[0] == "opened"
        severity = now.initial_severity
        for event in events:
            if event.kind in ("worsened", "eased"):
                assert event.details["from"] == severity
                severity = event.details["to"]
        assert severity == now.severity or now.opened_at is None, "events tell the severity"
        assert kinds.count("flapping") == now.flapping

    def _silences(self, number: int, now: Incident) -> None:
        over = self.ledger.suppressed[number]
        case = next((c for c in self.ledger.cases if c.now.id == number), None)
        there = {} if case is None else case.suppressed
        begun = [e.details["why"] for e in self.ledger.events[number] if e.kind == "suppressed"]
        for silence in over:
            assert silence.ended_at is not None
            assert silence.outcome is not None, "what was silenced gets an outcome"
        if now.state == "closed":
            assert not there
        assert len(begun) == sum(s.why not in ("snooze",) for s in [*over, *there.values()])


ACTS = ("ill", "well", "worse", "silent", "site silent", "back", "unjudged", "acknowledge", "snooze", "close",
        "mark", "nothing")  # fmt: skip
SCRIPT = st.lists(
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 15), st.integers(0, 2)), max_size=5),
    min_size=5,
    max_size=60,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCRIPT)
def test_whatever_happens_the_rules_hold_and_everything_ends(
    script: list[list[tuple[str, int, int]]],
) -> None:
    play = Play()
    for minute in script:
        for act in minute:
            play.act(*act)
        play.minute()
    # All is well again: nothing may stay open for ever.
    play.anomalies.clear()
    play.silent.clear()
    play.unjudged.clear()
    for _ in range(CONFIG.stable_minutes + CONFIG.hold_minutes + 2):
        play.minute()
    assert {i.state for i in play.ledger.history.values()} <= {"closed", "discarded"}
    assert play.ledger.cases == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCRIPT)
def test_the_same_minute_again_decides_nothing(script: list[list[tuple[str, int, int]]]) -> None:
    play = Play()
    for minute in script:
        for act in minute:
            play.act(*act)
        play.minute()
        before = dict(play.ledger.history)
        events = {number: list(found) for number, found in play.ledger.events.items()}
        play.at -= MINUTE
        play.minute()
        assert play.ledger.history == before
        assert {number: list(found) for number, found in play.ledger.events.items() if found} == {
            number: found for number, found in events.items() if found
        }


def test_the_table_has_no_way_back() -> None:
    for (state, _), after in TRANSITIONS.items():
        assert state in LIVE, "nothing happens to what is over"
        assert not (state != "pending" and after == "pending")
    with pytest.raises(IncidentError, match="incident 7 cannot be told to acknowledge: it is closed"):
        move("closed", "acknowledge", 7)


def test_a_storm_that_comes_in_drops_is_one_as_well() -> None:
    ledger = Ledger(UNITS, {0: "A", 1: "B"}, CONFIG)
    for n in range(16):
        signs = [Sign(d, f"m{d}.high", "warning", START + d * MINUTE, d + 1) for d in range(n + 1)]
        ledger.minute(START + n * MINUTE, signs)
    kinds = [i.kind for i in ledger.history.values()]
    # One a minute is bearable; a fleet of which two a minute fall ill is not.
    assert kinds == ["device"] * 16
    ledger = Ledger(UNITS, {0: "A", 1: "B"}, CONFIG)
    for n in range(8):
        signs = [Sign(d, f"m{d}.high", "warning", START + d * MINUTE, d + 1) for d in range(2 * n + 2)]
        ledger.minute(START + n * MINUTE, signs)
    kinds = [i.kind for i in ledger.history.values()]
    assert (kinds.count("device"), kinds.count("storm")) == (10, 1)
