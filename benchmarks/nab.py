"""Anomaly scores of single series, through the engine that the flows run, for the Numenta Anomaly Benchmark.

    python benchmarks/nab.py --data DIR --out DIR [--windows combined_windows.json]

DIR holds category/file.csv or .csv.gz with the columns timestamp and value, at any period.  Each
file is one device with one metric and an engine of its own, fed in the order of its rows; rows of one
minute are one sample, as everywhere, and a row whose clock went back comes a minute after the
row before.  The anomaly score is the engine's `alarm_level` x as x / (1 + x), so that 0.5 is where an
episode opens.  The benchmark takes every row for a detection of its own, while people are told of a
thing once: a row that is not above the highest level of the day before it (which fades by a factor e a
day) is no news and scored 0, as is a value that is no number.  `--windows` adds how many labelled windows an
episode opened in, and how many episodes opened outside.  The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import HealthConfig
from homepot_ai.health.engine import DeviceFrame, Engine, Observations

METRIC = "value"
MINUTE_S = 60
NEWS_S = 86_400.0


@dataclass(frozen=True)
class Series:
    """One file: its rows as they stand there, and what they say (epoch seconds UTC; NaN: no number)."""

    stamps: Sequence[str]
    texts: Sequence[str]
    at: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """Per row the anomaly score, and whether an episode opened with it."""

    score: npt.NDArray[np.float64]
    opened: npt.NDArray[np.bool_]


def read(path: Path) -> Series:
    """A file's rows."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as f:
        rows = list(csv.DictReader(f))
    return Series(
        stamps=[row["timestamp"] for row in rows],
        texts=[row["value"] for row in rows],
        at=np.array([_epoch(row["timestamp"]) for row in rows]),
        value=np.array([_number(row["value"]) for row in rows]),
    )


def answer(series: Series, config: HealthConfig) -> Answer:
    """What the engine says of each row when they come one after the other."""
    engine = Engine(config)
    code = engine.metric_code([METRIC])
    score, opened = np.zeros(len(series.at)), np.zeros(len(series.at), bool)
    told, told_at = 0.0, -math.inf
    for minute, rows in minutes(series.at):
        values = series.value[rows]
        values = values[np.isfinite(values)]
        mean = values.mean(keepdims=True) if len(values) else values
        obs = Observations(minute, np.ones(len(mean), np.int64), code[: len(mean)], mean)
        result = engine.step(obs, _frame(), emit=False)
        level = max(float(result.alarm_level[0]), 0.0)
        told, told_at = told * math.exp((told_at - minute) / NEWS_S), minute
        score[rows] = level / (1 + level) if level > told else 0.0
        told = max(told, level)
        opened[rows.start] = bool(result.opened)
    return Answer(score, opened)


def minutes(at: npt.NDArray[np.float64]) -> Iterator[tuple[float, slice]]:
    """The end of each minute with rows, always later than the one before, and its rows."""
    watermark, first = -math.inf, 0
    for end, group in groupby((np.floor(at / MINUTE_S) + 1) * MINUTE_S):
        last = first + len(list(group))
        watermark = max(float(end), watermark + MINUTE_S)
        yield watermark, slice(first, last)
        first = last


def _frame() -> DeviceFrame:
    unknown = np.full(1, np.nan)
    return DeviceFrame(
        device_id=np.ones(1, np.int64),
        device_type=np.array(["recorded"], dtype=object),
        interval_s=unknown.astype(np.float32),
        last_sample=unknown,
        last_heartbeat=unknown,
        created=unknown,
        excluded=np.zeros(1, bool),
        maintenance=np.zeros(1, bool),
        sample_count=np.ones(1, np.int32),
    )


def _epoch(text: str) -> float:
    stamp = datetime.fromisoformat(text)
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def write(path: Path, series: Series, told: Answer) -> None:
    """The file's rows with their anomaly scores."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["timestamp", "value", "anomaly_score"])
        for stamp, text, score in zip(series.stamps, series.texts, told.score.tolist(), strict=True):
            out.writerow([stamp, text, f"{score:.6f}"])


def in_windows(series: Series, told: Answer, windows: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """Windows in which an episode opened, and episodes that opened outside of them (bounds included)."""
    bounds = [(_epoch(a), _epoch(b)) for a, b in windows]
    inside = np.array([(series.at >= a) & (series.at <= b) for a, b in bounds], bool)
    inside = inside.reshape(len(bounds), len(series.at))
    found = int((inside & told.opened).any(axis=1).sum())
    return found, int((told.opened & ~inside.any(axis=0)).sum())


def main() -> int:
    """Read, run, write and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of category/file.csv[.gz]")
    parser.add_argument("--out", type=Path, required=True, help="folder the scores go to")
    parser.add_argument("--windows", type=Path, help="labelled windows (.json): count episodes too")
    args = parser.parse_args()
    files = sorted(p for p in args.data.glob("*/*") if p.name.endswith((".csv", ".csv.gz")))
    if not files:
        print(f"No category/file.csv[.gz] in {args.data}.", file=sys.stderr)
        return 1
    labels = json.loads(args.windows.read_text()) if args.windows else {}
    report: dict[str, object] = {"benchmark": "nab", "files": len(files)}
    rows = found = false = windows = 0
    days = 0.0
    began = time.process_time()
    for path in files:
        name = f"{path.parent.name}/{path.name.removesuffix('.gz')}"
        series = read(path)
        told = answer(series, HealthConfig())
        write(args.out / name, series, told)
        rows += len(series.at)
        hits, misses = in_windows(series, told, labels.get(name, []))
        found, false, windows = found + hits, false + misses, windows + len(labels.get(name, []))
        days += float(np.ptp(series.at)) / 86400 if len(series.at) else 0.0
    report |= {"rows": rows, "seconds": round(time.process_time() - began, 2)}
    if args.windows:
        report |= {"windows": windows, "windows_found": found, "episodes_outside": false}
        report["episodes_outside_per_series_week"] = round(7 * false / max(days, 1e-9), 3)
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
