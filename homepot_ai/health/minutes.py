"""From telemetry and logs of a stretch of time to what the engine takes, minute by minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from homepot_ai.fleet import schedules
from homepot_ai.fleet.records import Samples
from homepot_ai.fleet.signals import SignalCounter, Signals
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.engine import Engine
from homepot_ai.health.records import DeviceFrame, Observations

MINUTE_S = 60.0
# Empty cells per value from which sorting is cheaper than a table of devices and metrics.
SPARSE = 16
# The newest heartbeat is all that HOMEPOT keeps; a past minute can only use it when it is close.
HEARTBEAT_SLACK_S = 120.0


@dataclass(frozen=True)
class Fleet:
    """A shard's devices as arrays, sorted by id.

    Attributes:
        device_id: int64 [D]; public_id, name, device_type: [D]; site_id: int64 [D].
        last_heartbeat, created: float64 [D], seconds since 1970 UTC, NaN unknown.
        excluded: bool [D].
        zones: site id to IANA zone; maintenance: flagged weekdays of all sites.
        alarm_offset: float32 [D], decades that marks added to what opens an episode; None: nothing.
    """

    device_id: npt.NDArray[np.int64]
    public_id: Sequence[str]
    name: Sequence[str]
    device_type: npt.NDArray[np.object_]
    site_id: npt.NDArray[np.int64]
    last_heartbeat: npt.NDArray[np.float64]
    created: npt.NDArray[np.float64]
    excluded: npt.NDArray[np.bool_]
    zones: Mapping[int, str]
    maintenance: Sequence[schedules.MaintenanceDay]
    alarm_offset: npt.NDArray[np.float32] | None = None

    def in_maintenance(self, t: float) -> npt.NDArray[np.bool_]:
        """Bool [D]: whose site is being maintained at `t`."""
        if not self.maintenance:
            return np.zeros(len(self.device_id), dtype=bool)
        sites = schedules.sites_in_maintenance(self.maintenance, self.zones, datetime.fromtimestamp(t, UTC))
        return np.isin(self.site_id, np.array(sorted(sites), dtype=np.int64))


@dataclass(frozen=True)
class Minute:
    """One minute ready for the engine."""

    observations: Observations
    devices: DeviceFrame


def usable_rows(
    samples: Samples, cursor: Cursor, until: float, rejected: Counter[str]
) -> npt.NDArray[np.int64]:
    """Each row's device position, or -1 where the row is not (or not again) to be scored.

    Rows of unknown devices, rows that once claimed the future and rows not
    newer than the device's last sample are left out; what is lost is counted.
    """
    rows = samples.rows
    if not len(cursor.device_id):
        rejected["unknown_device"] += len(rows)
        return np.full(len(rows), -1, dtype=np.int64)
    position = np.searchsorted(cursor.device_id, rows.device_id)
    position = np.minimum(position, len(cursor.device_id) - 1)
    known = cursor.device_id[position] == rows.device_id
    future = np.isin(rows.id, cursor.future_ids)
    seen = rows.t <= np.nan_to_num(cursor.last_t[position], nan=-np.inf)
    rejected["unknown_device"] += int((~known).sum())
    # Rows below the last look's number were read by an earlier run; newer ones came out of order.
    rejected["out_of_order"] += int((known & seen & ~future & (rows.id > cursor.last_id)).sum())
    return np.where(known & ~future & ~seen & (rows.t <= until), position, -1)


def iterate(
    engine: Engine,
    fleet: Fleet,
    cursor: Cursor,
    samples: Samples,
    signals: Signals,
    minutes: Sequence[float],
    rejected: Counter[str],
) -> Iterator[Minute]:
    """Yield each minute in order, moving the cursor along.

    Args:
        minutes: ends of the minutes, seconds since 1970, ascending, 60 apart.
        rejected: is added to.
    """
    count = len(fleet.device_id)
    counter = SignalCounter(signals, cursor.failed, cursor.failed_t)
    position = usable_rows(samples, cursor, minutes[-1], rejected)
    first_end = minutes[0]
    row_minute = np.maximum(np.ceil((samples.rows.t - first_end) / MINUTE_S), 0).astype(np.int64)
    row_order, row_bounds = _by_minute(row_minute, position >= 0, len(minutes))
    used = position[samples.row] >= 0
    value_order, value_bounds = _by_minute(row_minute[samples.row], used, len(minutes))
    codes = engine.metric_code(samples.names)[samples.metric]
    value_position = position[samples.row]
    for number, t in enumerate(minutes):
        rows = row_order[row_bounds[number] : row_bounds[number + 1]]
        _advance(cursor, samples, position, rows)
        pick = value_order[value_bounds[number] : value_bounds[number + 1]]
        counts = counter.at(t)
        cursor.failed, cursor.failed_t = counter.failed, counter.failed_t
        yield Minute(
            observations=_observations(
                t, fleet.device_id, value_position[pick], codes[pick], samples.value[pick]
            ),
            devices=DeviceFrame(
                device_id=fleet.device_id,
                device_type=fleet.device_type,
                interval_s=cursor.interval_s,
                last_sample=cursor.last_t,
                last_heartbeat=_heartbeat_at(fleet.last_heartbeat, t),
                created=fleet.created,
                excluded=fleet.excluded,
                maintenance=fleet.in_maintenance(t),
                sample_count=np.bincount(position[rows], minlength=count).astype(np.int32),
                alarm_offset=fleet.alarm_offset,
                signals=counts,
            ),
        )


def _by_minute(
    minute: npt.NDArray[np.int64], use: npt.NDArray[np.bool_], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of the used entries, grouped by minute, and where each group begins."""
    index = np.flatnonzero(use)
    if count == 1:
        return index, np.array([0, len(index)])
    order = index[np.argsort(minute[index], kind="stable")]
    return order, np.searchsorted(minute[order], np.arange(count + 1))


