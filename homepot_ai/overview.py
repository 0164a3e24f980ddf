"""`homepot-ai status`: which devices are ill, since when, why - and is the system itself well."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from homepot_ai.errors import DatabaseError
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.rows import moment, sentence, stored_factors
from homepot_ai.health.state import MAGIC
from homepot_ai.settings import Settings
from homepot_ai.store import checks, named_sql, state
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.store.database import Connection, Database
from homepot_ai.text import clean, table
from homepot_ai.watch import keys, service
from homepot_ai.watch.alarm_rules import Alarm
from homepot_ai.watch.letter import lasted

_SQL = named_sql.load("store/sql/overview.sql")
SHOWN = 20
#: What check-services saw longer ago than this says nothing of now: nobody looks any more.
LOOKED = timedelta(minutes=15)
_MARKS = {
    "healthy": "●",
    "warning": "▲",
    "critical": "■",
    "no_data": "○",
    "in_maintenance": "◇",
    "not_scored": "–",
}


@dataclass(frozen=True)
class Seen:
    """One part: how it is, and when that was seen; `at` None: just now."""

    check: ServiceCheck
    at: datetime | None = None


@dataclass(frozen=True)
class System:
    """This system itself.

    Attributes:
        parts: the worst first.
        alarms: what lasts, and was told or is to be told.
    """

    parts: tuple[Seen, ...]
    alarms: tuple[Alarm, ...]

    @property
    def state(self) -> checks.State:
        """The worst of its parts."""
        found = {seen.check.state for seen in self.parts}
        return "down" if "down" in found else "degraded" if "degraded" in found else "ok"

    def record(self, now: datetime) -> dict[str, Any]:
        """For programs."""
        return {
            "at": now,
            "state": self.state,
            "services": [
                {
                    "service": one.check.service, "state": one.check.state, "detail": one.check.detail,
                    "seen_at": one.at or now,
                    "runbook": keys.page(_runbook(one.check)) if one.check.state != "ok" else None,
                }
                for one in self.parts
            ],
            "alarms": [
                {
                    "key": one.key, "severity": one.severity, "title": one.title, "detail": one.detail,
                    "since": one.first_at, "seen": one.count, "told_at": one.told_at,
                    "runbook": keys.page(one.runbook),
                }
                for one in self.alarms
            ],
        }  # fmt: skip


def system(db: Database | None, settings: Settings, now: datetime) -> System:
    """Look at every part now; what only a flow can see (lateness, stuck runs) is as it saw it last.

    Takes some seconds at most, raises nothing, writes nothing.
    """
    seen = service.look(db, settings, now)
    parts = [Seen(check) for check in seen]
    if db is not None and not service.away(seen):
        try:
            with db.reader() as conn:
                parts += _seen_by_the_flow(conn, {check.service for check in seen}, now)
        except (DatabaseError, psycopg.Error) as error:
            said = (str(error).splitlines() or ["?"])[0]
            parts.append(Seen(ServiceCheck("tables", "down", said)))
    order = {"down": 0, "degraded": 1, "ok": 2}
    parts.sort(key=lambda one: (order[one.check.state], one.check.service))
    there = None if service.away(seen) else db
    return System(tuple(parts), tuple(service.known(there, settings, now).lasting))


def _seen_by_the_flow(conn: Connection, known: set[str], now: datetime) -> list[Seen]:
    rows = conn.execute(_SQL["service_checks"]).fetchall()
    found = [
        Seen(ServiceCheck(name, state, detail), at)
        for name, state, detail, at in rows
        if name not in known and name != "tables"
    ]
    newest = max((at for *_, at in rows), default=None)
    if newest is None or now - newest > LOOKED:
        when = "has not looked yet" if newest is None else f"looked {lasted(now - newest)} ago"
        said = f"check-services {when}, it is due every 5 minutes: `homepot-ai up` runs it"
        found.append(Seen(ServiceCheck("flow check-services", "degraded", said)))
        found = [one for one in found if one.check.service != "flow check-services" or one.at is None]
    return found


def _runbook(check: ServiceCheck) -> str:
    """Of a flow its own; a shard's number is no part of it."""
    name = keys.flow_name(check.service)
    if name is None:
        return keys.watched(check.service).runbook
    head, _, tail = name.rpartition("-")
    return head if tail.isdigit() else name


def page(parts: Sequence[Seen], alarms: Sequence[Alarm], now: datetime) -> str:
    """The system itself as text."""
    rows = [
        (
            one.check.service,
            checks.SYMBOLS[one.check.state],
            one.check.detail,
            "now" if one.at is None else f"{one.at:%H:%M} UTC",
        )
        for one in parts
    ]
    lines = [table(("service", "state", "what was seen", "when"), rows, "0< 0< 0< 0<")]
    if alarms:
        lines += ["", "  open alarms (`homepot-ai alarms`):"]
        lines += [f"  {alarm_line(alarm, now)}" for alarm in alarms[:SHOWN]]
    return "\n".join(lines)


