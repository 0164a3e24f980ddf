"""Sending what waits in the outbox."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.reporting import smtp
from homepot_ai.store.database import Database
from tasks.stage import stage


# Each mail carries its own count of attempts and its own back-off in the outbox: a
# second attempt of the task only helps when the database was away. The time limit is
# long on purpose. A server may take ten minutes for its final answer (RFC 5321), and
# a sender that is cut off before it leaves a mail of which nobody knows.
@stage("send-due-mails", timeout_seconds=1800, tags={"mail"}, retries=1)
def send_due_mails(
    database: Database, server: smtp.MailServer, *, now: datetime, worker: str, limit: int
) -> smtp.DeliverySummary:
    """Claim, send and record every mail that is due, each once."""
    summary = smtp.deliver_due(database, server, now=now, worker=worker, limit=limit)
    get_run_logger().info("delivered %s", summary)
    return summary
