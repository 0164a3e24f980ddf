"""When a deployment is due by its schedules, and how late it is by them. Pure.

A cron line is read in its own zone: at 06:00 in Berlin is at another moment of UTC in summer, and a line
within the hour that spring skips is due when that hour is over. Not said here: whether a run that took place
was the one that was due; two runs for two zones by one deployment are told apart by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

#: What is unreadable is taken as daily: nobody hears of it sooner than of a nightly flow.
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """Either every `interval`, or by a cron line of five fields in an IANA zone."""

    interval: timedelta | None = None
    cron: str = ""
    timezone: str = "UTC"

    @property
    def rhythm(self) -> timedelta:
        """The time between two runs, as it mostly is.

        >>> Schedule(cron="0 6 * * 1").rhythm.days, Schedule(interval=timedelta(minutes=1)).rhythm.seconds
        (7, 60)
        """
        if self.interval is not None:
            return self.interval
        # The second after, not the first: how far apart two are does not depend on where one begins.
        first = self.after(datetime(2026, 1, 5, tzinfo=UTC))
        return DAY if first is None else (self.after(first) or first + DAY) - first

    def after(self, moment: datetime) -> datetime | None:
        """The first time it is due later than that; None: never, or nobody can read it.

        >>> berlin = Schedule(cron="0 6 * * *", timezone="Europe/Berlin")
        >>> berlin.after(datetime(2026, 7, 1, 12, tzinfo=UTC)).isoformat()
        '2026-07-02T04:00:00+00:00'
        """
        if self.interval is not None:
            return moment + self.interval
        try:
            due = next(CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone))))
        except (CronSimError, StopIteration, KeyError, ValueError):
            return None
        return due.astimezone(UTC)


def due_after(schedules: Iterable[Schedule], moment: datetime) -> datetime | None:
    """The first time that any of them is due later than that; None without a readable schedule."""
    return min((due for one in schedules if (due := one.after(moment)) is not None), default=None)


def late_by(schedules: Iterable[Schedule], last: datetime, now: datetime) -> timedelta:
    """How long ago a run was due that did not complete; zero: none was.

    Args:
        last: when one last completed, or when the deployment was made.

    >>> monthly = [Schedule(cron="0 6 1 * *")]
    >>> last = datetime(2026, 11, 1, 6, 3, tzinfo=UTC)
    >>> late_by(monthly, last, datetime(2026, 11, 30, tzinfo=UTC)).total_seconds()
    0.0
    >>> late_by(monthly, last, datetime(2026, 12, 1, 9, tzinfo=UTC)).total_seconds() / 3600
    3.0
    """
    due = due_after(schedules, last)
    return timedelta(0) if due is None else max(timedelta(0), now - due)


def of_record(record: dict[str, object]) -> Schedule:
    """A schedule as Prefect's API tells it.

    >>> of_record({"cron": "0 6 * * *", "timezone": "Europe/Berlin"}).timezone
    'Europe/Berlin'
    """
    if record.get("interval") is not None:
        return Schedule(interval=timedelta(seconds=float(str(record["interval"]))))
    return Schedule(cron=str(record.get("cron") or "@never"), timezone=str(record.get("timezone") or "UTC"))
