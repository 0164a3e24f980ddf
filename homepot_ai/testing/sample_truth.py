"""What really happened in the sample fleet, beside what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from psycopg.rows import class_row

from homepot_ai.settings import Settings
from homepot_ai.store.database import Connection, Database
from homepot_ai.store.named_sql import load as load_sql
from homepot_ai.testing import sample_constructed as made
from homepot_ai.testing import sample_state
from homepot_ai.testing.sample_fleet import DEVICES, SITES
from homepot_ai.testing.sample_people import SQL
from homepot_ai.testing.sample_series import Series
from homepot_ai.testing.sample_state import TruthRow
from homepot_ai.testing.sample_stories import Ids

DAYS_SHOWN = 8
# An anomaly that begins this long after an incident's last labelled row was still caused by it: its
# evidence takes a few samples, and a sample of these devices may be five minutes old.
GRACE = timedelta(minutes=10)


def collect(
    ids: Ids, incidents: Mapping[str, Sequence[tuple[int, int]]], placed: Mapping[str, Series], at: datetime
) -> list[TruthRow]:
    """Labelled incidents and constructions as truth rows, in order of time.

    `incidents`: per device name, epoch seconds [from, to); `at`: the moment of loading.
    """
    sites = {site.public_id: site.name for site in SITES}
    told = []
    for device in DEVICES:
        known = (ids.devices[device.name], device.name, sites[device.site])
        told += [
            TruthRow(*known, _moment(a), _moment(b), "recorded", "labelled by the recording's publisher")
            for a, b in incidents.get(device.name, ())
        ]
        end = _moment(placed[device.name].end)
        if device.site == made.OUTAGE_SITE:
            told.append(TruthRow(*known, *made.outage(at), "constructed", "gateway outage"))
        if device.unit == "memory-leak":
            restart = at + made.LEAK_RESTART
            signs: tuple[str, ...] = ("memory_percent", *made.EXTRAS[device.unit], "network_latency_ms")
            for began, over in ((at + made.LEAK_BEGAN, restart), (restart, end)):
                told.append(TruthRow(*known, began, over, "constructed", "memory leak", True, signs))
        if device.unit == "filling-disk":
            began = at + timedelta(days=(90 - made.DISK_AT_LOAD) / made.DISK_PERCENT_PER_DAY)
            signs = ("disk_percent", *made.EXTRAS[device.unit])
            told.append(TruthRow(*known, began, end, "constructed", "disk over 90 %, filling", True, signs))
        if device.unit == "slow-leak":
            began = at + made.SLOW_LEAK_BEGAN
            signs = ("memory_percent", *made.EXTRAS[device.unit], "network_latency_ms")
            told.append(TruthRow(*known, began, end, "constructed", "memory leak, below 90 %", True, signs))
        if device.unit == "slow-disk":
            began = at + timedelta(days=(90 - made.SLOW_DISK_AT_LOAD) / made.SLOW_DISK_PERCENT_PER_DAY)
            signs = ("disk_percent", *made.EXTRAS[device.unit])
            told.append(TruthRow(*known, began, end, "constructed", "disk over 90 %, filling", True, signs))
    return sorted(told, key=lambda row: (row.started_at, row.device_id))


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(float(epoch), UTC)


@dataclass(frozen=True)
class Found:
    """An anomaly episode that was found, or a silence: minutes without data."""

    device_id: int
    started_at: datetime
    ended_at: datetime | None
    severity: str
    metric: str


@dataclass(frozen=True)
class Line:
    """One line of the comparison; without `truth` the finding is extra, without `found` it was missed."""

    device: str
    site: str
    truth: TruthRow | None
    found: tuple[Found, ...]

    @property
    def delay(self) -> timedelta | None:
        """From the beginning of an incident to the first finding that belongs to it."""
        if self.truth is None or not self.found or self.truth.slow:
            return None
        return max(timedelta(0), min(each.started_at for each in self.found) - self.truth.started_at)


def compare(truth: Sequence[TruthRow], found: Sequence[Found], now: datetime) -> list[Line]:
    """Put findings beside the incidents of the same device that they overlap in time.

    A finding may belong to several incidents, and an incident may be found several times; each finding
    that belongs to none is a line of its own. Sorted by time.
    """
    names = {row.device_id: (row.device, row.site) for row in truth}
    used: set[Found] = set()
    lines = []
    for row in truth:
        if row.started_at > now:
            continue
        mine = tuple(
            each
            for each in found
            if each.device_id == row.device_id
            and (not row.metrics or each.metric in row.metrics)
            and each.started_at < row.ended_at + GRACE
            and (each.ended_at or now) >= row.started_at
        )
        used.update(mine)
        lines.append(Line(row.device, row.site, row, mine))
    lines += [
        Line(*names.get(each.device_id, (f"device {each.device_id}", "")), None, (each,))
        for each in found
        if each not in used
    ]
    return sorted(lines, key=lambda line: line.truth.started_at if line.truth else line.found[0].started_at)


def _fetch(conn: Connection, truth: Sequence[TruthRow], since: datetime, now: datetime) -> list[Found]:
    statements = load_sql(SQL)
    devices = sorted({row.device_id for row in truth})
    span = {"devices": devices, "since": since, "until": now}
    cursor = conn.cursor(row_factory=class_row(Found))
    found = cursor.execute(statements["anomalies"], span).fetchall()
    for row in truth:
        if row.what == "gateway outage" and since <= row.started_at <= now:
            away = {"devices": [row.device_id], "since": row.started_at, "until": row.ended_at + GRACE}
            found += cursor.execute(statements["silent_minutes"], away).fetchall()
    return found


def truth_beside_found(db: Database, settings: Settings, now: datetime) -> str:
    """A table for the terminal: what happened in the last eight days up to `now`, and what was found of it.

    Raises SampleError when no sample fleet is loaded.
    """
    since = now - timedelta(days=DAYS_SHOWN)
    truth = [row for row in sample_state.truth(settings) if row.ended_at > since and row.started_at <= now]
    with db.reader() as conn:
        everyone = truth or sample_state.truth(settings)
        found = _fetch(conn, everyone, since, now)
    return render(compare(truth, found, now), since, now)


def _span(start: datetime, end: datetime | None, now: datetime) -> str:
    if end is None or end > now:
        return f"{start:%d %b %H:%M} – now"
    return f"{start:%d %b %H:%M} – {end:%d %b %H:%M}" if start.date() != end.date() else (
        f"{start:%d %b %H:%M} – {end:%H:%M}"
    )  # fmt: skip


def _minutes(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d}"


def _goes_on(line: Line, now: datetime) -> bool:
    """An incident that is not over may still be found."""
    return line.truth is not None and line.truth.ended_at > now


def render(lines: Sequence[Line], since: datetime, now: datetime) -> str:
    """Aligned text: a line per incident or extra finding, then the totals."""
    header = ("", "Device", "Site", "What happened (UTC)", "", "Found (UTC)", "Delay", "First sign")
    table = [header]
    for line in lines:
        first = min(line.found, key=lambda each: each.started_at) if line.found else None
        mark = "extra" if line.truth is None else "found" if first else "MISSED"
        if mark == "MISSED" and _goes_on(line, now):
            mark = "not yet"
        delay = line.delay
        table.append(
            (
                mark, line.device, line.site,
                _span(line.truth.started_at, line.truth.ended_at, now) if line.truth else "-",
                line.truth.what.replace("labelled by the recording's publisher", "labelled")
                if line.truth else "",
                _span(first.started_at, first.ended_at, now) if first else "-",
                "" if delay is None else _minutes(delay),
                f"{first.metric} ({first.severity})" if first else "",
            )
        )  # fmt: skip
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    text.insert(1, "  ".join("-" * width for width in widths))
    happened = [line for line in lines if line.truth]
    hit = [line for line in happened if line.found]
    extra = len(lines) - len(happened)
    open_still = sum(1 for line in happened if not line.found and _goes_on(line, now))
    going_on = f", {open_still} go on and are not found yet" if open_still else ""
    unscored: list[str] = []
    if happened and not hit and not extra:
        unscored = ["Nothing was found at all: if the demo has just started, its past is still being scored."]
    delays = [line.delay.total_seconds() for line in hit if line.delay is not None]
    text += [
        "",
        f"{since:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC: {len(happened)} incidents happened, "
        f"{len(hit)} found, {len(happened) - len(hit) - open_still} missed{going_on}; "
        f"{extra} findings belong to no known incident."
        + (f" Median delay {_minutes(timedelta(seconds=median(delays)))}." if delays else ""),
        *unscored,
        "Labels are the publishers' of the recordings; where they are silent, a finding may still be right.",
    ]
    return "\n".join(text)
