"""Prefect's own runs: which flow is late, which run is stuck, what is old enough to go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.logging import get_run_logger
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Crashed

from homepot_ai import pod_names
from homepot_ai.errors import DatabaseUnreachable
from homepot_ai.schedules import Schedule, due_after, late_by
from homepot_ai.settings import load_settings
from homepot_ai.store.checks import ServiceCheck, State
from homepot_ai.watch.letter import lasted
from homepot_ai.watch.runs import EndedRun
from tasks.deployed import clock_ahead, deployments_of
from tasks.names import flow_of
from tasks.stage import stage

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

TAGS = {"upkeep"}
# A prefetched run whose worker died stays Pending for ever, and holds its slot.
STUCK_PENDING = timedelta(minutes=5)
# Heartbeats come every 30 s; some may be lost on a busy server.
SILENT_RUNNING = timedelta(minutes=4)
DAY = timedelta(days=1)
# By a cron line: what is due may take its turn and its time.
CRON_GRACE, CRON_DOWN = timedelta(hours=2), timedelta(days=3)
# Nobody takes what waits so long; nothing of ours works so long; a cancelled run ends sooner.
WAITING_LONG, WAITING_DOWN = timedelta(hours=1), timedelta(hours=6)
RUNNING_LONG = timedelta(hours=4)
# A run that nobody told of itself (killed) is looked for so far back.
FAILED_WITHIN = timedelta(hours=1)
STUCK_CANCELLING = timedelta(minutes=10)
# Intervals without a completed run before a flow counts as degraded, and as down.
LATE_INTERVALS, DOWN_INTERVALS = 3, 15
# The server refuses to delete more in one request.
BULK_LIMIT = 50
TERMINAL = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)


@dataclass(frozen=True)
class PruneSummary:
    """What `prune_old_runs` removed or would remove.

    Attributes:
        runs: flow runs past their retention.
        files: result files past it.
        database_bytes: size of Prefect's database afterwards; None where this machine cannot tell.
    """

    dry_run: bool
    older_than: datetime
    runs: int
    files: int
    database_bytes: int | None
    seconds: float

    def markdown(self) -> str:
        """The artifact's text."""
        verb = "would be removed (dry run)" if self.dry_run else "removed"
        size = (
            "not known on this machine"
            if self.database_bytes is None
            else f"{self.database_bytes / 1e6:.1f} MB"
        )
        return (
            f"# Prefect's database is bounded\n\n"
            f"Everything that ended before {self.older_than:%Y-%m-%d %H:%M} UTC goes.\n\n"
            f"| | |\n|---|---|\n"
            f"| runs {verb} | {self.runs} |\n"
            f"| result files {verb} | {self.files} |\n"
            f"| database size | {size} |\n"
            f"| took | {self.seconds:.1f} s |\n"
        )


@dataclass(frozen=True)
class FlowsSeen:
    """What Prefect knows of our deployments.

    Attributes:
        checks: one of each scheduled deployment.
        failed: runs that failed or crashed lately.
        completed: by deployment, when a run last completed.
        flow_of: every deployment's flow.
    """

    checks: list[ServiceCheck]
    failed: list[EndedRun]
    completed: dict[str, datetime]
    flow_of: dict[str, str]

    @property
    def scheduled(self) -> set[str]:
        """Deployments that run by themselves."""
        return {check.service.removeprefix("flow ") for check in self.checks}


@stage("check-flows", timeout_seconds=60, tags=TAGS)
def check_flows(now: datetime, watched: frozenset[str] = frozenset()) -> FlowsSeen:
    """Whether each scheduled deployment completed a run when its schedules said; which runs failed.

    Args:
        watched: deployments without a schedule whose last completed run is wanted too.
    """
    checks, completed, flows, names = [], {}, {}, {}
    kept = timedelta(days=load_settings().retention.prefect_days)
    with get_client(sync_client=True) as client:
        for deployment in deployments_of(client, load_settings().pod):
            name = pod_names.bare(deployment.name)
            names[deployment.id], flows[name] = name, flow_of(name)
            schedules = _schedules(deployment)
            if not schedules and name not in watched:
                continue
            last = _last_completed(client, deployment)
            if last is not None and last.end_time is not None:
                completed[name] = last.end_time
            if schedules:
                begun = last.expected_start_time if last else None
                checks.append(
                    judge(
                        name, schedules, begun, completed.get(name), now,
                        # Runs are kept so long: of an older one nobody can say that it was missed.
                        since=max(deployment.created or now, now - kept),
                    )
                )  # fmt: skip
        ended = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(
                    type=FlowRunFilterStateType(any_=[StateType.FAILED, StateType.CRASHED])
                ),
                end_time=FlowRunFilterEndTime(after_=now - FAILED_WITHIN),
                deployment_id=FlowRunFilterDeploymentId(any_=list(names)),
            ),
            sort=FlowRunSort.END_TIME_DESC,
            limit=BULK_LIMIT,
        )
    failed = [
        EndedRun(
            names[run.deployment_id], run.name, str(run.state_name or "Failed"),
            str((run.state.message if run.state else "") or ""), run.end_time,
        )
        for run in ended
        if run.deployment_id is not None and run.end_time is not None
    ]  # fmt: skip
    late = [check.service for check in checks if check.state != "ok"]
    get_run_logger().info("flows checked=%d late=%s failed=%d", len(checks), late or "none", len(failed))
    return FlowsSeen(checks, failed, completed, flows)


