"""Look at everything, write down what was seen, tell whoever is to be told.

probes, each on its own ─► checks ─► ai_service_checks, ai_watch_sizes ─► verdicts ─► alarms
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import psycopg

from homepot_ai.errors import DatabaseError
from homepot_ai.language import survey
from homepot_ai.language.ollama import Ollama
from homepot_ai.store import checks, named_sql
from homepot_ai.store.checks import ServiceCheck, State
from homepot_ai.watch import alarms, chroma, keys, postgres, probes, remote, room, stored
from homepot_ai.watch.alarm_rules import Alarm

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

_CHECKS = named_sql.load("store/sql/checks.sql")
_SIZES = named_sql.load("watch/sql/sizes.sql")
log = logging.getLogger(__name__)

#: Between two checks, by the schedule of check-services; less a little, since a run may start late.
EVERY = timedelta(minutes=5)
_SLACK = timedelta(seconds=60)
#: They ask the database: when it is away, they say nothing of their own.
_ASK_DATABASE = {"stored", "chroma", "tables"}
_SILENT_WHEN_WELL = {"stored", "tables"}
#: More deployments than this late at once have one cause, and are one alarm.
MANY_LATE = 3
FLOWS_KEY = "service flows"
FLOW = "flow "
#: Each machine has these of its own.
_OF_A_MACHINE = frozenset({"disk", "clock"})


def look(
    db: Database | None, settings: Settings, now: datetime, *, scheduler: bool = True
) -> list[ServiceCheck]:
    """Look at every part at the same time. Writes nothing, raises nothing, takes bounded time.

    Args:
        db: None when not even its address is known.
        scheduler: look at Prefect's server too; a flow knows itself whether it answers.
    """
    found: dict[str, probes.Probe] = {
        "mail": lambda: [checks.mail_server(settings)],
        "ollama": lambda: [survey.check_service(Ollama.from_settings(settings, None), now)],
        "certificate": lambda: remote.certificate(settings, now),
        "disk": lambda: room.probe(db, settings, now),
        "prefect database": lambda: room.prefect_probe(db, settings, now),
    }
    if scheduler:
        found["prefect server"] = lambda: [remote.prefect_server(settings)]
    if db is not None:
        there = db
        found |= {
            "database": lambda: postgres.probe(there, settings.watch.machine),
            "tables": lambda: [checks.migrated(there)],
            "stored": lambda: stored.probe(there, settings, now),
            "chroma": lambda: chroma.probe(there, settings),
        }
    seen = probes.look(found, seconds=settings.watch.check_seconds)
    if db is None:
        said = "the embedded PostgreSQL is not running: `homepot-ai up` starts it"
        seen.append(ServiceCheck("database", "down", said))
    if away(seen):
        seen = [check for check in seen if check.service not in _ASK_DATABASE]
    # What the tables are like is news only when they are not as they should be.
    return [check for check in seen if check.service != "tables" or check.state != "ok"]


def check_services(
    db: Database | None,
    settings: Settings,
    now: datetime,
    extra: Sequence[ServiceCheck] = (),
    *,
    scheduler: bool = True,
) -> list[ServiceCheck]:
    """Look at each part and record what was seen.

    A database that is away cannot record anything; the answer then says so.

    Args:
        extra: what the caller found out itself, e.g. about the flows.
    """
    seen = [*look(db, settings, now, scheduler=scheduler), *extra]
    if db is not None and not away(seen):
        try:
            record(db, settings, seen, now)
        except (DatabaseError, psycopg.Error) as error:
            said = f"what was seen cannot be written down: {(str(error).splitlines() or ['?'])[0]}"
            seen = [one for one in seen if one.service != "database"]
            seen.append(ServiceCheck("database", "down", said))
    return seen


def record(db: Database, settings: Settings, seen: Sequence[ServiceCheck], now: datetime) -> None:
    """Write down checks and, once an hour, sizes."""
    # Before the transaction: other servers and disks are asked as well, and may be slow.
    measured = room.sizes(settings, room.rooms(settings))
    with db.writer() as conn:
        conn.execute("SET LOCAL statement_timeout = '15s'; SET LOCAL lock_timeout = '5s'")
        for check in seen:
            row = {"service": check.service, "state": check.state, "detail": check.detail, "now": now}
            conn.execute(_CHECKS["put_check"], row)
        conn.execute(_CHECKS["forget_checks"], {"before": now - timedelta(days=1)})
        bytes_ = conn.execute("SELECT pg_database_size(current_database())").fetchone()
        measured |= {} if bytes_ is None else {"database": float(bytes_[0])}
        room.put_sizes(conn, measured, now)


# -- who is told ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What was seen means this for an alarm; `after`, `quietly` as `alarms` take them."""

    action: Literal["raise", "clear"]
    key: str
    severity: keys.Severity = "warning"
    title: str = ""
    detail: str = ""
    runbook: str = ""
    after: int = 1
    quietly: bool = False


