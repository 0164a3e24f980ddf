"""What becomes of a mail after an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.store.outbox_rules import (
    ALERT_REPEATS,
    CAPS,
    CONFIGURATION,
    FINAL,
    Result,
    after_attempt,
    after_death,
    back_off,
    patience,
)

NOW = datetime(2025, 11, 27, 6, 0, tzinfo=UTC)
RETRIED = set(Result) - FINAL - CONFIGURATION - {Result.SENT, Result.UNKNOWN}


@given(
    st.sampled_from(["report", "alert"]),
    st.integers(1, 10_000),
    st.floats(0, 1, exclude_max=True, allow_nan=False),
)
def test_back_off_stays_between_three_quarters_of_a_minute_and_the_cap(kind, attempts, jitter):
    delay = back_off(kind, attempts, jitter)
    assert timedelta(seconds=45) <= delay <= CAPS[kind]


def test_back_off_doubles_until_the_cap():
    minutes = [back_off("report", n, 0.0).total_seconds() / 60 for n in range(1, 9)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("kind", ["report", "alert"])
def test_patience_lasts_two_days(kind):
    waited = sum((back_off(kind, n, 0.0) for n in range(1, patience(kind) + 1)), timedelta())
    assert timedelta(hours=48) <= waited < timedelta(hours=49)


def test_an_accepted_mail_is_sent():
    assert after_attempt("report", Result.SENT, 1, NOW, 0.0).state == "sent"


@pytest.mark.parametrize("result", sorted(FINAL))
@pytest.mark.parametrize("kind", ["report", "alert"])
def test_a_refusal_is_final_at_the_first_attempt(kind, result):
    assert after_attempt(kind, result, 1, NOW, 0.0).state == "failed"


@pytest.mark.parametrize("result", sorted(RETRIED))
def test_passing_trouble_is_retried_later_and_given_up_in_the_end(result):
    first = after_attempt("report", result, 1, NOW, 0.0)
    assert (first.state, first.not_before) == ("queued", NOW + timedelta(minutes=1))
    last = after_attempt("report", result, patience("report"), NOW, 0.0)
    assert last.state == "failed"
    assert "given up after 53 attempts" in last.remark


@pytest.mark.parametrize("result", sorted(CONFIGURATION))
def test_a_wrong_configuration_never_uses_up_patience(result):
    attempts = 0
    for _ in range(500):
        after = after_attempt("report", result, attempts + 1, NOW, 0.0)
        assert after.state == "queued"
        assert after.not_before > NOW
        attempts = after.attempts
    assert attempts < patience("report")
    assert after.not_before == NOW + timedelta(hours=1)


def test_when_nobody_knows_a_report_is_held_and_an_alert_goes_again():
    assert after_attempt("report", Result.UNKNOWN, 1, NOW, 0.0).state == "unknown"
    assert after_attempt("alert", Result.UNKNOWN, 1, NOW, 0.0).state == "queued"


def test_an_alert_is_not_repeated_for_ever():
    assert after_attempt("alert", Result.UNKNOWN, ALERT_REPEATS + 1, NOW, 0.0).state == "unknown"
    assert after_death("alert", "in_data", ALERT_REPEATS + 1, NOW, 0.0).state == "unknown"


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        ("report", "claimed", "queued"),
        ("alert", "claimed", "queued"),
        ("report", "in_data", "unknown"),
        ("alert", "in_data", "queued"),
    ],
)
def test_after_a_senders_death(kind, state, expected):
    after = after_death(kind, state, 1, NOW, 0.0)
    assert after.state == expected
    assert after.not_before == (NOW if expected == "queued" else None)


def test_a_mail_that_kills_its_senders_backs_off():
    assert after_death("report", "claimed", 3, NOW, 0.0).not_before == NOW + timedelta(minutes=4)
