"""Looking into incidents that have opened: what was similar, what helped then, what the pages say.

One run takes every open incident that has no `investigated` event, so a lost or doubled trigger harms
nothing; the event is written once per incident, in a transaction that holds the incident's row. Without the
index it says so, and compares by words and exact facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from homepot_ai.errors import RecallError
from homepot_ai.memory import describe, embedder, manuals, passages, similar
from homepot_ai.memory.advice import Advice, advise
from homepot_ai.memory.effect import Effect, effects
from homepot_ai.memory.index import Folder
from homepot_ai.memory.passages import Quoted
from homepot_ai.memory.similar import Found, Question
from homepot_ai.store import actions
from homepot_ai.store import memory as store
from homepot_ai.store.actions import TakenAction
from homepot_ai.store.memory import IncidentRow

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

ACTOR = "investigate-incident"
AT_ONCE = 200


@dataclass(frozen=True)
class Finding:
    """What is known about one incident.

    Attributes:
        done: actions of the similar incidents, by incident.
        written: False when another run had written the event already.
    """

    incident: IncidentRow
    description: str
    found: Found
    done: dict[int, list[TakenAction]]
    passages: tuple[Quoted, ...]
    advice: Advice
    written: bool = False


@dataclass(frozen=True)
class Investigated:
    """A run's findings.

    Attributes:
        degraded: why the index or the pages were not asked.
        failed: incidents that could not be looked into, with what went wrong; they stay waiting.
    """

    findings: tuple[Finding, ...]
    effects: tuple[Effect, ...]
    degraded: str | None
    failed: tuple[tuple[int, Exception], ...] = ()


def investigate(
    db: Database,
    settings: Settings,
    now: datetime,
    word: Callable[[Finding], dict[str, Any] | None] = lambda _finding: None,
) -> Investigated:
    """Look into every open incident that nobody looked into; write the events.

    Args:
        word: puts a finding into sentences, which are kept with it.
    """
    with db.reader() as conn:
        waiting = store.uninvestigated(conn, AT_ONCE)
    if not waiting:
        return Investigated((), (), None)
    looked = _look_at_all(db, settings, waiting)
    written = []
    for finding in looked.findings:
        told = details(finding, looked.degraded) | {"summary": word(finding)}
        with db.writer() as conn:
            event = store.append_event(
                conn, finding.incident.id, at=now, kind="investigated", actor=ACTOR,
                comment=finding.advice.text, details=told,
            )  # fmt: skip
        written.append(replace(finding, written=event is not None))
    return replace(looked, findings=tuple(written))


def _look_at_all(db: Database, settings: Settings, incidents: Sequence[IncidentRow]) -> Investigated:
    """All at once; where that fails, one by one, so that what is odd about one holds up no other."""
    try:
        return look(db, settings, incidents)
    except (psycopg.Error, OSError):
        raise  # the server's trouble is everybody's, and goes away by itself
    except Exception as error:
        if len(incidents) == 1:
            return Investigated((), (), None, ((incidents[0].id, error),))
    parts = [_look_at_all(db, settings, [incident]) for incident in incidents]
    return Investigated(
        tuple(finding for part in parts for finding in part.findings),
        next((part.effects for part in parts if part.findings), ()),
        "; ".join(dict.fromkeys(part.degraded for part in parts if part.degraded)) or None,
        tuple(failed for part in parts for failed in part.failed),
    )


def look(db: Database, settings: Settings, incidents: Sequence[IncidentRow]) -> Investigated:
    """Find what is known about incidents; writes nothing. The same questions give the same answers."""
    texts = [describe.describe(incident) for incident in incidents]
    questions = [
        Question(text, describe.exact(incident), incident.opened_at, incident.id)
        for text, incident in zip(texts, incidents, strict=True)
    ]
    with db.reader() as conn:
        found = similar.find(conn, Folder.of(settings), settings, questions)
        ids = [s.pattern.incident_id for f in found for s in f.similar if s.pattern.incident_id is not None]
        done = actions.of_incidents(conn, ids)
        known = effects(actions.tallies(conn, max(incident.opened_at for incident in incidents)))
        pages = store.passages(conn)
    quoted, why = _pages(settings, pages, texts)
    degraded = "; ".join(dict.fromkeys(filter(None, [*(f.degraded for f in found), why]))) or None
    findings = tuple(
        Finding(incident, text, f, done, q, advise(incident.category, f, done, known, q))
        for incident, text, f, q in zip(incidents, texts, found, quoted, strict=True)
    )
    return Investigated(findings, tuple(known), degraded)


def _pages(
    settings: Settings, pages: Sequence[store.Passage], texts: Sequence[str]
) -> tuple[Sequence[tuple[Quoted, ...]], str | None]:
    if not pages:
        return [()] * len(texts), None
    try:
        return passages.quoted(embedder.load(settings.memory), pages, texts), None
    except RecallError as error:
        return [()] * len(texts), str(error)


def details(finding: Finding, degraded: str | None) -> dict[str, Any]:
    """The event's details; alerting reads them."""
    rate = finding.advice.rate
    return {
        "similar": [
            {
                "incident_id": s.pattern.incident_id,
                "similarity": round(s.similarity, 3),
                "resolution": s.pattern.resolution,
                "held": {"held": True, "came_back": False}.get(s.pattern.outcome or ""),
                "at": s.pattern.happened_at.isoformat(),
            }
            for s in finding.found.similar
        ],
        "passages": [
            {
                "path": q.passage.path, "heading": q.passage.heading, "page": q.passage.page,
                "quote": manuals.quote(q.passage),
            }
            for q in finding.passages
        ],
        "recommendation": finding.advice.text,
        "success_rate": rate.rate,
        "interval": None if rate.low is None else [rate.low, rate.high],
        "n": rate.n,
        "useful": finding.advice.useful,
        "degraded": degraded,
    }  # fmt: skip
