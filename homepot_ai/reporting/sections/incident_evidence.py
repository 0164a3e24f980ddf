"""What speaks for the incident: metrics over its time, with the band that was expected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

import numpy as np

from homepot_ai.fleet import samples
from homepot_ai.reporting.charts_trend import trend_chart
from homepot_ai.reporting.document import Figure, Paragraph, Section
from homepot_ai.reporting.facts import AnomalyFacts, ReportFacts
from homepot_ai.reporting.facts.incident import EvidenceSeries, IncidentEvidence
from homepot_ai.reporting.incident_source import SQL, IncidentSource, of
from homepot_ai.reporting.periods import local
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections.incident_timeline import band_words
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import ABSENT, Voice
from homepot_ai.store.named_sql import load

KEY = "incident_evidence"
#: So many charts, and so many steps on each.
SERIES, STEPS = 5, 180
#: Of a long incident so much is drawn.
LONGEST = timedelta(days=7)
LEAST_BEFORE = timedelta(hours=1)


def gather(source: Source) -> IncidentEvidence:
    """The health of the device it is about, and the metrics that its anomalies were about."""
    this = of(source)
    start, end = window(this)
    pairs = _pairs(this.anomalies)
    shown = pairs[: SERIES - 1]
    width = max(60, ceil((end - start).total_seconds() / STEPS / 60) * 60)
    steps = ceil((end - start).total_seconds() / width)
    series = []
    first = next((device for device in this.devices if device in this.refs), None)
    if first is not None:
        parameters = {"device": first, "start": start, "end": end, "width": width}
        found: dict[int, float] = dict(source.conn.execute(load(SQL)["health"], parameters).fetchall())
        series.append(
            EvidenceSeries(
                device=this.refs[first].name,
                metric=None,
                start=start,
                step_seconds=width,
                values=tuple(_rounded(found.get(i)) for i in range(steps)),
                low=next(d.healthy_above for d in this.roster.devices if d.id == first),
            )
        )
    values = _values(this, shown, start, end, width, steps)
    series += [
        EvidenceSeries(
            device=a.device.name,
            metric=a.metric,
            start=start,
            step_seconds=width,
            values=values[a.device.id, a.metric or ""],
            low=a.expected_low,
            high=a.expected_high,
            since=a.started_at,
            until=a.ended_at,
        )
        for a in shown
        if (a.device.id, a.metric or "") in values
    ]
    return IncidentEvidence(
        series=tuple(series), anomalies=len(this.anomalies), not_drawn=len(pairs) - len(shown)
    )


def window(this: IncidentSource) -> tuple[datetime, datetime]:
    """The incident and a while around it: a quarter of its length, at least an hour, never after now."""
    period = this.period
    around = max(LEAST_BEFORE, (period.end - period.start) / 4)
    start = (period.start - around).replace(second=0, microsecond=0)
    return start, min(period.end + around, this.now, start + LONGEST)


def _pairs(anomalies: Sequence[AnomalyFacts]) -> list[AnomalyFacts]:
    """The first anomaly of each device and metric, the gravest first."""
    weight = {"critical": 0, "warning": 1, "info": 2}
    ordered = sorted(anomalies, key=lambda a: (weight[a.severity], a.started_at, a.id))
    found: dict[tuple[int, str | None], AnomalyFacts] = {}
    for anomaly in ordered:
        if anomaly.metric is not None:
            found.setdefault((anomaly.device.id, anomaly.metric), anomaly)
    return list(found.values())


def _values(
    this: IncidentSource,
    wanted: Sequence[AnomalyFacts],
    start: datetime,
    end: datetime,
    width: int,
    steps: int,
) -> dict[tuple[int, str], tuple[float | None, ...]]:
    """Means of each step, of the metrics that devices send; what readers count themselves has none."""
    if not wanted:
        return {}
    devices = sorted({a.device.id for a in wanted})
    read = samples.read_window(this.conn, start, end, only=devices)
    step = ((read.rows.t[read.row] - start.timestamp()) / width).astype(np.int64)
    inside = (step >= 0) & (step < steps)
    found = {}
    for anomaly in wanted:
        if anomaly.metric not in read.names:
            continue
        mine = (
            inside
            & (read.metric == read.names.index(anomaly.metric))
            & (read.rows.device_id[read.row] == anomaly.device.id)
        )
        if not mine.any():
            continue
        sums = np.bincount(step[mine], weights=read.value[mine], minlength=steps)
        counts = np.bincount(step[mine], minlength=steps)
        found[anomaly.device.id, anomaly.metric] = tuple(
            _rounded(total / n) if n else None for total, n in zip(sums, counts, strict=True)
        )
    return found


def _rounded(value: float | None) -> float | None:
    """As exact as anybody can see."""
    return None if value is None else float(f"{value:.5g}")


def build(facts: ReportFacts, voice: Voice) -> Section:
    """One chart below the other, all on the same time."""
    found = facts.incident_evidence
    assert found is not None
    blocks: list[Figure | Paragraph] = []
    for one in found.series:
        blocks.append(_figure(one, facts, voice))
    if not found.series:
        blocks.append(
            Paragraph(voice.t("Neither scores nor telemetry of this time are kept any more."), "missing")
        )
    said = voice.n("{n} anomaly is its evidence.", "{n} anomalies are its evidence.", found.anomalies)
    if found.not_drawn:
        more = voice.n("{n} series more is not drawn.", "{n} series more are not drawn.", found.not_drawn)
        said = f"{said} {more}"
    blocks.append(Paragraph(said, "note"))
    return Section(KEY, voice.term(PLUGIN.title), tuple(blocks))


def _figure(one: EvidenceSeries, facts: ReportFacts, voice: Voice) -> Figure:
    header = facts.incident_header
    marks = [(_step(one, facts.period.start), voice.t("first symptom"))]
    if header is not None:
        marks.append((_step(one, header.incident.opened_at), voice.t("opened")))
        if header.incident.closed_at is not None:
            marks.append((_step(one, header.incident.closed_at), voice.t("closed")))
    inside = [(at, text) for at, text in marks if 0 <= at <= len(one.values)]
    # What is marked within the same step is one mark.
    near = [
        (at, text)
        for (at, text), (after, _) in pairwise([*inside, (len(one.values) * 2.0, "")])
        if after - at > len(one.values) * 0.02
    ]
    name = voice.metric(one.metric) if one.metric else voice.t("Health")
    if one.metric is None:
        expected = voice.t("healthy above {score}", score=voice.score(one.low))
    else:
        band = band_words(one.metric, one.low, one.high, voice)
        expected = voice.t("expected {band}", band=band)

    def written(value: float) -> str:
        return voice.value(one.metric, value) if one.metric else voice.score(value)

    known = [value for value in one.values if value is not None]
    said = (
        voice.t("between {low} and {high}", low=written(min(known)), high=written(max(known)))
        if known
        else voice.t("no value came")
    )
    title = voice.t(
        "{metric} of {device} from {start} to {end}: {said}; {expected}",
        metric=name, device=one.device, start=voice.clock(one.start),
        end=voice.clock(_at(one, len(one.values))), said=said, expected=expected,
    )  # fmt: skip
    drawing = trend_chart(
        one.values,
        title=title,
        said=written,
        ticks=time_ticks(one, voice),
        band=(one.low, one.high),
        marks=near,
        scale=(0.0, 1.0) if one.metric is None else None,
        height=104,
    )
    caption = voice.t(
        "{metric} of {device}; grey: {expected}", metric=name, device=one.device, expected=expected
    )
    return Figure(drawing, caption)


def _step(one: EvidenceSeries, moment: datetime) -> float:
    return (moment - one.start).total_seconds() / one.step_seconds


def _at(one: EvidenceSeries, step: float) -> datetime:
    return one.start + timedelta(seconds=step * one.step_seconds)


def time_ticks(one: EvidenceSeries, voice: Voice) -> list[tuple[float, str]]:
    """Five to eight round hours or days of local time."""
    end = _at(one, len(one.values))
    length = end - one.start
    hours = next((h for h in (0.25, 0.5, 1, 2, 3, 6, 12, 24) if length / timedelta(hours=h) <= 8), 24.0)
    first = local(one.start, voice.timezone).replace(minute=0, second=0, microsecond=0)
    if hours > 1:
        first = first.replace(hour=0)
    ticks = []
    n = 0
    # On the world's clock from a local hour on: where the clock changes, labels tell.
    while (moment := first.astimezone(one.start.tzinfo) + n * timedelta(hours=hours)) <= end:
        if moment >= one.start:
            there = local(moment, voice.timezone)
            day = hours >= 24 or (there.hour == 0 and there.minute == 0)
            text = voice.day(there.date()) if day else f"{there:%H:%M}"
            ticks.append((_step(one, moment), text))
        n += 1
    return ticks or [(0.0, ABSENT)]


PLUGIN = Plugin(KEY, "Evidence", frozenset({"incident"}), gather, build)
