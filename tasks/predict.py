"""The parts of a predicting run: read, look, forecast, judge, store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.prediction import stage as parts
from homepot_ai.prediction.judge import Judged, Kept, Seen
from homepot_ai.prediction.screen import Screen
from homepot_ai.reporting import progressions
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from homepot_ai.store.predictions import Reason
from tasks.stage import stage

TAGS = {"prediction"}


@stage("read-histories", timeout_seconds=900, tags=TAGS)
def read_histories(
    database: Database, settings: Settings, *, at: datetime, now: datetime, device: str | None = None
) -> parts.Gathered:
    """Read 30 days of every device, a day at a time."""
    gathered = parts.gather(database, settings, at=at, now=now, device=device)
    get_run_logger().info("read devices=%d series=%d", len(gathered.fleet), len(gathered.courses.device))
    return gathered


# What was read says it all: another attempt gives the same.
@stage("screen-series", timeout_seconds=600, tags=TAGS, retries=0)
def screen_series(settings: Settings, gathered: parts.Gathered) -> Screen:
    """Statistics of every series and device."""
    looked = parts.look(settings, gathered)
    get_run_logger().info("screened stands_out=%d", int(looked.stands_out.sum()))
    return looked


@stage("forecast-series", timeout_seconds=900, tags=TAGS)
def forecast_series(
    database: Database, settings: Settings, gathered: parts.Gathered, looked: Screen
) -> list[Seen]:
    """Forecast the few that stand out, hour by hour."""
    seen = parts.foretell(database, settings, gathered, looked)
    refused = sum(one.refused is not None for one in seen)
    get_run_logger().info("forecast series=%d refused=%d", len(seen), refused)
    return seen


@stage("judge-risks", timeout_seconds=600, tags=TAGS, retries=0)
def judge_risks(settings: Settings, gathered: parts.Gathered, looked: Screen, seen: Sequence[Seen]) -> Judged:
    """Failure probabilities and crossings become one risk per device."""
    return parts.conclude(settings, gathered, looked, seen)


@stage("store-risks", timeout_seconds=300, tags=TAGS)
def store_risks(
    database: Database, settings: Settings, judged: Judged, *, now: datetime, reason: Reason = "daily"
) -> Kept:
    """Write risks, and the day's forecasts into the ledger."""
    kept = parts.keep(database, settings, judged, now=now, reason=reason)
    get_run_logger().info("stored risks=%d ledger=%d look_back=%s", kept.risks, kept.ledger, kept.look_back)
    return kept


# Without it the page is complete: nothing is tried twice for it.
@stage("similar-progressions", timeout_seconds=300, tags=TAGS, retries=0)
def similar_progressions(
    database: Database, settings: Settings, devices: Sequence[int], *, now: datetime
) -> dict[int, tuple[str, ...]]:
    """Past failures whose thirty days before were like those of the devices at risk."""
    with database.reader() as conn:
        found = progressions.similar(conn, settings, devices, now)
    get_run_logger().info("similar progressions asked=%d found=%d", len(devices), len(found))
    return found
