"""The figures of a group of devices over a period."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from homepot_ai.reporting.facts.base import POINTS, STATUSES, Fact, Provenance, Status

EarlierKind = Literal[
    "day_before", "same_weekday", "week_before", "four_weeks_before", "month_before", "year_before", "before"
]


class StatusCounts(Fact):
    """One number per status."""

    healthy: int = 0
    warning: int = 0
    critical: int = 0
    no_data: int = 0
    in_maintenance: int = 0
    not_scored: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.get(status) for status in STATUSES)

    def get(self, status: Status) -> int:
        """The number of one status."""
        value: int = getattr(self, status)
        return value


class Figures(Fact):
    """The numbers of one group of devices over one period.

    Attributes:
        devices: devices in the group; `scored_devices` had a score in at least one minute.
        status_at_end: devices by the status of their last minute.
        status_minutes: device-minutes spent in each status.
        score_points, scored_minutes: fleet health = score_points / 10000 / scored_minutes.
        minutes_due: device-minutes of the period since each device exists.
        minutes_judged: of these, those that count for availability (not in maintenance, not
            excluded, and scoring ran); minutes_with_data: of these, those with fresh data.
        opened, closed, still_open: anomalies begun in the period, ended in it, open at its end.
        attention: devices critical, in warning or without data at the end, or with an open
            anomaly that is more than informative.
    """

    devices: int
    scored_devices: int
    status_at_end: StatusCounts
    status_minutes: StatusCounts
    score_points: int
    scored_minutes: int
    minutes_due: int
    minutes_judged: int
    minutes_with_data: int
    opened: int
    closed: int
    still_open: int
    attention: int

    @property
    def health(self) -> float | None:
        """Mean score over the scored device-minutes, 0-1; None when nothing was scored."""
        return self.score_points / POINTS / self.scored_minutes if self.scored_minutes else None

    @property
    def availability(self) -> float | None:
        """Share of the judged device-minutes with data, 0-1; None when none was judged."""
        return self.minutes_with_data / self.minutes_judged if self.minutes_judged else None


class Earlier(Fact):
    """The same figures over an earlier period that this one is compared with.

    Attributes:
        what: which one; words are found for it in the reader's language.
        first_day: its first local day.
        figures: None when nothing was scored then.
    """

    what: EarlierKind
    first_day: date
    figures: Figures | None


class ClassFacts(Fact):
    """One provenance class, and what it is compared with."""

    provenance: Provenance
    figures: Figures
    earlier: tuple[Earlier, ...]


class SiteFacts(Fact):
    """One site of a fleet report: figures of the headline class, and what it has besides."""

    id: int
    public_id: str
    name: str
    timezone: str
    figures: Figures
    other_devices: int


class TimelineBin(Fact):
    """A stretch of the day, headline class: device-minutes by status and the mean health in it."""

    start: datetime
    minutes: StatusCounts
    score_points: int
    scored_minutes: int
