"""What every flow does at its beginning and its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext
from prefect.logging import get_logger
from prefect.states import Completed
from pydantic import Field

from blocks import FLEET, FleetDatabase
from homepot_ai import pod_names
from homepot_ai.errors import DatabaseUnreachable
from homepot_ai.settings import load_settings
from homepot_ai.store.database import Database
from tasks.names import shard_number

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State
    from prefect.flows import Flow

MINUTE = timedelta(minutes=1)
#: The number of an incident, an anomaly, a window; 0 where a form was left empty.
RowId = Annotated[int, Field(ge=0, le=2**63 - 1)]

Hook = Callable[..., None]


def utc_now() -> datetime:
    """The one place where a flow looks at the clock; everything below takes the time as an argument."""
    return datetime.now(UTC)


def as_utc(at: datetime) -> datetime:
    """An aware UTC time; one without a zone is taken as UTC.

    >>> as_utc(datetime(2026, 1, 1, 8)).isoformat()
    '2026-01-01T08:00:00+00:00'
    """
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def staleness(
    *, scheduled: datetime | None, now: datetime, interval: timedelta, explicit: bool, automatic: bool
) -> str | None:
    """Why a run should not do its work, or None.

    After an outage the scheduler hands out every run that was missed. The newest does
    all the work from the watermark on, the others would only take its slot.

    Args:
        scheduled: when the run should have started.
        interval: time between two scheduled runs.
        explicit: a moment to act for was given: then it is wanted, however late.
        automatic: made by a schedule, not by a person or another flow.
    """
    if explicit or not automatic or scheduled is None:
        return None
    late = now - as_utc(scheduled)
    if late <= interval:
        return None
    return (
        f"{late.total_seconds():.0f} s late, the next run was due after {interval.total_seconds():.0f} s: "
        "left to a newer run, which catches up from the watermark"
    )


def too_late(at: datetime | None, now: datetime, interval: timedelta) -> str | None:
    """`staleness` of the run that this is called in."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None:
        return None
    return staleness(
        scheduled=run.expected_start_time,
        now=now,
        interval=interval,
        explicit=at is not None,
        automatic=run.auto_scheduled,
    )


def person(by: str) -> str:
    """Who acts, as it is written down.

    >>> person(" Ann "), person("")
    ('Ann', 'somebody at the Prefect UI')
    """
    return by.strip() or "somebody at the Prefect UI"


def skipped(reason: str) -> State[Any]:
    """The state of a run that had nothing to do, and says why."""
    return Completed(name="Skipped", message=reason)


def done(message: str) -> State[Any]:
    """The state of a run that did its work, with one line for the list of runs."""
    return Completed(message=message)


def publish(key: str, markdown: str, part: int | None = None) -> None:
    """Show the run's outcome as an artifact: the newest of each key is what an operator reads first.

    Args:
        key: the flow's name.
        part: the number in the name of the deployment, of a flow that is split over several.
    """
    create_markdown_artifact(
        key=pod_names.slug(key if part is None else f"{key}-{part}", load_settings().pod),
        markdown=markdown,
        description=f"What to do when it fails: docs/runbooks/{key}.md",
    )


def open_fleet() -> Database:
    """The database that bootstrap wrote into the block `fleet`."""
    return FleetDatabase.load(pod_names.slug(FLEET, load_settings().pod)).database()


def known_fleet() -> Database | None:
    """The same; what bootstrap wrote cannot be read: the settings' own; None: not even that is known."""
    try:
        return open_fleet()
    except Exception as error:
        get_logger("homepot_ai.runs").warning("the block %s could not be read: %s", FLEET, error)
    try:
        return Database.from_settings(load_settings())
    except DatabaseUnreachable:
        return None


def point_to_runbook(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Failure hook: say where the operator reads on. Prefect calls it with these keywords exactly."""
    get_logger("homepot_ai.runs").error(
        "%s: run %s ended %s (%s); see docs/runbooks/%s.md",
        flow.name,
        flow_run.name,
        state.name,
        state.message,
        flow.name,
    )
    try:
        publish(
            flow.name,
            f"# {flow.name}: {state.name}\n\nRun `{flow_run.name}` ended {state.name}.\n\n"
            f"> {state.message}\n\nWhat to do: `docs/runbooks/{flow.name}.md`. The next run starts "
            "where the last good one ended.\n",
            part=_part_of(flow_run),
        )
    except Exception as error:
        get_logger("homepot_ai.runs").warning("the artifact could not be written: %s", error)
    try:
        _raise_alarm(flow, flow_run, state)
    except Exception as error:
        get_logger("homepot_ai.runs").error("nobody could be told of it: %s", type(error).__name__)


def _raise_alarm(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell whoever is to be told of what is wrong with ourselves; at most now and then."""
    # Every run imports this module, and few fail.
    from homepot_ai.watch.alarms import send_spooled
    from homepot_ai.watch.runs import EndedRun, failed
    from homepot_ai.watch.service import act

    part = _part_of(flow_run)
    name = flow.name if part is None else f"{flow.name}-{part}"
    now, settings = utc_now(), load_settings()
    ended = EndedRun(name, flow_run.name, state.name or "Failed", state.message or "", now)
    if act(known_fleet(), settings, [failed(ended, flow.name)], now):
        # What went past the database leaves from here; the rest within five minutes, by `deliver`.
        send_spooled(settings, now=now)


def _part_of(flow_run: FlowRun) -> int | None:
    shard = flow_run.parameters.get("shard")
    return None if shard is None else shard_number(int(shard), load_settings().scoring.shards)


FAILURE_HOOKS: dict[str, list[Hook]] = {
    "on_failure": [point_to_runbook],
    "on_crashed": [point_to_runbook],
}
