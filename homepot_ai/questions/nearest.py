"""The catalogue's examples that a question is nearest to: by the memory's models if warm, else by letters.

Both compare masked texts: names and times are the same for all. A likeness is a cosine, 0 to 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from homepot_ai.questions.catalogue import intents
from homepot_ai.questions.mentions import Reading, read

if TYPE_CHECKING:
    from homepot_ai.memory.embedder import Embedder
    from homepot_ai.settings import MemorySettings

Matrix = npt.NDArray[np.float32]
#: (intent, likeness), nearest first; an intent may come several times.
Ranked = Sequence[tuple[str, float]]
Near = Callable[[Reading], Ranked]

KEPT = 12
#: At least so near, and so much nearer than the next intent, to be taken for it.
LEAST, MARGIN = 0.62, 0.04
_BINS = 4096
_WORDS = {
    "device": "the device", "site": "the site", "name": "the device", "type": "the devices",
    "metric": "the metric",
    "when": "last week", "since": "since yesterday", "ahead": "next week", "incident": "12", "n": "5",
    "person": "somebody", "severity": "critical", "category": "network", "number": "5",
}  # fmt: skip


def sure(ranked: Ranked) -> bool:
    """Whether the nearest is near enough, and no other intent as near.

    >>> sure([("help", 0.9), ("help", 0.8), ("uptime", 0.5)]), sure([("help", 0.7), ("uptime", 0.69)])
    (True, False)
    """
    if not ranked or ranked[0][1] < LEAST:
        return False
    other = next((likeness for key, likeness in ranked if key != ranked[0][0]), 0.0)
    return ranked[0][1] - other >= MARGIN


def by_letters(reading: Reading) -> Ranked:
    """Compared by groups of letters: needs nothing but the catalogue."""
    keys, rows = _examples_by_letters()
    return _ranked(keys, rows @ _letters(reading.masked))


def by_meaning(embedder: Embedder) -> Near:
    """Compared by the models of the memory, which must be loaded."""
    keys, rows = _examples_by_meaning(embedder)

    def near(reading: Reading) -> Ranked:
        return _ranked(keys, rows @ embedder.encode([_plain(reading.masked)])[0])

    return near


def warm(settings: MemorySettings) -> Near | None:
    """By meaning, if this process has loaded the memory's models already; they are not loaded for it."""
    from homepot_ai.memory import embedder

    loaded = embedder.loaded(settings)
    return None if loaded is None else by_meaning(loaded)


def _ranked(keys: tuple[str, ...], likeness: Matrix) -> Ranked:
    order = np.argsort(-likeness)[:KEPT]
    return [(keys[index], float(likeness[index])) for index in order]


def _letters(masked: str) -> Matrix:
    """float32 [_BINS] of length 1: words and groups of three letters, hashed."""
    row = np.zeros(_BINS, dtype=np.float32)
    for word in re.findall(r"<\w+>|\w+", masked):
        row[_bin(word)] += 1.5
        if not word.startswith("<"):
            padded = f" {word} "
            for index in range(len(padded) - 2):
                row[_bin(padded[index : index + 3])] += 0.5
    length = float(np.linalg.norm(row))
    return row / np.float32(length) if length else row


def _bin(text: str) -> int:
    # Not `hash`: that is another one in every process.
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % _BINS


def _plain(masked: str) -> str:
    return re.sub(r"<(\w+)>", lambda match: _WORDS[match[1]], masked)


@lru_cache(maxsize=1)
def _examples() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Intents and masked texts of every example of the catalogue."""
    found = [
        (key, read(intent.shown(language, index)).masked)
        for key, intent in intents().items()
        for language in ("en", "de")
        for index in range(len(intent.examples[language]))
    ]
    return tuple(key for key, _ in found), tuple(text for _, text in found)


@lru_cache(maxsize=1)
def _examples_by_letters() -> tuple[tuple[str, ...], Matrix]:
    keys, texts = _examples()
    return keys, np.stack([_letters(text) for text in texts])


@lru_cache(maxsize=2)
def _examples_by_meaning(embedder: Embedder) -> tuple[tuple[str, ...], Matrix]:
    keys, texts = _examples()
    return keys, embedder.encode([_plain(text) for text in texts])
