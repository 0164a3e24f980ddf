"""Every month: are the models there that the settings name, and are they still the same?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from prefect import flow
from prefect.states import State

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from homepot_ai.settings import load_settings
from tasks import models


@flow(name="check-models", timeout_seconds=1200, **FAILURE_HOOKS)
def check_models(probe: bool = True, at: datetime | None = None) -> State[Any]:
    """Compare the installed language models with the configured ones, and with those of the last time.

    The run is green when it could look, also at a server that is away: texts are worded by templates then.

    Args:
        probe: ask each new model something small, to find out how it is to be asked.
        at: the moment to note the finding down under; default now.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(days=27)):
        return skipped(reason)
    settings = load_settings()
    if not settings.ollama.enabled:
        publish(
            "check-models", "# Language models are switched off\n\nEvery text is worded by its template.\n"
        )
        return done("switched off")
    moment = now if at is None else as_utc(at)
    found = models.look_at_models(open_fleet(), settings, now=moment, probe=probe)
    publish("check-models", found.markdown())
    return done(found.verdict)
