"""Stages of a report: whom it is for, making it, and waking the sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from homepot_ai.fleet import devices
from homepot_ai.reporting import service
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"reports"}


@dataclass(frozen=True)
class LocalScope:
    """What is reported on, and the timezone whose days count there."""

    scope: service.Scope
    timezone: str

    def __str__(self) -> str:
        return self.scope.slug


@stage("find-scopes", timeout_seconds=30, tags=TAGS)
def find_scopes(
    database: Database, settings: Settings, *, timezone: str | None, site: str | None
) -> list[LocalScope]:
    """The sites, and the fleet, that a run reports on.

    Args:
        timezone: sites of this zone, and the fleet when it is the fleet's zone; None: every zone in use.
        site: just this one (its name or public id).

    Raises:
        NotFound: no such site.
    """
    with database.reader() as conn:
        if site is not None:
            found = devices.resolve_site(conn, settings, site)
            return [LocalScope(service.Scope(kind="site", id=found.id), found.timezone)]
        zones: Sequence[str] = [timezone] if timezone else devices.timezones_in_use(conn, settings)
    return [
        LocalScope(scope, zone) for zone in zones for scope in service.daily_scopes(database, settings, zone)
    ]


@stage("make-report", timeout_seconds=300, tags=TAGS)
def make_report(
    database: Database,
    settings: Settings,
    local: LocalScope,
    *,
    at: datetime,
    mode: str,
    revise: bool,
) -> service.ReportOutcome:
    """Make one scope's report and queue its mails in the same transaction; made before: replayed."""
    outcome = service.make_report(
        database,
        settings,
        report_type="daily",
        scope=local.scope,
        at=at,
        mode=mode,
        revise=revise,
        now=datetime.now(UTC),
    )
    get_run_logger().info(
        "report id=%s revision=%s %s bytes=%d queued=%d",
        outcome.report_id,
        outcome.revision,
        "made" if outcome.created else "replayed",
        len(outcome.pdf),
        outcome.queued,
    )
    return outcome
