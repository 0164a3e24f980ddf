"""Features as the members of the model take them: what peers are like, and scales for the linear one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.prediction.features import Feature

Floats = npt.NDArray[np.float64]
#: Failures of the whole fleet that a kind's own are mixed with.
SHRINK = 5.0
#: Columns that are known in a smaller share of the decision points are left out.
LEAST_KNOWN = 0.2


@dataclass(frozen=True)
class Encoder:
    """How rows of features become inputs. Learned from the devices that a member is fitted on, only.

    Attributes:
        keep: columns that vary.
        kinds: names of the kinds of devices, sorted; rate: [kinds + 1], log of failures per step, shrunken to
            the fleet's; the last entry is for kinds that were not seen.
        level: columns that are compared with peers; peers: [kinds + 1, level], medians.
        centre, scale: [inputs], for the linear member; missing: inputs whose absence says something.
    """

    keep: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.str_]
    rate: Floats
    level: npt.NDArray[np.int64]
    peers: Floats
    centre: Floats
    scale: Floats
    missing: npt.NDArray[np.int64]

    def inputs(self, x: npt.NDArray[np.float32], kinds: npt.NDArray[np.str_]) -> npt.NDArray[np.float32]:
        """float32 [n, inputs] for the trees."""
        at = positions(self.kinds, kinds)
        parts: list[npt.NDArray[Any]] = [x[:, self.keep], self.rate[at][:, None]]
        if len(self.level):
            parts.append(x[:, self.level] - self.peers[at])
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def linear(self, inputs: npt.NDArray[np.float32]) -> Floats:
        """[n, inputs + missing]: scaled, large values compressed, what is unknown at the usual value."""
        scaled = np.arcsinh((inputs - self.centre) / self.scale)
        gone = np.isnan(inputs[:, self.missing]).astype(np.float64)
        clipped = np.clip(np.nan_to_num(scaled, nan=0.0), -8, 8)
        return np.concatenate([clipped, gone], axis=1, dtype=np.float64)


def positions(known: npt.NDArray[np.str_], wanted: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Where names stand among sorted known ones; behind the last where they are not."""
    if not len(known):
        return np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, at, len(known)).astype(np.int64)


def rates(of: npt.NDArray[np.int64], failures: Floats, steps: Floats, groups: int) -> Floats:
    """Log of failures per step of each group, mixed with SHRINK failures of all; one more for any other.

    Args:
        of: [devices], the group of each; failures, steps: [devices].
    """
    overall = (failures.sum() + 0.5) / max(steps.sum(), 1.0)
    found = np.bincount(of, failures, groups + 1) + SHRINK
    known = np.bincount(of, steps, groups + 1) + SHRINK / overall
    found[groups], known[groups] = SHRINK, SHRINK / overall
    logs: Floats = np.log(found / known)
    return logs


def fit(
    x: npt.NDArray[np.float32],
    features: tuple[Feature, ...],
    row_kinds: npt.NDArray[np.str_],
    kinds: npt.NDArray[np.str_],
    failures: Floats,
    steps: Floats,
) -> Encoder:
    """Learn an encoder from the rows and the devices of a fold.

    Args:
        x: [r, F] rows and row_kinds [r]; kinds, failures, steps: [devices].
    """
    spread = np.zeros(x.shape[1])
    some = np.isfinite(x).any(axis=0)
    # Below this a column says the same of every device, but for rounding.
    size = np.nanmax(np.abs(x[:, some]), axis=0)
    spread[some] = np.nanstd(x[:, some].astype(np.float64), axis=0) / np.maximum(size, 1e-30)
    keep = np.flatnonzero((spread > 1e-6) & (np.isfinite(x).mean(axis=0) >= LEAST_KNOWN))
    known = np.unique(kinds)
    rate = rates(positions(known, kinds), failures, steps, len(known))
    level = np.array(
        [i for i in keep if features[i].what == "level" and features[i].steps == 10 and len(known) > 1],
        np.int64,
    )
    peers = np.full((len(known) + 1, len(level)), np.nan)
    if len(level):
        peers[-1] = medians(x[:, level])
        for position, kind in enumerate(known):
            peers[position] = medians(x[row_kinds == kind][:, level])
    bare = Encoder(keep, known, rate, level, peers, np.zeros(0), np.ones(0), np.zeros(0, np.int64))
    inputs = bare.inputs(x, row_kinds)
    centre = medians(inputs)
    away = np.abs(inputs - centre)
    scale = medians(away) * 1.4826
    # A counter that is nearly always zero has no spread: what it is when it is not zero is its scale.
    sizes = np.where(away > 0, away, np.nan)
    scale = np.where(scale > 0, scale, np.nan_to_num(medians(sizes), nan=1.0))
    share = np.isnan(inputs).mean(axis=0)
    missing = np.flatnonzero((share > 0.01) & (share < 0.99))
    return Encoder(
        keep, known, rate, level, peers, np.nan_to_num(centre), np.where(scale > 0, scale, 1.0), missing
    )


def medians(values: npt.NDArray[np.float32] | Floats) -> Floats:
    """Medians of columns; NaN for a column without any value."""
    found = np.full(values.shape[1], np.nan)
    some = np.isfinite(values).any(axis=0)
    if len(values) and some.any():
        found[some] = np.nanmedian(values[:, some], axis=0)
    return found
