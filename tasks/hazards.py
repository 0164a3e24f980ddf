"""The stages of the weekly fit of the failure model."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.prediction import learning
from homepot_ai.prediction.hazards_page import HazardSummary
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"prediction"}


@stage("plan-hazards", timeout_seconds=30, tags=TAGS)
def plan_hazards(
    database: Database, settings: Settings, *, at: datetime, now: datetime
) -> learning.HazardPlan:
    """Decide which data are looked at, and whether they were before."""
    plan = learning.plan(database, settings, at=at, now=now)
    get_run_logger().info("planned until=%s done=%s", plan.until.isoformat(), plan.done)
    return plan


# Nothing is written: another attempt begins with reading again.
@stage("fit-hazards", timeout_seconds=3000, tags=TAGS)
def fit_hazards(database: Database, settings: Settings, plan: learning.HazardPlan) -> learning.Learned:
    """Read half a year of histories, fit, check on devices that the check's model has not seen."""
    found = learning.learn(database, settings, plan)
    get_run_logger().info(
        "fitted kind=%s failures=%d adopted=%s", found.model.kind, found.model.failures, found.adopted
    )
    return found


@stage("store-hazards", timeout_seconds=120, tags=TAGS)
def store_hazards(
    database: Database, plan: learning.HazardPlan, found: learning.Learned, *, now: datetime
) -> HazardSummary:
    """Record the fit and, where it passed, put it in force: one transaction."""
    version = learning.keep(database, plan, found, now)
    get_run_logger().info("stored version=%d", version)
    return learning.summary(database, version)


@stage("use-hazards", timeout_seconds=60, tags=TAGS)
def use_hazards(database: Database, *, version: int, now: datetime) -> HazardSummary:
    """Put an earlier model in force again."""
    new = learning.use(database, version=version, now=now)
    get_run_logger().info("put back version=%d as %d", version, new)
    return learning.summary(database, new)


@stage("describe-hazards", timeout_seconds=60, tags=TAGS)
def describe_hazards(database: Database, *, version: int) -> HazardSummary:
    """What is recorded of an earlier fit."""
    return learning.summary(database, version)
