"""The HTTP door as an ASGI application: routes, guards around them, and what runs beside them.

    request id, log line, metrics ─► body cap, media type ─► who asks, limit ─► thread ─► homepot_ai.answers

One process serves it: `homepot-ai serve`, or `homepot-ai up` among its parts.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homepot_ai import __version__
from homepot_ai.answers.caching import Cache
from homepot_ai.api import access, problems
from homepot_ai.api.access import Caller
from homepot_ai.api.door import Door, Scraper, of
from homepot_ai.api.problems import Refused
from homepot_ai.api.routes import documented, router
from homepot_ai.errors import DatabaseError, RecallError
from homepot_ai.language.ollama import Ollama
from homepot_ai.store.pool import PooledDatabase
from homepot_ai.store.tokens import Asked
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.language.model import Model
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

log = logging.getLogger("homepot_ai.api")
JSON_ROUTES = {("POST", "/api/ai/query"), ("PUT", "/api/ai/preferences")}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
WARM_DEADLINE_S = 120.0
#: Neither changes anything nor tells of anybody: no audit rows.
_NOT_AUDITED = ("/health", "/metrics", "/openapi.json")


def create_app(
    settings: Settings, db: Database, model: Model, *, warm: bool = False, **parts: Any
) -> FastAPI:
    """The application.

    Args:
        db: pooled when serving; a plain one is given a pool of its own.
        warm: load the embedding models at start, in the background.
        parts: of :class:`~homepot_ai.api.door.Door`, e.g. the clock.
    """
    db = pooled(settings, db)
    cache = Cache()
    here = Door(settings, db, model, cache, **parts)
    cache.note = lambda operation, found: here.metrics.cache.labels(operation, found).inc()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        here.journal.start()
        if warm:
            threading.Thread(target=_warm, args=(settings, db, model), name="warm", daemon=True).start()
        yield
        here.close()

    app = FastAPI(
        title="homepot-ai",
        version=__version__,
        description="Answers about a fleet. Times are UTC; errors are problem details (RFC 9457).",
        lifespan=lifespan,
        # Their pages load scripts from elsewhere; this works without any network.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.door = here
    problems.install(app)
    app.include_router(router)
    _add_own(app)
    _document(app, token_needed=access.token_needed(settings))
    app.add_middleware(BodyGuard, limit=settings.api.body_bytes)
    app.add_middleware(Observer, door=here)
    return app


def pooled(settings: Settings, db: Database) -> PooledDatabase:
    """The same database with connections kept for as many requests as are worked on at a time."""
    if isinstance(db, PooledDatabase):
        return db
    kept = settings.api.threads + settings.api.waiting_threads
    return PooledDatabase(db.url, db.schema, db.homepot_schema, keys=db.keys, idle=kept)


def _add_own(app: FastAPI) -> None:
    @app.get("/health", tags=["watching"])
    async def health() -> dict[str, str]:
        """Whether this process lives. What it depends on is told by /api/ai/status."""
        return {"status": "alive"}

    @app.get("/metrics", tags=["watching"], response_class=Response, responses=documented())
    async def metrics(request: Request, caller: Scraper) -> Response:
        """Counters and gauges, for Prometheus."""
        here = of(request)
        await here.lanes.run("fast", here.status)
        # A scrape asks the database: not in the loop that serves everybody.
        text = await here.lanes.run("fast", here.metrics.text, with_fleet=caller.asker.sites is None)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _document(app: FastAPI, *, token_needed: bool) -> None:
    """Say in the OpenAPI document whether a token is needed here."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        for path in document["paths"].values():
            for operation in path.values():
                if not token_needed and operation.get("security"):
                    operation["security"] = [{}, {"HTTPBearer": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _warm(settings: Settings, db: Database, model: Model) -> None:
    """Load what the first question would otherwise wait for: embeddings, names, then the language model."""
    from homepot_ai.memory import embedder
    from homepot_ai.questions import resolve
    from homepot_ai.questions.queries import finds  # noqa: F401

    try:
        embedder.load(settings.memory).encode(["ready"])
    except RecallError as error:
        log.warning("answers go without embeddings: %s", error)
    else:
        log.info("embedding models are loaded")
    try:
        with db.asker(None, timeout_s=WARM_DEADLINE_S) as conn:
            resolve.directory(conn, datetime.now(UTC))
    except DatabaseError as error:
        log.warning("the fleet's names were not read yet: %s", error)
    if isinstance(model, Ollama):
        log.info("language model: %s", model.warm(deadline_s=WARM_DEADLINE_S))


class Observer:
    """Around everything: request ids, one log line, metrics, audit rows, and an answer to any error."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        status, begun = 500, False
        started = time.perf_counter()

        async def pass_on(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"cache-control", b"no-store"),
                ]
            await send(message)

        metrics = self.door.metrics
        metrics.running.inc()
        try:
            await self.app(scope, receive, pass_on)
        except Exception as error:
            if begun:
                raise
            await problems.of(error, scope["path"], request_id)(scope, receive, pass_on)
        finally:
            metrics.running.dec()
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path_format", "unknown")
            metrics.request_seconds.labels(route, _known(scope["method"]), str(status)).observe(seconds)
            caller = state.get("caller")
            log.info(
                "action=request id=%s route=%s status=%d ms=%.1f by=%s",
                request_id, route, status, seconds * 1000, caller.actor if caller else "-",
            )  # fmt: skip
            # Of somebody unknown only what was let through or refused at the door, which is counted against
            # their address: no stranger fills the log with requests that were malformed.
            refused = status == 401 or (status == 403 and b"authorization" in headers)
            told = caller is not None or status < 400 or refused
            if told and route not in _NOT_AUDITED and route != "unknown" and status != 429:
                self._note(scope, route, request_id, status, seconds, caller)

    def _note(
        self, scope: Scope, route: str, request_id: str, status: int, seconds: float, caller: Caller | None
    ) -> None:
        parameters = scope.get("path_params") or {}
        subject = clean(str(next(iter(parameters.values()), "")), 200) or "-"
        client = scope.get("client") or ("nowhere", 0)
        self.door.journal.add(
            Asked(
                at=self.door.now(),
                actor=caller.actor if caller else f"somebody at {client[0]}",
                action=f"{scope['method']} {route}",
                subject=subject,
                details={"request": request_id, "status": status, "ms": round(seconds * 1000, 1)},
                token=caller.token if caller else None,
            )
        )


def _known(method: str) -> str:
    return method if method in ("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS") else "other"


class BodyGuard:
    """Bodies are small, and JSON where JSON is read; a larger one is refused while it comes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check(scope, headers)
            body = await self._read(receive) if scope["method"] in ("POST", "PUT", "PATCH") else b""
        except Refused as error:
            request_id = scope["state"]["request_id"]
            await problems.of(error, scope["path"], request_id)(scope, receive, send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    def _check(self, scope: Scope, headers: dict[bytes, str]) -> None:
        length = headers.get(b"content-length", "0")
        if length.isdecimal() and int(length) > self.limit:
            raise self._too_large()
        kind = headers.get(b"content-type", "").partition(";")[0].strip().casefold()
        if (scope["method"], scope["path"]) in JSON_ROUTES and kind != "application/json":
            raise Refused(415, "send JSON, and say so: Content-Type: application/json")

    async def _read(self, receive: Receive) -> bytes:
        """The whole body, as long as it is small."""
        parts: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] != "http.request":  # the client has gone
                return b""
            parts.append(message.get("body", b""))
            if sum(map(len, parts)) > self.limit:
                raise self._too_large()
            if not message.get("more_body"):
                return b"".join(parts)

    def _too_large(self) -> Refused:
        return Refused(413, f"more than {self.limit} bytes: a question needs far less")
