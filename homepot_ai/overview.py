"""`homepot-ai status`: which devices are ill, since when, why - and is the system itself well."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime
from typing import Any

from homepot_ai.health.cursor import Cursor
from homepot_ai.health.rows import moment, sentence, stored_factors
from homepot_ai.health.state import MAGIC
from homepot_ai.settings import Settings
from homepot_ai.store import checks, named_sql, state
from homepot_ai.store.database import Connection, Database
from homepot_ai.text import clean, table

_SQL = named_sql.load("store/sql/overview.sql")
SHOWN = 20
_MARKS = {
    "healthy": "●",
    "warning": "▲",
    "critical": "■",
    "no_data": "○",
    "in_maintenance": "◇",
    "not_scored": "–",
}


def overview(db: Database, settings: Settings, now: datetime) -> str:
    """The screen as text."""
    with db.reader() as conn:
        scores = conn.execute(_SQL["latest_scores"]).fetchall()
        anomalies = {device: rest for device, *rest in conn.execute(_SQL["open_anomalies"]).fetchall()}
        since, heard = _remembered(conn)
        services = conn.execute(_SQL["service_checks"]).fetchall()
        own = checks.stored_health(conn, settings, now)
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
    known = {check.service for check in own}
    seen = [(c.service, checks.SYMBOLS[c.state], c.detail, "now") for c in own]
    seen += [
        (service, checks.SYMBOLS[state], detail, f"{at:%H:%M} UTC")
        for service, state, detail, at in services
        if service not in known
    ]
    lines.append(table(("service", "state", "what was seen", "when"), seen, "0< 0< 0< 0<"))
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
