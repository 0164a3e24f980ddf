"""What a person on a phone must know: one line and the sentences behind it, decided by rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from homepot_ai.reporting.document import Level, Verdict
from homepot_ai.reporting.facts import ClassFacts, Figures, ReportFacts, StatusCounts
from homepot_ai.reporting.periods import local
from homepot_ai.reporting.terms import ENOUGH, Span, kind_word, span, statuses
from homepot_ai.reporting.voice import Voice, message

GLYPH: Mapping[Level, str] = {"good": "●", "warning": "▲", "critical": "▼", "unknown": "○"}
# Scoring that ends so shortly before the period's end has seen it.
_NEAR = timedelta(minutes=15)

_AT_END: Mapping[Span, str] = {
    "day": message("At the end of the day: {statuses}."),
    "week": message("At the end of the week: {statuses}."),
    "month": message("At the end of the month: {statuses}."),
    "period": message("At the end: {statuses}."),
}
_QUIET: Mapping[Span, tuple[str, str]] = {
    "day": (message("A quiet day"), message("A quiet day: all {n} {kind}devices stayed healthy")),
    "week": (message("A quiet week"), message("A quiet week: all {n} {kind}devices stayed healthy")),
    "month": (message("A quiet month"), message("A quiet month: all {n} {kind}devices stayed healthy")),
    "period": (message("A quiet period"), message("A quiet period: all {n} {kind}devices stayed healthy")),
}
_ENDED: Mapping[Span, tuple[str, str]] = {
    "day": (
        message("The {kind}device ended the day healthy"),
        message("All {n} {kind}devices ended the day healthy"),
    ),
    "week": (
        message("The {kind}device ended the week healthy"),
        message("All {n} {kind}devices ended the week healthy"),
    ),
    "month": (
        message("The {kind}device ended the month healthy"),
        message("All {n} {kind}devices ended the month healthy"),
    ),
    "period": (
        message("The {kind}device ended the period healthy"),
        message("All {n} {kind}devices ended the period healthy"),
    ),
}


def verdict(facts: ReportFacts, voice: Voice) -> Verdict:
    """Level, headline, details and the short form of a report, from its headline class.

    In this order: no devices; nothing scored; no data from any; n of m need attention; all healthy at the
    end; none needs attention. What is incomplete is never called good.
    """
    headline = facts.headline
    if headline is None:
        return _say("unknown", voice.t("There are no devices here yet"), (), voice.t("no devices"))
    figures = headline.figures
    kind, devices = kind_word(voice, headline.provenance), figures.devices
    if figures.status_minutes.total == 0:
        return _unscored(facts, voice, devices, kind)
    details: list[str] = []
    if figures.attention:
        level, said, short = _attention(facts, voice, figures, kind)
        details.append(_end(facts, voice, figures))
    elif figures.status_at_end.healthy == devices:
        level = "good"
        said, short = _healthy(facts, voice, devices, kind)
    else:
        healthy = voice.number(figures.status_at_end.healthy)
        said = voice.n(
            "{healthy} of {n} {kind}device healthy, none needs attention",
            "{healthy} of {n} {kind}devices healthy, none needs attention",
            devices,
            healthy=healthy,
            kind=kind,
        )
        level = "good" if figures.status_at_end.healthy else "unknown"
        short = voice.t("nothing needs attention")
        details.append(voice.t("The others: {statuses}.", statuses=statuses(voice, figures.status_at_end)))
    details.append(_anomalies(voice, figures))
    if facts.report_type != "daily":
        details.append(_whole(voice, figures))
    missing = incomplete(facts, voice)
    details.extend(missing)
    if level == "good" and missing:
        level = "unknown"
    details.extend(_apart(voice, facts.classes[1:]))
    return _say(level, said, tuple(details), short)


def _say(level: Level, said: str, details: tuple[str, ...], short: str) -> Verdict:
    return Verdict(level, GLYPH[level], f"{said}.", details, short)


def _unscored(facts: ReportFacts, voice: Voice, devices: int, kind: str) -> Verdict:
    rows = facts.completeness.rows if facts.completeness else 0
    arrived = (
        voice.n(
            "{n} telemetry row arrived, but scoring did not run.",
            "{n} telemetry rows arrived, but scoring did not run.",
            rows,
        )
        if rows
        else voice.t("No telemetry arrived.")
    )
    said = voice.n(
        "Nothing was scored for {n} {kind}device",
        "Nothing was scored for {n} {kind}devices",
        devices,
        kind=kind,
    )
    return _say("unknown", said, (arrived,), voice.t("nothing was scored"))


def _attention(facts: ReportFacts, voice: Voice, figures: Figures, kind: str) -> tuple[Level, str, str]:
    end, devices = figures.status_at_end, figures.devices
    level: Level = "critical" if end.critical or end.no_data else "warning"
    if end.no_data == devices:
        if devices > 1:
            number = voice.number(devices)
            said = voice.t("No data from any of {n} {kind}devices", n=number, kind=kind)
        elif facts.scope.kind == "device":
            said = voice.t("No data from this device")
        else:
            said = voice.t("No data from the only {kind}device", kind=kind)
        return level, said, voice.t("no data from any device") if devices > 1 else voice.t("no data")
    need = voice.number(figures.attention)
    if devices > 1:
        values = {"need": need, "n": voice.number(devices), "kind": kind}
        said = (
            voice.t("{need} of {n} {kind}devices needs attention", **values)
            if figures.attention == 1
            else voice.t("{need} of {n} {kind}devices need attention", **values)
        )
    elif facts.scope.kind == "device":
        said = voice.t("This device needs attention")
    else:
        said = voice.t("The only {kind}device needs attention", kind=kind)
    short = voice.n("{n} device needs attention", "{n} devices need attention", figures.attention)
    return level, said, short


def _healthy(facts: ReportFacts, voice: Voice, devices: int, kind: str) -> tuple[str, str]:
    number = voice.number(devices)
    if stopped := _stopped(facts, voice):
        said = (
            voice.t(
                "All {n} {kind}devices were healthy when last scored, at {time}",
                n=number,
                kind=kind,
                time=stopped,
            )
            if devices > 1
            else voice.t("The {kind}device was healthy when last scored, at {time}", kind=kind, time=stopped)
        )
        return said, voice.t("healthy until {time}", time=stopped)
    one, many = _QUIET[span(facts)] if is_quiet(facts) else _ENDED[span(facts)]
    said = voice.t(many if devices > 1 else one, n=number, kind=kind)
    return said, voice.t("all {n} devices healthy", n=number) if devices > 1 else voice.t("healthy")


def _end(facts: ReportFacts, voice: Voice, figures: Figures) -> str:
    end = figures.status_at_end
    troubled = StatusCounts(critical=end.critical, warning=end.warning, no_data=end.no_data)
    said = statuses(voice, troubled) or voice.t("every device healthy again")
    if stopped := _stopped(facts, voice):
        return voice.t("When last scored, at {time}: {statuses}.", time=stopped, statuses=said)
    return voice.t(_AT_END[span(facts)], statuses=said)


def _anomalies(voice: Voice, figures: Figures) -> str:
    if not (figures.opened or figures.closed or figures.still_open):
        return voice.t("No anomalies.")
    return voice.n(
        "{n} anomaly opened, {closed} closed, {open} still open at the end.",
        "{n} anomalies opened, {closed} closed, {open} still open at the end.",
        figures.opened,
        closed=voice.number(figures.closed),
        open=voice.number(figures.still_open),
    )


def _whole(voice: Voice, figures: Figures) -> str:
    spent = figures.status_minutes
    return voice.t(
        "Over the whole time {healthy} of the device-minutes were healthy and {available} had data.",
        healthy=voice.percent(spent.healthy / spent.total if spent.total else None),
        available=voice.percent(figures.availability),
    )


def _stopped(facts: ReportFacts, voice: Voice) -> str | None:
    """The moment that scoring had got to when the report was made, if the period had not ended there."""
    last = facts.made.last_scored
    if last is None or not facts.period.start < last < facts.period.end - _NEAR:
        return None
    if facts.period.first_day == facts.period.last_day:
        return f"{local(last, facts.period.timezone):%H:%M}"
    return voice.clock(last)


def _began(facts: ReportFacts) -> datetime | None:
    """When scoring began, if a part of the period that matters lies before it."""
    began = facts.scoring.due_from if facts.scoring else None
    if began is None:
        return None
    known = (facts.period.end - began) / (facts.period.end - facts.period.start)
    return began if known < ENOUGH else None


def incomplete(facts: ReportFacts, voice: Voice) -> list[str]:
    """What is missing in the period's data, in sentences; empty: nothing that matters."""
    said = []
    if began := _began(facts):
        said.append(
            voice.t("Incomplete: scoring began on {time}, of the time before nothing is known.",
                    time=voice.clock(began))
        )  # fmt: skip
    own, figures = facts.scoring, facts.headline.figures if facts.headline else None
    if own and own.share is not None and own.share < ENOUGH:
        share = voice.percent(own.share)
        said.append(voice.t("Incomplete: only {share} of the minutes due were scored.", share=share))
    elif not said:
        said.extend(_before_scoring(figures, voice))
    if figures and figures.availability is not None and figures.availability < ENOUGH:
        share = voice.percent(figures.availability)
        said.append(
            voice.t("Only {share} of the device-minutes had data.", share=share)
            if figures.availability
            else voice.t("None of the device-minutes had data.")
        )
    if facts.problems:
        said.append(
            voice.n(
                "{n} section of this report could not be made.",
                "{n} sections of this report could not be made.",
                len(facts.problems),
            )
        )
    return said


