"""Looking at several things at once, each on its own and for so long only."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from homepot_ai.errors import HomepotAIError
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.text import clean

#: Looks at one thing; what it raises becomes its check.
Probe = Callable[[], Sequence[ServiceCheck]]
log = logging.getLogger(__name__)


def look(probes: Mapping[str, Probe], *, seconds: float) -> list[ServiceCheck]:
    """Look at all of them at the same time.

    One that hangs is down and keeps nobody waiting: its thread is left to itself, and ends with the process.

    Args:
        probes: by the name of the service that an answer is missing from.
        seconds: how long all of them together may take.

    >>> [check.detail for check in look({"mail": lambda: [ServiceCheck("mail", "ok", "greets")]}, seconds=5)]
    ['greets']
    """
    answers: queue.Queue[tuple[str, list[ServiceCheck]]] = queue.Queue()
    for name, probe in probes.items():
        threading.Thread(
            target=_one, args=(name, probe, answers), name=f"look at {name}", daemon=True
        ).start()
    deadline = time.monotonic() + seconds
    found: dict[str, list[ServiceCheck]] = {}
    while len(found) < len(probes):
        try:
            name, checks = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[name] = checks
    silent = f"did not answer within {seconds:g} s"
    return [check for name in probes for check in found.get(name, [ServiceCheck(name, "down", silent)])]


def _one(name: str, probe: Probe, answers: queue.Queue[tuple[str, list[ServiceCheck]]]) -> None:
    try:
        answers.put((name, list(probe())))
    except HomepotAIError as error:
        answers.put((name, [ServiceCheck(name, "down", clean(str(error), 400))]))
    except Exception as error:
        # A check that stumbles must not hide what the others saw.
        log.exception("the check of %s failed", name)
        said = f"could not be looked at ({type(error).__name__}: {clean(str(error), 200)})"
        answers.put((name, [ServiceCheck(name, "down", said)]))
