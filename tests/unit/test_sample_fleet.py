"""The sample fleet's plan: believable, spread over three zones, and with incidents when they are wanted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.fleet.metrics import KNOWN
from homepot_ai.health.config import HealthConfig
from homepot_ai.testing import sample_recordings
from homepot_ai.testing.sample_constructed import constructed, outage
from homepot_ai.testing.sample_fleet import BERLIN, DEVICES, GATEWAY, SITES, TENANTS, USERS
from homepot_ai.testing.sample_mapping import COLUMNS, Column, Layout
from homepot_ai.testing.sample_series import Series, copy_text, recorded
from homepot_ai.testing.sample_state import TruthRow
from homepot_ai.testing.sample_truth import Found, compare, render

NOW = datetime(2026, 3, 29, 14, 7, tzinfo=UTC)  # a day that has 23 hours in Berlin


@lru_cache
def placed(name: str) -> tuple[Series, list[tuple[int, int]]]:
    device = next(device for device in DEVICES if device.name == name)
    return (constructed(device, NOW), []) if device.constructed else recorded(device, NOW)


RECORDED = [device for device in DEVICES if not device.constructed]


def test_it_is_a_fleet() -> None:
    assert len(DEVICES) >= 20
    assert len({device.device_type for device in DEVICES}) >= 5
    assert len({device.public_id for device in DEVICES}) == len(DEVICES)
    assert len({ZoneInfo(site.timezone).utcoffset(NOW.replace(tzinfo=None)) for site in SITES}) == 3
    behind = [device for device in DEVICES if device.gateway == GATEWAY]
    assert len(behind) == 12
    assert {device.site for device in behind} == {BERLIN}
    assert {site.tenant for site in SITES} == set(TENANTS)
    assert {site for user in USERS for site in user.sites} == {site.public_id for site in SITES}


def test_no_recording_is_used_twice() -> None:
    used = Counter(device.unit for device in DEVICES)
    assert set(used.values()) == {1}
    assert {device.unit for device in RECORDED} == set(sample_recordings.units())


def _begin(first: timedelta, last: timedelta) -> set[tuple[str, str]]:
    """(site, device) of labelled incidents that begin between two moments around now."""
    return {
        (device.site, device.name)
        for device in RECORDED
        for start, _ in placed(device.name)[1]
        if first <= datetime.fromtimestamp(start, UTC) - NOW < last
    }


def test_incidents_begin_within_the_first_ten_minutes_at_every_site() -> None:
    soon = _begin(timedelta(0), timedelta(minutes=10))
    assert len(soon) >= 3
    assert {site for site, _ in soon} == {site.public_id for site in SITES}


def test_yesterday_had_incidents_at_every_site() -> None:
    for site in SITES:
        local = NOW.astimezone(ZoneInfo(site.timezone)).date()
        days = {
            datetime.fromtimestamp(start, ZoneInfo(site.timezone)).date()
            for device in RECORDED
            if device.site == site.public_id
            for start, _ in placed(device.name)[1]
        }
        assert local - timedelta(days=1) in days
    assert len(_begin(timedelta(days=-8), timedelta(days=-2))) >= 8


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_a_device_has_days_behind_and_before_it(device) -> None:  # type: ignore[no-untyped-def]
    series, _ = placed(device.name)
    assert NOW.timestamp() - series.start > 17 * 86400
    assert series.end - NOW.timestamp() > 5 * 86400


@pytest.mark.parametrize("device", RECORDED, ids=lambda device: device.name)
def test_no_limit_is_passed_by_the_scaling(device) -> None:  # type: ignore[no-untyped-def]
    series, _ = placed(device.name)
    limits = HealthConfig().limits_for(device.device_type)
    for column in series.layout.columns:
        written = column.offset + column.factor * series.values[:, column.source]
        assert written.min() >= KNOWN[column.name].low
        assert written.max() <= KNOWN[column.name].high
        if column.name in limits:
            assert written.max() < limits[column.name].value


def test_constructions_are_what_they_say() -> None:
    leak, _ = placed("Register 4")
    disk, _ = placed("Back-office terminal")
    days = (leak.times(range(len(leak.values))) - NOW.timestamp()) / 86400
    memory = leak.values[:, list(COLUMNS).index("memory_percent")]
    used = disk.values[:, list(COLUMNS).index("disk_percent")]
    assert memory[days < -21].max() < 50
    assert memory[(days > -11) & (days < -10.6)].mean() > 80
    assert memory[(days > -10.4) & (days < -10)].mean() < 50
    assert 88 < memory[np.abs(days) < 0.1].mean() < 94
    assert 92 < used[np.abs(days) < 0.1].mean() < 94
    assert used.max() < 100
    assert np.diff(used[days < 0][::288]).mean() == pytest.approx(1.05, abs=0.15)


def test_what_is_to_be_predicted_is_below_its_limit_and_passes_it_within_a_week() -> None:
    for name, metric in (("Counter 4", "memory_percent"), ("Register 5", "disk_percent")):
        series, _ = placed(name)
        values = series.values[:, list(COLUMNS).index(metric)]
        days = (series.times(range(len(values))) - NOW.timestamp()) / 86400
        assert values[days <= 0.5].max() < 89
        assert 3 < days[np.argmax(values >= 90)] < 7


def test_the_outage_hides_no_labelled_incident() -> None:
    began, ended = (moment.timestamp() for moment in outage(NOW))
    assert ended - began == 2400
    for device in RECORDED:
        if device.site == BERLIN:
            assert all(end <= began or start >= ended for start, end in placed(device.name)[1])


def test_loading_again_gives_the_same_values() -> None:
    device = next(device for device in DEVICES if device.unit == "memory-leak")
    np.testing.assert_array_equal(constructed(device, NOW).values, placed(device.name)[0].values)


SMALL = Series(
    1_700_000_000,
    60,
    np.array([[0.5, 0.25], [0.1234, 1.0], [0.0, 0.00001]], dtype=np.float32),
    Layout((Column("cpu_percent", 0, 5.0, 80.0),), (("load", 1),)),
    "controlled",
)


@given(st.lists(st.integers(-100, 400), min_size=2, max_size=8))
def test_spans_that_touch_give_every_row_once(cuts: list[int]) -> None:
    cuts = sorted(cuts)
    pieces = [row for a, b in pairwise(cuts) for row in SMALL.rows(SMALL.start + a, SMALL.start + b)]
    assert pieces == list(SMALL.rows(SMALL.start + cuts[0], SMALL.start + cuts[-1]))
    assert pieces == [row for row in range(3) if cuts[0] < 60 * row <= cuts[-1]]


def test_a_row_as_text() -> None:
    lines = copy_text(SMALL, 7, range(3)).decode().splitlines()
    fields = lines[1].split("\t")
    assert fields[:4] == ["2023-11-14T22:14:20", "7", "14.87", r"\N"]
    assert fields[-3:] == ['{"load": 1}', "controlled", "60"]
    silent = (SMALL.start + 60, SMALL.start + 120)
    assert len(copy_text(SMALL, 7, range(3), silent).splitlines()) == 2
    assert copy_text(SMALL, 7, range(1, 1)) == b""


def _row(hour: float, hours: float, slow: bool = False) -> TruthRow:
    start = NOW + timedelta(hours=hour)
    return TruthRow(1, "Till", "Berlin", start, start + timedelta(hours=hours), "recorded", "labelled", slow)


def _found(hour: float, hours: float | None) -> Found:
    start = NOW + timedelta(hours=hour)
    return Found(1, start, None if hours is None else start + timedelta(hours=hours), "warning", "load")


def test_what_was_found_is_put_beside_what_happened() -> None:
    truth = [_row(-10, 1), _row(-5, 1), _row(-1, 2), _row(3, 1)]
    found = [_found(-9.75, 0.5), _found(-3, 0.2), _found(-0.5, None)]
    lines = compare(truth, found, NOW)
    shown = [(line.truth is not None, len(line.found)) for line in lines]
    assert shown == [(True, 1), (True, 0), (False, 1), (True, 1)]  # what lies ahead is not told
    assert lines[0].delay == timedelta(minutes=15)
    text = render(lines, NOW - timedelta(days=8), NOW)
    assert "3 incidents happened, 2 found, 1 missed; 1 findings belong to no known incident" in text
    assert "Median delay 22 min" in text
    assert text.count("MISSED") == 1


def test_an_incident_that_goes_on_is_not_missed_yet() -> None:
    text = render(compare([_row(-0.1, 2), _row(-5, 1)], [], NOW), NOW - timedelta(days=8), NOW)
    assert "2 incidents happened, 0 found, 1 missed, 1 go on and are not found yet; 0 findings" in text
    assert (text.count("MISSED"), text.count("not yet")) == (1, 1)


def test_an_early_finding_has_no_negative_delay_and_a_creeping_one_none() -> None:
    early, slow = compare([_row(-5, 1), _row(-4.5, 8, slow=True)], [_found(-5.5, 2)], NOW)
    assert early.delay == timedelta(0)
    assert slow.found
    assert slow.delay is None


def test_a_creeping_fault_is_found_by_its_own_metrics_only() -> None:
    leak = replace(_row(-5, 8, slow=True), metrics=("memory_percent",))
    other, sign = _found(-4, 1), replace(_found(-2, 1), metric="memory_percent")
    lines = compare([leak], [other, sign], NOW)
    assert [(line.truth is not None, line.found) for line in lines] == [(True, (sign,)), (False, (other,))]


def test_a_finding_long_before_or_after_is_extra() -> None:
    lines = compare([_row(-5, 1)], [_found(-7, 1), _found(-3.5, 1)], NOW)
    assert [line.truth is None for line in lines] == [True, False, True]
    assert not lines[1].found
