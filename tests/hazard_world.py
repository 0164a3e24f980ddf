"""Fleets in memory whose failures follow rules that are known: age, bursts of errors, a measure that
declines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from homepot_ai.prediction.records import Histories

EVENTS = ("error", "warning", "maintained")
#: Days before a failure in which errors come, and in which the measure declines.
BURST, DECLINE = 3.0, 15.0


def histories(
    devices: int = 120, days: int = 120, *, seed: int = 1, shape: float = 1.5, scale: float = 70.0
) -> Histories:
    """Devices that fail after Weibull times, are repaired at once and go on, or end with their failure.

    Four of five failures are announced: a day's `temperature` rises for DECLINE days, errors come in the last
    BURST. Warnings come at random and `load` wanders: they mean nothing. Kind "old" fails twice as often as
    "new".
    """
    rng = np.random.default_rng(seed)
    kinds = np.array(["old" if i % 2 else "new" for i in range(devices)])
    measures = np.empty((devices, days, 2), np.float32)
    measures[:, :, 0] = 40 + rng.normal(0, 1, (devices, days)) + rng.normal(0, 3, (devices, 1))
    measures[:, :, 1] = rng.normal(0, 1, (devices, days)).cumsum(axis=1) / 10
    last = np.full(devices, float(days))
    events: list[tuple[int, float, int]] = []
    failures: list[tuple[int, float]] = []
    for device in range(devices):
        at, ends = -rng.uniform(0, scale), rng.random() < 0.2
        while True:
            at += scale * rng.weibull(shape) * (0.7 if kinds[device] == "old" else 1.4)
            if at >= days:
                break
            if at <= 0:
                continue
            failures.append((device, at))
            if rng.random() < 0.8:
                row = np.arange(max(0, int(at - DECLINE)), int(at))
                measures[device, row, 0] += 1.2 * (row - (at - DECLINE))
                events += [(device, at - t, 0) for t in rng.uniform(0, BURST, 4) if at > t]
            if ends:
                last[device] = at
                measures[device, int(at) :] = np.nan
                break
        events += [(device, t, 1) for t in rng.uniform(0, days, rng.poisson(days / 8)) if t <= last[device]]
    return Histories(
        devices=np.arange(devices),
        kinds=kinds,
        first_step=np.zeros(devices),
        last_step=last,
        age=rng.uniform(0, 1000, devices),
        measures=measures,
        measure_names=("temperature", "load"),
        event_device=np.array([d for d, _, _ in events], np.int64),
        event_step=np.array([t for _, t, _ in events], np.float64),
        event_kind=np.array([k for _, _, k in events], np.int64),
        event_names=EVENTS,
        failure_device=np.array([d for d, _ in failures], np.int64),
        failure_step=np.array([t for _, t in failures], np.float64),
        failure_cause=np.zeros(len(failures), np.int64),
        causes=("temperature",),
    )


def with_failures(known: Histories, device: list[int], step: list[float]) -> Histories:
    """The same courses with other failures."""
    return replace(
        known,
        failure_device=np.array(device, np.int64),
        failure_step=np.array(step, np.float64),
        failure_cause=np.zeros(len(device), np.int64),
    )


def until(known: Histories, step: int) -> Histories:
    """What was known at a moment: rows, events and failures after it are not there."""
    events, failures = known.event_step <= step, known.failure_step <= step
    return replace(
        known,
        last_step=np.minimum(known.last_step, step),
        measures=known.measures[:, :step],
        event_device=known.event_device[events],
        event_step=known.event_step[events],
        event_kind=known.event_kind[events],
        failure_device=known.failure_device[failures],
        failure_step=known.failure_step[failures],
        failure_cause=known.failure_cause[failures],
    )
