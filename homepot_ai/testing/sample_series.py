"""A device's telemetry placed in time, and its rows as text for COPY into `device_metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from homepot_ai.testing import sample_recordings
from homepot_ai.testing.sample_fleet import SampleDevice
from homepot_ai.testing.sample_mapping import COLUMNS, Layout, layout

# `id` comes from HOMEPOT's sequence.
COPY_COLUMNS = (
    "timestamp", "device_id", *COLUMNS, "extra_metrics", "provenance", "collection_interval_seconds",
)  # fmt: skip
COPY = sql.SQL("COPY device_metrics ({}) FROM STDIN").format(
    sql.SQL(", ").join(map(sql.Identifier, COPY_COLUMNS))
)


@dataclass(frozen=True)
class Series:
    """Telemetry of one device.

    Attributes:
        start: epoch second of row 0; row i is `period_s` * i later.
        values: float32 [rows, metrics], in the recording's own units.
        provenance: HOMEPOT's word: controlled (recorded) or simulated (constructed).
    """

    start: int
    period_s: int
    values: NDArray[np.float32]
    layout: Layout
    provenance: str

    @property
    def end(self) -> int:
        """Epoch second of the last row."""
        return self.start + self.period_s * (len(self.values) - 1)

    def rows(self, after: float, until: float) -> range:
        """Rows with after < time <= until (epoch seconds)."""
        first = max(int((after - self.start) // self.period_s) + 1, 0)
        stop = min(int((until - self.start) // self.period_s) + 1, len(self.values))
        return range(first, max(first, stop))

    def times(self, rows: range) -> NDArray[np.int64]:
        """Epoch seconds of rows."""
        return self.start + self.period_s * np.arange(rows.start, rows.stop, dtype=np.int64)


def recorded(device: SampleDevice, anchor: datetime) -> tuple[Series, list[tuple[int, int]]]:
    """A recorded device's telemetry, and its labelled incidents as epoch seconds [from, to).

    `anchor`: the moment of loading, aware, at a full minute.
    """
    kind = sample_recordings.units()[device.unit]
    recording = sample_recordings.read(device.unit)
    fixed = anchor + timedelta(minutes=device.minutes, seconds=device.second)
    start = int(fixed.timestamp()) - (recording.train_rows + device.row) * recording.period_s
    series = Series(
        start,
        recording.period_s,
        recording.values.astype(np.float32),
        layout(kind, recording.values),
        "controlled",
    )
    period = recording.period_s
    return series, [(start + a * period, start + b * period) for a, b in recording.episodes()]


def copy_text(series: Series, device_id: int, rows: range, silent: tuple[int, int] | None = None) -> bytes:
    """Rows as lines for COPY; b"" when there are none.

    Times are naive UTC, as in HOMEPOT's table. Rows within `silent` (epoch seconds [from, to)) are
    withheld. `extra_metrics` holds numbers with four significant digits, which is what is recorded.
    """
    times = series.times(rows)
    chosen = np.arange(rows.start, rows.stop)
    if silent is not None:
        heard = (times < silent[0]) | (times >= silent[1])
        times, chosen = times[heard], chosen[heard]
    if not len(chosen):
        return b""
    values = np.asarray(series.values[chosen], dtype=np.float64)
    written = {column.name: column for column in series.layout.columns}
    fields, parts = [], []
    for name, decimals in COLUMNS.items():
        column = written.get(name)
        fields.append(r"\N" if column is None else f"%.{decimals}f")
        if column is not None:
            parts.append(column.offset + column.factor * values[:, [column.source]])
    extras = ", ".join(f'"{name}": %.4g' for name, _ in series.layout.extras)
    parts.append(values[:, [source for _, source in series.layout.extras]])
    line = "\t".join(
        ["%s", str(device_id), *fields, f"{{{extras}}}", series.provenance, str(series.period_s)]
    )
    stamps = np.datetime_as_string(times.astype("datetime64[s]"))
    table = np.concatenate(parts, axis=1).tolist()
    lines = [line % (stamp, *row) for stamp, row in zip(stamps, table, strict=True)]
    return ("\n".join(lines) + "\n").encode()
