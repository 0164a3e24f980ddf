"""What goes into and comes out of the engine: arrays in records, never bare dicts.

All times are epoch seconds in UTC, all per-device arrays of one record have the same
length D and the order of ``DeviceFrame.device_id``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Small = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]

STATUSES: tuple[str, ...] = (
    "healthy",
    "warning",
    "critical",
    "no_data",
    "in_maintenance",
    "not_scored",
)
HEALTHY, WARNING, CRITICAL, NO_DATA, IN_MAINTENANCE, NOT_SCORED = range(6)

REASONS: tuple[str, ...] = (
    "new_device",
    "too_few_samples",
    "stale",
    "excluded",
    "silent",
    "engine_error",
)
NEW_DEVICE, TOO_FEW_SAMPLES, STALE, EXCLUDED, SILENT, ENGINE_ERROR = range(6)
NO_REASON = -1


@dataclass(frozen=True)
class Observations:
    """One minute's validated samples: one value per (device, metric), sorted and unique.

    ``at`` is the minute's end; ``value`` the mean over the minute's samples (finite).
    """

    at: float
    device_id: Ints
    metric: Codes
    value: Doubles


@dataclass(frozen=True)
class DeviceFrame:
    """Every device that is due a row this minute, sorted by id, and what is known of it.

    ``interval_s`` is the expected collection interval (NaN: the engine learns it);
    ``last_sample``, ``last_heartbeat`` and ``created`` may be NaN.  ``signals`` are per-device
    counts by name, e.g. ``failed_checks_in_row``; a missing or NaN signal counts as zero.
    ``alarm_offset`` are decades added to what opens an episode by evidence (None: nothing).
    """

    device_id: Ints
    device_type: npt.NDArray[np.object_] | npt.NDArray[np.str_]
    interval_s: Floats
    last_sample: Doubles
    last_heartbeat: Doubles
    created: Doubles
    excluded: Flags
    maintenance: Flags
    sample_count: Codes
    alarm_offset: Floats | None = None
    signals: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Factors:
    """What was taken from 1, flat over (device, factor), ordered by device and weight.

    Per device the contributions add up to ``1 - score``.  ``kind`` is limit, trend, baseline,
    together (a metric left the pattern of the others) or signal; ``observed``, ``low`` and ``high``
    are in the metric's own unit, NaN where there is none (a limit has no low).  ``hours`` is the
    time until a trend reaches its limit, NaN for other kinds.  The metric ``other`` holds the folded
    rest.
    """

    device_pos: Codes
    metric: list[str]
    kind: list[str]
    contribution: Floats
    observed: Doubles
    low: Doubles
    high: Doubles
    hours: Doubles

    def rows(self, device_pos: int) -> list[Factor]:
        """The factors of one device, heaviest first (the folded rest last)."""
        first = int(np.searchsorted(self.device_pos, device_pos, side="left"))
        last = int(np.searchsorted(self.device_pos, device_pos, side="right"))
        return [
            Factor(
                metric=self.metric[i],
                kind=self.kind[i],
                contribution=float(self.contribution[i]),
                observed=float(self.observed[i]),
                low=float(self.low[i]),
                high=float(self.high[i]),
                hours=float(self.hours[i]),
            )
            for i in range(first, last)
        ]


@dataclass(frozen=True)
class Factor:
    """One line of an explanation; see :class:`Factors`."""

    metric: str
    kind: str
    contribution: float
    observed: float
    low: float
    high: float
    hours: float = float("nan")


@dataclass(frozen=True)
class Accepted:
    """A level that stayed for so long that it is the series' new normal, in the metric's own unit."""

    at: float
    device_id: int
    metric: str
    old: float
    new: float


@dataclass(frozen=True)
class Episode:
    """An anomaly of one device, as it stands at this minute.

    ``score`` is NaN when the device is gone; ``peak_score`` is the lowest score reached.
    ``metric``, ``observed``, ``low`` and ``high`` are those of the heaviest factor at opening;
    ``factors`` only come with the minute in which the episode opened.  ``strength`` is how far
    above its routine the device was at most (decades, what the opening threshold is compared
    with); ``opened_by`` says whether evidence, a limit or a signal opened it.
    """

    device_id: int
    started_at: float
    ended_at: float | None
    score: float
    initial_score: float
    peak_score: float
    severity: str
    metric: str
    observed: float
    low: float
    high: float
    strength: float
    opened_by: str
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True)
class HourRollup:
    """A finished hour per series, flat, sorted by (device, metric); ``hour`` is its start."""

    hour: float
    device_id: Ints
    metric: Codes
    n: Codes
    mean: Floats
    min: Floats
    max: Floats
    last: Floats


@dataclass(frozen=True)
class MinuteResult:
    """One row per device of the frame.

    ``score`` is NaN where the device was not scored, ``status`` an index into STATUSES,
    ``reason`` into REASONS (-1: none), ``data_age_s`` NaN where no sample was ever seen.
    ``alarm`` is true in the minutes in which the alarm rings (see episodes.py); ``alarm_level`` is what
    evidence says to it: how far the device is above its routine, 1.0 where a minute counts towards opening
    an episode (0: no new samples, or not scored).  ``opened`` and ``closed`` are this minute's episodes;
    ``updated`` those open ones whose peak or severity moved.
    """

    at: float
    device_id: Ints
    score: Floats
    status: Small
    reason: Small
    data_age_s: Floats
    alarm: Flags
    alarm_level: Floats
    factors: Factors
    opened: list[Episode]
    closed: list[Episode]
    updated: list[Episode]
    #: Levels that became normal in this minute.
    accepted: Sequence[Accepted] = ()
