"""The weekly fit of the failure model: read, fit, check on devices it has not seen, keep the better.

    plan    up to which hour, is there such a fit already          (database, read)
    read    the fleet's histories                                  (database, read)
    learn   fit, check beside the base rate and the one in force   (pure)
    keep    record and switch                                      (one transaction)

A quarter of the devices, always the same by name, is held out of a twin of the model. Twins are compared on
them, the new one's with that of the model in force, since neither saw these devices; what is adopted is
fitted on all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import PredictionError
from homepot_ai.prediction import history, payload, training
from homepot_ai.prediction.hazard import FLEET_WINDOWS, FailureModel, prior
from homepot_ai.prediction.hazards_page import HazardSummary
from homepot_ai.prediction.records import Histories
from homepot_ai.settings import Settings
from homepot_ai.store import hazards
from homepot_ai.store.database import Connection, Database

Floats = npt.NDArray[np.float64]
HELD_OUT = 4
#: Devices that failed among those held out, below which a check says nothing.
LEAST_CHECKED = 4
#: How much worse than the model in force a new one may look: what two checks differ by chance.
TOLERANCE = 1.02
#: Days beyond which nothing is said of a device's remaining life.
LIFE_DAYS = 90.0


@dataclass(frozen=True)
class HazardPlan:
    """What is to be fitted.

    Attributes:
        until: end of the last hour that is looked at; days: how far back.
        done: the version that was fitted on the same data before.
        outdated: later data were fitted before: this fit is a look back, and not adopted.
    """

    until: datetime
    days: int
    done: int | None
    outdated: bool


@dataclass(frozen=True)
class Learned:
    """A fit and its check.

    Attributes:
        model: what would be used; twin: the same without the devices that are held out.
        scores: log loss and Brier score a decision point, by forecaster and window; what was counted.
    """

    model: FailureModel
    twin: FailureModel | None
    adopted: bool
    reason: str
    scores: Mapping[str, Any] = field(default_factory=dict)


def plan(db: Database, settings: Settings, *, at: datetime, now: datetime) -> HazardPlan:
    """Decide which data are looked at, and whether they were before.

    Raises:
        PredictionError: the moment lies in the future.
    """
    if at > now:
        raise PredictionError(f"{at:%Y-%m-%d %H:%M} UTC lies in the future: nothing has happened there yet")
    until = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with db.reader() as conn:
        newest = max((row.data_until for row in hazards.recent(conn, 50)), default=None)
        done = hazards.of_data(conn, until)
    return HazardPlan(until, settings.retention.hour_days, done, newest is not None and newest > until)


def learn(db: Database, settings: Settings, planned: HazardPlan) -> Learned:
    """Fit on the fleet's own history and check."""
    homepot_schema = settings.database.homepot_schema
    with db.reader() as conn:
        known = history.fleet_histories(
            conn, planned.until, planned.days, everybody=True, homepot_schema=homepot_schema
        )
        in_force, damaged = _in_force(conn)
    found = fit_and_check(
        known,
        in_force,
        memory=settings.prediction.history_days,
        least_failures=settings.prediction.least_failures,
    )
    if damaged:
        found = replace(found, reason=f"{found.reason}; compared with none: {damaged}")
    if planned.outdated and found.adopted:
        return replace(found, adopted=False, reason="later data were fitted before: this is a look back")
    return found


def _in_force(conn: Connection) -> tuple[tuple[FailureModel, FailureModel | None] | None, str]:
    """The model in force and its twin; or none and why: a new fit is what mends a damaged one."""
    try:
        stored = hazards.in_force(conn)
        return (None if stored is None else payload.unpack(stored[1])), ""
    except PredictionError as error:
        return None, str(error)


def fit_and_check(
    histories: Histories,
    in_force: tuple[FailureModel, FailureModel | None] | None,
    *,
    memory: int | None = 30,
    least_failures: int = 20,
    windows: Mapping[str, tuple[float, float]] = FLEET_WINDOWS,
) -> Learned:
    """Fit a model and decide whether it is to be used.

    Args:
        in_force: the model in force and its twin; None: there is none.
    """
    before = None if in_force is None else in_force[0]
    rates = prior(histories, windows, memory=memory)
    failed = len(histories.failure_step)
    if failed < least_failures:
        why = f"{failed} failures are known, {least_failures} are needed to learn: rates of kinds of devices"
        return _without(rates, before, why)
    held = held_out(histories)
    apart = len(np.unique(histories.failure_device[held[histories.failure_device]]))
    settings: dict[str, Any] = {
        "memory": memory,
        "least_failures": least_failures * (HELD_OUT - 1) // HELD_OUT,
        "life_limit": LIFE_DAYS,
    }
    twin = training.fit(chosen(histories, ~held), windows, **settings)
    if twin.kind == "prior" or apart < LEAST_CHECKED:
        why = f"too few devices failed ({apart} of those held out) to check what was learned: rates of kinds"
        return _without(rates, before, why)
    rivals = {"new": twin}
    older = None if in_force is None else in_force[1]
    if older is not None and older.windows == dict(windows):
        rivals["in_force"] = older
    scores = compare(rivals, chosen(histories, held), windows) | {"failed_held_out": apart}
    new, base = scores["new"]["log_loss"], scores["base_rate"]["log_loss"]
    if new >= base:
        return _without(rates, before, "not better than the base rate on devices it did not see", scores)
    if "in_force" in rivals and new > scores["in_force"]["log_loss"] * TOLERANCE:
        return Learned(twin, twin, False, "worse than the model in force on devices neither saw", scores)
    model = training.fit(histories, windows, **(settings | {"least_failures": least_failures}))
    gain = 1 - new / base
    return Learned(
        model, twin, True, f"{gain:.0%} less log loss than the base rate on unseen devices", scores
    )


