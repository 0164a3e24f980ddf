"""A device looked at, on demand: the same answer as the HTTP door's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import Completed, State
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, utc_now
from homepot_ai.answers import page
from homepot_ai.settings import load_settings
from tasks import answers

Mode = Literal["maintenance", "predictive", "executive"]
Language = Literal["en", "de"]
DeviceName = Annotated[str, Field(max_length=200, coerce_numbers_to_str=True)]


@flow(name="analyze-device", timeout_seconds=300, **FAILURE_HOOKS)
def analyze_device(
    device: DeviceName = "",
    period: Literal["1h", "24h", "7d", "30d"] = "24h",
    mode: Mode = "maintenance",
    language: Language = "en",
    at: datetime | None = None,
) -> State[Any]:
    """Look at a device: its state and why, what it measured, what was alike before, what to do.

    Args:
        device: its public id, number or exact name; empty: the devices that are worst are listed.
        period: how far back.
        mode: whom it is written for.
        language: in which it is written.
        at: the moment to look from (UTC where no zone is given); default now.
    """
    settings, database = load_settings(), open_fleet()
    now = utc_now() if at is None else as_utc(at)
    if not device.strip():
        worst = answers.list_worst(database, now=now)
        publish("analyze-device", "\n".join(["**Nothing looked at: no device was named**", "", *worst, ""]))
        return done("nothing looked at: no device was named")
    found = answers.analyze_one(
        database, settings, device, period=period, mode=mode, language=language, now=now
    )
    publish("analyze-device", page.analysis(found))
    return Completed(message=page.headline(found), data=found.model_dump(mode="json"))


@flow(name="device-report", timeout_seconds=1800, **FAILURE_HOOKS)
def device_report(
    device: DeviceName = "",
    period: Literal["24h", "7d", "30d"] = "24h",
    report_type: Literal["daily", "incident", "weekly", "monthly", "custom"] | None = None,
    mode: Mode = "maintenance",
    language: Language = "en",
    at: datetime | None = None,
) -> State[Any]:
    """Make a device's report, or replay it: what the HTTP door answers from.

    Args:
        device: its public id, number or exact name; empty: nothing is made.
        period: the range of a custom report, up to the last full hour; how far back an incident is sought.
        report_type: default daily, weekly or monthly, as the period says: the last one that is over.
        mode: whom it is written for.
        language: in which it is written.
        at: the moment it is asked at (UTC where no zone is given); default now.
    """
    settings, database, now = load_settings(), open_fleet(), utc_now()
    if not device.strip():
        publish("device-report", "**Nothing made: no device was named**\n")
        return done("nothing made: no device was named")
    made = answers.make_report(
        database, settings, device, period=period, report_type=report_type, mode=mode, language=language,
        asked_at=now if at is None else as_utc(at), now=now,
    )  # fmt: skip
    publish("device-report", page.report(made))
    return Completed(message=f"{made.report_id}: {made.content.title}", data=made.model_dump(mode="json"))
