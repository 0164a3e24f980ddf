"""Hour means as the weekly fit takes them: blocks of devices, series by hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homepot_ai.health import weekly_math as wm
from homepot_ai.health.layout import METRIC_BITS, METRIC_MASK
from homepot_ai.health.records import Codes, Doubles, Flags, Floats, HourRollup, Ints
from homepot_ai.health.week import HOUR_S, HOURS, hour_of_week

WEEKS = 5  # of history: three of them are most, so a new rota is learned after three weeks
DAY_HOURS = 24
DAY_S = 86_400.0
#: Columns of a block: the weeks, and one day more, since the check fits on what was a day earlier.
COLUMNS = WEEKS * HOURS + DAY_HOURS
LEAST_HOURS = 14 * DAY_HOURS  # of history, before anything is said of a series
LEAST_KNOWN = HOURS // 2  # hours of the week that two weeks know
LONG_S = 2 * HOUR_S  # a day is left out when its anomalies lasted so long together


@dataclass(frozen=True)
class HourBlock:
    """Hour means of some devices' series, in order of (device, metric).

    Attributes:
        device_id: int64 [S]; metric: int32 [S], position in the names that all blocks of a fit share.
        group: int32 [S], the device type, as a number.
        mean: float32 [S, COLUMNS], in the metric's unit, NaN where there is none or it does not count;
            the last column is the hour before the fit's end.
    """

    device_id: Ints
    metric: Codes
    group: Codes
    mean: Floats

    def deviations(self, until: float, back: int) -> Floats:
        """Each week's deviations [S, WEEKS, 168] from its own daily profile, up to `back` columns ago."""
        end = self.mean.shape[1] - back
        hours = self.mean[:, end - WEEKS * HOURS : end]
        return wm.deviations(hours, hour_of_week(until - (back + WEEKS * HOURS) * HOUR_S))

    def enough(self, y: Floats, back: int) -> Flags:
        """Series with two weeks of history, of which most hours of the week are known twice."""
        end = self.mean.shape[1] - back
        # Half a day of grace: two weeks minus the hour in which a system was installed are two weeks.
        old = np.isfinite(self.mean[:, : end - LEAST_HOURS + DAY_HOURS // 2]).any(axis=1)
        known = np.isfinite(wm.repeating(y)).sum(axis=1)
        out: Flags = old & (known >= LEAST_KNOWN)
        return out

    @property
    def keys(self) -> Ints:
        """Keys of (device, metric)."""
        return (self.device_id << METRIC_BITS) | self.metric

    @property
    def group_keys(self) -> Ints:
        """Keys of (device type, metric)."""
        return (self.group.astype(np.int64) << METRIC_BITS) | self.metric


def block_of(hours: Sequence[HourRollup], until: float, device_type: Mapping[int, str]) -> HourBlock:
    """One block of all series in some hours before `until`."""
    none = np.zeros(0, np.int64)
    key = np.concatenate([none, *((h.device_id << METRIC_BITS) | h.metric for h in hours)])
    series, row = np.unique(key, return_inverse=True)
    column = np.repeat(
        np.array([round((h.hour - until) / HOUR_S) for h in hours], np.intp), [len(h.metric) for h in hours]
    )
    mean = np.full((len(series), COLUMNS), np.nan, np.float32)
    mean[row, column] = np.concatenate([none.astype(np.float32), *(h.mean for h in hours)])
    device = series >> METRIC_BITS
    kinds = {name: i for i, name in enumerate(sorted(set(device_type.values())), start=1)}
    group = np.array([kinds.get(device_type.get(d, ""), 0) for d in device.tolist()], np.int32)
    return HourBlock(device, (series & METRIC_MASK).astype(np.int32), group, mean)


def left_out(
    device: npt.NDArray[np.intp], started: Doubles, ended: Doubles, devices: int, until: float
) -> Flags:
    """The columns that are not learned from, [devices, COLUMNS]: days spent in anomalies.

    Not where it was so on most of the same days of the week: what comes every Saturday is a Saturday,
    and would else be reported for ever because it was reported once.

    Args:
        device: of each episode, its place among the devices; started, ended: epoch seconds.
    """
    hour = until + (np.arange(COLUMNS) - COLUMNS) * HOUR_S
    day_of_column = (hour // DAY_S - hour[0] // DAY_S).astype(np.intp)
    begin = (hour[0] // DAY_S + np.arange(day_of_column[-1] + 1)) * DAY_S
    overlap = np.minimum(ended[:, None], begin + DAY_S) - np.maximum(started[:, None], begin)
    total = np.zeros((devices, len(begin)))
    np.add.at(total, device, np.maximum(overlap, 0))
    bad = total >= LONG_S
    weekday = np.arange(len(begin)) % 7
    for number in range(7):
        same = weekday == number
        bad[np.ix_(2 * bad[:, same].sum(axis=1) > same.sum(), same)] = False
    out: Flags = bad[:, day_of_column]
    return out
