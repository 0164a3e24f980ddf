"""What the reports on the sample fleet say, beside what really happened in their periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.reporting.facts import ReportFacts, restore
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from homepot_ai.store.named_sql import load
from homepot_ai.testing import sample_state
from homepot_ai.testing.sample_people import SQL
from homepot_ai.testing.sample_state import TruthRow
from homepot_ai.testing.sample_truth import DAYS_SHOWN, Found, Line, compare

OUTAGE = "gateway outage"


@dataclass(frozen=True)
class ReportTruth:
    """One report beside the truth about its devices in its period.

    Attributes:
        lines: labelled incidents with the anomalies that the report tells of, and those of none.
        silent_minutes: device-minutes of outages; told_silent: those without data that the report counts.
    """

    report_id: str
    lines: tuple[Line, ...]
    silent_minutes: int
    told_silent: int

    def __str__(self) -> str:
        happened = [line for line in self.lines if line.truth]
        told = [line for line in happened if line.found]
        said = f"{self.report_id}: {len(told)} of {len(happened)} incidents of its period are told of"
        missed = sorted({line.device for line in happened if not line.found})
        said += f" (missed: {', '.join(missed)})" if missed else ""
        said += f"; {len(self.lines) - len(happened)} anomalies belong to no known incident"
        if self.silent_minutes:
            said += (
                f"; {self.told_silent:,} device-minutes without data, outages took {self.silent_minutes:,}"
            )
        return said


def beside(report_id: str, facts: ReportFacts, truth: Sequence[TruthRow]) -> ReportTruth:
    """What a report says, beside what happened. Its own facts alone: nothing is looked up again."""
    period = facts.period
    mine = [row for row in truth if _covers(facts, row)]
    during = [row for row in mine if row.started_at < period.end and row.ended_at > period.start]
    ids = {row.device_id for row in mine}
    found = [
        Found(one.device.id, one.started_at, one.ended_at, one.severity, one.metric or "")
        for one in facts.anomalies
        if one.device.id in ids
    ]
    outages = [row for row in during if row.what == OUTAGE]
    silent = sum(
        round((min(row.ended_at, period.end) - max(row.started_at, period.start)).total_seconds() / 60)
        for row in outages
    )
    labelled = [row for row in during if row.what != OUTAGE]
    # An anomaly that an outage caused belongs to it, though the outage itself is told of in minutes.
    lines = compare(during, found, period.end)
    kept = tuple(line for line in lines if line.truth is None or line.truth in labelled)
    told = sum(group.figures.status_minutes.no_data for group in facts.classes)
    return ReportTruth(report_id, kept, silent, told)


def _covers(facts: ReportFacts, row: TruthRow) -> bool:
    scope = facts.scope
    if scope.kind == "device":
        return row.device_id == scope.id
    return scope.kind == "fleet" or row.site == facts.name.name


def truth_beside_reports(db: Database, settings: Settings, now: datetime) -> str:
    """A line per report of the last eight days, in its newest revision; nothing when there is none.

    Raises SampleError when no sample fleet is loaded.
    """
    truth = sample_state.truth(settings)
    with db.reader() as conn:
        rows = conn.execute(load(SQL)["reports"], {"since": now - timedelta(days=DAYS_SHOWN)}).fetchall()
    reports = [beside(str(name), restore(facts), truth) for name, facts in rows]
    return "\n".join(["What the reports say of it:", *(f"  {one}" for one in reports)]) if reports else ""
