"""How numbers, times and changes are said. English; every function is pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from homepot_ai.fleet import metrics
from homepot_ai.reporting.facts import (
    STATUSES,
    AnomalyFacts,
    ClassFacts,
    Figures,
    Provenance,
    ReportFacts,
    Status,
    StatusCounts,
)
from homepot_ai.reporting.periods import local
from homepot_ai.text import NBSP

Tone = Literal["better", "worse", "same", "none"]
Level = Literal["good", "warning", "critical", "unknown"]

STATUS_WORD: dict[Status, str] = {
    "healthy": "healthy",
    "warning": "warning",
    "critical": "critical",
    "no_data": "no data",
    "in_maintenance": "in maintenance",
    "not_scored": "not scored",
}
STATUS_GLYPH: dict[Status, str] = {
    "healthy": "●",
    "warning": "▲",
    "critical": "▼",
    "no_data": "○",
    "in_maintenance": "◆",
    "not_scored": "·",
}
LEVEL_GLYPH: dict[Level, str] = {"good": "●", "warning": "▲", "critical": "▼", "unknown": "○"}
PROVENANCE_WORD: dict[Provenance, str] = {
    "real": "real",
    "controlled": "controlled",
    "mixed": "mixed",
    "simulated": "simulated",
}
PROVENANCE_MEANING: dict[Provenance, str] = {
    "real": "telemetry of devices in service",
    "controlled": "recorded or emulated telemetry",
    "mixed": "rows of several classes on one device",
    "simulated": "telemetry made by a simulator",
}
_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
#: Below this share of minutes judged or scored, a day is called incomplete.
ENOUGH = 0.95


@dataclass(frozen=True)
class Change:
    """One comparison: an arrow, words, and whether it is good news."""

    glyph: str
    text: str
    tone: Tone


@dataclass(frozen=True)
class Verdict:
    """The one line that matters, and the sentences behind it. `short` goes into a subject."""

    level: Level
    headline: str
    details: tuple[str, ...]
    short: str

    @property
    def glyph(self) -> str:
        """The sign beside the headline, so that colour is never alone."""
        return LEVEL_GLYPH[self.level]


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> count(1, "device"), count(1200, "device"), count(2, "anomaly", "anomalies")
    ('1 device', '1,200 devices', '2 anomalies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(share: float | None) -> str:
    """A share 0-1 as percent with one decimal; 100 and 0 are said only when they are true.

    >>> [percent(share).replace(NBSP, " ") for share in (0.99999, 1.0, 0.00001, None)]
    ['99.9 %', '100 %', '0.1 %', '–']
    """
    if share is None:
        return "–"
    if share in (0.0, 1.0):
        return f"{share * 100:.0f}{NBSP}%"
    return f"{min(max(share * 100, 0.1), 99.9):.1f}{NBSP}%"


def score(value: float | None) -> str:
    """A health score with two decimals.

    >>> score(0.934), score(None)
    ('0.93', '–')
    """
    return "–" if value is None else f"{value:.2f}"


def duration(minutes: float) -> str:
    """A length of time in the two largest units, with no-break spaces.

    >>> [duration(m).replace(NBSP, " ") for m in (0.4, 45, 185, 1500, 2880)]
    ['under 1 min', '45 min', '3 h 05 min', '1 d 1 h', '2 d']
    """
    whole = round(minutes)
    if whole < 1:
        said = "under 1 min" if minutes > 0 else "0 min"
    elif whole < 60:
        said = f"{whole} min"
    elif whole < 24 * 60:
        hours, rest = divmod(whole, 60)
        said = f"{hours} h {rest:02d} min" if rest else f"{hours} h"
    else:
        days, rest = divmod(round(whole / 60), 24)
        said = f"{days} d {rest} h" if rest else f"{days} d"
    return said.replace(" ", NBSP)


def short_day(which: date) -> str:
    """A day in a comparison.

    >>> short_day(date(2026, 11, 9)).replace(NBSP, " ")
    'Mon 9 Nov'
    """
    return f"{which:%a}{NBSP}{which.day}{NBSP}{which:%b}"


@dataclass(frozen=True)
class Clock:
    """Says moments on the wall clock of a period."""

    timezone: str
    day: date
    end: datetime

    @classmethod
    def of(cls, facts: ReportFacts) -> Clock:
        """The clock of a report."""
        return cls(facts.period.timezone, facts.period.first_day, facts.period.end)

    def __call__(self, moment: datetime) -> str:
        """Hours and minutes; with the day if it is another, with the zone if the hour happens twice."""
        if moment == self.end:
            return "24:00"
        there = local(moment, self.timezone)
        twice = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
        text = f"{there:%H:%M}" + (f" {there.tzname()}" if twice else "")
        return text if there.date() == self.day else f"{there.day} {there:%b} {text}"


def value(metric: str | None, number: float | None) -> str:
    """A metric's value with its unit; large values of metrics nobody described are shortened.

    >>> [value("bytes_sent", n).replace(NBSP, " ") for n in (171_900_000.0, 523.4)]
    ['172 M', '523']
    """
    if number is None:
        return "–"
    if metric not in metrics.KNOWN and abs(number) >= 1e5:
        short = next((f"{number / size:.3g} {name}" for size, name in _SIZES if abs(number) >= size), "")
        unit = metrics.unit(metric) if metric else ""
        return f"{short}{unit}".replace(" ", NBSP)
    return metrics.format_value(metric, number).replace(" ", NBSP) if metric else f"{number:.3g}"


def metric_label(name: str | None) -> str:
    """A metric's name for people; what has none is the device as a whole."""
    return metrics.label(name) if name else "several metrics together"