def alarm_line(alarm: Alarm, now: datetime) -> str:
    sign = "■" if alarm.severity == "critical" else "▲"
    return f"{sign} {clean(alarm.title)}, for {_ago(alarm.first_at, now)}: {keys.page(alarm.runbook)}"


def overview(db: Database, settings: Settings, now: datetime, itself: System | None = None) -> str:
    """The screen as text.

    Args:
        itself: the parts of this system; None: what its own tables tell.
    """
    with db.reader() as conn:
        scores = conn.execute(_SQL["latest_scores"]).fetchall()
        anomalies = {device: rest for device, *rest in conn.execute(_SQL["open_anomalies"]).fetchall()}
        since, heard = _remembered(conn)
        if itself is None:
            own = [Seen(check) for check in checks.stored_health(conn, settings, now)]
            known = {one.check.service for one in own}
            itself = System((*own, *_seen_by_the_flow(conn, known, now)), ())
    lines = [_headline(scores, now), ""]
    ill = [row for row in scores if row[6] in ("warning", "critical")]
    ill.sort(key=lambda row: (row[6] != "critical", row[5]))
    if ill:
        rows = []
        for row in ill[:SHOWN]:
            number, started = anomalies.get(row[0], (None, None))
            moments = [moment for moment in (started, since.get(row[0])) if moment is not None]
            rows.append(_line(row, min(moments, default=None), number, now))
        header = ("device", "site", "status", "score", "since", "anomaly", "why")
        lines.append(table(header, rows, "30< 24< 12< 5> 10< 7> 0<"))
        if len(ill) > SHOWN:
            lines.append(f"  and {len(ill) - SHOWN} more, less severe than these")
        if any(row[0] in anomalies for row in ill[:SHOWN]):
            lines.append("  was an anomaly right?  homepot-ai mark ANOMALY true|false|withdrawn")
        lines.append("")
    silent = [
        f"{clean(row[1])}{f' (for {_ago(heard[row[0]], now)})' if row[0] in heard else ''}"
        for row in scores
        if row[6] == "no_data"
    ]
    if silent:
        more = f" and {len(silent) - SHOWN} more" if len(silent) > SHOWN else ""
        lines += [f"  ○ no data: {', '.join(silent[:SHOWN])}{more}", ""]
    lines.append(page(itself.parts, itself.alarms, now))
    return "\n".join(lines)


def _remembered(conn: Connection) -> tuple[dict[int, datetime], dict[int, datetime]]:
    """Since when devices are ill, and when they were last heard of, as the scoring state has it."""
    since: dict[int, datetime] = {}
    heard: dict[int, datetime] = {}
    # After an update, and before the first run since, there may be states that only the old program reads.
    for shard in state.live(conn).keys() - set(state.foreign(conn, MAGIC)):
        parts = state.live_parts(conn, shard, [state.CURSOR])
        if state.CURSOR not in parts:
            continue
        cursor = Cursor.load(parts[state.CURSOR])
        ids = cursor.device_id.tolist()
        for found, times in ((since, cursor.ill_since), (heard, cursor.last_t)):
            known = zip(ids, times.tolist(), strict=True)
            found.update({device: moment(t) for device, t in known if math.isfinite(t)})
    return since, heard


def _headline(scores: list[tuple[Any, ...]], now: datetime) -> str:
    if not scores:
        return "no minute has been scored yet: `homepot-ai run score-health`, or wait for the next one"
    counts = Counter(row[6] for row in scores)
    at = max(row[4] for row in scores)
    listed = " · ".join(f"{_MARKS[s]} {counts[s]} {s.replace('_', ' ')}" for s in _MARKS if counts[s])
    minutes = max(0, int((now - at).total_seconds() // 60))
    return f"{len(scores)} devices at {at:%Y-%m-%d %H:%M} UTC ({minutes} min ago): {listed}"


def _line(
    row: tuple[Any, ...], since: datetime | None, anomaly: int | None, now: datetime
) -> tuple[str, ...]:
    _, name, _, site, _, score, status, _, factors = row
    why = sentence(stored_factors(factors or []))
    began = "" if since is None else _ago(since, now)
    return (
        clean(name),
        clean(site),
        f"{_MARKS[status]} {status}",
        f"{score:.2f}",
        began,
        str(anomaly or ""),
        why,
    )


def _ago(then: datetime, now: datetime) -> str:
    minutes = max(0, int((now - then).total_seconds() // 60))
    return (
        f"{minutes} min"
        if minutes < 120
        else f"{minutes / 60:.1f} h"
        if minutes < 2880
        else f"{minutes // 1440} d"
    )