def _before_scoring(figures: Figures | None, voice: Voice) -> list[str]:
    """Of minutes before the first score, or no longer kept, nothing is known: good or bad."""
    if figures is None or not figures.minutes_due:
        return []
    share = figures.status_minutes.total / figures.minutes_due
    if share >= ENOUGH:
        return []
    return [
        voice.t(
            "Incomplete: only {share} of the device-minutes of this period were scored; nothing is known of "
            "the others.",
            share=voice.percent(share),
        )
    ]


def _apart(voice: Voice, others: tuple[ClassFacts, ...]) -> list[str]:
    said = []
    for other in others:
        kind, need, devices = (
            kind_word(voice, other.provenance),
            other.figures.attention,
            other.figures.devices,
        )
        if not need:
            said.append(
                voice.n(
                    "Counted apart: {n} {kind}device; it needs no attention.",
                    "Counted apart: {n} {kind}devices; none needs attention.",
                    devices,
                    kind=kind,
                )
            )
            continue
        said.append(
            voice.n(
                "Counted apart: {n} {kind}device; attention is needed by {need}.",
                "Counted apart: {n} {kind}devices; attention is needed by {need}.",
                devices,
                kind=kind,
                need=voice.number(need),
            )
        )
    return said


def is_quiet(facts: ReportFacts) -> bool:
    """Nothing happened that anybody should read about: no trouble, no anomaly, nothing missing."""
    headline = facts.headline
    return (
        headline is not None
        and headline.figures.status_minutes.total > 0
        and facts.troubled_devices == 0
        and facts.anomalies_total == 0
        and not (facts.forecasts and facts.forecasts.total)
        and not facts.problems
        and _began(facts) is None
        and (facts.scoring is None or facts.scoring.share is None or facts.scoring.share >= ENOUGH)
        and (headline.figures.availability is None or headline.figures.availability >= ENOUGH)
    )
