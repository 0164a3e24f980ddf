"""Periods are local days, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.errors import ReportError
from homepot_ai.reporting.facts import Kind
from homepot_ai.reporting.periods import (
    comparisons,
    custom,
    day,
    of_day,
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

    assert (compared["day_before"].short_label, compared["day_before"].minutes) == ("2026-10-25", 1500)
    assert (compared["same_weekday"].short_label, compared["same_weekday"].minutes) == ("2026-10-19", 1440)
    assert compared["same_weekday"].first_day.weekday() == 0


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
    for kind in ("custom", "incident"):
        with pytest.raises(ReportError, match="say from when to when"):
            period_for(kind, datetime(2026, 1, 1, tzinfo=UTC), "UTC")  # type: ignore[arg-type]


GOLDEN = Path(__file__).parents[1] / "data" / "dst_fortnights.txt"


def golden() -> list[tuple[str, list[tuple[date, datetime, int]]]]:
    """The fortnights around the clock's changes, by zone, as the system's own tools have them."""
    lines = [line.split() for line in GOLDEN.read_text().splitlines() if not line.startswith("#")]
    rows = [(zone, date.fromisoformat(d), datetime.fromisoformat(s), int(m)) for zone, d, s, m in lines]
    found = []
    for zone, mine in groupby(rows, key=lambda row: row[0]):
        every = [row[1:] for row in mine]
        found += [(zone, every[:14]), (zone, every[14:])]
    return found


@pytest.mark.parametrize(("zone", "fortnight"), golden(), ids=lambda v: v if isinstance(v, str) else "")
def test_golden_fortnights_around_the_change(zone: str, fortnight: list[tuple[date, datetime, int]]) -> None:
    assert len(fortnight) == 14
    for which, start, minutes in fortnight:
        found = day(which, zone)
        assert (found.start, found.minutes) == (start, minutes)
        # At six in the morning after, it is the day that is reported.
        six = datetime.combine(which + timedelta(1), datetime.min.time().replace(hour=6), ZoneInfo(zone))
        assert period_for("daily", six, zone) == found
    for week in (fortnight[:7], fortnight[7:]):
        found = of_day("weekly", week[3][0], zone)
        assert found.first_day.weekday() == 0
        assert (found.start, found.minutes) == (week[0][1], sum(m for *_, m in week))
        assert [(d.first_day, d.start) for d in found.days] == [(d, s) for d, s, _ in week]
        before = comparisons(found)["week_before"]
        assert (before.end, before.last_day) == (found.start, found.first_day - timedelta(1))
    whole = custom(fortnight[0][0], fortnight[-1][0], zone)
    assert (whole.start, whole.minutes) == (fortnight[0][1], sum(m for *_, m in fortnight))
    earlier = comparisons(whole)["before"]
    assert (earlier.end, len(earlier.days), earlier.whole_days) == (whole.start, 14, True)


@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
    kind=st.sampled_from(["daily", "weekly", "monthly"]),
)
def test_a_period_is_over_and_the_next_one_is_not(moment: datetime, zone: str, kind: Kind) -> None:
    period = period_for(kind, moment, zone)

    assert period.end <= moment
    assert period.whole_days
    assert of_day(kind, period.last_day, zone) == period
    # The following one begins where it ends, and is not over yet.
    following = of_day(kind, local_date(period.end, zone), zone)
    assert following.start == period.end
    assert following.end > moment
    assert [d.end for d in period.days[:-1]] == [d.start for d in period.days[1:]]
    assert sum(d.minutes for d in period.days) == period.minutes
    for earlier in comparisons(period).values():
        assert earlier.end <= period.start
        assert earlier.kind == period.kind


def local_date(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    minutes=st.integers(1, 400 * 1440),
    zone=st.sampled_from(ZONES),
)
def test_any_range_holds_its_minutes_and_touches_its_days(start: datetime, minutes: int, zone: str) -> None:
    start = start.replace(second=0, microsecond=0)
    period = custom(start, start + timedelta(minutes=minutes), zone)

    assert period.minutes == minutes
    assert period.days[0].start <= period.start < period.days[0].end
    assert period.days[-1].start < period.end <= period.days[-1].end
    before = comparisons(period)["before"]
    assert before.end == period.start
    assert before.minutes == minutes or before.whole_days


def test_months_and_their_neighbours() -> None:
    march = of_day("monthly", date(2026, 3, 31), "Europe/Berlin")
    assert march.minutes == 31 * 1440 - 60
    found = {what: (p.first_day, p.last_day) for what, p in comparisons(march).items()}
    assert found == {
        "month_before": (date(2026, 2, 1), date(2026, 2, 28)),
        "year_before": (date(2025, 3, 1), date(2025, 3, 31)),
    }
    leap = of_day("monthly", date(2024, 2, 29), "UTC")
    assert (leap.last_day, comparisons(leap)["year_before"].last_day) == (
        date(2024, 2, 29),
        date(2023, 2, 28),
    )
    # On the first at six it is the month before; on the last day of it not yet.
    assert period_for("monthly", datetime(2027, 1, 1, 5, tzinfo=UTC), "Europe/Berlin").first_day == date(
        2026, 12, 1
    )
    assert period_for("monthly", datetime(2026, 12, 31, 5, tzinfo=UTC), "Europe/Berlin").first_day == date(
        2026, 11, 1
    )


def test_ranges_within_a_day_and_wrong_ones() -> None:
    zone = "Europe/Berlin"
    shift = custom(datetime(2026, 11, 19, 8), datetime(2026, 11, 19, 16), zone)  # noqa: DTZ001
    assert (shift.minutes, shift.whole_days, shift.first_day) == (480, False, date(2026, 11, 19))
    assert comparisons(shift)["before"].start == datetime(2026, 11, 18, 23, tzinfo=UTC)
    # The hour that happens twice: the first of the two, and the second when asked for.
    twice = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001
    assert custom(twice, twice.replace(fold=1), zone).minutes == 60
    wrong: list[tuple[date | datetime, date | datetime, str]] = [
        (datetime(2026, 3, 29, 2, 30), date(2026, 3, 30), "clock skipped it"),  # noqa: DTZ001
        (date(2026, 3, 29), date(2026, 3, 28), "has no minute"),
        (date(2026, 3, 29), date(2027, 6, 1), "longer than 400 days"),
        (datetime(2026, 3, 29, 4, 0, 7), date(2026, 3, 30), "whole minutes"),  # noqa: DTZ001
    ]
    for start, end, why in wrong:
        with pytest.raises(ReportError, match=why):
            custom(start, end, zone)
    with pytest.raises(ReportError, match="is not over"):
        custom(date(2026, 3, 29), date(2026, 3, 29), zone, now=datetime(2026, 3, 29, 12, tzinfo=UTC))


def test_sites_of_a_fleet_have_weeks_of_their_own() -> None:
    """The same moment, one report per zone: each site's week is its own, the fleet's is in its own zone."""
    moment = datetime(2026, 11, 23, 4, tzinfo=UTC)  # Monday in Berlin and Singapore, Sunday in New York
    weeks = {
        z: period_for("weekly", moment, z) for z in ("Europe/Berlin", "America/New_York", "Asia/Singapore")
    }
    assert {z: w.last_day for z, w in weeks.items()} == {
        "Europe/Berlin": date(2026, 11, 22),
        "America/New_York": date(2026, 11, 15),
        "Asia/Singapore": date(2026, 11, 22),
    }
    assert weeks["Asia/Singapore"].end < weeks["Europe/Berlin"].end <= moment
