"""What happened, minute by minute, on the world's clock and on the site's."""

from __future__ import annotations

from datetime import UTC, datetime

from homepot_ai.fleet.metrics import told_band
from homepot_ai.reporting.document import Cell, Column, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incident import IncidentMoment, IncidentTimeline
from homepot_ai.reporting.happened import BY_CAP, RESOLUTION_CAP
from homepot_ai.reporting.incident_source import SQL, IncidentSource, of
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.incidents import IncidentEvent
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "incident_timeline"
CAP = 200
#: What stands first of things of one instant.
_ORDER = ("first_symptom", "anomaly", "opened")


def gather(source: Source) -> IncidentTimeline:
    """Symptoms, events, pages and actions in the order of time; each only as far as known by then."""
    this = of(source)
    trouble = this.trouble
    moments = [IncidentMoment(at=trouble.started_at, what="first_symptom")]
    moments += [
        IncidentMoment(
            at=a.started_at, what="anomaly", device=a.device.name, metric=a.metric, observed=a.observed,
            low=a.expected_low, high=a.expected_high,
        )
        for a in this.anomalies
    ]  # fmt: skip
    # What was done is told from the record of actions: it says when it was done, not when it was noted.
    moments += [_event(event) for event in this.events if event.kind != "action"]
    moments += _pages(this) + _actions(this)
    if this.incident.quiet_since is not None and this.incident.quiet_since <= source.now:
        moments.append(IncidentMoment(at=this.incident.quiet_since, what="quiet"))

    def order(moment: IncidentMoment) -> tuple[datetime, int]:
        return moment.at, _ORDER.index(moment.what) if moment.what in _ORDER else len(_ORDER)

    moments.sort(key=order)
    return IncidentTimeline(moments=tuple(moments[:CAP]), total=len(moments))


def _event(event: IncidentEvent) -> IncidentMoment:
    d = event.details
    until = d.get("until")
    verdict = {"true": True, "false": False}.get(str(d.get("verdict")).lower())
    automatic = event.actor == "rule" or event.kind == "investigated"
    # A resolution by rule says no more than that it recovered, and what was advised has a section.
    comment = None if automatic or not event.comment else clean(event.comment, RESOLUTION_CAP)
    count = d.get("devices", d.get("flips"))
    return IncidentMoment.model_validate(
        {
            "at": event.at,
            "what": event.kind,
            "actor": None if automatic else clean(event.actor, BY_CAP),
            "comment": comment,
            "before": d.get("from"),
            "after": d.get("to", d.get("severity")),
            "count": count if isinstance(count, int) else None,
            "until": datetime.fromisoformat(until) if isinstance(until, str) else None,
            "why": d.get("why"),
            "verdict": verdict,
        }
    )


def _pages(this: IncidentSource) -> list[IncidentMoment]:
    rows = this.conn.execute(load(SQL)["pages"], {"id": this.incident.id, "now": this.now})
    return [IncidentMoment(at=at, what="told", why=kind, count=count) for at, kind, count in rows]


def _actions(this: IncidentSource) -> list[IncidentMoment]:
    rows = this.conn.execute(load(SQL)["actions"], {"id": this.incident.id, "now": this.now})
    return [
        IncidentMoment(at=at, what="done", actor=clean(by, BY_CAP), comment=clean(action, RESOLUTION_CAP))
        for action, by, at, *_ in rows
    ]


def silenced_because(voice: Voice, why: str | None) -> str:
    """Why somebody was not told."""
    return {
        "window": voice.t("a maintenance window"),
        "homepot_schedule": voice.t("HOMEPOT's maintenance day"),
        "snooze": voice.t("it was snoozed"),
        "flapping": voice.t("it comes and goes"),
        "storm": voice.t("a storm"),
        "budget": voice.t("the budget of pages"),
    }.get(why or "", why or "")


def sentence(moment: IncidentMoment, voice: Voice) -> str:
    """What happened, in one clause; a person's words are quoted."""
    said = _clause(moment, voice)
    if moment.actor:
        said = voice.t("{said} by {who}", said=said, who=moment.actor)
    if moment.comment:
        said = voice.t("{said}: “{words}”", said=said, words=moment.comment)
    return said


