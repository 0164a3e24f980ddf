"""From marks to a threshold: how far verdicts on anomalies move a device type's alarm. Pure.

An anomaly that evidence opened has a *strength*: decades above the device's routine at its
highest.  With the opening threshold moved by o, those below `opens_at` + o would not have
been paged.  Of n kept ones t are true and f false; a is (1 - target) / target, the false ones that
each true one makes up for.

* Raise: the smallest o in 0 ... 1 at which f <= a (t + prior): as if `prior` further anomalies
  had been true, since a few verdicts prove little.  Never so far that more than `marks_lost` of all
  true ones would be lost; where the target is out of reach within that, to where raising
  further would not spare another false one.
* Lower: when f + prior <= a t over all of them, as if `prior` further ones had been false: 0.02
  decades for each false alarm that could be added, at most 0.2.

It is a function of the marks alone: withdrawing one gives back the offset that was before, and one more
false mark never lowers it.

When it does not work: only what was paged can be marked.  Missed faults are not in the count, nor
is what a raised threshold has silenced since, so an offset that was too high looks right until the
marks behind it are past their time (docs/decisions/0006-marks-move-thresholds.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homepot_ai.health.config import AlarmConfig

LOWEST, HIGHEST, STEP = -0.2, 1.0, 0.01
#: Decades that the threshold is lowered for each false alarm that the target would bear.
LOWER_BY = 0.02
#: A float32 of the database against a threshold in float64.
_HAIR = 1e-5


@dataclass(frozen=True)
class Judged:
    """A marked anomaly that evidence opened; `strength` in decades above routine."""

    id: int
    strength: float
    true: bool


@dataclass(frozen=True)
class Decision:
    """An offset in decades to the opening threshold, the marks that it rests on and one sentence."""

    offset: float
    marked_true: int
    marked_false: int
    reason: str


def decide(judged: Sequence[Judged], config: AlarmConfig) -> Decision:
    """How far these marks move the threshold of the device type that they are about.

    >>> weak = [Judged(n, 0.6, False) for n in range(4)]
    >>> strong = [Judged(10 + n, 1.5, True) for n in range(3)]
    >>> decide(weak + strong, AlarmConfig(above_routine=0.4)).offset
    0.2
    >>> decide(weak[:3] + strong, AlarmConfig(above_routine=0.4)).offset
    0.0
    """
    if not judged:
        return Decision(0.0, 0, 0, "no marks: the threshold is as designed")
    true = np.sort([j.strength for j in judged if j.true])
    false = np.sort([j.strength for j in judged if not j.true])
    bears = (1 - config.precision_target) / config.precision_target
    said = f"{len(false)} of {len(judged)} marked anomalies were false"

    offsets = np.round(np.arange(0.0, HIGHEST + STEP / 2, STEP), 2)
    edge = config.opens_at + offsets + _HAIR
    lost = np.searchsorted(true, edge, side="right")
    left_true = len(true) - lost
    left_false = len(false) - np.searchsorted(false, edge, side="right")
    # At zero nothing is raised: what lies below was paged under a lowered threshold.
    allowed = (lost <= config.marks_lost * len(true) + 1e-9) | (offsets == 0)
    reached = allowed & (left_false <= bears * (left_true + config.marks_prior) + 1e-9)
    if reached[0]:
        return _lowered(true, false, bears, said, config)
    if reached.any():
        pick = int(np.flatnonzero(reached)[0])
        met = left_true[pick] >= config.precision_target * (left_true[pick] + left_false[pick])
        why = "which is as right as wanted" if met else "and those are too few to move it further"
    else:
        farthest = int(np.flatnonzero(allowed)[-1])
        pick = int(np.flatnonzero(allowed & (left_false == left_false[farthest]))[0])
        why = f"further would lose more than {config.marks_lost * 100:.0f} % of the true ones, or spare none"
    offset = float(offsets[pick])
    if offset == 0:
        none = "no higher threshold would spare a false one without losing too many true ones"
        return Decision(0.0, len(true), len(false), f"{said}; {none}")
    kept = f"{int(left_true[pick])} true and {int(left_false[pick])} false ones would still have been paged"
    return Decision(offset, len(true), len(false), f"{said}; at {offset:+.2f} decades {kept}; {why}")


def _lowered(
    true: np.typing.NDArray[np.float64],
    false: np.typing.NDArray[np.float64],
    bears: float,
    said: str,
    config: AlarmConfig,
) -> Decision:
    spare = int(bears * len(true) - len(false) - config.marks_prior + 1e-9)
    offset = max(LOWEST, round(-LOWER_BY * max(spare, 0), 2)) + 0.0
    if offset < 0:
        why = f"{spare} more could be false before the target is missed: the alarm may wake earlier"
    else:
        enough = len(true) >= config.precision_target * (len(true) + len(false))
        why = "right often enough" if enough else "too few to move the threshold"
    return Decision(offset, len(true), len(false), f"{said}; {why}")
