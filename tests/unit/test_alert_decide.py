"""Who is told of what: decided without a clock and without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homepot_ai.alerts.decide import decide
from homepot_ai.alerts.hours import ALL_DAYS, Hours
from homepot_ai.alerts.queue import next_digest
from homepot_ai.alerts.records import KINDS, PAGES, Decision, Recipient, Rule, Situation
from homepot_ai.store.alerts import AlertIncident, QueuedEvent, StoredMessage
from tests.incident_rows_alert import FOUND, NOW
from tests.unit.test_alert_words import incident

ANN, BEN, OPS = Recipient("mail", "ann@example.org"), Recipient("mail", "ben@example.org"), Recipient("ops")
MINUTE = timedelta(minutes=1)
NIGHT = Hours(ALL_DAYS, time(22), time(6), "UTC")
DAY = Hours(ALL_DAYS, time(6), time(22), "UTC")


def rule(to: Recipient = ANN, **changes: Any) -> Rule:
    return Rule(name=str(to), recipient=to, **changes)


def events(*kinds: str, incident_id: int = 412, **details: Any) -> list[QueuedEvent]:
    return [QueuedEvent(n, incident_id, NOW, kind, "rule", None, details) for n, kind in enumerate(kinds, 1)]


def heard(
    kind: str, to: Recipient = ANN, *, at: datetime = NOW, state: str = "told", **more: Any
) -> StoredMessage:
    waits = state == "waiting"
    return StoredMessage(
        id=more.get("id", 1), incident_id=more.get("incident_id", 412), event_id=0, channel=to.channel,
        address=to.address, kind=kind, severity="warning", at=at, state=state, why=more.get("why"),
        due_at=more.get("due", at) if waits else None, told_at=at if state == "told" else None,
        page=f"p{kind}" if kind in PAGES else None, message_id="<m@x>",
    )  # fmt: skip


def known(
    happened: Sequence[QueuedEvent] = (),
    rules: Sequence[Rule] = (Rule("r", ANN),),
    subjects: Sequence[AlertIncident] = (incident(),),
    told: Sequence[StoredMessage] = (),
    **more: Any,
) -> Situation:
    by_incident: dict[int, list[StoredMessage]] = {}
    for message in told:
        by_incident.setdefault(message.incident_id, []).append(message)
    sites = {subject.site_id or 0 for subject in subjects}
    defaults = {"budgets": dict.fromkeys(sites, 100.0), "digests": dict.fromkeys(sites, NOW + 60 * MINUTE)}
    return Situation(
        events=happened,
        incidents={s.id: s for s in subjects},
        rules=rules,
        told=by_incident,
        **{**defaults, **more},
    )


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(str(letter.recipient), t.kind) for letter in decision.letters for t in letter.tellings]


def waits(decision: Decision) -> list[tuple[str, str, str]]:
    return [(str(w.telling.recipient), w.telling.kind, w.why) for w in decision.waiting]


CLOSED = incident(state="closed", closed_at=NOW, closed_by="rule")
ACKED = incident(state="acknowledged", acknowledged_by="Ann")


class TestWhatIsNew:
    def test_an_opening_is_told_to_whoever_a_rule_names(self) -> None:
        decision = decide(
            known(events("opened"), [rule(), rule(OPS), rule(BEN, min_severity="critical")]), NOW
        )
        assert told(decision) == [("ann@example.org", "opened"), ("channel ops", "opened")]
        assert decision.nobody == ()

    def test_nobody_to_tell_is_said(self) -> None:
        assert decide(known(events("opened"), [rule(site_id=2)]), NOW).nobody == (412,)
        assert decide(known(events("opened"), subjects=[incident(severity="info")]), NOW).nobody == ()

    @pytest.mark.parametrize(
        ("happened", "subject", "kind"),
        [
            (("opened", "grew", "acknowledged"), ACKED, "opened"),
            (("opened", "worsened"), incident(severity="critical"), "opened"),
            (("opened", "worsened", "closed"), CLOSED, "recovered"),
            (("opened", "investigated"), incident(), "opened"),
        ],
    )
    def test_of_several_events_the_one_that_says_most_is_told(self, happened, subject, kind) -> None:
        assert told(decide(known(events(*happened), subjects=[subject]), NOW)) == [("ann@example.org", kind)]

    @pytest.mark.parametrize(
        "kind", ["eased", "grew", "commented", "marked", "action", "snoozed", "suppressed"]
    )
    def test_what_nobody_needs_to_be_woken_for_is_not_told(self, kind: str) -> None:
        assert decide(known(events(kind), told=[heard("opened")]), NOW).letters == ()

    def test_worse_than_a_rule_s_minimum_is_news_for_its_recipient(self) -> None:
        subject = incident(severity="critical")
        rules = [rule(), rule(BEN, min_severity="critical")]
        decision = decide(known(events("worsened"), rules, [subject], [heard("opened")]), NOW)
        assert told(decision) == [("ann@example.org", "worsened"), ("ben@example.org", "worsened")]

    def test_what_follows_is_told_to_those_who_know(self) -> None:
        rules = [rule(), rule(BEN)]
        for happened, subject, kind in (
            ("acknowledged", ACKED, "acknowledged"),
            ("closed", CLOSED, "recovered"),
        ):
            decision = decide(known(events(happened), rules, [subject], [heard("opened")]), NOW)
            assert told(decision) == [("ann@example.org", kind)]

    def test_an_investigation_is_told_only_when_it_helps(self) -> None:
        for details, expected in ((FOUND, 1), ({"similar": [], "passages": []}, 0)):
            happened = events("investigated", **details)
            assert len(told(decide(known(happened, told=[heard("opened")]), NOW))) == expected

    def test_once_is_enough_of_a_recovery_and_of_flapping(self) -> None:
        for kind, happened, subject in (
            ("recovered", "closed", CLOSED),
            ("flapping", "flapping", incident()),
        ):
            before = [heard("opened"), heard(kind)]
            assert decide(known(events(happened), subjects=[subject], told=before), NOW).letters == ()

    def test_who_unsubscribed_hears_no_more(self) -> None:
        decision = decide(known(events("closed"), [rule(BEN)], [CLOSED], [heard("opened")]), NOW)
        assert decision.letters == ()

    def test_a_rule_may_want_some_messages_only(self) -> None:
        rules = [rule(kinds=frozenset({"opened"}))]
        assert decide(known(events("closed"), rules, [CLOSED], [heard("opened")]), NOW).letters == ()

    def test_scope_by_site_type_and_device(self) -> None:
        for changes, concerned in (
            ({"site_id": 1}, True), ({"site_id": 2}, False),
            ({"device_types": frozenset({"pos_terminal"})}, True),
            ({"device_types": frozenset({"gateway"})}, False),
            ({"device_id": 3}, True), ({"device_id": 4}, False),
        ):  # fmt: skip
            assert bool(decide(known(events("opened"), [rule(**changes)]), NOW).letters) is concerned


class TestSilence:
    def test_of_a_silenced_incident_only_its_end_is_told_to_those_who_know(self) -> None:
        for happened in KINDS:
            event = {"still_open": "commented", "escalated": "commented", "recovered": "commented"}.get(
                happened, happened
            )
            decision = decide(known(events(event), suppressed={412: "window"}), NOW)
            assert told(decision) == ([("ann@example.org", "flapping")] if event == "flapping" else [])
            assert decision.nobody == ()
        ended = known(events("closed"), subjects=[CLOSED], suppressed={412: "snooze"}, told=[heard("opened")])
        assert told(decide(ended, NOW)) == [("ann@example.org", "recovered")]
        unknown = known(events("opened", "closed"), subjects=[CLOSED], suppressed={412: "window"})
        assert decide(unknown, NOW).letters == ()
        # The silence ends with the incident: what ended in it did not need telling.
        within = known(events("opened", "suppressed", "closed"), subjects=[CLOSED])
        assert decide(within, NOW).letters == ()
        after = known(events("suppressed", "released", "closed"), subjects=[CLOSED])
        assert told(decide(after, NOW)) == [("ann@example.org", "recovered")]

    def test_what_flaps_is_said_once_however_often_it_opens_again(self) -> None:
        happened = events("opened", "suppressed", "flapping", flips=5, hours=24)
        situation = known(happened, suppressed={412: "flapping"})
        assert told(decide(situation, NOW)) == [("ann@example.org", "flapping")]
        lately = replace(situation, flapped=frozenset({(412, ANN)}))
        assert decide(lately, NOW).letters == ()

    def test_what_is_still_open_when_the_silence_ends_is_told(self) -> None:
        assert told(decide(known(events("released")), NOW)) == [("ann@example.org", "released")]

    def test_reminders_rest_while_it_is_silenced_or_snoozed(self) -> None:
        rules, before = [rule(renotify_minutes=30), rule(BEN, after_minutes=5)], [heard("opened")]
        later = NOW + 60 * MINUTE
        assert decide(known((), rules, told=before, suppressed={412: "window"}), later).letters == ()
        snoozed = incident(snoozed_until=later + MINUTE)
        assert decide(known((), rules, [snoozed], before), later).letters == ()
        assert len(decide(known((), rules, [snoozed], before), later + MINUTE).letters) == 2


class TestReminders:
    RULES = (rule(renotify_minutes=30), rule(BEN, after_minutes=15))

    @pytest.mark.parametrize(
        ("minutes", "expected"),
        [
            (14, []),
            (15, [("ben@example.org", "escalated")]),
            (30, [("ann@example.org", "still_open"), ("ben@example.org", "escalated")]),
        ],
    )
    def test_nobody_acknowledges(self, minutes: int, expected: list[tuple[str, str]]) -> None:
        assert told(decide(known((), self.RULES, told=[heard("opened")]), NOW + minutes * MINUTE)) == expected

    def test_the_one_who_was_called_is_not_called_again(self) -> None:
        before = [heard("opened"), heard("escalated", BEN, at=NOW + 15 * MINUTE)]
        assert decide(known((), self.RULES, told=before), NOW + 16 * MINUTE).letters == ()

    def test_acknowledged_ends_both(self) -> None:
        situation = known((), self.RULES, [ACKED], [heard("opened")])
        assert decide(situation, NOW + timedelta(days=1)).letters == ()

    def test_nobody_is_called_for_what_nobody_could_acknowledge(self) -> None:
        before = [heard("opened", state="waiting", due=NOW + timedelta(hours=9))]
        assert decide(known((), self.RULES, told=before), NOW + timedelta(hours=2)).letters == ()

    def test_an_escalation_alone_counts_from_the_opening(self) -> None:
        assert told(decide(known((), [rule(BEN, after_minutes=15)]), NOW + 15 * MINUTE)) == [
            ("ben@example.org", "escalated")
        ]


class TestHoursOfARule:
    def test_outside_them_it_waits_for_their_beginning(self) -> None:
        decision = decide(known(events("opened"), [rule(hours=NIGHT)]), NOW)
        assert waits(decision) == [("ann@example.org", "opened", "hours")]
        assert decision.waiting[0].until == datetime(2026, 11, 18, 22, tzinfo=UTC)

    def test_or_another_rule_is_for_then(self) -> None:
        rules = [rule(hours=NIGHT, outside="skip"), rule(OPS, hours=DAY, outside="skip")]
        decision = decide(known(events("opened"), rules), NOW)
        assert (told(decision), decision.waiting) == ([("channel ops", "opened")], ())

    def test_one_of_a_recipient_s_rules_is_enough(self) -> None:
        rules = [rule(hours=NIGHT), rule(min_severity="critical")]
        assert told(decide(known(events("opened"), rules), NOW)) == []
        critical = incident(severity="critical")
        assert told(decide(known(events("opened"), rules, [critical]), NOW)) == [
            ("ann@example.org", "opened")
        ]

    def test_what_waited_comes_as_one_digest_judged_afresh(self) -> None:
        subjects = [replace(incident(id=n), state="open") for n in (1, 2)] + [
            replace(CLOSED, id=3),
            incident(id=4),
        ]
        before = [heard("opened", state="waiting", incident_id=n, id=n, why="hours") for n in (1, 2, 3, 4)]
        situation = known((), subjects=subjects, told=before, suppressed={4: "window"})
        [letter] = decide(situation, NOW).letters
        assert (letter.form, [t.incident_id for t in letter.tellings]) == ("digest", [1, 2, 3])
        [dropped] = decide(situation, NOW).ended
        assert (dropped.id, dropped.state, dropped.why) == (4, "not_told", "suppressed")
        assert decide(situation, NOW - MINUTE).letters == ()

    def test_a_digest_that_missed_the_hours_waits_for_the_next(self) -> None:
        before = [heard("opened", state="waiting", why="hours")]
        decision = decide(known((), [rule(hours=NIGHT)], told=before), NOW)
        assert decision.letters == ()
        assert decision.ended[0].due_at == datetime(2026, 11, 18, 22, tzinfo=UTC)


class TestBudgetAndStorms:
    def test_warnings_beyond_the_budget_wait_and_critical_ones_never(self) -> None:
        subjects = [incident(id=n, severity="critical" if n == 5 else "warning") for n in range(1, 6)]
        happened = [e for s in subjects for e in events("opened", incident_id=s.id)]
        decision = decide(known(happened, subjects=subjects, budgets={1: 3.0}), NOW)
        assert [t.incident_id for letter in decision.letters for t in letter.tellings] == [5, 1, 2]
        assert {(w.telling.incident_id, w.why, w.until) for w in decision.waiting} == {
            (3, "budget", NOW + 60 * MINUTE),
            (4, "budget", NOW + 60 * MINUTE),
        }

    def test_five_who_hear_the_same_are_one_page(self) -> None:
        rules = [rule(Recipient("mail", f"p{n}@example.org")) for n in range(5)]
        decision = decide(known(events("opened"), rules, budgets={1: 1.0}), NOW)
        assert len(decision.letters) == 5
        assert len({letter.tellings[0].page for letter in decision.letters}) == 1

    def test_reminders_beyond_the_budget_are_left_out_and_ends_are_told(self) -> None:
        over: dict[str, Any] = {"budgets": {1: 1.0}, "pages": {1: 1}}
        reminder = known((), [rule(renotify_minutes=5)], told=[heard("opened")], **over)
        assert decide(reminder, NOW + 10 * MINUTE) == Decision()
        ended = known(events("closed"), subjects=[CLOSED], told=[heard("opened")], **over)
        assert told(decide(ended, NOW)) == [("ann@example.org", "recovered")]

    def test_too_much_at_once_is_one_message_and_one_page(self) -> None:
        subjects = [incident(id=n) for n in range(1, 21)]
        happened = [e for s in subjects for e in events("opened", incident_id=s.id)]
        decision = decide(known(happened, [rule(), rule(OPS)], subjects, budgets={1: 2.0}), NOW)
        assert [
            (str(letter.recipient), letter.form, len(letter.tellings)) for letter in decision.letters
        ] == [
            ("ann@example.org", "storm", 20),
            ("channel ops", "storm", 20),
        ]
        assert len({t.page for letter in decision.letters for t in letter.tellings}) == 1


class TestWhoMayKnow:
    @pytest.mark.parametrize(
        ("visible", "hears"),
        [
            ({}, True),
            ({"ann@example.org": None}, True),
            ({"ann@example.org": frozenset({1})}, True),
            ({"ann@example.org": frozenset({2})}, False),
            ({"ann@example.org": frozenset()}, False),
        ],
    )
    def test_people_hear_of_the_sites_they_may_see(self, visible: Any, hears: bool) -> None:
        decision = decide(known(events("opened"), visible=visible), NOW)
        assert bool(decision.letters) is hears
        assert bool(decision.not_allowed) is not hears

    def test_what_is_of_no_site_is_for_administrators(self) -> None:
        nowhere = incident(site_id=None)
        assert not decide(
            known(events("opened"), subjects=[nowhere], visible={ANN.address: frozenset({1})}), NOW
        ).letters


HOURS = st.builds(
    Hours,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
MOMENTS = st.integers(0, 365 * 24 * 60).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + m * MINUTE)


class TestHours:
    @given(HOURS, MOMENTS)
    @settings(max_examples=150, deadline=None)
    def test_they_begin_when_they_say_and_not_before(self, hours: Hours, moment: datetime) -> None:
        begin = hours.next_begin(moment)
        assert moment < begin <= moment + timedelta(days=9)
        assert hours.contain(begin)
        if not hours.contain(moment):
            step = (begin - moment) / 40
            assert not any(hours.contain(moment + n * step) for n in range(40))

    @given(HOURS, MOMENTS)
    @settings(max_examples=150, deadline=None)
    def test_away_from_clock_changes_they_are_what_the_clock_says(
        self, hours: Hours, moment: datetime
    ) -> None:
        zone = ZoneInfo(hours.timezone)
        local = moment.astimezone(zone)
        if len({(moment + timedelta(days=d)).astimezone(zone).utcoffset() for d in range(-2, 3)}) > 1:
            return
        now = local.time()
        today, yesterday = (
            local.isoweekday() in hours.weekdays,
            (local.isoweekday() - 2) % 7 + 1 in hours.weekdays,
        )
        if hours.begin < hours.end:
            expected = today and hours.begin <= now < hours.end
        else:
            expected = (today and now >= hours.begin) or (yesterday and now < hours.end)
        assert hours.contain(moment) is expected

    def test_over_midnight_belongs_to_the_day_it_begins(self) -> None:
        friday = Hours(frozenset({5}), time(22), time(6), "Europe/Berlin")
        assert str(friday) == "fri 22:00-06:00 Europe/Berlin"
        assert friday.contain(datetime(2026, 11, 20, 22, tzinfo=UTC))
        assert friday.contain(datetime(2026, 11, 21, 4, 59, tzinfo=UTC))
        assert not friday.contain(datetime(2026, 11, 21, 22, tzinfo=UTC))
        assert not friday.contain(datetime(2026, 11, 20, 4, tzinfo=UTC))

    def test_a_beginning_that_the_clock_skips_and_one_that_comes_twice(self) -> None:
        sundays = Hours(frozenset({7}), time(2, 30), time(4), "Europe/Berlin")
        assert sundays.next_begin(datetime(2026, 3, 28, tzinfo=UTC)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
        assert sundays.next_begin(datetime(2026, 10, 24, tzinfo=UTC)) == datetime(
            2026, 10, 25, 0, 30, tzinfo=UTC
        )
        until = Hours(frozenset({7}), time(1), time(2, 30), "Europe/Berlin")
        assert until.contain(datetime(2026, 10, 25, 1, 29, tzinfo=UTC))
        assert not until.contain(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))

    @pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu"])
    def test_digests_come_at_the_site_s_full_hours(self, zone: str) -> None:
        moment, seen = NOW, []
        for _ in range(7):
            moment = next_digest(moment, zone, 240)
            seen.append(moment.astimezone(ZoneInfo(zone)).hour)
        assert sorted(set(seen)) == [0, 4, 8, 12, 16, 20]
