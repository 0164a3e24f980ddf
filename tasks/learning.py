"""The stages of the nightly fit: what is to be fitted, fitting it, recording and switching."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.health import fitting
from homepot_ai.health.fit_summary import FitSummary
from homepot_ai.health.weekly import Fit
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"health"}


@stage("plan-fit", timeout_seconds=30, tags=TAGS)
def plan_fit(database: Database, *, shard: int, at: datetime, now: datetime) -> fitting.FitPlan:
    """Decide which hours are looked at, and whether they were before."""
    plan = fitting.plan(database, shard=shard, at=at, now=now)
    get_run_logger().info("planned shard=%d until=%s done=%s", shard, plan.until.isoformat(), plan.done)
    return plan


# Nothing is written: another attempt begins at the first device.
@stage("fit-baselines", timeout_seconds=3000, tags=TAGS)
def fit_baselines(
    database: Database, settings: Settings, plan: fitting.FitPlan, *, progress: fitting.Progress | None
) -> Fit:
    """Read the weeks' hours block by block, fit each series twice, check on the last day."""
    found = fitting.fit(database, settings, plan, progress)
    get_run_logger().info(
        "fitted series=%d shaped=%d adopted=%s", found.series, found.shaped, found.verdict.adopted
    )
    return found


@stage("store-baselines", timeout_seconds=300, tags=TAGS)
def store_baselines(
    database: Database, settings: Settings, plan: fitting.FitPlan, found: Fit, *, now: datetime
) -> FitSummary:
    """Record the fit and, where it passed, put it in force: one transaction."""
    summary = fitting.store(database, settings, plan, found, now)
    get_run_logger().info("stored %s", summary)
    return summary


@stage("use-baselines", timeout_seconds=60, tags=TAGS)
def use_baselines(
    database: Database, settings: Settings, *, shard: int, version: int, now: datetime
) -> FitSummary:
    """Put an earlier version in force again; 0: no week."""
    summary = fitting.use(database, settings, shard=shard, version=version, now=now)
    get_run_logger().info("put back %s", summary)
    return summary


@stage("describe-baselines", timeout_seconds=60, tags=TAGS)
def describe_baselines(database: Database, *, shard: int, version: int) -> FitSummary:
    """What is recorded of an earlier fit."""
    return fitting.summary(database, shard, version)
