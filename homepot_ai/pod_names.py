"""How things are called on a Prefect server that several pods share.

The host's own fleet has the bare names; a pod's are told from them by the pod's name: pools, blocks
and artifacts as `POD-NAME`, deployments as `POD.NAME`, whose flow still has the bare name.
"""

from __future__ import annotations

#: The tag of everything that the host's own fleet deploys.
OURS = "homepot-ai"
#: Names of pods that would make other names ambiguous (`channel-…` are blocks of the host).
RESERVED = frozenset({"channel", "default", "fleet", "homepot", "mail", "minute", "batch", "all", "host"})


def slug(name: str, pod: str) -> str:
    """A pool's, a block's or an artifact's name.

    >>> slug("minute", ""), slug("minute", "east")
    ('minute', 'east-minute')
    """
    return f"{pod}-{name}" if pod else name


def deployment(name: str, pod: str) -> str:
    """A deployment's name. A dot, since a dash may stand before the number of a shard.

    >>> deployment("score-health-2", ""), deployment("score-health-2", "east")
    ('score-health-2', 'east.score-health-2')
    """
    return f"{pod}.{name}" if pod else name


def bare(name: str) -> str:
    """A deployment's name as its pod speaks of it.

    >>> bare("east.score-health-2"), bare("score-health-2")
    ('score-health-2', 'score-health-2')
    """
    return name.rpartition(".")[2]


def owner(name: str) -> str:
    """The pod that a deployment belongs to; empty: the host's own.

    >>> owner("east.score-health-2"), owner("score-health-2")
    ('east', '')
    """
    return name.rpartition(".")[0]


def tag(pod: str) -> str:
    """The tag of everything that one pod deploys, and nobody else.

    >>> tag(""), tag("east")
    ('homepot-ai', 'homepot-ai.east')
    """
    return f"{OURS}.{pod}" if pod else OURS


def resource(name: str, pod: str) -> str:
    """The resource that an event is about. The host's triggers do not match a pod's, nor the other way.

    >>> resource("homepot.incident.7", ""), resource("homepot.incident.7", "east")
    ('homepot.incident.7', 'homepot-pod.east.incident.7')
    """
    return f"homepot-pod.{pod}.{name.removeprefix('homepot.')}" if pod else name
