"""Everything that a running door holds, and how a request gets through it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

import psycopg
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from homepot_ai.answers import status
from homepot_ai.answers.prefect_api import PrefectApi
from homepot_ai.api import access
from homepot_ai.api.access import Caller
from homepot_ai.api.metrics import Metrics
from homepot_ai.api.problems import Refused
from homepot_ai.api.work import Journal, Lanes, Limiter
from homepot_ai.errors import DatabaseError
from homepot_ai.store import named_sql
from homepot_ai.store.pool import PooledDatabase
from homepot_ai.watch.exporter import Exporter

if TYPE_CHECKING:
    from homepot_ai.answers.caching import Cache
    from homepot_ai.answers.contracts import Status
    from homepot_ai.language.model import Model
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database
    from homepot_ai.store.tokens import Scope

_SQL = named_sql.load("answers/sql/device.sql")
bearer = HTTPBearer(auto_error=False, description="A token that `homepot-ai token make` made.")


def utc_now() -> datetime:
    """The one place where the door looks at the clock."""
    return datetime.now(UTC)


@dataclass
class Door:
    """The parts of one application.

    Attributes:
        db: with kept connections; model: whoever words answers, or nobody.
    """

    settings: Settings
    db: Database
    model: Model
    cache: Cache
    metrics: Metrics = field(default_factory=Metrics)
    now: Callable[[], datetime] = utc_now

    def __post_init__(self) -> None:
        api = self.settings.api
        self.lanes = Lanes({"fast": api.threads, "waiting": api.waiting_threads}, api.queue, self.metrics)
        self.journal = Journal(self.db, self.metrics)
        self.limiter = Limiter(api.requests_per_minute)
        self.prefect = PrefectApi(self.settings)
        self.metrics.fleet.register(Exporter(self.db, self.settings, self.now))

    def status(self) -> Status:
        """Every part, and what the metrics show of it."""
        now = self.now()
        seen = status.status(self.db, self.settings, prefect=self.prefect, cache=self.cache, now=now)
        self.metrics.note_status(seen, self._scored_age())
        return seen

    def _scored_age(self) -> float | None:
        try:
            with self.db.reader() as conn:
                (at,) = conn.execute(_SQL["scored_until"]).fetchone() or (None,)
        except (DatabaseError, psycopg.Error):
            return None
        return None if at is None else (self.now() - at).total_seconds()

    def close(self) -> None:
        """Write what is to be written, let go of what is held."""
        self.journal.stop()
        self.prefect.close()
        if isinstance(self.db, PooledDatabase):
            self.db.close()

    async def let_in(self, request: Request, scope: Scope, *, as_preferred: bool) -> Caller:
        """Whoever asks, once they are let in; counted against their limit.

        Raises:
            Refused: 401, 403 or 429.
        """
        address = request.client.host if request.client else "nowhere"
        try:
            secret = access.shown(request)
            caller = await self.lanes.run("fast", self._enter, request, secret, scope, as_preferred)
        except Refused as refusal:
            self.metrics.refused.labels(
                {401: "no token", 403: "not allowed"}.get(refusal.status, "other")
            ).inc()
            self._count(f"refused {address}")
            raise
        self._count(caller.actor if caller.token is not None else address)
        request.state.caller = caller
        return caller

    def _enter(self, request: Request, secret: str | None, scope: Scope, as_preferred: bool) -> Caller:
        caller = access.enter(self.db, self.settings, request, secret, scope, self.now())
        return access.prefers(self.db, caller) if as_preferred else caller

    def _count(self, caller: str) -> None:
        wait = self.limiter.take(caller)
        if wait > 0:
            self.metrics.refused.labels("too many").inc()
            raise Refused(
                429,
                f"more than {self.settings.api.requests_per_minute} requests in a minute",
                headers={"Retry-After": str(max(1, round(wait)))},
            )


def of(request: Request) -> Door:
    """The door that a request came through."""
    return cast(Door, request.app.state.door)


def needs(scope: Scope, *, as_preferred: bool = True) -> Callable[..., Awaitable[Caller]]:
    """A dependency: whoever asks, let in for a scope.

    Args:
        as_preferred: with the mode and language that they prefer.
    """

    async def enter(
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)] = None,
    ) -> Caller:
        return await of(request).let_in(request, scope, as_preferred=as_preferred)

    enter.__name__ = f"needs_{scope}"
    return enter


Reader = Annotated[Caller, Depends(needs("read"))]
Watcher = Annotated[Caller, Depends(needs("read", as_preferred=False))]
Questioner = Annotated[Caller, Depends(needs("ask"))]
ReportReader = Annotated[Caller, Depends(needs("report"))]
Owner = Annotated[Caller, Depends(needs("preferences"))]
Scraper = Annotated[Caller, Depends(needs("metrics", as_preferred=False))]
