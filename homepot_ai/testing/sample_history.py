"""Past incidents of the sample fleet, with what was done about them: the first one to open has a past.

When they were and which metrics left their course is read out of the recordings; what people did about them
is made up, by the same notes that `sample_stories` writes into HOMEPOT's alerts. Rows say `simulated`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from psycopg.types.json import Json

from homepot_ai.testing import sample_constructed as made
from homepot_ai.testing import sample_stories as stories
from homepot_ai.testing.sample_fleet import DEVICES, GATEWAY, SampleDevice
from homepot_ai.testing.sample_mapping import Layout
from homepot_ai.testing.sample_series import Series
from homepot_ai.testing.sample_stories import SIMULATED, Ids, Write

#: Spreads of the day before beyond which a metric is told, and so many at the most.
BEYOND = 6.0
TOLD = 3
#: The last ones of each device.
OF_EACH = 3
#: Columns that scoring does not use as they are stored.
_OTHERWISE = frozenset({"transaction_count", "transaction_volume", "error_rate"})
_WORDS = (
    ("storage", ("disk",)),
    ("connectivity", ("network", "tcp", "udp", "latency", "connection")),
    ("application", ("queue", "error")),
)


def past(
    ids: Ids,
    placed: Mapping[str, Series],
    incidents: Mapping[str, Sequence[tuple[int, int]]],
    anchor: datetime,
    oldest: float,
) -> Iterator[Write]:
    """Closed incidents as rows for `ai_incidents`: the outage, the leak, the disk, and the labelled ones.

    Args:
        incidents: per device name, labelled incidents as epoch seconds [from, to).
        oldest: epoch second from which on telemetry is loaded; what was before is not told.
    """
    by_name = {device.name: device for device in DEVICES}
    began, ended = made.outage(anchor)
    behind = [device for device in DEVICES if device.site == made.OUTAGE_SITE]
    gateway = next(device for device in DEVICES if GATEWAY in {device.name, device.unit})
    yield _row(
        ids, gateway, began + timedelta(minutes=2), ended, "silent", "connectivity", [],
        "Power adapter of the uplink modem replaced, gateway restarted; all devices back.",
        kind="gateway", devices=[ids.devices[device.name] for device in behind],
        events=["Uplink down: no route to the provider"],
    )  # fmt: skip
    for unit, since, until, metric, high, done in (
        ("memory-leak", made.LEAK_RESTART - timedelta(hours=2), made.LEAK_RESTART, "memory_percent", 80.0,
         "Payment service restarted, memory back to normal. Grows since the update to 4.13.0."),
        ("filling-disk", made.DISK_CLEANED - timedelta(hours=3), made.DISK_CLEANED, "disk_percent", 75.0,
         "Old logs deleted. It brought little: the journal of the card terminal grows on."),
    ):  # fmt: skip
        device = next(device for device in DEVICES if device.unit == unit)
        series = placed[device.name]
        at = anchor + until
        if max(series.start, oldest) < (anchor + since).timestamp():
            observed = _value(series, metric, at.timestamp())
            facts = {"metric": metric, "observed": observed, "low": None, "high": high, "direction": "high"}
            yield _row(ids, device, anchor + since, at, f"{metric}.high", _category(metric), [facts], done)
    for number, (name, spans) in enumerate(sorted(incidents.items())):
        over = [
            span for span in spans if oldest + 86400 < span[0] and span[1] < anchor.timestamp() - 30 * 3600
        ]
        for since_s, until_s in sorted(over)[-OF_EACH:]:
            metrics = deviations(placed[name], since_s, until_s)
            if not metrics:
                continue
            first = metrics[0]
            _, _, note = stories.NOTES[number % len(stories.NOTES)]
            cause = f"{first['metric']}.{first['direction']}"
            opened = datetime.fromtimestamp(since_s, UTC) + timedelta(minutes=4)
            closed = datetime.fromtimestamp(until_s, UTC) + timedelta(minutes=12)
            yield _row(ids, by_name[name], opened, closed, cause, _category(cause), metrics, note)


def deviations(series: Series, since: float, until: float) -> list[dict[str, Any]]:
    """The metrics that were furthest from the day before, as incidents keep them; the furthest first.

    The edges are the median of the day before ± `BEYOND` of its spread (median absolute deviation).
    """
    before, during = series.rows(since - 86400, since - 1), series.rows(since - 1, until)
    if len(before) < 60 or not len(during):
        return []
    found = []
    for name, source, offset, factor in _columns(series.layout):
        usual = offset + factor * np.asarray(series.values[before, source], dtype=np.float64)
        value = float(np.median(offset + factor * series.values[during, source]))
        middle = float(np.median(usual))
        spread = max(1.4826 * float(np.median(np.abs(usual - middle))), 0.01 * abs(middle), 1e-3)
        low, high = middle - BEYOND * spread, middle + BEYOND * spread
        if low <= value <= high:
            continue
        direction = "high" if value > high else "low"
        facts = {"metric": name, "observed": round(value, 3), "low": round(low, 3), "high": round(high, 3)}
        found.append((abs(value - middle) / spread, {**facts, "direction": direction}))
    found.sort(key=lambda item: -item[0])
    return [facts for _, facts in found[:TOLD]]


def _columns(layout: Layout) -> Iterator[tuple[str, int, float, float]]:
    for column in layout.columns:
        if column.name not in _OTHERWISE:
            yield column.name, column.source, column.offset, column.factor
    for name, source in layout.extras:
        yield name, source, 0.0, 1.0


def _value(series: Series, metric: str, at: float) -> float:
    _, source, offset, factor = next(c for c in _columns(series.layout) if c[0] == metric)
    return round(
        float(offset + factor * series.values[series.rows(at - 2 * series.period_s, at)[0], source]), 1
    )


def _category(cause: str) -> str:
    return next((name for name, words in _WORDS if any(word in cause for word in words)), "performance")


def _row(
    ids: Ids,
    device: SampleDevice,
    opened: datetime,
    closed: datetime,
    cause: str,
    category: str,
    metrics: Sequence[Mapping[str, Any]],
    resolution: str,
    *,
    kind: str = "device",
    devices: Sequence[int] | None = None,
    events: Sequence[str] = (),
) -> Write:
    number = ids.devices[device.name]
    affected = list(devices or [number])
    facts = Json(
        {
            "metrics": [dict(metric) for metric in metrics], "devices": affected[:50], "health": None,
            "events": list(events), "firmware": device.firmware,
        }
    )  # fmt: skip
    return "insert_incident", {
        "fingerprint": f"sample:{device.public_id}:{cause}:{int(opened.timestamp())}", "kind": kind,
        "site": ids.sites[device.site], "device": number, "cause": cause,
        "category": category, "title": f"{device.name}: {cause}", "opened_at": opened, "closed_at": closed,
        "closed_by": stories.technician(device.site), "resolution": f"{resolution} {SIMULATED}",
        "devices": len(affected), "facts": facts,
    }  # fmt: skip