def verdicts(
    seen: Sequence[ServiceCheck],
    since: Mapping[str, tuple[State, datetime]],
    open_keys: Iterable[str],
    now: datetime,
) -> list[Verdict]:
    """Which alarms are raised and which are over. Pure.

    Args:
        since: how each service was, and since when, as written down; without it nobody is told of what needs
            to be seen more than once.
        open_keys: alarms that last.

    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    >>> [one.title for one in verdicts([ServiceCheck("disk", "degraded", "2 GB")], {}, [], now)]
    ['The disk fills up']
    """
    lasting = set(open_keys)
    late = [one for one in seen if one.service.startswith(FLOW) and one.state != "ok"]
    made: list[Verdict] = []
    # Prefect's server may not have answered: then nobody knows whether they are late.
    judged = any(one.service.startswith(FLOW) for one in seen)
    if len(late) > MANY_LATE:
        listed = ", ".join(one.service.removeprefix(FLOW) for one in late)
        severity: keys.Severity = "critical" if any(one.state == "down" for one in late) else "warning"
        title = f"{len(late)} deployments are late"
        made.append(Verdict("raise", FLOWS_KEY, severity, title, listed, keys.watched("flow").runbook))
    elif FLOWS_KEY in lasting and judged:
        made.append(Verdict("clear", FLOWS_KEY))
    for check in seen:
        key, what = keys.service_key(check.service), keys.watched(check.service)
        if check.state == "ok":
            if key in lasting:
                made.append(Verdict("clear", key))
            continue
        urgency = what.down if check.state == "down" else what.degraded
        if urgency is None or (check in late and len(late) > MANY_LATE):
            continue
        # Its failed run was told already: that it is late as well is no news, until it is down.
        failed = keys.run_key(check.service.removeprefix(FLOW)) in lasting
        if check in late and failed and check.state == "degraded":
            continue
        known, began = since.get(check.service, (check.state, now))
        lasted = now - began if known == check.state else timedelta(0)
        if key in lasting or lasted >= (what.patience - 1) * EVERY - _SLACK or what.patience == 1:
            made.append(Verdict("raise", key, urgency, _title(check), check.detail, what.runbook))
    return [*made, *_no_longer(seen, since, lasting, judged)]


def _no_longer(
    seen: Sequence[ServiceCheck], since: Mapping[str, object], lasting: Iterable[str], judged: bool
) -> Iterator[Verdict]:
    """Alarms of what is not looked at any more: nothing else would ever end them."""
    names = {one.service for one in seen}
    for key in sorted(lasting):
        service = key.removeprefix(keys.service_key(""))
        if service == key or service in names or key == FLOWS_KEY:
            continue
        # Named only while something is wrong with them.
        if service in _SILENT_WHEN_WELL:
            if "database" in names and not away(seen) and (service != "stored" or "outbox" in names):
                yield Verdict("clear", key)
        # Of a machine that was taken away or got another name: nobody has looked for a day.
        elif (
            (since and service.partition(" on ")[0] in _OF_A_MACHINE and service not in since)
            or (service.startswith(FLOW) and judged)
            or (service.startswith("scoring") and any(name.startswith("scoring") for name in names))
        ):
            yield Verdict("clear", key, quietly=True)


@dataclass(frozen=True)
class Known:
    """What is remembered of before.

    Attributes:
        since: how each service is, and since when.
        lasting: alarms that are open; last_seen: by key, also of those that are over.
    """

    since: Mapping[str, tuple[State, datetime]]
    lasting: Sequence[Alarm]
    last_seen: Mapping[str, datetime]


def known(db: Database | None, settings: Settings, now: datetime) -> Known:
    """What is remembered: by the database, or by this machine while that is away."""
    spool = alarms.spool_of(settings)
    if db is not None:
        try:
            with db.reader() as conn:
                since = {service: (state, at) for service, state, at in conn.execute(_SIZES["since"])}
                lasting = {alarm.key: alarm for alarm in alarms.open_alarms(conn)}
                over = alarms.recent_alarms(conn, now - timedelta(days=2))
        except (DatabaseError, psycopg.Error):
            log.info("alarms are read from this machine: the database is away")
        else:
            # Those that the database has not taken over yet.
            for alarm in spool.alarms().values():
                if alarm.open:
                    lasting.setdefault(alarm.key, alarm)
            seen = {alarm.key: alarm.last_at for alarm in [*over, *lasting.values()]}
            return Known(since, list(lasting.values()), seen)
    rows = spool.known() | spool.alarms()
    seen = {alarm.key: alarm.last_at for alarm in rows.values()}
    return Known({}, [alarm for alarm in rows.values() if alarm.open], seen)


def act(db: Database | None, settings: Settings, made: Iterable[Verdict], now: datetime) -> int:
    """Raise and clear alarms; returns how many were told of now.

    With the database away, all of it happens in the folder of this machine.
    """
    told = 0
    for one in made:
        if one.action == "clear":
            told += alarms.clear_alarm(db, settings, one.key, now=now, quietly=one.quietly)
        else:
            told += alarms.raise_alarm(
                db, settings, one.key, severity=one.severity, title=one.title, detail=one.detail,
                runbook=one.runbook, now=now, after=one.after,
            )  # fmt: skip
    return told


def away(seen: Iterable[ServiceCheck]) -> bool:
    """Whether the database cannot be used."""
    return any(one.service == "database" and one.state == "down" for one in seen)


def _title(check: ServiceCheck) -> str:
    name = check.service.removeprefix(FLOW)
    if check.service.startswith(FLOW):
        return f"{name} is late" if check.state == "degraded" else f"{name} does not run"
    return keys.watched(name).title(name, down=check.state == "down")
