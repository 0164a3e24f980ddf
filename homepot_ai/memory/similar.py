"""Finding past incidents: candidates from the index (or from PostgreSQL alone), then compared exactly."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.errors import RecallError
from homepot_ai.memory import embedder, index, matching
from homepot_ai.memory.matching import Exact
from homepot_ai.store import memory as store
from homepot_ai.store.memory import Pattern

if TYPE_CHECKING:
    from homepot_ai.memory.embedder import Embedder
    from homepot_ai.memory.index import Folder
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection

#: Neighbours that are taken out of the index. Of these so many are compared exactly: the nearest, and the
#: nearest of the same category. (Chroma's own filter takes 140 ms at 100 000 patterns, all neighbours 10.)
NEIGHBOURS = 100
#: Of one who may see some sites only: most of the nearest may be of the others.
NEIGHBOURS_OF_SITES = 1000
ANYWHERE = 40
WITHIN = 20
#: Without an index: at most so many of the same category are compared, by their words.
WITHOUT_INDEX = 200
#: Without embeddings. Of the labelled pairs whose facts are known, 57 % of the same and none of the others
#: reach it.
WORDS_CUT_OFF = 0.35
SHOWN = 5


@dataclass(frozen=True)
class Question:
    """An incident, or somebody's words, to find similar past ones for.

    Attributes:
        before: only what happened earlier counts; a repeated run then finds the same.
        incident_id: never found similar to itself.
        sites: only incidents of these are looked at; None: of all.
    """

    text: str
    exact: Exact
    before: datetime
    incident_id: int | None = None
    sites: Collection[int] | None = None


@dataclass(frozen=True)
class Similar:
    """A past incident and how alike it is, 0 to 1."""

    pattern: Pattern
    similarity: float


@dataclass(frozen=True)
class Found:
    """What was found for a question; empty means that nothing similar is known.

    Attributes:
        nearest: the highest similarity that was seen, also below the cut-off; None: there is nothing at all.
        degraded: why the index was not asked; None when it was.
    """

    similar: tuple[Similar, ...]
    nearest: float | None
    degraded: str | None = None


def find(
    conn: Connection, folder: Folder, settings: Settings, questions: Sequence[Question], shown: int = SHOWN
) -> list[Found]:
    """The most similar past incidents of each question, above the cut-off only, the most similar first.

    Without an index (or a model) it compares by words and exact facts, and says so.
    """
    if not questions:
        return []
    cut_off = settings.memory.cut_off
    try:
        models = embedder.load(settings.memory)
        return _by_index(conn, folder, models, questions, cut_off, shown)
    except RecallError as error:
        return [_by_words(conn, question, cut_off, shown, str(error)) for question in questions]


def _by_index(
    conn: Connection,
    folder: Folder,
    models: Embedder,
    questions: Sequence[Question],
    cut_off: float | None,
    shown: int,
) -> list[Found]:
    name = index.in_force(store.index_row(conn, index.INCIDENT_HISTORY), models.name)
    vectors = models.encode([question.text for question in questions])
    readings = [
        embedder.reading(question.text, vector, question.exact)
        for question, vector in zip(questions, vectors, strict=True)
    ]
    answers = []
    with folder.reading() as opened:
        for question, reading, vector in zip(questions, readings, vectors, strict=True):
            near = opened.nearest(name, vector, NEIGHBOURS if question.sites is None else NEIGHBOURS_OF_SITES)
            if question.sites is not None:
                theirs = store.patterns_of_sites(conn, [hit.id for hit in near], question.sites)
                near = [hit for hit in near if hit.id in theirs]
            within = [hit for hit in near if hit.category == question.exact.category]
            hits = {hit.id: hit for hit in [*near[:ANYWHERE], *within[:WITHIN]]}
            known = store.patterns(conn, list(hits))
            # The record decides: what it no longer has, or has with another text, the index is wrong about.
            usable = [
                (pattern, hits[number])
                for number, pattern in sorted(known.items())
                if pattern.happened_at < question.before
                and pattern.content_hash == hits[number].hash
                and (question.incident_id is None or pattern.incident_id != question.incident_id)
            ]
            scored = [
                Similar(
                    p, matching.likeness(reading, embedder.reading(p.description, hit.vector, exact_of(p)))
                )
                for p, hit in usable
            ]
            answers.append(_best(question, scored, cut_off, shown, None))
    return answers


def _by_words(conn: Connection, question: Question, cut_off: float | None, shown: int, why: str) -> Found:
    """Without embeddings: words of the field and exact facts, and a higher cut-off."""
    if question.exact.category is None:
        return Found((), None, why)
    past = store.exact_patterns(
        conn, category=question.exact.category, device_type=question.exact.device_type,
        metrics=sorted(question.exact.metrics), before=question.before, incident_id=question.incident_id,
        sites=question.sites, limit=WITHOUT_INDEX,
    )  # fmt: skip
    scored = []
    for pattern in past:
        share, exact = matching.exact_likeness(question.exact, exact_of(pattern))
        words = matching.words(question.text, pattern.description)
        # Nothing tells what a text means here: what is known exactly counts double.
        alike = (1 - 2 * share) * words + 2 * share * exact
        scored.append(Similar(pattern, alike * matching.apart(question.exact, exact_of(pattern))))
    return _best(question, scored, max(cut_off or 0.0, WORDS_CUT_OFF), shown, why)


def _best(
    question: Question, scored: list[Similar], cut_off: float | None, shown: int, degraded: str | None
) -> Found:
    # Of equal ones the newest: what helped last is likelier to help now.
    scored.sort(key=lambda s: (-s.similarity, -s.pattern.happened_at.timestamp(), s.pattern.id))
    above = tuple(
        one
        for one in scored
        if one.similarity >= matching.cut_off(question.exact, exact_of(one.pattern), cut_off)
    )
    return Found(above[:shown], scored[0].similarity if scored else None, degraded)


def exact_of(pattern: Pattern) -> Exact:
    """What is known exactly of a past incident."""
    return Exact(pattern.device_type, pattern.category, frozenset(pattern.metrics))