def observed(anomaly: AnomalyFacts) -> str:
    """What was seen; where rounding hides that it left the band, words say so."""
    text = value(anomaly.metric, anomaly.observed)
    if anomaly.metric is None or anomaly.observed is None:
        return text
    band = (anomaly.expected_low, anomaly.expected_high)
    return metrics.just_beyond(anomaly.metric, anomaly.observed, *band) + text


def expected(anomaly: AnomalyFacts) -> str:
    """The expected band in words: a range, or one edge."""
    name = anomaly.metric
    low, high = metrics.told_band(name or "", anomaly.observed, anomaly.expected_low, anomaly.expected_high)
    if low is not None and high is not None:
        first, last = value(name, low), value(name, high)
        unit = metrics.unit(name) if name else ""
        # "20 to 45 %" reads better than the unit twice.
        return f"{first.removesuffix(unit).rstrip() if unit else first}{NBSP}to {last}"
    if high is not None:
        return f"at most {value(name, high)}"
    if low is not None:
        return f"at least {value(name, low)}"
    return "no band"


def status_list(counts: StatusCounts, *, also_healthy: bool = False) -> str:
    """Statuses with a count, worst first: `1 critical, 2 warning`.

    >>> status_list(StatusCounts(healthy=7, warning=2, no_data=1))
    '2 warning, 1 no data'
    """
    order: tuple[Status, ...] = ("critical", "warning", "no_data", "not_scored", "in_maintenance")
    wanted = (*order, "healthy") if also_healthy else order
    found = [status for status in STATUSES if status in wanted and counts.get(status)]
    parts = sorted(found, key=wanted.index)
    return ", ".join(f"{counts.get(status):,} {STATUS_WORD[status]}" for status in parts)


def change(
    now: float | None,
    then: float | None,
    day: date,
    *,
    unit: str,
    good: Literal["up", "down"],
    decimals: int,
    scored_then: bool,
) -> Change:
    """Compare a figure with an earlier one.

    Args:
        unit: said behind the difference, e.g. "points".
        decimals: 0 for counts, which are more or fewer and not better or worse.
        good: which direction is good news.
    """
    when = short_day(day)
    if not scored_then:
        return Change("", f"no comparison with {when}: nothing scored then", "none")
    if now is None or then is None:
        return Change("", f"no comparison with {when}", "none")
    difference = round(now - then, decimals)
    if difference == 0:
        return Change("=", f"as on {when}", "same")
    up = difference > 0
    tone: Tone = "better" if up == (good == "up") else "worse"
    direction = tone if decimals else "more" if up else "fewer"
    amount = f"{abs(difference):,.{decimals}f}"
    said = f"{amount} {unit} {direction}" if decimals else f"{amount} {direction} {unit}"
    return Change("↑" if up else "↓", f"{' '.join(said.split())} than {when}", tone)


