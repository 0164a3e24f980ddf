"""Will a device fail within a window, and how long will it last: the model that says it.

At a decision point, everything known then says the probability of failure in (step + from, step + until]: a
hazard in discrete time, learned for each window directly from what happened after earlier decision points
(landmarking: van Houwelingen & Putter, Dynamic Prediction in Clinical Survival Analysis, 2012, ch. 7).
Members are boosted trees, the same for each cause of failure where causes have events of their own, and a
linear model; each is fitted on three quarters of the devices and weighed and calibrated on the others.

When it does not work: failures that announce themselves by nothing that is measured (it then says the base
rate of the kind and age), a fleet that has changed since the fit, devices whose failures are always prevented
in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import PredictionError
from homepot_ai.prediction import features
from homepot_ai.prediction.calibration import Band, Stack, logit, sigmoid
from homepot_ai.prediction.encoding import Encoder, positions, rates
from homepot_ai.prediction.features import Feature
from homepot_ai.prediction.records import HORIZONS, Fact, Histories
from homepot_ai.prediction.trees import Trees

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
#: A fleet's windows in days, by the names of HORIZONS.
FLEET_WINDOWS: Mapping[str, tuple[float, float]] = {
    name: (since / 24, until / 24) for name, (since, until) in HORIZONS.items()
}
#: Failures per device and day that is assumed before any is known: one in ten devices a year.
PRIOR_RATE = 0.1 / 365
#: Rows whose probabilities are worked out together.
BLOCK = 100_000


@dataclass(frozen=True)
class Window:
    """The members of one window of one fold: log odds of failure in (since, until]."""

    trees: Trees
    by_cause: Trees | None
    linear: Floats
    intercept: float


@dataclass(frozen=True)
class Member:
    """What was learned from all folds but one."""

    encoder: Encoder
    cause_rate: Floats
    windows: tuple[Window, ...]
    life: Trees | None


@dataclass(frozen=True)
class Prediction:
    """What the model says of n devices.

    Attributes:
        probability: [n, windows], in the order of `FailureModel.windows`.
        life: [n, 3], steps left: 0.1, 0.5 and 0.9 quantiles, at most `FailureModel.life_limit`, which stands
            for that or more; NaN where the model cannot say it.
        base: [windows], probability of the average device: the trivial answer.
        facts: per position of a device that was to be explained, what pushed its probability most.
    """

    probability: Floats
    life: Floats
    base: Floats
    facts: Mapping[int, tuple[Fact, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FailureModel:
    """A fitted model, or the prior one: no members, only rates of kinds and past failures of a device.

    Attributes:
        kind: 'prior' where there were too few failures to learn from.
        windows: name to (since, until] in steps; base: probability of the average decision point in each.
        memory: steps that features look back (see features.build).
        features: the columns that members take; own: [causes, k], columns that concern a cause.
        kinds, rate: log failures per step of each kind, as in `encoding.rates`.
        usual: [kinds + 1, features], medians of a kind's decision points; the last for unknown kinds.
        scale: [features], usual distance from `usual`.
        threshold: [windows], see calibration.alarm_threshold.
        devices, steps, failures: what it was learned from.
    """

    kind: Literal["prior", "learned"]
    windows: Mapping[str, tuple[float, float]]
    base: Floats
    memory: int | None
    life_limit: float
    features: tuple[Feature, ...]
    own: Positions
    kinds: npt.NDArray[np.str_]
    rate: Floats
    usual: Floats
    scale: Floats
    members: tuple[Member, ...]
    stacks: tuple[Stack, ...]
    band: Band | None
    threshold: Floats
    devices: int
    steps: int
    failures: int

    @property
    def forecaster(self) -> str:
        return "hazard"

    def predict(
        self,
        histories: Histories,
        device: npt.ArrayLike,
        step: npt.ArrayLike,
        *,
        explain: Sequence[int] = (),
        window: str | None = None,
    ) -> Prediction:
        """Judge devices at a step (one for all, or one for each).

        Args:
            device: [n], positions in `histories`.
            explain: positions within `device` whose facts are wanted, about the window named `window`
                (default: the second, or the only one).

        Raises:
            PredictionError: a position or step is not in `histories`.
        """
        at = np.asarray(device, np.int64)
        steps = np.broadcast_to(np.asarray(step, np.int64), at.shape)
        if len(at) and (at.min() < 0 or at.max() >= len(histories.devices)):
            raise PredictionError(
                f"there are {len(histories.devices)} devices, asked for position {at.max()}"
            )
        if len(at) and (steps.min() < 0 or steps.max() > histories.measures.shape[1]):
            raise PredictionError(
                f"histories have {histories.measures.shape[1]} steps, asked for step {steps.max()}"
            )
        kinds = histories.kinds.astype(str)[at]
        if self.kind == "prior":
            return self._prior(histories, at, steps, kinds)
        probability = np.empty((len(at), len(self.windows)))
        life = np.full((len(at), 3), np.nan)
        for begin in range(0, len(at), BLOCK):
            rows = slice(begin, begin + BLOCK)
            x = self.rows(histories, at[rows], steps[rows])
            probability[rows], life[rows] = self.judge(x, kinds[rows])
        facts: dict[int, tuple[Fact, ...]] = {}
        if len(explain):
            from homepot_ai.prediction.explain import explain as told

            wanted = np.asarray(explain, np.int64)
            names = list(self.windows)
            column = names.index(window) if window is not None else min(1, len(names) - 1)
            x = self.rows(histories, at[wanted], steps[wanted])
            facts = dict(zip(wanted.tolist(), told(self, x, kinds[wanted], column), strict=True))
        return Prediction(probability, life, self.base, facts)

    def rows(self, histories: Histories, device: Positions, step: Positions) -> npt.NDArray[np.float32]:
        """float32 [n, features] in the model's columns; what these histories do not have is NaN, events 0."""
        # Events go by the names that were learned: how many names these histories have must not matter.
        names = dict.fromkeys(
            f.source for f in self.features if f.what == "count" and f.source != features.FAILED
        )
        known = features.named(histories, tuple(names))
        x, found = features.build(known, device, step, memory=self.memory)
        at = {feature: column for column, feature in enumerate(found)}
        gone = [0.0 if feature.what in ("count", "kinds") else np.nan for feature in self.features]
        taken = np.empty((len(x), len(self.features)), np.float32)
        for column, feature in enumerate(self.features):
            taken[:, column] = x[:, at[feature]] if feature in at else gone[column]
        return taken

    def judge(self, x: npt.NDArray[np.float32], kinds: npt.NDArray[np.str_]) -> tuple[Floats, Floats]:
        """Probabilities [n, windows] and life [n, 3] for rows: the mean over the members."""
        inputs = [member.encoder.inputs(x, kinds) for member in self.members]
        probability = np.empty((len(x), len(self.windows)))
        for number in range(len(self.windows)):
            probability[:, number] = self.chance(x, kinds, number, inputs)
        life = np.full((len(x), 3), np.nan)
        if self.band is not None:
            left = [m.life.predict(own) for m, own in zip(self.members, inputs, strict=True) if m.life]
            life = self.band.predict(np.mean(left, axis=0), self.life_limit)
        return probability, life

    def chance(
        self,
        x: npt.NDArray[np.float32],
        kinds: npt.NDArray[np.str_],
        number: int,
        inputs: Sequence[npt.NDArray[np.float32]] | None = None,
    ) -> Floats:
        """Probability [n] of one window for rows; inputs: what the members' encoders make of them."""
        if inputs is None:
            inputs = [member.encoder.inputs(x, kinds) for member in self.members]
        each = [
            self.stacks[number].predict(odds(member, number, x, own, kinds, self.own))
            for member, own in zip(self.members, inputs, strict=True)
        ]
        found: Floats = np.mean(each, axis=0)
        return found

    def _prior(
        self, histories: Histories, at: Positions, step: Positions, kinds: npt.NDArray[np.str_]
    ) -> Prediction:
        """The kind's rate, mixed with what happened to the device itself (one expected failure's worth)."""
        rate = np.exp(self.rate[positions(self.kinds, kinds)])
        failed = np.zeros(len(at))
        for position in range(len(at)):
            mine = histories.failure_device == at[position]
            failed[position] = (mine & (histories.failure_step <= step[position])).sum()
        seen = np.maximum(step - histories.first_step[at] + 1, 0.0)
        rate = (failed + 1.0) / (seen + 1.0 / rate)
        since, until = np.array(list(self.windows.values())).T
        probability = np.exp(-rate[:, None] * since) - np.exp(-rate[:, None] * until)
        return Prediction(probability, np.full((len(at), 3), np.nan), self.base)


