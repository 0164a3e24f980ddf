"""A language model as the rest sees it: one question by schema, one named outcome, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

Reply = TypeVar("Reply", bound=BaseModel)


class Outcome(StrEnum):
    """How a call ended. All but OK and CACHED mean: say it without the model."""

    OK = "ok"
    CACHED = "cached"
    OFF = "off"  # switched off by settings
    UNREACHABLE = "unreachable"
    REFUSED = "refused"  # the server answered with an error (500, 503 …)
    MISSING = "model missing"  # none of the fallback chain is installed
    BUSY = "busy"  # another call holds the slot
    TIMEOUT = "deadline passed"
    CUT = "connection cut"
    GARBAGE = "no JSON"
    WRONG_SCHEMA = "wrong schema"
    TRUNCATED = "answer cut off"  # done_reason == "length"
    PROMPT_CUT = "prompt cut off"  # nonce missing, or fewer tokens counted than sent
    TOO_LONG = "prompt over budget"


@dataclass(frozen=True)
class Prompt:
    """What a model is asked.

    Attributes:
        purpose: which passage or routing; goes into the record.
        instructions: ours; said first and repeated last.
        data: facts and quoted foreign text, fenced by the client.
        examples: pairs of data and answer, as JSON text.
        optional: further lines of data (what happened lately): the last ones go first where all is too long.
    """

    purpose: str
    instructions: str
    data: str
    examples: tuple[tuple[str, str], ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call(Generic[Reply]):
    """What came of it.

    Attributes:
        reply: validated; None unless the outcome is OK or CACHED.
        model, digest: who answered; "" where nobody did.
        detail: one line for an operator.
        record: number of its row in `ai_llm_calls`; None where nothing was recorded.
    """

    outcome: Outcome
    reply: Reply | None
    model: str = ""
    digest: str = ""
    latency_ms: float = 0.0
    detail: str = ""
    record: int | None = None


class Model(Protocol):
    """Whoever answers by schema: :class:`homepot_ai.language.ollama.Ollama`, or nobody."""

    def ask(
        self,
        prompt: Prompt,
        schema: type[Reply],
        *,
        deadline_s: float,
        wait_s: float,
        model: str | None = None,
    ) -> Call[Reply]:
        """Ask; returns within `deadline_s`, having waited at most `wait_s` for the slot."""
        ...

    def verdicts(self, record: int | None, *, verified: int, refused: int, reasons: dict[str, int]) -> None:
        """Note down what became of a reply's claims."""
        ...


class NoModel:
    """Nobody answers: everything is worded by templates.

    >>> from pydantic import BaseModel
    >>> NoModel().ask(Prompt("x", "", ""), BaseModel, deadline_s=1, wait_s=0).outcome
    <Outcome.OFF: 'off'>
    """

    def ask(
        self,
        prompt: Prompt,
        schema: type[Reply],
        *,
        deadline_s: float,
        wait_s: float,
        model: str | None = None,
    ) -> Call[Reply]:
        """Nothing is asked."""
        return Call(Outcome.OFF, None, detail="no language model is configured")

    def verdicts(self, record: int | None, *, verified: int, refused: int, reasons: dict[str, int]) -> None:
        """Nothing was said."""
