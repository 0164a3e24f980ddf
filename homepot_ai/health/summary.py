"""What a scoring run says to an operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from homepot_ai.health import rows
from homepot_ai.health.batches import ScoredMinutes
from homepot_ai.health.planning import MinutePlan
from homepot_ai.health.records import CRITICAL, NO_DATA, STATUSES, WARNING, MinuteResult
from homepot_ai.text import NAME_CAP, clean

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


_PLAIN = str.maketrans("|`<[]", "/'‹()")


def cell(text: str, cap: int = NAME_CAP) -> str:
    """Text that cannot break a Markdown table or become a link, whoever wrote it."""
    return clean(text, cap).translate(_PLAIN)


@dataclass(frozen=True)
class IllDevice:
    """A device that is in warning or critical, since when, and one sentence why.

    Attributes:
        since: when it was first so since it was last healthy, or when its open anomaly began.
        anomaly: the open anomaly's id; None when none is open.
    """

    public_id: str
    name: str
    status: str
    score: float
    since: datetime | None
    why: str
    anomaly: int | None


@dataclass(frozen=True)
class SilentDevice:
    """A device without data, and when the last came."""

    name: str
    last: datetime | None


@dataclass(frozen=True)
class ScoreSummary:
    """Counts of one scoring run.

    Attributes:
        counts: devices by status in the last minute stored.
        ill: the worst of them, the most severe first; ill_total: how many there are.
        silent: some of those without data, the longest silence first.
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
    silent: Sequence[SilentDevice]
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
        lines += self._ill()
        lines += self._details()
        return "\n".join(lines) + "\n"

    def _ill(self) -> list[str]:
        lines = []
        if self.ill:
            # What is read first stands left: a narrow window cuts the end of a row.
            lines += ["| device | health | since (UTC) | anomaly | why | id |", "|---|---|---|---|---|---|"]
            lines += [
                f"| {cell(d.name)} | {_SYMBOLS[d.status]} {d.score:.2f} {d.status} "
                f"| {_since(d.since, self.last)} | {d.anomaly or ''} | {cell(d.why)} "
                f"| `{cell(d.public_id)}` |"
                for d in self.ill
            ]
            lines.append("")
            if self.ill_total > len(self.ill):
                rest = self.ill_total - len(self.ill)
                lines += [
                    f"And {rest} more, less severe than these; `homepot-ai status` shows more of them.",
                    "",
                ]
        silent = self.counts.get("no_data", 0)
        if self.silent:
            named = ", ".join(f"{cell(d.name)} {_silence(d.last, self.last)}" for d in self.silent)
            more = f" and {silent - len(self.silent)} more" if silent > len(self.silent) else ""
            lines += [f"{_SYMBOLS['no_data']} Without data: {named}{more}", ""]
        if any(d.anomaly for d in self.ill):
            lines += [
                "Was an anomaly right? Run the deployment *mark* with its number and a verdict, or "
                "`homepot-ai mark NUMBER true|false`.",
                "",
            ]
        return lines

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


def _since(moment: datetime | None, now: datetime) -> str:
    """A moment and how long ago it was; the day only when it was another one.

    >>> _since(datetime(2026, 11, 20, 8, 15), datetime(2026, 11, 20, 9, 0))
    '08:15 (45 min)'
    >>> _since(datetime(2026, 11, 18, 8, 15), datetime(2026, 11, 20, 9, 0))
    '18 Nov 08:15 (2 d)'
    """
    if moment is None:
        return ""
    minutes = int((now - moment).total_seconds() // 60)
    ago = (
        f"{minutes} min"
        if minutes < 120
        else f"{minutes // 60} h"
        if minutes < 2880
        else f"{minutes // 1440} d"
    )
    day = "" if moment.date() == now.date() else f"{moment.day} {moment:%b} "
    return f"{day}{moment:%H:%M} ({ago})"


def _silence(last: datetime | None, now: datetime) -> str:
    return "has never sent any" if last is None else f"since {_since(last, now)}"


def _ill_positions(result: MinuteResult) -> npt.NDArray[np.intp]:
    """Positions of the devices in warning or critical: critical ones first, then by score."""
    wrong = np.flatnonzero(np.isin(result.status, (WARNING, CRITICAL)))
    order: npt.NDArray[np.intp] = wrong[np.lexsort((result.score[wrong], result.status[wrong] != CRITICAL))]
    return order


def worst_devices(scored: ScoredMinutes) -> list[int]:
    """Ids of the devices that the summary lists."""
    if not scored.results:
        return []
    last = scored.results[-1]
    return [int(last.device_id[position]) for position in _ill_positions(last)[:WORST_SHOWN]]


def summarise(
    plan: MinutePlan,
    scored: ScoredMinutes,
    *,
    written: int,
    equal: int,
    store_seconds: float,
    open_anomalies: Mapping[int, tuple[int, datetime]],
) -> ScoreSummary:
    """Count a run's outcome (pure).

    Args:
        open_anomalies: of the listed devices, id and start of what is open in the last minute.
    """
    last = scored.results[-1] if scored.results else None
    total = sum(len(result.device_id) for result in scored.results)
    ill: list[IllDevice] = []
    silent: list[SilentDevice] = []
    ill_total = 0
    if last is not None:
        order = _ill_positions(last)
        ill_total = len(order)
        ill = [_ill_device(scored, last, int(p), open_anomalies) for p in order[:WORST_SHOWN]]
        silent = _silent_devices(scored, last)
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
        silent=silent,
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


def _ill_device(
    scored: ScoredMinutes,
    last: MinuteResult,
    position: int,
    open_anomalies: Mapping[int, tuple[int, datetime]],
) -> IllDevice:
    number, began = open_anomalies.get(int(last.device_id[position]), (None, None))
    first = float(scored.cursor.ill_since[position])
    moments = [began, None if np.isnan(first) else rows.moment(first)]
    return IllDevice(
        public_id=scored.fleet.public_id[position],
        name=scored.fleet.name[position],
        status=STATUSES[int(last.status[position])],
        score=float(last.score[position]),
        since=min((m for m in moments if m is not None), default=None),
        why=rows.sentence(last.factors.rows(position)),
        anomaly=number,
    )


def _silent_devices(scored: ScoredMinutes, last: MinuteResult) -> list[SilentDevice]:
    gone = np.flatnonzero(last.status == NO_DATA)
    heard = scored.cursor.last_t[gone]
    order = gone[np.argsort(np.nan_to_num(heard, nan=-np.inf), kind="stable")][:WORST_SHOWN]
    return [
        SilentDevice(
            scored.fleet.name[p],
            None if np.isnan(scored.cursor.last_t[p]) else rows.moment(float(scored.cursor.last_t[p])),
        )
        for p in order.tolist()
    ]


def nothing(plan: MinutePlan) -> ScoreSummary:
    """The summary of a run that had nothing to do."""
    return ScoreSummary(
        mode=plan.mode, shard=plan.shard, reason=plan.reason, first=plan.first, last=plan.last, minutes=0,
        behind=0, devices=0, counts={}, ill=[], ill_total=0, silent=[], opened=0, closed=0, rows_read=0,
        rejected={}, assumed=[], missing=[str(item) for item in plan.missing], written=0, equal=0,
        differing=0, engine_seconds=0.0, store_seconds=0.0,
    )  # fmt: skip
