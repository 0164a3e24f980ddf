"""What the readers remember between runs, per device: last sample, provenance, status, checks."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from homepot_ai.health.records import CRITICAL, HEALTHY, WARNING

Floats = npt.NDArray[np.float64]


PER_DEVICE = (
    "last_t", "provenance", "interval_s", "status", "ill_since", "failed", "failed_t",
    "count", "count_t", "count_writer", "percent",
)  # fmt: skip


@dataclass
class Cursor:
    """Arrays over the shard's devices, sorted by id, plus the newest row numbers seen.

    Attributes:
        device_id: int64 [D].
        last_t: float64 [D], time of the newest sample taken, NaN for none.
        provenance: int8 [D], of that sample (index into fleet.records.PROVENANCES).
        interval_s: float32 [D], collection interval as the writer says, NaN unknown.
        status: int8 [D], last status, -1 before the first.
        ill_since: float64 [D], when the device was first ill since it was last healthy, NaN for not ill.
        failed: float32 [D], failed checks in a row; failed_t: float64 [D], time of the last check.
        count, count_t: float64 [D], transaction counter and its time; count_writer: int8 [D].
        percent: bool [D], error_rate is a percentage (see fleet.records.Counters).
        last_id: newest telemetry row seen; checks_id: newest health check seen.
        future_ids: int64 [F], rows that claimed a time still to come: never scored.
    """

    device_id: npt.NDArray[np.int64]
    last_t: Floats
    provenance: npt.NDArray[np.int8]
    interval_s: npt.NDArray[np.float32]
    status: npt.NDArray[np.int8]
    ill_since: Floats
    failed: npt.NDArray[np.float32]
    failed_t: Floats
    count: Floats
    count_t: Floats
    count_writer: npt.NDArray[np.int8]
    percent: npt.NDArray[np.bool_]
    future_ids: npt.NDArray[np.int64]
    last_id: int = 0
    checks_id: int = 0

    @classmethod
    def empty(cls) -> Cursor:
        """Nothing seen yet."""
        return cls(
            device_id=np.empty(0, np.int64),
            last_t=np.empty(0, np.float64),
            provenance=np.empty(0, np.int8),
            interval_s=np.empty(0, np.float32),
            status=np.empty(0, np.int8),
            ill_since=np.empty(0, np.float64),
            failed=np.empty(0, np.float32),
            failed_t=np.empty(0, np.float64),
            count=np.empty(0, np.float64),
            count_t=np.empty(0, np.float64),
            count_writer=np.empty(0, np.int8),
            percent=np.empty(0, np.bool_),
            future_ids=np.empty(0, np.int64),
        )

    def for_devices(self, device_id: npt.NDArray[np.int64]) -> Cursor:
        """The same memory laid out over today's devices; new ones start blank, gone ones are dropped."""
        if np.array_equal(device_id, self.device_id):
            return self
        n = len(device_id)
        laid = Cursor(
            device_id=device_id,
            last_t=np.full(n, np.nan),
            provenance=np.zeros(n, np.int8),
            interval_s=np.full(n, np.nan, np.float32),
            status=np.full(n, -1, np.int8),
            ill_since=np.full(n, np.nan),
            failed=np.zeros(n, np.float32),
            failed_t=np.full(n, np.nan),
            count=np.full(n, np.nan),
            count_t=np.full(n, np.nan),
            count_writer=np.zeros(n, np.int8),
            percent=np.zeros(n, np.bool_),
            future_ids=self.future_ids,
            last_id=self.last_id,
            checks_id=self.checks_id,
        )
        _, new, old = np.intersect1d(device_id, self.device_id, assume_unique=True, return_indices=True)
        for name in PER_DEVICE:
            getattr(laid, name)[new] = getattr(self, name)[old]
        return laid

    def note_status(self, status: npt.NDArray[np.int8], t: float) -> None:
        """Remember a minute's statuses, and since when a device is ill: silence does not heal it."""
        ill = (status == WARNING) | (status == CRITICAL)
        since = np.where(ill & np.isnan(self.ill_since), t, self.ill_since)
        self.ill_since = np.where(status == HEALTHY, np.nan, since)
        self.status = status.copy()

    def dump(self) -> bytes:
        """Bytes that `load` turns back into the same; equal memories give equal bytes."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def load(cls, payload: bytes | bytearray) -> Cursor:
        """The inverse of `dump`."""
        with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
            values = {field.name: arrays[field.name] for field in fields(cls)}
        last_id, checks_id = int(values.pop("last_id")), int(values.pop("checks_id"))
        return cls(**values, last_id=last_id, checks_id=checks_id)
