"""Every five minutes, and right after whatever queues: send what waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect import flow, runtime
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import State
from pydantic import Field

from blocks import MAIL, AlertChannel, MailServer
from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from homepot_ai import pod_names
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database
from tasks.alerts import queue_alerts, send_due_messages
from tasks.mail import send_due_mails
from tasks.names import full_name


@flow(name="deliver", timeout_seconds=1900, **FAILURE_HOOKS)
def deliver(at: datetime | None = None, limit: Annotated[int, Field(ge=1, le=10_000)] = 200) -> State[Any]:
    """Send the mails and channel messages that wait in the outboxes, each once.

    Args:
        at: the moment whose due messages are sent; a later one shortens a back-off; default now.
        limit: at most so many of each in this run.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(minutes=5)):
        return skipped(reason)
    settings, database, moment = load_settings(), open_fleet(), now if at is None else as_utc(at)
    # Reminders, escalations and what waited for somebody's hours: also when scoring stands still.
    queued = _queue(database, settings, moment)
    worker = f"deliver {runtime.flow_run.id}"
    channels = send_due_messages(
        database,
        AlertChannel.load_all(list(settings.alerts.channels), settings.pod),
        now=moment,
        worker=worker,
        timeout=settings.alerts.channel_timeout_seconds,
        limit=limit,
    )
    server = MailServer.load(pod_names.slug(MAIL, settings.pod)).server()
    summary = send_due_mails(database, server, now=moment, worker=worker, limit=limit)
    publish(
        "deliver", "\n\n".join(part for part in (summary.markdown(), channels.markdown(), queued) if part)
    )
    said = (
        f"{summary.sent} sent, {summary.retry} to retry, {summary.failed} failed, {summary.unknown} unknown, "
        f"{summary.held} held"
    )
    if channels.sent or channels.retry or channels.failed:
        said += f"; channels: {channels.sent} sent, {channels.retry} to retry, {channels.failed} failed"
    return done(said)


def _queue(database: Database, settings: Settings, now: datetime) -> str:
    try:
        return queue_alerts(database, settings, now=now).markdown()
    except Exception:
        # What is in the outboxes must leave, whatever is wrong with deciding on more.
        get_run_logger().exception("alerts could not be queued; see docs/runbooks/deliver.md")
        return "▲ Alerts could not be queued: see the run's log and `docs/runbooks/deliver.md`.\n"


def wake_sender() -> None:
    """Have the queued mails sent right away.

    The mails lie in the outbox since the transaction of what they announce, and `deliver` looks
    there every five minutes: this only shortens the wait, so it never fails a report.
    A separate run, because a slow mail server must hold up neither the pool of long work
    nor the minute, and because a report or an alert is done when it is queued. Without a server with
    deployments (`homepot-ai run` on its own) the sender is called here instead.
    """
    logger = get_run_logger()
    try:
        if runtime.deployment.id is None:
            state = deliver(return_state=True)
            logger.info("delivered here: %s", state.message)
        else:
            run = run_deployment(full_name("deliver", load_settings().pod), timeout=0, as_subflow=False)
            logger.info("woke the sender: run %s", run.name)
    except (ObjectNotFound, OSError, RuntimeError) as error:
        logger.warning("the sender could not be woken (%s); its own schedule sends within 5 minutes", error)
