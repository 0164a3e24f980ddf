"""When a worker died: mark its unfinished runs, so that their places are free at once.

Prefect frees the place of a killed run by itself only when its lease ends, and a running
run renews that for 300 s at a time, whatever the deployment's grace says (the grace counts
until the run starts). With CANCEL_NEW that would be five minutes without scoring. The
supervisor knows better: it saw the worker end, and its runs with it.

Plain HTTP, since importing Prefect would double the supervisor's memory.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

UNFINISHED = ("PENDING", "RUNNING", "CANCELLING")
MESSAGE = "Its worker ended while it ran. The next run catches up."


def release(api_url: str, pool: str, *, login: tuple[str, str] | None = None, timeout_s: float = 10.0) -> int:
    """Mark every unfinished run of a pool as crashed; only when no worker of the pool lives.

    Raises:
        OSError: the server does not answer (also urllib.error.URLError, which is one).
    """
    runs = _post(
        f"{api_url}/flow_runs/filter",
        {
            "work_pools": {"name": {"any_": [pool]}},
            "flow_runs": {"state": {"type": {"any_": list(UNFINISHED)}}},
        },
        login,
        timeout_s,
    )
    for run in runs:
        body = {"state": {"type": "CRASHED", "name": "Crashed", "message": MESSAGE}, "force": True}
        _post(f"{api_url}/flow_runs/{run['id']}/set_state", body, login, timeout_s)
    return len(runs)


def others(
    api_url: str, pool: str, name: str, *, login: tuple[str, str] | None = None, timeout_s: float = 10.0
) -> list[str]:
    """Workers of a pool that were heard of lately, but the one of this name.

    Raises:
        OSError: the server does not answer.
    """
    workers = _post(f"{api_url}/work_pools/{pool}/workers/filter", {}, login, timeout_s)
    return [str(one["name"]) for one in workers if one.get("status") == "ONLINE" and one.get("name") != name]


def _post(url: str, body: dict[str, Any], login: tuple[str, str] | None, timeout_s: float) -> Any:
    headers = {"Content-Type": "application/json"}
    if login is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - our own http address
        url, data=json.dumps(body).encode(), headers=headers
    )
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
        return json.load(answer)
