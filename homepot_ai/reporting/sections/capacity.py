"""When disks and memories reach their limits."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from homepot_ai.reporting import happened
from homepot_ai.reporting.charts_trend import Fan, trend_chart, trend_line
from homepot_ai.reporting.document import Cell, Column, Figure, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.capacity import CapacityFacts, CapacityOutlook
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.periods import start_of_day
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "capacity"
CAP, SHOWN, DRAWN = 60, 12, 2
#: So many days are drawn before the period's end.
DAYS = 30
DEFAULT_COVERAGE = 0.8


def gather(source: Source) -> CapacityOutlook | None:
    """The newest daily forecasts of levels and dates; None: nothing was ever forecast about these devices."""
    rows = source.conn.execute(load(SQL)["newest_levels"], happened.bounds(source)).fetchall()
    if not rows:
        return None
    found: dict[tuple[int, str], dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for device, metric, kind, *rest in rows:
        found[device, metric][kind] = tuple(rest)
    keys = sorted(found, key=lambda key: _urgency(found[key], key))[:CAP]
    period = source.period
    first = period.last_day - timedelta(days=DAYS - 1)
    courses: dict[tuple[int, str], dict[date, tuple[float, float]]] = defaultdict(dict)
    parameters = {
        "devices": [device for device, _ in keys],
        "metrics": [metric for _, metric in keys],
        "since": start_of_day(first, period.timezone),
        "end": period.end,
        "timezone": period.timezone,
    }
    for device, metric, day, mean, last in source.conn.execute(load(SQL)["level_days"], parameters):
        courses[device, metric][day] = (mean, last)
    days = [first + timedelta(days=n) for n in range(DAYS)]
    coverages = [row[7] for row in rows if row[7] is not None]
    return CapacityOutlook(
        items=tuple(_item(key, found[key], courses[key], days, source) for key in keys),
        total=len(found),
        forecast=len({device for device, _ in found}),
        reaching=len({device for (device, _), kinds in found.items() if "limit" in kinds}),
        coverage=round(max(coverages, default=DEFAULT_COVERAGE), 3),
    )


def _urgency(kinds: dict[str, tuple[Any, ...]], key: tuple[int, str]) -> tuple[bool, float, float, int, str]:
    limit, level = kinds.get("limit"), kinds.get("level")
    reached = limit[2] if limit is not None and limit[2] is not None else float("inf")
    return limit is None, reached, -(level[2] if level is not None and level[2] is not None else 0.0), *key


def _item(
    key: tuple[int, str],
    kinds: dict[str, tuple[Any, ...]],
    course: dict[date, tuple[float, float]],
    days: list[date],
    source: Source,
) -> CapacityFacts:
    device, metric = key
    none = (None,) * 6
    due, low, mid, high, *_ = kinds.get("level", none)
    _, at_low, at_mid, at_high, _, limit = kinds.get("limit", none)
    newest = max(course, default=None)
    return CapacityFacts(
        device=source.refs[device],
        metric=clean(metric, 80),
        now=None if newest is None else _rounded(course[newest][1]),
        first_day=days[0],
        days=tuple(_rounded(course[day][0]) if day in course else None for day in days),
        due_at=due,
        low=_rounded(low),
        mid=_rounded(mid),
        high=_rounded(high),
        limit=limit,
        at_low=_moment(at_low),
        at_mid=_moment(at_mid),
        at_high=_moment(at_high),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def _moment(seconds: float | None) -> datetime | None:
    """The ledger keeps dates as seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(round(seconds), UTC)


def build(facts: ReportFacts, voice: Voice) -> Section:
    """How many reach a limit, the most urgent as charts, the rest as a table."""
    found = facts.capacity
    assert found is not None
    lead = voice.t(
        "{reaching} of {forecast} devices with a forecast are expected to reach a limit within 30 days.",
        reaching=voice.number(found.reaching), forecast=voice.number(found.forecast),
    )  # fmt: skip
    blocks: list[Paragraph | Figure | Table] = [Paragraph(lead, "lead")]
    blocks += [_figure(item, facts, voice) for item in found.items[:DRAWN] if item.limit is not None]
    blocks.append(_table(facts, found, voice))
    note = voice.t(
        "Intervals hold {share} of what happens if they keep their promise; the track record tells whether "
        "they do.",
        share=voice.percent(found.coverage, 0),
    )
    return Section(KEY, voice.term(PLUGIN.title), (*blocks, Paragraph(note, "note")))


