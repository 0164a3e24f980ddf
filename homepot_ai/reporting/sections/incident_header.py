"""What the incident is: who, what, since when, how sure, who took it up, how it ended."""

from __future__ import annotations

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incident import IncidentHeader
from homepot_ai.reporting.incident_source import of
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.verdict_incident import verdict
from homepot_ai.reporting.voice import ABSENT, Voice

KEY = "incident_header"


def gather(source: Source) -> IncidentHeader:
    """The incident's row, as it was known at the report's making."""
    this = of(source)
    quiet = this.incident.quiet_since
    return IncidentHeader(
        incident=happened.facts_of(this.trouble, source),
        final=this.trouble.closed_at is not None,
        initial_severity=this.incident.initial_severity,
        quiet_since=quiet if quiet is not None and quiet <= source.now else None,
    )


def lead(header: IncidentHeader, facts: ReportFacts, voice: Voice) -> str:
    """The incident in two sentences."""
    incident = header.incident
    who, what = say.who(voice, incident), say.what(voice, incident)
    length = voice.duration(incident.lasted(facts.period.end))
    if header.final:
        said = voice.t("{who}: {what}, for {length}.", who=who, what=what, length=length)
        ends = {
            "recovered": voice.t("It ended by itself."),
            "by_hand": voice.t("It was closed by hand."),
            "forgotten": voice.t("It was closed by rule because it had been open for so long."),
        }
        ending = ends[incident.ended or "by_hand"]
    else:
        said = voice.t("{who}: {what}, for {length} so far.", who=who, what=what, length=length)
        ending = voice.t("This report is preliminary: the final one follows when the incident is closed.")
    return f"{said} {ending}"


def sure(voice: Voice, code: str) -> str:
    """What a conclusion label rests on."""
    return {
        "CONFIRMED": voice.t(
            "a limit was crossed, a device was silent, checks or jobs failed with it, or most devices of a "
            "place shared it"
        ),
        "LIKELY": voice.t("statistics of several kinds, or that stood for half an hour; no hard limit"),
        "INCONCLUSIVE": voice.t("one statistic, for a short time"),
    }[code]


def build(facts: ReportFacts, voice: Voice) -> Section:
    """A sentence and a table of two columns."""
    header = facts.incident_header
    assert header is not None
    i = header.incident
    worst = say.severity_word(voice, i.severity)
    if header.initial_severity != i.severity:
        began = say.severity_word(voice, header.initial_severity)
        worst = voice.t("{worst}, at first {began}", worst=worst, began=began)
    rows = [
        (voice.t("Severity"), worst, say.GLYPH[i.severity]),
        (voice.t("What"), f"{say.what(voice, i)} ({say.category(voice, i.category)})", ""),
        (voice.t("Where"), " · ".join(filter(None, (say.who(voice, i), i.site))), ""),
        (
            voice.t("How sure"),
            f"{say.conclusion(voice, i.conclusion)}: {sure(voice, i.conclusion)}",
            "",
        ),
        (voice.t("First symptom"), voice.moment(i.started_at), ""),
        (voice.t("Opened"), voice.moment(i.opened_at), ""),
        (voice.t("Taken up"), _taken(voice, header), ""),
        (voice.t("Closed"), _closed(voice, header), ""),
    ]
    if i.recurrence:
        before = voice.n("{n} time before", "{n} times before", i.recurrence)
        rows.append((voice.t("The same trouble"), before, ""))
    if i.mark is not None:
        marked = voice.t("marked true by people") if i.mark else voice.t("marked false by people")
        rows.append((voice.t("Judged"), marked, ""))
    table = Table(
        name="incident",
        caption=voice.t("The incident, {number}", number=say.number(voice, i.id)),
        columns=(
            Column(voice.t("What is known"), "what", 1.0, text_width=18),
            Column(voice.t("Value"), "value", 3.2, text_width=54),
        ),
        rows=tuple((Cell(name, strong=True), Cell(text, glyph=glyph)) for name, text, glyph in rows),
        in_mail=20,
    )
    return Section(KEY, voice.term(PLUGIN.title), (Paragraph(lead(header, facts, voice), "lead"), table))


def _taken(voice: Voice, header: IncidentHeader) -> str:
    i = header.incident
    if i.acknowledged_at is None:
        return voice.t("by nobody")
    waited = voice.duration((i.acknowledged_at - i.opened_at).total_seconds() / 60)
    return voice.t(
        "{when} by {who}, {waited} after it was opened",
        when=voice.moment(i.acknowledged_at), who=i.acknowledged_by or ABSENT, waited=waited,
    )  # fmt: skip


def _closed(voice: Voice, header: IncidentHeader) -> str:
    i = header.incident
    if i.closed_at is None:
        if header.quiet_since is not None:
            when = voice.clock(header.quiet_since)
            return voice.t("not yet; nothing of it was to be seen since {when}", when=when)
        return voice.t("not yet")
    said = voice.moment(i.closed_at)
    if i.closed_by:
        said = voice.t("{when} by {who}", when=said, who=i.closed_by)
    if i.resolution:
        said = voice.t("{said}: “{words}”", said=said, words=i.resolution)
    return said


PLUGIN = Plugin(KEY, "The incident", frozenset({"incident"}), gather, build, verdict)
