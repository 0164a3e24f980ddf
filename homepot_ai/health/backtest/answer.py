"""From pages and marks to the answer. Pure but for reading the marks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from homepot_ai.fleet import metrics
from homepot_ai.health.backtest import judge
from homepot_ai.health.backtest.planning import BacktestPlan
from homepot_ai.health.backtest.records import (
    Backtest,
    Counted,
    DeviceName,
    Marked,
    MissedFact,
    Page,
    PageFact,
    Tally,
    Verdict,
)
from homepot_ai.health.backtest.trial import Trial, changes
from homepot_ai.health.config import HealthConfig
from homepot_ai.settings import Settings
from homepot_ai.store import backtests
from homepot_ai.store.database import Database
from homepot_ai.text import clean

NOISIEST, LISTED, SITES_LISTED = 10, 100, 200
SHORT_DAYS = 3.0
_WEIGHT = {"critical": 0, "warning": 1, "info": 2}
_FIRST: dict[Verdict | None, int] = {"true": 0, "false": 1, None: 2}


def marks_of(db: Database, plan: BacktestPlan) -> list[Marked]:
    """What people said of anomalies that overlap the range."""
    with db.reader() as conn:
        rows = backtests.marked(conn, sorted(plan.names), plan.start, plan.end, at=plan.at)
    return [
        Marked(id_, device, start, end, "true" if verdict == "true" else "false")
        for id_, device, start, end, verdict in rows
    ]


def answer(
    settings: Settings, plan: BacktestPlan, found: Sequence[Sequence[Page]], marked: Sequence[Marked]
) -> Backtest:
    """Judge and count the pages of each configuration; equal input gives an equal answer."""
    judged = [_Judged(plan, pages, marked) for pages in found]
    first, second = judged[0], judged[1] if len(judged) > 1 else None
    tallies = [
        _tally(plan, each, _changes(plan, settings, trial, config), config)
        for each, trial, config in zip(judged, plan.trials, plan.configurations, strict=True)
    ]
    alone = [judge.only_in(first.opened, found[1]), judge.only_in(second.opened, found[0])] if second else []
    sites = _sites(plan, first, second)
    return Backtest(
        start=plan.start,
        end=plan.end,
        learned_from=plan.learn_from,
        timezone=plan.timezone,
        site=None if plan.site is None else clean(plan.site),
        devices=len(plan.names),
        rows=plan.rows,
        marked_true=sum(mark.verdict == "true" for mark in marked),
        marked_false=sum(mark.verdict == "false" for mark in marked),
        days=tuple(_days(plan)),
        a=tallies[0],
        b=tallies[1] if second else None,
        missed_a=_missed(plan, first),
        missed_b=_missed(plan, second) if second else (),
        both=len(first.opened) - len(alone[0]) if second else 0,
        only_a=_listed(plan, first, alone[0]) if second else (),
        only_a_total=len(alone[0]) if second else 0,
        only_b=_listed(plan, second, alone[1]) if second else (),
        only_b_total=len(alone[1]) if second else 0,
        sites=sites[:SITES_LISTED],
        sites_total=len(sites),
        noisiest=_noisiest(plan, first, second),
        notes=tuple(_notes(plan, first)),
    )


class _Judged:
    """A configuration's pages, with what marks say; `opened` are those that opened in the range."""

    def __init__(self, plan: BacktestPlan, pages: Sequence[Page], marked: Sequence[Marked]) -> None:
        start, end = plan.start.timestamp(), plan.end.timestamp()
        self.before = [page for page in pages if page.opened_at <= start]
        self.opened = [page for page in pages if start < page.opened_at <= end]
        self.verdicts = judge.verdicts(self.opened, marked)
        # An anomaly that began before the range may have been paged before it: only those that began in it.
        self.wanted = [m for m in marked if m.verdict == "true" and start < m.started_at <= end]
        self.delays = judge.delays(pages, self.wanted)


def _changes(plan: BacktestPlan, settings: Settings, trial: Trial, config: HealthConfig) -> tuple[str, ...]:
    differs = changes(config, settings.health)
    if plan.offsets and not trial.moved_by_marks:
        differs += ("without the alarm thresholds that marks have moved",)
    return differs


def _tally(plan: BacktestPlan, judged: _Judged, differs: tuple[str, ...], config: HealthConfig) -> Tally:
    severity = Counter(page.severity for page in judged.opened)
    said = Counter(judged.verdicts)
    days = Counter(_day(page.opened_at, plan) for page in judged.opened)
    weeks = (plan.end - plan.start) / timedelta(days=7)
    return Tally(
        changes=differs,
        false_alarms_per_week=config.alarm.false_alarms_per_week,
        pages=len(judged.opened),
        critical=severity["critical"],
        warning=severity["warning"],
        info=severity["info"],
        devices_paged=len({page.device_id for page in judged.opened}),
        per_device_week=round(len(judged.opened) / (weeks * len(plan.names)), 6),
        per_day=tuple(days[day] for day in _days(plan)),
        confirmed=said["true"],
        known_false=said["false"],
        unmarked=said[None],
        precision=judge.wilson(said["true"], said["true"] + said["false"]),
        recall=judge.wilson(sum(delay is not None for delay in judged.delays), len(judged.wanted)),
        delay=judge.summary_of(judged.delays),
    )


