"""What to tell whom, decided from what is known: no clock, no database.

    1. what is new of each incident: of several events since the last run the one that says most
    2. who hears of it: rules for what begins, those who were told for what follows
    3. reminders and escalations of what nobody acknowledges
    4. the site's budget: warnings beyond it wait for the next digest, critical ones never do
    5. each recipient's hours: outside them it waits for their beginning, or another rule is for then
    6. what waited and is due now, as one digest; too much at once for one recipient, as one as well

Of an incident that is silenced (a window, a snooze, flapping) nothing is told but its end, to those who
know of its beginning, and once that it flaps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from homepot_ai.alerts.records import (
    MAIL,
    PAGES,
    SEVERITIES,
    WAITS,
    Decision,
    Kind,
    Letter,
    Recipient,
    Rule,
    Situation,
    Telling,
    Waiting,
)
from homepot_ai.store.alerts import AlertIncident, EndedWait, QueuedEvent, StoredMessage

# Of what happened to one incident since the last run, the first of these is told; it shows the rest.
_LEADING: tuple[tuple[str, Kind], ...] = (
    ("closed", "recovered"),
    ("opened", "opened"),
    ("released", "released"),
    ("worsened", "worsened"),
    ("flapping", "flapping"),
)
_FOLLOWING: tuple[tuple[str, Kind], ...] = (
    ("acknowledged", "acknowledged"),
    ("investigated", "investigated"),
)
_BEGINS = frozenset({"opened", "released", "worsened", "flapping"})


def decide(situation: Situation, now: datetime) -> Decision:
    """Decide one run. Asked again with what it wrote, it has nothing more to say.

    >>> decide(Situation(events=[], incidents={}, rules=[]), datetime(2026, 11, 21))
    Decision(letters=(), waiting=(), ended=(), nobody=(), not_allowed=0)
    """
    return _Run(situation, now).decide()


@dataclass
class _Run:
    known: Situation
    now: datetime
    pages: dict[int, int] = field(default_factory=dict)
    paged: set[str | None] = field(default_factory=set)
    crowded: frozenset[int] = frozenset()
    nobody: list[int] = field(default_factory=list)
    not_allowed: int = 0

    def decide(self) -> Decision:
        self.pages = dict(self.known.pages)
        tellings = [*self._news(), *self._reminders()]
        # What is worst is told first, so that it is not what exceeds the budget.
        tellings.sort(key=lambda t: (-SEVERITIES.index(self._of(t).severity), t.incident_id, t.recipient))
        self.crowded = self._crowds(tellings)
        told: dict[Recipient, list[Telling]] = defaultdict(list)
        waiting: list[Waiting] = []
        for telling in tellings:
            decided = self._when(telling)
            if isinstance(decided, Waiting):
                waiting.append(decided)
            elif decided is not None:
                told[decided.recipient].append(decided)
        letters = [
            letter for recipient, theirs in told.items() for letter in self._letters(recipient, theirs)
        ]
        digests, ended = self._due()
        return Decision(
            (*letters, *digests), tuple(waiting), tuple(ended), tuple(self.nobody), self.not_allowed
        )

    def _of(self, telling: Telling) -> AlertIncident:
        return self.known.incidents[telling.incident_id]

    def _told(self, incident: AlertIncident) -> Sequence[StoredMessage]:
        return self.known.told.get(incident.id, ())

    # What is new

    def _news(self) -> Iterator[Telling]:
        by_incident: dict[int, list[QueuedEvent]] = defaultdict(list)
        for event in self.known.events:
            by_incident[event.incident_id].append(event)
        for incident_id, events in by_incident.items():
            incident = self.known.incidents.get(incident_id)
            if incident is None:  # deleted since
                continue
            silenced = self._silenced(incident_id, events)
            for event, kind in _of_interest(events, incident, silenced=silenced):
                began = any(e.kind in ("opened", "released") for e in events)
                found = [
                    Telling(recipient, incident_id, kind, event, self._page(incident_id, kind, event))
                    for recipient in self._hearers(incident, kind, began=began, silenced=silenced)
                ]
                # What is for information only is below the usual minimum on purpose.
                if not found and kind == "opened" and incident.severity != "info":
                    self.nobody.append(incident.id)
                yield from found

    def _silenced(self, incident_id: int, events: Iterable[QueuedEvent]) -> bool:
        """Whether it is silenced, or was until it closed: what ended in silence did not need telling."""
        changes = [event.kind for event in events if event.kind in ("suppressed", "released")]
        return incident_id in self.known.suppressed or changes[-1:] == ["suppressed"]

    def _hearers(
        self, incident: AlertIncident, kind: Kind, *, began: bool, silenced: bool
    ) -> list[Recipient]:
        told = {_who(m) for m in self._told(incident) if m.state == "told"}
        # Of a recovery that waits already, or was told, there is nothing more to say; nor twice of flapping.
        heard = {_who(m) for m in self._told(incident) if m.kind == kind and m.state != "not_told"}
        fresh = {
            rule.recipient
            for rule in self.known.rules
            if rule.after_minutes == 0 and rule.wants(incident, "opened" if kind == "recovered" else kind)
        }
        if kind in _BEGINS:
            hearers = fresh | (told if kind in ("worsened", "flapping") else set())
            if kind == "released" and incident.state == "acknowledged":
                hearers = fresh - told
        elif kind == "recovered":
            waits = {_who(m) for m in self._told(incident) if m.state == "waiting"}
            # It came and went between two runs: told in one message.
            hearers = told | ((fresh if began and not silenced else set()) - waits)
        else:
            hearers = told
        if kind in ("recovered", "flapping"):
            hearers = hearers - heard
        if kind == "flapping":
            # Each time it comes back it is an incident of its own: one notice for all of them.
            hearers = {
                recipient for recipient in hearers if (incident.id, recipient) not in self.known.flapped
            }
        return sorted(r for r in hearers if self._may_hear(r, incident, kind))

    def _may_hear(self, recipient: Recipient, incident: AlertIncident, kind: Kind) -> bool:
        if not any(
            r.concerns(incident) and r.accepts(kind) for r in self.known.rules if r.recipient == recipient
        ):
            return False
        if recipient.channel != MAIL:
            return True
        sites = self.known.visible.get(recipient.address.lower())
        if (
            recipient.address.lower() not in self.known.visible
            or sites is None
            or incident.site_id in sites
            or not sites.isdisjoint(incident.held_sites)
        ):
            return True
        self.not_allowed += 1
        return False

    def _page(self, incident_id: int, kind: Kind, event: QueuedEvent | None) -> str | None:
        what = f"{event.id}" if event is not None else f"{self.now:%Y%m%dT%H%M}"
        return f"incident-{incident_id}.{kind}.{what}" if kind in PAGES else None

    # Reminders and escalations

    def _reminders(self) -> Iterator[Telling]:
        busy = {event.incident_id for event in self.known.events if event.kind not in ("commented", "marked")}
        for incident in self.known.incidents.values():
            if (
                incident.state != "open"
                or incident.id in busy
                or incident.id in self.known.suppressed
                or (incident.snoozed_until is not None and incident.snoozed_until > self.now)
            ):
                continue
            yield from self._escalations(incident)
            yield from self._again(incident)

    def _escalations(self, incident: AlertIncident) -> Iterator[Telling]:
        history = self._told(incident)
        knows = {_who(m) for m in history if m.state != "not_told"}
        paged = [m.told_at for m in history if m.told_at is not None and m.kind in PAGES]
        if not paged and any(m.state == "waiting" for m in history):
            return  # nobody could acknowledge it yet
        since = min(paged) if paged else incident.opened_at or incident.started_at
        late = {
            rule.recipient
            for rule in self.known.rules
            if rule.after_minutes > 0
            and rule.wants(incident, "escalated")
            and since + timedelta(minutes=rule.after_minutes) <= self.now
        }
        for recipient in sorted(late - knows):
            if self._may_hear(recipient, incident, "escalated"):
                yield Telling(
                    recipient, incident.id, "escalated", None, self._page(incident.id, "escalated", None)
                )

    def _again(self, incident: AlertIncident) -> Iterator[Telling]:
        last: dict[Recipient, datetime] = {}
        for message in self._told(incident):
            if message.state == "waiting":
                last[_who(message)] = self.now  # it will be told anyway
            elif message.told_at is not None:
                last[_who(message)] = max(message.told_at, last.get(_who(message), message.told_at))
        for recipient, told_at in sorted(last.items()):
            pauses = [
                rule.renotify_minutes
                for rule in self.known.rules
                if rule.recipient == recipient
                and rule.renotify_minutes
                and rule.wants(incident, "still_open")
                and self._open(rule)
            ]
            due = pauses and told_at + timedelta(minutes=min(pauses)) <= self.now
            if due and self._may_hear(recipient, incident, "still_open"):
                page = self._page(incident.id, "still_open", None)
                yield Telling(recipient, incident.id, "still_open", None, page)

    # When

    def _when(self, telling: Telling) -> Telling | Waiting | None:
        begin = self._first_open(telling, self.now)
        if begin is None:
            return None
        if begin > self.now:
            return Waiting(telling, begin, "hours") if telling.kind in WAITS else None
        if telling.kind not in PAGES:
            return telling
        site, severity = self._of(telling).site_id or 0, self._of(telling).severity
        page = f"storm-{site}.{self.now:%Y%m%dT%H%M}" if site in self.crowded else telling.page
        if page not in self.paged and severity != "critical" and self._used_up(site):
            if telling.kind not in WAITS:
                return None
            until = self.known.digests[site]
            return Waiting(telling, self._first_open(telling, until) or until, "budget")
        if page not in self.paged:
            self.paged.add(page)
            self.pages[site] = self.pages.get(site, 0) + 1
        return replace(telling, page=page)

    def _used_up(self, site: int) -> bool:
        budget = self.known.budgets.get(site)
        return budget is not None and self.pages.get(site, 0) >= budget

    def _crowds(self, tellings: Iterable[Telling]) -> frozenset[int]:
        """Sites of which so much is told at once that it is one page."""
        incidents = {(self._of(t).site_id or 0, t.incident_id) for t in tellings if t.kind in PAGES}
        count = Counter(site for site, _ in incidents)
        return frozenset(site for site, number in count.items() if number > self.known.storm)

    def _first_open(self, telling: Telling, moment: datetime) -> datetime | None:
        """`moment` when a rule of the recipient's is in its hours, else when one begins, else None."""
        incident, kind = self._of(telling), telling.kind
        rules = [
            rule
            for rule in self.known.rules
            if rule.recipient == telling.recipient and rule.concerns(incident) and rule.accepts(kind)
        ]
        # What follows is told by whichever rule told the beginning: an incident that eased still recovers.
        strict = [rule for rule in rules if rule.wants(incident, kind)]
        return _first_open(strict or rules, moment)

    def _open(self, rule: Rule) -> bool:
        return rule.hours is None or rule.hours.contain(self.now)

    # Letters

    def _letters(self, recipient: Recipient, tellings: list[Telling]) -> Iterator[Letter]:
        if len(tellings) > self.known.storm:
            yield Letter(recipient, "storm", tuple(tellings))
        else:
            for telling in tellings:
                yield Letter(recipient, "single", (telling,))

    def _due(self) -> tuple[list[Letter], list[EndedWait]]:
        letters, ended = [], []
        due: dict[Recipient, list[StoredMessage]] = defaultdict(list)
        for rows in self.known.told.values():
            for row in rows:
                if row.state == "waiting" and row.due_at is not None and row.due_at <= self.now:
                    due[_who(row)].append(row)
        for recipient, rows in sorted(due.items()):
            kept: list[StoredMessage] = []
            for row in rows:
                verdict = self._still(recipient, row)
                if verdict is None:
                    kept.append(row)
                else:
                    ended.append(verdict)
            if kept:
                newest = {row.incident_id: row for row in kept}
                tellings = tuple(Telling(recipient, i, _kind(row.kind)) for i, row in newest.items())
                letters.append(Letter(recipient, "digest", tellings, tuple(kept)))
        return letters, ended

    def _still(self, recipient: Recipient, row: StoredMessage) -> EndedWait | None:
        """None when a row that waited is to be told now; else what becomes of it."""
        incident = self.known.incidents[row.incident_id]
        kind = _kind(row.kind)
        if (
            incident.id in self.known.suppressed
            and incident.state != "closed"
            and (kind != "flapping" or self.known.suppressed[incident.id] != "flapping")
        ):
            # Silenced since; when that ends, it is told as opened.
            return EndedWait(row.id, "not_told", "suppressed")
        if not self._may_hear(recipient, incident, kind):
            return EndedWait(row.id, "not_told", row.why)
        begin = self._first_open(Telling(recipient, incident.id, kind), self.now)
        if begin is not None and begin > self.now:
            return EndedWait(row.id, "waiting", row.why, begin)
        return None