def until_limit(item: CapacityFacts, end: datetime, voice: Voice) -> str:
    """Days until the limit, with the interval."""
    if item.at_mid is None:
        return voice.t("not within 30 days")

    def days(moment: datetime) -> int:
        return max(0, round((moment - end) / timedelta(days=1)))

    middle = voice.n("{n} day", "{n} days", days(item.at_mid))
    if item.at_low is None:
        return middle
    late = voice.number(days(item.at_high)) if item.at_high else voice.t("over 30")
    return voice.t(
        "{days} ({early} to {late})", days=middle, early=voice.number(days(item.at_low)), late=late
    )


def _figure(item: CapacityFacts, facts: ReportFacts, voice: Voice) -> Figure:
    end = facts.period.end

    def said(value: float) -> str:
        return voice.value(item.metric, value)

    left = until_limit(item, end, voice)
    title = voice.t(
        "{metric} of {device} over {days} days: now {now}, limit {limit}, reached in {left}",
        metric=voice.metric(item.metric), device=item.device.name, days=voice.number(len(item.days)),
        now=voice.value(item.metric, item.now), limit=voice.value(item.metric, item.limit), left=left,
    )  # fmt: skip
    fan = None
    if item.due_at is not None and item.low is not None and item.mid is not None and item.high is not None:
        ahead = (item.due_at - end) / timedelta(days=1)
        fan = Fan(len(item.days) + max(ahead, 1.0), item.low, item.mid, item.high)
    ticks = [(n + 0.5, voice.day(item.first_day + timedelta(days=n))) for n in range(2, len(item.days), 7)]
    if fan is not None:
        ticks.append((fan.at, voice.n("+ {n} day", "+ {n} days", round(fan.at - len(item.days)))))
    limit = None if item.limit is None else (item.limit, voice.t("limit {value}", value=said(item.limit)))
    drawing = trend_chart(item.days, title=title, said=said, ticks=ticks, limit=limit, fan=fan, height=112)
    caption = voice.t(
        "{metric} of {device}: daily means, and the forecast of a week with its {share} interval",
        metric=voice.metric(item.metric), device=item.device.name,
        share=voice.percent(facts.capacity.coverage if facts.capacity else DEFAULT_COVERAGE, 0),
    )  # fmt: skip
    return Figure(drawing, caption)


def _table(facts: ReportFacts, found: CapacityOutlook, voice: Voice) -> Table:
    headline = facts.headline.provenance if facts.headline else "real"
    with_site = facts.scope.kind not in {"site", "device"}
    shown = found.items[:SHOWN]
    hidden = found.total - len(shown)
    rows = []
    # Levels are shares of what there is: one scale tells how near each is to its limit.
    every = [value for item in shown for value in (*item.days, item.limit) if value is not None]
    scale = (min(every, default=0.0), max(every, default=1.0))
    for item in shown:
        known = [value for value in item.days if value is not None]
        title = voice.t(
            "{metric} of {device}: from {first} to {last}",
            metric=voice.metric(item.metric), device=item.device.name,
            first=voice.value(item.metric, known[0] if known else None),
            last=voice.value(item.metric, known[-1] if known else None),
        )  # fmt: skip
        week = ABSENT
        if item.low is not None and item.high is not None:
            low, high = voice.value(item.metric, item.low), voice.value(item.metric, item.high)
            week = voice.t("{low} to {high}", low=low, high=high)
        rows.append(
            (
                Cell(
                    item.device.name,
                    about=say.device_about(voice, item.device, headline, with_site=with_site),
                ),
                Cell(voice.metric(item.metric), raw=item.metric),
                Cell("", drawing=trend_line(item.days, title=title, scale=scale)),
                Cell(voice.value(item.metric, item.now), raw=item.now, strong=True),
                Cell(voice.value(item.metric, item.mid), about=week, raw=item.mid),
                Cell(
                    until_limit(item, facts.period.end, voice),
                    about=voice.t("limit {value}", value=voice.value(item.metric, item.limit))
                    if item.limit is not None
                    else "",
                    tone="warning" if item.at_mid is not None else "",
                    raw=item.at_mid.isoformat() if item.at_mid else "",
                ),
            )
        )
    return Table(
        name="capacity",
        caption=voice.t("Those that reach their limit first, then the fullest"),
        columns=(
            Column(voice.t("Device"), "device", 2.0, text_width=22),
            Column(voice.t("Metric"), "metric", 1.1, text_width=12),
            Column(voice.t("30 days"), "course", 1.9, text_width=0),
            Column(voice.t("Now"), "now", 0.9, numeric=True, text_width=10),
            Column(voice.t("In a week"), "in_a_week", 1.4, numeric=True, text_width=10),
            Column(voice.t("Limit reached in"), "limit_at_utc", 1.7, text_width=16),
        ),
        rows=tuple(rows),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=4,
    )


PLUGIN = Plugin(KEY, "Capacity outlook", frozenset({"monthly", "custom"}), gather, build)