def judge(
    name: str,
    schedules: Sequence[Schedule],
    begun: datetime | None,
    completed: datetime | None,
    now: datetime,
    *,
    since: datetime,
) -> ServiceCheck:
    """Judge one flow by its own schedules.

    Args:
        begun: for when the last run that completed was meant; completed: when it ended.
        since: when the deployment was made: it counts for a flow that never ran.
    """
    fast = [one.interval for one in schedules if one.interval is not None]
    if fast:
        return judge_lateness(name, min(fast), completed, now, since=since)
    start = begun or since
    late, due = late_by(schedules, start, now), due_after(schedules, start)
    missed = None if due is None else due_after(schedules, due)
    state: State = "ok"
    if late > CRON_GRACE:
        state = "degraded"
        if late > CRON_DOWN or (missed is not None and now - missed > CRON_GRACE):
            state = "down"
    said = f"last completed {completed:%Y-%m-%d %H:%M:%S} UTC" if completed else "has not completed a run yet"
    if state == "ok":
        after = due_after(schedules, now)
        said += "" if after is None else f", next due {after:%Y-%m-%d %H:%M} UTC"
    else:
        said += (
            f", was due {due:%Y-%m-%d %H:%M} UTC, {lasted(late)} ago; see docs/runbooks/{flow_of(name)}.md"
        )
    return ServiceCheck(f"flow {name}", state, said)


def judge_lateness(
    name: str, rhythm: timedelta | None, completed: datetime | None, now: datetime, *, since: datetime
) -> ServiceCheck:
    """Judge one flow by the age of its last completed run.

    Args:
        rhythm: the time between two scheduled runs.
        completed: end of the last completed run, None if there is none.
        since: when the deployment was made: it counts for a flow that never ran.
    """
    rhythm = rhythm or DAY
    age = now - (completed or since)
    state = "ok"
    if age > DOWN_INTERVALS * rhythm:
        state = "down"
    elif age > LATE_INTERVALS * rhythm:
        state = "degraded"
    last = f"last completed {completed:%Y-%m-%d %H:%M:%S} UTC" if completed else "has not completed a run yet"
    detail = f"{last}, due every {_spoken(rhythm)}"
    if state != "ok":
        detail += f"; see docs/runbooks/{flow_of(name)}.md"
    return ServiceCheck(service=f"flow {name}", state=state, detail=detail)


@stage("free-stuck-runs", timeout_seconds=60, tags=TAGS)
def free_stuck_runs(now: datetime) -> ServiceCheck:
    """Mark runs whose process is gone as crashed, which frees their places; say what waits or hangs.

    Pending for long: prefetched by a worker that died. Running without a heartbeat for
    long: killed so early or so hard that nothing else noticed. Cancelling for long: nobody
    is there any more who could end it.
    """
    # Zombies of other pods are ended too, since they may be down; what is told of is our own.
    freed, hanging, ours = 0, [], pod_names.tag(load_settings().pod)
    with get_client(sync_client=True) as client:
        now += clock_ahead(client, datetime.now(UTC))
        for kind, patience in (
            (StateType.PENDING, STUCK_PENDING),
            (StateType.RUNNING, SILENT_RUNNING),
            (StateType.CANCELLING, STUCK_CANCELLING),
        ):
            for run in client.read_flow_runs(
                flow_run_filter=_waiting(kind, now - patience), limit=BULK_LIMIT
            ):
                # A run may have waited long as Scheduled and only just been picked up.
                if run.state is None or now - run.state.timestamp < patience:
                    continue
                if kind == StateType.RUNNING and _heard_of(client, run.id, since=now - patience):
                    if now - run.state.timestamp > RUNNING_LONG and ours in run.tags:
                        hanging.append(run.name)
                    continue
                lost = (
                    Cancelled(message="Nobody was left to end it.")
                    if kind == StateType.CANCELLING
                    else Crashed(message="Its process is gone. The next run catches up.")
                )
                client.set_flow_run_state(run.id, lost, force=True)
                freed += ours in run.tags
        waiting = client.read_flow_runs(
            flow_run_filter=_waiting(StateType.SCHEDULED, now - WAITING_LONG, ours),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=BULK_LIMIT,
        )
    if freed:
        get_run_logger().warning("freed stuck runs=%d", freed)
    oldest = min((run.expected_start_time for run in waiting if run.expected_start_time), default=None)
    return judge_runs(freed, hanging, len(waiting), None if oldest is None else now - oldest)


