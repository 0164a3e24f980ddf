"""Starting runs through a Prefect server and waiting for what comes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from homepot_ai.errors import SettingsError
from homepot_ai.settings import load_settings
from tasks.names import full_name

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

POLL_S = 0.5
# A busy deployment drops further runs (CANCEL_NEW): ask again after so long, while there is time.
BUSY_PAUSE_S = 3.0
BUSY = "concurrency limit"


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        state: Prefect's name of the state: Completed, Skipped, Failed, Crashed, Cancelled, or TimedOut
            when we stopped waiting.
        message: its one line.
        artifact: Markdown that the run published; None if it did not.
    """

    name: str
    run: str
    state: str
    good: bool
    message: str
    artifact: str | None
    seconds: float


def check_names(client: SyncPrefectClient, name: str, given: Iterable[str]) -> None:
    """Refuse parameters that a deployment does not have: its run would end with nothing but an exit code.

    Raises:
        SettingsError: naming those that it has.
    """
    schema = client.read_deployment_by_name(full_name(name, load_settings().pod)).parameter_openapi_schema
    known = list((schema or {}).get("properties", {}))
    if unknown := sorted(set(given) - set(known)):
        raise SettingsError(f"{name} has no parameter {', '.join(unknown)}; it has: {', '.join(known)}")


def start(client: SyncPrefectClient, name: str, parameters: Mapping[str, Any]) -> FlowRun:
    """Ask for a run of a deployment now."""
    deployment = client.read_deployment_by_name(full_name(name, load_settings().pod))
    return client.create_flow_run_from_deployment(deployment.id, parameters=dict(parameters))


def run(
    client: SyncPrefectClient,
    name: str,
    parameters: Mapping[str, Any],
    *,
    timeout_s: float,
    progress: Callable[[str], None] = lambda _state: None,
) -> Ended:
    """Run a deployment and wait for it.

    A run that finds a scheduled one busy is dropped by the server before it starts; it is
    asked for again, since whoever asks wants their own (another `at`, or proof that it works).
    """
    begun = time.monotonic()
    while True:
        left = timeout_s - (time.monotonic() - begun)
        ended = wait(client, name, start(client, name, parameters), timeout_s=left, progress=progress)
        busy = ended.state == "Cancelled" and BUSY in ended.message
        if not busy or time.monotonic() - begun + BUSY_PAUSE_S > timeout_s:
            return replace(ended, seconds=time.monotonic() - begun)
        progress("another run of it is busy")
        time.sleep(BUSY_PAUSE_S)


def wait(
    client: SyncPrefectClient,
    name: str,
    run: FlowRun,
    *,
    timeout_s: float,
    progress: Callable[[str], None] = lambda _state: None,
) -> Ended:
    """Wait until a run ends.

    Args:
        progress: called with the state's name whenever it changes.
    """
    begun, seen = time.monotonic(), ""
    while True:
        run = client.read_flow_run(run.id)
        state = run.state
        if state is not None and state.name != seen:
            seen = state.name or ""
            progress(seen)
        waited = time.monotonic() - begun
        if state is not None and state.is_final():
            return Ended(
                name=name,
                run=run.name,
                state=seen,
                good=state.is_completed(),
                message=state.message or "",
                artifact=artifact_of(client, run.id),
                seconds=waited,
            )
        if waited > timeout_s:
            message = f"still {seen} after {waited:.0f} s; the worker's log is in var/log"
            return Ended(name, run.name, "TimedOut", False, message, None, waited)
        time.sleep(POLL_S)


def artifact_of(client: SyncPrefectClient, run_id: UUID) -> str | None:
    """The newest Markdown that a run published."""
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterType
    from prefect.client.schemas.sorting import ArtifactSort

    found = client.read_artifacts(
        # Results are artifacts as well, and a failed task's is its pickled exception.
        artifact_filter=ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]), type=ArtifactFilterType(any_=["markdown"])
        ),
        sort=ArtifactSort.CREATED_DESC,
        limit=1,
    )
    return str(found[0].data) if found and found[0].data is not None else None
