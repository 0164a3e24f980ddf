"""`homepot-ai down` and `homepot-ai parts`: stop what `up` keeps running, and look at it."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from deployments import lock
from homepot_ai.errors import HomepotAIError
from homepot_ai.settings import load_settings
from homepot_ai.text import table

console = Console(highlight=False)
LOOK_EVERY_S = 0.2


def down(
    wait: Annotated[float, typer.Option(help="Seconds to wait until everything is stopped.")] = 120.0,
) -> None:
    """Stop `homepot-ai up` on this state folder, in order, from any shell."""
    var_dir = load_settings().var_dir
    holder = lock.running(var_dir)
    if holder is None:
        console.print(f"● nothing is up on {var_dir}", markup=False, soft_wrap=True)
        return
    os.kill(holder.pid, signal.SIGTERM)
    deadline = time.monotonic() + wait
    while lock.running(var_dir) is not None:
        if time.monotonic() > deadline:
            raise HomepotAIError(
                f"process {holder.pid} was asked to stop and still runs after {wait:.0f} s; what it does "
                f"stands in {var_dir / 'log' / 'homepot-ai.log'}"
            )
        time.sleep(LOOK_EVERY_S)
    console.print(f"● stopped what was up on {var_dir} since {holder.started}", markup=False, soft_wrap=True)


def parts(
    as_json: Annotated[bool, typer.Option("--json", help="As the health endpoint says it.")] = False,
) -> None:
    """What `homepot-ai up` keeps running here: since when, how often restarted, and where the logs are."""
    var_dir = load_settings().var_dir
    found = asked(var_dir)
    if as_json:
        console.print(json.dumps(found), markup=False, soft_wrap=True)
    else:
        for line in told(found):
            console.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(0 if found["state"] == "ok" else 1)


def asked(var_dir: Path) -> dict[str, Any]:
    """What the supervisor of this folder says of its parts.

    Raises:
        HomepotAIError: nothing is up, or it does not answer.
    """
    holder = lock.running(var_dir)
    if holder is None or not holder.health_url:
        raise HomepotAIError(f"nothing is up on {var_dir}: `homepot-ai up` starts it")
    try:
        with urllib.request.urlopen(holder.health_url, timeout=5) as answer:  # noqa: S310 - our own address
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:  # 503: a part is missing, and the answer says which
        found = json.load(error)
    except (OSError, ValueError) as error:
        raise HomepotAIError(
            f"process {holder.pid} is up but does not answer at {holder.health_url}: {error}"
        ) from None
    return found


def told(state: dict[str, Any]) -> list[str]:
    """The state as lines for a terminal."""
    rows = [
        (
            one["name"], one["state"], str(one["pid"] or "-"), f"{one['seconds']:.0f} s",
            str(one["restarts"]), "-" if one["last_exit"] is None else str(one["last_exit"]), one["log"],
        )
        for one in state["parts"]
    ]  # fmt: skip
    listed = table(
        ("part", "state", "pid", "for", "restarts", "last exit", "log"), rows, "0< 0< 0> 0> 0> 0> 0<"
    )
    return [f"{state['state']}, up since {state['since']}", listed]