def judge_runs(freed: int, hanging: Sequence[str], waiting: int, oldest: timedelta | None) -> ServiceCheck:
    """One line about runs.

    Args:
        freed: zombies that were just ended; hanging: runs that live and do not end.
        waiting: runs that nobody takes; oldest: since how long.

    >>> judge_runs(0, [], 3, timedelta(hours=2)).detail
    '3 runs wait for a worker, the oldest for 2 h'
    """
    said, state = [], "ok"
    if freed:
        said.append(f"{freed} whose process was gone freed just now")
    if hanging:
        state = "degraded"
        said.append(f"{', '.join(hanging[:3])} last for more than {lasted(RUNNING_LONG)}")
    if waiting and oldest is not None:
        state = "down" if oldest > WAITING_DOWN else "degraded"
        said.append(f"{waiting} runs wait for a worker, the oldest for {lasted(oldest)}")
    return ServiceCheck("runs", cast("State", state), "; ".join(said) or "none hangs, none waits for long")


def _waiting(kind: StateType, before: datetime, tag: str | None = None) -> FlowRunFilter:
    return FlowRunFilter(
        tags=None if tag is None else FlowRunFilterTags(all_=[tag]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[kind])),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=before),
    )


def _heard_of(client: SyncPrefectClient, run_id: UUID, *, since: datetime) -> bool:
    """Whether a run has sent a heartbeat since then."""
    answer = client.request(
        "POST",
        "/events/filter",
        json={
            "filter": {
                "occurred": {"since": since.isoformat()},
                "event": {"name": ["prefect.flow-run.heartbeat"]},
                "resource": {"id": [f"prefect.flow-run.{run_id}"]},
            },
            "limit": 1,
        },
    )
    answer.raise_for_status()
    return bool(answer.json()["events"])


@stage("prune-old-runs", timeout_seconds=1800, tags=TAGS)
def prune_old_runs(*, now: datetime, keep: timedelta, dry_run: bool) -> PruneSummary:
    """Delete ended runs and result files older than `keep`; the server's own vacuum does the events."""
    started = time.perf_counter()
    limit = now - keep
    old = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL))),
        end_time=FlowRunFilterEndTime(before_=limit),
    )
    with get_client(sync_client=True) as client:
        runs = client.count_flow_runs(flow_run_filter=old) if dry_run else _delete_all(client, old)
    files = _sweep_results(limit, dry_run=dry_run)
    summary = PruneSummary(
        dry_run=dry_run,
        older_than=limit,
        runs=runs,
        files=files,
        database_bytes=database_bytes(),
        seconds=time.perf_counter() - started,
    )
    get_run_logger().info("pruned %s", summary)
    return summary


def database_bytes() -> int | None:
    """Size of Prefect's database; None where file and address are unknown, or it does not answer."""
    from homepot_ai.watch import room

    with suppress(DatabaseUnreachable):
        return room.prefect_bytes(load_settings())
    return None


def _delete_all(client: SyncPrefectClient, old: FlowRunFilter) -> int:
    deleted = 0
    while True:
        answer = client.request(
            "POST",
            "/flow_runs/bulk_delete",
            json={"flow_runs": old.model_dump(mode="json"), "limit": BULK_LIMIT},
        )
        answer.raise_for_status()
        batch = len(answer.json()["deleted"])
        deleted += batch
        if batch < BULK_LIMIT:
            return deleted


def _sweep_results(limit: datetime, *, dry_run: bool) -> int:
    """Result files are written only by runs that ask for it; nobody else removes them."""
    storage = get_current_settings().results.local_storage_path
    if storage is None or not Path(storage).is_dir():
        return 0
    swept = 0
    for path in Path(storage).rglob("*"):
        if path.is_file() and path.stat().st_mtime < limit.timestamp():
            swept += 1
            if not dry_run:
                path.unlink(missing_ok=True)
    return swept


def _schedules(deployment: DeploymentResponse) -> list[Schedule]:
    """The active schedules; none while the deployment is paused."""
    found = []
    for one in deployment.schedules:
        if not one.active or deployment.paused:
            continue
        if isinstance(one.schedule, IntervalSchedule):
            found.append(Schedule(interval=one.schedule.interval))
        elif isinstance(one.schedule, CronSchedule):
            found.append(Schedule(cron=one.schedule.cron, timezone=one.schedule.timezone or "UTC"))
    return found


def _last_completed(client: SyncPrefectClient, deployment: DeploymentResponse) -> FlowRun | None:
    # By name: a skipped run is of type COMPLETED too, but did no work.
    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Completed"]))
        ),
        sort=FlowRunSort.END_TIME_DESC,
        limit=1,
    )
    return runs[0] if runs else None


def _spoken(span: timedelta) -> str:
    seconds = span.total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return unit if count == 1 else f"{count} {unit}s"
    return f"{seconds:.0f} s"
