"""What the sections of a report are gathered from: one snapshot of the database, for one scope and period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import psycopg

from homepot_ai.errors import HomepotAIError
from homepot_ai.fleet.received import Received
from homepot_ai.reporting.compute import Day, RosterDevice, RosterSite
from homepot_ai.reporting.facts import DeviceRef, Problem, Provenance, Scope, ScopeName
from homepot_ai.reporting.periods import Period
from homepot_ai.store.database import Connection
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

T = TypeVar("T")


class Parts:
    """Makes the parts of a report that may fail without taking it along; `problems` tells which did."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.problems: list[Problem] = []

    def make(self, name: str, gather: Callable[[], T]) -> T | None:
        """What `gather` reads, inside a savepoint; None where it could not."""
        try:
            with self._conn.transaction():
                return gather()
        except (psycopg.Error, HomepotAIError) as error:
            reason = clean(str(error).splitlines()[0] if str(error) else type(error).__name__, 200)
            self.problems.append(Problem(section=name, reason=reason))
            return None


@dataclass(frozen=True)
class Roster:
    """Who the report is about. `deleted`: devices with scores that HOMEPOT no longer knows."""

    name: ScopeName
    sites: Sequence[RosterSite]
    devices: Sequence[RosterDevice]
    deleted: int


@dataclass(frozen=True)
class Source:
    """A reader's connection inside one repeatable-read transaction, and what every section needs to know.

    Attributes:
        refs: every device of the scope by its id; `headline`: the class that the headline speaks of.
        main: ids of the headline class's devices; `today`: what was counted about the period.
        received: telemetry of the period by device; empty when it could not be counted, which
            `problems`, those until now, tell of as `completeness`.
        now: when the report is made; nothing later may be read.
    """

    conn: Connection
    settings: Settings
    scope: Scope
    period: Period
    now: datetime
    roster: Roster
    refs: Mapping[int, DeviceRef]
    headline: Provenance
    main: Sequence[int]
    today: Day
    received: Mapping[int, Received] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def ids(self) -> list[int]:
        """Every device of the scope."""
        return [device.id for device in self.roster.devices]
