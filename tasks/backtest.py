"""Stages of a backtest: whether it can be answered, the engine over the range, and keeping the answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger

from homepot_ai import pod_names
from homepot_ai.health.backtest import planning, run
from homepot_ai.health.backtest.planning import BacktestPlan
from homepot_ai.health.backtest.records import Page
from homepot_ai.health.backtest.trial import Trial
from homepot_ai.reporting import backtest
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"health", "backtest"}
# Each of these is an event in Prefect's database: often enough to see it move, no oftener.
TELL_EVERY_S = 15.0


@stage("plan-backtest", timeout_seconds=300, tags=TAGS)
def plan_backtest(
    database: Database,
    settings: Settings,
    *,
    start: datetime | None,
    end: datetime | None,
    site: str | None,
    trials: Sequence[Trial],
    at: datetime,
) -> BacktestPlan:
    """Look whether the question can be answered, and how long it takes.

    Raises:
        BacktestError: it cannot; the message says which one can.
    """
    plan = planning.plan(database, settings, start=start, end=end, site=site, trials=trials, at=at)
    get_run_logger().info(
        "planned %s to %s devices=%d rows=%d learning from %s: %s",
        f"{plan.start:%Y-%m-%dT%H:%MZ}",
        f"{plan.end:%Y-%m-%dT%H:%MZ}",
        len(plan.names),
        plan.rows,
        f"{plan.learn_from:%Y-%m-%dT%H:%MZ}",
        planning.spoken(plan.expected_seconds),
    )
    return plan


# It only reads: another attempt begins again from the first row.
@stage("step-configurations", timeout_seconds=4 * 3600, tags=TAGS, retries=1)
def step_configurations(database: Database, settings: Settings, plan: BacktestPlan) -> list[list[Page]]:
    """Step each configuration's engine through the range, showing how far it is."""
    told = _Told(plan)
    found = run.run(database, settings, plan, told.progress)
    told.finish()
    get_run_logger().info("stepped %d minutes: pages %s", plan.minutes, " ".join(str(len(p)) for p in found))
    return found


class _Told:
    """A progress bar in the UI and lines in the log, seldom enough to be cheap."""

    def __init__(self, plan: BacktestPlan) -> None:
        self._at = time.monotonic()
        self._bar = create_progress_artifact(
            progress=0.0,
            key=pod_names.slug("backtest-progress", load_settings().pod),
            description=f"{plan.start:%Y-%m-%d %H:%M} to {plan.end:%Y-%m-%d %H:%M} UTC, {plan.rows:,} rows",
        )

    def progress(self, done: int, total: int) -> None:
        """Tell when it has been quiet for a while."""
        if time.monotonic() - self._at < TELL_EVERY_S:
            return
        self._at = time.monotonic()
        get_run_logger().info("%d of %d minutes (%.0f %%)", done, total, 100 * done / max(total, 1))
        update_progress_artifact(self._bar, progress=100.0 * done / max(total, 1))

    def finish(self) -> None:
        """The bar is full."""
        update_progress_artifact(self._bar, progress=100.0)


@stage("keep-backtest", timeout_seconds=300, tags=TAGS)
def keep_backtest(
    database: Database,
    settings: Settings,
    plan: BacktestPlan,
    found: Sequence[Sequence[Page]],
    *,
    now: datetime,
    seconds: float,
) -> backtest.BacktestOutcome:
    """Judge the pages by the marks, word them, and store answer and PDF."""
    outcome = backtest.keep(database, settings, plan, found, asked_by="flow", now=now, seconds=seconds)
    get_run_logger().info(
        "backtest number=%d %s bytes=%d",
        outcome.number,
        "as before" if outcome.replayed else "kept",
        len(outcome.pdf),
    )
    return outcome
