"""What all facts are made of: scope, period, who a device is, and small counts."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Provenance = Literal["real", "controlled", "mixed", "simulated"]
Status = Literal["healthy", "warning", "critical", "no_data", "in_maintenance", "not_scored"]
Severity = Literal["info", "warning", "critical"]
Kind = Literal["daily", "weekly", "monthly", "incident", "custom"]
ScopeKind = Literal["fleet", "site", "device", "device_type"]

#: The class that a headline speaks of is the first of these that is present.
PROVENANCE_ORDER: tuple[Provenance, ...] = ("real", "controlled", "mixed", "simulated")
STATUSES: tuple[Status, ...] = ("healthy", "warning", "critical", "no_data", "in_maintenance", "not_scored")
POINTS = 10_000


class Fact(BaseModel):
    """Base of every record: frozen, and no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(Fact):
    """What a report is about.

    Attributes:
        id: HOMEPOT's `sites.id` or `devices.id`; None for the fleet and for a device type.
        name: the device type; None otherwise.
    """

    kind: ScopeKind
    id: int | None = None
    name: str | None = None

    @property
    def slug(self) -> str:
        """Part of a report's id.

        >>> Scope(kind="site", id=7).slug, Scope(kind="device_type", name="kiosk").slug
        ('site7', 'type-kiosk')
        >>> Scope(kind="device_type", name="POS terminal").slug  # told from 'pos-terminal', as a file is, too
        'type-pos-terminal-1bee77fc'
        """
        if self.kind == "fleet":
            return "fleet"
        if self.kind == "device_type":
            name = self.name or ""
            if re.fullmatch(r"[a-z0-9_-]{1,40}", name):
                return f"type-{name}"
            # What cannot stand in the name of a file must not make two types one.
            plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
            return f"type-{plain}{'-' if plain else ''}{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        return f"{self.kind}{self.id}"


class ScopeName(Fact):
    """How the scope is called. Names are cleaned and capped."""

    name: str
    public_id: str | None = None
    location: str | None = None


class PeriodFacts(Fact):
    """The period a report is about: local days `first_day` to `last_day` of a zone, both included.

    Attributes:
        start, end: aware UTC, [start, end). A custom or incident report may begin and end within a day.
    """

    kind: Kind
    start: datetime
    end: datetime
    timezone: str
    first_day: date
    last_day: date


class DeviceRef(Fact):
    """Who: HOMEPOT's ids and cleaned names."""

    id: int
    public_id: str
    name: str
    type: str
    site: str
    provenance: Provenance


class Count(Fact):
    """A named count."""

    name: str
    count: int


class Problem(Fact):
    """A section that could not be made, and why."""

    section: str
    reason: str
