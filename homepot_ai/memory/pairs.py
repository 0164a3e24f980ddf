"""Measuring the matching on labelled pairs: `{"a", "b", "same"}` per line.

`a` and `b` are plain texts, or objects with `text` and, where known, `device_type`, `category` and `metrics`
(a list of `name:direction`). The cut-off is chosen on one half of the pairs, the accuracy measured on the
other; which half a pair is in is decided by a hash of its texts, so that order does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from homepot_ai.errors import RecallError
from homepot_ai.memory import matching
from homepot_ai.memory.matching import Exact, Reading

if TYPE_CHECKING:
    from homepot_ai.memory.embedder import Embedder


@dataclass(frozen=True)
class Side:
    """One incident of a pair."""

    text: str
    exact: Exact


@dataclass(frozen=True)
class Pair:
    """Two incidents, and whether they had the same cause."""

    a: Side
    b: Side
    same: bool

    @property
    def chooses(self) -> bool:
        """Whether it belongs to the half on which the cut-off is chosen."""
        texts = "\n".join(sorted([self.a.text, self.b.text]))
        return hashlib.sha256(texts.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True)
class Quality:
    """How well pairs are told apart.

    Attributes:
        cut_off: chosen on one half.
        accuracy: share of right answers on the other half.
        shipped: accuracy over all pairs at the cut-off that is in force by default.
        recall: share of the same-cause pairs of the other half that are found; `false_alarms`: share of its
            other-cause pairs that are called similar.
    """

    pairs: int
    measured_on: int
    cut_off: float
    accuracy: float
    recall: float
    false_alarms: float
    shipped: float


def read(path: Path) -> list[Pair]:
    """The pairs of a file.

    Raises:
        RecallError: naming the first line that is no pair.
    """
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
            same = row["same"]
            if not isinstance(same, bool):
                raise TypeError(f"same is {same!r}, not true or false")
            found.append(Pair(_side(row["a"]), _side(row["b"]), same))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise RecallError(f'{path}, line {number}: not a pair {{"a", "b", "same"}} ({error})') from error
    if not found:
        raise RecallError(f"{path} holds no pairs")
    return found


def score(models: Embedder, pairs: Sequence[Pair]) -> list[float]:
    """How alike the two of each pair are."""
    sides = {side: None for pair in pairs for side in (pair.a, pair.b)}
    readings: dict[Side, Reading] = dict(
        zip(sides, models.read([s.text for s in sides], [s.exact for s in sides]), strict=True)
    )
    return [matching.likeness(readings[pair.a], readings[pair.b]) for pair in pairs]


def judge(pairs: Sequence[Pair], scores: Sequence[float]) -> Quality:
    """Choose the cut-off on one half, measure on the other."""
    chosen = [(s, p.same) for p, s in zip(pairs, scores, strict=True) if p.chooses]
    held = [(s, p.same) for p, s in zip(pairs, scores, strict=True) if not p.chooses]
    if not chosen or not held:
        raise RecallError(
            f"{len(pairs)} pairs are too few to choose a cut-off on one half and measure on the other"
        )
    cut_off = matching.best_cut_off([s for s, _ in chosen], [same for _, same in chosen])
    every = list(zip(scores, (p.same for p in pairs), strict=True))
    return Quality(
        len(pairs),
        len(held),
        cut_off,
        _share([(s >= cut_off) == same for s, same in held]),
        _share([s >= cut_off for s, same in held if same]),
        _share([s >= cut_off for s, same in held if not same]),
        _share([(s >= matching.CUT_OFF) == same for s, same in every]),
    )


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0


def _side(value: Any) -> Side:
    if isinstance(value, str):
        return Side(value, Exact())
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise TypeError("a side is a text, or an object with a text")
    metrics = frozenset(str(metric) for metric in value.get("metrics") or ())
    return Side(value["text"], Exact(value.get("device_type"), value.get("category"), metrics))
