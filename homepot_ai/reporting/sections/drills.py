"""Restore drills: how often a backup was restored and questioned, and whether it passed."""

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


def gather(source: Source) -> DrillsFacts:
    """Drills of the period, those that failed first, then the newest."""
    parameters = happened.bounds(source)
    rows = source.conn.execute(load(SQL)["drills"], parameters).fetchall()
    newest = source.conn.execute(load(SQL)["newest_drill"], parameters).fetchone()
    failed_backups = source.conn.execute(load(SQL)["failed_backups"], parameters).fetchone()
    found = [
        DrillFacts(
            path=clean(name, 200),
            megabytes=None if mb is None else round(mb, 1),
            verified_at=at,
            passed=passed,
            kind=kind,
            detail="" if passed else clean(detail, 200),
        )
        for name, mb, at, passed, kind, detail in rows
    ]
    passed = sum(one.passed for one in found)
    return DrillsFacts(
        drills=tuple(sorted(found, key=lambda one: one.passed)[:CAP]),
        total=passed,
        newest=newest[0] if newest else None,
        failed=len(found) - passed,
        failed_backups=failed_backups[0] if failed_backups else 0,
    )


def build(facts: ReportFacts, voice: Voice) -> Section:
    """The drills, or how long ago the last one was."""
    found = facts.drills
    assert found is not None
    title = voice.term(PLUGIN.title)
    if not found.total and not found.failed:
        said = (
            voice.t(
                "No backup was verified in this period; the last time was {when}.",
                when=voice.moment(found.newest),
            )
            if found.newest
            else voice.t("Until then no backup was ever verified: nobody knew whether one can be restored.")
        )
        return Section(KEY, title, (Paragraph(" ".join([said, *_not_made(found, voice)])),), line=True)
    everything = found.total + found.failed
    hidden = everything - min(SHOWN, len(found.drills))
    table = Table(
        name="drills",
        caption=voice.t("Backups that were restored and checked; failed ones first, then the newest"),
        columns=(
            Column(voice.t("Verified"), "verified_at_utc", 1.2, text_width=16),
            Column(voice.t("Backup"), "path", 2.2, text_width=28),
            Column(voice.t("Size"), "megabytes", 0.9, numeric=True, text_width=12),
            Column(voice.t("Result"), "result", 2.6, text_width=28),
        ),
        rows=tuple(_row(drill, voice) for drill in found.drills[:SHOWN]),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=3,
    )
    lead = [voice.n("{n} restore drill passed.", "{n} restore drills passed.", found.total)]
    if found.failed:
        lead.append(voice.n("{n} failed.", "{n} failed.", found.failed))
    lead += _not_made(found, voice)
    return Section(KEY, title, (Paragraph(" ".join(lead), "lead"), table))


def _not_made(found: DrillsFacts, voice: Voice) -> list[str]:
    if not found.failed_backups:
        return []
    return [
        voice.n(
            "{n} backup could not be made or did not pass.",
            "{n} backups could not be made or did not pass.",
            found.failed_backups,
        )
    ]


def _row(drill: DrillFacts, voice: Voice) -> tuple[Cell, ...]:
    size = Cell("–") if drill.megabytes is None else Cell(
        voice.t("{n} MB", n=voice.number(drill.megabytes, 1)), raw=drill.megabytes
    )  # fmt: skip
    if not drill.passed:
        result = voice.t("failed: {why}", why=drill.detail)
    elif drill.kind == "restore":
        result = voice.t("passed, and put into force")
    else:
        result = voice.t("passed")
    return (
        Cell(voice.clock(drill.verified_at), raw=drill.verified_at.isoformat()),
        Cell(drill.path),
        size,
        Cell(result, raw="passed" if drill.passed else "failed"),
    )


PLUGIN = Plugin(KEY, "Restore drills", frozenset({"monthly", "custom"}), gather, build)
