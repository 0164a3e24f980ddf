"""Windows on the clock of a site, also in the nights in which it is moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.fleet.schedules import MaintenanceDay, sites_in_maintenance
from homepot_ai.incidents.windows import Silences, covered_until, occurrence
from homepot_ai.store.windows import Window

MADE = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def weekly(
    start: time, minutes: int, days: list[int], zone: str = "Europe/Berlin", scope: str = "fleet",
    scope_id: int | None = None, number: int = 1, **more: date,
) -> Window:  # fmt: skip
    return Window(
        number, scope, scope_id, "w", None, None, days, start, minutes, zone,  # type: ignore[arg-type]
        more.get("valid_from"), more.get("valid_until"), None, "Ann", MADE,
    )  # fmt: skip


def once(
    start: datetime, end: datetime, number: int = 1, scope: str = "fleet", of: int | None = None
) -> Window:
    return Window(number, scope, of, "w", start, end, None, None, None, None, None, None, None, "Ann", MADE)  # type: ignore[arg-type]


def test_a_night_ends_by_the_clock_on_the_wall() -> None:
    night = weekly(time(22), 480, [5])
    # Saturdays; the clock goes back on 25 October, and forward on 29 March.
    for day, hours in ((date(2026, 10, 24), 9), (date(2026, 3, 28), 7), (date(2026, 6, 6), 8)):
        found = occurrence(night, day)
        assert found is not None
        begin, end = found
        assert begin.astimezone(BERLIN).time() == time(22)
        assert end.astimezone(BERLIN).time() == time(6)
        assert end - begin == timedelta(hours=hours)
        assert covered_until(night, end - timedelta(minutes=1)) == end
        assert covered_until(night, end) is None
        assert covered_until(night, begin) == end
        assert covered_until(night, begin - timedelta(seconds=1)) is None


def test_an_hour_that_the_clock_skips_or_repeats_is_still_covered() -> None:
    early = weekly(time(2, 30), 20, [6])
    skipped = occurrence(early, date(2026, 3, 29))
    assert skipped == (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 50, tzinfo=UTC))
    twice = occurrence(weekly(time(2, 30), 60, [6]), date(2026, 10, 25))
    # From the first 02:30 to 03:30 after the clock went back: both passes of the hour.
    assert twice == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC))
    # One that ends within the hour that comes twice ends in its second pass.
    within = occurrence(weekly(time(1), 90, [6]), date(2026, 10, 25))
    assert within == (datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


def test_a_window_of_days_covers_the_days_after_it_began() -> None:
    long = weekly(time(18), 3 * 1440, [4], zone="Asia/Singapore")
    begin, end = occurrence(long, date(2026, 11, 20)) or (MADE, MADE)
    assert covered_until(long, begin + timedelta(hours=70)) == end
    assert covered_until(long, begin + timedelta(hours=73)) is None


def test_dates_bound_a_recurring_window_and_a_cancelled_one_covers_nothing() -> None:
    bounded = weekly(time(10), 60, [0, 1, 2, 3, 4, 5, 6], zone="UTC", valid_from=date(2026, 11, 18),
                     valid_until=date(2026, 11, 19))  # fmt: skip
    at = [datetime(2026, 11, d, 10, 30, tzinfo=UTC) for d in (17, 18, 19, 20)]
    assert [covered_until(bounded, t) is not None for t in at] == [False, True, True, False]
    cancelled = Window(**{**vars(bounded), "cancelled_at": at[1], "cancelled_by": "Ann"})
    assert covered_until(cancelled, at[2]) is None
    assert covered_until(cancelled, at[1] - timedelta(minutes=5)) is not None


@given(
    st.integers(0, 525_600).map(lambda minute: MADE + timedelta(minutes=minute)),
    st.times(), st.integers(1, 10080), st.sets(st.integers(0, 6), min_size=1),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"]),
)  # fmt: skip
def test_a_moment_is_covered_exactly_when_an_occurrence_holds_it(
    at: datetime, start: time, minutes: int, days: set[int], zone: str
) -> None:
    window = weekly(start.replace(tzinfo=None), minutes, sorted(days), zone)
    every = [
        found
        for n in range(-10, 3)
        if (found := occurrence(window, at.astimezone(ZoneInfo(zone)).date() + timedelta(days=n)))
    ]
    assert all(begin < end for begin, end in every)
    ends = [end for begin, end in every if begin <= at < end]
    assert covered_until(window, at) == max(ends, default=None)


def test_of_windows_that_overlap_the_last_end_counts() -> None:
    t = datetime(2026, 11, 20, 10, tzinfo=UTC)
    hour = timedelta(hours=1)
    silences = Silences(
        [once(t - hour, t + hour, 1), once(t - hour, t + 3 * hour, 2, "site", 7), once(t, t + 2 * hour, 3)],
        [], {}, t,
    )  # fmt: skip
    assert [(c.window_id, c.until) for c in silences.of(7, 1)] == [(2, t + 3 * hour)]
    assert [(c.window_id, c.until) for c in silences.of(8, 1)] == [(3, t + 2 * hour)]
    assert [c.window_id for c in silences.of(None, None)] == [3]


@pytest.mark.parametrize(("at", "until"), [
    ("2026-11-18T02:30+00:00", "2026-11-18T07:00+00:00"),  # before opening, 08:00 in Berlin
    ("2026-11-18T21:30+00:00", "2026-11-18T23:00+00:00"),  # after closing, until the day is over
    ("2026-11-18T12:00+00:00", None),
])  # fmt: skip
def test_homepots_maintenance_days_say_until_when(at: str, until: str | None) -> None:
    day = MaintenanceDay(1, 2, time(8), time(22), False)
    covers = Silences([], [day], {1: "Europe/Berlin"}, datetime.fromisoformat(at)).of(1, 5)
    if until is None:
        assert covers == []
    else:
        assert [(c.why, c.until) for c in covers] == [("homepot_schedule", datetime.fromisoformat(until))]


@given(
    # Days around both changes of the clock, and any other day.
    st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 4, 4), date(2026, 11, 18)]),
    st.integers(0, 2 * 1440), st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 95).map(lambda q: time(q // 4, q % 4 * 15)),
    st.integers(0, 95).map(lambda q: time(q // 4, q % 4 * 15)),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"]),
)  # fmt: skip
def test_the_end_of_a_schedule_is_the_one_that_looking_at_every_minute_finds(
    day: date, minute: int, weekdays: set[int], opens: time, closes: time, zone: str
) -> None:
    at = datetime.combine(day, time(0), UTC) + timedelta(minutes=minute)
    flagged = [MaintenanceDay(1, weekday, opens, closes, False) for weekday in sorted(weekdays)]
    zones = {1: zone}
    covers = Silences([], flagged, zones, at).of(1, 5)
    if not sites_in_maintenance(flagged, zones, at):
        assert covers == []
        return
    slow = next(
        (
            moment
            for n in range(1, 26 * 60)
            if not sites_in_maintenance(flagged, zones, moment := at + timedelta(minutes=n))
        ),
        None,
    )
    if slow is not None:
        assert [c.until for c in covers] == [slow]
    else:
        assert all(c.until is None or c.until >= at + timedelta(hours=26) for c in covers)
