"""Every section that a report can have. A mode (`templates/modes`) says which come, and in which order."""

from __future__ import annotations

from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import (
    actions,
    appendix,
    calibration,
    capacity,
    configuration,
    costs,
    decisions,
    drills,
    incident_actions,
    incident_evidence,
    incident_header,
    incident_impact,
    incident_similar,
    incident_timeline,
    incident_unknown,
    incidents,
    league,
    noise,
    prevented,
    recurring,
    track_record,
    visits,
)

PLUGINS: tuple[Plugin, ...] = (
    incidents.PLUGIN,
    league.PLUGIN,
    recurring.PLUGIN,
    noise.PLUGIN,
    actions.PLUGIN,
    track_record.PLUGIN,
    visits.PLUGIN,
    capacity.PLUGIN,
    calibration.PLUGIN,
    configuration.PLUGIN,
    drills.PLUGIN,
    costs.PLUGIN,
    prevented.PLUGIN,
    decisions.PLUGIN,
    appendix.PLUGIN,
    incident_header.PLUGIN,
    incident_timeline.PLUGIN,
    incident_impact.PLUGIN,
    incident_evidence.PLUGIN,
    incident_similar.PLUGIN,
    incident_actions.PLUGIN,
    incident_unknown.PLUGIN,
)
