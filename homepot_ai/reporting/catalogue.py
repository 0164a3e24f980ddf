"""Every section that a report can have. A mode (`templates/modes`) says which come, and in which order."""

from __future__ import annotations

from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import kpis, types

PLUGINS: tuple[Plugin, ...] = (
    kpis.PLUGIN,
    types.PLUGIN,
)
