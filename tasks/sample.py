"""Playing the sample fleet (demo profile)."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from homepot_ai.testing import sample, sample_ahead
from tasks.stage import stage


@stage("replay-recording", timeout_seconds=120, tags={"demo"})
def replay_recording(database: Database, settings: Settings, *, until: datetime) -> sample.ReplaySummary:
    """Write the recorded telemetry between the last replay and `until`."""
    summary = sample.replay(database, settings, until)
    get_run_logger().info("replayed until=%s %s", until.isoformat(), summary)
    return summary


@stage("write-hours-ahead", timeout_seconds=300, tags={"demo"})
def write_hours_ahead(database: Database, settings: Settings, *, now: datetime, until: datetime) -> int:
    """Write the hourly values that the sample fleet will have sent by a later moment."""
    written = sample_ahead.write_hours(database, settings, now, until)
    get_run_logger().info("hours ahead until=%s written=%d", until.isoformat(), written)
    return written
