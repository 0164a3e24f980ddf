"""What a backtest finds: pages, what marks say of them, and the figures; all of it goes into facts.json."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict

Verdict = Literal["true", "false"]


@dataclass(frozen=True)
class Page:
    """An episode that a configuration would have opened: one message to somebody.

    Attributes:
        opened_at: seconds since 1970 UTC, as `ended_at`; None: open at the end of the range.
        severity: the highest that it reached.
        strength: decades above the device's routine at its highest.
        opened_by: evidence, limit or signal.
        why: one clause, what deviated and from what.
    """

    device_id: int
    opened_at: float
    ended_at: float | None
    severity: str
    strength: float
    opened_by: str
    metric: str
    why: str


@dataclass(frozen=True)
class Marked:
    """An anomaly of the log that somebody judged; times in seconds since 1970 UTC."""

    anomaly_id: int
    device_id: int
    started_at: float
    ended_at: float | None
    verdict: Verdict


@dataclass(frozen=True)
class DeviceName:
    """Whom a page is about."""

    id: int
    public_id: str
    name: str
    device_type: str
    site_id: int
    site: str


class Fact(BaseModel):
    """Base of what is stored: frozen, and no field that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Share(Fact):
    """So many of so many, with the 95 % interval of Wilson (1927)."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0-1."""
        return self.hits / self.of


class Delay(Fact):
    """Minutes from a marked anomaly's start to the page; negative: earlier than it was paged then."""

    median: float
    p90: float
    of: int


class Tally(Fact):
    """What one configuration would have done.

    Attributes:
        changes: how it differs from what is in force; empty: not at all.
        pages: episodes opened in the range, of which critical, warning, info.
        per_device_week: pages per device and week.
        confirmed: pages that overlap an anomaly marked true; known_false: only ones marked false.
        precision: confirmed of the judged pages; recall: found of the anomalies marked true that began in
            the range; None where there is nothing to divide by.
        per_day: pages by local day, in the order of `Backtest.days`.
    """

    changes: tuple[str, ...]
    false_alarms_per_week: float
    pages: int
    critical: int
    warning: int
    info: int
    devices_paged: int
    per_device_week: float
    per_day: tuple[int, ...]
    confirmed: int
    known_false: int
    unmarked: int
    precision: Share | None
    recall: Share | None
    delay: Delay | None


class PageFact(Fact):
    """A page as it is listed."""

    device: str
    device_id: str
    site: str
    opened_at: datetime
    minutes: float | None
    severity: str
    opened_by: str
    strength: float | None
    verdict: Verdict | None
    why: str


class MissedFact(Fact):
    """An anomaly marked true that a configuration would not have paged."""

    anomaly_id: int
    device: str
    device_id: str
    site: str
    started_at: datetime


class Counted(Fact):
    """Pages of a device or a site; b is None without a second configuration."""

    name: str
    about: str
    a: int
    b: int | None
    mainly: str = ""


class Backtest(Fact):
    """Everything that a backtest says.

    Attributes:
        start, end: minutes in (start, end] were tried; learned_from: where learning began before.
        site: its name, None for the fleet; devices: that were watched.
        marked_true, marked_false: judged anomalies that overlap the range.
        missed_a: anomalies marked true that `a` would not have paged, at most LISTED; missed_b likewise.
        only_a, only_b: pages that the other would not have sent, at most LISTED each; both: pages of a
            that b sends as well.
        notes: what to keep in mind while reading.
    """

    schema_version: Literal[1] = 1
    start: datetime
    end: datetime
    learned_from: datetime
    timezone: str
    site: str | None
    devices: int
    rows: int
    marked_true: int
    marked_false: int
    days: tuple[date, ...]
    a: Tally
    b: Tally | None
    missed_a: tuple[MissedFact, ...]
    missed_b: tuple[MissedFact, ...]
    both: int
    only_a: tuple[PageFact, ...]
    only_a_total: int
    only_b: tuple[PageFact, ...]
    only_b_total: int
    sites: tuple[Counted, ...]
    sites_total: int
    noisiest: tuple[Counted, ...]
    notes: tuple[str, ...]

    def canonical_json(self) -> bytes:
        """The one way to write it down; equal answers give equal bytes."""
        options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(self.model_dump(mode="json"), option=options)