def odds(
    member: Member,
    number: int,
    x: npt.NDArray[np.float32],
    inputs: npt.NDArray[np.float32],
    kinds: npt.NDArray[np.str_],
    own: Positions,
) -> Floats:
    """What a fold's models of one window say: [n, trees, by cause if there is one, linear], log odds."""
    window = member.windows[number]
    said = [window.trees.predict(inputs)]
    if window.by_cause is not None:
        safe = np.ones(len(x))
        for cause in range(len(own)):
            safe *= 1 - sigmoid(window.by_cause.predict(cause_inputs(member, x, inputs, kinds, own, cause)))
        said.append(logit(1 - safe))
    said.append(member.encoder.linear(inputs) @ window.linear + window.intercept)
    return np.stack(said, axis=1)


def cause_inputs(
    member: Member,
    x: npt.NDArray[np.float32],
    inputs: npt.NDArray[np.float32],
    kinds: npt.NDArray[np.str_],
    own: Positions,
    cause: int,
) -> npt.NDArray[np.float32]:
    """Rows as one cause sees them: its own events and its rate among the kind's failures come first."""
    rate = member.cause_rate[cause][positions(member.encoder.kinds, kinds)]
    return np.concatenate([x[:, own[cause]], rate[:, None], inputs], axis=1, dtype=np.float32)


