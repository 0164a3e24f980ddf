"""Keeping our tables within their bounds."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.settings import Settings
from homepot_ai.store import retention
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"upkeep"}


@stage("clean-events", timeout_seconds=600, tags=TAGS)
def clean_events(
    database: Database, settings: Settings, *, now: datetime, dry_run: bool
) -> retention.CleanSummary:
    """Delete events past their time and beyond the newest of each device; dry run: only count them."""
    summary = retention.clean_event_cache(database, settings, now, dry_run)
    get_run_logger().info("events cleaned dry_run=%s %s", dry_run, summary)
    return summary


@stage("drop-old-partitions", timeout_seconds=1800, tags=TAGS)
def drop_old_partitions(
    database: Database, settings: Settings, *, now: datetime, dry_run: bool
) -> retention.RetentionSummary:
    """Archive and drop what is past its retention, make coming partitions; dry run: only say what."""
    summary = retention.apply_retention(database, settings, now, dry_run)
    get_run_logger().info("retention applied dry_run=%s %s", dry_run, summary)
    return summary
