"""Do intervals hold? Rolling origins over recorded series: python benchmarks/forecasts.py --data DIR

Every series becomes hourly means; forecasts are made by `homepot_ai.prediction.forecast`, the code of the
flow, from the days before each origin (up to 30) and compared with the hours 24, 72 and 168 ahead. Beside it

    naive            the last hour, with the 10 % and 90 % points of the changes over so many hours before
    seasonal-naive   the same hour a week ago (a day, where no week is known), with the same of its errors

Printed: share of 80 % intervals that hold, mean absolute scaled error (of the hour; scaled by the mean
absolute difference from a day earlier within the history), pinball loss at 10, 50 and 90 % in the same scale,
the interval's width in it, and refusals. The last line is one JSON object. DIR holds ad_smd.npz, ad_asd.npz,
ad_js2.npz (unit/train, unit/test, unit/period_s) and nab/data/*/*.csv.gz; what is not there is left out.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homepot_ai.prediction.forecast import Forecast, forecast

Doubles = npt.NDArray[np.float64]
DAY, HISTORY = 24, 30 * 24
AHEAD = (24, 72, 168)
LEAST_DAYS, FIRST_ORIGIN, EVERY = 5, 10 * 24, 4 * 24
METHODS = ("ours", "naive", "seasonal_naive")


def fleets(folder: Path, every: int) -> Iterator[tuple[str, Doubles]]:
    """(fleet, hourly means) of every so-many-th series."""
    for name in ("smd", "asd", "js2"):
        path = folder / f"ad_{name}.npz"
        if not path.exists():
            continue
        data = np.load(path)
        number = 0
        for unit in sorted({key.rsplit("/", 1)[0] for key in data.files}):
            rows = np.concatenate([data[f"{unit}/train"], data[f"{unit}/test"]]).astype(np.float64)
            per_hour = round(3600 / float(data[f"{unit}/period_s"]))
            n = len(rows) // per_hour
            hours = rows[: n * per_hour].reshape(n, per_hour, -1).mean(axis=1)
            for column in hours.T:
                number += 1
                if number % every == 0:
                    yield name, column
    for number, path in enumerate(sorted((folder / "nab" / "data").glob("*/*.csv.gz"))):
        if number % every == 0:
            yield "nab", _nab(path)


def _nab(path: Path) -> Doubles:
    with gzip.open(path, "rt") as file:
        rows = [(row["timestamp"], row["value"]) for row in csv.DictReader(file)]
    t = np.array([datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() for stamp, _ in rows])
    hour = ((t - t[0]) // 3600).astype(int)
    value = np.array([float(value) for _, value in rows])
    hours = np.full(hour.max() + 1, np.nan)
    count = np.bincount(hour, minlength=len(hours))
    hours[count > 0] = (np.bincount(hour, value, minlength=len(hours)) / np.maximum(count, 1))[count > 0]
    return hours


@dataclass(frozen=True)
class Trial:
    """One hour that was forecast by one method: edges and middle, what came, and the series' scale."""

    fleet: str
    method: str
    ahead: int
    low: float
    mid: float
    high: float
    came: float
    scale: float


def naive(y: Doubles, ahead: int, season: int) -> tuple[float, float, float] | None:
    """The value some seasons ago (the last one with season 0), and what that was wrong by before."""
    back = ahead if season == 0 else math.ceil(ahead / season) * season
    errors = y[back:] - y[:-back]
    errors = errors[np.isfinite(errors)]
    base = y[-1] if season == 0 else y[len(y) - 1 + ahead - back]
    if not len(errors) or not np.isfinite(base):
        return None
    low, high = np.quantile(errors, [0.1, 0.9])
    return base + low, base, base + high


def trials(fleet: str, y: Doubles, refused: Counter[str]) -> Iterator[Trial]:
    """Every method at every origin of a series, where ours did not refuse."""
    for origin in range(FIRST_ORIGIN, len(y) - max(AHEAD), EVERY):
        past = y[max(0, origin - HISTORY) : origin]
        known = past[np.isfinite(past)]
        if not len(known):
            continue
        scale = float(np.nanmean(np.abs(past[DAY:] - past[:-DAY])))
        refused["asked"] += 1
        found = forecast(past, max(AHEAD), least_days=LEAST_DAYS)
        if not isinstance(found, Forecast):
            refused[found.code] += 1
            continue
        if not scale > 0:
            # Constant so far: any method is right or wrong alike, and nothing scales its error.
            refused["constant"] += 1
            continue
        season = 168 if len(past) >= 3 * 168 else 24
        for ahead in AHEAD:
            came = y[origin + ahead - 1]
            if not np.isfinite(came):
                continue
            h = ahead - 1
            answers = {
                "ours": (found.low[h], found.mid[h], found.high[h]),
                "naive": naive(past, ahead, 0),
                "seasonal_naive": naive(past, ahead, season),
            }
            if all(answers.values()):
                for method, answer in answers.items():
                    assert answer is not None
                    yield Trial(fleet, method, ahead, *answer, came, scale)


def summary(found: list[Trial]) -> dict[str, float]:
    """Figures of one method's trials."""
    low, mid, high, came, scale = (
        np.array([getattr(t, name) for t in found]) for name in ("low", "mid", "high", "came", "scale")
    )

    def pinball(q: float, edge: Doubles) -> Doubles:
        off = came - edge
        return np.maximum(q * off, (q - 1) * off) / scale

    # Medians over series would hide the wild ones, means be ruled by them: errors count at most 20 scales.
    loss = (pinball(0.1, low) + pinball(0.5, mid) + pinball(0.9, high)) / 3
    tiny = 1e-9 * np.maximum(np.abs(came), 1e-9)
    return {
        "n": len(found),
        "coverage": round(float(np.mean((came >= low - tiny) & (came <= high + tiny))), 3),
        "mase": round(float(np.mean(np.minimum(np.abs(came - mid) / scale, 20))), 3),
        "pinball": round(float(np.mean(np.minimum(loss, 20))), 3),
        "width": round(float(np.median((high - low) / scale)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="only every so-many-th series")
    asked = parser.parse_args()
    began, refused = time.monotonic(), Counter[str]()
    found: list[Trial] = []
    series = 0
    for fleet, y in fleets(asked.data, asked.every):
        series += 1
        found += trials(fleet, y, refused)
    names = sorted({t.fleet for t in found})
    figures = {
        method: {
            where: {
                str(ahead): summary(rows)
                for ahead in AHEAD
                if (
                    rows := [
                        t
                        for t in found
                        if t.method == method and t.ahead == ahead and where in ("all", t.fleet)
                    ]
                )
            }
            for where in ("all", *names)
        }
        for method in METHODS
    }
    for where in ("all", *names):
        for ahead in AHEAD:
            for method in METHODS:
                print(f"{where:4} {ahead:4} h  {method:15} {figures[method][where].get(str(ahead))}")
    seconds = round(time.monotonic() - began, 1)
    print(
        json.dumps(
            {
                "benchmark": "forecasts",
                "series": series,
                "forecasts": refused["asked"],
                "refused": {k: v for k, v in refused.items() if k != "asked"},
                "seconds": seconds,
                "figures": figures,
            }
        )
    )


if __name__ == "__main__":
    main()
