"""Tell the Prefect server everything it needs: pools, blocks, automations, deployments.

`python -m deployments.bootstrap` (what `homepot-ai up` runs) may be repeated at any
time: each step makes or updates. Secrets go from the settings into blocks and are
never printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from deployments import catalogue, environment
from homepot_ai import pod_names
from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import Settings, settings_for
from tasks.names import full_name

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

ZOMBIES = "homepot-ai: crashed runs are marked"
# Without a heartbeat for so long (they come every 30 s) a run's process is gone.
SILENT = timedelta(seconds=90)
REPORT_HOUR = time(6)

POOLS = {
    "minute": "Short work that must start on time: scoring, mail, checks.",
    "batch": "Work that may take minutes: reports and everything nightly.",
}
# A flow run in a process of its own, in the worker's process group: a stopped worker
# leaves none behind. Giving the command also spares the second start of Python that
# Prefect spends on preparing a workspace; our code is installed, nothing is fetched.
COMMAND = "python -m prefect.engine"


def main() -> int:
    """Run every step, in order, against the server that PREFECT_API_URL or the settings name."""
    import httpx

    try:
        settings = settings_for(None)
        use_server(settings)
        bootstrap(settings, solo="--solo" in sys.argv[1:], scheduled="--on-demand" not in sys.argv[1:])
    except HomepotAIError as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1
    except httpx.TransportError as error:
        url = os.environ["PREFECT_API_URL"]
        print(
            f"bootstrap: no Prefect server answers at {url} ({error}): is `homepot-ai up` running?",
            file=sys.stderr,
        )
        return 1
    return 0


def use_server(settings: Settings) -> None:
    """Talk to the server of `homepot-ai up`, also when started by hand in another shell.

    Without an address Prefect makes a server of its own in the home directory, and
    everything ends up there.
    """
    for name, value in environment.prefect_environment(settings).items():
        os.environ.setdefault(name, value)


def bootstrap(settings: Settings, *, solo: bool = False, scheduled: bool = True) -> None:
    """Make or update everything.

    Args:
        solo: no worker runs yet and nobody else has one: unfinished runs are of a dead one.
        scheduled: False makes schedules inactive, for one cycle on demand that nothing may disturb.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        print(f"pools: {', '.join(make_pools(client, settings.pod))}")
        print(f"blocks: {', '.join(make_blocks(settings))}")
        if not settings.pod:  # it looks after the runs of all
            make_automations(client, wanted=not solo)
        if solo and (others := other_workers(client, settings.pod)):
            print(f"unfinished runs are left as they are, since others work as well: {', '.join(others)}")
        elif solo and (ended := end_orphans(client, settings.pod)):
            print(f"runs that an earlier stop left unfinished, now marked: {ended}")
        if moved := fit_shards(settings, datetime.now(UTC)):
            print(moved)
        zones = zones_in_use(settings)
        names = deploy(settings, zones, scheduled=scheduled)
        print(f"deployments: {', '.join(names)}")
        print(f"reports at 06:00 in: {', '.join(zones)}")
        if removed := remove_others(client, settings.pod, names):
            print(f"deployments that no longer belong here, removed: {', '.join(removed)}")
        if scheduled:
            at_once = settings.profile == "demo"
            for zone in make_up_for_missed(
                client, zones, datetime.now(UTC), at_once=at_once, pod=settings.pod
            ):
                print(f"report of {zone}: asked for now")