def verdict(facts: ReportFacts) -> Verdict:
    """What a person on a phone must know: decided by rules, from the headline class."""
    headline = facts.headline
    if headline is None:
        return Verdict("unknown", "There are no devices here yet.", (), "no devices")
    day = headline.figures
    kind = "" if headline.provenance == "real" else f"{PROVENANCE_WORD[headline.provenance]} "
    devices = count(day.devices, f"{kind}device")
    if day.status_minutes.total == 0:
        rows = facts.completeness.rows if facts.completeness else 0
        arrived = (
            f"{rows:,} telemetry rows arrived, but scoring did not run." if rows else "No telemetry arrived."
        )
        return Verdict("unknown", f"Nothing was scored for {devices}.", (arrived,), "nothing was scored")
    details = []
    end, stopped = day.status_at_end, _stopped(facts)
    if day.attention:
        level: Level = "critical" if end.critical or end.no_data else "warning"
        if end.no_data == day.devices:
            said = (
                f"No data from any of {devices}" if day.devices > 1 else f"No data from the only {kind}device"
            )
            short = "no data from any device"
        else:
            verb = "needs" if day.attention == 1 else "need"
            said = (
                f"{day.attention:,} of {devices} {verb} attention"
                if day.devices > 1
                else (f"The only {kind}device needs attention")
            )
            short = f"{count(day.attention, 'device')} {verb} attention"
        at_end = status_list(StatusCounts(critical=end.critical, warning=end.warning, no_data=end.no_data))
        when = f"When last scored, at {stopped}" if stopped else "At the end of the day"
        details.append(f"{when}: {at_end or 'every device healthy again'}.")
    elif end.healthy == day.devices:
        level, short = "good", f"all {count(day.devices, 'device')} healthy" if day.devices > 1 else "healthy"
        said = (
            f"All {devices} ended the day healthy"
            if day.devices > 1
            else f"The {kind}device ended the day healthy"
        )
        if stopped:
            were = f"All {devices} were" if day.devices > 1 else f"The {kind}device was"
            said, short = f"{were} healthy when last scored, at {stopped}", f"healthy until {stopped}"
        elif is_quiet(facts):
            said = f"A quiet day: all {devices} stayed healthy" if day.devices > 1 else "A quiet day"
    else:
        level = "good" if end.healthy else "unknown"
        said = f"{end.healthy:,} of {devices} healthy, none needs attention"
        short = "nothing needs attention"
        details.append(f"The others: {status_list(end)}.")
    details.append(_anomaly_sentence(day))
    details.extend(_incomplete(facts, day))
    if level == "good" and _incomplete(facts, day):
        level = "unknown"
    details.extend(_apart(facts.classes[1:]))
    return Verdict(level, said + ".", tuple(details), short)


def _anomaly_sentence(day: Figures) -> str:
    if not (day.opened or day.closed or day.still_open):
        return "No anomalies."
    opened = f"{count(day.opened, 'anomaly', 'anomalies')} opened"
    return f"{opened}, {day.closed:,} closed, {day.still_open:,} still open at the end."


def _stopped(facts: ReportFacts) -> str | None:
    """The time of day that scoring had got to when the report was made, if the day had not ended there."""
    last = facts.made.last_scored
    if last is None or not facts.period.start < last < facts.period.end - timedelta(minutes=15):
        return None
    return f"{local(last, facts.period.timezone):%H:%M}"


def _incomplete(facts: ReportFacts, day: Figures) -> list[str]:
    said = []
    if facts.scoring and facts.scoring.share is not None and facts.scoring.share < ENOUGH:
        said.append(f"Incomplete: only {percent(facts.scoring.share)} of the minutes due were scored.")
    if day.availability is not None and day.availability < ENOUGH:
        share = f"Only {percent(day.availability)}" if day.availability else "None"
        said.append(f"{share} of the device-minutes had data.")
    if facts.problems:
        said.append(f"{count(len(facts.problems), 'section')} of this report could not be made.")
    return said


def _apart(others: tuple[ClassFacts, ...]) -> list[str]:
    said = []
    for other in others:
        devices = count(other.figures.devices, f"{PROVENANCE_WORD[other.provenance]} device")
        need = other.figures.attention
        verb = "none needs" if not need else f"{need:,} needs" if need == 1 else f"{need:,} need"
        said.append(f"Counted apart: {devices}, {'' if not need else 'of which '}{verb} attention.")
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
        and not _incomplete(facts, headline.figures)
    )


def capitalised(text: str) -> str:
    """First letter upper, the rest as it is."""
    return text[:1].upper() + text[1:]