def _of_interest(
    events: Iterable[QueuedEvent], incident: AlertIncident, *, silenced: bool
) -> list[tuple[QueuedEvent, Kind]]:
    """The event that says most with what it is told as, or the things that follow a beginning."""
    newest = {event.kind: event for event in events}
    for name, kind in _LEADING:
        if name in newest and (not silenced or kind in ("recovered", "flapping")):
            return [(newest[name], kind)]
    if silenced or incident.state == "closed":
        return []
    found = [(newest[name], kind) for name, kind in _FOLLOWING if name in newest]
    return [(event, kind) for event, kind in found if kind != "investigated" or useful(event)]


def useful(event: QueuedEvent) -> bool:
    """Whether an investigation found something that helps whoever works on it."""
    said = event.details.get("useful")
    return bool(event.details.get("similar") or event.details.get("passages")) if said is None else bool(said)


def _first_open(rules: Iterable[Rule], moment: datetime) -> datetime | None:
    begins: list[datetime] = []
    for rule in rules:
        if rule.hours is None or rule.hours.contain(moment):
            return moment
        if rule.outside == "wait":
            begins.append(rule.hours.next_begin(moment))
    return min(begins, default=None)


def _who(message: StoredMessage) -> Recipient:
    return Recipient(message.channel, message.address)


def _kind(text: str) -> Kind:
    kinds: dict[str, Kind] = {
        "opened": "opened", "released": "released", "worsened": "worsened", "escalated": "escalated",
        "still_open": "still_open", "flapping": "flapping", "acknowledged": "acknowledged",
        "investigated": "investigated", "recovered": "recovered",
    }  # fmt: skip
    return kinds[text]
