"""Memory, one call each: learn, investigate, record, judge, rebuild."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.alerts import summary
from homepot_ai.language.ollama import model_of
from homepot_ai.memory import acting, investigate, keeping, manuals, page
from homepot_ai.memory.effect import effects
from homepot_ai.settings import Settings
from homepot_ai.store import actions
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"memory"}


@dataclass(frozen=True)
class Rebuilt:
    """A rebuild: the index beside the record, the operators' pages, and how long it took."""

    checked: Sequence[keeping.Checked]
    folder: manuals.FolderRead
    seconds: float


@stage("learn-patterns", timeout_seconds=900, tags=TAGS)
def learn_patterns(database: Database, settings: Settings, *, now: datetime) -> keeping.Learned:
    """Make patterns of incidents that have closed, and embed what waits, in batches."""
    learned = keeping.learn(database, settings, now)
    get_run_logger().info(
        "patterns new=%d embedded=%d waiting=%d degraded=%s",
        learned.patterns, learned.embedded, learned.waiting, learned.degraded,
    )  # fmt: skip
    return learned


@stage("read-runbooks", timeout_seconds=900, tags=TAGS)
def read_runbooks(database: Database, settings: Settings, *, now: datetime) -> manuals.FolderRead:
    """Read what changed in the operators' folder, forget what is gone."""
    read = manuals.read_folder(database, settings, now)
    get_run_logger().info("runbooks files=%d read=%d skipped=%d", read.files, read.read, len(read.skipped))
    return read


@stage("look-into-incidents", timeout_seconds=600, tags=TAGS)
def look_into_incidents(database: Database, settings: Settings, *, now: datetime) -> investigate.Investigated:
    """Find what is known about every open incident that nobody looked into, and write it to its history."""
    word = summary.writer(database, settings, model_of(settings, database), now)
    result = investigate.investigate(database, settings, now, word)
    get_run_logger().info(
        "investigated incidents=%d degraded=%s",
        len(result.findings), result.degraded,
    )  # fmt: skip
    return result


@stage("read-what-helped", timeout_seconds=60, tags=TAGS)
def what_helped(database: Database, *, now: datetime) -> list[str]:
    """What was done so far and how often it helped, as lines of a page."""
    with database.reader() as conn:
        return page.effects(effects(actions.tallies(conn, now)))


@stage("record-action", timeout_seconds=30, tags=TAGS)
def record_action(
    database: Database, incident: int, action: str, *, by: str, at: datetime | None, now: datetime
) -> acting.Recorded:
    """Append what was done to an incident's history."""
    done = acting.record(database, incident, action, by=by, at=at, source="flow", now=now)
    get_run_logger().info("recorded incident=%d action=%s new=%s", incident, done.action_key, done.new)
    return done


@stage("judge-due-actions", timeout_seconds=1800, tags=TAGS)
def judge_due_actions(database: Database, *, now: datetime) -> acting.Judged:
    """Give every action whose day is over its outcome."""
    result = acting.judge(database, now)
    get_run_logger().info(
        "judged helped=%d did_not_help=%d cannot_tell=%d baseline=%d",
        result.helped, result.did_not_help, result.cannot_tell, result.baseline,
    )  # fmt: skip
    return result


@stage("check-index", timeout_seconds=1800, tags=TAGS)
def check_index(database: Database, settings: Settings, *, now: datetime) -> Sequence[keeping.Checked]:
    """Compare the index with the record; what is missing is put in, what is too much goes."""
    checked = keeping.check(database, settings, now)
    get_run_logger().info("index %s", "; ".join(f"{c.collection}: {c}" for c in checked))
    return checked


@stage("rebuild-index", timeout_seconds=7000, tags=TAGS)
def rebuild_index(database: Database, settings: Settings, *, afresh: bool, now: datetime) -> Rebuilt:
    """Build the index beside the one in force, then switch."""
    began = time.monotonic()
    keeping.learn_only(database, now)
    checked = keeping.rebuild(database, settings, now, afresh=afresh)
    read = manuals.read_folder(database, settings, now)
    return Rebuilt(checked, read, time.monotonic() - began)
