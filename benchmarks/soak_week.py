"""Simulated days: the flows themselves, one after the other in one process, on a clock of its own.

The sample fleet is loaded as it was `days` ago, and its recordings are followed to the present. Each step
replays and scores so many minutes, then runs whatever prefect.yaml has scheduled in them, with a real Prefect
server, PostgreSQL and mail server. All in one process, where an installation takes a new one for each run:
what a flow leaves behind in memory adds up here.

Kept three days instead of fourteen, so that a week shows whether dropping keeps up with writing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import soak_record
from benchmarks.soak_record import Look, Record

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

ROOT = Path(__file__).resolve().parent.parent
LOOK_EVERY = timedelta(hours=1)
SCORED_BEFORE = timedelta(days=1)
KEPT_DAYS = 3
#: Every step does these itself.
EACH_STEP = ("replay-sample", "score-health", "deliver")
#: Of these only every so manieth: they are long, or often, and leave nothing more when they are run again.
THINNED = {"check-services": 12, "predict-failures": 6}
#: Prefect's runs are of today, whatever the simulated day is.
LEFT_OUT = ("prune-runs",)


@dataclass
class Clock:
    """What the flows take for the present."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def soak_week(var: Path, days: int, port: int, step: int) -> int:
    """Simulate days in steps of so many minutes, with a look every hour; returns the exit code."""
    var.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        HOMEPOT_AI_HOME=str(ROOT),
        HOMEPOT_AI_VAR_DIR=str(var),
        HOMEPOT_AI_PROFILE="demo",
        HOMEPOT_AI_PREFECT__PORT=str(port),
        HOMEPOT_AI_API__ENABLED="false",
        HOMEPOT_AI_DEMO__MAIL_PORT=str(port + 2),
        HOMEPOT_AI_DEMO__HISTORY_DAYS="14",
        HOMEPOT_AI_RETENTION__SCORE_DAYS=str(KEPT_DAYS),
    )
    sys.path.insert(0, str(ROOT))
    from benchmarks.soak import keep

    record = Record.read(var / "soak.jsonl")
    if not record.head:
        begun = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
        record.begin(
            what="week", steps=days * 24, begun=begun.isoformat(), step_minutes=step,
            score_days=KEPT_DAYS,
        )  # fmt: skip
    begun = datetime.fromisoformat(record.head["begun"])
    if len(record.looks) < record.head["steps"]:
        with _installation(begun) as (settings, database):
            record.note("everything was started")
            _simulate(record, var, settings, database, begun)
        record.note("through")
    return keep(record, "week")


@contextmanager
def _installation(begun: datetime) -> Iterator[tuple[Settings, Database]]:
    """A Prefect server, PostgreSQL and a mail server under the supervisor; the fleet as it was at `begun`."""
    from deployments import bootstrap, environment, lock, supervisor
    from homepot_ai.settings import settings_for
    from homepot_ai.store.database import Database

    settings = settings_for("demo")
    with lock.hold(settings) as (holder, _):
        parts = supervisor.Supervisor(settings, holder, print)
        with supervisor.heed_signals(parts.stopping), parts:
            parts.start_server()
            parts.start_mail_sink()
            parts.start_postgres()
            database = Database.from_settings(settings)
            _load(database, settings, begun)
            parts.wait_for_server()
            os.environ.update(environment.prefect_environment(settings), PREFECT_LOGGING_LEVEL="WARNING")
            bootstrap.make_blocks(settings)
            yield settings, database


def _load(database: Database, settings: Settings, begun: datetime) -> None:
    from homepot_ai.health import learning
    from homepot_ai.store import migrate
    from homepot_ai.testing import sample

    sample.create_homepot_tables(database, settings)
    migrate.upgrade(database, may_add_indexes=True)
    if not sample.is_loaded(database, settings):
        print(sample.load(database, settings, begun).markdown(), flush=True)
    with database.reader() as conn:
        scored = conn.execute("SELECT max(at) FROM ai_scoring_minutes").fetchone()
    if scored == (None,):
        learning.backfill(database, settings, begun - SCORED_BEFORE, begun, now=begun)


def _simulate(record: Record, var: Path, settings: Settings, database: Database, begun: datetime) -> None:
    clock = Clock(begun)
    flows = _flows(settings)
    _set_clock(clock)
    end = begun + timedelta(hours=record.head["steps"])
    runs = dict(record.looks[-1].runs) if record.looks else {"completed": 0, "failed": 0}
    hour = begun + LOOK_EVERY * len(record.looks)
    due = _due(settings, hour, end)
    pace = timedelta(minutes=record.head["step_minutes"])
    while hour < end:
        seconds = []
        for step in range(1, int(LOOK_EVERY / pace) + 1):
            clock.now = hour + pace * step
            began = time.monotonic()
            _run(flows, "replay-sample", {}, runs, record)
            _run(flows, "score-health", {}, runs, record)
            while due and due[0][0] <= clock.now:
                at, name, parameters = due.pop(0)
                _run(flows, name, parameters | {"at": at}, runs, record)
            _run(flows, "deliver", {}, runs, record)
            seconds.append(round(time.monotonic() - began, 2))
        since, hour = hour, hour + LOOK_EVERY
        look = _look(record, var, database, since=since, hour=hour, runs=runs, seconds=seconds)
        record.add(look)
        print(
            f"{look.step + 1:3} of {record.head['steps']}  {hour:%d %b %H:%M}  {sum(seconds):5.1f} s  "
            f"{look.rss['flows']:5.0f} MiB  ours {look.ours_mib:6.1f} MiB  failed {runs['failed']}",
            flush=True,
        )


