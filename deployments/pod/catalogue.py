"""What a pod deploys: the catalogue with its own schedules and flows, under names of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployments.pod.profiles import OwnDeployment, Pod, Schedule
from homepot_ai import pod_names
from tasks.names import flow_of

# They look after the Prefect server, which is the host's.
OF_THE_HOST = frozenset({"prune-runs"})
ANCHOR = "2025-01-01T00:00:00+00:00"
GRACE_S = 60


def fitted(entries: Sequence[Mapping[str, Any]], pod: Pod) -> list[dict[str, Any]]:
    """The entries of the rendered catalogue as a pod has them, still under bare names."""
    made = [copy.deepcopy(dict(entry)) for entry in entries if flow_of(entry["name"]) not in OF_THE_HOST]
    made += [_own(entry) for entry in pod.profile.deployments]
    for entry in made:
        wanted = pod.profile.schedules.get(flow_of(entry["name"]))
        if wanted is False:
            for schedule in entry["schedules"]:
                schedule["active"] = False
        elif wanted is not None:
            entry["schedules"] = list(_instead(entry["schedules"], wanted))
    return made


def _own(own: OwnDeployment) -> dict[str, Any]:
    return {
        "name": own.name,
        "entrypoint": own.entrypoint,
        "description": own.description,
        "tags": [pod_names.OURS, "own"],
        "work_pool": {"name": own.pool},
        "concurrency_limit": {
            "limit": 1,
            "collision_strategy": "CANCEL_NEW" if own.when_busy == "drop" else "ENQUEUE",
            "grace_period_seconds": GRACE_S,
        },
        "parameters": dict(own.parameters),
        "schedules": list(_instead([], own.schedule)) if own.schedule else [],
    }


def _instead(before: Sequence[Mapping[str, Any]], wanted: Schedule) -> Iterator[dict[str, Any]]:
    """The schedules that stand in for others. Of several, each keeps its zone and its parameters."""
    if wanted.every_minutes is not None:
        anchor = next((one["anchor_date"] for one in before if "anchor_date" in one), ANCHOR)
        kept = {"parameters": before[0]["parameters"]} if before and "parameters" in before[0] else {}
        yield {
            "interval": wanted.every_minutes * 60,
            "anchor_date": anchor,
            "timezone": "UTC",
            "slug": "of-the-pod",
            **kept,
        }
        return
    for one in before or [{"slug": "of-the-pod", "timezone": "UTC"}]:
        rest = {key: value for key, value in one.items() if key not in ("interval", "anchor_date", "cron")}
        zone = wanted.timezone or rest.get("timezone", "UTC")
        yield {**rest, "cron": wanted.cron, "timezone": zone}
        if wanted.timezone is not None and "parameters" not in one:
            return


def named(entries: Sequence[Mapping[str, Any]], pod: str) -> list[dict[str, Any]]:
    """The same under the names that they have on the shared server. Nothing changes for the host's own."""
    made = [copy.deepcopy(dict(entry)) for entry in entries]
    if not pod:
        return made
    for entry in made:
        entry["name"] = pod_names.deployment(entry["name"], pod)
        entry["tags"] = [
            *(pod_names.tag(pod) if tag == pod_names.OURS else tag for tag in entry["tags"]),
            f"pod:{pod}",
        ]
        entry["work_pool"] = {"name": pod_names.slug(entry["work_pool"]["name"], pod)}
        for trigger in entry.get("triggers", []):
            matched = trigger.get("match", {}).get("prefect.resource.id")
            if matched:
                trigger["match"]["prefect.resource.id"] = pod_names.resource(matched, pod)
    return made
