"""The facts of a report: what is stored, hashed, embedded in the PDF and said in words.

Everything in a report comes from one :class:`ReportFacts`; nothing on a page is computed from
anything else. All times are aware UTC. Counts of minutes are device-minutes: one device during
one minute. Health is kept as a sum in ten-thousandths, so that sums are exact and the same
facts always have the same hash.

Facts know no mode and no language: the editions of one report (maintenance or executive, English
or German, A4 or Letter) are worded from the same facts and print the same hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import orjson

from homepot_ai.reporting.facts.actions import ActionsFacts
from homepot_ai.reporting.facts.alarms import AlarmFacts, ForecastFacts, Silenced
from homepot_ai.reporting.facts.base import Fact, Kind, PeriodFacts, Problem, Scope, ScopeName
from homepot_ai.reporting.facts.capacity import CapacityOutlook
from homepot_ai.reporting.facts.configuration import ConfigurationFacts
from homepot_ai.reporting.facts.costs import CostsFacts
from homepot_ai.reporting.facts.decisions import DecisionsFacts
from homepot_ai.reporting.facts.devices import AnomalyFacts, Completeness, WorstDevice
from homepot_ai.reporting.facts.figures import ClassFacts, SiteFacts, TimelineBin
from homepot_ai.reporting.facts.incident import (
    IncidentActions,
    IncidentEvidence,
    IncidentHeader,
    IncidentImpact,
    IncidentSimilar,
    IncidentTimeline,
    IncidentUnknown,
)
from homepot_ai.reporting.facts.incidents import IncidentsFacts
from homepot_ai.reporting.facts.kpis import KpisFacts, TypesFacts
from homepot_ai.reporting.facts.league import LeagueFacts
from homepot_ai.reporting.facts.method import AppendixFacts, DrillsFacts
from homepot_ai.reporting.facts.noise import NoiseFacts
from homepot_ai.reporting.facts.own import Made, ScoringFacts
from homepot_ai.reporting.facts.prevented import PreventedFacts
from homepot_ai.reporting.facts.recurring import RecurringFacts
from homepot_ai.reporting.facts.track_record import CalibrationFacts, TrackRecordFacts
from homepot_ai.reporting.facts.visits import VisitsFacts


class ReportFacts(Fact):
    """All facts of one report. A section that a kind of report does not have is None."""

    schema_version: Literal[2] = 2
    report_type: Kind
    organisation: str
    scope: Scope
    name: ScopeName
    period: PeriodFacts
    classes: tuple[ClassFacts, ...]
    deleted_devices: int
    sites: tuple[SiteFacts, ...]
    timeline: tuple[TimelineBin, ...]
    worst: tuple[WorstDevice, ...]
    troubled_devices: int
    anomalies: tuple[AnomalyFacts, ...]
    anomalies_total: int
    alarms: AlarmFacts | None = None
    completeness: Completeness | None = None
    silenced: Silenced
    forecasts: ForecastFacts | None = None
    scoring: ScoringFacts | None = None
    kpis: KpisFacts | None = None
    types: TypesFacts | None = None
    made: Made
    problems: tuple[Problem, ...]
    incidents: IncidentsFacts | None = None
    league: LeagueFacts | None = None
    recurring: RecurringFacts | None = None
    noise: NoiseFacts | None = None
    actions: ActionsFacts | None = None
    track_record: TrackRecordFacts | None = None
    visits: VisitsFacts | None = None
    capacity: CapacityOutlook | None = None
    calibration: CalibrationFacts | None = None
    configuration: ConfigurationFacts | None = None
    drills: DrillsFacts | None = None
    costs: CostsFacts | None = None
    prevented: PreventedFacts | None = None
    decisions: DecisionsFacts | None = None
    appendix: AppendixFacts | None = None
    incident_header: IncidentHeader | None = None
    incident_timeline: IncidentTimeline | None = None
    incident_impact: IncidentImpact | None = None
    incident_evidence: IncidentEvidence | None = None
    incident_similar: IncidentSimilar | None = None
    incident_actions: IncidentActions | None = None
    incident_unknown: IncidentUnknown | None = None
    # Of sections of one's own, by their keys (:mod:`homepot_ai.reporting.added`).
    added: Mapping[str, Any] | None = None

    @property
    def headline(self) -> ClassFacts | None:
        """The class that the headline speaks of; None when the scope has no devices."""
        return self.classes[0] if self.classes else None

    def problem(self, section: str) -> str | None:
        """Why a section is missing, or None when it is there."""
        return next((problem.reason for problem in self.problems if problem.section == section), None)


def canonical_json(facts: ReportFacts) -> bytes:
    """The one way to write these facts down: sorted keys, UTC times ending in Z, UTF-8, indented.

    Sections that are None are left out, so that a report from before a section existed keeps its hash.
    Indented because an auditor opens the attachment with a text editor.
    """
    data = {name: value for name, value in facts.model_dump(mode="json").items() if value is not None}
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def facts_hash(facts: ReportFacts) -> str:
    """SHA-256 of :func:`canonical_json`: `sha256sum` of the PDF's attachment gives the same."""
    return hashlib.sha256(canonical_json(facts)).hexdigest()


def restore(data: Any) -> ReportFacts:
    """Facts back from their stored JSON; the same hash as before."""
    return ReportFacts.model_validate_json(orjson.dumps(data))
