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
        percent: bool [R], the device has shown by now that an unknown writer's error_rate is a percentage.
    """

    id: Ints
    device_id: Ints
    t: Floats
    provenance: npt.NDArray[np.int8]
    interval_s: npt.NDArray[np.float32]
    count: Floats
    writer: npt.NDArray[np.int8]
    percent: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class Counters:
    """Each device's transaction counter as last seen, so that the first row of a window has a row before.

    Attributes:
        device_id: int64 [D]; count, t: float64 [D], NaN none; writer: int8 [D].
        percent: bool [D], its error_rate was once above 1: an unknown writer's ratio it is not.
    """

    device_id: Ints
    count: Floats
    t: Floats
    writer: npt.NDArray[np.int8]
    percent: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """What earlier runs have taken, so that a row is used, and counted when it is garbage, only once.

    Attributes:
        device_id: int64 [D], sorted; last_t: float64 [D], time of the newest row taken, NaN none.
        last_id: newest row number of the last look; until: how far in time that one read.
    """

    device_id: Ints
    last_t: Floats
    last_id: int
    until: float

    def covers(self, id_: Ints, device_id: Ints, t: Floats) -> npt.NDArray[np.bool_]:
        """Bool [R]: rows that an earlier run has read already."""
        earlier: npt.NDArray[np.bool_] = (id_ <= self.last_id) & (t <= self.until)
        if not len(self.device_id) or not earlier.any():
            return earlier
        position = np.minimum(np.searchsorted(self.device_id, device_id), len(self.device_id) - 1)
        known = self.device_id[position] == device_id
        # A small number alone says nothing: slow transactions are seen after quicker ones.
        taken: npt.NDArray[np.bool_] = ~known | (t <= self.last_t[position])
        return earlier & taken

    def behind(self, t: float) -> Ints:
        """Devices without a row since `t`: whatever comes late of them is of use."""
        behind: Ints = self.device_id[~(self.last_t > t)]
        return behind


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
