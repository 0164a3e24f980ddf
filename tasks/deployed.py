"""What is deployed on the Prefect server, and what time it is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

from homepot_ai import pod_names

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

#: The server answers with no more in one request.
PAGE = 200


def deployments_of(client: SyncPrefectClient, pod: str) -> list[DeploymentResponse]:
    """Every deployment of a pod (empty: the host's own fleet), however many its shards make."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[pod_names.tag(pod)]))
    found: list[DeploymentResponse] = []
    while True:
        page = client.read_deployments(deployment_filter=ours, limit=PAGE, offset=len(found))
        found += page
        if len(page) < PAGE:
            return found


def clock_ahead(client: SyncPrefectClient, now: datetime) -> timedelta:
    """How far the server's clock is ahead of ours, to a second; zero where it does not tell.

    Signs of life carry the clock of the machine that sent them and are compared on the server: a machine
    whose own clock is minutes ahead would take every run of all others for dead.
    """
    said = client.request("GET", "/health").headers.get("date")
    if said is None:
        return timedelta(0)
    at = parsedate_to_datetime(said)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now.replace(microsecond=0)
