"""What happened in an incident, sentence by sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from homepot_ai.language.booking import Builder, Ref
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incidents import IncidentFacts
from homepot_ai.reporting.sections import incident_words as words
from homepot_ai.reporting.voice import Voice


def _who(b: Builder, incident: IncidentFacts, voice: Voice) -> Ref:
    name, site = words.who(voice, incident), None
    if incident.site:
        site = b.site(incident.site, key=incident.site)
    if incident.kind == "site" and site is not None:
        return site
    if incident.kind == "storm":
        return b.incident(name, at=site, key=incident.id)
    return b.device(name, at=site, key=incident.device_id or 0)


def _began(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.incident_header is not None
    incident = facts.incident_header.incident
    who = _who(b, incident, voice)
    trouble = b.state(who, voice.t("trouble"), incident.cause, words.what(voice, incident))
    start = b.moment(
        who, voice.t("beginning of the trouble"), incident.started_at, voice.clock(incident.started_at)
    )
    b.say(
        voice.t(
            "The trouble of {who} was {trouble}, beginning at {start}.", who=who, start=start, trouble=trouble
        )
    )


def _lasted(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.incident_header is not None
    header, incident = facts.incident_header, facts.incident_header.incident
    minutes = incident.lasted(facts.period.end)
    length = b.duration(None, voice.t("length of the incident"), minutes, voice.duration(minutes))
    b.say(
        voice.t("The incident lasted {length}.", length=length)
        if header.final
        else voice.t("The incident has lasted {length} so far.", length=length)
    )


def _ended(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.incident_header is not None
    incident = facts.incident_header.incident
    if not facts.incident_header.final or incident.ended is None:
        return
    told = {
        "recovered": voice.t("recovered by itself"),
        "by_hand": voice.t("closed by hand"),
        "forgotten": voice.t("closed by rule after a long time"),
    }[incident.ended]
    how = b.state(None, voice.t("end of the incident"), incident.ended, told)
    b.say(voice.t("The end of the incident was: {how}.", how=how))


def _lost(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    impact, header = facts.incident_impact, facts.incident_header
    if impact is None or header is None or not impact.minutes_judged:
        return
    lost = b.duration(
        None, voice.t("device time lost"), impact.minutes_lost, voice.duration(impact.minutes_lost)
    )
    silent = b.duration(
        None, voice.t("time without data"), impact.minutes_silent, voice.duration(impact.minutes_silent)
    )
    b.say(
        voice.t(
            "The device time lost was {lost}, and the time without data was {silent}.",
            lost=lost,
            silent=silent,
        )
    )


def _devices(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.incident_header is not None
    many = facts.incident_header.incident.devices
    if many < 2:
        return
    devices = b.count(None, voice.t("devices in the incident"), many, voice.number(many))
    b.say(voice.t("There were {devices} devices in the incident.", devices=devices))


def _taken_up(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.incident_header is not None
    header, incident = facts.incident_header, facts.incident_header.incident
    if incident.acknowledged_by and incident.acknowledged_at:
        person = b.person(incident.acknowledged_by, key="acknowledged")
        at = b.moment(
            person,
            voice.t("acknowledged the incident"),
            incident.acknowledged_at,
            voice.clock(incident.acknowledged_at),
        )
        b.say(voice.t("{person} acknowledged the incident at {at}.", person=person, at=at))
    elif not header.final:
        nobody = b.count(None, voice.t("people who acknowledged the incident"), 0, voice.number(0))
        b.say(voice.t("Nobody has acknowledged the incident."), rests_on=[nobody])


def _again(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.incident_header is not None
    times = facts.incident_header.incident.recurrence
    if times:
        before = b.count(None, voice.t("earlier incidents with the same trouble"), times, voice.number(times))
        said = voice.n(
            "There was {before} earlier incident with the same trouble.",
            "There were {before} earlier incidents with the same trouble.",
            times, before=before,
        )  # fmt: skip
        b.say(said)


def _sure(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.incident_header is not None
    code = facts.incident_header.incident.conclusion
    finding = b.state(None, voice.t("finding"), code, words.conclusion(voice, code))
    b.say(voice.t("The finding was {finding}.", finding=finding))


SENTENCES: Mapping[str, Callable[[Builder, ReportFacts, Voice], None]] = {
    "began": _began,
    "lasted": _lasted,
    "ended": _ended,
    "lost": _lost,
    "devices": _devices,
    "taken_up": _taken_up,
    "again": _again,
    "sure": _sure,
}