def _clause(moment: IncidentMoment, voice: Voice) -> str:
    match moment.what:
        case "anomaly":
            return voice.t(
                "{device}: {metric} {observed}, expected {band}",
                device=moment.device, metric=voice.metric(moment.metric),
                observed=voice.value(moment.metric, moment.observed),
                band=band_words(moment.metric, moment.low, moment.high, voice),
            )  # fmt: skip
        case "suppressed":
            why = silenced_because(voice, moment.why)
            if moment.until is not None:
                return voice.t("not told until {when}: {why}", when=voice.clock(moment.until), why=why)
            return voice.t("not told: {why}", why=why)
        case "snoozed" if moment.until is not None:
            return voice.t("snoozed until {when}", when=voice.clock(moment.until))
        case "marked":
            if moment.verdict is None:
                return voice.t("mark withdrawn")
            return voice.t("marked true") if moment.verdict else voice.t("marked false")
        case "opened" | "worsened" | "eased" | "grew" | "told" | "flapping":
            return _counted(moment, voice)
    return {
        "first_symptom": voice.t("first symptom"),
        "quiet": voice.t("nothing of it is to be seen any more"),
        "acknowledged": voice.t("taken up"),
        "snoozed": voice.t("snoozed"),
        "snooze_ended": voice.t("the snooze ended"),
        "commented": voice.t("comment"),
        "investigated": voice.t("compared with past incidents"),
        "released": voice.t("told again: still ill"),
        "done": voice.t("done"),
        "closed": voice.t("closed"),
    }[moment.what]


def _counted(moment: IncidentMoment, voice: Voice) -> str:
    count = moment.count or 0
    devices = voice.n("{n} device", "{n} devices", count)
    after = say.severity_word(voice, moment.after or "")
    match moment.what:
        case "opened":
            if count < 2:
                return voice.t("opened as {severity}", severity=after)
            return voice.t("opened as {severity}, {devices}", severity=after, devices=devices)
        case "worsened":
            return voice.t("worsened to {severity}", severity=after)
        case "eased":
            return voice.t("eased to {severity}", severity=after)
        case "grew":
            return voice.t("grew to {devices}", devices=devices)
        case "told":
            people = voice.n("{n} recipient was told", "{n} recipients were told", count)
            return voice.t("{people} ({what})", people=people, what=told_what(voice, moment.why))
    times = voice.n("{n} time", "{n} times", count)
    return voice.t("comes and goes, {times}: quiet until it is stable", times=times)


def told_what(voice: Voice, kind: str | None) -> str:
    """What a page said."""
    return {
        "opened": voice.t("it was opened"),
        "released": voice.t("it is still ill"),
        "worsened": voice.t("it worsened"),
        "escalated": voice.t("nobody had taken it up"),
        "still_open": voice.t("reminder"),
        "flapping": voice.t("it comes and goes"),
        "acknowledged": voice.t("it was taken up"),
        "investigated": voice.t("what is known of it"),
        "recovered": voice.t("it is over"),
    }.get(kind or "", kind or "")


def band_words(metric: str | None, low: float | None, high: float | None, voice: Voice) -> str:
    """The expected band, as one says it; an edge that the metric cannot reach is left out."""
    low, high = told_band(metric or "", None, low, high)
    least, most = voice.value(metric, low), voice.value(metric, high)
    if low is not None and high is not None:
        return voice.t("{low} to {high}", low=least, high=most)
    if high is not None:
        return voice.t("at most {high}", high=most)
    if low is not None:
        return voice.t("at least {low}", low=least)
    return voice.t("something else")


def build(facts: ReportFacts, voice: Voice) -> Section:
    """One row per thing that happened, in UTC and in local time."""
    found = facts.incident_timeline
    assert found is not None
    hidden = found.total - len(found.moments)
    table = Table(
        name="incident_timeline",
        caption=voice.t("What happened; local time is that of {zone}", zone=facts.period.timezone),
        columns=(
            Column("UTC", "at_utc", 1.0, text_width=11),
            Column(voice.t("Local"), "local", 0.9, text_width=14),
            Column(voice.t("What"), "what", 4.2, text_width=48),
        ),
        rows=tuple(
            (
                Cell(f"{moment.at.astimezone(UTC):%m-%d %H:%M}", raw=moment.at.isoformat()),
                Cell(voice.clock(moment.at)),
                Cell(sentence(moment, voice), strong=moment.what in ("opened", "closed")),
            )
            for moment in found.moments
        ),
        more=voice.n("{n} more: homepot-ai incident", "{n} more: homepot-ai incident", hidden)
        if hidden
        else "",
        in_mail=12,
    )
    return Section(KEY, voice.term(PLUGIN.title), (table,))


PLUGIN = Plugin(KEY, "Timeline", frozenset({"incident"}), gather, build)
