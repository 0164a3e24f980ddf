"""Every five minutes, and right after whatever queues: send what waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect import flow, runtime
from prefect.states import State
from pydantic import Field

from blocks import MAIL, MailServer
from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from tasks.mail import send_due_mails


@flow(name="deliver", timeout_seconds=1900, **FAILURE_HOOKS)
def deliver(at: datetime | None = None, limit: Annotated[int, Field(ge=1, le=10_000)] = 200) -> State[Any]:
    """Send the mails that wait in the outbox, each once.

    Args:
        at: the moment whose due mails are sent; a later one shortens a back-off; default now.
        limit: at most so many mails in this run.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(minutes=5)):
        return skipped(reason)
    summary = send_due_mails(
        open_fleet(),
        MailServer.load(MAIL).server(),
        now=now if at is None else as_utc(at),
        worker=f"deliver {runtime.flow_run.id}",
        limit=limit,
    )
    publish("deliver", summary.markdown())
    return done(
        f"{summary.sent} sent, {summary.retry} to retry, {summary.failed} failed, {summary.unknown} unknown, "
        f"{summary.held} held"
    )
