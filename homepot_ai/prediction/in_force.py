"""The failure model that judges now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.errors import PredictionError
from homepot_ai.prediction import payload
from homepot_ai.prediction.hazard import FailureModel
from homepot_ai.prediction.records import Fact, Histories
from homepot_ai.store import hazards
from homepot_ai.store.database import Connection

Floats = npt.NDArray[np.float64]
#: The devices, likeliest to fail first, that are told why.
EXPLAINED = 200


@dataclass(frozen=True)
class InForce:
    """A model and the version it is told by."""

    version: int
    model: FailureModel

    @property
    def label(self) -> str:
        """The version as the ledger and pages tell it: a model without enough failures says so."""
        return f"{self.version}-prior" if self.model.kind == "prior" else f"{self.version}"

    def predict(
        self, histories: Histories, device_positions: npt.NDArray[np.int64], step: float
    ) -> tuple[Floats, Floats, Sequence[Sequence[Fact]]]:
        """Probabilities [n, windows], life in steps [n, 3] (NaN unknown), facts of each device, strongest
        first.

        Facts are worked out for the EXPLAINED likeliest to fail within the second window (a week) or the
        first; the others have none.

        Args:
            step: the moment of the decision; rows of measures before it count.
        """
        said = self.model.predict(histories, device_positions, int(step))
        ranks = (said.probability / np.maximum(said.base, 1e-12)).max(axis=1, initial=0.0)
        likeliest = np.argsort(-ranks, kind="stable")[:EXPLAINED]
        told = self.model.predict(
            histories, device_positions[likeliest], int(step), explain=range(len(likeliest))
        )
        facts: list[tuple[Fact, ...]] = [()] * len(device_positions)
        for place, found in told.facts.items():
            facts[int(likeliest[place])] = found
        return said.probability, said.life, facts


def load_in_force(conn: Connection) -> InForce | None:
    """The model in force; None before the first fit.

    Raises:
        PredictionError: the stored model is damaged or of another version of this program.
    """
    found = hazards.in_force(conn)
    if found is None:
        return None
    version, stored = found
    return InForce(version, payload.unpack(stored)[0])


def load_version(conn: Connection, version: int) -> InForce:
    """Any model that is kept.

    Raises:
        PredictionError: it is not kept, damaged, or of another version of this program.
    """
    found = hazards.of_version(conn, version)
    if found is None:
        raise PredictionError(
            f"failure model {version} is not kept: `homepot-ai hazards` lists those that are"
        )
    return InForce(version, payload.unpack(found[1])[0])
