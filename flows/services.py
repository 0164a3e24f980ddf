"""Every five minutes: is everything there that the others need?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import State

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from homepot_ai.settings import load_settings
from homepot_ai.store import checks
from tasks import models, runs, services


@flow(name="check-services", timeout_seconds=200, **FAILURE_HOOKS)
def check_services(at: datetime | None = None) -> State[Any]:
    """Look whether PostgreSQL, mail, models, the disk, the clock and every other flow do their work.

    The run is green when it could look, whatever it saw: what is down is in the
    artifact, in `homepot-ai status` and in the next report.

    Args:
        at: the moment to judge lateness for; default now.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(minutes=5)):
        return skipped(reason)
    moment = now if at is None else as_utc(at)
    try:
        flows = runs.check_flows(moment)
        runs.free_stuck_runs(now)
    except Exception as error:
        get_run_logger().warning("Prefect's runs could not be judged: %s", error)
        flows = []
    settings = load_settings()
    extra = [*flows, models.check_language_model(settings, now=now)]
    found = services.check_each_service(open_fleet(), settings, now=moment, extra=extra)
    bad = [f"{check.service} {check.state}" for check in found if check.state != "ok"]
    verdict = f"{len(bad)} of {len(found)} services need attention" if bad else f"All {len(found)} are fine"
    publish("check-services", f"# {verdict}\n\n{moment:%Y-%m-%d %H:%M} UTC\n\n{checks.markdown(found)}")
    return done("; ".join(bad) if bad else f"all {len(found)} ok")
