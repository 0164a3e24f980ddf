"""Warnings, slots, visits, costs and the calendar, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from homepot_ai.errors import PredictionError
from homepot_ai.fleet.schedules import OpenDay
from homepot_ai.prediction import calendar, costs, episodes, slots, visits
from homepot_ai.prediction.slots import Hours
from homepot_ai.prediction.visits import Need
from homepot_ai.settings import PredictionSettings
from homepot_ai.store.episodes import Episode
from homepot_ai.store.outcomes import Outcome
from homepot_ai.store.schedule import Visit
from tests.prediction_world import DAY, HOUR, NOW, risk

RULES = PredictionSettings()
BERLIN = Hours(
    "Europe/Berlin",
    {n: OpenDay(1, n, time(8), time(20), n == 6, time(12), time(14)) for n in range(7)},
)


def episode(**changes: object) -> Episode:
    base = Episode(
        1, 1, 1, "disk_percent", "high", NOW - DAY, NOW - HOUR, None, None, NOW + 6 * DAY, 0.6, None, None,
        None, {"needed_by": (NOW + 4 * DAY).isoformat()},
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def visit(number: int = 1, device: int = 1, at: datetime = NOW + 2 * DAY, **changes: object) -> Visit:
    base = Visit(
        number, device, 1, "disk_percent", 1, None, at, at + HOUR, NOW + 4 * DAY, "Europe/Berlin", "proposed",
        "disk percent is expected to reach 90 %", "Free space on the disk", "high", 0.6, None, None, None,
        None, NOW, None, None, None, None, 0, NOW,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def happened(kind: str, at: datetime, source: str = "person") -> Outcome:
    return Outcome(1, 1, at, None, kind, None, source, "1", None, "Ann")  # type: ignore[arg-type]


class TestEpisodes:
    def test_begins_once_and_goes_on(self) -> None:
        begun = episodes.advance([], [risk(1), risk(2, "moderate"), risk(3, "unknown")], {}, NOW)
        assert [r.device_id for r in begun.raised] == [1]
        again = episodes.advance([episode()], [risk(1)], {}, NOW)
        assert again.raised == ()
        assert again.moved[0][0].last_at == NOW

    def test_another_cause_is_another_warning(self) -> None:
        other = risk(1, cause="memory_percent", low_days=None)
        assert episodes.advance([episode()], [other], {}, NOW).raised == (other,)

    def test_a_jitter_around_the_threshold_neither_ends_nor_repeats_it(self) -> None:
        live, raised = [episode()], 0
        for hour in range(72):
            now = NOW + hour * HOUR
            found = episodes.advance(
                live, [risk(1, "high" if hour % 3 == 0 else "moderate", at=now)], {}, now
            )
            raised += len(found.raised)
            live = [e for e, _ in found.moved if e.ended_at is None] or live
        assert raised == 0
        assert live[0].ended_at is None

    def test_ends_after_a_day_lower_and_worsens_once(self) -> None:
        low = risk(1, "moderate")
        after = episodes.advance([episode()], [low], {}, NOW).moved[0][0]
        assert after.lower_since == NOW
        assert episodes.advance([after], [low], {}, NOW + 23 * HOUR).ended == ()
        assert episodes.advance([after], [low], {}, NOW + DAY).ended == (1,)
        worse = episodes.advance([episode()], [risk(1, "critical")], {}, NOW)
        assert worse.worsened == (1,)
        back = episodes.advance([worse.moved[0][0]], [risk(1, "high")], {}, NOW + HOUR)
        assert back.worsened == ()
        assert back.moved[0][0].level == "critical"

    def test_what_cannot_be_said_ends_it_after_a_week_only(self) -> None:
        for said in ([], [risk(1, "unknown")]):
            assert episodes.advance([episode()], said, {}, NOW + 6 * DAY).ended == ()
            assert episodes.advance([episode()], said, {}, NOW + 8 * DAY).ended == (1,)

    def test_nobody_is_warned_of_what_just_failed(self) -> None:
        assert episodes.advance([], [risk(1)], {1: NOW - 3 * HOUR}, NOW).raised == ()
        assert len(episodes.advance([], [risk(1)], {1: NOW - 25 * HOUR}, NOW).raised) == 1

    @pytest.mark.parametrize(
        ("outcomes", "expected"),
        [
            ([], "false_alarm"),
            ([happened("failure", NOW)], "came_true"),
            ([happened("maintained", NOW, "visit"), happened("failure", NOW + DAY)], "averted"),
            ([happened("failure", NOW), happened("maintained", NOW + DAY)], "came_true"),
            # Routine maintenance averts nothing.
            ([happened("maintained", NOW, "state_history")], "false_alarm"),
            ([happened("replaced", NOW)], "averted"),
            ([happened("retired", NOW)], "censored"),
            ([happened("failure", NOW + 7 * DAY)], "false_alarm"),
        ],
    )
    def test_what_it_was_worth(self, outcomes: list[Outcome], expected: str) -> None:
        found = episodes.settle(episode(), outcomes, None, NOW + 8 * DAY)
        assert found is not None
        assert found[0] == expected

    def test_it_waits_for_its_end(self) -> None:
        assert episodes.settle(episode(), [], None, NOW + 5 * DAY) is None
        crossed = episodes.settle(episode(), [], NOW + HOUR, NOW + DAY)
        assert crossed == ("came_true", NOW + HOUR)


class TestSlots:
    def test_outside_opening_hours_and_by_day_first(self) -> None:
        found = slots.find(BERLIN, NOW, NOW + DAY, 60)
        assert found is not None
        assert str(found.at.astimezone(ZoneInfo("Europe/Berlin"))) == "2026-11-20 20:00:00+01:00"
        sunday = slots.find(BERLIN, NOW + 2 * DAY, NOW + 3 * DAY, 60)
        assert sunday is not None
        assert sunday.at == NOW + 2 * DAY

    def test_at_night_when_the_day_is_full(self) -> None:
        always = Hours("Europe/Berlin", {n: OpenDay(1, n, time(5), time(23), False) for n in range(7)})
        found = slots.find(always, NOW, NOW + DAY, 60)
        assert found is not None
        assert found.at.astimezone(ZoneInfo("Europe/Berlin")).hour == 23

    def test_a_site_that_never_closes_outside_its_peak_and_it_says_so(self) -> None:
        day = {n: OpenDay(1, n, time(0), time(0), False, time(6), time(21)) for n in range(7)}
        found = slots.find(Hours("UTC", day), NOW, NOW + DAY, 60)
        assert found is not None
        assert found.at.hour == 21
        assert "open" in found.note

    def test_unknown_hours_are_office_hours_and_said(self) -> None:
        found = slots.find(Hours("Europe/Berlin"), NOW + 8 * HOUR, NOW + 5 * DAY, 60)
        assert found is not None
        # Friday evening: Monday at nine.
        assert str(found.at) == "2026-11-23 08:00:00+00:00"
        assert "not known" in found.note

    @pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
    def test_the_nights_in_which_clocks_move(self, day: datetime) -> None:
        zone = ZoneInfo("Europe/Berlin")
        night = {n: OpenDay(1, n, time(4), time(2), False) for n in range(7)}
        found = slots.find(Hours("Europe/Berlin", night), day - HOUR, day + 6 * HOUR, 60)
        assert found is not None
        begin, end = found.at.astimezone(zone), (found.until - timedelta(seconds=1)).astimezone(zone)
        # In spring two o'clock is skipped; in autumn it comes twice, and both are free.
        assert begin.hour == (3 if day.month == 3 else 2)
        assert end.hour in (2, 3)
        assert slots.free(Hours("Europe/Berlin", night), found.at, found.until)

    def test_open_past_midnight(self) -> None:
        bar = Hours("UTC", {4: OpenDay(1, 4, time(18), time(2), False)})
        assert slots.is_open(bar, datetime(2026, 11, 21, 1, 0, tzinfo=UTC))
        assert not slots.is_open(bar, datetime(2026, 11, 21, 2, 0, tzinfo=UTC))
        assert not slots.is_open(bar, datetime(2026, 11, 20, 1, 0, tzinfo=UTC))

    def test_no_time_left(self) -> None:
        assert slots.find(BERLIN, NOW, NOW + HOUR, 60) is None


class TestVisits:
    def need(self, device: int = 2, days: float = 4.0, **changes: object) -> Need:
        base = Need(device, 1, "disk_percent", "high", 0.6, NOW + days * DAY)
        return replace(base, **changes)  # type: ignore[arg-type]

    def test_with_notice_before_it_is_needed(self) -> None:
        found = visits.place(self.need(), [], BERLIN, RULES, NOW)
        assert found is not None
        assert found.at >= NOW + DAY
        assert found.until <= NOW + 3 * DAY
        assert found.note == ""

    def test_short_notice_and_too_late_are_said(self) -> None:
        short = visits.place(self.need(days=0.6), [], BERLIN, RULES, NOW)
        assert short is not None
        assert short.note == "at less than 24 h notice"
        assert short.until <= NOW + 0.6 * DAY
        late = visits.place(self.need(days=0.1), [], BERLIN, RULES, NOW)
        assert late is not None
        assert late.note == "no time outside the site's hours is left before it is needed"

    def test_merged_into_what_is_booked_when_that_is_in_time(self) -> None:
        sunday = datetime(2026, 11, 22, 8, tzinfo=UTC)
        booked = [visit(1, 1, sunday)]
        found = visits.place(self.need(), booked, BERLIN, RULES, NOW)
        assert found is not None
        assert found.at == sunday
        assert found.until == sunday + 2 * HOUR
        early = visits.place(self.need(days=1.5), booked, BERLIN, RULES, NOW)
        assert early is not None
        assert early.at != sunday

    def test_a_proposal_does_not_flap_and_an_accepted_one_stays(self) -> None:
        need = self.need(1)
        there = visits.place(need, [], BERLIN, RULES, NOW)
        assert there is not None
        mine = visit(1, 1, there.at)
        for hour in range(20):
            jitter = replace(need, by=need.by + (hour % 5 - 2) * HOUR)
            assert visits.moved(mine, jitter, [], BERLIN, RULES, NOW + hour * HOUR) is None
        sooner = replace(need, by=there.at - DAY / 2)
        moved = visits.moved(mine, sooner, [], BERLIN, RULES, NOW)
        assert moved is not None
        assert moved.at < there.at
        assert visits.moved(replace(mine, state="accepted"), sooner, [], BERLIN, RULES, NOW) is None

    def test_moves_when_its_time_is_past_or_the_site_opens_then(self) -> None:
        need = self.need(1, 10)
        past = visits.moved(visit(at=NOW - HOUR), need, [], BERLIN, RULES, NOW)
        assert past is not None
        assert "not decided" in past.note
        open_then = visits.moved(visit(at=NOW + 3 * DAY), need, [], BERLIN, RULES, NOW)
        assert open_then is not None
        assert slots.free(BERLIN, open_then.at, open_then.until)

    def test_declined_is_not_proposed_again_until_it_is_worse(self) -> None:
        declined = visit(state="declined", level="high", probability=0.6)
        assert not visits.wanted(self.need(probability=0.7), declined, NOW)
        assert visits.wanted(self.need(probability=0.85), declined, NOW)
        assert visits.wanted(self.need(level="critical"), declined, NOW)
        done = visit(state="done", done_at=NOW - DAY)
        assert not visits.wanted(self.need(level="critical"), done, NOW)
        assert visits.wanted(self.need(), done, NOW + 7 * DAY)

    def test_needed_by_the_early_edge_else_by_level(self) -> None:
        assert visits.needed_by(risk(low_days=4)) == NOW + 4 * DAY
        assert visits.needed_by(risk(low_days=-1)) == NOW
        assert visits.needed_by(risk(level="critical", low_days=None)) == NOW + 3 * DAY
        assert visits.needed_by(replace(risk(low_days=None), life=(2.0, 6.0, 20.0))) == NOW + 2 * DAY


RATES = {"currency": "EUR", "visit": 90.0, "hour": 60.0, "downtime_hour": 200.0, "outage_hours": 4.0}


class TestCosts:
    def test_only_what_is_configured(self) -> None:
        assert costs.estimate(None, minutes=60, sharing=1, probability=0.5).cost is None
        part = costs.estimate({"currency": "EUR", "hour": 60.0}, minutes=60, sharing=1, probability=0.5)
        assert (part.cost, part.cost_if_not, part.currency) == (None, None, None)
        full = costs.estimate(RATES, minutes=60, sharing=3, probability=0.5)
        assert (str(full.cost), str(full.cost_if_not)) == ("90.00", "400.00")

    @pytest.mark.parametrize(
        "wrong", [{"visit": 5}, {"currency": "euro"}, {"currency": "EUR", "visit": -1},
                  {"currency": "EUR", "tax": 1}, {"currency": "EUR", "hour": "nan"}]
    )  # fmt: skip
    def test_wrong_rates_are_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(PredictionError):
            costs.checked(wrong)


class TestCalendar:
    def test_a_program_can_follow_a_visit(self) -> None:
        from icalendar import Calendar

        at = datetime(2026, 10, 25, 9, tzinfo=UTC)
        first = visit(7, at=at)
        moved = replace(first, visit_at=at + DAY, visit_until=at + DAY + HOUR, sequence=1)
        gone = replace(visit(8, at=at), state="declined", sequence=2)
        one = Calendar.from_ical(calendar.ics([first, gone], {}, domain="homepot.example"))
        two = Calendar.from_ical(calendar.ics([moved], {}, domain="homepot.example"))
        before, cancelled = one.walk("VEVENT")
        (after,) = two.walk("VEVENT")
        assert before["uid"] == after["uid"] == "visit-7@homepot.example"
        assert (before["sequence"], after["sequence"]) == (0, 1)
        assert (before["status"], cancelled["status"]) == ("TENTATIVE", "CANCELLED")
        # Clocks went back that night: ten o'clock in Berlin is nine in UTC.
        assert before["dtstart"].dt.isoformat() == "2026-10-25T10:00:00+01:00"
        assert [zone["tzid"] for zone in one.walk("VTIMEZONE")] == ["Europe/Berlin"]

    def test_the_same_visits_are_the_same_bytes_and_names_stay_text(self) -> None:
        from homepot_ai.store.episodes import NamedDevice

        names = {1: NamedDevice(1, "DEVICE-1", "POS\r\nBEGIN:VALARM;x,y", "pos", 1, "Ber\u202elin", None)}
        made = calendar.ics([visit()], names, domain="homepot.example")
        assert made == calendar.ics([visit()], names, domain="homepot.example")
        assert b"\nBEGIN:VALARM" not in made
        assert "\u202e".encode() not in made
        assert calendar.ics([], {}, domain="x").startswith(b"BEGIN:VCALENDAR")
