"""The sample fleet: real recorded telemetry in HOMEPOT's tables, and its replay minute by minute.

    load(db, settings, now)      once: the fleet and up to 30 days of history that end now
    replay(db, settings, until)  every minute: what the recordings hold up to `until`
    truth(settings)              what really happened, kept aside in var/sample/truth.json
    truth_beside_found(...)      the same beside what was found, as text
    truth_beside_reports(...)    and beside what the reports say

Only for the embedded database: somebody's HOMEPOT is never written to.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from homepot_ai.errors import SampleError
from homepot_ai.settings import Settings
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.named_sql import load as load_sql
from homepot_ai.testing import (
    sample_constructed,
    sample_history,
    sample_people,
    sample_state,
    sample_stories,
    sample_truth,
)
from homepot_ai.testing.sample_fleet import DEVICES, SITES
from homepot_ai.testing.sample_people import SQL
from homepot_ai.testing.sample_replay import ReplaySummary, replay
from homepot_ai.testing.sample_reports import truth_beside_reports
from homepot_ai.testing.sample_series import COPY, Series, copy_text, recorded
from homepot_ai.testing.sample_state import ReplayDevice, TruthRow, truth
from homepot_ai.testing.sample_stories import Ids
from homepot_ai.testing.sample_truth import truth_beside_found

__all__ = [
    "ReplaySummary", "SampleSummary", "TruthRow", "create_homepot_tables", "is_loaded", "load", "replay",
    "truth", "truth_beside_found", "truth_beside_reports",
]  # fmt: skip

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class SampleSummary:
    """What was loaded."""

    at: datetime
    first: datetime
    sites: int
    devices: int
    rows: int
    incidents_ahead: int
    seconds: float

    def markdown(self) -> str:
        return (
            f"Sample fleet loaded in {self.seconds:.0f} s: {self.devices} devices at {self.sites} sites, "
            f"{self.rows:,} rows of telemetry from {self.first:%Y-%m-%d %H:%M} to "
            f"{self.at:%Y-%m-%d %H:%M} UTC. "
            f"{self.incidents_ahead} incidents begin within the next ten minutes."
        )


def create_homepot_tables(db: Database, settings: Settings) -> bool:
    """Create HOMEPOT's own tables in the embedded database; False when they are there already.

    To be done before our migrations, which grant the roles their rights on these tables.
    Raises SampleError when a database of one's own is configured.
    """
    _embedded_only(settings)
    with db.admin() as conn:
        return _create_tables(conn)


def _create_tables(conn: Connection) -> bool:
    if conn.execute(load_sql(SQL)["homepot_tables"]).fetchone() == (True,):
        return False
    conn.execute(files("homepot_ai").joinpath("testing/homepot_schema.sql").read_bytes())
    return True


def _embedded_only(settings: Settings) -> None:
    if settings.database_url is not None:
        raise SampleError(
            "the sample fleet is only for the embedded database, but HOMEPOT_AI_DATABASE_URL points to "
            "another: unset it to see the demo, or leave the sample fleet away"
        )


def is_loaded(db: Database, settings: Settings) -> bool:
    """Whether the database holds the sample fleet that the files under var/sample belong to."""
    anchor = sample_state.anchor(settings)
    if anchor is None:
        return False
    with db.admin() as conn:
        if conn.execute(load_sql(SQL)["homepot_tables"]).fetchone() != (True,):
            return False
        found = {row[1] for row in conn.execute(load_sql(SQL)["fleet_in_database"]).fetchall()}
    return anchor.load_id in found


def _refuse_foreign(conn: Connection) -> None:
    """Raise unless the tables are empty: neither another fleet nor an earlier sample may be mixed."""
    found = conn.execute(load_sql(SQL)["fleet_in_database"]).fetchall()
    others = conn.execute(load_sql(SQL)["rows_without_devices"]).fetchone()
    if not found and others == (0, 0):
        return
    if found and all(row[1] for row in found):
        raise SampleError(
            "the database holds a sample fleet already; to load it afresh run the demo with --reset"
        )
    raise SampleError(
        f"the database holds another fleet ({len(found)} devices): the sample fleet is never mixed with it; "
        "run the demo with --reset if that fleet may go, or with a state folder of its own"
    )


def load(db: Database, settings: Settings, now: datetime, progress: Progress | None = None) -> SampleSummary:
    """Create and fill the sample fleet: history up to `now`, and the files for its replay.

    Args:
        now: aware; the recordings are moved in time so that it becomes their present.
        progress: called with (rows written, rows in all, what is being done).

    Everything is one transaction: killed half-way, the database is as before. Takes about 20 s
    for 360 000 rows. Our schema must have been migrated; HOMEPOT's tables are created when absent.
    The last days are not scored here: `health.scoring.backfill` does that.

    Raises:
        SampleError: a database of one's own is configured, or the tables hold a fleet.
    """
    _embedded_only(settings)
    began, report = time.monotonic(), progress or (lambda *_: None)
    at = now.astimezone(UTC).replace(second=0, microsecond=0)
    load_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"sample {at.isoformat()} {time.time_ns()}"))
    oldest = int((at - timedelta(days=settings.demo.history_days)).timestamp())
    report(0, 1, "Reading the recordings")
    placed: dict[str, Series] = {}
    incidents: dict[str, list[tuple[int, int]]] = {}
    for device in DEVICES:
        if device.constructed:
            placed[device.name] = sample_constructed.constructed(device, at)
        else:
            placed[device.name], incidents[device.name] = recorded(device, at)
    history = {name: series.rows(oldest - 1, now.timestamp()) for name, series in placed.items()}
    first = {name: _moment(placed[name].times(rows)[0]) for name, rows in history.items()}
    with db.admin() as conn:
        conn.execute(load_sql(SQL)["lock"])
        created = _create_tables(conn)
        _refuse_foreign(conn)
        ids = sample_people.write(conn, load_id, first, at)
        for name, parameters in (
            *sample_stories.schedules(ids),
            *sample_stories.outage(ids, at),
            *sample_stories.leak(ids, at),
            *sample_stories.disk(ids, at),
            *sample_stories.resolutions(ids, incidents, at),
            *sample_history.past(ids, placed, incidents, at, oldest),
        ):
            conn.execute(load_sql(SQL)[name], parameters)
        rows = _telemetry(conn, ids, placed, history, sample_constructed.outage(at), report)
        heartbeats = [min(now, _moment(placed[name].end)) for name in ids.devices]
        conn.execute(
            load_sql(SQL)["heartbeats"], {"devices": list(ids.devices.values()), "times": heartbeats}
        )
        conn.execute("ANALYZE device_metrics")
        told = sample_truth.collect(ids, incidents, placed, at)
        _save(settings, ids, placed, load_id, at, told)
    if created:  # the roles got no rights on tables that were not there yet
        from homepot_ai.store import migrate

        migrate.upgrade(db, may_add_indexes=True)
    report(rows, rows, "Sample fleet loaded")
    soon = [row for row in told if at < row.started_at <= at + timedelta(minutes=10)]
    return SampleSummary(
        at, min(first.values()), len(SITES), len(DEVICES), rows, len(soon), time.monotonic() - began
    )


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(float(epoch), UTC)


def _telemetry(
    conn: Connection,
    ids: Ids,
    placed: dict[str, Series],
    history: dict[str, range],
    outage: tuple[datetime, datetime],
    report: Progress,
) -> int:
    """Write the history day by day, so that neighbouring rows in the table are neighbours in time."""
    silent = (int(outage[0].timestamp()), int(outage[1].timestamp()))
    sites = {device.name: device.site for device in DEVICES}
    total = sum(map(len, history.values()))
    seen = written = 0
    start = min(int(placed[name].times(rows)[0]) for name, rows in history.items())
    stop = max(int(placed[name].times(rows)[-1]) for name, rows in history.items())
    with conn.cursor() as cursor, cursor.copy(COPY) as copy:
        for day in range(start - 1, stop, 86400):
            for name, rows in history.items():
                series = placed[name]
                part = series.rows(day, min(day + 86400, stop))
                part = range(max(part.start, rows.start), min(part.stop, rows.stop))
                away = silent if sites[name] == sample_constructed.OUTAGE_SITE else None
                text = copy_text(series, ids.devices[name], part, away)
                copy.write(text)
                seen += len(part)
                written += text.count(b"\n")
            report(seen, total, f"Loading {_moment(day + 1):%d %b}")
    return written


def _save(
    settings: Settings,
    ids: Ids,
    placed: dict[str, Series],
    load_id: str,
    at: datetime,
    told: list[TruthRow],
) -> None:
    """Write what the replay needs. Before the commit: a load that fails leaves files that match nothing."""
    ahead, devices = {}, []
    for device in DEVICES:
        series, device_id = placed[device.name], ids.devices[device.name]
        # One row before the anchor as well: it gives a replay without any row its place.
        begin = series.rows(at.timestamp() - series.period_s, series.end).start
        rest = replace(series, start=series.start + begin * series.period_s, values=series.values[begin:])
        file = f"{device.public_id}.npy"
        ahead[file] = rest
        devices.append(
            ReplayDevice(
                device_id, device.name, file, rest.start, rest.period_s, rest.layout, rest.provenance
            )
        )
    sample_state.save(settings, sample_state.Anchor(load_id, at, tuple(devices)), ahead, told)
