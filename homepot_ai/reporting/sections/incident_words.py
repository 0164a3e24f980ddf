"""What sections about incidents say alike: causes, categories, severities, who and how it ended."""

from __future__ import annotations

from datetime import datetime

from homepot_ai.reporting.document import Cell, Tone
from homepot_ai.reporting.facts import DeviceRef, Provenance
from homepot_ai.reporting.facts.incidents import IncidentFacts, PastIncident
from homepot_ai.reporting.voice import ABSENT, Voice
from homepot_ai.text import NBSP

GLYPH = {"critical": "▼", "warning": "▲", "info": "●"}
_TONE: dict[str, Tone] = {"critical": "critical", "warning": "warning", "info": "info"}


def number(voice: Voice, incident: int) -> str:
    """An incident's number, on one line.

    >>> number(Voice("en", "UTC"), 7).replace(NBSP, " ")
    'no. 7'
    """
    return voice.t("no. {n}", n=incident).replace(" ", NBSP)


def severity(voice: Voice, code: str) -> Cell:
    """A severity as a cell."""
    return Cell(severity_word(voice, code), glyph=GLYPH[code], tone=_TONE[code], raw=code)


def severity_word(voice: Voice, code: str) -> str:
    """A severity."""
    return {
        "critical": voice.t("critical"),
        "warning": voice.t("warning"),
        "info": voice.t("for information"),
    }.get(code, code)


def cause(voice: Voice, code: str) -> str:
    """What an incident is about.

    >>> cause(Voice("en", "UTC"), "disk_percent.high"), cause(Voice("en", "UTC"), "silent")
    ('Disk too high', 'Silence')
    """
    if code in ("silent", "storm", "health"):
        return {
            "silent": voice.t("Silence"),
            "storm": voice.t("Many things at once"),
            "health": voice.t("Health as a whole"),
        }[code]
    name, _, where = code.rpartition(".")
    if name and where == "high":
        return voice.t("{metric} too high", metric=voice.metric(name))
    if name and where == "low":
        return voice.t("{metric} too low", metric=voice.metric(name))
    return voice.metric(code)


def category(voice: Voice, code: str) -> str:
    """The kind of trouble."""
    return {
        "temperature": voice.t("temperature"),
        "connectivity": voice.t("connectivity"),
        "power": voice.t("power"),
        "performance": voice.t("performance"),
        "storage": voice.t("storage"),
        "application": voice.t("application"),
        "security": voice.t("security"),
    }.get(code, code)


def conclusion(voice: Voice, code: str) -> str:
    """How sure it is that something was wrong. Set by rule, never by a model."""
    return {
        "CONFIRMED": voice.t("CONFIRMED"),
        "LIKELY": voice.t("LIKELY"),
        "INCONCLUSIVE": voice.t("INCONCLUSIVE"),
    }[code]


def provenance(voice: Voice, code: Provenance) -> str:
    """A provenance class."""
    return {
        "real": voice.t("real"),
        "controlled": voice.t("controlled"),
        "mixed": voice.t("mixed"),
        "simulated": voice.t("simulated"),
    }[code]


def type_word(code: str) -> str:
    """A device type for people; it is HOMEPOT's word, in its language."""
    return code.replace("_", " ")


def who(voice: Voice, incident: IncidentFacts) -> str:
    """The device or place that an incident is about."""
    if incident.kind == "storm":
        return voice.n("{n} device", "{n} devices", incident.devices)
    if incident.kind == "site" and incident.site:
        return incident.site
    if incident.device is not None:
        return incident.device.name
    if incident.device_id is not None:
        return voice.t("device {number}, gone", number=incident.device_id)
    return incident.site or ABSENT


def what(voice: Voice, incident: IncidentFacts) -> str:
    """The trouble, and how many devices share it where they are several."""
    said = cause(voice, incident.cause)
    if incident.kind in ("gateway", "site", "storm") and incident.devices > 1:
        told = voice.n("{n} device", "{n} devices", incident.devices)
        return voice.t("{cause}, {devices}", cause=said, devices=told)
    return said


def about(voice: Voice, incident: IncidentFacts, headline: Provenance, *, with_site: bool) -> str:
    """The small line: where or what kind, which class if it is another one, which number."""
    parts = []
    if with_site and incident.site and incident.kind != "site":
        parts.append(incident.site)
    elif incident.device is not None:
        parts.append(type_word(incident.device.type))
    if incident.provenance != headline:
        parts.append(provenance(voice, incident.provenance))
    return " · ".join([*parts, number(voice, incident.id)])


def device_about(voice: Voice, device: DeviceRef, headline: Provenance, *, with_site: bool) -> str:
    """The small line under a device's name."""
    parts = [device.site if with_site else type_word(device.type)]
    if device.provenance != headline:
        parts.append(provenance(voice, device.provenance))
    return " · ".join(parts)


def ended(voice: Voice, past: PastIncident) -> str:
    """How a past incident ended, in a sentence or two; a person's words are quoted."""
    said = {
        None: voice.t("Not over yet."),
        "recovered": voice.t("Ended by itself."),
        "by_hand": voice.t("Closed by hand."),
        "forgotten": voice.t("Closed by rule after a long time, not because it recovered."),
    }[past.ended]
    if past.resolution:
        said = voice.t("“{words}”.", words=past.resolution)
    if past.held is True:
        return voice.t("{said} It stayed away for a week.", said=said)
    if past.held is False:
        return voice.t("{said} It came back within a week.", said=said)
    return said


def alike(voice: Voice, past: PastIncident) -> str:
    """Which past incident, and how like."""
    if past.similarity is None:
        return voice.t("the same trouble before, {number}", number=number(voice, past.id))
    return voice.t(
        "{share} alike, {number}", share=voice.percent(past.similarity, 0), number=number(voice, past.id)
    )


def state(voice: Voice, incident: IncidentFacts, end: datetime) -> str:
    """Whether it is over, as known when the report was made."""
    if incident.closed_at is None:
        return voice.t("still open") if incident.opened_at <= end else voice.t("open")
    return voice.t("until {when}", when=voice.clock(incident.closed_at))