def _advance(
    cursor: Cursor, samples: Samples, position: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> None:
    # Rows are in order of (device, time): the last assignment to a device is its newest row.
    device = position[rows]
    cursor.last_t[device] = samples.rows.t[rows]
    cursor.provenance[device] = samples.rows.provenance[rows]
    interval = samples.rows.interval_s[rows]
    stated = np.isfinite(interval) & (interval > 0)
    cursor.interval_s[device[stated]] = interval[stated]
    counted = np.isfinite(samples.rows.count[rows])
    cursor.count[device[counted]] = samples.rows.count[rows][counted]
    cursor.count_t[device[counted]] = samples.rows.t[rows][counted]
    cursor.count_writer[device[counted]] = samples.rows.writer[rows][counted]
    cursor.percent[device[samples.rows.percent[rows]]] = True


def _observations(
    t: float,
    device_id: npt.NDArray[np.int64],
    position: npt.NDArray[np.int64],
    code: npt.NDArray[np.int32],
    value: npt.NDArray[np.float64],
) -> Observations:
    """The mean per device and metric. Dense sums beat sorting: a minute is mostly full.

    Not where every device has names of its own: that table would be nearly empty, and huge.
    """
    if not len(value):
        none = np.empty(0, dtype=np.int64)
        return Observations(t, none, none.astype(np.int32), np.empty(0))
    width = int(code.max()) + 1
    cell = position * width + code
    cells = len(device_id) * width
    if cells > SPARSE * len(value) + 1_000_000:
        there, cell = np.unique(cell, return_inverse=True)
        n, total = np.bincount(cell), np.bincount(cell, weights=value)
    else:
        n, total = np.bincount(cell, minlength=cells), np.bincount(cell, weights=value, minlength=cells)
        there = np.flatnonzero(n)
        n, total = n[there], total[there]
    return Observations(
        at=t,
        device_id=device_id[there // width],
        metric=(there % width).astype(np.int32),
        value=total / n,
    )


def _heartbeat_at(last: npt.NDArray[np.float64], t: float) -> npt.NDArray[np.float64]:
    """The heartbeat as it could be known at `t`: a much later one says nothing about then."""
    known = np.where(last <= t + HEARTBEAT_SLACK_S, np.minimum(last, t), np.nan)
    return np.asarray(known, dtype=np.float64)
