"""What was asked of a language model and what came of it: one row a call. Prompts are kept by hash only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

_SQL = named_sql.load("store/sql/llm.sql")


@dataclass(frozen=True)
class CallRow:
    """A row of ai_llm_calls; `answer` as the model wrote it, None where it did not."""

    at: datetime
    purpose: str
    prompt_hash: str
    model: str
    digest: str
    options: Mapping[str, Any]
    outcome: str
    answer: str | None
    latency_ms: float
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


def put_call(conn: Connection, call: CallRow) -> int:
    """Note a call down; returns its number."""
    row = vars(call) | {
        "options": orjson.dumps(dict(call.options)).decode(),
        "model": _storable(call.model),
        "digest": _storable(call.digest),
        "answer": None if call.answer is None else _storable(call.answer),
    }
    (number,) = conn.execute(_SQL["put_call"], row).fetchone() or (0,)
    return int(number)


def _storable(text: str) -> str:
    """What PostgreSQL's text cannot hold, and a model's server may say all the same, is marked."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")


def put_verdicts(
    conn: Connection, number: int, *, verified: int, refused: int, reasons: Mapping[str, int]
) -> None:
    """Note down how many claims of an answer were verified and refused, and why."""
    verdicts = {"verified": verified, "refused": refused, "reasons": dict(reasons)}
    conn.execute(_SQL["put_verdicts"], {"id": number, "verdicts": orjson.dumps(verdicts).decode()})


@dataclass(frozen=True)
class OutcomeCount:
    """How often calls ended so; latencies in milliseconds; verified and refused claims of them."""

    outcome: str
    calls: int
    p50_ms: float
    p95_ms: float
    verified: int
    refused: int


def outcomes(conn: Connection, since: datetime) -> list[OutcomeCount]:
    """How the calls since a moment ended, the most frequent first."""
    return [OutcomeCount(*row) for row in conn.execute(_SQL["outcomes_since"], {"since": since}).fetchall()]
