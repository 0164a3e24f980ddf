"""Every week: what the fleet's own failures say of the ones to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect import flow
from prefect.states import State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from homepot_ai.settings import load_settings
from tasks import hazards

FLOW = "learn-hazards"


@flow(name=FLOW, timeout_seconds=3600, **FAILURE_HOOKS)
def learn_hazards(
    at: datetime | None = None, use_version: Annotated[int, Field(ge=1)] | None = None
) -> State[Any]:
    """Fit the failure model on what happened to the fleet, and put it in force where it does better.

    Args:
        at: the moment up to whose full hour is learned; default now. Data that were fitted before are not
            fitted again.
        use_version: fit nothing, but put this earlier model in force again.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(days=7)):
        return skipped(reason)
    settings, database = load_settings(), open_fleet()
    if use_version is not None:
        summary = hazards.use_hazards(database, version=use_version, now=now)
    else:
        moment = now if at is None else as_utc(at)
        plan = hazards.plan_hazards(database, settings, at=moment, now=now)
        if plan.done is not None:
            summary = hazards.describe_hazards(database, version=plan.done)
            publish(FLOW, summary.markdown())
            return skipped(f"fitted before up to {plan.until:%Y-%m-%d %H:%M} UTC: {summary.headline}")
        found = hazards.fit_hazards(database, settings, quote(plan))
        summary = hazards.store_hazards(database, quote(plan), quote(found), now=utc_now())
    publish(FLOW, summary.markdown())
    return done(summary.headline)
