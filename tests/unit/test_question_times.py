"""Relative times mean what the asker's clock says, whatever daylight saving does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.errors import QuestionError
from homepot_ai.questions import times

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Singapore",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday, one o'clock in Berlin

# Minutes from 2020 to 2030.
moments = st.integers(0, 10 * 365 * 1440).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
PAST = (
    "yesterday", "yesterday morning", "last night", "last week", "last month", "last Tuesday", "this week",
    "today", "past 36h", "last 7 days", "2 days ago", "the weekend", "in October", "gestern", "gestern Abend",
    "letzte Woche", "vor drei Tagen", "letzte Nacht", "on Monday morning", "the past couple of days",
    "last year", "Q2", "between 8 and 10 am", "yesterday between 8 and 10", "3 November", "vorgestern",
)  # fmt: skip
AHEAD = (
    "next 7 days", "tomorrow", "next week", "within 3 days", "in 2 hours", "nächste Woche", "morgen früh",
    "next Friday", "in den nächsten 24 Stunden", "until Friday", "übermorgen",
)  # fmt: skip


@given(moments, st.sampled_from(ZONES), st.sampled_from(PAST))
def test_a_past_time_begins_before_it_ends_and_before_now(now: datetime, zone: str, words: str) -> None:
    span = times.period(words, now, zone)
    assert span.start < span.end
    assert span.start.utcoffset() == timedelta(0)
    if words not in ("between 8 and 10 am", "3 November"):
        assert span.start <= now + timedelta(days=2)


@given(moments, st.sampled_from(ZONES), st.sampled_from(AHEAD))
def test_a_time_to_come_is_at_least_an_hour_away(now: datetime, zone: str, words: str) -> None:
    assert 1 <= times.ahead(words, now, zone) <= 15 * 24


@given(moments, st.sampled_from(ZONES))
def test_yesterday_is_the_local_day_before(now: datetime, zone: str) -> None:
    span = times.period("yesterday", now, zone)
    there = ZoneInfo(zone)
    first, last = span.start.astimezone(there), span.end.astimezone(there)
    today = now.astimezone(there).date()
    assert (first.date(), last.date()) == (today - timedelta(days=1), today)
    assert first.hour == first.minute == last.hour == last.minute == 0
    assert times.period("today", now, zone).start == span.end


@given(moments, st.sampled_from(ZONES), st.integers(1, 500))
def test_hours_are_elapsed_time(now: datetime, zone: str, hours: int) -> None:
    span = times.period(f"last {hours} hours", now, zone)
    assert span.end - span.start == timedelta(hours=hours)
    assert span.end == now


@given(moments, st.sampled_from(ZONES))
def test_weeks_and_months_follow_each_other_without_a_gap(now: datetime, zone: str) -> None:
    for unit in ("week", "month", "quarter", "year"):
        before, current = (times.period(f"{which} {unit}", now, zone) for which in ("last", "this"))
        assert before.end == current.start <= now < current.end


@given(st.sampled_from((*PAST, *AHEAD)), st.sampled_from(("how was till 3 {}?", "{} at Berlin", "uptime {}")))
def test_what_is_understood_is_found_in_a_text(words: str, text: str) -> None:
    found = times.spot(text.format(words))
    assert len(found) == 1, found
    assert found[0].words.casefold() in words.casefold()


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("yesterday morning", "2026-11-19T05:00", "2026-11-19T11:00"),
        ("last Tuesday", "2026-11-16T23:00", "2026-11-17T23:00"),
        ("last Friday", "2026-11-12T23:00", "2026-11-13T23:00"),
        ("Friday", "2026-11-19T23:00", "2026-11-20T23:00"),
        ("this week", "2026-11-15T23:00", "2026-11-22T23:00"),
        ("past 36h", "2026-11-19T00:00", "2026-11-20T12:00"),
        ("last night", "2026-11-19T19:00", "2026-11-20T05:00"),
        ("from Monday to Wednesday", "2026-11-15T23:00", "2026-11-18T23:00"),
        ("yesterday between 8 and 10", "2026-11-19T07:00", "2026-11-19T09:00"),
        ("zwischen 8 und 10 Uhr", "2026-11-20T07:00", "2026-11-20T09:00"),
        ("in October", "2026-09-30T22:00", "2026-10-31T23:00"),
        ("3.11.", "2026-11-02T23:00", "2026-11-03T23:00"),
        ("20 November 2025", "2025-11-19T23:00", "2025-11-20T23:00"),
        ("2026-11-19T08:00", "2026-11-19T07:00", "2026-11-19T08:00"),
        # What the grammar does not know, the library may.
        ("vor 1 Woche und 2 Tagen", "2026-11-10T23:00", "2026-11-11T23:00"),
    ],
)
def test_what_words_mean_in_berlin(words: str, start: str, end: str) -> None:
    span = times.period(words, NOW, "Europe/Berlin")
    assert (f"{span.start:%Y-%m-%dT%H:%M}", f"{span.end:%Y-%m-%dT%H:%M}") == (start, end)


def test_the_day_of_the_clock_change_has_its_25_hours() -> None:
    after = datetime(2026, 10, 26, 9, tzinfo=UTC)
    span = times.period("yesterday", after, "Europe/Berlin")
    assert span.end - span.start == timedelta(hours=25)
    assert times.past("last 24 hours", after, "Europe/Berlin").start == after - timedelta(hours=24)
    spring = times.period("yesterday between 1 and 4", datetime(2026, 3, 30, 9, tzinfo=UTC), "Europe/Berlin")
    assert spring.end - spring.start == timedelta(hours=2)


def test_since_ends_now_and_an_hour_of_today_that_is_to_come_was_yesterday() -> None:
    assert times.since("8am", NOW, "Europe/Berlin").start == datetime(2026, 11, 20, 7, tzinfo=UTC)
    early = datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert times.since("8", early, "Europe/Berlin").start == datetime(2026, 11, 19, 7, tzinfo=UTC)
    assert times.since("yesterday", NOW, "UTC").end == NOW


@pytest.mark.parametrize(
    "words", ["", "banana", "last", "0000-00-00", "32 November", "25:61", "last 9999 years", "next week"]
)
def test_what_is_no_past_time_is_an_error_that_says_so(words: str) -> None:
    with pytest.raises(QuestionError, match=r"no time|further away|yet to come"):
        times.past(words, NOW, "Europe/Berlin")


@pytest.mark.parametrize(
    "text", ["may I ask about march", "look after till 3", "top 5 devices", "kiosk 2 at store 12"]
)
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert times.spot(text) == []
