"""Parts that answer over HTTP: one that lives and says nothing is as good as dead."""

from __future__ import annotations

import http.client
import urllib.request
from dataclasses import dataclass

from deployments.processes import Child

EVERY_S, ANSWER_S = 15.0, 5.0


@dataclass
class Door:
    """Where a part is asked whether it answers.

    Attributes:
        most: so often in a row it may be silent before it is started again.
        answered: when it did last; a monotonic time in seconds, as all here.
    """

    url: str
    most: int
    answered: float
    silent: int = 0
    seen: float = 0.0

    def look(self, child: Child, now: float) -> bool:
        """Ask, when it is time to; whether it has been silent too often, and is to be started again."""
        if now - self.seen < EVERY_S:
            return False
        self.seen = now
        if not child.running or now - child.started < EVERY_S:
            self.silent = 0
            return False
        if answers(self.url, ANSWER_S):
            self.silent, self.answered = 0, now
            return False
        self.silent += 1
        if self.silent < self.most:
            return False
        self.silent = 0
        return True


def answers(url: str, timeout_s: float = 2.0) -> bool:
    """Whether an HTTP server answers there with success."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
    except (OSError, ValueError, http.client.HTTPException):  # nobody, or somebody who speaks something else
        return False
