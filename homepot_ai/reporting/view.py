"""A daily report as it is read: facts turned into words and drawings, once, for PDF, mail and text.

The templates only lay out what is here; they decide and compute nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from homepot_ai.reporting import charts, daily_rows, judged, predicted, words
from homepot_ai.reporting.document import Difference
from homepot_ai.reporting.drawing import Drawing
from homepot_ai.reporting.facts import Provenance, ReportFacts, facts_hash
from homepot_ai.reporting.periods import day as local_day
from homepot_ai.reporting.periods import local, zone_text
from homepot_ai.reporting.predicted import ForecastLine
from homepot_ai.reporting.rows import (
    AnomalyRow,
    CheckRow,
    ClassRow,
    CountedRow,
    DeviceRow,
    RowsRow,
    SiteRow,
    Tile,
)
from homepot_ai.text import fit

Row = TypeVar("Row")

ANOMALIES_SHOWN = 12
SITES_SHOWN = 40
ROWS_SHOWN = 12
DIFFERENCES_SHOWN = 25
#: Devices that sent at least this share of their rows are not listed.
COMPLETE = 0.95
_ATTACHED = "all are in facts.json inside the PDF"


@dataclass(frozen=True)
class Table(Generic[Row]):
    """Rows with what is said before and after them; `note` counts what is not shown."""

    rows: tuple[Row, ...]
    lead: str = ""
    note: str = ""


@dataclass(frozen=True)
class DailyView:
    """Everything that stands in a daily report, in reading order."""

    report_id: str
    revision: int
    hash: str
    organisation: str
    title: str
    kicker: str
    name: str
    subtitle: str
    day_label: str
    range_text: str
    subject: str
    verdict: words.Verdict
    quiet: bool
    covers: str
    tiles: tuple[Tile, ...]
    day_chart: Drawing | None
    day_picture: Drawing | None
    day_note: str
    worst: Table[DeviceRow]
    anomalies: Table[AnomalyRow]
    anomalies_total: int
    sites: Table[SiteRow]
    rows: Table[RowsRow]
    judged: str
    silenced: str
    forecasts: Table[ForecastLine]
    checks: tuple[CheckRow, ...]
    counted: tuple[CountedRow, ...]
    classes: tuple[ClassRow, ...]
    made_at: str
    paper: str
    differences: tuple[Difference, ...] = ()
    differences_note: str = ""

    @property
    def drawings(self) -> dict[str, Drawing]:
        """The pictures of the mail by name: the day, and the sparkline of each listed device."""
        found = {"day": self.day_picture} if self.day_picture else {}
        return {**found, **{f"spark{n}": row.spark for n, row in enumerate(self.worst.rows)}}


def build(
    facts: ReportFacts,
    *,
    report_id: str,
    revision: int,
    paper: str = "A4",
    differences: Sequence[Difference] = (),
) -> DailyView:
    """Word a report. Pure: the same facts always give the same view."""
    clock = words.Clock.of(facts)
    period = local_day(facts.period.first_day, facts.period.timezone)
    headline = facts.headline
    kind: Provenance = headline.provenance if headline else "real"
    fleet = facts.scope.kind == "fleet"
    verdict = words.verdict(facts)
    revised = f" (revision {revision})" if revision > 1 else ""
    made = local(facts.made.at, period.timezone)
    return DailyView(
        report_id=report_id,
        revision=revision,
        hash=facts_hash(facts),
        organisation=facts.organisation,
        title=f"Daily health report: {facts.name.name}, {period.label}{revised}",
        kicker=f"Daily health report · {'Fleet' if fleet else 'Site'}{revised}",
        name=facts.name.name,
        subtitle=" · ".join(part for part in (facts.name.public_id, facts.name.location) if part),
        day_label=period.label,
        range_text=period.range_text,
        subject=f"[{fit(facts.organisation, 20)}] {fit(facts.name.name, 48)}: {verdict.short} - "
        f"daily {period.short_label}{revised}",
        verdict=verdict,
        quiet=words.is_quiet(facts),
        covers=_covers(facts),
        tiles=daily_rows.tiles(facts, headline) if headline else (),
        day_chart=_day_chart(facts, every=3) if headline else None,
        day_picture=_day_chart(facts, every=6, width=420, height=120, text_size=11) if headline else None,
        day_note=facts.problem("timeline") or "",
        worst=_worst(facts, clock, kind, fleet),
        anomalies=_anomalies(facts, clock, kind, fleet),
        anomalies_total=facts.anomalies_total,
        sites=_sites(facts),
        rows=_rows(facts, kind, fleet),
        judged=judged.sentences(facts),
        silenced=_silenced(facts),
        forecasts=Table(predicted.lines(facts, fleet=fleet), predicted.lead(facts), predicted.note(facts)),
        checks=daily_rows.check_rows(facts, clock),
        counted=daily_rows.counted_rows(facts, headline) if headline else (),
        classes=tuple(daily_rows.class_row(item) for item in facts.classes) if len(facts.classes) > 1 else (),
        made_at=f"{made:%a} {made.day} {made:%B %Y %H:%M} {zone_text(facts.made.at, period.timezone)}",
        paper=paper,
        differences=tuple(differences[:DIFFERENCES_SHOWN]),
        differences_note=_rest(len(differences), DIFFERENCES_SHOWN, "difference", "they are stored with it"),
    )


def _rest(total: int, shown: int, one: str, where: str, many: str = "") -> str:
    more = total - shown
    return f"And {words.count(more, one, many)} more; {where}." if more > 0 else ""


def _covers(facts: ReportFacts) -> str:
    """Which devices the headline speaks of, and which it leaves out."""
    headline = facts.headline
    if headline is None:
        return ""
    meaning = words.PROVENANCE_MEANING[headline.provenance]
    devices = words.count(headline.figures.devices, "device")
    said = f"Headline figures: {devices} with {words.PROVENANCE_WORD[headline.provenance]} data ({meaning})."
    others = [
        words.count(item.figures.devices, f"{words.PROVENANCE_WORD[item.provenance]} device")
        for item in facts.classes[1:]
    ]
    if others:
        said += f" Shown apart and never added in: {', '.join(others)}."
    if facts.deleted_devices:
        gone = words.count(facts.deleted_devices, "device")
        said += f" Left out: {gone} with scores that HOMEPOT no longer knows."
    return said


def _day_chart(facts: ReportFacts, *, every: int, **size: float) -> Drawing | None:
    bins = facts.timeline
    if not bins or not any(bin_.minutes.total for bin_ in bins):
        return None
    zone = facts.period.timezone
    ticks = []
    for index, bin_ in enumerate(bins):
        there = local(bin_.start, zone)
        if there.minute == 0 and there.hour % every == 0:
            ticks.append((index, f"{there:%H:%M}"))
    ticks.append((len(bins), "24:00"))
    clock = words.Clock.of(facts)
    troubled = [(b.minutes.critical + b.minutes.warning + b.minutes.no_data, b) for b in bins]
    most, when = max(troubled, key=lambda item: (item[0], -item[1].start.timestamp()))
    said = "every device healthy in every half-hour"
    if most:
        share = most / when.minutes.total
        said = (
            f"most trouble in the half-hour from {clock(when.start)}, with {words.percent(share)} of the "
            "device-minutes in warning, critical or without data"
        )
    return charts.day_chart(bins, ticks, title=f"Devices by status over the day: {said}", **size)


def _worst(facts: ReportFacts, clock: words.Clock, kind: Provenance, fleet: bool) -> Table[DeviceRow]:
    problem = facts.problem("worst")
    if problem:
        return Table((), f"This section could not be made: {problem}.")
    rows = tuple(daily_rows.device_row(item, clock, kind, fleet) for item in facts.worst)
    if not rows:
        nothing = facts.headline is None or facts.headline.figures.status_minutes.total == 0
        said = "Nothing was scored." if nothing else "No device left the healthy range at any minute."
        return Table((), said)
    return Table(
        rows,
        "Those that need attention first, then by minutes lost: 1 minus the score, added up over the "
        "day, plus the minutes without data",
        _rest(
            facts.troubled_devices, len(rows), "device", "they had at least one minute that was not healthy"
        ),
    )


def _anomalies(facts: ReportFacts, clock: words.Clock, kind: Provenance, fleet: bool) -> Table[AnomalyRow]:
    shown = facts.anomalies[:ANOMALIES_SHOWN]
    rows = tuple(daily_rows.anomaly_row(item, facts, clock, kind, fleet) for item in shown)
    if not rows:
        return Table((), "No anomaly was open at any time of the day.")
    where = _ATTACHED
    if facts.anomalies_total > len(facts.anomalies):
        where = f"the first {len(facts.anomalies):,} are in facts.json inside the PDF"
    return Table(rows, "", _rest(facts.anomalies_total, len(rows), "anomaly", where, "anomalies"))


def _sites(facts: ReportFacts) -> Table[SiteRow]:
    rows = tuple(daily_rows.site_row(site) for site in facts.sites[:SITES_SHOWN])
    return Table(rows, "", _rest(len(facts.sites), len(rows), "site", _ATTACHED))


def _rows(facts: ReportFacts, kind: Provenance, fleet: bool) -> Table[RowsRow]:
    data = facts.completeness
    if data is None:
        return Table((), f"This section could not be made: {facts.problem('completeness') or 'unknown'}.")
    if not data.devices_total:
        return Table((), "There are no devices.")
    poor = [
        item for item in data.devices if item.rows == 0 or (item.share is not None and item.share < COMPLETE)
    ]
    if data.expected:
        counted = f"{data.moments_counted:,} of {data.expected:,} rows expected arrived"
        lead = f"{counted} ({words.percent(data.share)})."
    else:
        lead = f"{words.count(data.rows, 'row')} arrived; no device states its collection interval."
    if data.devices_without_interval and data.expected:
        unknown = words.count(data.devices_without_interval, "device")
        lead += f" {unknown} of unknown collection interval left out."
    if facts.scoring and facts.scoring.rejected:
        reasons = ", ".join(
            f"{item.count:,} {item.name.replace('_', ' ')}" for item in facts.scoring.rejected
        )
        lead += f" Rejected in the whole fleet: {reasons}."
    elif facts.scoring:
        lead += " No row was rejected in the whole fleet."
    if not poor:
        return Table((), lead + f" Every device sent at least {COMPLETE * 100:.0f} % of its rows.")
    shown = []
    for item in poor[:ROWS_SHOWN]:
        name, share = item.device.name, words.percent(item.share)
        bar = None
        if item.share is not None:
            title = f"{name}: {share} of the rows expected"
            bar = charts.share_bar(item.share, title=title)
        shown.append(
            RowsRow(
                name=name,
                about=daily_rows.about(item.device, headline=kind, with_site=fleet),
                received=f"{item.moments:,}",
                expected="unknown" if item.expected is None else f"{item.expected:,}",
                share=share,
                bar=bar,
                note=f"every {item.interval_seconds} s" if item.interval_seconds else "interval unknown",
            )
        )
    below = f" Below {COMPLETE * 100:.0f} %: {words.count(len(poor), 'device')}."
    return Table(tuple(shown), lead + below, _rest(len(poor), len(shown), "device", _ATTACHED))


def _silenced(facts: ReportFacts) -> str:
    quiet = facts.silenced
    said = []
    if quiet.maintenance_minutes:
        said.append(
            f"{words.count(quiet.maintenance_devices, 'device')} in maintenance for "
            f"{words.duration(quiet.maintenance_minutes)} of device time (HOMEPOT's maintenance windows)."
        )
    if quiet.excluded_devices:
        said.append(f"{words.count(quiet.excluded_devices, 'device')} excluded from scoring by setting.")
    return " ".join(said) or "Nothing is silenced."
