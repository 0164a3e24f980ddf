"""What a device measures: now, on average, at most, where it is heading; who has most of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from homepot_ai.fleet.parsing import build_blocks
from homepot_ai.language.booking import Ref
from homepot_ai.questions.page import Page
from homepot_ai.questions.queries import reading
from homepot_ai.questions.queries.incidents import within
from homepot_ai.questions.types import Asker, Found, Slots
from homepot_ai.store import named_sql
from homepot_ai.store.database import Connection

SQL = named_sql.load("questions/sql/measures.sql")
#: Up to so long a stretch is read from the samples themselves, a longer one from hours.
FINE = timedelta(hours=6)
#: Fewer hours than this show no trend.
LEAST_HOURS = 12


@dataclass(frozen=True)
class Course:
    """A metric's values over a stretch: samples, or hours with their number, mean and extremes."""

    at: Sequence[float]
    n: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]

    @property
    def average(self) -> float:
        """Mean over all samples."""
        return float(np.average(self.mean, weights=self.n))


def samples(conn: Connection, device: int, metric: str, start: datetime, end: datetime) -> Course:
    """The values that a device sent in (start, end], in the metric's unit."""
    after, until = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (start, end))
    sent = conn.execute(SQL["samples"], {"device": device, "after": after, "until": until}).fetchall()
    read = build_blocks([sent])
    if metric not in read.names:
        return Course((), (), (), (), ())
    mine = read.metric == read.names.index(metric)
    values, at = read.value[mine], read.rows.t[read.row[mine]]
    return Course(at, np.ones(len(values)), values, values, values)  # type: ignore[arg-type]


def course(conn: Connection, device: int, metric: str, start: datetime, end: datetime) -> Course:
    """The same over any stretch: hours of what is long, the samples of what is short."""
    if end - start <= FINE:
        return samples(conn, device, metric, start, end)
    given = {"device": device, "metric": metric, "since": start, "until": end}
    hours = [row for row in conn.execute(SQL["hours"], given) if all(np.isfinite(row[2:]))]
    last = hours[-1][0] + timedelta(hours=1) if hours else start
    rest = samples(conn, device, metric, max(last, end - FINE), end)
    return Course(
        [*(row[0].timestamp() for row in hours), *rest.at],
        [*(float(row[1]) for row in hours), *rest.n],
        [*(row[2] for row in hours), *rest.mean],
        [*(row[3] for row in hours), *rest.low],
        [*(row[4] for row in hours), *rest.high],
    )


def _asked(conn: Connection, slots: Slots, now: datetime) -> Course:
    assert slots.span is not None
    return course(conn, slots.device or 0, slots.metric or "", slots.span.start, min(slots.span.end, now))


def _begin(
    conn: Connection, key: str, slots: Slots, asker: Asker, now: datetime, days: float
) -> tuple[Page, Ref, Ref, Slots]:
    page = Page(key, asker, now)
    page.span = reading.span_of(page, slots, now, days)
    it = reading.tell_device(page, reading.device(conn, slots.device, now))
    metric = slots.metric or ""
    return page, it, page.state(None, "metric", metric, page.voice.metric(metric)), within(slots, page)


def _nothing(conn: Connection, page: Page, it: Ref, name: Ref, slots: Slots) -> Found:
    """Says whether the metric was never measured here, or not in the span."""
    measured = conn.execute(reading.SQL["measures"], {"device": slots.device, "now": page.now}).fetchone()
    if measured is None or slots.metric not in measured[0]:
        page.say("No {metric} is measured on {device}.", metric=name, device=it)
    else:
        page.say(
            "{device} sent no {metric} in this period ({period}).",
            device=it,
            metric=name,
            period=page.about(),
        )
    return page.found()


