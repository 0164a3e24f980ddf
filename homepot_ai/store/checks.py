"""Is everything there that the system needs? Asked every few minutes, shown on every report."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from homepot_ai.settings import Settings
from homepot_ai.store import migrate, named_sql
from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("store/sql/checks.sql")

State = Literal["ok", "degraded", "down"]

DISK_LOW_SHARE, DISK_LOW_BYTES = 0.10, 2_000_000_000
CLOCK_OFF_S = 5.0
SCORING_LATE = timedelta(minutes=3)
OUTBOX_LATE = timedelta(minutes=15)


@dataclass(frozen=True)
class ServiceCheck:
    """One service's state, with a sentence that says what was seen."""

    service: str
    state: State
    detail: str


SYMBOLS = {"ok": "● ok", "degraded": "▲ degraded", "down": "■ down"}


def markdown(checks: Sequence[ServiceCheck]) -> str:
    """A table of the checks, the worst first."""
    order = {"down": 0, "degraded": 1, "ok": 2}
    lines = ["| service | state | what was seen |", "|---|---|---|"]
    lines += [
        f"| {c.service} | {SYMBOLS[c.state]} | {c.detail} |"
        for c in sorted(checks, key=lambda c: (order[c.state], c.service))
    ]
    return "\n".join(lines) + "\n"


def mail_server(settings: Settings) -> ServiceCheck:
    """Does the mail server greet us? No mail is sent."""
    mail = settings.mail
    where = f"{mail.host}:{mail.port}"
    try:
        with socket.create_connection((mail.host, mail.port), timeout=5) as conn:
            if mail.security == "tls":  # a TLS server speaks only after the handshake
                return ServiceCheck("mail", "ok", f"{where} accepts connections (TLS)")
            conn.settimeout(5)
            greeting = conn.recv(200).decode("ascii", "replace").strip()
    except OSError as error:
        return ServiceCheck("mail", "down", f"{where} does not answer ({error}); mails wait in the outbox")
    if greeting.startswith("220"):
        return ServiceCheck("mail", "ok", f"{where} greets")
    return ServiceCheck("mail", "degraded", f"{where} answers {greeting[:80]!r} instead of a greeting")


def disk(settings: Settings) -> ServiceCheck:
    """Is there room under the state folder?"""
    folder = settings.var_dir
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    detail = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB free"
    low = usage.free < DISK_LOW_BYTES or usage.free < DISK_LOW_SHARE * usage.total
    return ServiceCheck("disk", "degraded" if low else "ok", detail)


def stored_health(conn: Connection, settings: Settings, now: datetime) -> list[ServiceCheck]:
    """What our own tables tell: how late scoring is, how old the outbox."""
    return [*_scoring(conn, settings, now), _outbox(conn, now)]


def clock_check(ahead_s: float, name: str = "clock") -> ServiceCheck:
    """Judge how far this machine's clock and the database's are apart, in seconds."""
    state: State = "degraded" if abs(ahead_s) > CLOCK_OFF_S else "ok"
    return ServiceCheck(name, state, f"{abs(ahead_s):.1f} s between this machine and the database")


def _scoring(conn: Connection, settings: Settings, now: datetime) -> list[ServiceCheck]:
    rows: dict[int, datetime] = dict(conn.execute(_SQL["watermarks"]).fetchall())
    checks = []
    for shard in range(settings.scoring.shards):
        name = "scoring" if settings.scoring.shards == 1 else f"scoring-{shard + 1}"
        at = rows.get(shard)
        if at is None:
            checks.append(ServiceCheck(name, "degraded", "has not run yet"))
            continue
        late = now - at
        state: State = (
            "ok" if late <= SCORING_LATE else "down" if late > timedelta(minutes=30) else "degraded"
        )
        checks.append(ServiceCheck(name, state, f"last minute scored {at:%Y-%m-%d %H:%M} UTC"))
    return checks


def _outbox(conn: Connection, now: datetime) -> ServiceCheck:
    waiting, oldest, unknown, failed = conn.execute(
        _SQL["outbox_age"], {"since": now - timedelta(days=1)}
    ).fetchone() or (0, None, 0, 0)
    parts = [f"{waiting} mails waiting"]
    state: State = "ok"
    if oldest is not None and now - oldest > OUTBOX_LATE:
        state = "degraded"
        parts.append(f"the oldest since {oldest:%Y-%m-%d %H:%M} UTC")
    if unknown:
        state = "degraded"
        parts.append(f"{unknown} with unknown outcome need a decision (`homepot-ai outbox`)")
    if failed:
        state = "degraded"
        parts.append(f"{failed} failed within a day")
    return ServiceCheck("outbox", state, ", ".join(parts))


def migrated(db: Database) -> ServiceCheck:
    """Are our tables at the version that this program needs?"""
    found = migrate.current(db)
    if found == migrate.head():
        return ServiceCheck("tables", "ok", f"schema {db.schema} is at version {found}")
    if found is not None and found > migrate.head():
        return ServiceCheck(
            "tables", "down",
            f"ours are at version {found}, made by a newer program; this one knows {migrate.head()}: "
            "start the newer",
        )  # fmt: skip
    state = "are not there" if found is None else f"are at version {found}"
    return ServiceCheck("tables", "down", f"ours {state}, needed is {migrate.head()}: homepot-ai db upgrade")
