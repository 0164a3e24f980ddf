"""What a scoring run says to an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from homepot_ai.health import rows
from homepot_ai.health.batches import ScoredMinutes
from homepot_ai.health.planning import MinutePlan
from homepot_ai.health.records import CRITICAL, STATUSES, WARNING
from homepot_ai.text import clean

WORST_SHOWN = 10
_SYMBOLS = {
    "healthy": "●", "warning": "▲", "critical": "■", "no_data": "○", "in_maintenance": "◇", "not_scored": "–",
}  # fmt: skip
_REASONS = {
    "duplicate": "sent twice",
    "not_a_number": "no number (NaN, infinite, text)",
    "out_of_range": "impossible value (negative or absurd)",
    "broken_json": "extra_metrics that are no JSON object",
    "future": "time in the future",
    "too_many_metrics": "of metrics beyond what one device may have",
    "late": "too late to be scored",
    "out_of_order": "older than the device's last sample",
    "unknown_device": "of a device that is unknown or not active",
}


def _cell(text: str) -> str:
    """Text that cannot break a Markdown table, whoever wrote it."""
    return clean(text).replace("|", "/").replace("`", "'").replace("<", "‹")


@dataclass(frozen=True)
class IllDevice:
    """A device that is not healthy, with one sentence why."""

    public_id: str
    name: str
    status: str
    score: float
    why: str


@dataclass(frozen=True)
class ScoreSummary:
    """Counts of one scoring run.

    Attributes:
        counts: devices by status in the last minute stored.
        ill: the worst of them; ill_total: how many there are.
        equal: rows that were there already and say the same; differing: that say something else.
    """

    mode: str
    shard: int
    reason: str
    first: datetime
    last: datetime
    minutes: int
    behind: int
    devices: int
    counts: Mapping[str, int]
    ill: Sequence[IllDevice]
    ill_total: int
    opened: int
    closed: int
    rows_read: int
    rejected: Mapping[str, int]
    assumed: Sequence[str]
    missing: Sequence[str]
    written: int
    equal: int
    differing: int
    engine_seconds: float
    store_seconds: float

    def __str__(self) -> str:
        counted = " ".join(f"{status}={n}" for status, n in self.counts.items())
        return (
            f"mode={self.mode} shard={self.shard} at={self.last:%Y-%m-%dT%H:%MZ} minutes={self.minutes} "
            f"{counted} rows={self.rows_read} rejected={sum(self.rejected.values())} written={self.written}"
        )

    def markdown(self) -> str:
        """What an operator reads first."""
        lines = [f"**{self.headline}**", ""]
        counted = " · ".join(f"{_SYMBOLS[s]} {n} {s.replace('_', ' ')}" for s, n in self.counts.items() if n)
        lines += [counted or "no devices", ""]
        if self.ill:
            # The reason before the id: a narrow window cuts the end of a row.
            lines += ["| device | health | why | id |", "|---|---|---|---|"]
            lines += [
                f"| {_cell(d.name)} | {_SYMBOLS[d.status]} {d.score:.2f} {d.status} | {_cell(d.why)} "
                f"| `{_cell(d.public_id)}` |"
                for d in self.ill
            ]
            if self.ill_total > len(self.ill):
                lines.append(f"| and {self.ill_total - len(self.ill)} more | | | |")
            lines.append("")
        lines += self._details()
        return "\n".join(lines) + "\n"

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        if not self.minutes:
            return f"Nothing to score: {self.reason}"
        span = f"{self.last:%Y-%m-%d %H:%M} UTC"
        if self.minutes > 1:
            span = f"{self.minutes} minutes up to {span}"
        need = self.counts.get("critical", 0) + self.counts.get("warning", 0)
        silent = self.counts.get("no_data", 0)
        verdict = f"{need} of {self.devices} devices need attention" if need else "no device needs attention"
        if silent:
            verdict += f", {silent} without data"
        return f"{verdict} - {span}"

    def _details(self) -> list[str]:
        lines = [
            f"- {self.reason}; {self.rows_read} telemetry rows used, {self.written} score rows written"
            + (f", {self.behind} minutes still due" if self.behind else ""),
            f"- anomalies opened {self.opened}, closed {self.closed}",
            f"- engine {self.engine_seconds:.2f} s, storing {self.store_seconds:.2f} s",
        ]
        if self.mode == "past":
            lines.insert(1, f"- scored again from the past: {self.equal} rows were there and say the same, "
                            f"{self.differing} say something else and were left as they are")  # fmt: skip
        lines += [f"- left out: {n} × {_REASONS.get(reason, reason)}" for reason, n in self.rejected.items()]
        lines += [f"- assumed: {sentence}" for sentence in self.assumed]
        lines += [f"- this HOMEPOT lacks {item}" for item in self.missing]
        return lines


def summarise(
    plan: MinutePlan,
    scored: ScoredMinutes,
    *,
    written: int,
    equal: int,
    store_seconds: float,
) -> ScoreSummary:
    """Count a run's outcome (pure)."""
    last = scored.results[-1] if scored.results else None
    total = sum(len(result.device_id) for result in scored.results)
    ill: list[IllDevice] = []
    ill_total = 0
    if last is not None:
        wrong = np.flatnonzero(np.isin(last.status, (WARNING, CRITICAL)))
        ill_total = len(wrong)
        order = wrong[np.argsort(last.score[wrong], kind="stable")][:WORST_SHOWN]
        for position in order.tolist():
            heaviest = next(iter(last.factors.rows(position)), None)
            why = (
                rows.explain(heaviest.metric, heaviest.observed, heaviest.low, heaviest.high)
                if heaviest
                else ""
            )
            ill.append(
                IllDevice(
                    scored.fleet.public_id[position],
                    scored.fleet.name[position],
                    STATUSES[int(last.status[position])],
                    float(last.score[position]),
                    why,
                )
            )
    return ScoreSummary(
        mode=plan.mode,
        shard=plan.shard,
        reason=plan.reason,
        first=plan.first,
        last=plan.last,
        minutes=len(scored.results),
        behind=plan.behind,
        devices=len(scored.fleet.device_id),
        counts={} if last is None else rows.status_counts(last),
        ill=ill,
        ill_total=ill_total,
        opened=sum(len(r.opened) for r in scored.results),
        closed=sum(len(r.closed) for r in scored.results),
        rows_read=scored.rows_read,
        rejected=scored.rejected,
        assumed=scored.assumed,
        missing=[str(item) for item in plan.missing],
        written=written,
        equal=equal,
        differing=max(0, total - written - equal),
        engine_seconds=scored.seconds,
        store_seconds=store_seconds,
    )


def nothing(plan: MinutePlan) -> ScoreSummary:
    """The summary of a run that had nothing to do."""
    return ScoreSummary(
        mode=plan.mode, shard=plan.shard, reason=plan.reason, first=plan.first, last=plan.last, minutes=0,
        behind=0, devices=0, counts={}, ill=[], ill_total=0, opened=0, closed=0, rows_read=0, rejected={},
        assumed=[], missing=[str(item) for item in plan.missing], written=0, equal=0, differing=0,
        engine_seconds=0.0, store_seconds=0.0,
    )  # fmt: skip
