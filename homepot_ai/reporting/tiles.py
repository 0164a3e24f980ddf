"""The big numbers of a report, each with what it was counted from and its changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from homepot_ai.reporting import charts, spans
from homepot_ai.reporting.document import Change, Tile, Tone
from homepot_ai.reporting.facts import ClassFacts, Earlier, Figures, ForecastFacts, ReportFacts
from homepot_ai.reporting.terms import ENOUGH, Span, capitalised, span, statuses
from homepot_ai.reporting.voice import ABSENT, Voice, message

SOON = timedelta(hours=72)
_HEALTH = {
    "fleet": message("Fleet health"),
    "site": message("Site health"),
    "device": message("Device health"),
}
_AT_END: Mapping[Span, str] = {
    "day": message("Devices at day’s end"),
    "week": message("Devices at the week’s end"),
    "month": message("Devices at the month’s end"),
    "period": message("Devices at the end"),
}
#: How a difference is said: (better or more, worse or fewer, factor, decimals, whether up is good).
#: The one figure that grows with the time that was scored.
_COUNTED = "opened"
_SAID: Mapping[str, tuple[str, str, float, int, bool]] = {
    "health": (message("{x} better than {when}"), message("{x} worse than {when}"), 1.0, 2, True),
    "availability": (
        message("{x} points better than {when}"),
        message("{x} points worse than {when}"),
        100.0,
        1,
        True,
    ),
    "attention": (
        message("{x} more needing attention than {when}"),
        message("{x} fewer needing attention than {when}"),
        1.0,
        0,
        False,
    ),
    "opened": (message("{x} more than {when}"), message("{x} fewer than {when}"), 1.0, 0, False),
}


def tiles(facts: ReportFacts, voice: Voice, wanted: tuple[str, ...]) -> tuple[Tile, ...]:
    """The tiles that a mode wants, in its order; none when there are no devices."""
    if facts.headline is None:
        return ()
    makers: Mapping[str, Callable[[ReportFacts, Voice, ClassFacts], Tile]] = {
        "health": _health,
        "devices": _devices,
        "anomalies": _anomalies,
        "availability": _availability,
        "forecasts": _forecasts,
    }
    return tuple(makers[name](facts, voice, facts.headline) for name in wanted)


def _known(figures: Figures) -> float:
    """The share of the device-minutes due that have a score row, 0-1."""
    return figures.status_minutes.total / figures.minutes_due if figures.minutes_due else 1.0


def change(voice: Voice, figure: str, now: Figures, then: Earlier) -> Change:
    """Compare a figure with an earlier one; counts are more or fewer, qualities better or worse."""
    up, down, factor, decimals, good = _SAID[figure]
    when = spans.earlier(then, voice)
    if then.figures is None:
        return Change("", voice.t("no comparison: nothing was scored {when}", when=when), "none")
    # So many in two days and so many in seven say nothing about more or fewer.
    if figure == _COUNTED and (share := _known(now)) < ENOUGH:
        said = voice.t("no comparison: only {share} of it was scored", share=voice.percent(share))
        return Change("", said, "none")
    if figure == _COUNTED and (share := _known(then.figures)) < ENOUGH:
        said = voice.t("no comparison: only {share} was scored {when}", when=when, share=voice.percent(share))
        return Change("", said, "none")
    before, today = getattr(then.figures, figure), getattr(now, figure)
    if before is None or today is None:
        return Change("", voice.t("cannot be compared with the figure {when}", when=when), "none")
    difference = round((today - before) * factor, decimals)
    if difference == 0:
        return Change("=", voice.t("the same as {when}", when=when), "same")
    tone: Tone = "better" if (difference > 0) == good else "worse"
    said = voice.t(up if difference > 0 else down, x=voice.number(abs(difference), decimals), when=when)
    return Change("↑" if difference > 0 else "↓", said, tone)


def _changes(voice: Voice, figure: str, headline: ClassFacts) -> tuple[Change, ...]:
    return tuple(change(voice, figure, headline.figures, then) for then in headline.earlier)


def _health(facts: ReportFacts, voice: Voice, headline: ClassFacts) -> Tile:
    now = headline.figures
    basis = (
        voice.n("mean of {n} scored device-minute", "mean of {n} scored device-minutes", now.scored_minutes)
        if now.scored_minutes
        else voice.t("nothing was scored")
    )
    return Tile(
        "health",
        voice.term(_HEALTH.get(facts.scope.kind, message("Health"))),
        voice.score(now.health),
        voice.t("of 1") if now.health is not None else "",
        basis,
        _changes(voice, "health", headline),
    )


def _devices(facts: ReportFacts, voice: Voice, headline: ClassFacts) -> Tile:
    now = headline.figures
    end, spent = now.status_at_end, now.status_minutes
    well = voice.t(
        "{share} of the time healthy",
        share=voice.percent(spent.healthy / spent.total if spent.total else None),
    )
    others = statuses(voice, end)
    title = voice.t(
        "Devices at the end by status: {statuses}",
        statuses=statuses(voice, end, also_healthy=True) or voice.t("none"),
    )
    return Tile(
        "devices",
        voice.term(_AT_END[span(facts)]),
        voice.number(end.healthy),
        voice.t("of {n} healthy", n=voice.number(now.devices)),
        f"{capitalised(others)}; {well}" if others else well,
        _changes(voice, "attention", headline),
        charts.status_bar(end, title=title),
    )


def _anomalies(facts: ReportFacts, voice: Voice, headline: ClassFacts) -> Tile:
    now = headline.figures
    return Tile(
        "anomalies",
        voice.term("Anomalies"),
        voice.number(now.opened),
        voice.t("opened"),
        voice.t(
            "{closed} closed, {open} still open",
            closed=voice.number(now.closed),
            open=voice.number(now.still_open),
        ),
        _changes(voice, "opened", headline),
    )


def _availability(facts: ReportFacts, voice: Voice, headline: ClassFacts) -> Tile:
    now = headline.figures
    basis = voice.n(
        "{data} of {n} device-minute with data",
        "{data} of {n} device-minutes with data",
        now.minutes_judged,
        data=voice.number(now.minutes_with_data),
    )
    return Tile(
        "availability",
        voice.term("Availability"),
        voice.percent(now.availability),
        "",
        basis,
        _changes(voice, "availability", headline),
    )


def soon(found: ForecastFacts, facts: ReportFacts) -> int:
    """How many devices are expected to fail within 72 hours of the period's end."""
    end = facts.period.end + SOON
    return sum(d.level == "critical" if d.low is None else d.low <= end for d in found.devices)


def _forecasts(facts: ReportFacts, voice: Voice, headline: ClassFacts) -> Tile:
    found = facts.forecasts
    label = voice.term("At high risk")
    if found is None:
        return Tile("forecasts", label, ABSENT, "", voice.t("forecasts are not available yet"), muted=True)
    near = soon(found, facts)
    basis = voice.t("{n} within 72 hours", n=voice.number(near)) if near else voice.t("none within 72 hours")
    unit = voice.t("of {n} judged", n=voice.number(found.judged))
    return Tile("forecasts", label, voice.number(found.total), unit, basis)
