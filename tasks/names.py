"""How a deployment is named: like its flow, with a number where a flow is split over several."""

from __future__ import annotations

from homepot_ai import pod_names


def shard_number(shard: int, shards: int) -> int | None:
    """The number in the name of a shard's deployment; None where there is only one.

    >>> shard_number(0, 4), shard_number(0, 1)
    (1, None)
    """
    return None if shards == 1 else shard + 1


def flow_of(name: str) -> str:
    """The flow of a deployment, which is also its runbook's name.

    >>> flow_of("score-health-3"), flow_of("daily-report"), flow_of("east.score-health-3")
    ('score-health', 'daily-report', 'score-health')
    """
    name = pod_names.bare(name)
    head, _, tail = name.rpartition("-")
    return head if tail.isdigit() else name


def full_name(name: str, pod: str) -> str:
    """Flow and deployment, as Prefect is asked for one.

    >>> full_name("score-health-3", ""), full_name("deliver", "east")
    ('score-health/score-health-3', 'deliver/east.deliver')
    """
    return f"{flow_of(name)}/{pod_names.deployment(name, pod)}"
