"""From incident events to messages in the outboxes, in one transaction: nothing twice, nothing not at all.

    1. look whether there is anything to do (one statement; mostly there is not)
    2. under a lock, read what is new, due or unacknowledged, and everything the decision rests on
    3. decide
    4. in the same transaction: outbox rows, the record of what was told, events out of the queue

Killed anywhere, the transaction is rolled back and the next run begins anew.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from homepot_ai.alerts import compose
from homepot_ai.alerts.compose import Thread
from homepot_ai.alerts.decide import decide
from homepot_ai.alerts.records import MAIL, Decision, Letter, Recipient, Rule, Situation, Telling
from homepot_ai.alerts.rules import rules_of
from homepot_ai.alerts.view import Known
from homepot_ai.errors import MailError
from homepot_ai.reporting.periods import start_of_day
from homepot_ai.store import alerts as store
from homepot_ai.store import outbox
from homepot_ai.store.alerts import AlertIncident, EndedWait, NewMessage, StoredMessage

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

log = logging.getLogger(__name__)

# One notice that something flaps holds for so long, however often it opens again.
FLAPPING_NOTICE = timedelta(hours=24)


@dataclass(frozen=True)
class AlertSummary:
    """What one run did.

    Attributes:
        events: taken out of the queue.
        queued: messages written into the outboxes.
        kinds: how often each kind of message was told.
        waiting: messages put off for somebody's hours or a site's budget.
        nobody: incidents that opened and that no route or subscription tells anybody of.
        failed: messages that could not be made, with the reason.
    """

    events: int = 0
    queued: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    nobody: tuple[int, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """One line for a list of runs."""
        if not self.events and not self.queued:
            return "no alerts"
        said = f"{self.queued} alert messages queued, {self.waiting} wait"
        return said + (f", {len(self.nobody)} incidents without a recipient" if self.nobody else "")

    def markdown(self) -> str:
        """A few lines for an artifact; empty when nothing happened."""
        if not self.events and not self.queued:
            return ""
        lines = [f"**Alerts**: {self.queued} messages queued, {self.waiting} wait."]
        if self.kinds:
            lines.append("Told: " + ", ".join(f"{kind} {n}" for kind, n in sorted(self.kinds.items())) + ".")
        if self.nobody:
            numbers = ", ".join(str(number) for number in self.nobody[:10])
            lines.append(
                f"▲ Nobody is told of incident {numbers}: no route or subscription covers it "
                "(`homepot-ai routes add`)."
            )
        lines += [f"▲ {reason}" for reason in self.failed[:10]]
        return "\n\n".join(lines) + "\n"


def queue_alerts(db: Database, settings: Settings, *, now: datetime) -> AlertSummary:
    """Decide on everything that is new or due, and queue the messages.

    Args:
        now: aware; decides about hours, reminders and budgets.

    Raises:
        DatabaseUnreachable, NotMigrated: as from every use of the database; nothing was changed.

    >>> queue_alerts(db, settings, now=now).queued                                # doctest: +SKIP
    2
    """
    with db.writer() as conn:
        if not store.anything(conn, now):
            return AlertSummary()
        store.lock(conn)
        events = store.queued_events(conn)
        ids = {event.incident_id for event in events}
        ids.update(store.unacknowledged(conn, now), store.due_incidents(conn, now))
        incidents = {
            i: row if row.timezone is None else replace(row, timezone=_zone(row.timezone, settings))
            for i, row in store.incidents(conn, ids).items()
        }
        situation = _situation(conn, settings, events, incidents, now)
        decision = decide(situation, now)
        queued, failed = _store(conn, settings, decision, situation, now)
        store.set_alerted(conn, [event.id for event in events], now)
    kinds = Counter(str(t.kind) for letter in decision.letters for t in letter.tellings)
    summary = AlertSummary(
        len(events), queued, dict(kinds), len(decision.waiting), decision.nobody, tuple(failed)
    )
    if events or queued:
        log.info("action=alerts_queued events=%d queued=%d", len(events), queued)
    return summary


def _situation(
    conn: Connection,
    settings: Settings,
    events: Sequence[store.QueuedEvent],
    incidents: Mapping[int, AlertIncident],
    now: datetime,
) -> Situation:
    rules = rules_of(conn, settings)
    addresses = {rule.recipient.address for rule in rules if rule.recipient.channel == MAIL}
    sites = {incident.site_id or 0 for incident in incidents.values()}
    own = store.budgets(conn, sites)
    zones = {site: _zone(own[site][0], settings) for site in sites}
    starts = {site: _midnight(now, zone) for site, zone in zones.items()}
    return Situation(
        events=events,
        incidents=incidents,
        rules=rules,
        told=store.messages(conn, incidents),
        suppressed=store.suppressed(conn, incidents),
        pages=store.pages(conn, starts),
        budgets={site: _budget(own[site][1], settings) for site in sites},
        digests={
            site: next_digest(now, zone, settings.alerts.digest_minutes) for site, zone in zones.items()
        },
        visible=store.visible_sites(conn, addresses),
        flapped=frozenset(
            (incident_id, Recipient(channel, address))
            for incident_id, channel, address in store.flapped(
                conn, [e.incident_id for e in events if e.kind == "flapping"], now - FLAPPING_NOTICE
            )
        ),
        storm=settings.alerts.storm,
    )


def _zone(name: str | None, settings: Settings) -> str:
    """A zone that is none must not cost the fleet its alerts."""
    try:
        return str(ZoneInfo(name or settings.reports.timezone))
    except (KeyError, ValueError, OSError):
        log.warning("action=zone_unknown zone=%r", name)
        return settings.reports.timezone


def _budget(own: float | None, settings: Settings) -> float:
    return settings.alerts.budget_per_day if own is None else own


def _midnight(now: datetime, zone: str) -> datetime:
    return start_of_day(now.astimezone(ZoneInfo(zone)).date(), zone)


def next_digest(now: datetime, zone: str, minutes: int) -> datetime:
    """When what is over budget is told next: every so many minutes of the site's clock, and at midnight.

    >>> from datetime import UTC
    >>> next_digest(datetime(2026, 11, 21, 17, 40, tzinfo=UTC), "Europe/Berlin", 240).isoformat()
    '2026-11-21T19:00:00+00:00'
    """
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()
    for at in range(minutes, 24 * 60, minutes):
        moment = datetime.combine(today, time(at // 60, at % 60), here).astimezone(ZoneInfo("UTC"))
        if moment > now:
            return moment
    return start_of_day(today + timedelta(days=1), zone)


def _store(
    conn: Connection, settings: Settings, decision: Decision, known: Situation, now: datetime
) -> tuple[int, list[str]]:
    wanted = {telling.incident_id for letter in decision.letters for telling in letter.tellings}
    named = store.devices_named(conn, wanted) if wanted else {}
    findings = store.findings(conn, wanted) if wanted else {}
    rows: list[NewMessage] = []
    ended: list[EndedWait] = list(decision.ended)
    queued, failed = 0, []
    for letter in decision.letters:
        thread = _thread(letter, known.told, rows)
        visible = known.visible.get(letter.recipient.address.lower())
        subjects = {
            i: Known(known.incidents[i], names_for(named.get(i, ()), visible), findings.get(i))
            for i in {telling.incident_id for telling in letter.tellings}
        }
        box = outbox.MAILS if letter.recipient.channel == MAIL else outbox.CHANNELS
        try:
            message = _compose(letter, subjects, thread, settings, now)
            with conn.transaction():
                queued += outbox.enqueue(conn, message, now=now, box=box)
        except (MailError, ValueError, KeyError, TypeError, ArithmeticError, LookupError) as error:
            # One address that is none must not cost the others their alert.
            failed.append(f"{letter.recipient}: {error}")
            ended += [EndedWait(row.id, "not_told", row.why) for row in letter.waited]
            continue
        identity = message.message_id if box is outbox.MAILS else None
        if letter.waited:
            ended += [
                EndedWait(row.id, "told", row.why, told_at=now, message_id=identity) for row in letter.waited
            ]
        else:
            rows += [_told(telling, known, identity, now) for telling in letter.tellings]
    rows += [
        _row(waiting.telling, known, now, state="waiting", why=waiting.why, due_at=waiting.until)
        for waiting in decision.waiting
    ]
    store.add_messages(conn, rows)
    store.end_waiting(conn, ended)
    over = {w.telling.incident_id: w.until for w in decision.waiting if w.why == "budget"}
    store.over_budget(conn, over, now)
    by_id = {row.id: row.incident_id for messages in known.told.values() for row in messages}
    store.end_over_budget(conn, {by_id[row.id] for row in ended if row.state != "waiting"}, now)
    return queued, failed


def names_for(devices: Sequence[store.Named], visible: frozenset[int] | None) -> list[str]:
    """The devices that are named to somebody: of an incident over several sites, those at their own.

    >>> names_for([store.Named("Till 1", 1), store.Named("Till 9", 2)], frozenset({2}))
    ['Till 9']
    """
    return [d.name for d in devices if visible is None or d.site_id in visible][: store.DEVICES_NAMED]


def _compose(
    letter: Letter, known: Mapping[int, Known], thread: Thread, settings: Settings, now: datetime
) -> outbox.OutboxMail:
    if letter.recipient.channel != MAIL:
        return compose.channel_message(letter, known, settings, now)
    return compose.mail(letter, known, thread, settings, templates_of(settings), now)


def templates_of(settings: Settings) -> Path:
    """The folder of templates."""
    return settings.templates


def _thread(letter: Letter, told: Mapping[int, Sequence[StoredMessage]], new: Sequence[NewMessage]) -> Thread:
    """The mails that the recipient had of this incident. A digest begins a thread of its own."""
    if letter.form != "single":
        return Thread()
    incident_id = letter.tellings[0].incident_id
    seen: list[StoredMessage | NewMessage] = [*told.get(incident_id, ()), *new]
    earlier = [
        m.message_id
        for m in seen
        if m.incident_id == incident_id
        and m.message_id is not None
        and Recipient(m.channel, m.address) == letter.recipient
    ]
    return Thread(tuple(dict.fromkeys(earlier)))


def _told(telling: Telling, known: Situation, message_id: str | None, now: datetime) -> NewMessage:
    return _row(telling, known, now, state="told", told_at=now, page=telling.page, message_id=message_id)


def _row(
    telling: Telling,
    known: Situation,
    now: datetime,
    *,
    state: str,
    why: str | None = None,
    due_at: datetime | None = None,
    told_at: datetime | None = None,
    page: str | None = None,
    message_id: str | None = None,
) -> NewMessage:
    return NewMessage(
        incident_id=telling.incident_id,
        event_id=telling.event_id,
        channel=telling.recipient.channel,
        address=telling.recipient.address,
        kind=telling.kind,
        severity=known.incidents[telling.incident_id].severity,
        at=now,
        state=state,
        why=why,
        due_at=due_at,
        told_at=told_at,
        page=page,
        message_id=message_id,
    )


def who_is_told(rules: Sequence[Rule], incident: AlertIncident, now: datetime) -> list[tuple[Rule, str]]:
    """For each rule, what would become of an incident that opens now: `homepot-ai routes test` shows it."""
    found = []
    for rule in rules:
        if not rule.wants(incident, "escalated" if rule.after_minutes else "opened"):
            continue
        if rule.after_minutes:
            when = f"after {rule.after_minutes} min without acknowledgement"
        elif rule.hours is None or rule.hours.contain(now):
            when = "at once"
        elif rule.outside == "wait":
            when = f"waits until {rule.hours.next_begin(now):%a %d %b %H:%M} UTC"
        else:
            when = "not now: outside its hours"
        found.append((rule, when))
    return found
