"""Demo only: every minute, the recorded telemetry goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow
from prefect.states import State

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, utc_now
from homepot_ai.errors import SettingsError
from homepot_ai.settings import load_settings
from tasks.sample import replay_recording


@flow(name="replay-sample", timeout_seconds=170, **FAILURE_HOOKS)
def replay_sample(at: datetime | None = None) -> State[Any]:
    """Play the recorded telemetry into the sample fleet, from where the last run stopped.

    Args:
        at: play up to this moment; default now.
    """
    settings = load_settings()
    if settings.profile != "demo":
        # It writes into HOMEPOT's own tables: never into somebody's real fleet.
        raise SettingsError(
            "replay-sample writes recorded telemetry into HOMEPOT's tables: in the demo profile only, "
            f"and this is the profile {settings.profile!r}"
        )
    # However late it is, as in score-health: newer runs are dropped while this one has the place.
    now = utc_now()
    summary = replay_recording(open_fleet(), settings, until=now if at is None else as_utc(at))
    publish("replay-sample", summary.markdown())
    return done(f"{summary.rows} rows for {summary.devices} devices")
