"""Many reports at once: rendered by a few children, worded by as many threads, one failing alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from homepot_ai.errors import HomepotAIError
from homepot_ai.language.ollama import model_of
from homepot_ai.language.tripping import Tripping
from homepot_ai.reporting.digests import DigestOutcome, make_digests
from homepot_ai.reporting.facts import Kind, Scope
from homepot_ai.reporting.periods import Period, of_day, period_for
from homepot_ai.reporting.render_pool import RenderPool
from homepot_ai.reporting.service import ReportOutcome, Wish, make_incident_report, make_report
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalScope:
    """What is reported on, and the timezone whose days count there."""

    scope: Scope
    timezone: str

    def __str__(self) -> str:
        return self.scope.slug


@dataclass(frozen=True)
class Batch:
    """What a batch came to.

    Attributes:
        reports: in the order of the scopes, those that were made.
        errors: by scope, why its report could not be made.
        digests: made after the reports, one outcome for each zone.
    """

    reports: tuple[ReportOutcome, ...]
    errors: Mapping[LocalScope, Exception]
    digests: tuple[DigestOutcome, ...] = ()

    @property
    def queued(self) -> int:
        """Mails that this batch put into the outbox."""
        return sum(one.queued for one in self.reports) + sum(one.queued for one in self.digests)

    @property
    def digests_said(self) -> str:
        """What the digests came to, for an artifact."""
        return "\n\n".join(said for one in self.digests if (said := one.markdown()))

    @property
    def failures(self) -> dict[str, str]:
        """Why there is no report of a scope, in a sentence."""
        return {str(scope): told(error) for scope, error in self.errors.items()}


def told(error: Exception) -> str:
    """An error as an operator reads it."""
    return str(error) if isinstance(error, HomepotAIError) else repr(error)


def period_of(kind: Kind, local: LocalScope, day: date | None, at: datetime) -> Period:
    """The period that a scope is reported on: the one a local day lies in, or the last that was over."""
    if day is not None:
        return of_day(kind, day, local.timezone)
    return period_for(kind, at, local.timezone)


def make_all(
    db: Database,
    settings: Settings,
    kind: Kind,
    scopes: Sequence[LocalScope],
    *,
    at: datetime,
    day: date | None = None,
    wish: Wish = Wish(),  # noqa: B008 - frozen
    now: datetime,
) -> Batch:
    """Make the reports of many scopes; one that fails spoils none.

    Args:
        at: the moment whose last period is meant; day: or a local day of it.
    """
    reports: dict[LocalScope, ReportOutcome] = {}
    errors: dict[LocalScope, Exception] = {}
    model = Tripping(model_of(settings, db))
    with _pool(settings) as pool:

        def make(local: LocalScope) -> None:
            try:
                reports[local] = make_report(
                    db, settings, report_type=kind, scope=local.scope, period=period_of(kind, local, day, at),
                    wish=wish, render=pool.render, model=model, now=now,
                )  # fmt: skip
            except Exception as error:
                errors[local] = error
                log.exception("no report for %s", local)

        # One more than there are children: while they render, the next one is gathered.
        with ThreadPoolExecutor(
            settings.reports.render_processes + 1, thread_name_prefix="report"
        ) as threads:
            list(threads.map(make, scopes))
    done = tuple(reports[local] for local in scopes if local in reports)
    return Batch(done, {local: errors[local] for local in scopes if local in errors})


def digest_zones(
    db: Database,
    settings: Settings,
    kind: Kind,
    scopes: Sequence[LocalScope],
    *,
    at: datetime,
    day: date | None = None,
    failures: Mapping[str, str],
    now: datetime,
) -> tuple[DigestOutcome, ...]:
    """The digests of every zone that was reported on, after its reports."""
    zones = dict.fromkeys(local.timezone for local in scopes)
    with _pool(settings) as pool:
        return tuple(
            make_digests(
                db, settings, kind=kind, failed=failures, render=pool.render, now=now,
                period=period_of(kind, LocalScope(Scope(kind="fleet"), zone), day, at),
            )
            for zone in zones
        )  # fmt: skip


def make_incidents(
    db: Database, settings: Settings, incidents: Sequence[int], *, wish: Wish, now: datetime
) -> tuple[list[ReportOutcome], dict[int, str]]:
    """The reports of incidents, one after the other, and why those that failed did."""
    made: list[ReportOutcome] = []
    failed: dict[int, str] = {}
    model = Tripping(model_of(settings, db))
    with _pool(settings) as pool:
        for number in incidents:
            try:
                made.append(
                    make_incident_report(
                        db, settings, number, wish=wish, render=pool.render, model=model, now=now
                    )
                )
            except Exception as error:
                failed[number] = told(error)
                log.exception("no report of incident %s", number)
    return made, failed


def _pool(settings: Settings) -> RenderPool:
    return RenderPool(settings.reports.render_processes, memory_mb=settings.reports.render_memory_mb)
