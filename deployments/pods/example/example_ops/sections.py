"""A section of the pod's own in its reports."""

from __future__ import annotations

from typing import Any

from example_ops.tills import tills
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.text import clean

KEY = "example_tills"


def gather(source: Source) -> dict[str, Any]:
    """Plain JSON: it is stored with the report and hashed with its facts."""
    return {"sites": tills(source.conn)}


def build(facts: ReportFacts, voice: Voice) -> Section:
    """What was gathered, in words."""
    assert facts.added is not None
    sites: dict[str, int] = facts.added[KEY]["sites"]
    table = Table(
        name=KEY,
        caption="Active tills by site, when the report was made",
        columns=(Column("Site", "site", 3.0, text_width=30), Column("Tills", "tills", numeric=True)),
        rows=tuple((Cell(clean(site)), Cell(voice.number(n), raw=n)) for site, n in sites.items()),
        in_mail=5,
    )
    return Section(KEY, "Tills", (Paragraph(f"{voice.number(sum(sites.values()))} tills.", "lead"), table))


TILLS = Plugin(KEY, "Tills", frozenset({"daily", "weekly", "monthly", "custom"}), gather, build)
