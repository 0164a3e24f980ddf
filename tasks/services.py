"""Looking after the services that everything else needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.settings import Settings
from homepot_ai.store import checks
from homepot_ai.store.database import Database
from tasks.stage import stage


@stage("check-each-service", timeout_seconds=90, tags={"upkeep"}, retries=1)
def check_each_service(
    database: Database, settings: Settings, *, now: datetime, extra: Sequence[checks.ServiceCheck]
) -> list[checks.ServiceCheck]:
    """Check PostgreSQL, mail server, disk, clock and lateness, and store the outcome."""
    found = checks.check_services(database, settings, now, extra)
    bad = [check.service for check in found if check.state != "ok"]
    get_run_logger().info("checked services=%d not_ok=%s", len(found), bad or "none")
    return found
