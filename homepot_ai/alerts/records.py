"""Who is told of what: recipients, rules and what one run decides. Nothing here looks at a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from homepot_ai.alerts.hours import Hours
from homepot_ai.store.alerts import AlertIncident, EndedWait, QueuedEvent, StoredMessage

Kind = Literal[
    "opened", "released", "worsened", "escalated", "still_open", "flapping", "acknowledged", "investigated",
    "recovered",
]  # fmt: skip
KINDS: tuple[Kind, ...] = (
    "opened", "released", "worsened", "escalated", "still_open", "flapping", "acknowledged", "investigated",
    "recovered",
)  # fmt: skip
#: Kinds that interrupt somebody: these count against a site's budget.
PAGES = frozenset({"opened", "released", "worsened", "escalated", "still_open", "flapping"})
#: What is worth telling at the beginning of somebody's hours; the rest is said by the incident's state then.
WAITS = frozenset({"opened", "released", "worsened", "escalated", "flapping", "recovered"})
SEVERITIES = ("info", "warning", "critical")
MAIL = "mail"


def at_least(severity: str, minimum: str) -> bool:
    """Whether a severity is as high as a minimum.

    >>> at_least("critical", "warning"), at_least("info", "warning")
    (True, False)
    """
    return SEVERITIES.index(severity) >= SEVERITIES.index(minimum)


@dataclass(frozen=True, order=True)
class Recipient:
    """A mail address, or a channel by its name."""

    channel: str
    address: str = ""

    @property
    def key(self) -> str:
        """Unique among recipients; part of the outbox's keys."""
        return f"{self.channel}:{self.address}" if self.address else self.channel

    def __str__(self) -> str:
        return self.address or f"channel {self.channel}"


@dataclass(frozen=True)
class Rule:
    """A route, or a subscription read as one. None means: any.

    Attributes:
        device_id: only incidents that begin at this device.
        kinds: messages of these kinds only.
        outside: `wait` for the beginning of the hours, or `skip`: another rule is for then.
        after_minutes: told only when nobody has acknowledged so long after the first page; 0: at once.
        renotify_minutes: told again so often while it is open and not acknowledged.
    """

    name: str
    recipient: Recipient
    site_id: int | None = None
    device_id: int | None = None
    device_types: frozenset[str] | None = None
    min_severity: str = "warning"
    kinds: frozenset[str] | None = None
    hours: Hours | None = None
    outside: Literal["wait", "skip"] = "wait"
    after_minutes: int = 0
    renotify_minutes: int | None = None

    def concerns(self, incident: AlertIncident) -> bool:
        """Whether the incident is in its scope, whatever its severity."""
        return (
            (self.site_id in (None, incident.site_id) or self.site_id in incident.held_sites)
            and (self.device_id in (None, incident.root_device_id) or self.device_id in incident.held_devices)
            and (
                self.device_types is None
                or incident.device_type in self.device_types
                or not self.device_types.isdisjoint(incident.held_types)
            )
        )

    def wants(self, incident: AlertIncident, kind: str) -> bool:
        """Whether it is about the incident as it is now, and about messages of this kind."""
        return (
            self.concerns(incident) and self.accepts(kind) and at_least(incident.severity, self.min_severity)
        )

    def accepts(self, kind: str) -> bool:
        """Whether it takes messages of this kind."""
        return self.kinds is None or kind in self.kinds


@dataclass(frozen=True)
class Situation:
    """Everything that a decision rests on.

    Attributes:
        events: not decided on yet, oldest first.
        incidents: those of the events, those with something waiting, those open and not acknowledged.
        told: messages of these incidents so far, oldest first.
        suppressed: incidents that are silenced now, and why.
        pages, budgets: by site (0: of no site): pages told on its local day so far, and how many it may have.
        digests: by site, when the next digest of what is over budget goes out.
        flapped: incidents of the events and who was told lately that the same thing flaps.
        visible: by lower-case address, the sites that its owner may see; None: all; not there: no limit.
    """

    events: Sequence[QueuedEvent]
    incidents: Mapping[int, AlertIncident]
    rules: Sequence[Rule]
    told: Mapping[int, Sequence[StoredMessage]] = field(default_factory=dict)
    suppressed: Mapping[int, str] = field(default_factory=dict)
    pages: Mapping[int, int] = field(default_factory=dict)
    budgets: Mapping[int, float] = field(default_factory=dict)
    digests: Mapping[int, datetime] = field(default_factory=dict)
    visible: Mapping[str, frozenset[int] | None] = field(default_factory=dict)
    flapped: frozenset[tuple[int, Recipient]] = frozenset()
    storm: int = 5


@dataclass(frozen=True)
class Telling:
    """One thing that one recipient is to hear of one incident.

    Attributes:
        event: what it rests on; None for reminders and escalations.
        page: the same for everybody who hears the same; None for what is no page.
    """

    recipient: Recipient
    incident_id: int
    kind: Kind
    event: QueuedEvent | None = None
    page: str | None = None

    @property
    def event_id(self) -> int:
        """The event's number, 0 where there is none."""
        return 0 if self.event is None else self.event.id


@dataclass(frozen=True)
class Waiting:
    """A telling that waits, for the recipient's hours or since the site's budget is used up."""

    telling: Telling
    until: datetime
    why: Literal["hours", "budget"]


@dataclass(frozen=True)
class Letter:
    """One message: about one incident, or a digest.

    Attributes:
        form: `single`; `storm`: too many at once; `digest`: what waited.
        waited: rows that this letter ends, of a digest.
    """

    recipient: Recipient
    form: Literal["single", "storm", "digest"]
    tellings: tuple[Telling, ...]
    waited: tuple[StoredMessage, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What one run does.

    Attributes:
        ended: waiting rows that are not told: silenced or unsubscribed meanwhile, or put off further.
        nobody: incidents that opened and that no rule tells anybody of.
        not_allowed: tellings left out because the person may not see the site.
    """

    letters: tuple[Letter, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    ended: tuple[EndedWait, ...] = ()
    nobody: tuple[int, ...] = ()
    not_allowed: int = 0
