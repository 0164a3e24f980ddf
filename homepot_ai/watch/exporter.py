"""Figures of fleet and system for Prometheus.

Read from our own tables when somebody asks, at most every `KEPT_S`. Labels are few: sites beyond `MOST_SITES`
are one, devices and people are never named.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from homepot_ai import __version__
from homepot_ai.errors import DatabaseError
from homepot_ai.store import named_sql
from homepot_ai.text import clean
from homepot_ai.watch import room

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

_SQL = named_sql.load("watch/sql/figures.sql")
KEPT_S = 15.0
MOST_SITES = 200
OTHERS = "(others)"
STATUSES = ("healthy", "warning", "critical", "no_data", "in_maintenance", "not_scored")
SEVERITIES = ("info", "warning", "critical")
_STATES = {"ok": 0.0, "degraded": 1.0, "down": 2.0}
_WAITING = ("queued", "claimed", "in_data")

Pairs = dict[str, float]


@dataclass
class Figures:
    """What was read. `up` False: the database is away, and only what this machine knows is there.

    Attributes:
        health: mean score by site, of devices that are scored; minutes: of the last hour.
        services: 0 ok, 1 degraded, 2 down.
    """

    up: bool = False
    devices: Pairs = field(default_factory=dict)
    health: Pairs = field(default_factory=dict)
    incidents: Pairs = field(default_factory=dict)
    anomalies: Pairs = field(default_factory=dict)
    minutes_scored: float | None = None
    minutes_due: float = 60.0
    slowest_s: float | None = None
    rows_refused: float | None = None
    scored_age_s: float | None = None
    waiting: Pairs = field(default_factory=dict)
    attention: Pairs = field(default_factory=dict)
    oldest_s: Pairs = field(default_factory=dict)
    services: Pairs = field(default_factory=dict)
    looked_age_s: float | None = None
    alarms: Pairs = field(default_factory=dict)
    backup_age_s: float | None = None
    backup_bytes: float | None = None
    drill_age_s: float | None = None
    drill_passed: float | None = None
    models: Pairs = field(default_factory=dict)
    sizes: Pairs = field(default_factory=dict)
    disk_free: Pairs = field(default_factory=dict)
    disk_total: Pairs = field(default_factory=dict)


def read(db: Database | None, settings: Settings, now: datetime) -> Figures:
    """Read everything, in one snapshot. Raises nothing: what cannot be read is not there."""
    found = Figures()
    for one in room.rooms(settings):
        found.disk_free[one.name], found.disk_total[one.name] = float(one.free), float(one.total)
    if db is None:
        return found
    try:
        _read(db, settings, now, found)
    except (DatabaseError, psycopg.Error):
        found.up = False
    return found


def _read(db: Database, settings: Settings, now: datetime, found: Figures) -> None:
    with db.reader() as conn:
        conn.execute("SET LOCAL statement_timeout = '5s'")
        _fleet(conn.execute(_SQL["statuses"]).fetchall(), found)
        found.incidents = _by(conn.execute(_SQL["incidents"]), SEVERITIES)
        found.anomalies = _by(conn.execute(_SQL["anomalies"]), SEVERITIES)
        row = conn.execute(_SQL["minutes"], {"shards": settings.scoring.shards, "now": now}).fetchone()
        if row is not None:
            found.minutes_scored, found.slowest_s, found.rows_refused = float(row[0]), row[1], row[2]
            found.scored_age_s = None if row[3] is None else (now - row[3]).total_seconds()
        found.waiting = dict.fromkeys(("mail", "channel"), 0.0)
        found.attention, found.oldest_s = dict(found.waiting), dict(found.waiting)
        for box, state, count, oldest in conn.execute(_SQL["outboxes"], {"now": now}):
            if state in _WAITING:
                found.waiting[box] += count
                found.oldest_s[box] = max(found.oldest_s[box], oldest or 0.0)
            else:
                found.attention[box] += count
        newest = None
        for service, state, at in conn.execute(_SQL["services"]):
            found.services[service] = _STATES[state]
            newest = at if newest is None else max(newest, at)
        found.looked_age_s = None if newest is None else (now - newest).total_seconds()
        found.alarms = _by(conn.execute(_SQL["alarms"]), SEVERITIES[1:])
        backup = conn.execute(_SQL["backups"], {"now": now}).fetchone()
        if backup is not None:
            found.backup_age_s, found.backup_bytes, found.drill_age_s, found.drill_passed = backup
        found.models = {
            clean(str(name), 40): float(n) for name, n in conn.execute(_SQL["models"], {"now": now})
        }
        found.sizes = {str(name): float(size) for name, size in conn.execute(_SQL["sizes"], {"now": now})}
        found.up = True


def _fleet(rows: Iterable[tuple[object, ...]], found: Figures) -> None:
    statuses: Counter[str] = Counter(dict.fromkeys(STATUSES, 0))
    sites: dict[tuple[int, str], list[tuple[str, int, float]]] = {}
    for site, name, status, count, total in rows:
        statuses[str(status)] += int(str(count))
        part = (str(status), int(str(count)), float(str(total or 0)))
        sites.setdefault((int(str(site)), clean(str(name), 60)), []).append(part)
    found.devices = {status: float(n) for status, n in statuses.items()}
    # The lowest numbers, so that the same sites are named at every scrape.
    groups: dict[str, list[tuple[str, int, float]]] = {}
    taken: set[str] = set()
    for number, ((site, name), parts) in enumerate(sorted(sites.items())):
        label = OTHERS if number >= MOST_SITES else name if name not in taken else f"{name} ({site})"
        taken.add(label)
        groups.setdefault(label, []).extend(parts)
    for label, parts in groups.items():
        # No data is neither healthy nor ill: it is left out, and counted by status.
        counted = [(n, total) for status, n, total in parts if status in ("healthy", "warning", "critical")]
        if devices := sum(n for n, _ in counted):
            found.health[label] = sum(total for _, total in counted) / devices


def _by(rows: Iterable[tuple[object, ...]], names: Iterable[str]) -> Pairs:
    counts = {str(name): float(str(n)) for name, n in rows}
    return dict.fromkeys(names, 0.0) | counts


def families(found: Figures) -> Iterator[Metric]:
    """The figures as Prometheus reads them."""

    def one(name: str, about: str, value: float | None) -> Iterator[Metric]:
        if value is not None and math.isfinite(value):
            yield GaugeMetricFamily(name, about, value=float(value))

    def many(name: str, about: str, label: str, values: Pairs) -> Iterator[Metric]:
        family = GaugeMetricFamily(name, about, labels=[label])
        for key, value in sorted(values.items()):
            if math.isfinite(value):
                family.add_metric([key], value)
        if values:
            yield family

    version = GaugeMetricFamily("homepot_ai_info", "The program", labels=["version"])
    version.add_metric([__version__], 1.0)
    yield version
    yield from one("homepot_ai_database_up", "Whether our tables can be read", float(found.up))
    yield from many(
        "homepot_ai_disk_free_bytes", "Free on the disks that we write to", "disk", found.disk_free
    )
    yield from many("homepot_ai_disk_total_bytes", "Size of those disks", "disk", found.disk_total)
    yield from many("homepot_ai_devices", "Devices by their newest status", "status", found.devices)
    yield from many(
        "homepot_ai_site_health", "Mean health (0 to 1) of a site's scored devices", "site", found.health
    )
    yield from many("homepot_ai_incidents_open", "Incidents that are open", "severity", found.incidents)
    yield from many("homepot_ai_anomalies_open", "Anomalies that are open", "severity", found.anomalies)
    yield from one(
        "homepot_ai_scoring_scored", "Minutes of the last hour that were scored whole", found.minutes_scored
    )
    yield from one(
        "homepot_ai_scoring_due", "Minutes of the last hour", found.minutes_due if found.up else None
    )
    yield from one(
        "homepot_ai_slowest_minute_seconds", "The slowest scored minute of the last hour", found.slowest_s
    )
    yield from one(
        "homepot_ai_rows_refused", "Telemetry of the last hour that was refused", found.rows_refused
    )
    yield from one(
        "homepot_ai_last_scored_age_seconds", "Age of the newest scored minute", found.scored_age_s
    )
    yield from many("homepot_ai_outbox_waiting", "Mails and messages still to leave", "box", found.waiting)
    yield from many("homepot_ai_outbox_attention", "Those that wait for an operator", "box", found.attention)
    yield from many(
        "homepot_ai_outbox_oldest_seconds", "Age of the oldest that is to leave", "box", found.oldest_s
    )
    yield from many(
        "homepot_ai_service_state",
        "0 ok, 1 degraded, 2 down, as check-services saw it",
        "service",
        found.services,
    )
    yield from one(
        "homepot_ai_services_checked_age_seconds", "Since check-services looked", found.looked_age_s
    )
    yield from many("homepot_ai_alarms_open", "Alarms about this system itself", "severity", found.alarms)
    yield from one("homepot_ai_backup_age_seconds", "Age of the last good backup", found.backup_age_s)
    yield from one("homepot_ai_backup_bytes", "Its size", found.backup_bytes)
    yield from one(
        "homepot_ai_restore_drill_age_seconds",
        "Since a backup was restored and questioned",
        found.drill_age_s,
    )
    yield from one("homepot_ai_restore_drill_passed", "Whether that went well", found.drill_passed)
    yield from many(
        "homepot_ai_model_answers",
        "Answers of models within a day, by how they ended",
        "outcome",
        found.models,
    )
    yield from many("homepot_ai_size_bytes", "What takes room, as last measured", "what", found.sizes)


class Exporter(Collector):
    """The figures in a registry: read when somebody scrapes, and kept for some seconds.

    Args:
        now: the clock; a scrape has no other way to know the moment.
    """

    def __init__(self, db: Database | None, settings: Settings, now: Callable[[], datetime]) -> None:
        self._db, self._settings, self._now = db, settings, now
        self._lock = threading.Lock()
        self._kept: tuple[float, Figures] | None = None

    def collect(self) -> Iterator[Metric]:
        """For the registry."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_S:
                self._kept = (time.monotonic(), read(self._db, self._settings, self._now()))
            found = self._kept[1]
        yield from families(found)

    def describe(self) -> Iterator[Metric]:
        """Names at registration, without asking the database."""
        return iter(())


def once(db: Database | None, settings: Settings, now: datetime) -> bytes:
    """Everything as text, for a file that a collector picks up.

    >>> from homepot_ai.settings import Settings
    >>> from datetime import UTC
    >>> text = once(None, Settings(), datetime(2026, 11, 20, tzinfo=UTC)).decode()
    >>> "homepot_ai_database_up 0.0" in text
    True
    """
    registry = CollectorRegistry()
    registry.register(Exporter(db, settings, lambda: now))
    return generate_latest(registry)
