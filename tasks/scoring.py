"""The four stages of one scoring run (what is due, read, score, store), and the first one's warm-up.

Batches are passed wrapped in Prefect's `quote`: it must not walk through them in
search of futures, which takes longer than scoring them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.logging import get_run_logger

from homepot_ai.health import learning, planning, scoring
from homepot_ai.health.batches import MinuteBatch, ScoredMinutes
from homepot_ai.health.summary import ScoreSummary
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"health"}


@stage("plan-minutes", timeout_seconds=15, tags=TAGS)
def plan_minutes(
    database: Database, settings: Settings, *, shard: int, at: datetime | None, now: datetime
) -> planning.MinutePlan:
    """Decide which minutes are due: live from the watermark on, or one past minute again."""
    if at is None:  # a past minute moves nothing
        planning.require_clock(database, datetime.now(UTC))
    plan = planning.plan(database, settings, shard=shard, at=at, now=now)
    get_run_logger().info("planned shard=%d mode=%s %s", shard, plan.mode, plan.reason or "")
    return plan


# A state that is there already is somebody else's: another attempt would find the same.
@stage("learn-history", timeout_seconds=900, tags=TAGS, retries=0)
def learn_history(
    database: Database, settings: Settings, plan: planning.MinutePlan, *, now: datetime
) -> learning.Learned:
    """Before a shard's first minute: learn what its devices usually look like."""
    until = plan.first - planning.MINUTE
    learned = learning.warm_up(database, settings, shard=plan.shard, until=until, now=now)
    get_run_logger().info(
        "learned rows=%d minutes=%d scored=%d", learned.rows, learned.minutes, learned.scored
    )
    return learned


@stage("read-minutes", timeout_seconds=60, tags=TAGS)
def read_minutes(database: Database, settings: Settings, plan: planning.MinutePlan) -> MinuteBatch:
    """Read samples, devices, signals and the engine's state in one snapshot."""
    batch = scoring.read(database, settings, plan)
    get_run_logger().info("read %s", batch.counts)
    return batch


# A score is a function of what was read: another attempt gives the same.
@stage("score-minutes", timeout_seconds=60, tags=TAGS, retries=0)
def score_minutes(settings: Settings, plan: planning.MinutePlan, batch: MinuteBatch) -> ScoredMinutes:
    """Step the engine through every minute of the batch."""
    return scoring.score(settings, plan, batch)


@stage("store-minutes", timeout_seconds=60, tags=TAGS)
def store_minutes(
    database: Database,
    settings: Settings,
    plan: planning.MinutePlan,
    scored: ScoredMinutes,
    *,
    now: datetime,
) -> ScoreSummary:
    """Write scores, anomalies, events, hours, state and watermark in one transaction."""
    summary = scoring.store(database, settings, plan, scored, now)
    get_run_logger().info("stored %s", summary)
    return summary
