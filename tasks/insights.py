"""Reading a site's last days."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.reporting import insight
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage


@stage("gather-insight", timeout_seconds=600, tags={"reports"})
def gather_insight(
    database: Database, settings: Settings, site: str, *, days: int, now: datetime
) -> insight.Insight:
    """Everything that the page says about a site."""
    found = insight.gather(database, settings, site, days, now)
    get_run_logger().info("insight site=%d devices=%d", found.site.id, len(found.devices))
    return found
