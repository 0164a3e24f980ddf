"""The course of the period: the share of the devices in each status, as stacked columns."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from homepot_ai.reporting import charts
from homepot_ai.reporting.document import Figure, Paragraph, Section
from homepot_ai.reporting.drawing import Drawing
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.periods import local
from homepot_ai.reporting.terms import STATUS, Span, failed, span
from homepot_ai.reporting.voice import Voice, message

KEY = "timeline"
_TITLE: dict[Span, str] = {
    "day": message("The day"),
    "week": message("The week"),
    "month": message("The month"),
    "period": message("The period"),
}
_TICKS = 9


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """The chart with its legend; None when there are no devices or no minutes."""
    title = voice.term(_TITLE[span(facts)])
    if problem := facts.problem(KEY):
        return Section(KEY, title, (Paragraph(failed(voice, problem), "missing"),), line=True)
    bins = facts.timeline
    if facts.headline is None or not any(bin_.minutes.total for bin_ in bins):
        return None
    wide = _draw(facts, voice, ticks=_TICKS)
    narrow = _draw(facts, voice, ticks=5, width=420, height=120, text_size=11)
    caption = voice.t(
        "Share of the devices in each stretch of {length}:", length=voice.duration(_length(facts))
    )
    legend = tuple((charts.STATUS_COLOUR[s], voice.t(STATUS[s])) for s in reversed(charts.STACK))
    return Section(KEY, title, (Figure(wide, caption, narrow, legend),))


def _length(facts: ReportFacts) -> float:
    """Minutes that a column stands for."""
    bins = facts.timeline
    end = bins[1].start if len(bins) > 1 else facts.period.end
    return (end - bins[0].start).total_seconds() / 60


def _draw(facts: ReportFacts, voice: Voice, *, ticks: int, **size: float) -> Drawing:
    bins, clock = facts.timeline, voice.clock
    troubled = [(b.minutes.critical + b.minutes.warning + b.minutes.no_data, b) for b in bins]
    most, when = max(troubled, key=lambda item: (item[0], -item[1].start.timestamp()))
    if most:
        said = voice.t(
            "Devices by status over time: most trouble from {time} on, with {share} of the device-minutes in "
            "warning, critical or without data",
            time=clock(when.start),
            share=voice.percent(most / when.minutes.total),
        )
    else:
        said = voice.t("Devices by status over time: every device healthy all the time")
    return charts.day_chart(bins, _ticks(facts, voice, ticks), title=said, **size)


def _ticks(facts: ReportFacts, voice: Voice, wanted: int) -> list[tuple[int, str]]:
    """(bin, text) of the time axis: hours of a day, or days of something longer."""
    starts = [local(bin_.start, facts.period.timezone) for bin_ in facts.timeline]
    if facts.period.first_day == facts.period.last_day:
        hours = next((n for n in (1, 2, 3, 6, 12) if 24 / n <= wanted), 12)
        found = [(i, f"{at:%H:%M}") for i, at in enumerate(starts) if at.minute == 0 and at.hour % hours == 0]
        closes = local(facts.period.end, facts.period.timezone)
        return [*found, (len(starts), "24:00" if f"{closes:%H:%M}" == "00:00" else f"{closes:%H:%M}")]
    days = (facts.period.last_day - facts.period.first_day).days + 1
    step = -(-days // wanted)
    firsts = _first_of_days(starts)
    return [(i, voice.day(starts[i].date())) for i in firsts[::step]]


def _first_of_days(starts: list[datetime]) -> list[int]:
    days: dict[date, int] = {}
    for index, at in enumerate(starts):
        days.setdefault(at.date(), index)
    # A column that begins the evening before is no beginning of a day.
    return [
        i for day, i in days.items() if starts[i] - starts[i].replace(hour=0, minute=0) < timedelta(hours=12)
    ]
