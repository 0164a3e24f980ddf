"""Every five minutes: is everything there that the others need?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import State

from flows.common import (
    FAILURE_HOOKS,
    as_utc,
    done,
    known_fleet,
    publish,
    utc_now,
)
from flows.mail import wake_sender
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store import checks
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.watch import keys
from homepot_ai.watch.runs import RUN
from homepot_ai.watch.service import away, known
from tasks import runs, services


@flow(name="check-services", timeout_seconds=280, **FAILURE_HOOKS)
def check_services(at: datetime | None = None) -> State[Any]:
    """Look whether PostgreSQL, memory, mail, models, disks, clocks, backups and every other flow are well.

    The run is green when it could look, whatever it saw: what is down is in the artifact, in
    `homepot-ai status`, in the next report, and told to `watch.mail_to` and `watch.channels`.

    Args:
        at: the moment to judge lateness for; default now.
    """
    now = utc_now()  # however late it starts: newer runs are dropped for it, and what it sees is of now
    moment = now if at is None else as_utc(at)
    settings, database = load_settings(), known_fleet()
    flows, scheduler = _look_at_runs(
        moment, now, [alarm.key for alarm in known(database, settings, now).lasting]
    )
    extra = [*scheduler, *(flows.checks if flows else [])]
    found = services.check_each_service(database, settings, now=moment, extra=extra)
    told, lasting = services.tell_alarms(database, settings, found=found, flows=flows, now=now)
    found += services.ping(database, settings, found=found, now=now)
    if told and not away(found):
        wake_sender()
    bad = [f"{check.service} {check.state}" for check in found if check.state != "ok"]
    verdict = f"{len(bad)} of {len(found)} services need attention" if bad else f"All {len(found)} are fine"
    publish("check-services", _page(verdict, moment, found, lasting, settings))
    return done("; ".join(bad) if bad else f"all {len(found)} ok")


def _look_at_runs(
    moment: datetime, now: datetime, lasting: Sequence[str]
) -> tuple[runs.FlowsSeen | None, list[ServiceCheck]]:
    watched = frozenset(key.removeprefix(RUN) for key in lasting if key.startswith(RUN))
    try:
        flows = runs.check_flows(moment, watched)
        return flows, [runs.free_stuck_runs(now), ServiceCheck("prefect server", "ok", "answers")]
    except Exception as error:
        get_run_logger().warning("Prefect's runs could not be judged: %s", error)
        said = f"its runs could not be judged ({type(error).__name__})"
        return None, [ServiceCheck("prefect server", "degraded", said)]


def _page(
    verdict: str,
    moment: datetime,
    found: Sequence[ServiceCheck],
    lasting: Sequence[str],
    settings: Settings,
) -> str:
    """What an operator reads first: the verdict, what to read on, then every check."""
    text = [f"# {verdict}", "", f"{moment:%Y-%m-%d %H:%M} UTC", ""]
    bad = [check for check in found if check.state != "ok"]
    text += [f"- **{check.service}**: `{keys.page(_runbook(check))}`" for check in bad]
    text += ["", checks.markdown(found)]
    if lasting:
        text += ["", "## Open alarms", "", *(f"- {title}" for title in lasting)]
        if not (settings.watch.mail_to or settings.watch.channels):
            text += ["", "Nobody is told of them: name somebody in the setting `watch.mail_to`."]
    return "\n".join(text) + "\n"


def _runbook(check: ServiceCheck) -> str:
    name = keys.flow_name(check.service)
    return keys.watched(check.service).runbook if name is None else runs.flow_of(name)
