"""Boosted trees as plain arrays: fitted by scikit-learn, kept and asked without it.

A stored model is then numbers only. It can be read by any later version of any library, and reading it runs
no code of whoever wrote it (as unpickling would).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: Rows that go through the trees together: what fits the cache.
BLOCK = 20_000


@dataclass(frozen=True)
class Trees:
    """A sum of trees.

    Attributes:
        start: what the sum begins with.
        feature, threshold, missing_left, left, right, value: [trees, nodes]; a leaf is its own left and
            right.
        depth: steps after which every row is in a leaf.
    """

    start: float
    feature: npt.NDArray[np.int32]
    threshold: Floats
    missing_left: npt.NDArray[np.bool_]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    value: Floats
    depth: int

    @classmethod
    def of(cls, model: Any) -> Trees:
        """The trees of a fitted HistGradientBoosting regressor or binary classifier (its log odds)."""
        fitted = [predictors[0].nodes for predictors in model._predictors]
        most = max((len(nodes) for nodes in fitted), default=1)
        shape = (len(fitted), most)
        feature, left, right = (np.zeros(shape, np.int32) for _ in range(3))
        threshold, value = np.zeros(shape), np.zeros(shape)
        missing_left = np.zeros(shape, bool)
        deepest = 0
        for tree, nodes in enumerate(fitted):
            own = np.arange(len(nodes))
            leaf = nodes["is_leaf"].astype(bool)
            used = slice(0, len(nodes))
            feature[tree, used] = np.where(leaf, 0, nodes["feature_idx"])
            threshold[tree, used] = np.where(leaf, 0.0, nodes["num_threshold"])
            missing_left[tree, used] = nodes["missing_go_to_left"].astype(bool)
            left[tree, used] = np.where(leaf, own, nodes["left"])
            right[tree, used] = np.where(leaf, own, nodes["right"])
            value[tree, used] = np.where(leaf, nodes["value"], 0.0)
            deepest = max(deepest, int(nodes["depth"].max()))
        start = float(np.ravel(model._baseline_prediction)[0])
        return cls(start, feature, threshold, missing_left, left, right, value, deepest)

    def predict(self, x: npt.NDArray[np.float32]) -> Floats:
        """The sum for each row of x [n, features]; NaN goes where it went when the trees were fitted."""
        total = np.full(len(x), self.start)
        for begin in range(0, len(x), BLOCK):
            block = x[begin : begin + BLOCK]
            total[begin : begin + BLOCK] += self._sum(block)
        return total

    def _sum(self, x: npt.NDArray[np.float32]) -> Floats:
        flat, row = np.ascontiguousarray(x).ravel(), np.arange(len(x)) * x.shape[1]
        total = np.zeros(len(x))
        for tree in range(len(self.feature)):
            at = np.zeros(len(x), np.int32)
            for _ in range(self.depth):
                seen = flat.take(self.feature[tree].take(at) + row)
                # NaN is not less than anything: it goes left only where the tree says so.
                goes = seen <= self.threshold[tree].take(at)
                if self.missing_left[tree].any():
                    goes |= np.isnan(seen) & self.missing_left[tree].take(at)
                at = np.where(goes, self.left[tree].take(at), self.right[tree].take(at))
            total += self.value[tree].take(at)
        return total

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """What is stored, under names that begin with `prefix`."""
        told = {name: np.asarray(content) for name, content in vars(self).items()}
        return {f"{prefix}{name}": content for name, content in told.items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Trees:
        """What `arrays` gave."""
        read: dict[str, Any] = {name: arrays[prefix + name] for name in cls.__dataclass_fields__}
        return cls(**{**read, "start": float(read["start"]), "depth": int(read["depth"])})


def boost(
    x: npt.NDArray[np.float32],
    y: npt.NDArray[Any],
    *,
    classes: bool,
    failures: int,
    seed: int,
    shift: float = 0.0,
) -> Trees:
    """Fit trees to log odds (`classes`) or to a mean; the fewer failures, the smaller they are.

    Args:
        shift: added to what the trees say: log of the share of the rows without failure that were kept (King
            & Zeng, Political Analysis 9, 2001, eq. 7). Weights would do it too, at twenty times the cost.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    few = failures < 100 and classes
    model = kind(
        max_iter=100 if few else 90 if classes else 240,
        learning_rate=0.05 if few or not classes else 0.08,
        max_depth=5,
        max_leaf_nodes=6 if few else 8 if classes else 12,
        min_samples_leaf=60,
        max_features=0.3,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    grown = Trees.of(model.fit(x, y))
    return replace(grown, start=grown.start + shift)
