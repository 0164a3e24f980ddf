"""What an operator reads of incidents and windows, as Markdown and as lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from homepot_ai.health.summary import cell
from homepot_ai.incidents.actions import Done
from homepot_ai.incidents.planning_windows import Listing, Planned, next_begin, words
from homepot_ai.incidents.signs import cause_words
from homepot_ai.store.incidents import Incident, IncidentEvent

SYMBOLS = {"info": "●", "warning": "▲", "critical": "■"}
HOW = (
    "Run *acknowledge*, *snooze*, *close-incident* or *mark* with an incident's number, or "
    "`homepot-ai incident NUMBER` to read what happened to it."
)
_WHY = {
    "window": "a window", "homepot_schedule": "HOMEPOT's maintenance day", "snooze": "snoozed",
    "flapping": "it flaps", "storm": "a storm", "budget": "the alert budget",
}  # fmt: skip
_OUTCOMES = {"told_after": "told afterwards", "recovered": "recovered", "closed_by_hand": "closed by hand"}


@dataclass(frozen=True)
class Story:
    """One incident with everything that is known of it; devices as (name, since, until)."""

    incident: Incident
    events: Sequence[IncidentEvent]
    devices: Sequence[tuple[str, datetime, datetime | None]]
    anomalies: Sequence[int]
    suppressed: Sequence[str]


def state_of(incident: Incident, now: datetime) -> str:
    """The state in a few words."""
    said: str = incident.state
    if incident.snoozed_until is not None and incident.snoozed_until > now:
        said += f", snoozed until {_moment(incident.snoozed_until, now)}"
    if incident.flapping and incident.state != "closed":
        said += ", flapping"
    if incident.quiet_since is not None and incident.state in ("open", "acknowledged"):
        said += f", quiet since {_moment(incident.quiet_since, now)}"
    return said


def rows_of(incidents: Sequence[Incident], now: datetime) -> list[tuple[str, ...]]:
    """Rows of a table: number, severity, what, state, since, how sure, mark."""
    return [
        (
            str(i.id), f"{SYMBOLS[i.severity]} {i.severity}", i.title, state_of(i, now),
            _moment(i.opened_at or i.started_at, now), i.conclusion.lower(),
            "" if i.mark is None else str(i.mark).lower(),
        )
        for i in incidents
    ]  # fmt: skip


def listing_page(incidents: Sequence[Incident], now: datetime, asked: str) -> str:
    """What is open, where nothing was filled in."""
    lines = [f"**Nothing {asked}: no incident was named**", "", HOW, ""]
    return "\n".join([*lines, *_table(incidents, now)]) + "\n"


def open_table(incidents: Sequence[Incident], now: datetime) -> str:
    """What is open, as part of a page."""
    return "\n".join(["Open incidents:", "", *_table(incidents, now)]) + "\n"


def done_page(done: Done, now: datetime) -> str:
    """What an action did."""
    said = done.said[0].upper() + done.said[1:]
    lines = [f"**{cell(said)}**", "", *_table([done.incident], now), ""]
    if done.marked:
        lines.append(f"- {done.marked} anomalies that are its evidence have the same verdict now")
    lines += [
        f"- alarm threshold of `{cell(m.device_type)}` {m.before:+.2f} → {m.after:+.2f} decades: "
        f"{cell(m.reason)}"
        for m in done.moved
    ]
    return "\n".join(lines) + "\n"


def windows_page(listing: Listing, now: datetime, planned: Planned | None = None) -> str:
    """What is planned and what was not told."""
    said = "Windows" if planned is None else planned.said[0].upper() + planned.said[1:]
    lines = [f"**{cell(said)}**", ""]
    if listing.windows:
        lines += ["| id | for | name | when | now | by |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {w.id} | {cell(of)} | {cell(w.name)} | {words(w)} | {_now(until, next_begin(w, now), now)} "
            f"| {cell(w.created_by)} |"
            for w, of, until in listing.windows
        ]
    else:
        lines.append("No window of ours is planned. HOMEPOT's maintenance days hold besides.")
    if listing.silenced:
        lines += ["", "Not told within a week, and what became of it:", ""]
        lines += ["| incident | what | why | from | to | outcome |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {s.incident_id} | {SYMBOLS[s.severity]} {cell(s.title)} | {_WHY[s.why]} "
            f"| {_moment(s.begun_at, now)} | {_moment(s.ended_at, now) if s.ended_at else 'still'} "
            f"| {_OUTCOMES[s.outcome] if s.outcome else ''} |"
            for s in listing.silenced
        ]
    return "\n".join(lines) + "\n"


def story_lines(story: Story, now: datetime) -> list[str]:
    """One incident from its beginning to now, for a terminal."""
    i = story.incident
    lines = [
        f"{SYMBOLS[i.severity]} incident {i.id}: {i.title}",
        f"  {state_of(i, now)}; {i.severity}, at most {i.peak_severity}; {i.conclusion.lower()}; "
        f"{i.category}",
        f"  {cause_words(i.cause)}, since {_moment(i.started_at, now)}"
        + (f", opened {_moment(i.opened_at, now)}" if i.opened_at else ""),
    ]
    if i.previous_id is not None:
        lines.append(f"  it was there before: incident {i.previous_id}; recurrence {i.recurrence}")
    if i.resolution:
        lines.append(f"  resolution: {i.resolution} ({i.closed_by})")
    if story.suppressed:
        lines.append("  not told because: " + ", ".join(_WHY[why] for why in story.suppressed))
    if len(story.devices) > 1:
        there = [name for name, _, until in story.devices if until is None or i.state == "closed"]
        shown = ", ".join(dict.fromkeys(there[:10]))
        more = f" and {len(there) - 10} more" if len(there) > 10 else ""
        lines.append(f"  devices: {i.devices} now, {i.peak_devices} at most: {shown}{more}")
    if story.anomalies:
        numbers = ", ".join(str(n) for n in story.anomalies[:10])
        more = f" and {len(story.anomalies) - 10} more" if len(story.anomalies) > 10 else ""
        lines.append(f"  anomalies: {numbers}{more}")
    lines.append("")
    lines += [f"  {event.at:%Y-%m-%d %H:%M} UTC  {event_words(event)}" for event in story.events]
    return lines


def event_words(event: IncidentEvent) -> str:
    """An event in one clause."""
    d = event.details
    by = "" if event.actor == "rule" else f" by {event.actor}"
    said = {
        "opened": f"opened: {d.get('severity')}, {d.get('devices')} device(s)",
        "worsened": f"worsened from {d.get('from')} to {d.get('to')}",
        "eased": f"eased from {d.get('from')} to {d.get('to')}",
        "grew": f"grew to {d.get('devices')} devices",
        "snoozed": f"snoozed{by} until {d.get('until')}",
        "snooze_ended": "snooze ended",
        "flapping": f"flapping: {d.get('flips')} times within {d.get('hours')} h; quiet until it is stable",
        "marked": f"marked {d.get('verdict')}{by}",
        "suppressed": f"not told: {_WHY.get(str(d.get('why')), d.get('why'))}"
        + (f" until {d['until']}" if d.get("until") else ""),
        "released": "told again: still ill",
        "closed": f"closed{by} after {d.get('minutes')} min",
    }.get(event.kind, f"{event.kind}{by}")
    return f"{said}: {event.comment}" if event.comment else said


def _table(incidents: Sequence[Incident], now: datetime) -> list[str]:
    if not incidents:
        return ["No incident is open."]
    return [
        "| id | severity | what | state | since (UTC) | how sure | mark |",
        "|---|---|---|---|---|---|---|",
        *("| " + " | ".join(cell(c) if c else "" for c in row) + " |" for row in rows_of(incidents, now)),
    ]


def _moment(moment: datetime, now: datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}"


def _now(until: datetime | None, begin: datetime | None, now: datetime) -> str:
    if until is not None:
        return f"in force until {_moment(until, now)}"
    return f"next {_moment(begin, now)}" if begin is not None else ""
