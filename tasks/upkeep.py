"""Keeping our tables within their bounds."""

from __future__ import annotations

from datetime import date, datetime

from prefect.logging import get_run_logger

from homepot_ai.retention import applying, events, records, training
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"upkeep"}


@stage("clean-events", timeout_seconds=600, tags=TAGS)
def clean_events(
    database: Database, settings: Settings, *, now: datetime, dry_run: bool
) -> events.CleanSummary:
    """Delete events past their time and beyond the newest of each device; dry run: only count them."""
    summary = events.clean_event_cache(database, settings, now, dry_run)
    get_run_logger().info("events cleaned dry_run=%s %s", dry_run, summary)
    return summary


@stage("drop-old-partitions", timeout_seconds=1800, tags=TAGS)
def drop_old_partitions(
    database: Database, settings: Settings, *, now: datetime, dry_run: bool
) -> records.RetentionSummary:
    """Archive and drop what is past its retention, make coming partitions; dry run: only say what."""
    logger = get_run_logger()
    summary = applying.apply_retention(
        database,
        settings,
        now,
        dry_run,
        lambda part: logger.info("archived %s: %d rows", part.what, part.rows),
    )
    logger.info(
        "retention applied dry_run=%s parts=%d failed=%s", dry_run, len(summary.removed), summary.failed
    )
    return summary


@stage("export-training", timeout_seconds=1800, tags=TAGS)
def export_training(
    database: Database, settings: Settings, *, now: datetime, month: date | None, dry_run: bool
) -> training.Exported:
    """Write closed incidents as examples to learn from; dry run: only count them."""
    done = training.export(database, settings, now, month=month, dry_run=dry_run)
    get_run_logger().info("training data %s", done.line)
    return done
