"""On demand: was an alarm right?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import State
from pydantic import Field

from flows.common import FAILURE_HOOKS, RowId, as_utc, done, open_fleet, person, publish, utc_now
from homepot_ai.errors import MarkError
from homepot_ai.health import marks_page
from homepot_ai.incidents import page
from homepot_ai.settings import load_settings
from tasks import incidents, marks


@flow(name="mark", timeout_seconds=120, **FAILURE_HOOKS)
def mark(
    anomaly: RowId = 0,
    incident: RowId = 0,
    verdict: Literal["not said", "true", "false", "withdrawn"] = "not said",
    comment: Annotated[str, Field(max_length=1000)] = "",
    by: Annotated[str, Field(max_length=100)] = "",
    device: str = "",
    at: datetime | None = None,
    reset_threshold: str = "",
) -> State[Any]:
    """Say whether an anomaly or an incident was right, or take it back. With nothing filled in it lists.

    Args:
        anomaly: its number, as artifacts, reports and `homepot-ai anomalies` show it; or
        incident: the number of an incident: all of its anomalies get the verdict.
        verdict: true: something was wrong; false: nothing was; withdrawn: what was said counts no more.
        comment: what was the matter; optional.
        by: who says so.
        device: instead of a number: the device's name or id, together with `at`.
        at: a moment at which the device's anomaly was open (UTC where no zone is given).
        reset_threshold: instead of a verdict: a device type; its alarm threshold is as designed again.
    """
    now, database, settings = utc_now(), open_fleet(), load_settings()
    who = person(by)
    if reset_threshold.strip():
        if anomaly or device.strip() or verdict != "not said":
            raise MarkError(
                "a verdict and reset_threshold were both filled in, and nothing was written: a run does one "
                "of them; mark first, then run again with reset_threshold alone"
            )
        moved = marks.reset_threshold(database, reset_threshold.strip(), by=who, now=now)
        publish("mark", marks_page.reset_page(moved, marks.list_anomalies(database, now=now)[1]))
        return done(f"threshold of {moved.device_type} reset")
    said = None if verdict == "not said" else verdict
    if incident and not anomaly:
        found = incidents.mark(database, settings, incident, said, by=who, comment=comment, now=now)
        publish("mark", page.done_page(found, now))
        return done(found.said)
    # Fields without a union with None: those are drawn as two buttons, and hide what is to be typed.
    if not anomaly and not device.strip() and verdict == "not said":
        settled = marks.settle_thresholds(database, settings, now=now)
        listed = marks_page.listing_page(*marks.list_anomalies(database, now=now), settled)
        publish("mark", f"{listed}\n{page.open_table(incidents.list_open(database), now)}")
        return done("nothing marked: no anomaly was named")
    moment = None if at is None else as_utc(at)
    marked = marks.mark_anomaly(
        database, settings, said,
        anomaly=anomaly or None, device=device.strip() or None, at=moment, by=who, comment=comment, now=now,
    )  # fmt: skip
    publish("mark", marks_page.marked_page(marked))
    return done(marks_page.headline(marked))
