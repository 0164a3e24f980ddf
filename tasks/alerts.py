"""Queueing alerts, sending to channels, and looking at how alerting does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prefect.logging import get_run_logger
from pydantic import SecretStr

from homepot_ai.alerts import delivery, queue, review, rules, rules_page
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"alerts"}


@stage("queue-alerts", timeout_seconds=30, tags=TAGS)
def queue_alerts(database: Database, settings: Settings, *, now: datetime) -> queue.AlertSummary:
    """Decide on what is new of incidents, and queue the messages in the same transaction."""
    summary = queue.queue_alerts(database, settings, now=now)
    get_run_logger().info("alerts %s", summary.headline)
    return summary


# As with mail: each message carries its own attempts and back-off in the outbox.
@stage("send-due-messages", timeout_seconds=900, tags=TAGS, retries=1)
def send_due_messages(
    database: Database,
    urls: Mapping[str, SecretStr],
    *,
    now: datetime,
    worker: str,
    timeout: float,
    limit: int,
) -> delivery.ChannelSummary:
    """Claim, send and record every channel message that is due."""
    summary = delivery.deliver_due(database, urls, now=now, worker=worker, timeout=timeout, limit=limit)
    get_run_logger().info(
        "channels sent=%d retry=%d failed=%d waiting=%d",
        summary.sent,
        summary.retry,
        summary.failed,
        summary.waiting,
    )
    return summary


@stage("review-alerts", timeout_seconds=60, tags=TAGS)
def review_alerts(database: Database, settings: Settings, *, now: datetime, days: int) -> review.Review:
    """Pages per day and site against the budget, the noisiest rules, what was silenced."""
    found = review.review(database, settings, now=now, days=days)
    get_run_logger().info("reviewed days=%d pages=%d", days, found.pages)
    return found


@stage("change-routes", timeout_seconds=30, tags=TAGS)
def change_routes(
    database: Database,
    settings: Settings,
    action: str,
    wanted: rules.NewRoute,
    *,
    by: str,
    now: datetime,
) -> tuple[str, str]:
    """Add, remove, test or list routes; returns a headline and a page with all that are in force."""
    said = rules_page.act(database, settings, action, wanted, by=by, now=now)
    get_run_logger().info("routes %s", action)
    return said, rules_page.page(database, settings, said)
