"""benchmarks/anomaly.py: it streams without looking ahead, and its event figures count as stated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import anomaly
from homepot_ai.health.config import HealthConfig


@pytest.fixture(scope="module")
def fleet() -> dict[str, anomaly.Unit]:
    """Two machines of one rhythm and one of another, with an excursion in each test."""
    rng = np.random.default_rng(5)
    units = {}
    for name, period, rows, metrics in (("a", 60, 700, 4), ("b", 60, 690, 3), ("c", 300, 400, 2)):
        train = rng.normal(10, 1, (rows, metrics)).astype(np.float32)
        test = rng.normal(10, 1, (300, metrics)).astype(np.float32)
        test[200:215] += 12
        units[name] = anomaly.Unit(train, test, period)
    return units


@pytest.fixture(scope="module")
def predicted(fleet: dict[str, anomaly.Unit]) -> dict[str, anomaly.Prediction]:
    return anomaly.predict(fleet, HealthConfig())


def test_nothing_looks_ahead(
    fleet: dict[str, anomaly.Unit], predicted: dict[str, anomaly.Prediction]
) -> None:
    assert anomaly.look_ahead(fleet, predicted, HealthConfig()) == []


def test_looking_ahead_would_be_noticed(
    fleet: dict[str, anomaly.Unit], predicted: dict[str, anomaly.Prediction]
) -> None:
    cheat = {name: dict(p) for name, p in predicted.items()}
    cheat["b"]["health"] = np.roll(cheat["b"]["health"], -1)
    assert anomaly.look_ahead(fleet, cheat, HealthConfig()) == ["b"]


def test_excursions_are_found(predicted: dict[str, anomaly.Prediction]) -> None:
    for p in predicted.values():
        assert p["alarm"][200:215].any()
        assert p["health"][200:215].min() < 0.4
        assert p["status"][200:215].max() == 2
        assert np.isfinite(p["health"]).all()
        assert p["alarm"][:200].mean() < 0.05


def test_the_command_prints_one_object_and_writes_every_unit(
    tmp_path: Path, fleet: dict[str, anomaly.Unit], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data, out, labels = tmp_path / "fleet.npz", tmp_path / "pred.npz", tmp_path / "labels.npz"
    arrays: dict[str, np.ndarray] = {}
    for name, unit in fleet.items():
        arrays |= {f"{name}/train": unit.train, f"{name}/test": unit.test}
        arrays[f"{name}/period_s"] = np.array(unit.period_s)
    np.savez(data, **arrays)
    truth = np.zeros(300, np.int8)
    truth[200:215] = 1
    np.savez(labels, **{f"{name}/label": truth for name in fleet})
    arguments = ["anomaly.py", "--data", str(data), "--out", str(out), "--labels", str(labels), "--check"]
    monkeypatch.setattr("sys.argv", arguments)
    assert anomaly.main() == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["causal"] is True
    assert report["units"] == 3
    assert report["event_recall"] == 1.0
    with np.load(out) as z:
        assert sorted(z.files) == sorted(f"{u}/{f}" for u in fleet for f in ("health", "status", "alarm"))


def test_event_figures_count_as_stated(tmp_path: Path) -> None:
    rows = np.zeros((300, 1), np.float32)
    units = {"u": anomaly.Unit(rows[:0], rows, 60)}
    truth, alarm = np.zeros(300, np.int8), np.zeros(300, np.int8)
    truth[50:60] = truth[100:110] = 1
    alarm[52] = alarm[55] = 1  # one event found twice is found once
    alarm[150:280] = 1  # 130 minutes are three pieces, all false
    alarm[285] = 1  # within five minutes of the piece before: no fourth
    np.savez(tmp_path / "labels.npz", **{"u/label": truth})
    figures = anomaly.event_figures(units, {"u": {"alarm": alarm}}, tmp_path / "labels.npz")
    assert figures["event_recall"] == 0.5
    assert figures["event_precision"] == pytest.approx(1 / 4)
    assert figures["event_f1"] == pytest.approx(2 * 0.25 * 0.5 / 0.75)
    assert figures["false_alarms_per_device_day"] == pytest.approx(3 / (280 / 1440))
