"""What a pod has on the shared Prefect server, and taking it away."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deployments import environment
from homepot_ai import pod_names

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import BlockDocument

    from homepot_ai.settings import Settings

NOT_FOUND = 404


def forget(settings: Settings) -> list[str]:
    """Remove a pod's deployments with their triggers, its pools and its blocks with their secrets.

    The runs that were stay until their time has come, as everybody's. Safe to repeat.

    Raises:
        httpx.TransportError: the server does not answer.

    Returns:
        What was removed, one sentence each.
    """
    os.environ.update(environment.prefect_environment(settings))
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    from blocks import FLEET, MAIL, SECOND_PLACE
    from blocks.alert_channel import document
    from deployments.bootstrap import POOLS
    from tasks.deployed import deployments_of

    pod, done = settings.pod, []
    assert pod, "the host's own fleet is not removed"
    with get_client(sync_client=True) as client:
        mine = deployments_of(client, pod)
        for deployment in mine:
            client.request("DELETE", f"/automations/owned-by/prefect.deployment.{deployment.id}")
            client.delete_deployment(deployment.id)
        done.append(f"{len(mine)} deployments removed")
        for name in POOLS:
            try:
                client.delete_work_pool(pod_names.slug(name, pod))
                done.append(f"work pool {pod_names.slug(name, pod)} removed")
            except ObjectNotFound:
                continue
        for kind, wanted in (
            ("fleet-database", pod_names.slug(FLEET, pod)),
            ("mail-server", pod_names.slug(MAIL, pod)),
            ("second-place", pod_names.slug(SECOND_PLACE, pod)),
            ("alert-channel", document("", pod)),
        ):
            for block in _documents(client, kind):
                found = block.name or ""
                match = found.startswith(wanted) if kind == "alert-channel" else found == wanted
                if match and block.id is not None:
                    client.delete_block_document(block.id)
                    done.append(f"block {found} removed")
    return done


def _documents(client: SyncPrefectClient, kind: str) -> list[BlockDocument]:
    """The blocks of a type; none where nobody has made one yet."""
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        return list(client.read_block_documents_by_type(kind))
    except PrefectHTTPStatusError as error:
        if error.response.status_code != NOT_FOUND:
            raise
        return []
