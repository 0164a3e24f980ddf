"""Incidents: what, since when, who took it up, and how the nearest past one ended."""

from __future__ import annotations

from datetime import timedelta

from homepot_ai.reporting import happened
from homepot_ai.reporting.compute import minute_in
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incidents import IncidentFacts, IncidentsFacts
from homepot_ai.reporting.happened import Trouble
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice

KEY = "incidents"
#: So many are kept in the facts.
CAP = 200
_WEIGHT = {"critical": 0, "warning": 1, "info": 2}


def gather(source: Source) -> IncidentsFacts:
    """Incidents that overlap the period: open at its end first, then the gravest, then the longest."""
    period = source.period
    found = sorted(happened.troubles(source), key=lambda t: _order(t, source))
    shown = found[:CAP]
    past = happened.similar_of(source, [t.id for t in shown], 1)
    mine = [t for t in found if t.headline]
    still = [t for t in mine if t.open_at(period.end)]
    return IncidentsFacts(
        incidents=tuple(happened.facts_of(t, source, next(iter(past.get(t.id, ())), None)) for t in shown),
        total=len(found),
        opened=len(happened.opened_in(mine, source)),
        closed=sum(minute_in(t.closed_at, period) for t in mine),
        still_open=len(still),
        unacknowledged=sum(t.acknowledged_at is None and t.closed_at is None for t in still),
        others=len(found) - len(mine),
    )


def _order(trouble: Trouble, source: Source) -> tuple[bool, bool, int, timedelta, int]:
    until = trouble.closed_at or source.now
    still = trouble.open_at(source.period.end)
    weight = _WEIGHT[trouble.severity]
    return not trouble.headline, not still, weight, trouble.started_at - until, trouble.id


def lead(found: IncidentsFacts, voice: Voice) -> str:
    """How many, in one or two sentences."""
    if not found.total:
        return voice.t("No incident in this period.")
    said = voice.t(
        "{opened} opened, {closed} closed, {still} still open at the end.",
        opened=voice.n("{n} incident", "{n} incidents", found.opened),
        closed=voice.number(found.closed),
        still=voice.number(found.still_open),
    )
    if found.unacknowledged:
        open_ones = voice.n(
            "{n} of the open ones was taken up by nobody.",
            "{n} of the open ones were taken up by nobody.",
            found.unacknowledged,
        )
        said = f"{said} {open_ones}"
    if found.others:
        others = voice.n(
            "{n} incident of devices of another class is listed and not counted.",
            "{n} incidents of devices of other classes are listed and not counted.",
            found.others,
        )
        said = f"{said} {others}"
    return said


def build(facts: ReportFacts, voice: Voice) -> Section:
    """A sentence, and the incidents as a table."""
    found = facts.incidents
    assert found is not None
    said = lead(found, voice)
    if not found.total and facts.anomalies_total:
        why = voice.t("Anomalies that were too brief, or were found long afterwards, open none.")
        said = f"{said} {why}"
    opening = Paragraph(said, "lead")
    title = voice.term(PLUGIN.title)
    if not found.incidents:
        return Section(KEY, title, (opening,), line=True)
    with_site = facts.scope.kind not in {"site", "device"}
    headline = facts.headline.provenance if facts.headline else "real"
    rows = tuple(
        (
            say.severity(voice, incident.severity),
            Cell(
                say.who(voice, incident),
                about=say.about(voice, incident, headline, with_site=with_site),
                strong=incident.closed_at is None,
            ),
            _what(voice, incident),
            Cell(
                voice.clock(incident.started_at),
                about=_lasted(voice, incident, facts),
                raw=incident.started_at.isoformat(),
            ),
            _taken(voice, incident),
            _past(voice, incident),
        )
        for incident in found.incidents
    )
    hidden = found.total - len(found.incidents)
    table = Table(
        name="incidents",
        caption=voice.t("Incidents, those still open first"),
        columns=(
            Column(voice.t("Severity"), "severity", 1.1, text_width=12),
            Column(voice.t("Device"), "device", 1.9, text_width=22),
            Column(voice.t("What"), "what", 1.7, text_width=24),
            Column(voice.t("Since"), "started_at_utc", 1.4, text_width=14),
            Column(voice.t("Taken up"), "acknowledged_by", 1.3, text_width=0),
            Column(voice.t("Nearest one before, and how it ended"), "nearest_past", 2.6, text_width=0),
        ),
        rows=rows,
        more=voice.n("{n} more: homepot-ai incidents", "{n} more: homepot-ai incidents", hidden)
        if hidden
        else "",
        in_mail=5,
    )
    return Section(KEY, title, (opening, table))


def _what(voice: Voice, incident: IncidentFacts) -> Cell:
    notes = [say.conclusion(voice, incident.conclusion)]
    if incident.recurrence:
        times = voice.n("there {n} time before", "there {n} times before", incident.recurrence)
        notes.append(times)
    if incident.flapping:
        notes.append(voice.t("comes and goes"))
    if incident.mark is not None:
        notes.append(voice.t("marked true") if incident.mark else voice.t("marked false"))
    return Cell(say.what(voice, incident), about=" · ".join(notes), raw=incident.cause)


def _lasted(voice: Voice, incident: IncidentFacts, facts: ReportFacts) -> str:
    length = voice.duration(incident.lasted(facts.period.end))
    if incident.closed_at is None:
        return voice.t("{length}, still open", length=length)
    return voice.t("{length}, until {when}", length=length, when=voice.clock(incident.closed_at))


def _taken(voice: Voice, incident: IncidentFacts) -> Cell:
    if incident.acknowledged_at is None:
        return Cell(voice.t("by nobody"), tone="muted" if incident.closed_at else "warning", raw="")
    by = incident.acknowledged_by or ABSENT
    return Cell(by, about=voice.clock(incident.acknowledged_at))


def _past(voice: Voice, incident: IncidentFacts) -> Cell:
    if incident.past is None:
        return Cell(voice.t("none is known"), tone="muted", raw="")
    return Cell(say.ended(voice, incident.past), about=say.alike(voice, incident.past))


PLUGIN = Plugin(KEY, "Incidents", frozenset({"daily", "weekly", "monthly", "custom"}), gather, build)
