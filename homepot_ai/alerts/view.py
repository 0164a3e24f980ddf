"""What an alert says, as strings: the same for the text part, the HTML part and the other channels. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from homepot_ai.alerts import summary
from homepot_ai.alerts.phrases import before, cause, evidence, moment, passages, similar
from homepot_ai.alerts.records import Kind, Letter, Telling
from homepot_ai.reporting import words
from homepot_ai.settings import Settings
from homepot_ai.store.alerts import AlertIncident, Finding
from homepot_ai.text import NBSP, clean

Level = Literal["good", "warning", "critical", "unknown"]

_LEVEL: dict[str, Level] = {"info": "unknown", "warning": "warning", "critical": "critical"}
_WORD: dict[Level, str] = {"critical": "critical", "warning": "warning", "unknown": "info"}
_GLYPH: dict[Level, str] = {"good": "●", "warning": "▲", "critical": "▼", "unknown": "○"}
_CONCLUSION = {
    "CONFIRMED": "confirmed: a rule proves it",
    "LIKELY": "likely: the evidence points to it",
    "INCONCLUSIVE": "inconclusive: the evidence does not decide",
}
RUNBOOK = "docs/incident-runbook.md"
DIGEST_SHOWN = 25


@dataclass(frozen=True)
class Known:
    """What is known of an incident beyond its row: names of its devices, what an investigation found."""

    incident: AlertIncident
    devices: Sequence[str] = ()
    finding: Finding | None = None


@dataclass(frozen=True)
class AlertView:
    """One incident's message.

    Attributes:
        subject: begins with what matters, without the prefix of mails.
        headline, lead: the verdict, and a sentence that completes it.
        rows: label and value, of the facts in short.
        evidence: what was seen against what was expected, a line for each metric.
        before: what happened shortly before.
        similar: past incidents that resembled it, and what helped.
        commands: (command, what for).
        found_first: what helped before is the news of this message.
    """

    level: Level
    kicker: str
    subject: str
    headline: str
    lead: str
    rows: tuple[tuple[str, str], ...]
    evidence: tuple[str, ...]
    before: tuple[str, ...]
    similar: tuple[str, ...]
    passages: tuple[str, ...]
    runbook: str
    runbook_url: str
    commands: tuple[tuple[str, str], ...]
    footer: str
    found_first: bool = False

    @property
    def glyph(self) -> str:
        """The sign beside the headline, so that colour is never alone."""
        return _GLYPH[self.level]


@dataclass(frozen=True)
class DigestRow:
    """One incident of a digest."""

    level: Level
    glyph: str
    number: int
    title: str
    where: str
    when: str
    state: str


@dataclass(frozen=True)
class DigestView:
    """A message about several incidents."""

    level: Level
    kicker: str
    subject: str
    headline: str
    lead: str
    rows: tuple[DigestRow, ...]
    hidden: int
    commands: tuple[tuple[str, str], ...]
    footer: str

    @property
    def glyph(self) -> str:
        """The sign beside the headline."""
        return _GLYPH[self.level]


def alert(telling: Telling, known: Known, settings: Settings, now: datetime) -> AlertView:
    """Word one incident's message."""
    incident = known.incident
    zone = incident.timezone or settings.reports.timezone
    level = _LEVEL[incident.severity]
    if telling.kind == "recovered":
        level = "good" if _recovered(incident) or incident.closed_by != "rule" else "unknown"
    title = _title(incident)
    lasted = _lasted(incident, now)
    minutes = telling.event.details.get("minutes") if telling.event is not None else None
    if telling.kind == "recovered" and isinstance(minutes, int):
        # To the end of the trouble, and not to that of the wait whether it comes back.
        lasted = words.duration(minutes).replace(NBSP, " ")
    subject, headline, lead = _verdict(telling, incident, title, lasted, zone)
    where = clean(incident.site_name, 60) if incident.site_name else "the fleet"
    over = telling.kind == "recovered"
    return AlertView(
        level=level,
        kicker=f"Incident {incident.id} · {where}",
        subject=f"{subject} ({where}) - incident {incident.id}",
        headline=headline,
        lead=lead,
        rows=tuple(_rows(telling, known, zone, lasted)),
        evidence=tuple(evidence(incident, zone, initial=over)),
        before=() if over else tuple(before(incident)),
        similar=() if over else tuple(similar(known.finding)),
        passages=() if over else tuple(passages(known.finding)),
        runbook=f"{RUNBOOK}#{incident.category}",
        runbook_url=_url(settings, incident.category),
        commands=_commands(incident),
        footer=_footer(telling, now, zone),
        found_first=telling.kind == "investigated",
    )