def _without(
    rates: FailureModel, before: FailureModel | None, why: str, scores: Mapping[str, Any] | None = None
) -> Learned:
    """Nothing could be learned: rates replace older rates or nothing, but never a learned model."""
    use = before is None or before.kind == "prior"
    return Learned(rates, None, use, why if use else f"{why}; the learned model stays", scores or {})


def compare(
    rivals: Mapping[str, FailureModel], histories: Histories, windows: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    """Log loss and Brier score of forecasters and the base rate at every decision point with a known outcome.

    The base rate is that of the new model: of the devices it was fitted on, as the model itself.
    """
    points = training.sample(histories, windows, None, seed=1)
    told: dict[str, Floats] = {
        name: model.predict(histories, points.device, points.step).probability
        for name, model in rivals.items()
    }
    told["base_rate"] = np.tile(rivals["new"].base, (len(points.device), 1))
    scores: dict[str, Any] = {}
    for name, probability in told.items():
        each: dict[str, Any] = {}
        for number, window in enumerate(windows):
            rows = points.known[:, number]
            y, weight = points.happened[rows, number], points.weight[rows]
            p = np.clip(probability[rows, number], 1e-6, 1 - 1e-6)
            if not len(y):
                continue
            each[window] = {
                "log_loss": float(np.average(-np.where(y, np.log(p), np.log1p(-p)), weights=weight)),
                "brier": float(np.average((p - y) ** 2, weights=weight)),
                "happened": float(np.average(y, weights=weight)),
            }
        total = float(np.mean([one["log_loss"] for one in each.values()])) if each else float("inf")
        scores[name] = {"log_loss": total, "windows": each}
    return scores


def keep(db: Database, planned: HazardPlan, found: Learned, now: datetime) -> int:
    """Record a fit and, where it passed, put it in force: one transaction. Gives its version."""
    model = found.model
    row = {
        "fitted_at": now,
        "data_from": planned.until - timedelta(days=planned.days),
        "data_until": planned.until,
        "devices": model.devices,
        "device_days": model.steps,
        "failures": model.failures,
        "kind": model.kind,
        "scores": found.scores,
        "adopted": found.adopted,
        "reason": found.reason,
    }
    with db.writer() as conn:
        return hazards.store(conn, row, payload.pack(model, found.twin))


def use(db: Database, *, version: int, now: datetime) -> int:
    """Put an earlier model in force again, as a new version.

    Raises:
        NotFound: it is not kept.
    """
    with db.writer() as conn:
        return hazards.put_back(conn, version, reason=f"version {version} put back by hand", now=now)


def held_out(histories: Histories) -> npt.NDArray[np.bool_]:
    """Which devices are held out of twins: by name, so that they are the same in every fit."""
    hashed = (hashlib.sha256(f"held out {name}".encode()).digest()[0] for name in histories.devices)
    return np.array([value % HELD_OUT == 0 for value in hashed], bool)


def chosen(histories: Histories, take: npt.NDArray[np.bool_]) -> Histories:
    """The histories of some devices."""
    at = np.cumsum(take) - 1
    events, failures = take[histories.event_device], take[histories.failure_device]
    return replace(
        histories,
        devices=histories.devices[take],
        kinds=histories.kinds[take],
        first_step=histories.first_step[take],
        last_step=histories.last_step[take],
        age=histories.age[take],
        measures=histories.measures[take],
        event_device=at[histories.event_device[events]],
        event_step=histories.event_step[events],
        event_kind=histories.event_kind[events],
        failure_device=at[histories.failure_device[failures]],
        failure_step=histories.failure_step[failures],
        failure_cause=histories.failure_cause[failures],
    )


def summary(db: Database, version: int) -> HazardSummary:
    """What is recorded of a fit."""
    with db.reader() as conn:
        rows = hazards.recent(conn, 10_000)
    return HazardSummary(next(row for row in rows if row.version == version), rows)
