"""The devices that lost most, each with its course as a sparkline."""

from __future__ import annotations

from homepot_ai.reporting import charts
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts, WorstDevice
from homepot_ai.reporting.terms import Span, device_cell, failed, span, status_cell
from homepot_ai.reporting.voice import ABSENT, Voice, message

KEY = "worst"
_END: dict[Span, str] = {
    "day": message("At day’s end"),
    "week": message("At week’s end"),
    "month": message("At month’s end"),
    "period": message("At the end"),
}


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """Those that need attention first, then by minutes lost."""
    title = voice.term("Worst devices") if facts.scope.kind != "device" else voice.term("Health")
    if problem := facts.problem(KEY):
        return Section(KEY, title, (Paragraph(failed(voice, problem), "missing"),), line=True)
    shown = facts.worst[: voice.cap(KEY, 10)]
    if not shown:
        nothing = facts.headline is None or facts.headline.figures.status_minutes.total == 0
        said = (
            voice.t("Nothing was scored.")
            if nothing
            else voice.t("No device left the healthy range at any minute.")
        )
        return Section(KEY, title, (Paragraph(said, "missing"),), line=True)
    more = facts.troubled_devices - len(shown)
    table = Table(
        KEY,
        voice.t(
            "Those that need attention first, then by minutes lost: 1 minus the score, added up over the "
            "time, plus the minutes without data"
        ),
        (
            Column(voice.term("Device"), "device", 5.0, text_width=22),
            Column(voice.term(_END[span(facts)]), "status_at_end", 2.2, text_width=12),
            Column(_course(facts, voice), "course", 4.0, text_width=0, picture=True),
            Column(voice.term("Mean"), "mean_health", 1.0, numeric=True, text_width=0),
            Column(voice.term("Lowest"), "lowest_health", 1.6, numeric=True, text_width=7, side=True),
            Column(voice.term("Lost"), "minutes_lost", 2.0, numeric=True, text_width=11),
            Column(voice.term("Mainly"), "main_metric", 2.4, text_width=14),
        ),
        tuple(_row(item, facts, voice) for item in shown),
        voice.n(
            "And {n} device more; it had at least one minute that was not healthy.",
            "And {n} devices more; they had at least one minute that was not healthy.",
            more,
        )
        if more > 0
        else "",
        in_mail=10,
    )
    key = voice.t(
        "Scale 0 to 1 for every device, the lowest score of each stretch; grey: the healthy range; orange "
        "dot: the lowest; dark bar: no data."
    )
    return Section(KEY, title, (table, Paragraph(key, "note")))


def _course(facts: ReportFacts, voice: Voice) -> str:
    return voice.term("Health, 00 to 24 h") if span(facts) == "day" else voice.term("Health over the time")


def _row(item: WorstDevice, facts: ReportFacts, voice: Voice) -> tuple[Cell, ...]:
    low_at = voice.t("at {time}", time=voice.clock(item.lowest_at)) if item.lowest_at else ""
    silent = item.minutes.no_data
    mainly = voice.metric(item.main_metric) if item.main_metric else ABSENT
    if item.main_metric is None and silent:
        mainly = voice.t("silence")
    share = (
        voice.t("{share} of it", share=voice.percent(round(item.main_share, 2), 0))
        if item.main_metric and item.main_share
        else ""
    )
    since = voice.t("since {time}", time=voice.clock(item.since)) if item.since else voice.t("all the time")
    course = charts.sparkline(item.spark, title=_alt(item, voice), healthy_above=item.healthy_above)
    return (
        device_cell(voice, item.device, facts),
        status_cell(voice, item.status_at_end, since),
        Cell("", drawing=course),
        Cell(voice.score(item.mean), raw=item.mean),
        Cell(voice.score(item.lowest), low_at, raw=item.lowest),
        Cell(voice.duration(item.minutes_lost), raw=item.minutes_lost),
        Cell(mainly, share, raw=item.main_metric or ""),
    )


def _alt(item: WorstDevice, voice: Voice) -> str:
    name = item.device.name
    if item.lowest is None or item.lowest_at is None:
        said = voice.t("Health of {name}: never scored", name=name)
    else:
        said = voice.t(
            "Health of {name}: lowest {lowest} at {time}, last {last}",
            name=name,
            lowest=voice.score(item.lowest),
            time=voice.clock(item.lowest_at),
            last=voice.score(item.last),
        )
    if item.minutes.no_data:
        silent = voice.duration(item.minutes.no_data)
        said += voice.t(", {time} without data", time=silent)
    return said
