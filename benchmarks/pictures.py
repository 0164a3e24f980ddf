"""A picture of what the engine says of one recorded stretch, as in docs/health-scoring.md.

    python -m benchmarks.pictures --data FLEET.npz --labels LABELS.npz --unit UNIT --row 17365 --out x.png

Shows the metrics that moved most around `--row` of the unit's test, each over its own range, the
score, and how far the device stands above its routine (1.0 opens an episode); the labelled event
is shaded.  Needs matplotlib (requirements-bench.lock).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.anomaly import Unit, load_fleet, stream
from homepot_ai.health.config import HealthConfig
from homepot_ai.health.records import MinuteResult

SHOWN = 4
MARGIN_MINUTES = 360


def watch(unit: Unit) -> list[MinuteResult]:
    """Everything that the engine says of the unit's test, minute by minute."""
    results: list[MinuteResult] = []
    stream({"unit": unit}, unit.period_s, HealthConfig(), watch=results.append)
    return results[-len(unit.test) :]


def draw(unit: Unit, truth: np.ndarray, row: int, title: str, out: Path) -> None:
    """Write the picture of the rows around ``row``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    results = watch(unit)
    margin = round(MARGIN_MINUTES * 60 / unit.period_s)
    first, last = max(0, row - margin), min(len(unit.test), row + margin)
    hours = (np.arange(first, last) - row) * unit.period_s / 3600
    values = unit.test[first:last]
    low, high = values.min(axis=0), values.max(axis=0)
    inside = slice(max(0, row - first), max(0, row - first) + max(3, round(1800 / unit.period_s)))
    usual = np.abs(values - np.median(values, axis=0)) / np.maximum(values.std(axis=0), 1e-9)
    moved = np.argsort(-usual[inside].max(axis=0))[:SHOWN]
    figure, axes = plt.subplots(3, 1, figsize=(10, 6), sharex=True, height_ratios=[3, 1.2, 1.2])
    for offset, metric in enumerate(moved):
        span = max(float(high[metric] - low[metric]), 1e-9)
        axes[0].plot(hours, (values[:, metric] - low[metric]) / span + 1.1 * offset, linewidth=0.8)
    axes[0].set_yticks([1.1 * i + 0.5 for i in range(len(moved))], [f"metric {m}" for m in moved])
    axes[0].set_title(title, loc="left", fontsize=11)
    axes[1].plot(hours, [r.score[0] for r in results[first:last]], color="#1f5c99")
    axes[1].axhspan(0, 0.4, color="#c0392b", alpha=0.08)
    axes[1].axhspan(0.4, 0.8, color="#d9a400", alpha=0.08)
    axes[1].set(ylabel="score", ylim=(0, 1.02))
    axes[2].plot(hours, [max(r.alarm_level[0], 0) for r in results[first:last]], color="#444444")
    axes[2].axhline(1, color="#c0392b", linewidth=0.8)
    axes[2].set(ylabel="above routine", xlabel="hours", ylim=(0, None))
    alarm = np.array([r.alarm[0] for r in results[first:last]])
    axes[2].plot(hours[alarm], np.full(int(alarm.sum()), 0.05), "|", color="#c0392b", markersize=9)
    shaded = truth[first:last].astype(bool)
    for axis in axes:
        axis.fill_between(hours, 0, 1, where=shaded, color="#7f8c8d", alpha=0.25, linewidth=0,
                          transform=axis.get_xaxis_transform())  # fmt: skip
        axis.margins(x=0)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def main() -> int:
    """Parse, run, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--unit", required=True)
    parser.add_argument("--row", type=int, required=True, help="of the unit's test")
    parser.add_argument("--title", default="")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    with np.load(args.labels) as z:
        truth = z[f"{args.unit}/label"]
    draw(load_fleet(args.data)[args.unit], truth, args.row, args.title or args.unit, args.out)
    print(f'{{"benchmark": "pictures", "out": "{args.out.name}"}}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
