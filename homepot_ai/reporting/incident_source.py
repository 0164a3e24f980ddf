"""What an incident's report is gathered from: a :class:`Source` of its devices and its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from homepot_ai.reporting.facts import AnomalyFacts
from homepot_ai.reporting.happened import Trouble
from homepot_ai.reporting.source import Source
from homepot_ai.store.incidents import Incident, IncidentEvent

SQL = "reporting/sql/incident.sql"


@dataclass(frozen=True, kw_only=True)
class IncidentSource(Source):
    """The period is the incident's: from its first symptom to its close, or until `now`.

    Attributes:
        incident: its row; trouble: the same as it was known at `now`.
        events: what happened to it until `now`, in order.
        members: (device, joined, left) of everything that it ever held.
        anomalies: its evidence, in order.
    """

    incident: Incident
    trouble: Trouble
    events: Sequence[IncidentEvent]
    members: Sequence[tuple[int, datetime, datetime | None]]
    anomalies: Sequence[AnomalyFacts]

    @property
    def devices(self) -> list[int]:
        """Every device that it is about, its root first; also those that HOMEPOT no longer knows."""
        root = [] if self.trouble.root is None else [self.trouble.root]
        return list(dict.fromkeys([*root, *(device for device, _, _ in self.members)]))


def of(source: Source) -> IncidentSource:
    """The source of an incident's section. Only :mod:`homepot_ai.reporting.incident` gathers these."""
    if not isinstance(source, IncidentSource):
        raise TypeError("this section is of one incident: gather it with incident_facts")
    return source