def prior(
    histories: Histories,
    windows: Mapping[str, tuple[float, float]] = FLEET_WINDOWS,
    *,
    memory: int | None = None,
) -> FailureModel:
    """The model for a fleet with few failures or none: rates only, each mixed with what is assumed
    beforehand.

    >>> import numpy as np
    >>> from homepot_ai.prediction.records import Histories
    >>> none = np.zeros(0, int)
    >>> quiet = Histories(np.array([1]), np.array(["pos"]), np.zeros(1), np.full(1, 30.0), np.full(1, np.nan),
    ...                   np.zeros((1, 30, 0), np.float32), (), none, np.zeros(0), none, (), none,
    np.zeros(0), none)
    >>> said = prior(quiet).predict(quiet, [0], 30)
    >>> [round(float(p), 4) for p in said.probability[0]]
    [0.0003, 0.0019, 0.0063]
    """
    kinds = histories.kinds.astype(str)
    known = np.unique(kinds)
    seen = np.maximum(histories.last_step - np.maximum(histories.first_step, 0.0), 0.0)
    failed = np.bincount(histories.failure_device, minlength=len(kinds)).astype(np.float64)
    # One failure at the assumed rate stands beside what was seen.
    total = (failed.sum() + 1) / (seen.sum() + 1 / PRIOR_RATE)
    share = (
        rates(positions(known, kinds), failed, np.maximum(seen, 1e-9), len(known))
        if len(known)
        else np.zeros(1)
    )
    rate = share - share[-1] + np.log(total)
    since, until = np.array(list(windows.values())).T
    none = np.zeros(0)
    return FailureModel(
        kind="prior",
        windows=dict(windows),
        base=np.exp(-total * since) - np.exp(-total * until),
        memory=memory,
        life_limit=np.nan,
        features=(),
        own=np.zeros((0, 0), np.int64),
        kinds=known,
        rate=rate,
        usual=np.zeros((len(known) + 1, 0)),
        scale=none,
        members=(),
        stacks=(),
        band=None,
        threshold=np.full(len(windows), 0.5),
        devices=len(kinds),
        steps=int(seen.sum()),
        failures=int(failed.sum()),
    )
