"""Fitting the failure model: decision points, what came after them, folds of devices, members,
calibration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.prediction import calibration, encoding, features, hazard, trees
from homepot_ai.prediction.encoding import positions, rates
from homepot_ai.prediction.features import Feature
from homepot_ai.prediction.hazard import FLEET_WINDOWS, FailureModel, Member, Window
from homepot_ai.prediction.records import Histories

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FOLDS = 4
#: Decision points that are learned from: every one that failed afterwards, and of the others so many.
ROWS = 60_000
#: A cause has a model of its own from so many failures on.
CAUSE_FAILURES = 10
#: Of the linear member: larger trusts the data more. Rows count as failures, not as rows.
LINEAR_C = 0.3


@dataclass(frozen=True)
class Points:
    """Decision points and what came after them.

    Attributes:
        device, step: [r]; weight: [r], points that each stands for.
        happened, known: [r, windows], failure in the window; whether that is known (not censored).
        life: [r], steps to the next failure, at most the limit; NaN where it is not known.
        cause: [r, windows, causes], failure of this cause in the window.
    """

    device: Positions
    step: Positions
    weight: Floats
    happened: Flags
    known: Flags
    life: Floats
    cause: Flags


def fit(
    histories: Histories,
    windows: Mapping[str, tuple[float, float]] = FLEET_WINDOWS,
    *,
    life_limit: float | None = 90.0,
    memory: int | None = None,
    least_failures: int = 20,
    seed: int = 0,
) -> FailureModel:
    """Learn a model from what happened; the prior one where fewer than `least_failures` did.

    Args:
        windows: name to (since, until] in steps.
        life_limit: steps beyond which nothing is said of a device's remaining life; None: nothing at all.
    """
    failed_devices = np.unique(histories.failure_device)
    points = sample(histories, windows, life_limit, seed)
    # Each window and each fold must have both: some that failed in time and some that did not.
    counts = [
        len(np.unique(points.device[points.happened[:, n] & points.known[:, n]])) for n in range(len(windows))
    ]
    if len(histories.failure_step) < least_failures or (counts and min(counts) < 2 * FOLDS):
        return hazard.prior(histories, windows, memory=memory)
    x, named = features.build(histories, points.device, points.step, memory=memory)
    kinds = histories.kinds.astype(str)
    fold = folds(histories)[points.device]
    own = own_columns(histories, named)
    members: list[Member] = []
    said = [np.full((len(x), 2 + bool(len(own))), np.nan) for _ in windows]
    life = np.full(len(x), np.nan)
    for number in range(FOLDS):
        member = _member(histories, points, x, named, own, fold != number, len(windows), seed + number)
        members.append(member)
        out = fold == number
        inputs, row_kinds = (
            member.encoder.inputs(x[out], kinds[points.device[out]]),
            kinds[points.device[out]],
        )
        for window in range(len(windows)):
            said[window][out] = hazard.odds(member, window, x[out], inputs, row_kinds, own)
        if member.life is not None:
            life[out] = member.life.predict(inputs)
    stacks, base, threshold = [], [], []
    for window in range(len(windows)):
        rows = points.known[:, window]
        happened, weight = points.happened[rows, window], points.weight[rows]
        stacks.append(calibration.stack(said[window][rows], happened, weight, counts[window]))
        base.append(float(np.average(happened, weights=weight)))
        threshold.append(_threshold(stacks[-1].predict(said[window][rows]), happened, weight))
    rows = np.isfinite(life) & np.isfinite(points.life)
    band = calibration.band(life[rows], points.life[rows]) if rows.sum() >= 100 else None
    known, usual, scale = _usual(x, kinds[points.device], np.unique(kinds))
    seen, failed = exposure(histories)
    return FailureModel(
        kind="learned",
        windows=dict(windows),
        base=np.array(base),
        memory=memory,
        life_limit=np.nan if life_limit is None else life_limit,
        features=named,
        own=own,
        kinds=known,
        rate=rates(positions(known, kinds), failed, seen, len(known)),
        usual=usual,
        scale=scale,
        members=tuple(members),
        stacks=tuple(stacks),
        band=band if all(member.life is not None for member in members) else None,
        threshold=np.array(threshold),
        devices=len(kinds),
        steps=int(seen.sum()),
        failures=len(histories.failure_step) if len(failed_devices) else 0,
    )


def _member(
    histories: Histories,
    points: Points,
    x: npt.NDArray[np.float32],
    named: tuple[Feature, ...],
    own: Positions,
    use: Flags,
    windows: int,
    seed: int,
) -> Member:
    """Everything that one fold learns: from the rows `use` and their devices only."""
    kinds = histories.kinds.astype(str)
    seen, failed = exposure(histories)
    devices = np.unique(points.device[use])
    row_kinds = kinds[points.device]
    encoder = encoding.fit(x[use], named, row_kinds[use], kinds[devices], failed[devices], seen[devices])
    mine = np.isin(histories.failure_device, devices)
    cause_rate = np.stack(
        [
            rates(
                positions(encoder.kinds, kinds[devices]),
                np.bincount(
                    histories.failure_device[mine & (histories.failure_cause == cause)], minlength=len(kinds)
                )[devices].astype(np.float64),
                seen[devices],
                len(encoder.kinds),
            )
            for cause in range(len(own))
        ]
        or [np.zeros(1)]
    )
    bare = Member(encoder, cause_rate, (), None)
    inputs = encoder.inputs(x, row_kinds)
    fitted = []
    for window in range(windows):
        rows = use & points.known[:, window]
        happened = points.happened[rows, window]
        failures = len(np.unique(points.device[rows][happened]))
        weight = points.weight[rows]
        known = int(failed[devices].sum())
        shift = -float(np.log(points.weight.max()))
        grown = trees.boost(inputs[rows], happened, classes=True, failures=known, seed=seed, shift=shift)
        by_cause = None
        if len(own):
            parts = [
                hazard.cause_inputs(bare, x[rows], inputs[rows], row_kinds[rows], own, c)
                for c in range(len(own))
            ]
            by_cause = trees.boost(
                np.concatenate(parts),
                np.concatenate([points.cause[rows, window, c] for c in range(len(own))]),
                classes=True,
                failures=known,
                seed=seed,
                shift=shift,
            )
        fitted.append(
            Window(grown, by_cause, *_linear(encoder.linear(inputs[rows]), happened, weight, failures))
        )
    rows = use & np.isfinite(points.life)
    ended = len(np.unique(points.device[rows & (points.life < np.nanmax(points.life, initial=0.0))]))
    life = None
    if ended >= CAUSE_FAILURES:
        life = trees.boost(inputs[rows], points.life[rows], classes=False, failures=ended, seed=seed)
    return Member(encoder, cause_rate, tuple(fitted), life)


def _linear(x: Floats, happened: Flags, weight: Floats, failures: int) -> tuple[Floats, float]:
    """Coefficients and intercept of a logistic regression in which rows count as `failures` failures."""
    from sklearn.linear_model import LogisticRegression

    counts = weight / weight[happened].sum() * max(failures, 1)
    found = LogisticRegression(C=LINEAR_C, max_iter=200, tol=1e-3).fit(x, happened, sample_weight=counts)
    return found.coef_[0].astype(np.float64), float(found.intercept_[0])


def _threshold(probability: Floats, happened: Flags, weight: Floats) -> float:
    """As calibration.alarm_threshold, for rows of which some stand for several."""
    share = np.round(weight / weight.min()).astype(np.int64)
    return calibration.alarm_threshold(np.repeat(probability, share), np.repeat(happened, share))


def _usual(
    x: npt.NDArray[np.float32], row_kinds: npt.NDArray[np.str_], known: npt.NDArray[np.str_]
) -> tuple[npt.NDArray[np.str_], Floats, Floats]:
    middle = encoding.medians(x)
    usual = np.tile(middle, (len(known) + 1, 1))
    for position, kind in enumerate(known):
        mine = encoding.medians(x[row_kinds == kind])
        usual[position] = np.where(np.isnan(mine), middle, mine)
    scale = np.nan_to_num(encoding.medians(np.abs(x - middle)), nan=1.0) * 1.4826
    filled = np.nan_to_num(np.where(np.isnan(x), middle, x) - middle, nan=0.0)
    spread = np.abs(filled).mean(axis=0)
    return known, usual, np.where(scale > 0, scale, np.maximum(spread, 1e-9))


def exposure(histories: Histories) -> tuple[Floats, Floats]:
    """Steps under observation and failures of each device."""
    seen = np.maximum(histories.last_step - np.maximum(histories.first_step, 0.0), 1e-9)
    failed = np.bincount(histories.failure_device, minlength=len(histories.devices))
    return seen, failed.astype(np.float64)


def folds(histories: Histories, count: int = FOLDS) -> Positions:
    """The fold of each device: by its name, with as many failed ones in each."""
    names = [hashlib.sha256(str(name).encode()).digest() for name in histories.devices]
    _, failed = exposure(histories)
    order = sorted(range(len(names)), key=lambda device: (failed[device] == 0, names[device]))
    found = np.empty(len(names), np.int64)
    found[order] = np.arange(len(names)) % count
    return found


def own_columns(histories: Histories, named: tuple[Feature, ...]) -> Positions:
    """[causes, k] columns about events "group:CAUSE"; none where causes have no events of their own.

    Where each cause has the same kinds of events (each component its replacements), one model of all
    causes learns from all of them what age does to any.
    """
    counts = np.bincount(histories.failure_cause, minlength=len(histories.causes))
    found = [
        [i for i, feature in enumerate(named) if cause and feature.source.partition(":")[2] == cause]
        for cause, count in zip(histories.causes, counts, strict=True)
        if count >= CAUSE_FAILURES
    ]
    enough = (
        len(found) > 1 and len(found) == len(histories.causes) and {len(f) for f in found} == {len(found[0])}
    )
    return np.array(found, np.int64) if enough and found[0] else np.zeros((0, 0), np.int64)


def every_point(histories: Histories) -> tuple[Positions, Positions]:
    """All decision points: each device at the end of each full step between its first and its last moment."""
    most = histories.measures.shape[1]
    first = np.clip(np.ceil(histories.first_step), 0, most).astype(np.int64) + 1
    count = np.maximum(np.minimum(np.floor(histories.last_step), most).astype(np.int64) - first + 1, 0)
    device = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(device)) - np.repeat(np.cumsum(count) - count, count) + first[device]
    return device, step


def label(
    histories: Histories,
    device: Positions,
    step: Positions,
    since: float,
    until: float,
    cause: int | None = None,
) -> tuple[Flags, Flags]:
    """Whether a failure lies in (step + since, step + until], and whether that is known.

    It is known when the window ends before the record does, and before the device leaves it, or the device
    failed in it.
    """
    take = slice(None) if cause is None else histories.failure_cause == cause
    times = features.Times(
        histories.failure_device[take], histories.failure_step[take], len(histories.devices)
    )
    moment = step.astype(np.float64) + 1e-9
    happened = times.until(device, moment + until) > times.until(device, moment + since)
    end = histories.last_step.max(initial=0.0)
    known = (step + until <= end + 1e-9) & (happened | (step + until <= histories.last_step[device] + 1e-9))
    return happened, known


def sample(
    histories: Histories, windows: Mapping[str, tuple[float, float]], life_limit: float | None, seed: int
) -> Points:
    """The decision points that are learned from: all that a failure follows, and a share of the others."""
    device, step = every_point(histories)
    failures = features.Times(histories.failure_device, histories.failure_step, len(histories.devices))
    coming = failures.until(device, step.astype(np.float64))
    there = coming < np.append(failures.begin[1:], len(failures.step))[device]
    ahead = np.full(len(device), np.nan)
    if len(failures.step):
        ahead = np.where(there, failures.step[np.where(there, coming, 0)] - step, np.nan)
    reach = max([until for _, until in windows.values()], default=life_limit or 0.0)
    interesting = ahead <= reach + 1e-9
    share = min(1.0, ROWS / max(int((~interesting).sum()), 1))
    take = interesting | (np.random.default_rng(seed).random(len(device)) < share)
    weight = np.where(interesting, 1.0, 1.0 / share)[take]
    device, step, ahead = device[take], step[take], ahead[take]
    lasts = histories.last_step[device] - step
    life = np.full(len(device), np.nan)
    if life_limit is not None:
        lasting = np.where(lasts >= life_limit, life_limit, np.nan)
        life = np.where(np.isfinite(ahead), np.minimum(ahead, life_limit), lasting)
    labels = [label(histories, device, step, *window) for window in windows.values()]
    causes = [
        [label(histories, device, step, *window, cause)[0] for cause in range(len(histories.causes))]
        for window in windows.values()
    ]
    empty = np.zeros((len(device), 0), bool)
    by_cause = np.zeros((len(device), len(windows), len(histories.causes)), bool)
    for number, found in enumerate(causes):
        for cause, happened in enumerate(found):
            by_cause[:, number, cause] = happened
    return Points(
        device,
        step,
        weight,
        np.stack([h for h, _ in labels], axis=1) if labels else empty,
        np.stack([k for _, k in labels], axis=1) if labels else empty,
        life,
        by_cause,
    )
