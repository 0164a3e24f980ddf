"""The sections whose facts every report has; those of :mod:`homepot_ai.reporting.catalogue` come beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from homepot_ai.reporting.document import Section
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.sections import alarms, anomalies, checks, day, forecasts, sites, telemetry, worst
from homepot_ai.reporting.voice import Voice

Build = Callable[[ReportFacts, Voice], Section | None]

SECTIONS: Mapping[str, Build] = MappingProxyType(
    {
        "timeline": day.build,
        "sites": sites.build,
        "worst": worst.build,
        "anomalies": anomalies.build,
        "silenced": alarms.silenced,
        "forecasts": forecasts.build,
        "telemetry": telemetry.build,
        "alarms": alarms.build,
        "classes": sites.classes,
        "checks": checks.build,
        "counted": checks.counted,
    }
)
