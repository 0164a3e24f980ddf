"""Telemetry as arrays: what the reader hands to the rest of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

PROVENANCES = ("real", "controlled", "simulated")


@dataclass(frozen=True)
class Rows:
    """One entry per telemetry row, sorted by (device, time); duplicates are gone.

    Attributes:
        id: int64 [R], HOMEPOT's row number, grows with arrival.
        device_id: int64 [R].
        t: float64 [R], seconds since 1970 UTC.
        provenance: int8 [R], index into PROVENANCES; rows that say nothing are `real`.
        interval_s: float32 [R], seconds between samples as the writer says, NaN unknown.
        count: float64 [R], the transaction counter as written, NaN none.
        writer: int8 [R], index into writers.WRITERS.
    """

    id: Ints
    device_id: Ints
    t: Floats
    provenance: npt.NDArray[np.int8]
    interval_s: npt.NDArray[np.float32]
    count: Floats
    writer: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class Counters:
    """Each device's transaction counter as last seen, so that the first row of a window has a row before.

    Attributes:
        device_id: int64 [D]; count, t: float64 [D], NaN none; writer: int8 [D].
    """

    device_id: Ints
    count: Floats
    t: Floats
    writer: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Samples:
    """Telemetry of a stretch of time, long form: one entry per value.

    Attributes:
        rows: what the values hang on.
        row: int32 [N], index into rows.
        metric: int32 [N], index into names.
        value: float64 [N], finite and possible, in the metric's unit.
        names: canonical metric names.
        rejected: how many values or rows were left out, by reason.
        assumed: what was taken for granted about a writer, one sentence each.
    """

    rows: Rows
    row: Codes
    metric: Codes
    value: Floats
    names: tuple[str, ...]
    rejected: Mapping[str, int]
    assumed: tuple[str, ...]