def _flows(settings: Settings) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Every flow that has a schedule, with its deployment's parameters."""
    from prefect.flows import load_flow_from_entrypoint

    from deployments import catalogue

    known = {}
    for entry in catalogue.deployments(settings.home):
        if entry.schedules:
            known[entry.name] = (load_flow_from_entrypoint(entry.entrypoint), dict(entry.parameters))
    return known


def _set_clock(clock: Clock) -> None:
    """Put the clock where flows ask for the present, and where reports take it for their date."""
    import tasks.reports

    class Simulated(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return clock.now.astimezone(tz)

    tasks.reports.datetime = Simulated  # type: ignore[misc]
    for name, module in list(sys.modules.items()):
        if name.startswith("flows.") and hasattr(module, "utc_now"):
            module.utc_now = clock  # type: ignore[attr-defined]


def _due(settings: Settings, begin: datetime, end: datetime) -> list[tuple[datetime, str, dict[str, Any]]]:
    """(moment, deployment, parameters) of everything scheduled in (begin, end], in order."""
    from deployments import catalogue

    found = []
    for entry in catalogue.deployments(settings.home):
        if entry.name in EACH_STEP or entry.name in LEFT_OUT:
            continue
        for schedule in entry.schedules:
            moments = asyncio.run(_dates(schedule, begin, end))
            # Counted from the epoch, so that a soak that goes on takes the same ones.
            every = THINNED.get(entry.name, 1) * _spacing(moments)
            found += [
                (moment, entry.name, {}) for moment in moments
                if moment > begin and moment.timestamp() % every < _spacing(moments)
            ]  # fmt: skip
    return sorted(found, key=lambda one: (one[0], one[1]))


def _spacing(moments: list[datetime]) -> float:
    """Seconds between two moments of a schedule."""
    return (moments[1] - moments[0]).total_seconds() if len(moments) > 1 else 1.0


async def _dates(schedule: dict[str, Any], begin: datetime, end: datetime) -> list[datetime]:
    from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule

    zone = schedule.get("timezone", "UTC")
    if "cron" in schedule:
        moments = await CronSchedule(cron=schedule["cron"], timezone=zone).get_dates(3000, begin, end)
    else:
        interval = IntervalSchedule(
            interval=timedelta(seconds=schedule["interval"]),
            anchor_date=schedule["anchor_date"],
            timezone=zone,
        )
        moments = await interval.get_dates(3000, begin, end)
    # Prefect's moments are of a library of its own, which flows never see: parameters come as JSON.
    return [datetime.fromtimestamp(moment.timestamp(), UTC) for moment in moments]


def _run(
    flows: dict[str, tuple[Any, dict[str, Any]]], name: str, more: dict[str, Any], runs: dict[str, int],
    record: Record,
) -> None:  # fmt: skip
    flow, parameters = flows[name]
    state = flow(**{**parameters, **more}, return_state=True)
    good = state.is_completed()
    runs["completed" if good else "failed"] += 1
    if not good:
        record.note(f"{name} at {more.get('at')} ended {state.name}: {str(state.message)[:300]}")


def _look(
    record: Record, var: Path, database: Database, *, since: datetime, hour: datetime, runs: dict[str, int],
    seconds: list[float],
) -> Look:  # fmt: skip
    import psutil

    found = [(part, one) for part, one in soak_record.processes(var) if part not in {"runs", "supervisor"}]
    rss, threads, files = soak_record.memory([*found, ("flows", psutil.Process())])
    told = soak_record.scoring(database.url, since, hour)
    return Look(
        at=hour.isoformat(),
        step=len(record.looks),
        rss=rss,
        threads=threads,
        files=files,
        ours_mib=told["ours_mib"],
        prefect_mib=soak_record.size_mib(*(var / "prefect").glob("prefect.db*")),
        var_mib=soak_record.size_mib(var),
        scored=len(told["lateness"]),
        lateness=(),  # the clock is set, not waited for
        behind=(hour - told["newest"]).total_seconds(),
        gaps=soak_record.gaps(database.url, datetime.fromisoformat(record.head["begun"])),
        runs=dict(runs),
        outbox=told["outbox"],
        mails=len(list((var / "mail").glob("*.eml"))),
        seconds=tuple(seconds),
        load=round(os.getloadavg()[0], 2),
    )
