"""A report's period in words: its name, its ends, its short name in a subject."""

from __future__ import annotations

from datetime import date, timedelta

from homepot_ai.reporting.facts import Earlier, PeriodFacts
from homepot_ai.reporting.periods import local, start_of_day, zone_text
from homepot_ai.reporting.voice import Voice


def whole_days(period: PeriodFacts) -> bool:
    """It begins and ends at local midnights."""
    ends = start_of_day(period.last_day + timedelta(days=1), period.timezone)
    return period.start == start_of_day(period.first_day, period.timezone) and period.end == ends


def label(period: PeriodFacts, voice: Voice) -> str:
    """What a person calls the period: a day, a week with its number, a month, or its ends."""
    first, last = period.first_day, period.last_day
    if period.kind == "monthly":
        return voice.day(first, "month")
    if period.kind == "weekly":
        week = first.isocalendar().week
        return voice.t("Week {week}, {days}", week=week, days=_days(first, last, voice))
    if not whole_days(period):
        ends = (local(period.start, period.timezone), local(period.end, period.timezone))
        start, end = (f"{voice.day(end.date(), 'date')} {end:%H:%M}" for end in ends)
        if ends[0].date() == ends[1].date():
            end = f"{ends[1]:%H:%M}"
        return voice.t("{start} to {end}", start=start, end=end)
    return voice.day(first, "long") if first == last else _days(first, last, voice)


def _days(first: date, last: date, voice: Voice) -> str:
    begin = voice.day(first, "plain" if first.year == last.year else "date")
    return voice.t("{start} to {end}", start=begin, end=voice.day(last, "date"))


def short(period: PeriodFacts) -> str:
    """The period in ISO days, for subjects and file names; the same in every language."""
    if period.kind == "monthly":
        return f"{period.first_day:%Y-%m}"
    if period.kind in {"daily", "weekly"} or period.first_day == period.last_day:
        return period.first_day.isoformat()
    return f"{period.first_day.isoformat()}/{period.last_day.isoformat()}"


def range_text(period: PeriodFacts, voice: Voice) -> str:
    """Both ends with their offsets, and the length when the clock was changed in between."""
    opens, closes = (local(moment, period.timezone) for moment in (period.start, period.end))
    start, end = f"{opens:%H:%M}", "24:00" if whole_days(period) else f"{closes:%H:%M}"
    if period.first_day != period.last_day:
        start = f"{voice.day(period.first_day)} {start}"
        end = f"{voice.day(period.last_day)} {end}"
    if opens.utcoffset() == closes.utcoffset():
        zone = zone_text(period.start, period.timezone)
        return voice.t("{start} to {end} {zone}", start=start, end=end, zone=zone)
    return voice.t(
        "{start} {zone} to {end} {later_zone}, {hours} hours: the clock was changed",
        start=start,
        zone=zone_text(period.start, period.timezone),
        end=end,
        later_zone=zone_text(period.end, period.timezone),
        hours=f"{(period.end - period.start).total_seconds() / 3600:g}",
    )


def earlier(then: Earlier, voice: Voice) -> str:
    """When the figures that a period is compared with were; stands behind `than`."""
    match then.what:
        case "day_before" | "same_weekday":
            return voice.t("on {day}", day=voice.day(then.first_day))
        case "week_before":
            return voice.t("in the week before")
        case "four_weeks_before":
            return voice.t("four weeks before")
        case "month_before":
            return voice.t("in the month before")
        case "year_before":
            return voice.t("in the same month a year before")
        case _:
            return voice.t("in the period before")
