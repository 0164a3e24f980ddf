"""From what members say to a probability that can be taken at its word, and to an interval that holds.

Both are learned from predictions of devices that the members did not see. scikit-learn's
`CalibratedClassifierCV` does the first for one member; here the weights of several are learned in the same
step (stacking: Wolpert, Neural Networks 5, 1992; with weights that are not negative: Breiman, Machine
Learning 24, 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: How much a weight's distance from equal weights costs, in units of log loss per failure.
PRIOR = 4.0


def sigmoid(odds: Floats) -> Floats:
    """Probabilities of log odds."""
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(odds, -40, 40)))
    return found


def logit(probability: Floats) -> Floats:
    """Log odds of probabilities."""
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    found: Floats = np.log(p / (1 - p))
    return found


@dataclass(frozen=True)
class Stack:
    """Log odds = bias + Σ weight · (member's log odds), weights not negative."""

    weight: Floats
    bias: float

    def predict(self, members: Floats) -> Floats:
        """Probability for [n, members] log odds."""
        return sigmoid(np.clip(members, -20, 20) @ self.weight + self.bias)


def stack(members: Floats, happened: npt.NDArray[np.bool_], weight: Floats, failures: int) -> Stack:
    """Weights and bias by log loss, drawn towards equal weights while failures are few.

    Rows of one device repeat each other, so that their number says little of how much is known: the whole
    log loss counts as if it came from `failures` independent failures.

    Args:
        members: [n, m] log odds for devices that no member saw; happened, weight: [n].

    >>> rng = np.random.default_rng(1)
    >>> odds = rng.normal(-2, 1.5, (20_000, 1))
    >>> found = stack(2 * odds, rng.random(20_000) < sigmoid(odds[:, 0]), np.ones(20_000), 3_000)
    >>> bool(abs(found.weight[0] - 0.5) < 0.05)
    True
    """
    from scipy.optimize import minimize

    x = np.clip(members, -20, 20)
    equal = np.full(x.shape[1], 1.0 / x.shape[1])
    counts = weight / max(float(weight[happened].sum()), 1e-9) * max(failures, 1)

    def loss(theta: Floats) -> tuple[float, Floats]:
        odds = x @ theta[1:] + theta[0]
        p = sigmoid(odds)
        wrong = counts * (p - happened)
        away = theta[1:] - equal
        value = float((counts * (np.logaddexp(0, odds) - odds * happened)).sum() + PRIOR * (away @ away))
        return value, np.concatenate([[wrong.sum()], x.T @ wrong + 2 * PRIOR * away])

    bounds = [(None, None)] + [(0.0, 3.0)] * x.shape[1]
    found = minimize(loss, np.concatenate([[0.0], equal]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Stack(found[1:], float(found[0]))


@dataclass(frozen=True)
class Band:
    """What is added to a prediction for its 0.1 and 0.9 quantile, by the size of the prediction.

    Split conformal in classes of the prediction (Vovk et al., Algorithmic Learning in a Random World, 2005,
    ch. 4): coverage holds for devices exchangeable with those seen, not for a fleet that changed.
    """

    at: Floats
    low: Floats
    high: Floats

    def predict(self, mid: Floats, limit: float) -> Floats:
        """[n, 3]: low, mid, high within 0 and `limit`; `limit` means that or more."""
        found = np.stack(
            [mid + np.interp(mid, self.at, self.low), mid, mid + np.interp(mid, self.at, self.high)], 1
        )
        clipped: Floats = np.clip(np.sort(found, axis=1), 0.0, limit)
        return clipped


def band(predicted: Floats, actual: Floats, coverage: float = 0.8, classes: int = 12) -> Band:
    """Quantiles of the errors in classes of the prediction, each with as many rows."""
    order = np.argsort(predicted, kind="stable")
    at, low, high = [], [], []
    for rows in np.array_split(order, max(1, min(classes, len(order) // 20))):
        error = np.sort(actual[rows] - predicted[rows])
        side = (1 - coverage) / 2
        # The corrected quantile: one row more could fall outside on either side.
        outside = max(int(np.floor(side * (len(error) + 1))) - 1, 0)
        at.append(float(predicted[rows].mean()))
        low.append(float(error[outside]))
        high.append(float(error[len(error) - 1 - outside]))
    return Band(np.array(at), np.array(low), np.array(high))


def alarm_threshold(probability: Floats, happened: npt.NDArray[np.bool_]) -> float:
    """The probability from which on to alarm: where the rate of hits less that of false alarms is largest.

    For benchmarks and first thresholds; in use they come from settled forecasts and what inspections cost.
    """
    order = np.argsort(-probability, kind="stable")
    sorted_p, hit = probability[order], happened[order]
    if not hit.any() or hit.all():
        return 0.5
    gain = np.cumsum(hit) / hit.sum() - np.cumsum(~hit) / (~hit).sum()
    last = np.append(np.diff(sorted_p) < 0, True)
    best = int(np.argmax(np.where(last, gain, -np.inf)))
    below = sorted_p[best + 1] if best + 1 < len(sorted_p) else 0.0
    return float((sorted_p[best] + below) / 2)
