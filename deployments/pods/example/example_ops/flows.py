"""A flow of the pod's own. It begins and ends as those of the house do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from prefect import flow
from prefect.states import State
from pydantic import Field

from example_ops.tills import tills
from flows.common import FAILURE_HOOKS, done, open_fleet, publish
from homepot_ai.text import clean


@flow(name="count-tills", timeout_seconds=60, **FAILURE_HOOKS)
def count_tills(at: datetime | None = None, least: Annotated[int, Field(ge=1, le=100)] = 1) -> State[Any]:
    """Count the tills of each site.

    Args:
        at: the moment to act for; tills have no history, so it changes nothing.
        least: a site with fewer is named.
    """
    with open_fleet().reader() as conn:
        found = tills(conn)
    lines = [f"| {clean(site)} | {count} |" for site, count in found.items()]
    few = [clean(site) for site, count in found.items() if count < least]
    publish("count-tills", "\n".join(["# Tills", "", "| site | tills |", "|---|---|", *lines]))
    return done(f"{sum(found.values())} tills; fewer than {least}: {', '.join(few) or 'nowhere'}")
