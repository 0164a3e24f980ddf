"""Remaining life of turbofan engines (C-MAPSS), through the estimator that the flows run.

    python benchmarks/rul.py --train FILE --test FILE --out pred.csv

Files as NASA published them, plain or .gz: unit, cycle, 3 operational settings, 21 sensors. One row per test
engine, unit,rul,rul_lo,rul_hi, in cycles, from the engine's own rows; the interval is meant to hold in 80 %.
Beyond 125 cycles, the usual limit in the literature (Heimes, PHM 2008), nothing is said: 125 means that or
more. Files are mapped to `Histories` here: where engines fly in several conditions (settings), a sensor is
given as its distance from the mean of its condition in the training file. The last line printed is one JSON
object.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homepot_ai.prediction.records import Histories
from homepot_ai.prediction.training import fit

LIMIT = 125.0
SETTINGS = slice(2, 5)
SENSORS = slice(5, 26)
Floats = npt.NDArray[np.float64]


class Conditions:
    """Flight conditions of a training file: rounded settings, with each sensor's mean and spread."""

    def __init__(self, rows: Floats) -> None:
        self.known, at = np.unique(self._rounded(rows), axis=0, return_inverse=True)
        sensors, at = rows[:, SENSORS], at.ravel()
        self.mean = np.stack([sensors[at == i].mean(axis=0) for i in range(len(self.known))])
        spread = np.stack([sensors[at == i].std(axis=0) for i in range(len(self.known))])
        self.spread = np.where(spread > 1e-6 * np.abs(self.mean), spread, np.inf)

    @staticmethod
    def _rounded(rows: Floats) -> Floats:
        return np.round(rows[:, SETTINGS] * [1.0, 10.0, 1.0]) / [1.0, 10.0, 1.0]

    def apart(self, rows: Floats) -> Floats:
        """Sensors in spreads of their condition (the nearest known one)."""
        scale = np.maximum(np.ptp(self.known, axis=0), 1.0)
        apart = (((self._rounded(rows)[:, None] - self.known[None]) / scale) ** 2).sum(axis=2)
        at = apart.argmin(axis=1)
        found: Floats = (rows[:, SENSORS] - self.mean[at]) / self.spread[at]
        return found


def histories(rows: Floats, conditions: Conditions, *, failed: bool) -> Histories:
    """Engines as devices, cycles as steps (the first is step 0 and over at moment 1)."""
    units, device = np.unique(rows[:, 0], return_inverse=True)
    step = rows[:, 1].astype(np.int64) - 1
    sensors = conditions.apart(rows)
    measures = np.full((len(units), int(step.max()) + 1, sensors.shape[1]), np.nan, np.float32)
    measures[device, step] = sensors
    last = np.zeros(len(units))
    np.maximum.at(last, device, step + 1)
    none = np.zeros(0, np.int64)
    return Histories(
        devices=units.astype(np.int64),
        kinds=np.full(len(units), "engine"),
        first_step=np.zeros(len(units)),
        last_step=last,
        age=np.zeros(len(units)),
        measures=measures,
        measure_names=tuple(f"sensor {number}" for number in range(1, sensors.shape[1] + 1)),
        event_device=none,
        event_step=np.zeros(0),
        event_kind=none,
        event_names=(),
        failure_device=np.arange(len(units)) if failed else none,
        failure_step=last if failed else np.zeros(0),
        failure_cause=np.zeros(len(units) if failed else 0, np.int64),
        causes=("failure",),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("train", "test", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    given = parser.parse_args(arguments)
    begun = time.perf_counter()
    train, test = np.loadtxt(given.train, ndmin=2), np.loadtxt(given.test, ndmin=2)
    conditions = Conditions(train)
    model = fit(histories(train, conditions, failed=True), {}, life_limit=LIMIT)
    flying = histories(test, conditions, failed=False)
    said = model.predict(flying, np.arange(len(flying.devices)), flying.last_step.astype(np.int64))
    with given.out.open("w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["unit", "rul", "rul_lo", "rul_hi"])
        for unit, (low, mid, high) in zip(flying.devices, said.life, strict=True):
            writer.writerow([unit, f"{mid:.4f}", f"{low:.4f}", f"{high:.4f}"])
    told = {
        "engines": len(flying.devices),
        "learned_from": model.devices,
        "conditions": len(conditions.known),
        "mean_width": round(float(np.mean(said.life[:, 2] - said.life[:, 0])), 2),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