def make_pools(client: SyncPrefectClient, pod: str = "") -> list[str]:
    """The two process pools of a fleet, by name; a limit that an operator set is kept."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = COMMAND
    for name, purpose in POOLS.items():
        client.create_work_pool(
            WorkPoolCreate(
                name=pod_names.slug(name, pod),
                type="process",
                description=purpose,
                base_job_template=template,
            ),
            overwrite=True,
        )
    return [pod_names.slug(name, pod) for name in POOLS]


def make_blocks(settings: Settings) -> list[str]:
    """Write the connections from the settings; the names of their documents."""
    from blocks import FLEET, MAIL, SECOND_PLACE, AlertChannel, FleetDatabase, MailServer, SecondPlace

    FleetDatabase.register_type_and_schema()
    MailServer.register_type_and_schema()
    AlertChannel.register_type_and_schema()
    fleet, mail = (pod_names.slug(name, settings.pod) for name in (FLEET, MAIL))
    FleetDatabase.from_settings(settings).save(fleet, overwrite=True)
    MailServer.from_settings(settings).save(mail, overwrite=True)
    channels = AlertChannel.all_from_settings(settings)
    for name, channel in channels.items():
        channel.save(name, overwrite=True)
    forget_channels(set(channels), settings.pod)
    names = [fleet, mail, *channels]
    place = pod_names.slug(SECOND_PLACE, settings.pod)
    if second := SecondPlace.from_settings(settings):
        SecondPlace.register_type_and_schema()
        second.save(place, overwrite=True)
        names.append(place)
    else:
        with suppress(ValueError):
            SecondPlace.delete(place)
    return names


def forget_channels(wanted: set[str], pod: str = "") -> None:
    """Delete the blocks of channels that the settings no longer name: a token must not outlive its use."""
    from prefect.client.orchestration import get_client

    from blocks.alert_channel import document

    with get_client(sync_client=True) as client:
        for block in client.read_block_documents_by_type("alert-channel"):
            mine = (block.name or "").startswith(document("", pod))
            if mine and block.name not in wanted and block.id is not None:
                client.delete_block_document(block.id)


def make_automations(client: SyncPrefectClient, *, wanted: bool) -> None:
    """Runs whose process died without a word are marked as crashed, which frees their place.

    Not on a single machine: there the supervisor sees a worker end and marks its runs at
    once, while each heartbeat would cost SQLite a write that runs wait for.
    """
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    last_words = ("Completed", "Skipped", "Failed", "Cancelled", "Crashed")
    ends = {f"prefect.flow-run.{state}" for state in last_words}
    automation = AutomationCore(
        name=ZOMBIES,
        description="A run that sends no heartbeat for 90 s has lost its process.",
        trigger=EventTrigger(
            # Its process may be gone before it has shown its first sign.
            after={"prefect.flow-run.Running", "prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ends},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message="No sign of life for 90 s: its process is gone. The next run catches up.",
            )
        ],
    )
    known = client.read_automations_by_name(ZOMBIES)
    if not wanted:
        for old in known:
            client.delete_automation(old.id)
    elif known:
        client.update_automation(known[0].id, automation)
    else:
        client.create_automation(automation)


def other_workers(client: SyncPrefectClient, pod: str = "") -> list[str]:
    """Workers of a fleet's own pools that were heard of lately and are not this machine's."""
    pools = [pod_names.slug(name, pod) for name in POOLS]
    known = [(pool, worker) for pool in pools for worker in client.read_workers_for_work_pool(pool)]
    return [
        worker.name
        for pool, worker in known
        if worker.status == "ONLINE" and worker.name != environment.worker_name(pool)
    ]


def end_orphans(client: SyncPrefectClient, pod: str = "") -> int:
    """Mark runs that a dead worker left Pending, Running or Cancelling. Only when no worker runs.

    Those of a fleet's own pools: the workers of another may well be alive.
    """
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
        WorkPoolFilter,
        WorkPoolFilterName,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    unfinished = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=unfinished))),
        work_pool_filter=WorkPoolFilter(
            name=WorkPoolFilterName(any_=[pod_names.slug(name, pod) for name in POOLS])
        ),
    )
    for run in runs:
        client.set_flow_run_state(
            run.id, Crashed(message="homepot-ai was stopped. The next run catches up."), force=True
        )
    return len(runs)


def fit_shards(settings: Settings, now: datetime) -> str | None:
    """Redistribute what scoring has learned when the number of shards was changed; returns what was done."""
    from homepot_ai.health.resharding import reshard
    from homepot_ai.store.database import Database

    done = reshard(Database.from_settings(settings), settings, now=now)
    return None if done is None else str(done)


def zones_in_use(settings: Settings) -> list[str]:
    """The timezones of the sites, and the fleet's."""
    from homepot_ai.fleet.devices import timezones_in_use
    from homepot_ai.store.database import Database

    with Database.from_settings(settings).reader() as conn:
        return sorted({*timezones_in_use(conn, settings), settings.reports.timezone})


