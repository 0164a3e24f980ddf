"""The verdict and the big numbers of an incident's report: what, for how long, at what cost. Pure."""

from __future__ import annotations

from homepot_ai.reporting.document import Level, Tile, Verdict
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.verdict import GLYPH
from homepot_ai.reporting.voice import ABSENT, Voice


def verdict(facts: ReportFacts, voice: Voice) -> Verdict | None:
    """As grave as the incident's severity while it is open; None without its facts."""
    header = facts.incident_header
    if header is None:
        return None
    incident = header.incident
    level: Level = "good"
    if not header.final:
        level = "critical" if incident.severity == "critical" else "warning"
    who, what = say.who(voice, incident), say.what(voice, incident)
    length = voice.duration(incident.lasted(facts.period.end))
    values = {"who": who, "what": what, "length": length}
    said = (
        voice.t("{who}: {what}, for {length}.", **values)
        if header.final
        else voice.t("{who}: {what}, for {length} so far.", **values)
    )
    sure = voice.t(
        "{severity}, {conclusion}.",
        severity=say.severity_word(voice, incident.severity).capitalize(),
        conclusion=say.conclusion(voice, incident.conclusion),
    )
    details = [sure]
    if incident.acknowledged_by:
        details.append(voice.t("Taken up by {who}.", who=incident.acknowledged_by))
    elif not header.final:
        details.append(voice.t("Nobody has taken it up."))
    if incident.resolution:
        details.append(voice.t("“{words}”.", words=incident.resolution.rstrip(".")))
    label = voice.t("Over") if header.final else voice.t("Still open")
    return Verdict(level, GLYPH[level], said, tuple(details), f"{what} ({label})", label)


def tiles(facts: ReportFacts, voice: Voice) -> tuple[Tile, ...]:
    """How long, what was lost, how many devices, who was told; none without its facts."""
    header, impact = facts.incident_header, facts.incident_impact
    if header is None or impact is None:
        return ()
    silent = voice.t("{length} of it without data", length=voice.duration(impact.minutes_silent))
    judged = voice.n("of {n} device-minute", "of {n} device-minutes", impact.minutes_judged)
    # What nobody scored may have been lost or not: no zero is shown for it.
    scored = impact.minutes_judged > 0
    known = scored and impact.open_minutes_lost is not None
    hours = voice.t("of {length} open", length=voice.duration(impact.open_minutes or 0))
    if not known:
        hours = voice.t("opening hours are not known") if scored else voice.t("nothing was scored")
    held = voice.n("{n} message was held back", "{n} messages were held back", impact.held_back)
    told = voice.n("to {n} recipient", "to {n} recipients", impact.told)
    return (
        Tile(
            "lasted",
            voice.term("Lasted"),
            voice.duration(impact.minutes),
            "",
            voice.t("from the first symptom to the close") if header.final else voice.t("so far"),
        ),
        Tile(
            "lost",
            voice.term("Device time lost"),
            voice.duration(impact.minutes_lost) if scored else ABSENT,
            "",
            f"{judged}; {silent}" if scored else voice.t("nothing was scored"),
            muted=not scored,
        ),
        Tile(
            "open_lost",
            voice.term("Lost in opening hours"),
            voice.duration(impact.open_minutes_lost) if known else ABSENT,
            "",
            hours,
            muted=not known,
        ),
        Tile(
            "devices",
            voice.term("Devices"),
            voice.number(header.incident.devices),
            "",
            voice.t("held by the incident at most"),
        ),
        Tile("pages", voice.term("Pages"), voice.number(impact.pages), told, held),
    )
