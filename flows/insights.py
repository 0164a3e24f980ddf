"""A site's last days at a glance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed, State
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, utc_now
from homepot_ai.reporting import insight_page
from homepot_ai.settings import load_settings
from homepot_ai.text import clean
from tasks import answers, insights


@flow(name="site-insights", timeout_seconds=900, **FAILURE_HOOKS)
def site_insights(
    site: Annotated[str, Field(max_length=200)] = "",
    days: Annotated[int, Field(ge=1, le=92)] = 30,
    at: datetime | None = None,
) -> State[Any]:
    """A site's last days: health, findings, predicted issues, costs, actions and whether they worked.

    Args:
        site: its name, public id or number; empty: the sites are listed.
        days: how far back.
        at: the end of the span (UTC where no zone is given); default now.
    """
    now, database, settings = utc_now(), open_fleet(), load_settings()
    if not site.strip():
        listed = [
            f"- {clean(s.name)} ({clean(s.public_id)})" for s in insights.list_active(database, settings)
        ]
        publish("site-insights", "\n".join(["**Nothing shown: no site was named**", "", *listed, ""]))
        return done("nothing shown: no site was named")
    insight = insights.gather_insight(
        database, settings, site.strip(), days=days, now=now if at is None else as_utc(at)
    )
    publish("site-insights", insight_page.page(insight))
    # The result as the HTTP door gives it.
    told = answers.insights_of(database, quote(insight))
    return Completed(message=insight_page.headline(insight), data=told.model_dump(mode="json"))
