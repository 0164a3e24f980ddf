"""When a run leaves its work to a newer one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.common import staleness

DUE = datetime(2026, 11, 20, 8, 0, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def judge(late_s: float, *, explicit: bool = False, automatic: bool = True) -> str | None:
    now = DUE + timedelta(seconds=late_s)
    return staleness(scheduled=DUE, now=now, interval=MINUTE, explicit=explicit, automatic=automatic)


@pytest.mark.parametrize(
    ("late_s", "skips"), [(-1, False), (0, False), (60, False), (61, True), (36_000, True)]
)
def test_a_run_older_than_its_interval_skips(late_s: float, skips: bool) -> None:
    assert (judge(late_s) is not None) == skips


def test_it_says_how_late_and_who_does_the_work() -> None:
    reason = judge(180)
    assert reason is not None
    assert reason.startswith("180 s late")
    assert "watermark" in reason


@given(late_s=st.floats(min_value=-1e6, max_value=1e9))
def test_a_given_moment_and_a_persons_run_are_always_wanted(late_s: float) -> None:
    assert judge(late_s, explicit=True) is None
    assert judge(late_s, automatic=False) is None


def test_a_run_without_a_due_time_is_wanted() -> None:
    now = DUE + timedelta(days=1)
    assert staleness(scheduled=None, now=now, interval=MINUTE, explicit=False, automatic=True) is None


def test_scheduled_times_without_a_zone_are_utc() -> None:
    late = staleness(
        scheduled=DUE.replace(tzinfo=None),
        now=DUE + timedelta(minutes=5),
        interval=MINUTE,
        explicit=False,
        automatic=True,
    )
    assert late is not None
    assert late.startswith("300 s late")
