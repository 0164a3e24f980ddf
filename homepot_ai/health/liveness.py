"""Is anybody there: from the age of samples and heartbeats to a status without a score.

A device whose samples and heartbeat are both old has `no_data`; that is a state of its own,
never a score of 0.  With a fresh heartbeat it is alive and merely not measured: `not_scored`,
reason `stale`.
"""

from __future__ import annotations

import numpy as np

from homepot_ai.health.config import LivenessConfig
from homepot_ai.health.records import (
    EXCLUDED,
    IN_MAINTENANCE,
    NEW_DEVICE,
    NO_DATA,
    NO_REASON,
    NOT_SCORED,
    SILENT,
    STALE,
    TOO_FEW_SAMPLES,
    DeviceFrame,
    Doubles,
    Flags,
    Floats,
    Small,
)

SCORED = -1


def expected_interval(frame: DeviceFrame, learned: Floats, config: LivenessConfig) -> Floats:
    """Seconds between samples: as stated, else as learned, else the default."""
    stated = np.where(frame.interval_s > 0, frame.interval_s, learned)
    out: Floats = np.where(stated > 0, stated, np.float32(config.default_interval_s)).astype(np.float32)
    return out


def judge(
    frame: DeviceFrame,
    at: float,
    last_sample: Doubles,
    interval_s: Floats,
    knows_enough: Flags,
    young: Flags,
    config: LivenessConfig,
) -> tuple[Small, Small]:
    """Status and reason per device; status is SCORED (-1) where a score is due.

    ``knows_enough``: at least one series has its baseline; ``young``: its history is short.
    """
    old_after = np.maximum(config.intervals * interval_s, config.min_minutes * 60)
    with np.errstate(invalid="ignore"):
        has_samples = at - last_sample <= old_after  # NaN: never seen, hence false
        beats = at - frame.last_heartbeat <= old_after
        just_made = at - frame.created <= old_after
    ever = ~np.isnan(last_sample)
    # In order of precedence, the first that holds.
    cases = [
        (frame.excluded, NOT_SCORED, EXCLUDED),
        (frame.maintenance, IN_MAINTENANCE, NO_REASON),
        (~ever & just_made, NOT_SCORED, NEW_DEVICE),
        (~has_samples & beats & ever, NOT_SCORED, STALE),
        (~has_samples & beats, NOT_SCORED, TOO_FEW_SAMPLES),
        (~has_samples, NO_DATA, SILENT),
        (~knows_enough & young, NOT_SCORED, NEW_DEVICE),
        (~knows_enough, NOT_SCORED, TOO_FEW_SAMPLES),
    ]
    conditions = [case[0] for case in cases]
    status = np.select(conditions, [np.int8(case[1]) for case in cases], np.int8(SCORED))
    reason = np.select(conditions, [np.int8(case[2]) for case in cases], np.int8(NO_REASON))
    return status.astype(np.int8), reason.astype(np.int8)
