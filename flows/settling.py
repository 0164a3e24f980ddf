"""What the forecasts were worth, and what really happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import State
from pydantic import Field

from flows.common import FAILURE_HOOKS, RowId, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from homepot_ai.errors import PredictionError
from homepot_ai.prediction import outcomes_page, record_page
from homepot_ai.settings import load_settings
from homepot_ai.store import outcomes as store
from tasks import visits

SOMEBODY = "somebody at the Prefect UI"


@flow(name="settle-predictions", timeout_seconds=3600, **FAILURE_HOOKS)
def settle_predictions(at: datetime | None = None) -> State[Any]:
    """Gather what happened to devices, settle every forecast and warning that is due, keep the track record.

    Args:
        at: the moment to settle for; default now. What is settled stays, unless something new is known of it.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(days=1)):
        return skipped(reason)
    settled = visits.settle_due(open_fleet(), load_settings(), now=now if at is None else as_utc(at))
    publish("settle-predictions", record_page.settled_page(settled))
    return done(record_page.headline(settled))


@flow(name="record-outcome", timeout_seconds=120, **FAILURE_HOOKS)
def record_outcome(
    device: Annotated[str, Field(max_length=200)] = "",
    kind: Literal["not said", "failure", "replaced", "maintained", "retired"] = "not said",
    cause: Annotated[str, Field(max_length=100)] = "",
    comment: Annotated[str, Field(max_length=500)] = "",
    by: Annotated[str, Field(max_length=100)] = "",
    withdraw: RowId = 0,
    at: datetime | None = None,
) -> State[Any]:
    """Record what a device went through, or take a record back. With nothing filled in it lists the newest.

    Args:
        device: its name, public id or number.
        kind: failure: it did not do its work; replaced: its age begins anew; maintained; retired.
        cause: what it was, e.g. disk.
        comment: in your own words.
        by: who says so.
        withdraw: instead: the number of an outcome that was none.
        at: when it happened (UTC where no zone is given); default now.
    """
    now, database = utc_now(), open_fleet()
    who, named = by.strip() or SOMEBODY, bool(device.strip()) or kind != "not said"
    recorded = None
    if withdraw and named:
        raise PredictionError("one run records or withdraws, not both: nothing was written")
    if withdraw:
        recorded = visits.withdraw_outcome(database, withdraw, by=who, now=now)
    elif named:
        if not device.strip() or kind == "not said":
            raise PredictionError("say both, which device and what it went through: nothing was written")
        recorded = visits.record_outcome(
            database, device.strip(), kind,
            at=now if at is None else as_utc(at), cause=cause, comment=comment, by=who, now=now,
        )  # fmt: skip
    with database.reader() as conn:
        newest = store.newest(conn)
    publish("record-outcome", outcomes_page.page(recorded, newest, withdrawn=bool(withdraw)))
    return done(outcomes_page.headline(recorded, withdrawn=bool(withdraw)))
