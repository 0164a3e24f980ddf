"""What failed runs mean for alarms. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homepot_ai.text import clean
from homepot_ai.watch import keys
from homepot_ai.watch.alarm_rules import Alarm
from homepot_ai.watch.service import Verdict

#: They run so often that one of them alone says little: the next one catches up.
OFTEN = frozenset({"score-health", "replay-sample", "deliver"})
#: What nobody schedules may never run again: that it failed is no news after so long.
STALE = timedelta(days=1)
#: How the keys of their alarms begin.
RUN = "run "


@dataclass(frozen=True)
class EndedRun:
    """A run that failed or crashed. `state`: as Prefect names it; `at`: when it ended."""

    deployment: str
    name: str
    state: str
    message: str
    at: datetime


def told_after(flow: str) -> int:
    """How many of a flow's runs must fail in a row before somebody is told.

    >>> told_after("score-health"), told_after("backup-memory")
    (2, 1)
    """
    return 2 if flow in OFTEN else 1


def failed(run: EndedRun, flow: str) -> Verdict:
    """The alarm of a run that failed."""
    title = f"{run.deployment} {'failed' if run.state == 'Failed' else clean(run.state, 40).lower()}"
    detail = f"Run {clean(run.name, 60)}: {clean(run.message or 'it said nothing', 400)}"
    key = keys.run_key(run.deployment)
    return Verdict("raise", key, "warning", title, detail, flow, after=told_after(flow))


def verdicts(
    ended: Sequence[EndedRun],
    completed: Mapping[str, datetime],
    scheduled: Iterable[str],
    lasting: Iterable[Alarm],
    last_seen: Mapping[str, datetime],
    flow_of: Mapping[str, str],
    now: datetime,
) -> list[Verdict]:
    """Which failed runs are news, and which alarms of runs are over.

    Args:
        completed: by deployment, when a run last completed.
        scheduled: deployments that run by themselves.
        last_seen: by key, when an alarm, open or over, was last seen: the run told us itself then.
        flow_of: deployments' flows, which are their runbooks.
    """
    made: list[Verdict] = []
    newest: dict[str, EndedRun] = {}
    for run in ended:
        if run.deployment not in newest or run.at > newest[run.deployment].at:
            newest[run.deployment] = run
    for name, run in sorted(newest.items()):
        seen = last_seen.get(keys.run_key(name))
        # A run's own word comes after its end, by the time that writing it takes.
        healed = name in completed and completed[name] > run.at
        if not healed and (seen is None or run.at > seen):
            made.append(failed(run, flow_of.get(name, name)))
    raised = {one.key for one in made}
    by_itself = set(scheduled)
    for alarm in lasting:
        if not alarm.key.startswith(RUN) or alarm.key in raised:
            continue
        name = alarm.key.removeprefix(RUN)
        if name in completed and completed[name] > alarm.last_at:
            made.append(Verdict("clear", alarm.key))
        elif name not in by_itself and now - alarm.last_at > STALE:
            made.append(Verdict("clear", alarm.key, quietly=True))
    return made