def digest(letter: Letter, known: Mapping[int, Known], settings: Settings, now: datetime) -> DigestView:
    """Word a message about several incidents: those still open first, the worst of them on top."""
    rows = []
    for telling in letter.tellings:
        incident = known[telling.incident_id].incident
        zone = incident.timezone or settings.reports.timezone
        open_ = incident.state != "closed"
        level = _LEVEL[incident.severity] if open_ else "good"
        rows.append(
            DigestRow(
                level=level,
                glyph=_GLYPH[level],
                number=incident.id,
                title=_title(incident),
                where=clean(incident.site_name, 40) if incident.site_name else "the fleet",
                when=moment(incident.started_at, zone).partition(" (")[0],
                state=_state(incident, zone, _lasted(incident, now), short=True),
            )
        )
    rank = {"critical": 0, "warning": 1, "unknown": 2, "good": 3}
    rows.sort(key=lambda row: (rank[row.level], row.number))
    still = [row for row in rows if row.level != "good"]
    ended = len(rows) - len(still)
    level = rows[0].level
    sites = sorted({row.where for row in rows})
    place = sites[0] if len(sites) == 1 else f"{len(sites)} sites"
    count = words.count(len(rows), "incident")
    open_by = Counter(row.level for row in still)
    shares = [f"{open_by[level]} {word}" for level, word in _WORD.items() if open_by[level]]
    shares += [f"{ended} recovered"] if ended else []
    if letter.form == "storm":
        critical = f", {open_by['critical']} critical" if open_by["critical"] else ""
        headline = f"{count} at once{critical}" if still else f"{count} recovered"
        lead = (
            "They are told in one message, because so many came together. Look for a common cause first: "
            "network, power, or a server that all of them need."
            if still
            else "They are told in one message, because so many ended together."
        )
        kicker = "Alert storm"
    else:
        whys = {row.why for row in letter.waited}
        headline = f"{count}, {len(still)} still open" if still else f"{count}, none still open"
        lead = " ".join(
            sentence
            for why, sentence in (
                ("hours", "This waited for the beginning of your hours."),
                ("budget", "This was beyond the site's alert budget of the day; critical ones never wait."),
            )
            if why in whys
        )
        kicker = "While you were not told"
    return DigestView(
        level=level,
        kicker=f"{kicker} · {place}",
        subject=f"{headline} ({place})",
        headline=headline,
        lead=f"{', '.join(shares)}. {lead}".strip(),
        rows=tuple(rows[:DIGEST_SHOWN]),
        hidden=max(len(rows) - DIGEST_SHOWN, 0),
        commands=(
            ("homepot-ai incidents", "all that are open"),
            ("homepot-ai incident NUMBER", "everything about one of them"),
            ("homepot-ai acknowledge NUMBER", "you are on it"),
        ),
        footer=f"Told by rule, without a language model, {moment(now, settings.reports.timezone)}.".replace(
            NBSP, " "
        ),
    )


def _footer(telling: Telling, now: datetime, zone: str) -> str:
    told = summary.of_details(telling.event.details) if telling.event is not None else None
    said = f"Told by rule, without a language model, {moment(now, zone)}."
    if told is not None and told.by_model:
        refused = f", {told.refused} of its sentences refused" if told.refused else ""
        said = (
            f"What is known from before is worded by {clean(told.model, 60)} on the premises, its "
            f"{told.figures} figures put in from the database{refused}; the rest is told by rule, "
            f"{moment(now, zone)}."
        )
    return said.replace(NBSP, " ")


def _title(incident: AlertIncident) -> str:
    return clean(incident.title, 110)


def _lasted(incident: AlertIncident, now: datetime) -> str:
    end = incident.closed_at or now
    return words.duration((end - incident.started_at).total_seconds() / 60).replace(NBSP, " ")


