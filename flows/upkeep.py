"""Every night: nothing grows without a bound."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from prefect import flow
from prefect.states import Failed, State
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, done, open_fleet, publish, skipped, too_late, utc_now
from homepot_ai.settings import load_settings
from tasks import runs, upkeep

DAY = timedelta(days=1)
MONTH = timedelta(days=31)


@flow(name="clean-event-cache", timeout_seconds=900, **FAILURE_HOOKS)
def clean_event_cache(dry_run: bool = True, at: datetime | None = None) -> State[Any]:
    """Remove cached events that are past their time, or beyond the newest hundred of a device.

    Args:
        dry_run: only count what would go.
        at: the moment to judge ages for; default now.
    """
    now = utc_now()
    if reason := too_late(at, now, DAY):
        return skipped(reason)
    summary = upkeep.clean_events(
        open_fleet(), load_settings(), now=now if at is None else as_utc(at), dry_run=dry_run
    )
    publish("clean-event-cache", summary.markdown())
    return done("counted only (dry run)" if dry_run else "cleaned")


@flow(name="apply-retention", timeout_seconds=3600, **FAILURE_HOOKS)
def apply_retention(dry_run: bool = True, at: datetime | None = None) -> State[Any]:
    """Archive, verify, then drop whatever is past its retention; make the partitions of coming days.

    Args:
        dry_run: only say what would go.
        at: the moment to judge ages for; default now.
    """
    now = utc_now()
    if reason := too_late(at, now, DAY):
        return skipped(reason)
    summary = upkeep.drop_old_partitions(
        open_fleet(), load_settings(), now=now if at is None else as_utc(at), dry_run=dry_run
    )
    publish("apply-retention", summary.markdown())
    if summary.failed:
        # The hook for failures shows its own page: what was done is told there too.
        return Failed(message=summary.line)
    return done(summary.line)


@flow(name="prune-runs", timeout_seconds=3600, **FAILURE_HOOKS)
def prune_runs(
    dry_run: bool = True,
    keep_days: Annotated[int, Field(ge=1, le=365)] | None = None,
    at: datetime | None = None,
) -> State[Any]:
    """Keep Prefect's own database bounded: old runs, their logs, artifacts and result files go.

    Args:
        dry_run: only count what would go.
        keep_days: default: the setting `retention.prefect_days`.
        at: the moment to judge ages for; default now.
    """
    now = utc_now()
    if reason := too_late(at, now, DAY):
        return skipped(reason)
    days = keep_days or load_settings().retention.prefect_days
    summary = runs.prune_old_runs(
        now=now if at is None else as_utc(at), keep=timedelta(days=days), dry_run=dry_run
    )
    publish("prune-runs", summary.markdown())
    return done(f"{summary.runs} runs {'would go (dry run)' if dry_run else 'removed'}")


@flow(name="export-training-data", timeout_seconds=3600, **FAILURE_HOOKS)
def export_training_data(
    dry_run: bool = True, month: date | None = None, at: datetime | None = None
) -> State[Any]:
    """Write closed incidents that somebody resolved as examples to learn from, without personal data.

    Args:
        dry_run: only count the examples.
        month: any day of one month of the window; default: every month of it that is over.
        at: the moment that the window ends at; default now.
    """
    now = utc_now()
    if reason := too_late(at, now, MONTH):
        return skipped(reason)
    exported = upkeep.export_training(
        open_fleet(),
        load_settings(),
        now=now if at is None else as_utc(at),
        month=None if month is None else month.replace(day=1),
        dry_run=dry_run,
    )
    publish("export-training-data", exported.markdown())
    return done(exported.line)
