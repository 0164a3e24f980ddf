"""The benchmarks map files to histories: which row is which step, what a decision may see."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import failures, rul


def write(path: Path, text: str) -> None:
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as f:
        f.write(text)


@pytest.fixture
def machines(tmp_path: Path) -> Path:
    write(tmp_path / "PdM_machines.csv.gz", "machineID,model,age\n7,model3,18\n9,model4,7\n")
    write(
        tmp_path / "PdM_errors.csv.gz",
        "datetime,machineID,errorID\n2015-01-03 06:00:00,7,error1\n2015-01-03 07:00:00,9,error2\n",
    )
    write(tmp_path / "PdM_maint.csv.gz", "datetime,machineID,comp\n2014-12-30 06:00:00,7,comp2\n")
    write(tmp_path / "PdM_failures.csv.gz", "datetime,machineID,failure\n2015-01-05 06:00:00,7,comp2\n")
    write(
        tmp_path / "PdM_telemetry_m7.csv.gz",
        "datetime,machineID,volt,rotate,pressure,vibration\n"
        "2015-01-02 06:00:00,7,100,1,1,1\n2015-01-02 07:00:00,7,200,1,1,1\n2015-01-03 06:00:00,7,300,1,1,1\n",
    )
    write(tmp_path / "grid.csv.gz", "device,day\n7,2.25\n7,3.25\n9,2.25\n")
    write(tmp_path / "obs.csv", "device,start,end\n7,0.25,6.25\n9,0.25,6.25\n")
    return tmp_path


def test_machines_days_end_when_decisions_are_made(machines: Path) -> None:
    task = failures.pdm(machines)
    known = task.histories
    assert task.step.tolist() == [2, 3, 2]
    assert task.day.tolist() == [2.25, 3.25, 2.25]
    assert known.kinds.tolist() == ["model3", "model4"]
    # The day that ends at 06:00 on the 3rd (moment 2) is row 1: 07:00 of the 2nd to 06:00 of the 3rd.
    assert known.measures[0, :3, 0].tolist() == [100, 250, pytest.approx(np.nan, nan_ok=True)]
    told = dict(zip((known.event_names[k] for k in known.event_kind), known.event_step, strict=True))
    assert told == {"error:error1": 2.0, "error:error2": pytest.approx(2 + 1 / 24), "maintenance:comp2": -2.0}
    assert known.failure_step.tolist() == [4.0]
    assert known.last_step.tolist() == [6.0, 6.0]
    (machines / "PdM_telemetry_m7.csv.gz").unlink()
    assert np.isnan(failures.pdm(machines).histories.measures).all()


def test_a_disks_last_day_is_its_failure_and_is_not_predicted(tmp_path: Path) -> None:
    rows = {
        "serial_number": ["b", "b", "a", "a", "a"], "model": ["m2", "m2", "m1", "m1", "m1"],
        "failure": [0, 1, 0, 0, 0], "smart_5_raw": [1, 9, 2, 3, 4], "smart_9_raw": [240, 264, 48, 72, 96],
        "day": [10, 11, 10, 11, 12],
    }  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "smart.parquet")
    task = failures.backblaze(tmp_path)
    known = task.histories
    assert known.devices[task.device].tolist() == ["b", "a", "a", "a"]
    assert task.day.tolist() == [10, 10, 11, 12]
    assert task.step.tolist() == [1, 1, 2, 3]
    assert known.measure_names == ("smart_5_raw",)
    assert np.isnan(known.measures[1, 1, 0]), "what is read on the failure's day is not known before"
    assert (known.failure_device.tolist(), known.failure_step.tolist()) == ([1], [2.0])
    assert known.age.tolist() == [2.0, 10.0]


def test_engines_in_several_conditions_are_compared_within_them() -> None:
    rng = np.random.default_rng(1)
    rows = np.zeros((60, 26))
    rows[:, 0], rows[:, 1] = np.repeat([1, 2], 30), np.tile(np.arange(1, 31), 2)
    high = rng.random(60) < 0.5
    rows[:, 2] = np.where(high, 35.0, 0.0) + rng.normal(0, 0.003, 60)
    rows[:, 5] = np.where(high, 500.0, 100.0) + rng.normal(0, 1, 60)
    conditions = rul.Conditions(rows)
    assert len(conditions.known) == 2
    known = rul.histories(rows, conditions, failed=True)
    assert abs(float(np.corrcoef(known.measures[:, :, 0].ravel(), high)[0, 1])) < 0.3
    assert float(np.nanstd(known.measures[:, :, 0])) == pytest.approx(1, abs=0.05)
    assert (known.measures[:, :, 1] == 0).all(), "a constant sensor says nothing"
    assert known.last_step.tolist() == known.failure_step.tolist() == [30.0, 30.0]
