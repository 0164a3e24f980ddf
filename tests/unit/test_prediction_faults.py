"""What once went wrong in settling and judging, one test a fault."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from homepot_ai.prediction.settling import Forecast, Known, settle
from homepot_ai.store.outcomes import Outcome
from tests.prediction_world import DAY, HOUR, NOW

LATE = NOW + 40 * DAY


def failed(at: datetime, source: str, ended: datetime | None = None) -> Outcome:
    return Outcome(1, 1, at, ended, "failure", None, source, "1", None, "rule")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "ago", "result"),
    [("person", 3 * DAY, "did_not"), ("person", HOUR, "censored"), ("incident", 3 * DAY, "censored")],
)
def test_a_failure_told_by_a_person_does_not_last_for_ever(source: str, ago: timedelta, result: str) -> None:
    forecast = Forecast(1, 1, NOW, "failure", NOW, NOW + 7 * DAY, "", 0.3)
    settled = settle(forecast, Known([failed(NOW - ago, source)], LATE), LATE)
    assert settled is not None
    assert settled.outcome == result
