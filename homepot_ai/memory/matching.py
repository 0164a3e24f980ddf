"""How alike two incidents are: one number from 0 to 1, and the cut-off below which nothing is said. Pure.

    text  = W · meaning + (1 - W) · words
    alike = (1 - e) · text + e · exact,   e = E · (share of type and category that both know) + M where both
                                          know metrics; less where these differ (`apart`)

- meaning: cosine of the embeddings. Both texts English: the mean of the English model's and the multilingual
  one's; else the multilingual one's alone (the English model takes any two German texts for alike).
- words: shared concepts over all of both, rare ones counting double (`COMMON` ones half), drawn towards
  `PRIOR` as if one more concept had been seen: two texts of one known word each prove little.
- exact: device type, category, and metrics with their direction, as far as both sides know them. A disk that
  is full and one that is empty read alike: metrics that differ take away from what comes out (`apart`).

W, the prior and the common words were chosen on `tests/data/incident_texts_fit.tsv`, before the other texts
were written; the cut-off on one half of `tests/data/incident_pairs.jsonl`. `docs/memory.md` has the figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from homepot_ai.memory.concepts import concepts

Vector = npt.NDArray[np.float32]

#: Share of the embeddings in the similarity of two texts.
W = 0.6
#: Overlap of concepts that is taken for granted, with the weight of one concept.
PRIOR = 0.2
#: Share of device type and category in the similarity, where both sides know both.
E = 0.05
#: Share of the metrics involved, where both sides know theirs.
M = 0.2
#: What is left of the similarity of two incidents whose common metrics went opposite ways, and of two that
#: have no metric in common: descriptions by rule are worded alike, whatever they are about.
OPPOSITE = 0.5
DISJOINT = 0.7
#: Below it two incidents are not called similar. Measured: docs/memory.md.
CUT_OFF = 0.24
#: The same where both are described by rule from metrics: such texts are worded alike. Measured as well.
CUT_OFF_FACTS = 0.35
#: Concepts that incidents of any cause mention.
COMMON = frozenset(
    {
        "gateway", "server", "service", "app", "payment", "temperature", "probe", "internet", "broken",
        "offline", "flapping", "slow", "hanging", "blocked", "logs", "update", "clock", "hot",
    }
)  # fmt: skip

_WORD = re.compile(r"[^\W\d_]+")
# fmt: off
_ENGLISH = frozenset((
    "the", "and", "of", "to", "a", "in", "is", "on", "for", "with", "at", "by", "it", "its", "was",
    "were", "had", "has", "does", "not", "from", "since", "after", "until", "every", "when", "that",
    "an", "are", "be", "no", "our", "up", "out", "as", "off",
))
_OTHER = frozenset((
    "der", "die", "das", "und", "ist", "nicht", "mit", "auf", "ein", "eine", "im", "am", "zur", "nach",
    "seit", "wegen", "keine", "kein", "mehr", "alle", "von", "zum", "bei", "aus", "durch", "nur", "le",
    "la", "les", "des", "du", "et", "est", "une", "un", "sur", "dans", "en", "au", "aux", "plus", "par",
    "pas", "depuis", "pour", "avec", "el", "los", "las", "del", "y", "se", "por", "con", "sin", "que",
    "su", "al", "tras", "una", "lo", "il", "che", "di", "per", "non", "het", "een", "op", "niet", "van",
    "na", "o", "os", "da", "do", "ao", "em", "um", "não", "e",
))
# fmt: on


@dataclass(frozen=True)
class Exact:
    """What is known of an incident without reading its text; None or empty where it is not known.

    Attributes:
        metrics: `name:direction`, as `disk_percent:high`.
    """

    device_type: str | None = None
    category: str | None = None
    metrics: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reading:
    """A text as both models and the word list read it.

    Attributes:
        english, other: unit vectors of the English and the multilingual model.
    """

    text: str
    english: Vector
    other: Vector
    exact: Exact = Exact()


def likeness(a: Reading, b: Reading) -> float:
    """How alike two incidents are, 0 to 1, the same both ways."""
    text = text_likeness(a.text, b.text, meaning(a, b))
    share, exact = exact_likeness(a.exact, b.exact)
    alike = (1 - share) * text + share * exact
    return float(alike * apart(a.exact, b.exact))


def text_likeness(a: str, b: str, cosine: float) -> float:
    """The similarity of two texts from the cosine of their embeddings and their words."""
    return float(min(1.0, max(0.0, W * cosine + (1 - W) * words(a, b))))


def meaning(a: Reading, b: Reading) -> float:
    """The cosine that counts for these two texts."""
    other = float(a.other @ b.other)
    if is_english(a.text) and is_english(b.text):
        return (other + float(a.english @ b.english)) / 2
    return other


def words(a: str, b: str) -> float:
    """Shared concepts of two texts over all of both, 0 to 1.

    >>> words("disk full of old logs", "Festplatte voll, Logdateien") > 0.7
    True
    >>> round(words("nothing known here", "gar nichts"), 2)
    0.2
    """
    mine, yours = concepts(a).all, concepts(b).all
    return (_weight(mine & yours) + PRIOR) / (_weight(mine | yours) + 1)


def exact_likeness(a: Exact, b: Exact) -> tuple[float, float]:
    """(share of the similarity that exact facts have, how far they agree), 0 to 1 each.

    >>> exact_likeness(Exact("pos_terminal", "storage"), Exact("gateway", "storage"))
    (0.05, 0.5)
    """
    known: list[tuple[float, float]] = []
    if a.device_type and b.device_type:
        known.append((E / 2, float(a.device_type == b.device_type)))
    if a.category and b.category:
        known.append((E / 2, float(a.category == b.category)))
    if a.metrics and b.metrics:
        known.append((M, len(a.metrics & b.metrics) / len(a.metrics | b.metrics)))
    share = sum(weight for weight, _ in known)
    return (share, sum(weight * value for weight, value in known) / share) if known else (0.0, 0.0)


def apart(a: Exact, b: Exact) -> float:
    """What the metrics leave of the similarity: 1 where they have one in common, or are not known.

    >>> apart(Exact(metrics=frozenset({"m:high"})), Exact(metrics=frozenset({"m:low", "n:low"})))
    0.5
    """
    if a.metrics & b.metrics or not a.metrics or not b.metrics:
        return 1.0
    return OPPOSITE if {_name(m) for m in a.metrics} & {_name(m) for m in b.metrics} else DISJOINT


def _name(metric: str) -> str:
    return metric.rpartition(":")[0]


def is_english(text: str) -> bool:
    """Whether a text reads like English, by its function words and letters.

    >>> is_english("Till 4 is offline"), is_english("Kasse 4 ist offline"), is_english("Panne du réseau")
    (True, False, False)
    """
    found = _WORD.findall(text.lower())
    other = sum(word in _OTHER and word not in _ENGLISH for word in found)
    english = sum(word in _ENGLISH for word in found)
    return english >= other and not any(c.isalpha() and "\u00bf" < c < "\u0250" for c in text)


def cut_off(a: Exact, b: Exact, wanted: float | None = None) -> float:
    """What two incidents must reach to be called similar; `wanted`: a setting, which then holds for all."""
    if wanted is not None:
        return wanted
    return CUT_OFF_FACTS if a.metrics and b.metrics else CUT_OFF


def best_cut_off(scores: Sequence[float], same: Sequence[bool]) -> float:
    """The cut-off with the most pairs on their right side; of equal ones the middle of the widest gap.

    >>> round(best_cut_off([0.1, 0.2, 0.6, 0.8], [False, False, True, True]), 2)
    0.4
    """
    pairs = sorted(zip(scores, same, strict=True))
    ordered = [score for score, _ in pairs]
    edges = [0.0, *((low + high) / 2 for low, high in pairwise(ordered)), 1.0]
    right = [sum((score >= edge) == truth for score, truth in pairs) for edge in edges]
    gaps = [high - low for low, high in zip([0.0, *ordered], [*ordered, 1.0], strict=True)]
    _, _, edge = max(zip(right, gaps, edges, strict=True))
    return edge


def _weight(found: frozenset[str]) -> float:
    return sum(0.5 if name in COMMON else 1.0 for name in found)
