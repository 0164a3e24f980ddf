"""A backtest in plain words: what an operator reads first, and the figures as they are printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from homepot_ai.health.backtest.records import Backtest, Delay, PageFact, Share, Tally
from homepot_ai.reporting.document import Level
from homepot_ai.reporting.words import count, duration, percent

AS_IN_FORCE = "as in force"
NO_MARKS = "No anomaly of this range was marked, so nothing is known of precision and recall."


@dataclass(frozen=True)
class Figure:
    """A line of the comparison; `b` is empty without a second configuration."""

    label: str
    a: str
    b: str
    basis: str


def headline(found: Backtest) -> str:
    """The verdict in one sentence."""
    if found.b is None:
        often = _times(found.a.pages) if found.a.pages else "not at all"
        said = f"a would have paged {often}"
        if found.a.pages:
            said += f", {rate(found.a.per_device_week)} per device and week"
        return f"{said}{_missed_alone(found.a)}."
    return f"b would have paged {_against(found.b.pages, found.a.pages)}{_missed(found)}."


def _against(b: int, a: int) -> str:
    if a == b:
        return f"as often as a ({_times(a)})" if a else "as little as a: not at all"
    if not a:
        return f"{_times(b)}, a not at all"
    if not b:
        return f"not at all, a {_times(a)}"
    share = abs(a - b) / a
    said = f"{b / a:.1f} times as often as" if b > 2 * a else f"{percent_short(share)} {_less(b < a)} than"
    return f"{said} a ({b:,} instead of {a:,})"


def _less(less: bool) -> str:
    return "less" if less else "more"


def _times(pages: int) -> str:
    return "once" if pages == 1 else f"{pages:,} times"


def _missed_alone(tally: Tally) -> str:
    if tally.recall is None:
        return ""
    return f", and missed {_of(tally.recall)}"


def _missed(found: Backtest) -> str:
    assert found.b is not None
    if found.a.recall is None or found.b.recall is None:
        return ""
    mine, theirs = _lost(found.b.recall), _lost(found.a.recall)
    also = f"a missed {theirs or 'none'}" if mine != theirs else "and so did a"
    return f" and missed {_of(found.b.recall)} ({also})"


def _lost(recall: Share) -> int:
    return recall.of - recall.hits


def _of(recall: Share) -> str:
    return f"{_lost(recall) or 'none'} of {count(recall.of, 'confirmed anomaly', 'confirmed anomalies')}"


def details(found: Backtest) -> tuple[str, ...]:
    """The sentences behind the verdict."""
    if not found.marked_true + found.marked_false:
        return (NO_MARKS,)
    said = []
    pairs = [("a", found.a)] if found.b is None else [("a", found.a), ("b", found.b)]
    for name, tally in pairs:
        if tally.precision is not None:
            said.append(
                f"Of {count(tally.precision.of, 'page')} of {name} that somebody judged, "
                f"{tally.precision.hits} were right: {interval(tally.precision)}."
            )
    return tuple(said) or ("None of these pages overlaps a marked anomaly.",)


def level(found: Backtest) -> Level:
    """How the verdict is coloured: a warning where more confirmed anomalies are missed than today."""
    tested = found.b or found.a
    if tested.recall is None:
        return "unknown"
    missed = _lost(tested.recall)
    before = _lost(found.a.recall) if found.b and found.a.recall else 0
    return "warning" if missed > before else "good"


def figures(found: Backtest) -> tuple[Figure, ...]:
    """The comparison, line by line."""
    a, b = found.a, found.b
    days = (found.end - found.start).total_seconds() / 86400

    def line(label: str, value: Callable[[Tally], str], basis: str) -> Figure:
        return Figure(label, value(a), value(b) if b else "", basis)

    return (
        line("Pages", lambda t: f"{t.pages:,}", "episodes opened in the range"),
        line("of which critical", lambda t: f"{t.critical:,}", "at their worst"),
        line("of which warning", lambda t: f"{t.warning:,}", "at their worst"),
        line("Pages per day", lambda t: rate(t.pages / days), f"{days:.1f} days"),
        line("Pages per device and week", lambda t: rate(t.per_device_week), count(found.devices, "device")),
        line("Devices paged about", lambda t: f"{t.devices_paged:,}", f"of {found.devices:,}"),
        line("Confirmed pages", lambda t: f"{t.confirmed:,}", "overlap one marked true"),
        line("False pages known", lambda t: f"{t.known_false:,}", "overlap only false ones"),
        line("Unjudged pages", lambda t: f"{t.unmarked:,}", "overlap no marked anomaly"),
        line("Precision of judged pages", lambda t: interval(t.precision), "with its 95 % interval"),
        line(
            "Recall of anomalies marked true",
            lambda t: interval(t.recall),
            "begun in the range",
        ),
        line("Delay, median", lambda t: delay(t.delay, "median"), "after the anomaly’s start"),
        line("Delay, nine of ten within", lambda t: delay(t.delay, "p90"), "after the anomaly’s start"),
    )


def interval(share: Share | None) -> str:
    """A share with what it is of and its interval.

    >>> from homepot_ai.health.backtest.judge import wilson
    >>> interval(wilson(8, 10)).replace("\\xa0", " ")
    '80.0 % (8 of 10; 49 to 94 %)'
    """
    if share is None:
        return "–"
    bounds = f"{share.low * 100:.0f} to {percent_short(share.high)}"
    return f"{percent(share.value)} ({share.hits:,} of {share.of:,}; {bounds})"


def percent_short(share: float) -> str:
    """A share without decimals."""
    return f"{share * 100:.0f}\N{NO-BREAK SPACE}%"


def delay(value: Delay | None, which: str) -> str:
    """A delay in words; negative ones are early."""
    if value is None:
        return "–"
    minutes: float = getattr(value, which)
    return duration(minutes) if minutes >= 0 else f"{duration(-minutes)} earlier"


def rate(value: float) -> str:
    """A rate as exact as it is worth.

    >>> rate(0.0), rate(0.034), rate(2.31), rate(481.2)
    ('0', '0.034', '2.3', '481')
    """
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def configuration(tally: Tally) -> str:
    """What a configuration is, beside what is in force."""
    return "; ".join(tally.changes) or AS_IN_FORCE


def moment(value: datetime, timezone: str, *, year: bool = False) -> str:
    """A moment on the wall clock."""
    there = value.astimezone(ZoneInfo(timezone))
    return f"{there:%a} {there.day} {there:%b}{f' {there:%Y}' if year else ''} {there:%H:%M}"


def lasted(page: PageFact) -> str:
    """How long an episode went on."""
    return "open at the end" if page.minutes is None else duration(page.minutes)


def because(page: PageFact) -> str:
    """One sentence why a page was sent."""
    if page.opened_by == "limit":
        return f"{page.why}: a limit was passed."
    if page.opened_by == "signal":
        return f"{page.why}: too many of them."
    # A factor of a tenth in probability is a decade.
    above = f"{page.strength:.1f} decades above" if page.strength is not None else "above"
    return f"{page.why}: {above} what is routine for this device."


def verdict(page: PageFact) -> str:
    """What people said of the anomaly that a page overlaps."""
    return {"true": "marked true", "false": "marked false", None: "not marked"}[page.verdict]
