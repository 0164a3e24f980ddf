"""What happened before, what helped then, and whether it really did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from prefect import flow
from prefect.states import State
from pydantic import Field

from flows.common import (
    FAILURE_HOOKS,
    RowId,
    as_utc,
    done,
    open_fleet,
    person,
    publish,
    skipped,
    too_late,
    utc_now,
)
from homepot_ai.memory import page
from homepot_ai.settings import load_settings
from tasks import memory


@flow(name="investigate-incident", timeout_seconds=1800, **FAILURE_HOOKS)
def investigate_incident(
    at: datetime | None = None,
    incidents: Annotated[list[int] | None, Field(max_length=1000)] = None,
) -> State[Any]:
    """Look for similar past incidents, what helped then and what the operators' pages say.

    Args:
        at: the moment to write down as when it was looked into; default now.
        incidents: the numbers that the triggering event told; only noted. Every open incident that nobody
            looked into is taken, so that a lost or doubled event harms nothing.
    """
    now = utc_now()
    moment = now if at is None else as_utc(at)
    settings, database = load_settings(), open_fleet()
    learned = memory.learn_patterns(database, settings, now=moment)
    memory.read_runbooks(database, settings, now=moment)
    result = memory.look_into_incidents(database, settings, now=moment)
    if not result.findings and not result.failed and not learned.patterns:
        return skipped("no incident waits to be looked into, and none has closed since the last run")
    publish("investigate-incident", page.investigated(result))
    if result.failed:  # they wait for the next run; what was found of the others is written
        raise result.failed[0][1]
    return done(page.headline(result))


@flow(name="record-action", timeout_seconds=120, **FAILURE_HOOKS)
def record_action(
    incident: RowId = 0,
    action: Annotated[str, Field(max_length=500)] = "",
    by: Annotated[str, Field(max_length=100)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Record what was done about an incident. With nothing filled in it lists what helped so far.

    Args:
        incident: its number, as alerts and `homepot-ai incidents` show it.
        action: what was done, in your own words and language.
        by: who did it.
        at: when it was done (UTC where no zone is given); default now.
    """
    now, database = utc_now(), open_fleet()
    if not incident and not action.strip():
        publish(
            "record-action",
            "\n".join(
                ["**Nothing recorded: no incident was named**", "", *memory.what_helped(database, now=now)]
            ),
        )
        return done("nothing recorded: no incident was named")
    recorded = memory.record_action(
        database, incident, action, by=person(by), at=None if at is None else as_utc(at), now=now
    )
    publish("record-action", page.recorded(recorded))
    return done(f"action on incident {incident} {'recorded' if recorded.new else 'was there already'}")


@flow(name="judge-actions", timeout_seconds=3600, **FAILURE_HOOKS)
def judge_actions(at: datetime | None = None) -> State[Any]:
    """Say of each action whether health recovered and stayed for 24 hours; keep memory in step with the
    record.

    Args:
        at: the moment to judge for; default now. An outcome that is there is not changed.
    """
    now = utc_now()
    if reason := too_late(at, now, timedelta(days=1)):
        return skipped(reason)
    moment = now if at is None else as_utc(at)
    settings, database = load_settings(), open_fleet()
    result = memory.judge_due_actions(database, now=moment)
    learned = memory.learn_patterns(database, settings, now=moment)
    memory.read_runbooks(database, settings, now=moment)
    checked = memory.check_index(database, settings, now=moment)
    publish("judge-actions", page.judged(result, learned, checked))
    return done(page.judged_headline(result))


@flow(name="rebuild-embeddings", timeout_seconds=7200, **FAILURE_HOOKS)
def rebuild_embeddings(afresh: bool = False, at: datetime | None = None) -> State[Any]:
    """Build the vector index anew beside the old one, then switch: after a model changed, or it was damaged.

    Args:
        afresh: begin again instead of going on with a rebuild that was interrupted.
        at: the moment to write down as when it was built; default now.
    """
    now = utc_now()
    moment = now if at is None else as_utc(at)
    rebuilt = memory.rebuild_index(open_fleet(), load_settings(), afresh=afresh, now=moment)
    publish("rebuild-embeddings", page.rebuilt(rebuilt.checked, rebuilt.folder, rebuilt.seconds, moment))
    return done(f"{sum(c.indexed for c in rebuilt.checked)} patterns indexed")
