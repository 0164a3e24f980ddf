"""Anomaly detection on a recorded fleet, through the engine that the flows run.

    python benchmarks/anomaly.py --data FLEET.npz --out pred.npz [--check] [--labels LABELS.npz]
                                 [--false-alarms-per-week RATE]

FLEET.npz holds `u/train`, `u/test` (rows in time, one column per metric) and `u/period_s` for each
unit u; pred.npz gets `u/health`, `u/status` (0 healthy, 1 warning, 2 critical) and `u/alarm`.
Units of one period are devices of one engine; training rows are streamed like all others, without
labels and without their results being kept.  `--check` runs everything again on tests cut at 60 %
and compares; `--labels` adds event figures; `--false-alarms-per-week` is the operator's one setting,
the same for all units.  The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homepot_ai.health.config import AlarmConfig, HealthConfig
from homepot_ai.health.engine import STATUSES, DeviceFrame, Engine, MinuteResult, Observations

# A Monday, 00:00 UTC: the first training row's minute ends at or after it.
START = 1_704_067_200.0
CUT = 0.6
WHEN_NOT_SCORED = (1.0, 0, 0)
Prediction = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Unit:
    """One recorded device: rows in time by metrics, and its sampling period in seconds."""

    train: npt.NDArray[np.float32]
    test: npt.NDArray[np.float32]
    period_s: int


def load_fleet(path: Path) -> dict[str, Unit]:
    """The units of a fleet file by name."""
    with np.load(path) as z:
        names = sorted({key.rsplit("/", 1)[0] for key in z.files})
        return {u: Unit(z[f"{u}/train"], z[f"{u}/test"], int(z[f"{u}/period_s"])) for u in names}


def predict(units: Mapping[str, Unit], config: HealthConfig) -> dict[str, Prediction]:
    """What the engine says of each test row, unit by unit; units of one period run together."""
    out: dict[str, Prediction] = {}
    for period in sorted({unit.period_s for unit in units.values()}):
        group = {name: unit for name, unit in units.items() if unit.period_s == period}
        out.update(stream(group, period, config))
    return out


def stream(
    units: Mapping[str, Unit],
    period_s: int,
    config: HealthConfig,
    watch: Callable[[MinuteResult], None] | None = None,
) -> dict[str, Prediction]:
    """The predictions of units of one period; `watch` is shown every minute's result, train included."""
    engine = Engine(config)
    names = list(units)
    metrics = [unit.test.shape[1] for unit in units.values()]
    codes = engine.metric_code([f"metric_{i:03d}" for i in range(max(metrics))])
    rows = [np.concatenate([unit.train, unit.test]).astype(np.float64) for unit in units.values()]
    # Tests begin together, so that all train up to the same hour of the recording's clock.
    longest = max(len(unit.train) for unit in units.values())
    begin = [longest - len(unit.train) for unit in units.values()]
    end = [b + len(r) for b, r in zip(begin, rows, strict=True)]
    health = [np.full(len(unit.test), WHEN_NOT_SCORED[0], np.float32) for unit in units.values()]
    status = [np.full(len(unit.test), WHEN_NOT_SCORED[1], np.int8) for unit in units.values()]
    alarm = [np.full(len(unit.test), WHEN_NOT_SCORED[2], np.int8) for unit in units.values()]
    ids = np.arange(len(names), dtype=np.int64)
    types = np.array(["recorded"] * len(names), dtype=object)
    nan, no = np.full(len(names), np.nan), np.zeros(len(names), bool)
    for t in range(max(end)):
        at = START + 60.0 * np.ceil((t + 1) * period_s / 60.0)
        here = [i for i in range(len(names)) if begin[i] <= t < end[i]]
        value = np.concatenate([rows[i][t - begin[i]] for i in here])
        there = np.isfinite(value)
        obs = Observations(
            at=at,
            device_id=np.repeat(ids[here], [metrics[i] for i in here])[there],
            metric=np.concatenate([codes[: metrics[i]] for i in here])[there],
            value=value[there],
        )
        frame = DeviceFrame(
            device_id=ids,
            device_type=types,
            interval_s=np.full(len(names), period_s, np.float32),
            last_sample=nan,
            last_heartbeat=nan,
            created=nan,
            excluded=no,
            maintenance=no,
            sample_count=np.ones(len(names), np.int32),
        )
        result = engine.step(obs, frame, emit=t >= longest)
        if watch is not None:
            watch(result)
        for i in here:
            row = t - longest
            if row >= 0 and np.isfinite(result.score[i]):
                health[i][row] = result.score[i]
                status[i][row] = result.status[i] if STATUSES[result.status[i]] != "no_data" else 0
                alarm[i][row] = result.alarm[i]
    return {
        name: {"health": health[i], "status": status[i], "alarm": alarm[i]} for i, name in enumerate(names)
    }


