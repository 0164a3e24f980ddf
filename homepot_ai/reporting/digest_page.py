"""The words of a digest, as a document like every report's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from homepot_ai.reporting import spans
from homepot_ai.reporting.document import (
    Bullets,
    Cell,
    Column,
    Document,
    Edition,
    Level,
    Paragraph,
    Section,
    Table,
    Tone,
    Verdict,
)
from homepot_ai.reporting.facts import Kind, PeriodFacts
from homepot_ai.reporting.periods import Period
from homepot_ai.reporting.voice import Voice
from homepot_ai.text import fit

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

#: As many quiet sites are named; the rest is counted.
QUIET_NAMED = 40
_GLYPH = {"critical": "▼", "warning": "▲", "unknown": "●", "good": "●"}
_TONE: dict[Level, Tone] = {"critical": "critical", "warning": "warning", "unknown": "", "good": "good"}
_ORDER = {"critical": 0, "warning": 1, "unknown": 2, "good": 3}


@dataclass(frozen=True)
class SiteLine:
    """A site in a digest.

    Attributes:
        level, headline: its report's verdict; missing: why it has no report.
        attention: devices that need it; availability: share, or None.
    """

    name: str
    level: Level
    headline: str
    attention: int
    availability: float | None
    missing: str
    report_id: str = ""

    def worst_first(self) -> tuple[int, int, str]:
        """A key to sort by."""
        return _ORDER[self.level], -self.attention, self.name.casefold()


def page(
    lines: Sequence[SiteLine],
    edition: Edition,
    *,
    kind: Kind,
    period: Period,
    name: str,
    settings: Settings,
    voice: Voice | None,
    hash: str,
    made_at: datetime,
) -> Document:
    """A digest: what needs attention as a table, the worst first; what is quiet in a line.

    Args:
        name: its id; hash: over the hashes of the reports' facts.
        voice: that of the reports; None: of the edition alone.
    """
    said = voice or Voice(
        edition.language, period.timezone, period.first_day, period.last_day, period.end,
        settings.templates,
    )  # fmt: skip
    ordered = sorted(lines, key=SiteLine.worst_first)
    bad = [line for line in ordered if line.level != "good" and not line.missing]
    quiet = [line for line in ordered if line.level == "good" and not line.missing]
    missing = [line for line in ordered if line.missing]
    facts = PeriodFacts(
        kind=kind, start=period.start, end=period.end, timezone=period.timezone,
        first_day=period.first_day, last_day=period.last_day,
    )  # fmt: skip
    verdict = _verdict(bad, quiet, missing, said)
    titles = {
        "daily": said.t("Daily digest"),
        "weekly": said.t("Weekly digest"),
        "monthly": said.t("Monthly digest"),
    }
    title = titles.get(kind, said.t("Digest"))
    sites = said.n("{n} site", "{n} sites", len(lines))
    when = spans.short(facts)
    whole = {
        "daily": said.t("daily {period}", period=when),
        "weekly": said.t("week of {period}", period=when),
        "monthly": said.t("month {period}", period=when),
    }.get(kind, when)
    return Document(
        edition=edition,
        kind="digest",
        report_id=name,
        revision=1,
        hash=hash,
        organisation=settings.reports.organisation,
        title=f"{title}, {spans.label(facts, said)}",
        kicker=title,
        mode=period.timezone,
        name=sites,
        subtitle="",
        period=spans.label(facts, said),
        range_text=spans.range_text(facts, said),
        subject=f"[{fit(settings.reports.organisation, 20)}] {verdict.short} - {whole}",
        verdict=verdict,
        tiles=(),
        covers="",
        sections=tuple(_sections(bad, quiet, missing, said)),
        made_at=said.moment(made_at),
        quiet=False,
    )


def _verdict(
    bad: Sequence[SiteLine], quiet: Sequence[SiteLine], missing: Sequence[SiteLine], said: Voice
) -> Verdict:
    total = len(bad) + len(quiet) + len(missing)
    details = []
    if missing:
        details.append(
            said.n("Of {n} site there is no report.", "Of {n} sites there is no report.", len(missing))
        )
    if bad:
        level = bad[0].level
        headline = said.n(
            "{n} site of {total} needs attention.", "{n} sites of {total} need attention.", len(bad),
            total=total,
        )  # fmt: skip
        short = headline.rstrip(".")
        details.append(said.t("The PDFs of these are attached."))
    elif quiet:
        level = "good" if not missing else "unknown"
        # Names where they are few: digests of several zones come on the same morning.
        headline = (
            said.t("{site} needs no attention.", site=fit(quiet[0].name, 60))
            if len(quiet) == 1
            else said.n("{n} site needs no attention.", "{n} sites need no attention.", len(quiet))
        )
        short = headline.rstrip(".")
    else:
        level, headline = "unknown", said.t("There is no report of any site.")
        short = headline.rstrip(".")
    labels = {
        "critical": said.t("Critical"), "warning": said.t("Warning"), "good": said.t("All well"),
        "unknown": said.t("Unknown"),
    }  # fmt: skip
    return Verdict(level, _GLYPH[level], headline, tuple(details), short, labels[level])


def _sections(
    bad: Sequence[SiteLine], quiet: Sequence[SiteLine], missing: Sequence[SiteLine], said: Voice
) -> list[Section]:
    found = []
    if bad:
        columns = (
            Column(said.t("Site"), "site", share=2, text_width=22),
            Column(said.t("What"), "what", share=4, text_width=40),
            Column(said.t("Availability"), "availability_percent", numeric=True, text_width=12),
        )
        rows = tuple(
            (
                Cell(
                    line.name,
                    glyph=_GLYPH[line.level],
                    tone="" if line.level == "unknown" else line.level,
                    strong=True,
                ),
                Cell(line.headline),
                Cell("–" if line.availability is None else said.percent(line.availability)),
            )
            for line in bad
        )
        sentences = tuple((f"{_GLYPH[line.level]} {fit(line.name, 20)}", line.headline) for line in bad)
        title = said.t("Need attention")
        table = Table("sites", title, columns, rows, in_mail=len(rows), sentences=sentences)
        found.append(Section("attention", title, (table,)))
    if quiet:
        names = ", ".join(line.name for line in quiet[:QUIET_NAMED])
        rest = len(quiet) - QUIET_NAMED
        more = said.n(" and {n} more", " and {n} more", rest) if rest > 0 else ""
        found.append(
            Section("quiet", said.t("Need no attention"), (Paragraph(f"{names}{more}."),), line=True)
        )
    if missing:
        told = tuple(said.t("{name}: {reason}", name=line.name, reason=line.missing) for line in missing)
        found.append(Section("missing", said.t("No report"), (Bullets(told),)))
    return found
