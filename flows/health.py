"""Every minute: how healthy is each device?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from prefect import flow
from prefect.states import State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import (
    FAILURE_HOOKS,
    as_utc,
    done,
    open_fleet,
    publish,
    skipped,
    utc_now,
)
from flows.mail import wake_sender
from homepot_ai.errors import StateMoved
from homepot_ai.health.summary import cell
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store import locks
from homepot_ai.store.database import Database
from tasks import alerts, incidents, scoring
from tasks.names import shard_number

FLOW = "score-health"


# Each stage has a limit of its own, of a minute or less; this one leaves room for the warm-up
# that comes before the very first minute.
@flow(name=FLOW, timeout_seconds=1300, **FAILURE_HOOKS)
def score_health(at: datetime | None = None, shard: Annotated[int, Field(ge=0, le=1023)] = 0) -> State[Any]:
    """Score the health of every device for each minute since the last run.

    Args:
        at: a past minute to score again from the state kept for it; default: all minutes up to now.
        shard: which part of a fleet that is split over several deployments.
    """
    # However late it starts: it holds the only place, for which newer runs are dropped. If it left the work
    # to them, a machine that takes a minute to start a run would never score again.
    now = utc_now()
    settings, database = load_settings(), open_fleet()
    try:
        with locks.shard(database, shard) as mine:
            return _score(database, settings, shard=shard, at=at, now=now, mine=mine)
    except StateMoved as moved:
        # The lock was lost with its connection: whoever stored first is right.
        return skipped(f"another run was ahead: {moved}")


def _score(
    database: Database, settings: Settings, *, shard: int, at: datetime | None, now: datetime, mine: bool
) -> State[Any]:
    wanted = None if at is None else as_utc(at)
    plan = scoring.plan_minutes(database, settings, shard=shard, at=wanted, now=now)
    if plan.mode == "nothing":
        return skipped(plan.reason or "no minute is due")
    if plan.mode == "live" and not mine:
        # Two schedulers by mistake, or a run by hand. A past minute moves nothing and may be scored beside.
        return skipped(f"another run is scoring shard {shard} at this moment: its result is the one wanted")
    if plan.needs_warm_up:
        scoring.learn_history(database, settings, quote(plan), now=now)
        # Learning took a while: the minutes that went by are due as well.
        plan = scoring.plan_minutes(database, settings, shard=shard, at=wanted, now=utc_now())
    batch = scoring.read_minutes(database, settings, quote(plan))
    scored = scoring.score_minutes(settings, quote(plan), quote(batch))
    del batch  # as large as what was scored, while that is stored
    summary = scoring.store_minutes(database, settings, quote(plan), quote(scored), now=utc_now())
    # The scores are there and stay. What fails behind them is told, and fails the run when all is done.
    page, failed = [summary.markdown()], []
    if plan.mode == "live" and not plan.behind:
        # What was wrong in minutes long past may be over: incidents wait for the last of them.
        try:
            outcome = incidents.judge_incidents(database, settings, now=utc_now())
            page.append(f"{outcome.headline}\n")
            incidents.announce(outcome.opened, outcome.closed)
        except Exception as error:
            page.append(f"**Incidents failed**: {cell(str(error))}\n")
            failed.append(error)
    try:
        # Behind everything that may open or close an incident, and for what people did meanwhile.
        # Within the minute: it is sent right away.
        told = alerts.queue_alerts(database, settings, now=utc_now())
        page.append(told.markdown())
        if told.queued:
            wake_sender()
    except Exception as error:
        page.append(f"**Alerts failed**: {cell(str(error))}\n")
        failed.append(error)
    publish(FLOW, "\n".join(filter(None, page)), part=shard_number(shard, settings.scoring.shards))
    if failed:
        raise failed[0]
    return done(summary.headline)