def look_ahead(units: Mapping[str, Unit], whole: Mapping[str, Prediction], config: HealthConfig) -> list[str]:
    """Units whose outputs before the cut change when the rows after it are not there: none."""
    cut = {name: Unit(u.train, u.test[: int(len(u.test) * CUT)], u.period_s) for name, u in units.items()}
    again = predict(cut, config)
    return [
        name
        for name, unit in cut.items()
        if any(
            not np.array_equal(whole[name][field][: len(unit.test)], again[name][field])
            for field in ("health", "status", "alarm")
        )
    ]


def event_figures(
    units: Mapping[str, Unit], predictions: Mapping[str, Prediction], labels: Path
) -> dict[str, float]:
    """Precision, recall and F1 over labelled events, pooled over units.

    An event is a run of label 1; an alarm a run of alarm 1 with gaps of up to five minutes closed,
    cut every 60 minutes.  Pieces that touch no event are false; an event counts once.
    """
    events = found = false = 0
    normal_days = 0.0
    delays: list[float] = []
    with np.load(labels) as z:
        for name, unit in units.items():
            truth = z[f"{name}/label"].astype(bool)
            alarm = predictions[name]["alarm"].astype(bool)
            minutes = unit.period_s / 60
            for first, last in _runs(truth):
                events += 1
                found += bool(alarm[first:last].any())
                if alarm[first:last].any():
                    delays.append(float(alarm[first:last].argmax()) * minutes)
            piece = max(1, int(60 // minutes))
            for first, last in _runs(_bridged(alarm, int(5 // minutes))):
                starts = range(first, last, piece)
                false += sum(not truth[p : min(p + piece, last)].any() for p in starts)
            normal_days += float((~truth).sum()) * unit.period_s / 86400
    precision = found / (found + false) if found + false else 0.0
    recall = found / events if events else 0.0
    return {
        "event_f1": 2 * precision * recall / (precision + recall) if found else 0.0,
        "event_precision": precision,
        "event_recall": recall,
        "false_alarms_per_device_day": false / normal_days,
        "median_delay_minutes": float(np.median(delays)) if delays else float("nan"),
    }


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _bridged(flags: npt.NDArray[np.bool_], gap: int) -> npt.NDArray[np.bool_]:
    out = flags.copy()
    runs = _runs(flags)
    for (_, stop), (start, _) in itertools.pairwise(runs):
        if start - stop <= gap:
            out[stop:start] = True
    return out


def main() -> int:
    """Run, write, check and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="recorded fleet (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="where predictions go (.npz)")
    parser.add_argument("--labels", type=Path, help="labels (.npz): print event figures too")
    parser.add_argument("--check", action="store_true", help="prove that nothing looks ahead")
    parser.add_argument(
        "--false-alarms-per-week", type=float, help="per device; default: as the product has it"
    )
    args = parser.parse_args()
    units, config = load_fleet(args.data), HealthConfig()
    if args.false_alarms_per_week is not None:
        alarm = AlarmConfig(false_alarms_per_week=args.false_alarms_per_week)
        config = config.model_copy(update={"alarm": alarm})
    began = time.process_time()
    predictions = predict(units, config)
    seconds = time.process_time() - began
    np.savez_compressed(
        args.out, **{f"{u}/{field}": values for u, p in predictions.items() for field, values in p.items()}
    )
    cells = sum(unit.train.size + unit.test.size for unit in units.values())
    report: dict[str, object] = {
        "benchmark": "anomaly",
        "data": args.data.name,
        "units": len(units),
        "rows": sum(len(unit.test) for unit in units.values()),
        "false_alarms_per_week": config.alarm.false_alarms_per_week,
        "seconds": round(seconds, 2),
        "device_metrics_per_second_per_core": round(cells / max(seconds, 1e-9)),
    }
    if args.labels:
        report.update({k: round(v, 4) for k, v in event_figures(units, predictions, args.labels).items()})
    if args.check:
        changed = look_ahead(units, predictions, config)
        report["causal"] = not changed
        if changed:
            print(f"Outputs before the cut differ for: {', '.join(changed)}", file=sys.stderr)
    print(json.dumps(report))
    return 0 if report.get("causal", True) else 1


if __name__ == "__main__":
    sys.exit(main())
