"""What the reader makes of HOMEPOT's telemetry rows, trap by trap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest

from homepot_ai.fleet import metrics, parsing, records, samples, writers

EMULATOR = '{"uptime_seconds": 5, "services": {"pos": "ok"}, "device_info": {"model": "X"}}'
SEED = '{"temperature_celsius": 41.4}'


def row(
    id_: int = 1,
    t: float = 1000.0,
    device: int = 7,
    *,
    cpu: float | None = None,
    errors: float | None = None,
    count: float | None = None,
    extra: str | None = None,
    provenance: str | None = None,
) -> tuple[Any, ...]:
    return (id_, t, device, cpu, None, None, None, None, None, None, errors, count, extra, provenance, None)


def values(found: records.Samples) -> dict[str, list[float]]:
    shown: dict[str, list[float]] = {}
    for metric, value in zip(found.metric.tolist(), found.value.tolist(), strict=True):
        shown.setdefault(found.names[metric], []).append(value)
    return shown


def test_empty_window() -> None:
    found = parsing.build([])
    assert len(found.rows) == 0
    assert found.rejected == {}


def test_error_rate_is_a_ratio_for_the_emulator_and_a_percentage_for_the_seed() -> None:
    found = parsing.build(
        [row(1, device=1, errors=0.012, extra=EMULATOR), row(2, device=2, errors=1.2, extra=SEED)]
    )
    assert values(found)["error_ratio"] == pytest.approx([0.012, 0.012])
    assert found.assumed == ()


def test_error_rate_of_a_stranger_is_guessed_device_by_device_and_said() -> None:
    found = parsing.build([row(1, device=1, errors=0.5), row(2, device=2, errors=3.0)])
    assert values(found)["error_ratio"] == pytest.approx([0.5, 0.03])
    assert found.assumed == (
        "error_rate of 1 device(s) whose writer is not known was read as a ratio",
        "error_rate of 1 device(s) whose writer is not known was read as a percentage",
    )


def test_a_guess_looks_back_and_never_ahead() -> None:
    rows = [row(i, 1000.0 + 60 * i, errors=e) for i, e in enumerate([0.5, 2.0, 0.5])]
    together = values(parsing.build(rows))["error_ratio"]
    assert together == pytest.approx([0.5, 0.02, 0.005])
    counters = None
    alone = []
    for one in rows:  # minute by minute, with what was learned carried along
        found = parsing.build([one], counters)
        alone += values(found)["error_ratio"]
        none = np.array([np.nan])
        counters = records.Counters(np.array([7]), none, none, np.zeros(1, np.int8), found.rows.percent)
    assert alone == pytest.approx(together)


def test_transactions_run_up_over_the_day_and_are_reset_at_midnight() -> None:
    rows = [row(i, 1000.0 + 60 * i, count=c, extra=EMULATOR) for i, c in enumerate([100, 110, 4, 6])]
    assert values(parsing.build(rows))["transactions_per_minute"] == pytest.approx([10, 4, 2])


def test_transactions_counted_per_sample_are_taken_as_they_are() -> None:
    rows = [row(i, 3600.0 * i, count=c, extra=SEED) for i, c in enumerate([96, 117, 60])]
    assert values(parsing.build(rows))["transactions_per_minute"] == pytest.approx([117 / 60, 1.0])


def test_transactions_of_two_devices_are_never_mixed() -> None:
    rows = [row(1, 1000, 1, count=100, extra=EMULATOR), row(2, 1060, 2, count=300, extra=EMULATOR)]
    assert "transactions_per_minute" not in values(parsing.build(rows))


def test_the_same_device_and_time_twice_is_one_sample_and_the_later_row_wins() -> None:
    found = parsing.build([row(1, cpu=10.0), row(2, cpu=20.0), row(3, 1030.0, cpu=30.0)])
    assert values(found)["cpu_percent"] == [20.0, 30.0]
    assert found.rejected == {"duplicate": 1}


def test_garbage_costs_only_itself() -> None:
    found = parsing.build(
        [
            row(1, device=1, cpu=math.nan, extra='{"queue": 3, "load": "high", "flag": true}'),
            row(2, device=2, cpu=math.inf, extra='{"queue": 4, "load": 0.5, "flag": false}'),
            row(3, device=3, cpu=1e30, extra='{"queue": 1e30, "load": 0.25, "flag": null}'),
            row(4, device=4, cpu=-5.0, extra="[1, 2]"),
            row(5, device=5, cpu=55.0, extra='{"queue": 1e999}'),
        ]
    )
    assert values(found) == {"cpu_percent": [55.0], "queue": [3.0, 4.0], "load": [0.5, 0.25]}
    assert found.rejected == {"broken_json": 2, "not_a_number": 3, "out_of_range": 3}
    assert len(found.rows) == 5  # every device is still there


def test_any_text_may_be_a_metric_s_name_and_is_made_harmless() -> None:
    keys = ["queue\x00wait", "a\r\nBcc: x", "x" * 500, "Größe", "\u202eevil", ""]
    found = parsing.build([row(1, extra=orjson.dumps(dict.fromkeys(keys, 1.0)).decode())])
    assert set(found.names) >= {"queuewait", "a Bcc: x", "x" * 79 + "…", "Größe", "evil", "(no name)"}


def test_a_column_that_is_filled_wins_over_the_same_name_in_extra_metrics() -> None:
    twice = '{"cpu_percent": 0.4, "error_ratio": 0.9, "failed_checks_in_row": 7}'
    found = parsing.build(
        [row(1, device=1, cpu=40.0, errors=0.01, extra=twice), row(2, device=2, extra=twice)]
    )
    assert values(found) == {"cpu_percent": [40.0, 0.4], "error_ratio": [0.9, 0.01]}


def test_what_an_earlier_run_took_is_neither_used_nor_counted_again() -> None:
    seen = records.Seen(np.array([1, 2, 3]), np.array([1000.0, 940.0, math.nan]), last_id=10, until=1000.0)
    rows = [
        row(9, 1000.0, 1, cpu=math.nan),  # read before
        row(11, 1000.0, 1, cpu=5.0),  # sent again since
        row(8, 1000.0, 2, cpu=6.0),  # of a slow transaction
        row(7, 1000.0, 3, cpu=7.0),  # of a device not heard before
        row(6, 1000.0, 99, cpu=math.nan),  # of nobody, read before
        row(5, 1060.0, 99, cpu=8.0),  # of nobody, of a minute not yet read
    ]
    found = parsing.build(rows, seen=seen)
    assert found.rows.id.tolist() == [11, 8, 7, 5]
    assert found.rejected == {}
    assert seen.behind(970.0).tolist() == [2, 3]
    assert len(parsing.build(rows[:1], seen=seen).rows) == 0


def test_json_null_and_sql_null_are_both_nothing() -> None:
    found = parsing.build([row(1, device=1, cpu=5.0, extra="null"), row(2, device=2, cpu=6.0, extra=None)])
    assert values(found) == {"cpu_percent": [5.0, 6.0]}
    assert found.rejected == {}


def test_provenance_belongs_to_the_row() -> None:
    found = parsing.build(
        [row(1, provenance="simulated"), row(2, 1060.0), row(3, 1120.0, provenance="controlled")]
    )
    assert [records.PROVENANCES[code] for code in found.rows.provenance] == [
        "simulated",
        "real",
        "controlled",
    ]


def test_a_naive_time_is_refused() -> None:
    from datetime import datetime

    with pytest.raises(ValueError, match="no time zone"):
        samples.naive(datetime(2026, 11, 20))  # noqa: DTZ001 - that is the point


def test_a_large_minute_equals_the_slow_way() -> None:
    rng = np.random.default_rng(1)
    rows = []
    expected: dict[str, list[float]] = {}
    for device in range(200):
        number = float(np.round(rng.random(), 6))
        rows.append(
            row(device, 1000.0, device, cpu=number * 100, extra=f'{{"a": {number}, "b": {number * 2}}}')
        )
        for name, value in (("cpu_percent", number * 100), ("a", number), ("b", number * 2)):
            expected.setdefault(name, []).append(value)
    found = values(parsing.build(rows))
    assert {name: pytest.approx(listed) for name, listed in expected.items()} == found


def test_writers_are_known_by_the_keys_they_leave() -> None:
    assert writers.WRITERS[writers.identify([])].name == "unknown"
    assert writers.WRITERS[writers.identify(["temperature_celsius"])].name == "seed"
    assert writers.WRITERS[writers.identify(["temperature_celsius", "load"])].name == "unknown"


def test_units_and_labels() -> None:
    assert metrics.unit("cpu_percent") == "%"
    assert metrics.unit("wait_ms") == "ms"
    assert metrics.unit("whatever") == ""
    assert metrics.label("disk_percent") == "Disk"
    low, high = metrics.valid_ranges(["cpu_percent", "whatever"])
    assert (low.tolist(), high.tolist()) == ([0.0, -metrics.ABSURD], [100.5, metrics.ABSURD])


def test_blocks_of_whole_devices_say_what_the_whole_says() -> None:
    """A large fleet is read in blocks: names come in another order, everything else is the same."""
    rows = []
    for device in range(1, 12):
        for i in range(4):
            extra = orjson.dumps({f"m{(device + i) % 5}": device + i / 10, "own": 1.0 * i}).decode()
            errors = 3.0 if device == 4 else 0.5
            rows.append(row(100 * device + i, 1000.0 + 60 * i, device, cpu=40.0 + i, errors=errors,
                            count=10.0 * i, extra=extra))  # fmt: skip
    rows[6] = row(9001, 1120.0, 2, cpu=float("nan"), extra='{"m1": "text"}')
    rows[9] = rows[8]  # sent twice
    rows[20] = row(9002, 1000.0, 6, cpu=1e30, errors=0.5)

    class Cursor:
        """What a server-side cursor does: rows in pieces that end anywhere."""

        def __init__(self) -> None:
            self.left = list(rows)

        def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
            piece, self.left = self.left[:7], self.left[7:]
            return piece

    blocks = list(samples._whole_devices(Cursor()))  # type: ignore[arg-type]
    assert len(blocks) > 3
    assert [r for block in blocks for r in block] == rows
    devices = [{r[2] for r in block} for block in blocks]
    assert sum(map(len, devices)) == 11, "no device is in two blocks"
    whole, joined = parsing.build(rows), parsing.build_blocks(blocks)

    def told(found: records.Samples) -> list[tuple[float, float, str, float]]:
        rows_ = zip(found.row.tolist(), found.metric.tolist(), found.value.tolist(), strict=True)
        at = found.rows
        return sorted((at.device_id[r], at.t[r], found.names[m], v) for r, m, v in rows_)

    assert told(joined) == told(whole)
    assert (joined.rejected, joined.assumed) == (whole.rejected, whole.assumed)
    assert joined.rejected["duplicate"] == 1
    for name in ("id", "device_id", "t", "writer", "percent"):
        assert getattr(joined.rows, name).tolist() == getattr(whole.rows, name).tolist()
