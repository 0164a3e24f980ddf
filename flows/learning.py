"""Every night: what can only be learned from weeks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect import flow
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.states import State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from homepot_ai import pod_names
from homepot_ai.settings import load_settings
from tasks import learning, marks
from tasks.names import shard_number

FLOW = "learn-baselines"


@flow(name=FLOW, timeout_seconds=3600, **FAILURE_HOOKS)
def learn_baselines(
    at: datetime | None = None,
    shard: Annotated[int, Field(ge=0, le=1023)] = 0,
    use_version: Annotated[int, Field(ge=0)] | None = None,
) -> State[Any]:
    """Fit the shape of the week of every series and put it in force where it does better on the last day.

    Args:
        at: the moment up to whose full hour is learned; default now. Hours that were fitted before are not
            fitted again.
        shard: which part of a fleet that is split over several deployments.
        use_version: fit nothing, but put this earlier version in force again; 0 for no shape of the week.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(days=1)):
        return skipped(reason)
    settings, database = load_settings(), open_fleet()
    part = shard_number(shard, settings.scoring.shards)
    if shard == 0 and use_version is None:
        # Marks grow old without anybody marking: the thresholds that they had moved follow.
        marks.settle_thresholds(database, settings, now=now)
    if use_version is not None:
        summary = learning.use_baselines(database, settings, shard=shard, version=use_version, now=now)
    else:
        plan = learning.plan_fit(database, shard=shard, at=now if at is None else as_utc(at), now=now)
        if plan.done is not None:
            summary = learning.describe_baselines(database, shard=shard, version=plan.done)
            publish(FLOW, summary.markdown(), part=part)
            return skipped(f"fitted before up to {plan.until:%Y-%m-%d %H:%M} UTC: {summary.headline}")
        found = learning.fit_baselines(database, settings, quote(plan), progress=_progress(part))
        if not found.series:
            return skipped("no series has a full hour of values yet: nothing to fit")
        summary = learning.store_baselines(database, settings, quote(plan), quote(found), now=utc_now())
    publish(FLOW, summary.markdown(), part=part)
    return done(summary.headline)


def _progress(part: int | None) -> Callable[[int, int], None]:
    """A bar in the UI, moved at each twentieth."""
    name = f"{FLOW}-progress" if part is None else f"{FLOW}-{part}-progress"
    key = pod_names.slug(name, load_settings().pod)
    bar = create_progress_artifact(progress=0.0, key=key, description="Devices read and fitted")
    told = 0

    def move(devices: int, total: int) -> None:
        nonlocal told
        step = 20 * devices // max(total, 1)
        if step > told:
            told = step
            update_progress_artifact(artifact_id=bar, progress=5.0 * step)

    return move
