"""From facts to a document: one report, worded in one language for one mode.

    ReportFacts + Edition -> Document -> PDF, mail, text, CSV

Pure: the same facts and edition always give the same document. Which sections come, in which order, and
what things are called is data (:mod:`homepot_ai.reporting.modes`); the sections word themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from homepot_ai.language.narrate import Narration
from homepot_ai.reporting import added, spans, verdict_incident
from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.document import (
    Block,
    Difference,
    Document,
    Edition,
    Paragraph,
    Section,
    Table,
    Verdict,
)
from homepot_ai.reporting.facts import Kind, ReportFacts, ScopeKind, facts_hash
from homepot_ai.reporting.modes import Mode, mode
from homepot_ai.reporting.sections import checks, core, in_words
from homepot_ai.reporting.terms import PROVENANCE, kind_word
from homepot_ai.reporting.tiles import tiles
from homepot_ai.reporting.verdict import is_quiet, verdict
from homepot_ai.reporting.voice import Voice, message
from homepot_ai.text import fit

DIFFERENCES_SHOWN = 25
#: Sections that have nothing to do with a site or a device.
OF_FLEETS = frozenset({"league", "sites"})
_KINDS: Mapping[Kind, str] = {
    "daily": message("Daily report"),
    "weekly": message("Weekly report"),
    "monthly": message("Monthly report"),
    "incident": message("Incident report"),
    "custom": message("Report"),
}
_SCOPES: Mapping[ScopeKind, str] = {
    "fleet": message("Fleet"),
    "site": message("Site"),
    "device": message("Device"),
    "device_type": message("Device type"),
}
_SUBJECTS: Mapping[Kind, str] = {
    "daily": message("daily {period}"),
    "weekly": message("week of {period}"),
    "monthly": message("month {period}"),
    "incident": message("incident {period}"),
    "custom": message("report {period}"),
}


def voice_of(facts: ReportFacts, edition: Edition, templates: Path) -> Voice:
    """How an edition of a report speaks."""
    chosen = mode(templates, edition.mode)
    return Voice(
        edition.language,
        facts.period.timezone,
        facts.period.first_day,
        facts.period.last_day,
        facts.period.end,
        templates,
        chosen.words,
        chosen.rows,
    )


def document(
    facts: ReportFacts,
    edition: Edition,
    *,
    report_id: str,
    revision: int,
    templates: Path,
    differences: Sequence[Difference] = (),
    narration: Narration | None = None,
) -> Document:
    """Word a report.

    Args:
        templates: the folder of templates, modes and catalogues.
        differences: what this revision changed.
        narration: its passage in words; None: there is none.

    Raises:
        ReportError: the mode's file or the language's catalogue is missing or not understood.
    """
    chosen, voice = mode(templates, edition.mode), voice_of(facts, edition, templates)
    quiet = facts.report_type == "daily" and is_quiet(facts)
    revised = voice.t(" (revision {n})", n=revision) if revision > 1 else ""
    kind, scope = voice.t(_KINDS[facts.report_type]), voice.t(_SCOPES[facts.scope.kind])
    name, period = _name(facts, voice), spans.label(facts.period, voice)
    seen = _verdict(facts, voice, chosen)
    if quiet and (bad := checks.troubled(facts, voice)):
        said = voice.t("Self-check: have a look at {parts}.", parts=", ".join(bad))
        seen = replace(seen, details=(*seen.details, said))
    keys = chosen.keys(facts.report_type, quiet=quiet)
    if not quiet:
        keys = tuple(added.placed(keys, added.plugins(facts.report_type)))
    sections = _sections(facts, voice, keys)
    if narration is not None:
        sections = (in_words.build(narration, voice), *sections)
    rest = len(differences) - DIFFERENCES_SHOWN
    return Document(
        edition=edition,
        kind=facts.report_type,
        report_id=report_id,
        revision=revision,
        hash=facts_hash(facts),
        organisation=facts.organisation,
        title=f"{kind}: {name}, {period}{revised}",
        kicker=f"{kind} · {scope}{revised}",
        mode=voice.t(chosen.title),
        name=name,
        subtitle=" · ".join(part for part in (facts.name.public_id, facts.name.location) if part),
        period=period,
        range_text=spans.range_text(facts.period, voice),
        subject=f"[{fit(facts.organisation, 20)}] {fit(name, 48)}: {seen.short} - "
        f"{_when(facts, voice)}{revised}",
        verdict=seen,
        tiles=verdict_incident.tiles(facts, voice) or tiles(facts, voice, chosen.tiles),
        covers="" if facts.incident_header else _covers(facts, voice),
        sections=sections,
        made_at=voice.moment(facts.made.at),
        quiet=quiet,
        contents=_long(sections),
        differences=tuple(differences[:DIFFERENCES_SHOWN]),
        differences_note=voice.n(
            "And {n} difference more; it is stored with the report.",
            "And {n} differences more; they are stored with the report.",
            rest,
        )
        if rest > 0
        else "",
    )


def _name(facts: ReportFacts, voice: Voice) -> str:
    return voice.t("Whole fleet") if facts.scope.kind == "fleet" else facts.name.name


def _when(facts: ReportFacts, voice: Voice) -> str:
    header = facts.incident_header
    what = str(header.incident.id) if header else spans.short(facts.period)
    return voice.t(_SUBJECTS[facts.report_type], period=what)


def _verdict(facts: ReportFacts, voice: Voice, chosen: Mode) -> Verdict:
    """That of the kind's own plugin, if it has one; otherwise that of the headline's figures."""
    told = None
    for plugin in PLUGINS:
        if (
            plugin.verdict
            and facts.report_type in plugin.kinds
            and getattr(facts, plugin.key, None) is not None
        ):
            told = told or plugin.verdict(facts, voice)
    found = told or verdict(facts, voice)
    return found if found.label else replace(found, label=voice.t(chosen.tone[found.level]))


def _sections(facts: ReportFacts, voice: Voice, keys: Sequence[str]) -> tuple[Section, ...]:
    """Those that a mode lists and that have something to say, or to say why they have not."""
    plugins = {plugin.key: plugin for plugin in PLUGINS if facts.report_type in plugin.kinds}
    own = {plugin.key: plugin for plugin in added.plugins(facts.report_type)}
    made = []
    for key in keys:
        if key in OF_FLEETS and facts.scope.kind != "fleet":
            continue
        if key in core.SECTIONS:
            section = core.SECTIONS[key](facts, voice)
        elif key in plugins:
            section = plugins[key].section(facts, voice)
        elif key in own:
            section = added.section(own[key], facts, voice)
        else:
            continue
        if section is not None:
            made.append(_capped(section, voice))
    return tuple(made)


def _capped(section: Section, voice: Voice) -> Section:
    """Tables no longer than the mode wants them; what a section capped itself stays as it is."""
    blocks: list[Block] = []
    for block in section.blocks:
        if isinstance(block, Table) and len(block.rows) > (cap := voice.cap(block.name, len(block.rows))):
            rest = len(block.rows) - cap
            said = voice.n("{n} row is not shown here.", "{n} rows are not shown here.", rest)
            blocks.append(
                replace(
                    block,
                    rows=block.rows[:cap],
                    sentences=block.sentences[:cap],
                    more=f"{said} {block.more}".strip(),
                )
            )
        else:
            blocks.append(block)
    return replace(section, blocks=tuple(blocks))


def _covers(facts: ReportFacts, voice: Voice) -> str:
    """Which devices the headline speaks of, and which it leaves out."""
    headline = facts.headline
    if headline is None:
        return ""
    word, meaning = PROVENANCE[headline.provenance]
    said = [
        voice.n(
            "Headline figures: {n} device with {word} data ({meaning}).",
            "Headline figures: {n} devices with {word} data ({meaning}).",
            headline.figures.devices,
            word=voice.t(word),
            meaning=voice.t(meaning),
        )
    ]
    others = [
        voice.n(
            "{n} {kind}device",
            "{n} {kind}devices",
            item.figures.devices,
            kind=kind_word(voice, item.provenance),
        )
        for item in facts.classes[1:]
    ]
    if others:
        said.append(voice.t("Shown apart and never added in: {devices}.", devices=", ".join(others)))
    if facts.deleted_devices:
        said.append(
            voice.n(
                "Left out: {n} device with scores that HOMEPOT no longer knows.",
                "Left out: {n} devices with scores that HOMEPOT no longer knows.",
                facts.deleted_devices,
            )
        )
    return " ".join(said)


#: Sections, and lines as a page has some fifty, from which a report has a table of contents.
MANY_SECTIONS, MANY_LINES = 12, 200


def _long(sections: Sequence[Section]) -> bool:
    """More than twelve sections, or more than four pages as far as can be told before setting them."""
    headed = [section for section in sections if not section.line]
    return len(headed) > MANY_SECTIONS or sum(_lines(section) for section in sections) > MANY_LINES


def _lines(section: Section) -> int:
    lines = 1 if section.line else 3
    for block in section.blocks:
        match block:
            case Table(rows=rows):
                lines += 3 + 2 * len(rows)
            case Paragraph(text=text):
                lines += 1 + len(text) // 130
            case _:
                lines += 9
    return lines
