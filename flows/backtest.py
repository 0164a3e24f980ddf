"""On demand: what would this configuration have paged?"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any

from prefect import flow
from prefect.states import State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, utc_now
from homepot_ai.health.backtest.trial import Trial
from homepot_ai.settings import load_settings
from tasks import backtest as stages

IN_FORCE = Trial()


@flow(name="backtest", timeout_seconds=5 * 3600, **FAILURE_HOOKS)
def backtest(
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    site: Annotated[str, Field(coerce_numbers_to_str=True)] | None = None,
    a: Trial = IN_FORCE,
    b: Trial | None = None,
    at: datetime | None = None,
) -> State[Any]:
    """Say what a configuration would have paged over a past range, or compare two. Nothing is scored anew.

    Args:
        start: where the range begins; default a week before its end.
        end: where it ends; default now.
        site: only this site, by name, public id or number; default the whole fleet.
        a: the configuration; what is left empty is as in force.
        b: a second one to be compared with a.
        at: the moment to act for: later marks are not known; default now.
    """
    now = utc_now()
    moment = now if at is None else as_utc(at)
    began = time.monotonic()
    settings, database = load_settings(), open_fleet()
    plan = stages.plan_backtest(
        database,
        settings,
        start=None if start is None else as_utc(start),
        end=None if end is None else as_utc(end),
        site=site,
        trials=[a] if b is None else [a, b],
        at=moment,
    )
    found = stages.step_configurations(database, settings, quote(plan))
    outcome = stages.keep_backtest(
        database, settings, quote(plan), quote(found), now=now, seconds=time.monotonic() - began
    )
    publish("backtest", outcome.markdown)
    return done(outcome.headline)
