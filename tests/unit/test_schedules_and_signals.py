from __future__ import annotations

from datetime import UTC, datetime, time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.fleet.schedules import MaintenanceDay, sites_in_maintenance
from homepot_ai.fleet.signals import Entry, SignalCounter, Signals

WEDNESDAY = 2


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        (datetime(2026, 11, 18, 2, 30, tzinfo=UTC), True),  # 03:30 in Berlin
        (datetime(2026, 11, 18, 6, 59, tzinfo=UTC), True),  # 07:59
        (datetime(2026, 11, 18, 7, 0, tzinfo=UTC), False),  # 08:00, open
        (datetime(2026, 11, 18, 21, 0, tzinfo=UTC), True),  # 22:00, closed
        (datetime(2026, 11, 18, 23, 30, tzinfo=UTC), False),  # Thursday in Berlin
        (datetime(2026, 7, 15, 5, 59, tzinfo=UTC), True),  # summer time: 07:59
        (datetime(2026, 7, 15, 6, 0, tzinfo=UTC), False),
    ],
)
def test_a_flagged_day_covers_the_hours_when_the_site_is_closed(moment: datetime, covered: bool) -> None:
    day = MaintenanceDay(1, WEDNESDAY, time(8), time(22), False)
    assert sites_in_maintenance([day], {1: "Europe/Berlin"}, moment) == (
        frozenset({1}) if covered else frozenset()
    )


def test_a_closed_day_and_a_day_without_hours_are_covered_whole() -> None:
    noon = datetime(2026, 11, 18, 12, tzinfo=UTC)
    closed = MaintenanceDay(1, WEDNESDAY, time(8), time(22), True)
    unknown = MaintenanceDay(2, WEDNESDAY, None, None, False)
    night_club = MaintenanceDay(3, WEDNESDAY, time(20), time(4), False)
    zones = dict.fromkeys((1, 2, 3), "UTC")
    assert sites_in_maintenance([closed, unknown, night_club], zones, noon) == {1, 2, 3}
    late = datetime(2026, 11, 18, 23, tzinfo=UTC)
    assert sites_in_maintenance([night_club], zones, late) == frozenset()


def signals(checks: list[tuple[int, float, bool]], changes: list[tuple[int, float]] = ()) -> Signals:  # type: ignore[assignment]
    device, t, ok = zip(*checks, strict=True) if checks else ((), (), ())
    return Signals(
        check_device=np.array(device, dtype=np.int64),
        check_t=np.array(t, dtype=np.float64),
        check_ok=np.array(ok, dtype=bool),
        changes=[Entry(d, at, "x", "") for d, at in changes],
        errors=[],
        failed_jobs=[],
        configuration=[],
        unknown_devices=0,
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 600), st.booleans()), max_size=40),
    st.lists(st.integers(60, 660), min_size=1, max_size=6, unique=True),
)
def test_failed_checks_in_a_row_equal_the_slow_way(
    checks: list[tuple[int, int, bool]], moments: list[int]
) -> None:
    checks.sort(key=lambda check: check[1])
    counter = SignalCounter(
        signals([(d, float(t), ok) for d, t, ok in checks]), np.zeros(4, np.float32), np.full(4, np.nan)
    )
    for moment in sorted(moments):
        expected = [0.0] * 4
        for device, t, ok in checks:
            if t <= moment:
                expected[device] = 0.0 if ok else expected[device] + 1
        assert counter.at(float(moment))["failed_checks_in_row"].tolist() == expected


def test_a_row_of_failures_is_forgotten_when_checks_stop_coming() -> None:
    counter = SignalCounter(
        signals([(0, 10.0, False), (0, 20.0, False)]), np.array([1.0], np.float32), np.array([5.0])
    )
    assert counter.at(60.0)["failed_checks_in_row"].tolist() == [3.0]
    assert counter.at(3619.0)["failed_checks_in_row"].tolist() == [3.0]
    assert counter.at(3660.0)["failed_checks_in_row"].tolist() == [0.0]
    assert counter.failed.tolist() == [3.0]


def test_state_changes_are_counted_over_the_last_hour() -> None:
    counter = SignalCounter(
        signals([], [(1, 0.0), (1, 1800.0), (0, 3500.0), (1, 3600.0)]),
        np.zeros(2, np.float32),
        np.full(2, np.nan),
    )
    assert counter.at(3600.0)["state_changes_per_hour"].tolist() == [1.0, 2.0]
    assert counter.at(7100.0)["state_changes_per_hour"].tolist() == [0.0, 1.0]
