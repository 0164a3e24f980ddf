"""Restore drills. Nothing makes backups yet: until there is a table of them, the section says so."""

from __future__ import annotations

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.method import DrillFacts, DrillsFacts
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "drills"
CAP, SHOWN = 50, 10


def gather(source: Source) -> DrillsFacts | None:
    """Backups that were verified in the period; None: there is no table of backups."""
    if source.conn.execute(load(SQL)["backups_there"]).fetchone() != (True,):
        return None
    parameters = happened.bounds(source)
    rows = source.conn.execute(load(SQL)["drills"], parameters).fetchall()
    newest = source.conn.execute(load(SQL)["newest_drill"], parameters).fetchone()
    return DrillsFacts(
        drills=tuple(
            DrillFacts(path=clean(path, 200), megabytes=None if mb is None else round(mb, 1), verified_at=at)
            for path, mb, at in rows[:CAP]
        ),
        total=len(rows),
        newest=newest[0] if newest else None,
    )


def build(facts: ReportFacts, voice: Voice) -> Section:
    """The drills, or how long ago the last one was."""
    found = facts.drills
    assert found is not None
    title = voice.term(PLUGIN.title)
    if not found.total:
        said = (
            voice.t(
                "No backup was verified in this period; the last time was {when}.",
                when=voice.moment(found.newest),
            )
            if found.newest
            else voice.t("No backup was ever verified: nobody knows whether one can be restored.")
        )
        return Section(KEY, title, (Paragraph(said),), line=True)
    hidden = found.total - min(SHOWN, len(found.drills))
    table = Table(
        name="drills",
        caption=voice.t("Backups that were restored and checked, the newest first"),
        columns=(
            Column(voice.t("Verified"), "verified_at_utc", 1.2, text_width=16),
            Column(voice.t("Backup"), "path", 3.6, text_width=44),
            Column(voice.t("Size"), "megabytes", 0.9, numeric=True, text_width=12),
        ),
        rows=tuple(
            (
                Cell(voice.clock(drill.verified_at), raw=drill.verified_at.isoformat()),
                Cell(drill.path),
                Cell(voice.t("{n} MB", n=voice.number(drill.megabytes, 1)), raw=drill.megabytes),
            )
            for drill in found.drills[:SHOWN]
        ),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=3,
    )
    lead = voice.n("{n} restore drill passed.", "{n} restore drills passed.", found.total)
    return Section(KEY, title, (Paragraph(lead, "lead"), table))


PLUGIN = Plugin(KEY, "Restore drills", frozenset({"monthly", "custom"}), gather, build)