def _verdict(
    telling: Telling, incident: AlertIncident, title: str, lasted: str, zone: str
) -> tuple[str, str, str]:
    """Subject, headline and lead."""
    severity = incident.severity.capitalize()
    event = telling.event
    who = clean(incident.acknowledged_by or (event.actor if event else ""), 60)
    comment = f" “{clean(event.comment, 300)}”" if event is not None and event.comment else ""
    kind: Kind = telling.kind
    if kind == "recovered":
        by_hand = incident.closed_by not in (None, "rule")
        said = clean(incident.resolution, 300) if incident.resolution else ""
        if not by_hand and not _recovered(incident):
            # Taken over by a larger incident, or given up by rule: that is no recovery.
            what = clean(said.partition(":")[0], 60)
            what = what[:1].upper() + what[1:]
            return f"{what}: {title}", what, f"{title}. {said[:1].upper()}{said[1:]}."
        resolution = f" Resolution: {said}." if by_hand and said else ""
        ended = f"Closed by {clean(incident.closed_by or '', 60)} after" if by_hand else "Recovered after"
        return f"{ended} {lasted}: {title}", f"{ended} {lasted}", f"{title}.{resolution}"
    if kind == "acknowledged":
        return (
            f"Acknowledged by {who}: {title}",
            f"Acknowledged by {who}",
            f"{title}.{comment} There are no more reminders, and nobody else is called.",
        )
    if kind == "investigated":
        told = summary.of_details(event.details) if event is not None else None
        return (
            f"What helped before: {title}",
            "What is known from before",
            " ".join([f"{title}. Open for {lasted}.", *(told.sentences if told else ())]),
        )
    if kind == "flapping":
        details = event.details if event else {}
        flips = (
            f"{details['flips']} times in {details['hours']} h"
            if {"flips", "hours"} <= set(details)
            else "often"
        )
        return (
            f"Flapping: {title}",
            f"It comes and goes: {flips}",
            f"{title}. You are not told of every change; its end is told.",
        )
    if kind == "worsened":
        was = clean(str(event.details.get("from") or ""), 20) if event and event.details.get("from") else ""
        changed = f"from {was} to {incident.severity}" if was else f"to {incident.severity}"
        return (
            f"Worse, now {incident.severity}: {title}",
            f"Worse: {changed}",
            f"{title}. Open for {lasted}.",
        )
    if kind == "escalated":
        return (
            f"Nobody has acknowledged, {incident.severity}: {title}",
            f"Not acknowledged for {lasted}",
            f"{title}. You are told because nobody who was told before has acknowledged it.",
        )
    if kind == "still_open":
        return (
            f"Still open after {lasted}, {incident.severity}: {title}",
            f"Still open after {lasted}",
            f"{title}. Nobody has acknowledged it.",
        )
    if kind == "released":
        return (
            f"{severity}, still there after its silence: {title}",
            title,
            f"It was silenced, that has ended, and it is still open after {lasted}.",
        )
    again = f" It is recurrence {incident.recurrence}." if incident.recurrence else ""
    return f"{severity}: {title}", title, f"{severity}, since {moment(incident.started_at, zone)}.{again}"


def _state(incident: AlertIncident, zone: str, lasted: str, *, short: bool = False) -> str:
    if incident.state == "closed":
        by_hand = incident.closed_by not in (None, "rule")
        how = f"closed by {clean(incident.closed_by or '', 40)}" if by_hand else "recovered"
        if not by_hand and not _recovered(incident):
            how = f"closed by rule ({clean(incident.resolution or '', 40).partition(':')[0]})"
        return f"{how} after {lasted}"
    if incident.state == "acknowledged":
        said = f"acknowledged by {clean(incident.acknowledged_by or 'somebody', 40)}"
        if incident.acknowledged_at is not None and not short:
            said += f", {moment(incident.acknowledged_at, zone)}"
        return said
    return f"open for {lasted}" if short else f"open for {lasted}, not acknowledged"


def _recovered(incident: AlertIncident) -> bool:
    """Whether an incident that no person closed ended because the trouble did."""
    return incident.resolution in (None, "", "recovered")


def _rows(telling: Telling, known: Known, zone: str, lasted: str) -> list[tuple[str, str]]:
    incident = known.incident
    rows = [("Severity", incident.severity), ("State", _state(incident, zone, lasted))]
    rows.append(("Since", moment(incident.started_at, zone)))
    if incident.closed_at is not None:
        rows.append(("Closed", moment(incident.closed_at, zone)))
    names = [clean(name, 60) for name in known.devices]
    total = max(incident.peak_devices if incident.state == "closed" else incident.devices, len(names))
    if names:
        hidden = total - len(names)
        rows.append(
            (
                "Device" if total == 1 else f"{total} devices",
                ", ".join(names) + (f" and {hidden} more" if hidden else ""),
            )
        )
    elif total > 1:
        rows.append(("Devices", f"{total}"))
    if incident.device_type and incident.kind == "device":
        rows.append(("Type", clean(incident.device_type.replace("_", " "), 40)))
    rows.append(("Cause", f"{cause(incident)} ({incident.category})"))
    rows.append(("Conclusion", _CONCLUSION.get(incident.conclusion, clean(incident.conclusion, 40))))
    if (
        telling.kind != "acknowledged"
        and incident.state == "acknowledged"
        and incident.acknowledged_by is None
    ):
        rows.append(("Note", "acknowledged"))
    if incident.previous_id is not None:
        rows.append(("Before", f"recurrence {incident.recurrence} of incident {incident.previous_id}"))
    return rows


def _url(settings: Settings, category: str) -> str:
    base = settings.alerts.runbook_url.rstrip("/")
    return f"{base}/incident-runbook.md#{category}" if base else ""


def _commands(incident: AlertIncident) -> tuple[tuple[str, str], ...]:
    if incident.state == "closed":
        return (
            (f"homepot-ai incident {incident.id}", "everything about it"),
            (f'homepot-ai record-action {incident.id} "..."', "write down what helped"),
        )
    known = ((f"homepot-ai incident {incident.id}", "everything about it"),)
    if incident.state == "acknowledged":
        return known
    return (
        (f"homepot-ai acknowledge {incident.id}", "you are on it: ends reminders and escalation"),
        (f"homepot-ai snooze {incident.id} 4h", "not now"),
        *known,
    )
