"""benchmarks/nab.py and benchmarks/peers.py: a score per row, none of it from rows to come."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks import nab, peers
from homepot_ai.health.config import HealthConfig

SPIKE = 350


def series() -> tuple[list[str], list[str]]:
    """Five minutes apart, with a doubled stamp, an empty value, an hour back and a spike."""
    rows, rng = 400, np.random.default_rng(2)
    at = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=5 * i) for i in range(rows)]
    at[101] = at[100]
    at[200:] = [t - timedelta(hours=1) for t in at[200:]]
    value = [f"{x:.3f}" for x in rng.normal(50, 1, rows)]
    value[150], value[SPIKE] = "", "90"
    return [t.strftime("%Y-%m-%d %H:%M:%S") for t in at], value


def write(path: Path, stamps: list[str], values: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", newline="") as f:
        csv.writer(f).writerows([("timestamp", "value"), *zip(stamps, values, strict=True)])


def test_minutes_only_go_forward_and_every_row_has_one() -> None:
    at = np.array([0.0, 30.0, 60.0, 60.0, 300.0, 120.0, 150.0, 420.0])
    told = [(minute, (rows.start, rows.stop)) for minute, rows in nab.minutes(at)]
    assert told == [(60, (0, 2)), (120, (2, 4)), (360, (4, 5)), (420, (5, 7)), (480, (7, 8))]


def test_each_row_is_answered_and_the_spike_stands_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stamps, values = series()
    write(tmp_path / "data" / "real" / "one.csv.gz", stamps, values)
    windows = tmp_path / "windows.json"
    windows.write_text(json.dumps({"real/one.csv": [[stamps[SPIKE - 5], stamps[SPIKE + 5]]]}))
    arguments = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--windows", str(windows)]
    monkeypatch.setattr("sys.argv", ["nab.py", *arguments])
    assert nab.main() == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["files"], report["rows"], report["windows"], report["windows_found"]) == (1, 400, 1, 1)
    with (tmp_path / "out" / "real" / "one.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert [(row["timestamp"], row["value"]) for row in rows] == list(zip(stamps, values, strict=True))
    score = np.array([float(row["anomaly_score"]) for row in rows])
    assert int(score.argmax()) == SPIKE
    assert score[SPIKE] > 0.5
    assert score.min() >= 0
    assert score.max() <= 1
    assert score[150] == 0
    assert score[100] == score[101]


def test_scores_do_not_depend_on_rows_to_come(tmp_path: Path) -> None:
    stamps, values = series()
    write(tmp_path / "a.csv.gz", stamps, values)
    write(tmp_path / "b.csv.gz", stamps[:180], values[:180])
    whole, cut = (nab.answer(nab.read(tmp_path / f"{n}.csv.gz"), HealthConfig()) for n in "ab")
    np.testing.assert_array_equal(whole.score[:180], cut.score)


NUMPY = [name for name, entry in peers.METHODS.items() if entry.library == "numpy"]


@pytest.mark.parametrize("name", NUMPY)
def test_a_peer_finds_what_is_plain_and_does_not_look_ahead(name: str) -> None:
    rng, entry = np.random.default_rng(3), peers.METHODS[name]
    train, test = rng.normal(10, 1, (800, 3)), rng.normal(10, 1, (400, 3))
    test[300:303] += 15.0
    whole = entry.score(train, test, 300)
    cut = entry.score(train, test[:250], 300)
    np.testing.assert_array_equal(whole[0], cut[0])
    np.testing.assert_array_equal(whole[1][:250], cut[1])
    for rule in (peers.FIXED, peers.DAY):
        told = peers.answers(whole, 300, rule, 0.999)
        assert told["alarm"][300:303].tolist() == [1, 1, 0]  # it rings, and is quiet for an hour
        assert told["alarm"][:300].mean() < 0.02
        assert ((told["health"] >= 0) & (told["health"] <= 1)).all()
        before = peers.answers(cut, 300, rule, 0.999)
        np.testing.assert_array_equal(told["alarm"][:250], before["alarm"])


def test_a_peers_threshold_is_the_quantile_of_train() -> None:
    of_train = np.concatenate([[np.nan], np.arange(1, 101, dtype=float)])
    told = peers.answers((of_train, np.array([50.0, 90.0, 91.0])), 300, peers.FIXED, 0.9)
    assert told["alarm"].tolist() == [0, 0, 1]
