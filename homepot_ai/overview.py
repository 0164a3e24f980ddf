"""`homepot-ai status`: which devices are ill, since when, why - and is the system itself well."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from homepot_ai.health.rows import explain
from homepot_ai.settings import Settings
from homepot_ai.store import checks, named_sql
from homepot_ai.store.database import Database
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
        since = {device: started for device, started, _ in conn.execute(_SQL["open_anomalies"]).fetchall()}
        services = conn.execute(_SQL["service_checks"]).fetchall()
        own = checks.stored_health(conn, settings, now)
    lines = [_headline(scores, now), ""]
    ill = sorted((row for row in scores if row[6] in ("warning", "critical")), key=lambda row: row[5])
    if ill:
        rows = [_line(row, since.get(row[0]), now) for row in ill[:SHOWN]]
        lines.append(
            table(("device", "site", "status", "score", "since", "why"), rows, "30< 24< 12< 5> 10< 0<")
        )
        if len(ill) > SHOWN:
            lines.append(f"  and {len(ill) - SHOWN} more")
        lines.append("")
    silent = [clean(row[1]) for row in scores if row[6] == "no_data"]
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


def _headline(scores: list[tuple[Any, ...]], now: datetime) -> str:
    if not scores:
        return "no minute has been scored yet: `homepot-ai run score-health`, or wait for the next one"
    counts = Counter(row[6] for row in scores)
    at = max(row[4] for row in scores)
    listed = " · ".join(f"{_MARKS[s]} {counts[s]} {s.replace('_', ' ')}" for s in _MARKS if counts[s])
    minutes = max(0, int((now - at).total_seconds() // 60))
    return f"{len(scores)} devices at {at:%Y-%m-%d %H:%M} UTC ({minutes} min ago): {listed}"


def _line(row: tuple[Any, ...], since: datetime | None, now: datetime) -> tuple[str, ...]:
    _, name, _, site, _, score, status, _, factors = row
    why = ""
    if factors:
        first = factors[0]
        nan = float("nan")
        why = explain(
            first["metric"],
            *(nan if first[key] is None else first[key] for key in ("observed", "low", "high")),
        )
    began = "" if since is None else _ago(since, now)
    return clean(name), clean(site), f"{_MARKS[status]} {status}", f"{score:.2f}", began, why


def _ago(then: datetime, now: datetime) -> str:
    minutes = max(0, int((now - then).total_seconds() // 60))
    return (
        f"{minutes} min"
        if minutes < 120
        else f"{minutes / 60:.1f} h"
        if minutes < 2880
        else f"{minutes // 1440} d"
    )
