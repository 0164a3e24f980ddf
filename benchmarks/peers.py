"""Simpler detectors from well-kept libraries on a recorded fleet, answered as benchmarks/anomaly.py answers.

    pip install -r requirements.lock -r requirements-bench.lock
    python -m benchmarks.peers --method NAME --data FLEET.npz --out pred.npz [--labels LABELS.npz]

Every method is fitted on a unit's train rows alone and then sees its test rows one after the other:
a row's score depends on no later one.  The alarm is the score above a quantile of the method's own
scores on train, either as they are or each divided by the 95 % point of the day before it (``--rule``,
``--quantile``; a method's defaults are the pair best on SMD, ASD and JS2 together), and it rings as the
engine's does, at most once an hour.  Health is
1 / (1 + u^2 / 4) of u = score / threshold, as the engine's.
The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.anomaly import Prediction, Unit, event_figures, load_fleet
from homepot_ai.health.config import AlarmConfig

Rows = npt.NDArray[np.float64]
#: Scores of the train and of the test rows; the first of train may be NaN (too early to say).
Scores = tuple[Rows, Rows]
Method = Callable[[Rows, Rows, int], Scores]
EWMA_MINUTES = 30
DAY_MINUTES = 1440
# Of a metric that never moved in train, this share of its own size counts as one deviation.
LEAST_SPREAD = 1e-3
EXPLAINED = 0.95
WINDOW = 12
SEED = 0
FIXED, DAY = "fixed", "day"


@dataclass(frozen=True)
class Entry:
    """A method, the library that it comes from, and how its alarm is set."""

    score: Method
    library: str
    rule: str
    quantile: float


def predict(units: Mapping[str, Unit], method: Method, rule: str, quantile: float) -> dict[str, Prediction]:
    """Health, status and alarm of each test row, unit by unit."""
    out: dict[str, Prediction] = {}
    for name, unit in units.items():
        train, test = (x.astype(np.float64) for x in (unit.train, unit.test))
        out[name] = answers(method(train, test, unit.period_s), unit.period_s, rule, quantile)
    return out


def answers(scores: Scores, period_s: int, rule: str, quantile: float) -> Prediction:
    """From scores to what the engine would say."""
    u = _above(scores, quantile)
    alarm = (u if rule == FIXED else _above(_against_the_day(scores, period_s), quantile)) > 1
    health = 1 / (1 + u**2 / 4)
    return {
        "health": health.astype(np.float32),
        "status": np.where(health < 0.4, 2, np.where(u > 1, 1, 0)).astype(np.int8),
        "alarm": rings(alarm, period_s).astype(np.int8),
    }


def rings(alarm: npt.NDArray[np.bool_], period_s: int) -> npt.NDArray[np.bool_]:
    """The alarm as the engine rings it: for two samples, at most once an hour.

    >>> rings(np.array([True, True, True, False, True]), 60).tolist()
    [True, True, False, False, False]
    """
    rule = AlarmConfig()
    out, again = np.zeros_like(alarm), 0.0
    for row in np.flatnonzero(alarm).tolist():
        if row >= again:
            out[row : row + rule.ring_samples] = True
            again = row + rule.ring_minutes * 60 / period_s
    return out


def _above(scores: Scores, quantile: float) -> Rows:
    of_train, of_test = scores
    threshold = max(float(np.nanquantile(of_train, quantile)), 1e-12)
    return np.nan_to_num(of_test / threshold, nan=0.0, posinf=1e9)


def _against_the_day(scores: Scores, period_s: int) -> Scores:
    """Scores in units of the 95 % point of the day before, taken anew each hour."""
    joined, split = np.concatenate(scores), len(scores[0])
    hour, day = max(1, 3600 // period_s), DAY_MINUTES * 60 // period_s
    least = max(float(np.nanmedian(scores[0])), 1e-12)
    out = np.full(len(joined), np.nan)
    for first in range(day, len(joined), hour):
        past = joined[first - day : first]
        usual = np.quantile(past[np.isfinite(past)], 0.95) if np.isfinite(past).any() else least
        out[first : first + hour] = joined[first : first + hour] / max(usual, least)
    return out[:split], out[split:]


# Standardised by train


def _standard(train: Rows, test: Rows) -> tuple[Rows, Rows]:
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 0, spread, np.maximum(LEAST_SPREAD * np.abs(mean), 1e-9))
    return (train - mean) / spread, (test - mean) / spread


def mean_square_z(train: Rows, test: Rows, period_s: int) -> Scores:
    """Mean of the squared standard scores."""
    a, b = ((z**2).mean(axis=1) for z in _standard(train, test))
    return a, b


def three_sigma(train: Rows, test: Rows, period_s: int) -> Scores:
    """Largest absolute standard score."""
    a, b = (np.abs(z).max(axis=1) for z in _standard(train, test))
    return a, b


def pca_residual(train: Rows, test: Rows, period_s: int) -> Scores:
    """Squared distance to the subspace that holds 95 % of the variance."""
    return _pca(*_standard(train, test))


def sub_pca(train: Rows, test: Rows, period_s: int) -> Scores:
    """The same of the last twelve rows together."""
    z, split = np.concatenate(_standard(train, test)), len(train)
    padded = np.concatenate([np.repeat(z[:1], WINDOW - 1, axis=0), z]).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0).reshape(len(z), -1)
    return _pca(windows[:split], windows[split:])


def _pca(train: Rows, test: Rows) -> Scores:
    from sklearn.decomposition import PCA

    model = PCA(n_components=EXPLAINED, svd_solver="full").fit(train)
    a, b = (((x - model.inverse_transform(model.transform(x))) ** 2).mean(axis=1) for x in (train, test))
    return a, b


def mahalanobis(train: Rows, test: Rows, period_s: int) -> Scores:
    """Mahalanobis distance under a covariance shrunk after Ledoit and Wolf."""
    from sklearn.covariance import LedoitWolf

    a, b = _standard(train, test)
    model = LedoitWolf().fit(a)
    return model.mahalanobis(a), model.mahalanobis(b)


def isolation_forest(train: Rows, test: Rows, period_s: int) -> Scores:
    """Isolation forest of 100 trees."""
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(n_estimators=100, random_state=SEED).fit(train)
    return -model.score_samples(train), -model.score_samples(test)


def ecod(train: Rows, test: Rows, period_s: int) -> Scores:
    """ECOD: tail probabilities of each metric in train, added up as logarithms.

    Written out here: the library ranks test rows among each other, which looks ahead.
    """
    ordered, n = np.sort(train, axis=0), len(train)
    centred = train - train.mean(axis=0)
    skewed_left = (centred**3).mean(axis=0) < 0

    def tails(rows: Rows) -> Rows:
        below, above = np.empty(rows.shape), np.empty(rows.shape)
        for m in range(rows.shape[1]):
            below[:, m] = np.searchsorted(ordered[:, m], rows[:, m], "right")
            above[:, m] = n - np.searchsorted(ordered[:, m], rows[:, m], "left")
        left, right = (-np.log(np.maximum(x, 0.5) / n) for x in (below, above))
        skewed = np.where(skewed_left, left, right)
        return np.maximum.reduce([left.sum(axis=1), right.sum(axis=1), skewed.sum(axis=1)])

    return tails(train), tails(test)


# Adaptive ones: train and test are one stream


def ewma(train: Rows, test: Rows, period_s: int) -> Scores:
    """Mean squared residual against a 30-minute EWMA, in units of an EWMA spread over a day."""
    rows, minutes = np.concatenate([train, test]), period_s / 60
    fast, slow = -np.expm1(-minutes / EWMA_MINUTES), -np.expm1(-minutes / DAY_MINUTES)
    least = LEAST_SPREAD * np.maximum(np.abs(train).mean(axis=0), 1e-9)
    level, variance = rows[0].copy(), train.var(axis=0)
    out = np.empty(len(rows))
    for t, row in enumerate(rows):
        off = row - level
        out[t] = np.mean(off**2 / np.maximum(variance, least**2))
        level += fast * off
        variance += slow * (off**2 - variance)
    return out[: len(train)], out[len(train) :]


def rolling_mad(train: Rows, test: Rows, period_s: int) -> Scores:
    """Mean square of distances to the median of the last day, in its median absolute deviations.

    Median and deviation are taken anew each hour.
    """
    rows = np.concatenate([train, test])
    hour, day = max(1, 3600 // period_s), DAY_MINUTES * 60 // period_s
    least = np.maximum(train.std(axis=0), LEAST_SPREAD * np.maximum(np.abs(train).mean(axis=0), 1e-9)) / 10
    out = np.full(len(rows), np.nan)
    for first in range(day, len(rows), hour):
        past = rows[first - day : first]
        centre = np.median(past, axis=0)
        spread = np.maximum(1.4826 * np.median(np.abs(past - centre), axis=0), least)
        out[first : first + hour] = (((rows[first : first + hour] - centre) / spread) ** 2).mean(axis=1)
    return out[: len(train)], out[len(train) :]


def half_space_trees(train: Rows, test: Rows, period_s: int) -> Scores:
    """Half-space trees, online: 25 of height 8, windows of 250 rows, scaled by the range of train."""
    from river.anomaly import HalfSpaceTrees

    low, high = train.min(axis=0), train.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    rows = np.clip((np.concatenate([train, test]) - low) / span, -1, 2)
    names = [str(m) for m in range(rows.shape[1])]
    limits = dict.fromkeys(names, (-1.0, 2.0))
    model = HalfSpaceTrees(n_trees=25, height=8, window_size=250, limits=limits, seed=SEED)
    out = np.empty(len(rows))
    for t, row in enumerate(rows.tolist()):
        x = dict(zip(names, row, strict=True))
        out[t] = model.score_one(x)
        model.learn_one(x)
    out[:500] = np.nan
    return out[: len(train)], out[len(train) :]


METHODS: dict[str, Entry] = {
    "mean-square-z": Entry(mean_square_z, "numpy", DAY, 0.9995),
    "three-sigma": Entry(three_sigma, "numpy", DAY, 0.9998),
    "ewma": Entry(ewma, "numpy", FIXED, 0.998),
    "rolling-mad": Entry(rolling_mad, "numpy", FIXED, 0.9999),
    "ecod": Entry(ecod, "numpy", DAY, 0.9995),
    "pca-residual": Entry(pca_residual, "scikit-learn", DAY, 0.9999),
    "sub-pca": Entry(sub_pca, "scikit-learn", DAY, 0.998),
    "mahalanobis": Entry(mahalanobis, "scikit-learn", DAY, 0.9995),
    "isolation-forest": Entry(isolation_forest, "scikit-learn", FIXED, 0.999),
    "half-space-trees": Entry(half_space_trees, "river", FIXED, 0.999),
}


def main() -> int:
    """Fit, predict, write and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", choices=sorted(METHODS), required=True)
    parser.add_argument("--data", type=Path, required=True, help="recorded fleet (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="where predictions go (.npz)")
    parser.add_argument("--labels", type=Path, help="labels (.npz): print event figures too")
    parser.add_argument("--rule", choices=(FIXED, DAY), help="of the alarm (default: the method's)")
    parser.add_argument("--quantile", type=float, help="of the scores on train (default: the method's)")
    args = parser.parse_args()
    entry = METHODS[args.method]
    quantile = entry.quantile if args.quantile is None else args.quantile
    rule = args.rule or entry.rule
    units = load_fleet(args.data)
    began = time.process_time()
    predictions = predict(units, entry.score, rule, quantile)
    seconds = time.process_time() - began
    np.savez_compressed(
        args.out, **{f"{u}/{field}": values for u, p in predictions.items() for field, values in p.items()}
    )
    cells = sum(unit.train.size + unit.test.size for unit in units.values())
    report: dict[str, object] = {
        "benchmark": "peers",
        "method": args.method,
        "library": entry.library,
        "rule": rule,
        "quantile": quantile,
        "data": args.data.name,
        "units": len(units),
        "seconds": round(seconds, 2),
        "device_metrics_per_second_per_core": round(cells / max(seconds, 1e-9)),
    }
    if args.labels:
        report.update({k: round(v, 4) for k, v in event_figures(units, predictions, args.labels).items()})
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