def deploy(settings: Settings, zones: Sequence[str], *, scheduled: bool = True) -> list[str]:
    """Deploy the rendered catalogue with Prefect's own command.

    Every deployment's scheduled runs are made anew: what was missed while nothing ran
    is not handed out hundredfold.
    """
    path = settings.var_dir / "prefect" / catalogue.FILE
    names = catalogue.write(settings, zones, path, scheduled=scheduled)
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(path)]
    answer = subprocess.run(command, cwd=settings.home, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise HomepotAIError(f"`prefect deploy` failed:\n{answer.stdout}\n{answer.stderr}")
    return names


def remove_others(client: SyncPrefectClient, pod: str, names: Sequence[str]) -> list[str]:
    """Remove deployments of ours that the catalogue no longer has (another profile, fewer shards)."""
    from tasks.deployed import deployments_of

    others = [deployment for deployment in deployments_of(client, pod) if deployment.name not in names]
    for deployment in others:
        client.delete_deployment(deployment.id)
    return [deployment.name for deployment in others]


def make_up_for_missed(
    client: SyncPrefectClient, zones: Sequence[str], now: datetime, *, at_once: bool, pod: str = ""
) -> list[str]:
    """Ask for the reports whose hour has passed while nothing ran, once per zone and period.

    A report made before is replayed and queues nothing, so asking is harmless. A week's is made up for
    until Thursday, a month's until its seventh day: later nobody waits for it.

    Args:
        at_once: the daily one does not wait for 06:00 (the demo: there must be something to look at).

    Returns:
        Of each run that is new, the zone, and the report where it is not the daily one.
    """
    asked = []
    for name in ("daily-report", "weekly-report", "monthly-report"):
        deployment = client.read_deployment_by_name(full_name(name, pod))
        for zone in zones:
            local = now.astimezone(ZoneInfo(zone))
            period = missed(name, local, at_once=at_once)
            if period is None:
                continue
            run = client.create_flow_run_from_deployment(
                deployment.id,
                parameters={"timezone": zone},
                # One of a flow, which pods share.
                idempotency_key=pod_names.slug(f"{name} {zone} {period}", pod),
            )
            if run.state is not None and run.state.is_scheduled():
                asked.append(zone if name == "daily-report" else f"{zone} ({name.partition('-')[0]})")
    return asked


def missed(name: str, local: datetime, *, at_once: bool) -> str | None:
    """The day on which a report was due that may have been missed, as a part of a key; None: none was.

    >>> missed("weekly-report", datetime(2026, 11, 24, 9), at_once=False)  # a Tuesday
    '2026-11-23'
    >>> missed("weekly-report", datetime(2026, 11, 27, 9), at_once=False) is None
    True
    """
    if name == "daily-report":
        return f"{local:%Y-%m-%d}" if at_once or local.time() >= REPORT_HOUR else None
    since = local.weekday() if name == "weekly-report" else local.day - 1
    due = datetime.combine(local.date() - timedelta(days=since), REPORT_HOUR)
    patience = 3 if name == "weekly-report" else 6
    passed = local.replace(tzinfo=None) >= due and since <= patience
    return f"{due:%Y-%m-%d}" if passed and not at_once else None


if __name__ == "__main__":
    raise SystemExit(main())
