"""Which passages of the operators' pages speak of an incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from homepot_ai.memory import matching
from homepot_ai.memory.embedder import reading
from homepot_ai.memory.matching import Exact, Reading
from homepot_ai.store.memory import Passage

if TYPE_CHECKING:
    from homepot_ai.memory.embedder import Embedder

#: Fewer than this and a passage is not quoted: a manual is longer than an incident, and shares fewer words.
CUT_OFF = 0.22
SHOWN = 3
_KEPT = 4


@dataclass(frozen=True)
class Quoted:
    """A passage and how well it fits, 0 to 1."""

    passage: Passage
    similarity: float


def quoted(
    models: Embedder, passages: Sequence[Passage], texts: Sequence[str], shown: int = SHOWN
) -> list[tuple[Quoted, ...]]:
    """For each text the best passages, at most one of each heading, the best first.

    Manuals are few: every passage is compared. Their vectors are kept while the pages stay the same.
    """
    if not passages or not texts:
        return [()] * len(texts)
    rows = _vectors(models, tuple((p.heading, p.body) for p in passages))
    known = [reading(_text(p), row, Exact()) for p, row in zip(passages, rows, strict=True)]
    return [_best(question, known, passages, shown) for question in models.read(texts)]


def _best(
    question: Reading, known: Sequence[Reading], passages: Sequence[Passage], shown: int
) -> tuple[Quoted, ...]:
    scored = [
        Quoted(passage, matching.likeness(question, read))
        for passage, read in zip(passages, known, strict=True)
    ]
    scored.sort(key=lambda q: (-q.similarity, q.passage.id))
    best: dict[tuple[str, str], Quoted] = {}
    for one in scored:
        if one.similarity < CUT_OFF:
            break
        best.setdefault((one.passage.path, one.passage.heading), one)
    return tuple(best.values())[:shown]


def _text(passage: Passage) -> str:
    return f"{passage.heading}. {passage.body}"


@lru_cache(maxsize=_KEPT)
def _vectors(models: Embedder, texts: tuple[tuple[str, str], ...]) -> npt.NDArray[np.float32]:
    return models.encode([f"{heading}. {body}" for heading, body in texts])
