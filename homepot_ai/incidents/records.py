"""What an incident is made of. The rows themselves are defined beside their table, in `store`."""

from __future__ import annotations

from homepot_ai.store.incidents import (
    Category,
    Conclusion,
    EventKind,
    Incident,
    IncidentEvent,
    Kind,
    Severity,
    State,
)

__all__ = [
    "Category",
    "Conclusion",
    "EventKind",
    "Incident",
    "IncidentEvent",
    "Kind",
    "Severity",
    "State",
]
