"""Go on with the recordings: write the rows that have become due. Runs every minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from homepot_ai.errors import SampleError
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from homepot_ai.store.named_sql import load as load_sql
from homepot_ai.testing import sample_outage, sample_state
from homepot_ai.testing.sample_people import SQL
from homepot_ai.testing.sample_series import COPY, copy_text


@dataclass(frozen=True)
class ReplaySummary:
    """What one replay wrote.

    Attributes:
        rows: rows of telemetry, all devices together.
        devices: devices that got rows.
        over: names of the devices whose recording is over; they are silent from now on.
    """

    until: datetime
    rows: int
    devices: int
    over: tuple[str, ...]

    def markdown(self) -> str:
        text = f"{self.rows} rows of {self.devices} devices up to {self.until:%Y-%m-%d %H:%M:%S} UTC."
        if self.over:
            text += (
                f"\n\nThe recording is over for {len(self.over)} devices, which are silent from now on: "
                f"{', '.join(self.over)}. Nothing is repeated; start the demo with `--reset` to begin again."
            )
        return text


def replay(db: Database, settings: Settings, until: datetime) -> ReplaySummary:
    """Write the recorded rows that are not in the database yet, up to `until` (aware).

    Where it stands is read from the database itself, so that it may be killed anywhere, run twice or
    after days of downtime: it catches up, and nothing is written twice. Heartbeats follow: a device
    lives until `until`, or until its recording ends.

    Raises SampleError when no sample fleet is loaded, or another one than the files belong to.
    """
    if settings.database_url is not None:
        raise SampleError("the sample fleet is only for the embedded database: unset HOMEPOT_AI_DATABASE_URL")
    anchor = sample_state.anchor(settings)
    if anchor is None:
        raise SampleError(
            f"there is nothing to replay: {sample_state.folder(settings)} holds no sample fleet; "
            "start the demo, which loads it"
        )
    statements, end = load_sql(SQL), until.timestamp()
    outage = sample_outage.read(settings)
    rows = fed = 0
    over, heartbeats = [], []
    with db.admin() as conn:
        conn.execute(statements["lock"])
        found = {row[1] for row in conn.execute(statements["fleet_in_database"]).fetchall()}
        if anchor.load_id not in found:
            raise SampleError(
                "the database does not hold the sample fleet that "
                f"{sample_state.folder(settings)} belongs to; run the demo with --reset"
            )
        newest = conn.execute(
            statements["last_samples"],
            {
                "devices": [device.device_id for device in anchor.devices],
                "starts": [device.start for device in anchor.devices],
                "periods": [device.period_s for device in anchor.devices],
                "until": until.astimezone(UTC).replace(tzinfo=None),
            },
        ).fetchall()
        last = {device: float(str(at)) for device, at in newest}
        with conn.cursor() as cursor, cursor.copy(COPY) as copy:
            for device in anchor.devices:
                series = sample_state.series(settings, device)
                # At load the rows up to the loading moment were written.
                since = max(last.get(device.device_id, 0.0), anchor.at.timestamp())
                due = series.rows(since, end)
                silent = None if outage is None else outage.silent(device.name)
                text = copy_text(series, device.device_id, due, silent)
                copy.write(text)
                rows += text.count(b"\n")
                fed += bool(text)
                if series.end + series.period_s < end:
                    over.append(device.name)
                alive = datetime.fromtimestamp(min(end, series.end), UTC)
                heartbeats.append(alive if outage is None else outage.heard(device.name, alive))
        conn.execute(
            statements["heartbeats"],
            {"devices": [device.device_id for device in anchor.devices], "times": heartbeats},
        )
    return ReplaySummary(until, rows, fed, tuple(over))
