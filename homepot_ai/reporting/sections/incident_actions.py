"""What was done about the incident, whether it held, and what was advised."""

from __future__ import annotations

from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.actions import ActionFacts
from homepot_ai.reporting.facts.incident import IncidentActions
from homepot_ai.reporting.happened import BY_CAP, RESOLUTION_CAP
from homepot_ai.reporting.incident_source import SQL, of
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "incident_actions"


def gather(source: Source) -> IncidentActions:
    """The record of actions; judgements as far as known when the report was made."""
    this = of(source)
    device = source.refs.get(this.trouble.root or 0)
    rows = source.conn.execute(load(SQL)["actions"], {"id": this.incident.id, "now": source.now})
    looked = [event for event in this.events if event.kind == "investigated" and event.comment]
    return IncidentActions(
        actions=tuple(
            ActionFacts(
                incident_id=this.incident.id,
                cause=clean(this.trouble.cause, 80),
                device=device.name if device else None,
                action=clean(action, RESOLUTION_CAP),
                by=clean(by, BY_CAP),
                done_at=at,
                outcome=outcome,
                recovered_at=recovered,
                held_until=held,
            )
            for action, by, at, outcome, recovered, held in rows
        ),
        advice=clean(looked[-1].comment or "", 600) if looked else None,
    )


def outcome_cell(action: ActionFacts, voice: Voice) -> Cell:
    """Whether an action helped, with the reason."""
    if action.outcome is None:
        return Cell(voice.t("not judged yet"), tone="muted", raw="")
    if action.outcome == "helped":
        said = voice.t("recovered, and stayed so for a day")
        return Cell(voice.t("helped"), about=said, glyph="●", tone="good", raw=action.outcome)
    if action.outcome == "cannot_tell":
        return Cell(voice.t("cannot be told"), tone="muted", raw=action.outcome)
    if action.recovered_at is None:
        said = voice.t("not recovered within four hours")
    elif action.held_until is None:
        said = voice.t("recovered, but did not stay so")
    else:
        said = voice.t("recovered, ill again {when}", when=voice.clock(action.held_until))
    return Cell(voice.t("did not help"), about=said, glyph="▲", tone="warning", raw=action.outcome)


def build(facts: ReportFacts, voice: Voice) -> Section:
    """The actions as a table, and the advice in quotation marks."""
    found = facts.incident_actions
    assert found is not None
    title = voice.term(PLUGIN.title)
    advice = (
        (Paragraph(voice.t("Advised when it was looked into: “{words}”", words=found.advice)),)
        if found.advice
        else ()
    )
    if not found.actions:
        said = voice.t("Nothing is recorded: homepot-ai record-action tells what was done.")
        return Section(KEY, title, (Paragraph(said), *advice), line=not advice)
    table = Table(
        name="actions",
        caption=voice.t("What was done, and whether health recovered and stayed"),
        columns=(
            Column(voice.t("When"), "done_at_utc", 1.0, text_width=14),
            Column(voice.t("What"), "action", 3.0, text_width=28),
            Column(voice.t("By"), "done_by", 1.2, text_width=12),
            Column(voice.t("Outcome"), "outcome", 2.0, text_width=18),
        ),
        rows=tuple(
            (
                Cell(voice.clock(a.done_at), raw=a.done_at.isoformat()),
                Cell(voice.t("“{words}”", words=a.action), raw=a.action),
                Cell(a.by),
                outcome_cell(a, voice),
            )
            for a in found.actions
        ),
        in_mail=5,
    )
    return Section(KEY, title, (table, *advice))


PLUGIN = Plugin(KEY, "Actions", frozenset({"incident"}), gather, build)
