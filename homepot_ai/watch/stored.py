"""What our own tables tell of ourselves: scoring, the outboxes, backups and their drills, tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.store import checks, named_sql
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.text import clean
from homepot_ai.watch.letter import lasted

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.settings_operations import WatchSettings
    from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("watch/sql/postgres.sql")
#: So much longer than the settings allow, and a backup is not late but missing.
MISSING = 3


def probe(db: Database, settings: Settings, now: datetime) -> list[ServiceCheck]:
    """All of it, in one snapshot."""
    with db.reader() as conn:
        conn.execute("SET LOCAL statement_timeout = '10s'")
        return [
            *checks.stored_health(conn, settings, now),
            *backups(conn, settings.watch, now),
            *tokens(conn, settings.watch, now),
        ]


def backups(conn: Connection, watch: WatchSettings, now: datetime) -> list[ServiceCheck]:
    """The last good backup, and the last time that one was restored and questioned."""
    row = conn.execute(_SQL["last_backup"]).fetchone() or (None, None, None, None)
    drill = conn.execute(_SQL["last_drill"]).fetchone()
    good, outcome, detail, since = row
    found = [backup_check(good, outcome, str(detail or ""), since, watch, now)]
    if drill is not None:
        found.append(drill_check(drill[0], drill[1], str(drill[2]), str(drill[3]), watch, now))
    elif good is not None:
        found.append(
            ServiceCheck("restore drill", "degraded", "no backup has been restored and questioned yet")
        )
    return found


def backup_check(
    good: datetime | None, outcome: str | None, detail: str, since: datetime | None,
    watch: WatchSettings, now: datetime,
) -> ServiceCheck:  # fmt: skip
    """Judge the backups.

    Args:
        good: when the last one was finished that is good to this day; outcome, detail: of the last that was
            tried.
        since: when this system was first looked after: it counts where there was none yet.
    """
    limit = timedelta(hours=watch.backup_hours)
    age = now - (good or since or now)
    last = f"the last good one is {lasted(age)} old" if good else "there is none yet"
    if good is None and outcome == "good":
        return ServiceCheck(
            "backup", "down", "none is good: what was made is damaged; `homepot-ai backup now`"
        )
    if outcome == "failed":
        said = f"{last}; the newest failed: {clean(detail, 160)}"
        return ServiceCheck("backup", "down" if age > limit else "degraded", said)
    if age > MISSING * limit:
        return ServiceCheck("backup", "down", last)
    if age > limit:
        return ServiceCheck("backup", "degraded", f"{last}; one is due every night")
    return ServiceCheck("backup", "ok", last)


def drill_check(
    at: datetime, outcome: str, backup: str, detail: str, watch: WatchSettings, now: datetime
) -> ServiceCheck:
    """Judge the last restore drill."""
    when = f"{clean(backup, 60)}, {lasted(now - at)} ago"
    if outcome != "passed":
        return ServiceCheck("restore drill", "down", f"failed: {clean(detail, 160)} ({when})")
    late = now - at > 2 * timedelta(hours=watch.backup_hours)
    return ServiceCheck("restore drill", "degraded" if late else "ok", f"passed: {when}")


def tokens(conn: Connection, watch: WatchSettings, now: datetime) -> list[ServiceCheck]:
    """Tokens of the HTTP door that expire soon; nothing where none does."""
    until = now + timedelta(days=watch.expiry_days)
    rows = conn.execute(_SQL["tokens"], {"now": now, "until": until}).fetchall()
    if not rows:
        return [ServiceCheck("tokens", "ok", "none expires soon")]
    listed = ", ".join(f"{clean(name, 40)} in {lasted(expires - now)}" for name, expires in rows)
    return [ServiceCheck("tokens", "degraded", f"expire soon: {listed}")]
