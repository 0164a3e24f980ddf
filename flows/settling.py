"""What the forecasts were worth, and what really happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import State
from pydantic import Field

from flows.common import (
    FAILURE_HOOKS,
    RowId,
    as_utc,
    done,
    open_fleet,
    person,
    publish,
    skipped,
    too_late,
    utc_now,
)
from homepot_ai.errors import PredictionError
from homepot_ai.prediction import outcomes_page, record_page
from homepot_ai.settings import load_settings
from tasks import sample, visits

#: What clocks of a server and a person may differ by.
CLOCKS = timedelta(minutes=1)


@flow(name="settle-predictions", timeout_seconds=3600, **FAILURE_HOOKS)
def settle_predictions(at: datetime | None = None) -> State[Any]:
    """Gather what happened to devices, settle every forecast and warning that is due, keep the track record.

    Args:
        at: the moment to settle for; default now. What is settled stays, unless something new is known of it.
            A later moment is for the demo only, whose telemetry is known ahead.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(days=1)):
        return skipped(reason)
    moment, database, settings = now if at is None else as_utc(at), open_fleet(), load_settings()
    ahead = ""
    if moment > now + CLOCKS:
        if settings.profile != "demo":
            # Settled for good by what nobody has seen yet: that must not happen to a real record.
            raise PredictionError(
                f"{moment:%Y-%m-%d %H:%M} UTC lies in the future: nothing has happened there yet"
            )
        sample.write_hours_ahead(database, settings, now=now, until=moment)
        ahead = (
            "*Demo, ahead of time: settled by the telemetry that the sample fleet will have sent by then. "
            "Incidents that will come are not known. `homepot-ai track-record --at` shows this record; "
            "`homepot-ai up --reset` begins anew.*\n\n"
        )
    settled = visits.settle_due(database, settings, now=moment)
    publish("settle-predictions", ahead + record_page.settled_page(settled))
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
    who, named = person(by), bool(device.strip()) or kind != "not said"
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
    newest, names = visits.read_outcomes(database)
    publish("record-outcome", outcomes_page.page(recorded, newest, names, withdrawn=bool(withdraw)))
    return done(outcomes_page.headline(recorded, withdrawn=bool(withdraw)))
