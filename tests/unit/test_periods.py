"""Periods are local days, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.errors import ReportError
from homepot_ai.reporting.periods import (
    comparisons,
    day,
    period_for,
    previous_day,
    start_of_day,
    zone_text,
)

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Singapore",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/St_Johns",
    "UTC",
]


@pytest.mark.parametrize(
    ("zone", "which", "minutes"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 1380),
        ("Europe/Berlin", date(2026, 10, 25), 1500),
        ("Europe/Berlin", date(2026, 11, 19), 1440),
        ("America/New_York", date(2026, 3, 8), 1380),
        ("America/New_York", date(2026, 11, 1), 1500),
        ("Asia/Singapore", date(2026, 3, 29), 1440),
        ("Australia/Lord_Howe", date(2026, 4, 5), 1470),
        ("Australia/Lord_Howe", date(2026, 10, 4), 1410),
        ("America/Santiago", date(2026, 9, 6), 1380),  # midnight itself does not exist
        ("America/Santiago", date(2026, 4, 4), 1500),  # the last hour happens twice
    ],
)
def test_days_are_as_long_as_the_zone_says(zone: str, which: date, minutes: int) -> None:
    assert day(which, zone).minutes == minutes


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("first", [date(2026, 3, 1), date(2026, 10, 1)])
def test_two_months_of_days_leave_no_gap_and_no_overlap(zone: str, first: date) -> None:
    days = [day(first + timedelta(n), zone) for n in range(62)]

    for earlier, later in pairwise(days):
        assert earlier.end == later.start
        assert later.first_day == earlier.first_day + timedelta(1)
        assert earlier.start.astimezone(ZoneInfo(zone)).strftime("%H:%M") == "00:00"
    assert {d.minutes for d in days} != {1440}


@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
)
def test_the_previous_day_is_over_and_nothing_lies_between(moment: datetime, zone: str) -> None:
    period = previous_day(moment, zone)

    assert period.end <= moment
    today = moment.astimezone(ZoneInfo(zone)).date()
    assert period.end == start_of_day(today, zone)
    assert 22 * 60 <= period.minutes <= 26 * 60
    # Every minute of it is that local day, checked at both ends and in the middle.
    for instant in (
        period.start,
        period.start + (period.end - period.start) / 2,
        period.end - timedelta(seconds=1),
    ):
        assert instant.astimezone(ZoneInfo(zone)).date() == period.first_day


def test_at_six_in_the_morning_it_is_yesterday_everywhere() -> None:
    for zone, utc in (
        ("Europe/Berlin", datetime(2026, 11, 20, 5, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 20, 11, tzinfo=UTC)),
        ("Asia/Singapore", datetime(2026, 11, 19, 22, tzinfo=UTC)),
    ):
        assert previous_day(utc, zone).short_label == "2026-11-19"


def test_at_midnight_sharp_the_day_that_ended_is_meant() -> None:
    midnight = start_of_day(date(2026, 11, 20), "Europe/Berlin")

    assert previous_day(midnight, "Europe/Berlin").short_label == "2026-11-19"
    assert previous_day(midnight - timedelta(microseconds=1), "Europe/Berlin").short_label == "2026-11-18"


def test_a_zone_that_skipped_a_day() -> None:
    # Samoa had no 30 December 2011.
    assert previous_day(datetime(2011, 12, 30, 20, tzinfo=UTC), "Pacific/Apia").short_label == "2011-12-29"
    with pytest.raises(ReportError, match="never happened"):
        day(date(2011, 12, 30), "Pacific/Apia")


def test_comparisons_are_local_days_across_the_change() -> None:
    compared = comparisons(day(date(2026, 10, 26), "Europe/Berlin"))

    assert (compared.day_before.short_label, compared.day_before.minutes) == ("2026-10-25", 1500)
    assert (compared.week_before.short_label, compared.week_before.minutes) == ("2026-10-19", 1440)
    assert compared.week_before.first_day.weekday() == 0


def test_what_a_person_reads() -> None:
    plain, long = day(date(2026, 11, 9), "America/New_York"), day(date(2026, 11, 1), "America/New_York")

    assert plain.label == "Monday 9 November 2026"
    assert plain.range_text == "00:00 to 24:00 EST (UTC-05:00)"
    assert long.range_text == (
        "00:00 EDT (UTC-04:00) to 24:00 EST (UTC-05:00), 25 hours: the clock was changed"
    )
    half = day(date(2026, 10, 4), "Australia/Lord_Howe")
    assert "23.5 hours" in half.range_text
    assert zone_text(plain.start, "UTC") == "UTC"


def test_wrong_questions_are_refused() -> None:
    with pytest.raises(ReportError, match="no IANA time zone"):
        previous_day(datetime(2026, 1, 1, tzinfo=UTC), "Europe/Atlantis")
    with pytest.raises(ReportError, match="no time zone"):
        previous_day(datetime(2026, 1, 1), "UTC")  # noqa: DTZ001
    with pytest.raises(ReportError, match="do not exist yet"):
        period_for("weekly", datetime(2026, 1, 1, tzinfo=UTC), "UTC")
