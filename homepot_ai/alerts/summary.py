"""What was found about an incident, in a few sentences: a model's where they are verified, else a rule's.

Made once, when the incident is looked into, and kept in its history; mails and pages repeat it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from homepot_ai.fleet import events
from homepot_ai.language.booking import Builder
from homepot_ai.language.facts import Book
from homepot_ai.language.model import Model
from homepot_ai.language.narrate import Narration, narrate
from homepot_ai.language.tripping import Tripping
from homepot_ai.text import NBSP, clean

if TYPE_CHECKING:
    from homepot_ai.memory.investigate import Finding
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

SOURCE = "ai_incident_patterns, ai_actions"
EVENTS = 8
DONE_CAP = 160


@dataclass(frozen=True)
class Summary:
    """What a summary is told as, and how it came about; goes into the event's details as `summary`."""

    sentences: tuple[str, ...]
    by_model: bool
    model: str
    figures: int
    verified: int
    refused: int
    note: str

    def details(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sentences": list(self.sentences),
            "by_model": self.by_model,
            "model": self.model,
            "figures": self.figures,
            "verified": self.verified,
            "refused": self.refused,
            "note": self.note,
        }


def of_details(details: Mapping[str, Any]) -> Summary | None:
    """The summary that an event holds; None: it is older than summaries, or damaged.

    >>> of_details({}) is None
    True
    """
    kept = details.get("summary")
    try:
        return Summary(**{**kept, "sentences": tuple(kept["sentences"])}) if kept else None
    except (KeyError, TypeError):
        return None


def writer(
    db: Database, settings: Settings, model: Model, now: datetime
) -> Callable[[Finding], dict[str, Any]]:
    """Words findings one after the other; all of them together take no longer than one passage may."""
    ends = time.monotonic() + settings.ollama.report_deadline_seconds
    asked = Tripping(model)

    def word(finding: Finding) -> dict[str, Any]:
        with db.reader() as conn:
            book = book_of(finding, _happened(conn, finding, now), settings)
        left = max(ends - time.monotonic(), 0.05)
        return summary_of(narrate(book, asked, deadline_s=left, wait_s=left)).details()

    return word


def summary_of(told: Narration) -> Summary:
    """What is kept of a narration."""
    return Summary(
        sentences=tuple(sentence.text for sentence in told.sentences),
        by_model=told.by_model,
        model=told.model,
        figures=told.figures,
        verified=told.verified,
        refused=told.refused,
        note=told.note,
    )


def book_of(finding: Finding, happened: tuple[str, ...], settings: Settings) -> Book:
    """What may be said of a finding. Pure.

    Args:
        happened: what its device remembers of its last days, in others' words.
    """
    incident, found, advice = finding.incident, finding.found, finding.advice
    b = Builder("incident.summary", "en", "maintenance", at_most=4)
    this = b.incident(f"incident {incident.id}", key=incident.id)
    for text in happened:
        b.event(text)
    n = len(found.similar)
    known = b.count(this, "similar past incidents", n, _counted(n), source=SOURCE)
    if not found.similar:
        b.say(f"There is {known} to {this}.")
        return b.book()
    nearest = found.similar[0]
    past = b.incident(f"incident {nearest.pattern.incident_id}", key=("past", nearest.pattern.incident_id))
    alike = b.value(
        past, "similarity", round(nearest.similarity, 3), f"{nearest.similarity * 100:.0f}{NBSP}%",
        unit="%", source=SOURCE,
    )  # fmt: skip
    there = nearest.pattern.happened_at.astimezone(ZoneInfo(settings.reports.timezone))
    when = b.moment(past, "beginning", nearest.pattern.happened_at, f"{there:%-d %B %Y}", source=SOURCE)
    if n == 1:
        b.say(f"There is {known} to {this}: {past} of {when}, with a similarity of {alike}.")
    else:
        b.say(f"The nearest of {known} to {this} is {past} of {when}, with a similarity of {alike}.")
    if nearest.pattern.resolution:
        told = f"“{clean(nearest.pattern.resolution, DONE_CAP).rstrip('.')}”"
        resolution = b.state(past, "resolution", told, told, source=SOURCE)
        b.say(f"The resolution of {past} was {resolution}.")
    if advice.action is not None:
        told = f"“{clean(advice.action, DONE_CAP).rstrip('.')}”"
        action = b.state(this, "recommended action", told, told, source=SOURCE)
        b.say(f"The recommended action for {this} is {action}.")
        if advice.rate.n:
            rate = advice.rate
            helped = b.count(this, "cases in which it helped", rate.helped, str(rate.helped), source=SOURCE)
            judged = b.count(this, "judged cases", rate.n, str(rate.n), source=SOURCE)
            b.say(f"It helped in {helped} of {judged} judged cases.")
    return b.book()


def _counted(n: int) -> str:
    return "no similar past incident" if n == 0 else f"{n} similar past incident{'s' if n > 1 else ''}"


def _happened(conn: Connection, finding: Finding, now: datetime) -> tuple[str, ...]:
    device = finding.incident.root_device_id
    if device is None:
        return ()
    return tuple(event.summary for event in events.recent(conn, device, now, EVENTS))