def metric_now(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """The newest value, how old it is, and what the last day was like."""
    page, it, name, slots = _begin(conn, "metric_now", slots, asker, now, 1)
    number, metric = slots.device or 0, slots.metric or ""
    page.span = None
    found = samples(conn, number, metric, now - FINE, now)
    if not len(found.at):
        day = course(conn, number, metric, now - timedelta(days=1), now)
        if not len(day.at):
            measured = conn.execute(reading.SQL["measures"], {"device": slots.device, "now": now}).fetchone()
            if measured is None or slots.metric not in measured[0]:
                page.say("No {metric} is measured on {device}.", metric=name, device=it)
            else:
                page.say("{device} sent no {metric} within the last day.", device=it, metric=name)
            return page.found()
        page.say("{device} sent no {metric} within the last hours.", device=it, metric=name)
        found = day
    at = datetime.fromtimestamp(float(found.at[-1]), UTC)
    page.as_of = at
    value = page.measured(it, metric, float(found.mean[-1]), source="device_metrics")
    page.say(
        "{metric} of {device} is {value}, measured {age} ago.",
        metric=name,
        device=it,
        value=value,
        age=page.duration(it, "age of the value", max(0.0, (now - at).total_seconds() / 60)),
    )
    day = course(conn, number, metric, now - timedelta(days=1), now)
    if len(day.at):
        page.say(
            "Within the last day it was between {low} and {high}.",
            low=page.measured(it, metric, float(min(day.low)), source="ai_metric_hours.min"),
            high=page.measured(it, metric, float(max(day.high)), source="ai_metric_hours.max"),
        )
    return page.found()


def metric_average(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """The mean over a span."""
    page, it, name, slots = _begin(conn, "metric_average", slots, asker, now, 1)
    found, metric = _asked(conn, slots, now), slots.metric or ""
    if not len(found.at):
        return _nothing(conn, page, it, name, slots)
    _date(page, found)
    page.say(
        "{metric} of {device} was {value} on average ({period}).",
        metric=name,
        device=it,
        period=page.about(),
        value=page.measured(it, metric, found.average, period=page.period, source="ai_metric_hours.mean"),
    )
    page.say(
        "Samples of which this is the mean: {n}.", n=page.count(it, "samples", round(float(sum(found.n))))
    )
    return page.found()


def metric_extremes(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """The highest and the lowest value of a span, and when."""
    page, it, name, slots = _begin(conn, "metric_extremes", slots, asker, now, 1)
    found, metric = _asked(conn, slots, now), slots.metric or ""
    if not len(found.at):
        return _nothing(conn, page, it, name, slots)
    _date(page, found)
    top, bottom = int(np.argmax(found.high)), int(np.argmin(found.low))
    when = [datetime.fromtimestamp(float(found.at[place]), UTC) for place in (top, bottom)]
    page.say(
        "{metric} of {device} was at most {high}, at {at} ({period}).",
        metric=name,
        device=it,
        period=page.about(),
        high=page.measured(
            it, metric, float(found.high[top]), period=page.period, source="ai_metric_hours.max"
        ),
        at=page.moment(it, "time of the highest value", when[0]),
    )
    page.say(
        "The lowest value was {low}, at {at}.",
        at=page.moment(it, "time of the lowest value", when[1]),
        low=page.measured(
            it, metric, float(found.low[bottom]), period=page.period, source="ai_metric_hours.min"
        ),
    )
    if page.span is not None and page.span.end - page.span.start > FINE:
        page.say("Times are those of the hour in which it was.")
    return page.found()


def metric_trend(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Whether a metric rises or falls over a span: a robust slope, and the ends beside it."""
    page, it, name, slots = _begin(conn, "metric_trend", slots, asker, now, 7)
    found, metric = _asked(conn, slots, now), slots.metric or ""
    if not len(found.at):
        return _nothing(conn, page, it, name, slots)
    _date(page, found)
    if len(found.at) < LEAST_HOURS:
        page.say(
            "{device} sent too little {metric} in this period ({period}) to show a trend.",
            device=it,
            metric=name,
            period=page.about(),
        )
        return page.found()
    change, noise = trend(np.asarray(found.at), np.asarray(found.mean))
    first, last = ends(found.mean)
    told_ends = abs(change) > noise and (last - first) * change > 0
    if told_ends:  # what is said to have changed is what lies between the two values that are said
        change, noise = last - first, 0.0
    said = page.book.delta(
        it,
        page.voice.metric(metric),
        change if abs(change) > noise else 0.0,
        page.difference(metric, change),
        period=page.period,
        source="ai_metric_hours.mean",
    )
    if abs(change) <= noise:
        page.book.say(
            page.t(
                "{metric} of {device} neither rose nor fell ({period}).",
                metric=name,
                device=it,
                period=page.about(),
            ),
            rests_on=[said],
        )
    elif change > 0:
        page.say(
            "{metric} of {device} rose by {change} ({period}).",
            metric=name,
            device=it,
            change=said,
            period=page.about(),
        )
    else:
        page.say(
            "{metric} of {device} fell by {change} ({period}).",
            metric=name,
            device=it,
            change=said,
            period=page.about(),
        )
    if told_ends:
        page.say(
            "On average it was {first} at the beginning and {last} at the end.",
            first=page.measured(it, metric, first, period=page.period, source="ai_metric_hours.mean"),
            last=page.measured(it, metric, last, period=page.period, source="ai_metric_hours.mean"),
        )
    page.say(
        "The newest value is {value}.",
        value=page.measured(it, metric, float(found.mean[-1]), source="ai_metric_hours"),
    )
    return page.found()


def trend(at: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """The change over a stretch by the median of the slopes between points, and what is no change.

    Below a third of the spread around that line nobody would call it a change.

    >>> change, noise = trend(np.arange(48.0), np.arange(48.0) * 0.5)
    >>> round(change, 1), noise < change
    (23.5, True)
    """
    keep = np.linspace(0, len(at) - 1, min(len(at), 200)).astype(int)
    t, v = np.asarray(at, float)[keep], np.asarray(value, float)[keep]
    first, second = np.triu_indices(len(t), k=max(1, len(t) // 4))
    gap = t[second] - t[first]
    slope = float(np.median((v[second] - v[first])[gap > 0] / gap[gap > 0])) if (gap > 0).any() else 0.0
    left = v - slope * t
    spread = 1.4826 * float(np.median(np.abs(left - np.median(left))))
    return slope * float(t[-1] - t[0]), max(spread, 1e-9 + 0.005 * float(np.median(np.abs(v))))


def ends(mean: Sequence[float]) -> tuple[float, float]:
    """What is usual in the first and in the last tenth of a stretch: medians.

    >>> ends([50.0] * 10 + [70.0] * 10)
    (50.0, 70.0)
    """
    tenth = max(1, len(mean) // 10)
    values = np.asarray(mean, float)
    return float(np.median(values[:tenth])), float(np.median(values[-tenth:]))


def metric_ranking(conn: Connection, slots: Slots, asker: Asker, now: datetime) -> Found:
    """Who has most of a metric, by the mean of the last full hour."""
    page = Page("metric_ranking", asker, now)
    metric = slots.metric or ""
    it = reading.tell_scope(conn, page, slots, now)
    found = reading.rows(conn, SQL["ranking"], reading.scope(slots, now, metric=metric, limit=slots.n or 5))
    name = page.state(None, "metric", metric, page.voice.metric(metric))
    if not found:
        page.say(
            "No {metric} was measured by any device of {scope} within the last hours.", metric=name, scope=it
        )
        return page.found()
    page.dated(max(row[4] for row in found) + timedelta(hours=1))
    rows = []
    for place, (id_, device, site_id, site, _, mean, high, total) in enumerate(found):
        ref = page.device(id_, device, site=page.site(site_id, site))
        rows.append((device, site, page.voice.value(metric, mean), page.voice.value(metric, high)))
        if place == 0:
            top = page.book.rank(
                ref,
                page.voice.metric(metric),
                "highest",
                page.voice.value(metric, mean),
                value=mean,
                period=page.t("last full hour"),
                source="ai_metric_hours.mean",
            )
            of = page.count(it, "devices that measure it", total)
            page.say(
                "{device} has the highest {metric}: {value}, the mean of the last full hour; "
                "devices that measure it: {n}.",
                device=ref,
                metric=name,
                n=of,
                value=top,
            )
        elif place == 1:
            page.say(
                "Next is {device} with {value}.",
                device=ref,
                value=page.measured(ref, metric, mean, source="ai_metric_hours.mean"),
            )
    page.table(page.heads("device", "site", "mean of the hour", "highest of the hour"), rows, found[0][7])
    return page.found()


def _date(page: Page, found: Course) -> None:
    """Values of an hour are told by its beginning, and are as new as its end."""
    last = datetime.fromtimestamp(float(max(found.at)), UTC)
    whole = float(found.n[-1]) > 1
    page.as_of = min(last + timedelta(hours=1), page.now) if whole else last
