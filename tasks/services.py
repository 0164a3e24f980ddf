"""Looking after the services that everything else needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.settings import Settings
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.store.database import Database
from homepot_ai.watch import alarms, remote, service
from homepot_ai.watch import runs as watch_runs
from tasks.runs import FlowsSeen
from tasks.stage import stage

TAGS = {"upkeep"}


@stage("check-each-service", timeout_seconds=90, tags=TAGS, retries=1)
def check_each_service(
    database: Database | None, settings: Settings, *, now: datetime, extra: Sequence[ServiceCheck]
) -> list[ServiceCheck]:
    """Look at every part at the same time, each for a bounded time, and store the outcome."""
    found = service.check_services(database, settings, now, extra, scheduler=False)
    bad = [check.service for check in found if check.state != "ok"]
    get_run_logger().info("checked services=%d not_ok=%s", len(found), bad or "none")
    return found


@stage("tell-alarms", timeout_seconds=90, tags=TAGS, retries=1)
def tell_alarms(
    database: Database | None,
    settings: Settings,
    *,
    found: Sequence[ServiceCheck],
    flows: FlowsSeen | None,
    now: datetime,
) -> tuple[int, list[str]]:
    """Raise and clear alarms by what was seen: (how many were told of now, titles of those that last)."""
    there = None if service.away(found) else database
    before = service.known(there, settings, now)
    made = service.verdicts(found, before.since, [alarm.key for alarm in before.lasting], now)
    if flows is not None:
        made += watch_runs.verdicts(
            flows.failed,
            flows.completed,
            flows.scheduled,
            before.lasting,
            before.last_seen,
            flows.flow_of,
            now,
        )
    told = service.act(there, settings, made, now)
    lasting = service.known(there, settings, now).lasting
    if there is not None:
        alarms.spool_of(settings).mirror(lasting)
    sent, waiting = alarms.send_spooled(settings, now=now)
    get_run_logger().info(
        "alarms told=%d lasting=%d sent_past_the_database=%d waiting_there=%d",
        told,
        len(lasting),
        sent,
        waiting,
    )
    return told, [alarm.title for alarm in lasting]


@stage("ping", timeout_seconds=30, tags=TAGS, retries=0)
def ping(
    database: Database | None, settings: Settings, *, found: Sequence[ServiceCheck], now: datetime
) -> list[ServiceCheck]:
    """Tell whoever waits for it that we live; that nobody answers there is written down and told as well."""
    url = settings.watch.ping_url
    answered = [] if url is None else remote.ping(url.get_secret_value())
    if answered and database is not None and not service.away(found):
        service.record(database, settings, answered, now)
        before = service.known(database, settings, now)
        lasting = [alarm.key for alarm in before.lasting]
        service.act(database, settings, service.verdicts(answered, before.since, lasting, now), now)
    return answered
