"""Which backups stay: the newest of so many days, weeks and months that have one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homepot_ai.backup.records import Stored

if TYPE_CHECKING:
    from homepot_ai.settings_operations import BackupSettings

#: Everything good of so long before the newest stays.
RECENT = timedelta(days=2)


@dataclass(frozen=True)
class Keep:
    """How many of each."""

    daily: int
    weekly: int
    monthly: int

    @classmethod
    def of(cls, settings: BackupSettings) -> Keep:
        """As the settings say."""
        return cls(settings.keep_daily, settings.keep_weekly, settings.keep_monthly)


def surplus(stored: Sequence[Stored], keep: Keep, bad: Collection[str] = ()) -> list[Stored]:
    """The backups that may go, the oldest first.

    Days without a backup are not counted, so however long nothing was made, the last ones stay. Days, weeks
    (ISO) and months are UTC. The newest good one always stays, and so does whatever is good of the two days
    before it.

    Args:
        bad: names of those that failed when they were last questioned. They take no good one's place, and go
            when they are older than everything that is kept.

    >>> from pathlib import Path
    >>> days = [datetime(2026, 11, day, 2, 15) for day in range(1, 13)]
    >>> made = [Stored(f"{day:%d}", Path(f"{day:%d}"), day, 1, False) for day in days]
    >>> [one.name for one in surplus(made, Keep(daily=3, weekly=2, monthly=1))]
    ['01', '02', '03', '04', '05', '06', '07', '09']
    """
    newest_first = sorted(stored, key=lambda one: one.made_at, reverse=True)
    good = [one for one in newest_first if one.name not in bad]
    kept = {
        one.name
        for periods, count in (
            (lambda at: at.date(), keep.daily),
            (lambda at: at.isocalendar()[:2], keep.weekly),
            (lambda at: (at.year, at.month), keep.monthly),
        )
        for one in _newest_of_each(good, periods, count)
    }
    # Whoever makes one by hand after a mishap must not lose the one of the night before it.
    kept |= {one.name for one in good if one.made_at > good[0].made_at - RECENT}
    oldest = min((one.made_at for one in good if one.name in kept), default=None)
    # Many that failed at once tell of a machine more than of archives: they go when good ones replaced them.
    if len({one.made_at.date() for one in good}) < keep.daily:
        oldest = None
    return [
        one
        for one in reversed(newest_first)
        if one.name not in kept and (one.name not in bad or (oldest is not None and one.made_at < oldest))
    ]


def _newest_of_each(
    newest_first: Sequence[Stored], period: Callable[[datetime], Hashable], count: int
) -> list[Stored]:
    found: dict[Hashable, Stored] = {}
    for one in newest_first:
        found.setdefault(period(one.made_at), one)
    return list(found.values())[:count]
