"""Similar past incidents, and how they ended."""

from __future__ import annotations

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incident import IncidentSimilar
from homepot_ai.reporting.incident_source import of
from homepot_ai.reporting.periods import local
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice

KEY = "incident_similar"
MOST = 5


def gather(source: Source) -> IncidentSimilar:
    """What memory found when the incident was looked into; nothing is searched for again."""
    this = of(source)
    past = happened.similar_of(source, [this.incident.id], MOST)
    looked = [event for event in this.events if event.kind == "investigated"]
    return IncidentSimilar(
        past=past.get(this.incident.id, ()),
        investigated_at=looked[-1].at if looked else None,
        by_words=bool(looked and looked[-1].details.get("degraded")),
    )


def build(facts: ReportFacts, voice: Voice) -> Section:
    """The past ones as a table; or that nothing like it is known."""
    found = facts.incident_similar
    assert found is not None
    title = voice.term(PLUGIN.title)
    notes = []
    if found.investigated_at is None:
        notes.append(voice.t("Nobody has compared it with past incidents yet."))
    elif found.by_words:
        notes.append(voice.t("The index could not be asked: compared by words and exact facts."))
    if not found.past:
        notes.append(voice.t("Nothing similar is known."))
        return Section(KEY, title, (Paragraph(" ".join(notes)),), line=True)
    table = Table(
        name="similar_incidents",
        caption=voice.t("Similar past incidents, the most alike first"),
        columns=(
            Column(voice.t("Incident"), "incident", 0.9, text_width=10),
            Column(voice.t("Opened"), "opened_at_utc", 1.2, text_width=14),
            Column(voice.t("Alike"), "similarity", 0.8, numeric=True, text_width=8),
            Column(voice.t("How it ended"), "ended", 4.0, text_width=40),
        ),
        rows=tuple(
            (
                Cell(say.number(voice, past.id), raw=past.id),
                Cell(
                    voice.day(local(past.opened_at, voice.timezone).date(), "iso")
                    if past.opened_at
                    else ABSENT,
                    raw=past.opened_at.isoformat() if past.opened_at else "",
                ),
                Cell(
                    voice.t("same") if past.similarity is None else voice.percent(past.similarity, 0),
                    raw=past.similarity,
                ),
                Cell(say.ended(voice, past)),
            )
            for past in found.past
        ),
        in_mail=3,
    )
    said = tuple(Paragraph(note, "note") for note in notes)
    return Section(KEY, title, (*said, table))


PLUGIN = Plugin(KEY, "Similar past incidents", frozenset({"incident"}), gather, build)
