"""Verdicts on anomalies, one call each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.health import marking
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from homepot_ai.store.marks import LoggedAnomaly, Threshold, Verdict
from tasks.stage import stage

TAGS = {"health"}


@stage("mark-anomaly", timeout_seconds=30, tags=TAGS)
def mark_anomaly(
    database: Database,
    settings: Settings,
    verdict: Verdict | None,
    *,
    anomaly: int | None,
    device: str | None,
    at: datetime | None,
    by: str,
    comment: str | None,
    now: datetime,
) -> marking.Marked:
    """Append a verdict and decide the device type's threshold anew, in one transaction."""
    marked = marking.mark(
        database, settings, verdict,
        anomaly=anomaly, device=device, at=at, by=by, comment=comment, source="flow", now=now,
    )  # fmt: skip
    get_run_logger().info(
        "marked anomaly=%d verdict=%s written=%s", marked.anomaly.id, marked.verdict, marked.written
    )
    return marked


@stage("settle-thresholds", timeout_seconds=60, tags=TAGS)
def settle_thresholds(database: Database, settings: Settings, *, now: datetime) -> Sequence[marking.Moved]:
    """Decide every device type's threshold anew: marks past their time stop counting."""
    moved = marking.settle(database, settings, now)
    get_run_logger().info("settled thresholds moved=%d", len(moved))
    return moved


@stage("reset-threshold", timeout_seconds=30, tags=TAGS)
def reset_threshold(database: Database, device_type: str, *, by: str, now: datetime) -> marking.Moved:
    """Put a device type's threshold back to the designed one."""
    moved = marking.reset(database, device_type, by=by, now=now)
    get_run_logger().info("reset type=%s offset=%.2f", device_type, moved.before)
    return moved


@stage("list-anomalies", timeout_seconds=30, tags=TAGS)
def list_anomalies(
    database: Database, *, now: datetime
) -> tuple[Sequence[LoggedAnomaly], Sequence[Threshold]]:
    """The newest anomalies and the thresholds in force."""
    return marking.listing(database, now)
