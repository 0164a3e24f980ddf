"""What is still unknown. Derived from the other sections' facts, and from what is not there."""

from __future__ import annotations

from homepot_ai.reporting.document import Bullets, Paragraph, Section
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incident import (
    IncidentActions,
    IncidentHeader,
    IncidentImpact,
    IncidentSimilar,
    IncidentUnknown,
    Unknown,
)
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import (
    incident_actions,
    incident_header,
    incident_impact,
    incident_similar,
)
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice

KEY = "incident_unknown"
#: Silence of scoring below this share of the device-minutes is not worth a sentence.
WORTH_TELLING = 0.02


def gather(source: Source) -> IncidentUnknown:
    """Decide from the same facts as the other sections; each is small and read again."""
    return decide(
        incident_header.gather(source),
        incident_impact.gather(source),
        incident_similar.gather(source),
        incident_actions.gather(source),
    )


def decide(
    header: IncidentHeader, impact: IncidentImpact, similar: IncidentSimilar, actions: IncidentActions
) -> IncidentUnknown:
    """What nobody knows. Pure."""
    incident = header.incident
    unjudged = max(0, impact.minutes_due - impact.minutes_judged)
    done = {action.outcome for action in actions.actions}
    asked: dict[Unknown, bool] = {
        "still_open": not header.final,
        "cause": incident.conclusion != "CONFIRMED",
        "ended_by_itself": incident.ended == "recovered" and not actions.actions,
        "nobody_took_it_up": incident.acknowledged_at is None,
        "told_nobody": not impact.pages,
        "nothing_done": header.final and incident.ended != "recovered" and not actions.actions,
        "action_not_judged": None in done,
        "action_cannot_tell": "cannot_tell" in done,
        "not_marked": incident.mark is None,
        "not_investigated": similar.investigated_at is None,
        "searched_by_words": similar.by_words,
        "nothing_similar": similar.investigated_at is not None and not similar.past,
        "opening_hours": impact.open_minutes_lost is None,
        "minutes_unjudged": unjudged > impact.minutes_due * WORTH_TELLING,
    }
    return IncidentUnknown(
        points=tuple(point for point, so in asked.items() if so), minutes_unjudged=unjudged
    )


def build(facts: ReportFacts, voice: Voice) -> Section:
    """A list of sentences."""
    found = facts.incident_unknown
    assert found is not None
    title = voice.term(PLUGIN.title)
    if not found.points:
        said = voice.t("Nothing that this report looks for is unknown.")
        return Section(KEY, title, (Paragraph(said),), line=True)
    minutes = voice.n(
        "{n} device-minute was not judged: what it lost in it is not in the impact.",
        "{n} device-minutes were not judged: what was lost in them is not in the impact.",
        found.minutes_unjudged,
    )
    words: dict[Unknown, str] = {
        "still_open": voice.t("How it ends: it is still open."),
        "cause": voice.t("Whether something was really wrong: no hard evidence confirms it."),
        "ended_by_itself": voice.t("Why it ended: it recovered, and nobody recorded that anything was done."),
        "nobody_took_it_up": voice.t("Who looked at it: nobody took it up."),
        "told_nobody": voice.t("Whether anybody noticed: no page was sent."),
        "nothing_done": voice.t("What was done: it was closed, and no action is recorded."),
        "action_not_judged": voice.t("Whether what was done holds: its day of watching is not over."),
        "action_cannot_tell": voice.t("Whether what was done helped: the scores cannot tell."),
        "not_marked": voice.t("Whether people call it a true alarm: nobody has marked it."),
        "not_investigated": voice.t("Whether it happened before elsewhere: nobody has compared it yet."),
        "searched_by_words": voice.t(
            "Whether more past incidents resemble it: the index could not be asked."
        ),
        "nothing_similar": voice.t("What helped in such a case: nothing similar is known."),
        "opening_hours": voice.t("What it cost in opening hours: HOMEPOT has no schedule of the site."),
        "minutes_unjudged": minutes,
    }
    return Section(KEY, title, (Bullets(tuple(words[point] for point in found.points)),))


PLUGIN = Plugin(KEY, "Still unknown", frozenset({"incident"}), gather, build)
