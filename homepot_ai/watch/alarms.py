"""Telling somebody that something is wrong with this system itself.

While the database answers, an alarm is a row of `ai_watch_alarms`, and its mails and messages go through the
outboxes in the same transaction. While it does not, both are in a folder of this machine (`spool`) and leave
from there directly; what was told then is taken over by the database once it is back, so that nobody is told
twice and its recovery is told to those who know of it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
from psycopg.rows import args_row

from homepot_ai.alerts import channels
from homepot_ai.alerts.records import MAIL, Recipient
from homepot_ai.errors import DatabaseError, MailError
from homepot_ai.reporting.smtp import MailServer
from homepot_ai.reporting.smtp_conversation import Conversation
from homepot_ai.store import named_sql, outbox
from homepot_ai.store.outbox_rules import FINAL, Result
from homepot_ai.watch import alarm_rules
from homepot_ai.watch.alarm_rules import Alarm, Telling
from homepot_ai.watch.keys import Severity, service_key
from homepot_ai.watch.letter import letter
from homepot_ai.watch.spool import Letter, Spool, Waiting

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

_SQL = named_sql.load("watch/sql/alarms.sql")
log = logging.getLogger(__name__)

_Decide = Callable[[Alarm | None], tuple[Alarm | None, Telling | None]]
#: Resolved alarms are remembered so long, for `homepot-ai alarms` and for those that come back.
KEPT = timedelta(days=92)
# These are not ill because the database is.
_OWN_CAUSE = frozenset(map(service_key, ("database", "disk", "mail", "clock", "prefect server", "ollama")))
# Past the database nobody waits long for a mail server: the next check tries again.
_SMTP_S, _ANSWER_S, _ALL_S = 5.0, 20.0, 45.0


def raise_alarm(
    db: Database | None,
    settings: Settings,
    key: str,
    *,
    severity: Severity,
    title: str,
    detail: str,
    runbook: str,
    now: datetime,
    after: int = 1,
) -> bool:
    """Say that something is wrong. Call it as often as it is seen: it is told at most so often.

    Args:
        db: None, or one that does not answer: told from this machine's folder.
        key: the cause, without values in it (`keys.service_key`, `keys.run_key`).
        detail: what was seen, one sentence; no secrets.
        runbook: a page of docs/runbooks, without `.md`.
        after: how often in a row it must be seen before somebody is told.

    Returns:
        Whether somebody is told of it now.

    >>> raise_alarm(db, settings, "service disk", severity="warning", title="The disk fills up",
    ...             detail="2 GB left", runbook="service-disk", now=now)               # doctest: +SKIP
    True
    """
    seen = Alarm(key, severity, title, detail, runbook, 1, now, now)
    repeat = timedelta(minutes=settings.watch.repeat_minutes)

    def decide(before: Alarm | None) -> tuple[Alarm, Telling | None]:
        return alarm_rules.seen(before, seen, repeat=repeat, after=after)

    return _apply(db, settings, key, decide, now)


def clear_alarm(
    db: Database | None, settings: Settings, key: str, *, now: datetime, quietly: bool = False
) -> bool:
    """Say that it is well again; harmless when nothing was wrong.

    Args:
        quietly: tell nobody, e.g. since what it was about is no longer there.

    Returns:
        Whether somebody is told of it now: those who were told that it was wrong.
    """

    def decide(before: Alarm | None) -> tuple[Alarm | None, Telling | None]:
        after, telling = alarm_rules.gone(before, now)
        return after, None if quietly else telling

    return _apply(db, settings, key, decide, now)


def open_alarms(conn: Connection) -> list[Alarm]:
    """What lasts, the most urgent and oldest first."""
    return conn.cursor(row_factory=args_row(Alarm)).execute(_SQL["open"]).fetchall()


def recent_alarms(conn: Connection, since: datetime) -> list[Alarm]:
    """What is over since then, the newest first."""
    return conn.cursor(row_factory=args_row(Alarm)).execute(_SQL["recent"], {"since": since}).fetchall()


def spool_of(settings: Settings) -> Spool:
    """The folder of an installation."""
    return Spool(settings.var_dir / "watch")


def recipients(settings: Settings) -> list[Recipient]:
    """Who is told."""
    mails = [Recipient(MAIL, address.strip()) for address in settings.watch.mail_to if address.strip()]
    return [*mails, *(Recipient(name) for name in settings.watch.channels)]


def _apply(db: Database | None, settings: Settings, key: str, decide: _Decide, now: datetime) -> bool:
    if db is not None:
        try:
            with db.writer() as conn:
                # Whoever tells must not hang with what it tells of.
                conn.execute("SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '5s'")
                taken = _take_over(conn, settings)
                told = _in_database(conn, settings, key, decide, now)
                conn.execute(_SQL["forget"], {"before": now - KEPT})
        except (DatabaseError, psycopg.Error) as error:
            log.warning("the alarm %s is told past the database: %s", key, type(error).__name__)
        else:
            _forget(settings, taken)
            return told
    spool = spool_of(settings)
    with spool.held():
        rows = spool.alarms()
        known = spool.known() | rows
        after, telling = decide(known.get(key))
        if telling is not None and _follows(key, known):
            telling = None
        if after is not None:
            after, letters = _tell(after, telling, settings, now)
            for one in letters:
                spool.put(one, now)
            spool.remember(rows | {key: after})
            return bool(letters)
    return False


def _own_cause(key: str) -> bool:
    """Whether it is not ill because the database is."""
    return key.partition(" on ")[0] in _OWN_CAUSE


def _follows(key: str, known: Mapping[str, Alarm]) -> bool:
    """While the database is told to be away, what follows from it is remembered and not told."""
    cause = known.get(service_key("database"))
    return cause is not None and cause.open and cause.known and not _own_cause(key)


def _in_database(conn: Connection, settings: Settings, key: str, decide: _Decide, now: datetime) -> bool:
    conn.execute(_SQL["lock"], {"key": key})
    before = conn.cursor(row_factory=args_row(Alarm)).execute(_SQL["one"], {"key": key}).fetchone()
    after, telling = decide(before)
    if after is None:
        return False
    after, letters = _tell(after, telling, settings, now)
    for one in letters:
        outbox.enqueue(conn, one.mail, now=now, box=outbox.CHANNELS if one.channel else outbox.MAILS)
    conn.execute(_SQL["put"], asdict(after))
    return bool(letters)


def _tell(
    alarm: Alarm, telling: Telling | None, settings: Settings, now: datetime
) -> tuple[Alarm, list[Letter]]:
    """The letters of a telling, and the alarm that remembers it. Nobody to tell: nothing was told."""
    if telling is None:
        return alarm, []
    letters = []
    for to in recipients(settings):
        try:
            made = letter(alarm, telling, to, settings, now)
        except MailError as error:
            # One wrong address must not keep an alarm from the others.
            log.error("an alarm cannot be sent: %s (setting watch.mail_to)", error)
            continue
        letters.append(Letter("" if to.channel == MAIL else to.channel, made))
    return (replace(alarm, told_at=now) if letters and telling != "over" else alarm), letters


def _take_over(conn: Connection, settings: Settings) -> dict[str, Alarm]:
    """What was told while the database was away is known to it from now on."""
    spool = spool_of(settings)
    if not spool.used:
        return {}
    with spool.held():
        taken = spool.alarms()
    for alarm in taken.values():
        conn.execute(_SQL["lock"], {"key": alarm.key})
        known = conn.cursor(row_factory=args_row(Alarm)).execute(_SQL["one"], {"key": alarm.key}).fetchone()
        first, count, told = alarm.first_at, alarm.count, alarm.told_at
        if known is not None and known.open:
            first, count = min(known.first_at, first), max(known.count, count)
        if known is not None and known.told_at is not None:
            told = known.told_at if told is None else max(told, known.told_at)
        conn.execute(_SQL["put"], asdict(replace(alarm, first_at=first, count=count, told_at=told)))
    return taken


def _forget(settings: Settings, taken: Mapping[str, Alarm]) -> None:
    """Only after the commit: taken over twice is harmless, lost is not. What changed meanwhile stays."""
    if taken:
        spool = spool_of(settings)
        with spool.held():
            left = {key: alarm for key, alarm in spool.alarms().items() if taken.get(key) != alarm}
            spool.remember(left)


# -- what leaves past the database ----------------------------------------------------------------


def send_spooled(settings: Settings, *, now: datetime) -> tuple[int, int]:
    """Send what waits in the folder: (sent, still waiting). Takes at most about a minute.

    Several processes may call it: one at a time sends.
    """
    spool = spool_of(settings)
    if not spool.used:
        return 0, 0
    with spool.held():
        waiting = spool.waiting(now)
        sent = sum(_send_message(spool, one, settings, now) for one in waiting if one.letter.channel)
        mails = [one for one in waiting if not one.letter.channel]
        if mails:
            outcomes: list[Result] = []
            # A loop may be running in the caller's thread: this one has its own.
            thread = threading.Thread(
                target=lambda: outcomes.extend(asyncio.run(_send_mails(spool, mails, settings))), daemon=True
            )
            thread.start()
            thread.join(_ALL_S)
            sent += sum(result is Result.SENT for result in list(outcomes))
        return sent, len(spool.waiting(now))


def _send_message(spool: Spool, one: Waiting, settings: Settings, now: datetime) -> bool:
    url = settings.alerts.channels.get(one.letter.channel)
    if url is None:
        log.error("there is no channel %r in the settings (alerts.channels)", one.letter.channel)
        spool.gone(one.file)
        return False
    outcome = channels.send(url.get_secret_value(), one.letter.mail.payload, timeout=_SMTP_S, now=now)
    return _settle(spool, one, outcome.result)


async def _send_mails(spool: Spool, mails: Sequence[Waiting], settings: Settings) -> list[Result]:
    server = replace(
        MailServer.from_settings(settings.mail), timeout=_SMTP_S, answer_timeout=_ANSWER_S,
        ca_file=settings.mail.ca_file,
    )  # fmt: skip
    conversation = Conversation(server)
    results = []
    try:
        for one in mails:
            if not conversation.is_open and (problem := await conversation.open()) is not None:
                log.warning("alarms wait in %s: %s", spool.folder, problem.result)
                break
            mail = one.letter.mail
            outcome = await conversation.hand_over(mail.recipient, mail.payload, lambda: None)
            results.append(outcome.result)
            _settle(spool, one, outcome.result)
    finally:
        await conversation.close()
    return results


def _settle(spool: Spool, one: Waiting, result: Result) -> bool:
    if result is Result.SENT or result in FINAL:
        spool.gone(one.file)
    elif result is Result.UNKNOWN:
        spool.uncertain(one.file)
    return result is Result.SENT