def _day(t: float, plan: BacktestPlan) -> date:
    # A minute is named by its end: what ends at midnight belongs to the day before.
    return datetime.fromtimestamp(t - 60, ZoneInfo(plan.timezone)).date()


def _days(plan: BacktestPlan) -> list[date]:
    zone = ZoneInfo(plan.timezone)
    day, last = plan.start.astimezone(zone).date(), (plan.end - timedelta(minutes=1)).astimezone(zone).date()
    found = []
    while day <= last:
        found.append(day)
        day += timedelta(days=1)
    return found


def _name(plan: BacktestPlan, device_id: int) -> DeviceName:
    return plan.names.get(device_id) or DeviceName(
        device_id, str(device_id), f"device {device_id}", "", 0, ""
    )


def _missed(plan: BacktestPlan, judged: _Judged) -> tuple[MissedFact, ...]:
    missed = []
    for mark, delay in zip(judged.wanted, judged.delays, strict=True):
        if delay is None:
            name = _name(plan, mark.device_id)
            missed.append(
                MissedFact(
                    anomaly_id=mark.anomaly_id,
                    device=clean(name.name),
                    device_id=clean(name.public_id),
                    site=clean(name.site),
                    started_at=datetime.fromtimestamp(mark.started_at, UTC),
                )
            )
    return tuple(missed[:LISTED])


def _listed(plan: BacktestPlan, judged: _Judged, positions: Sequence[int]) -> tuple[PageFact, ...]:
    """These pages as they are listed: known ones first, then by severity and strength."""

    def order(number: int) -> tuple[float, ...]:
        page = judged.opened[number]
        strength = page.strength if math.isfinite(page.strength) else 0.0
        return (_FIRST[judged.verdicts[number]], _WEIGHT[page.severity], -strength, page.opened_at)

    facts = []
    for number in sorted(positions, key=order)[:LISTED]:
        page, name = judged.opened[number], _name(plan, judged.opened[number].device_id)
        facts.append(
            PageFact(
                device=clean(name.name),
                device_id=clean(name.public_id),
                site=clean(name.site),
                opened_at=datetime.fromtimestamp(page.opened_at, UTC),
                minutes=None if page.ended_at is None else round((page.ended_at - page.opened_at) / 60, 1),
                severity=page.severity,
                opened_by=page.opened_by,
                strength=round(page.strength, 2) if math.isfinite(page.strength) else None,
                verdict=judged.verdicts[number],
                why=clean(page.why),
            )
        )
    return tuple(facts)


def _sites(plan: BacktestPlan, first: _Judged, second: _Judged | None) -> tuple[Counted, ...]:
    """Pages of each site, most first; sites without any are counted too."""
    devices = Counter(name.site_id for name in plan.names.values())
    called = {name.site_id: name.site for name in plan.names.values()}
    a, b = _count_sites(plan, first), _count_sites(plan, second) if second else None
    found = [
        Counted(
            name=clean(called[site]),
            about=f"{count} device{'' if count == 1 else 's'}",
            a=a[site],
            b=None if b is None else b[site],
        )
        for site, count in devices.items()
    ]
    return tuple(sorted(found, key=lambda item: (-max(item.a, item.b or 0), item.name)))


def _count_sites(plan: BacktestPlan, judged: _Judged) -> Counter[int]:
    return Counter(_name(plan, page.device_id).site_id for page in judged.opened)


def _noisiest(plan: BacktestPlan, first: _Judged, second: _Judged | None) -> tuple[Counted, ...]:
    a = Counter(page.device_id for page in first.opened)
    b = Counter(page.device_id for page in second.opened) if second else None
    everything = [*first.opened, *(second.opened if second else ())]
    order = sorted({*a, *(b or ())}, key=lambda device: (-max(a[device], b[device] if b else 0), device))
    found = []
    for device in order[:NOISIEST]:
        name = _name(plan, device)
        mainly = Counter(page.metric for page in everything if page.device_id == device).most_common(1)[0][0]
        found.append(
            Counted(
                name=clean(name.name),
                about=f"{clean(name.site)} · {clean(name.public_id)}",
                a=a[device],
                b=None if b is None else b[device],
                mainly=metrics.label(mainly) if mainly else "several metrics together",
            )
        )
    return tuple(found)


def _notes(plan: BacktestPlan, first: _Judged) -> list[str]:
    """What to keep in mind while reading these figures."""
    notes = []
    learned = (plan.start - plan.learn_from) / timedelta(days=1)
    if learned < SHORT_DAYS:
        said = f"{learned:.1f} days" if learned >= 1 else f"{learned * 24:.1f} hours"
        notes.append(
            f"Only {said} before the range could be learned from: the first days page more than a system "
            "that has run for weeks."
        )
    if first.before:
        many = len(first.before)
        notes.append(
            f"{many} episode{'' if many == 1 else 's'} of a {'was' if many == 1 else 'were'} already open "
            "when the range began; they are not counted as pages."
        )
    if plan.offsets:
        moved = ", ".join(f"{kind} by {offset:+.2f} decades" for kind, offset in sorted(plan.offsets.items()))
        notes.append(f"Marks have moved alarm thresholds: {moved}. Those of this range have seen its answer.")
    notes += [f"This HOMEPOT lacks {item}" for item in plan.missing]
    return notes
