"""Which window covers a moment, and until when. Pure.

A recurring window begins and ends by the clock on the wall of its zone: "Saturdays from 22:00 for eight
hours" ends at 06:00 also in the night in which the clock is moved, and lasts seven or nine hours then. A
beginning that the clock skips in spring is as much later (02:30 is 03:30 then); of an hour that comes twice
in autumn both are covered. Where the skip swallows the whole window, it lasts its minutes from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from homepot_ai.fleet.schedules import MaintenanceDay, sites_in_maintenance
from homepot_ai.store.windows import Why, Window

DAY = timedelta(days=1)
#: HOMEPOT's schedule says days: how far ahead its end is looked for.
_AHEAD = timedelta(days=8)


@dataclass(frozen=True)
class Cover:
    """Why something is not told at a moment, and until when; `until` None: nobody knows."""

    why: Why
    window_id: int | None
    until: datetime | None


def occurrence(window: Window, day: date) -> tuple[datetime, datetime] | None:
    """Beginning and end, in UTC, of a recurring window on a local day; None when it has none then."""
    if window.weekdays is None or window.local_start is None or not window.minutes or not window.timezone:
        return None
    if day.weekday() not in window.weekdays:
        return None
    if window.valid_from is not None and day < window.valid_from:
        return None
    if window.valid_until is not None and day > window.valid_until:
        return None
    zone, naive = ZoneInfo(window.timezone), datetime.combine(day, window.local_start)
    length = timedelta(minutes=window.minutes)
    begin = naive.replace(tzinfo=zone).astimezone(UTC)
    # Of an end that comes twice the second, of one that is skipped the later reading.
    end = max((naive + length).replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return begin, end if end > begin else begin + length


def covered_until(window: Window, at: datetime) -> datetime | None:
    """The end of this window's occurrence that covers `at` (aware); None when none does.

    >>> from datetime import time
    >>> night = Window(1, "fleet", None, "night", None, None, [5], time(22), 480, "Europe/Berlin", None,
    ...                None, None, "Ann", datetime(2026, 1, 1, tzinfo=UTC))
    >>> str(covered_until(night, datetime(2026, 10, 25, 4, 30, tzinfo=UTC)))  # nine hours: clocks go back
    '2026-10-25 05:00:00+00:00'
    """
    if window.cancelled_at is not None and window.cancelled_at <= at:
        return None
    if window.starts_at is not None and window.ends_at is not None:
        return window.ends_at if window.starts_at <= at < window.ends_at else None
    if window.timezone is None or not window.minutes:
        return None
    today = at.astimezone(ZoneInfo(window.timezone)).date()
    back = window.minutes // 1440 + 1
    ends = [
        found[1]
        for n in range(-1, back + 1)
        if (found := occurrence(window, today - n * DAY)) is not None and found[0] <= at < found[1]
    ]
    return max(ends, default=None)


class Silences:
    """What is covered at one moment, by our windows and HOMEPOT's schedules.

    Args:
        zones: site to IANA zone; days: HOMEPOT's maintenance days of all sites.
    """

    def __init__(
        self,
        windows: Sequence[Window],
        days: Sequence[MaintenanceDay],
        zones: Mapping[int, str],
        at: datetime,
    ) -> None:
        self._days, self._zones, self._at = days, zones, at
        self._ours: dict[tuple[str, int | None], Cover] = {}
        for window in windows:
            until = covered_until(window, at)
            if until is None:
                continue
            key = (window.scope, window.scope_id)
            known = self._ours.get(key)
            # Where several overlap, the one that ends last is the one that counts.
            if known is None or known.until is None or until > known.until:
                self._ours[key] = Cover("window", window.id, until)
        self._theirs = sites_in_maintenance(days, zones, at) if days else frozenset()
        self._ends: dict[int, datetime | None] = {}

    def of(self, site_id: int | None, device_id: int | None) -> list[Cover]:
        """What covers an incident of a site (None: of several) and a root device; one of each why."""
        keys = (("fleet", None), ("site", site_id), ("device", device_id))
        ours = [self._ours[key] for key in keys if key in self._ours]
        found = []
        if ours:
            found.append(max(ours, key=lambda c: c.until or self._at))
        if site_id is not None and site_id in self._theirs:
            found.append(Cover("homepot_schedule", None, self._schedule_end(site_id)))
        return found

    def _schedule_end(self, site_id: int) -> datetime | None:
        if site_id not in self._ends:
            mine = [day for day in self._days if day.site_id == site_id]
            zone = ZoneInfo(self._zones.get(site_id, "UTC"))
            self._ends[site_id] = next(
                (
                    moment
                    for moment in _turns(mine, zone, self._at)
                    if not sites_in_maintenance(mine, self._zones, moment)
                ),
                None,
            )
        return self._ends[site_id]


def _turns(days: Sequence[MaintenanceDay], zone: ZoneInfo, at: datetime) -> list[datetime]:
    """Every moment within `_AHEAD` at which maintenance by a schedule may end, in order.

    That is when a day begins and when the site opens; and where the clock is moved, any quarter of an hour,
    since it may skip the one as well as the other.
    """
    clocks = {time(0), *(day.open_time for day in days if day.open_time is not None)}
    today = at.astimezone(zone).date()
    found = set()
    for n in range(_AHEAD // DAY + 1):
        day = today + n * DAY
        begin, end = (datetime.combine(d, time(0), zone).astimezone(UTC) for d in (day, day + DAY))
        for clock in clocks:
            found |= {datetime.combine(day, clock.replace(fold=f), zone).astimezone(UTC) for f in (0, 1)}
        if end - begin != DAY:
            found |= {
                begin + i * timedelta(minutes=15) for i in range((end - begin) // timedelta(minutes=15))
            }
    return sorted(moment for moment in found if at < moment <= at + _AHEAD)
