"""Failure within a window, on machines and disks, through the estimator that the flows run.

    python benchmarks/failures.py --kind pdm|backblaze --fit DIR --predict DIR --lo D --hi D --out pred.csv

Fits on the devices of one directory and predicts those of another; where both are the same, in five folds by
device (sha256(id) % 5). Writes device,day,prob,alarm: pdm for the rows of `grid.csv.gz`, backblaze for every
row of the parquet file but the failure day's. Files are mapped to `Histories` here; nothing else is done
here. pdm: a step is a day that ends at the decision's time of day; telemetry, where there is any, is its mean
over the day; a past failure, like an error, is an event. backblaze: a step is a day, SMART 9 is the age. The
last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.prediction.hazard import FailureModel
from homepot_ai.prediction.learning import chosen
from homepot_ai.prediction.records import Histories
from homepot_ai.prediction.training import fit

FOLDS = 5
START = "2015-01-01"


@dataclass(frozen=True)
class Task:
    """Histories of all devices of a directory and the rows to predict.

    Attributes:
        device, step: [r], positions in the histories; day: [r], as the file gives it.
    """

    histories: Histories
    device: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    day: npt.NDArray[Any]


def pdm(folder: Path) -> Task:
    """Machines with errors, maintenance, failures and, for some, telemetry."""
    import pandas as pd

    def days(times: Any) -> npt.NDArray[np.float64]:
        return ((pd.to_datetime(times) - pd.Timestamp(START)).dt.total_seconds() / 86_400).to_numpy()

    machines = pd.read_csv(folder / "PdM_machines.csv.gz")
    grid = pd.read_csv(folder / "grid.csv.gz")
    # The whole record is one grid of days that end when decisions are made.
    phase = float(grid.day.iloc[0] % 1) if len(grid) else 0.0
    ids = machines.machineID.to_numpy()
    at = {machine: position for position, machine in enumerate(ids)}
    sources = [("PdM_errors.csv.gz", "errorID", "error:"), ("PdM_maint.csv.gz", "comp", "maintenance:")]
    device, step, names = [], [], []
    for file, column, group in sources:
        events = pd.read_csv(folder / file)
        device.append(events.machineID.map(at).to_numpy())
        step.append(days(events.datetime) - phase)
        names.append((group + events[column].astype(str)).to_numpy())
    event_names, kind = np.unique(np.concatenate(names).astype(str), return_inverse=True)
    failures = pd.read_csv(folder / "PdM_failures.csv.gz")
    causes, cause = np.unique(failures.failure.to_numpy().astype(str), return_inverse=True)
    observed = pd.read_csv(folder / "obs.csv").set_index("device").loc[ids]
    steps = int(np.ceil(max(observed.end.max(), grid.day.max() if len(grid) else 0)))
    measures = ["volt", "rotate", "pressure", "vibration"]
    values = np.full((len(ids), steps, len(measures)), np.nan, np.float32)
    for file in sorted(folder.glob("PdM_telemetry_*.csv.gz")):
        rows = pd.read_csv(file)
        rows["step"] = np.ceil(days(rows.datetime) - phase - 1e-9).astype(int) - 1
        means = rows[rows.step.between(0, steps - 1)].groupby(["machineID", "step"])[measures].mean()
        index = means.index.to_frame(index=False)
        known = index.machineID.isin(at.keys()).to_numpy()
        values[index.machineID[known].map(at), index.step[known]] = means.to_numpy()[known]
    histories = Histories(
        devices=ids,
        kinds=machines.model.to_numpy(),
        first_step=observed.start.to_numpy() - phase,
        last_step=observed.end.to_numpy() - phase,
        age=machines.age.to_numpy() * 365.0,
        measures=values,
        measure_names=tuple(measures),
        event_device=np.concatenate(device).astype(np.int64),
        event_step=np.concatenate(step).astype(np.float64),
        event_kind=kind.astype(np.int64),
        event_names=tuple(event_names),
        failure_device=failures.machineID.map(at).to_numpy().astype(np.int64),
        failure_step=days(failures.datetime) - phase,
        failure_cause=cause.astype(np.int64),
        causes=tuple(causes),
    )
    return Task(
        histories,
        grid.device.map(at).to_numpy(),
        np.round(grid.day - phase).to_numpy(int),
        grid.day.to_numpy(),
    )


def backblaze(folder: Path) -> Task:
    """Disks with a row a day: SMART raw values; the row of the failure day is not predicted."""
    import pandas as pd

    rows = pd.concat([pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))])
    ids, device = np.unique(rows.serial_number.to_numpy().astype(str), return_inverse=True)
    begin = int(rows.day.min())
    step = rows.day.to_numpy().astype(np.int64) - begin
    measures = [name for name in rows.columns if name.startswith("smart_") and name != "smart_9_raw"]
    values = np.full((len(ids), int(step.max()) + 1, len(measures)), np.nan, np.float32)
    failed = rows.failure.to_numpy() == 1
    values[device[~failed], step[~failed]] = rows.loc[~failed, measures].to_numpy(np.float32)
    # A row is known when its day ends: that moment is one step later than the row.
    first, last = np.full(len(ids), np.inf), np.full(len(ids), -np.inf)
    np.minimum.at(first, device, step)
    np.maximum.at(last, device, step + 1)
    kinds = np.empty(len(ids), object)
    kinds[device] = rows.model.to_numpy()
    age = np.full(len(ids), np.nan)
    hours = rows.smart_9_raw.to_numpy(np.float64) if "smart_9_raw" in rows else np.full(len(rows), np.nan)
    # The first row's: what is known later must not count.
    order = np.lexsort((-step, device))
    age[device[order]] = (hours / 24 - step)[order]
    none = np.zeros(0, np.int64)
    histories = Histories(
        devices=ids,
        kinds=kinds.astype(str),
        first_step=first,
        last_step=last,
        age=age,
        measures=values,
        measure_names=tuple(measures),
        event_device=none,
        event_step=np.zeros(0),
        event_kind=none,
        event_names=(),
        failure_device=device[failed].astype(np.int64),
        failure_step=step[failed] + 1.0,
        failure_cause=np.zeros(int(failed.sum()), np.int64),
        causes=("failure",),
    )
    wanted = ~failed
    return Task(histories, device[wanted].astype(np.int64), step[wanted] + 1, rows.day.to_numpy()[wanted])


READ = {"pdm": pdm, "backblaze": backblaze}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", required=True, choices=sorted(READ))
    parser.add_argument("--fit", required=True, type=Path)
    parser.add_argument("--predict", required=True, type=Path)
    parser.add_argument("--lo", required=True, type=float)
    parser.add_argument("--hi", required=True, type=float)
    parser.add_argument("--out", required=True, type=Path)
    given = parser.parse_args(arguments)
    begun = time.perf_counter()
    windows = {"asked": (given.lo, given.hi)}
    learned = READ[given.kind](given.fit)
    models: list[FailureModel] = []
    if given.fit.resolve() == given.predict.resolve():
        task = learned
        names = [str(name) for name in task.histories.devices]
        fold = np.array([int(hashlib.sha256(name.encode()).hexdigest(), 16) % FOLDS for name in names])
    else:
        task = READ[given.kind](given.predict)
        fold = np.zeros(len(task.histories.devices), np.int64)
    probability, alarm = np.zeros(len(task.device)), np.zeros(len(task.device), bool)
    for number in np.unique(fold):
        source = learned.histories if task is not learned else chosen(learned.histories, fold != number)
        model = fit(source, windows, life_limit=None)
        rows = fold[task.device] == number
        said = model.predict(task.histories, task.device[rows], task.step[rows])
        probability[rows] = said.probability[:, 0]
        alarm[rows] = said.probability[:, 0] >= model.threshold[0]
        models.append(model)
    with given.out.open("w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["device", "day", "prob", "alarm"])
        ids = task.histories.devices
        for device, day, p, a in zip(task.device, task.day, probability, alarm, strict=True):
            writer.writerow([ids[device], day, f"{p:.8g}", int(a)])
    told = {
        "kind": given.kind,
        "rows": len(probability),
        "window": [given.lo, given.hi],
        "models": [model.kind for model in models],
        "failures": [model.failures for model in models],
        "seconds": round(time.perf_counter() - begun, 1),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
