"""The failure model that judges now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homepot_ai.prediction import hazard, payload
from homepot_ai.prediction.hazard import FailureModel
from homepot_ai.prediction.records import Histories
from homepot_ai.store import hazards
from homepot_ai.store.database import Connection


@dataclass(frozen=True)
class InForce:
    """A model and the version it is told by; version 0: none was fitted yet, and what is assumed is said."""

    version: int
    model: FailureModel


def load_in_force(conn: Connection) -> InForce:
    """The model in force, or the prior one that knows nothing of this fleet yet.

    Raises:
        PredictionError: the stored model is damaged or of another version of this program.
    """
    found = hazards.in_force(conn)
    if found is None:
        return InForce(0, hazard.prior(nothing()))
    version, stored = found
    return InForce(version, payload.load(stored))


def nothing() -> Histories:
    """Histories of no device."""
    whole, real = np.zeros(0, np.int64), np.zeros(0)
    return Histories(
        devices=whole,
        kinds=np.zeros(0, str),
        first_step=real,
        last_step=real,
        age=real,
        measures=np.zeros((0, 0, 0), np.float32),
        measure_names=(),
        event_device=whole,
        event_step=real,
        event_kind=whole,
        event_names=(),
        failure_device=whole,
        failure_step=real,
        failure_cause=whole,
    )
