"""What the sample fleet will have sent, as hourly values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from homepot_ai.testing import sample_ahead
from homepot_ai.testing.sample_constructed import constructed
from homepot_ai.testing.sample_fleet import DEVICES

ANCHOR = datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_the_leak_goes_on_by_hours_to_the_end_of_its_series() -> None:
    device = next(device for device in DEVICES if device.unit == "slow-leak")
    series = constructed(device, ANCHOR)
    first = int(ANCHOR.timestamp())
    rows = sample_ahead._hours(7, series, first, first + 30 * 86400)
    hours = [row[1] for row in rows]
    assert hours == [first + 3600 * n for n in range(14 * 24)]
    names = rows[0][2]
    assert isinstance(names, list)
    memory = names.index("memory_percent")
    means = [row[4][memory] for row in rows]  # type: ignore[index]
    assert means[7 * 24] - means[0] == pytest.approx(7 * 2.2, abs=1.5)
    assert {tuple(row[3]) for row in rows[1:-1]} == {(12,) * len(names)}  # type: ignore[arg-type]
    past = int((ANCHOR + timedelta(days=20)).timestamp())
    assert sample_ahead._hours(7, series, past, past + 86400) == []
