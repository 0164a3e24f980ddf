"""A run of many passages does not wait for the same absent model a hundred times."""

from __future__ import annotations

import threading
import time
from typing import Any

from homepot_ai.language.model import Call, Model, Outcome, Prompt, Reply

#: What the passages of one run may take together; the rest is worded by templates.
RUN_S = 600.0


class Tripping:
    """A model that is not asked again in this run once it was away, slow or busy: one wait, not a hundred.

    Threads of the run ask one after the other: a deadline begins when it is one's turn.

    Args:
        total_s: of all questions together; later ones are not asked.

    >>> from pathlib import Path
    >>> from homepot_ai.language import ollama, probe
    >>> from homepot_ai.settings import OllamaSettings
    >>> nobody = ollama.Ollama(OllamaSettings(url="http://127.0.0.1:9"), None, Path("notes.json"))
    >>> run = Tripping(nobody)
    >>> call = run.ask(probe.QUESTION, probe.Colour, deadline_s=1, wait_s=0)
    >>> again = run.ask(probe.QUESTION, probe.Colour, deadline_s=1, wait_s=0)
    >>> again.outcome.value, again.detail
    ('unreachable', 'not asked again in this run: http://127.0.0.1:9 does not answer')
    """

    TRIPS = frozenset(
        {Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.CUT, Outcome.REFUSED, Outcome.BUSY, Outcome.MISSING}
    )

    def __init__(self, model: Model, *, total_s: float = RUN_S) -> None:
        self._model, self._left = model, total_s
        self._tripped: Call[Any] | None = None
        self._turn = threading.Lock()

    def ask(
        self,
        prompt: Prompt,
        schema: type[Reply],
        *,
        deadline_s: float,
        wait_s: float,
        model: str | None = None,
    ) -> Call[Reply]:
        """Ask, unless it was in vain before."""
        with self._turn:
            if self._tripped is not None:
                detail = f"not asked again in this run: {self._tripped.detail}"
                return Call(self._tripped.outcome, None, detail=detail)
            if self._left <= 0:
                return Call(Outcome.TIMEOUT, None, detail="the time of this run for words is used up")
            begun = time.monotonic()
            call = self._model.ask(
                prompt, schema, deadline_s=min(deadline_s, self._left), wait_s=wait_s, model=model
            )
            self._left -= time.monotonic() - begun
            if call.outcome in self.TRIPS:
                self._tripped = call
            return call

    def verdicts(self, record: int | None, *, verified: int, refused: int, reasons: dict[str, int]) -> None:
        """Passed on."""
        self._model.verdicts(record, verified=verified, refused=refused, reasons=reasons)
