"""What is passed between the stages of a scoring run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from homepot_ai.fleet.records import Samples
from homepot_ai.fleet.samples import Arrivals
from homepot_ai.fleet.signals import Signals
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.minutes import Fleet
from homepot_ai.health.records import MinuteResult
from homepot_ai.health.week_reading import WeekPart
from homepot_ai.store import scores, state


@dataclass(frozen=True)
class MinuteBatch:
    """Everything that the minutes of a plan need."""

    fleet: Fleet
    samples: Samples
    logs: Signals
    arrivals: Arrivals
    checks_id: int
    parts: Mapping[int, state.Stored]
    weeks: tuple[WeekPart, ...] = ()

    @property
    def counts(self) -> str:
        """What was read, for a log line."""
        return (
            f"devices={len(self.fleet.device_id)} rows={len(self.samples.rows)} "
            f"values={len(self.samples.value)} state_bytes={sum(map(len, self.parts.values()))}"
        )


@dataclass(frozen=True)
class ScoredMinutes:
    """What the engine made of a batch.

    Attributes:
        results: the minutes to be stored.
        rejected: what could not be used, by reason.
        rows_read: telemetry rows that were used.
        hours: finished hours; snapshots: state as of full hours; parts: the state after the last minute.
        events: for the event cache.
    """

    results: list[MinuteResult]
    fleet: Fleet
    cursor: Cursor
    sample_counts: list[np.ndarray[tuple[int], np.dtype[np.int32]]]
    rejected: Mapping[str, int]
    assumed: tuple[str, ...]
    rows_read: int
    hours: list[scores.HourRows]
    snapshots: Mapping[datetime, Mapping[int, state.Payload]]
    parts: Mapping[int, state.Payload]
    events: list[scores.EventRow]
    seconds: float
