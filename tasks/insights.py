"""Reading a site's last days."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.fleet.devices import Site, list_sites
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


@stage("list-sites", timeout_seconds=30, tags={"reports"})
def list_active(database: Database, settings: Settings) -> list[Site]:
    """The sites that can be named."""
    with database.reader() as conn:
        return [site for site in list_sites(conn, settings) if site.is_active]
