"""What the sample fleet will have sent by a later moment, as hourly values: forecasts can be settled today.

The replay brings the same values when their time comes, and scoring then leaves hours that are there as they
are. No minute is scored ahead, so no incident comes of it: what was forecast of a limit is settled by what
will be measured, a failure by those that are known. Only for the embedded database.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from homepot_ai.errors import SampleError
from homepot_ai.fleet import metrics
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from homepot_ai.testing import sample_state
from homepot_ai.testing.sample_series import Series

HOUR_S = 3600
_PUT = """INSERT INTO ai_metric_hours (device_id, hour, metrics, n, mean, min, max, last)
VALUES (%s, to_timestamp(%s), %s, %s, %s, %s, %s, %s) ON CONFLICT (device_id, hour) DO NOTHING"""


def write_hours(db: Database, settings: Settings, now: datetime, until: datetime) -> int:
    """Write the full hours from `now` to `until`, as far as the recordings go; returns how many.

    Raises:
        SampleError: this is no sample fleet.
    """
    if settings.database_url is not None:
        raise SampleError("the sample fleet is only for the embedded database: unset HOMEPOT_AI_DATABASE_URL")
    anchor = sample_state.anchor(settings)
    if anchor is None:
        raise SampleError(f"{sample_state.folder(settings)} holds no sample fleet; start the demo first")
    first = (int(now.timestamp()) // HOUR_S + 1) * HOUR_S
    last = int(until.timestamp()) // HOUR_S * HOUR_S
    written = 0
    with db.admin() as conn, conn.cursor() as cursor:
        for device in anchor.devices:
            rows = _hours(device.device_id, sample_state.series(settings, device), first, last)
            if rows:
                cursor.executemany(_PUT, rows)
                written += cursor.rowcount
    return written


def _hours(device_id: int, series: Series, first: int, last: int) -> list[tuple[object, ...]]:
    """Rows of a device for full hours in [first, last), epoch seconds."""
    rows = series.rows(first - 1, last - 1)
    columns = [column for column in series.layout.columns if column.name in metrics.KNOWN]
    if not len(rows) or not columns:
        return []
    recorded = np.asarray(series.values[rows.start : rows.stop], dtype=np.float64)
    values = np.stack([c.offset + c.factor * recorded[:, c.source] for c in columns], axis=1)
    hours = series.times(rows) // HOUR_S
    names = [column.name for column in columns]
    made: list[tuple[object, ...]] = []
    for hour in np.unique(hours).tolist():
        mine = values[hours == hour]
        n = [len(mine)] * len(names)
        made.append(
            (
                device_id, hour * HOUR_S, names, n, mine.mean(axis=0).tolist(), mine.min(axis=0).tolist(),
                mine.max(axis=0).tolist(), mine[-1].tolist(),
            )
        )  # fmt: skip
    return made
