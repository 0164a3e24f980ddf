"""Errors as problem details (RFC 9457): every answer that is no success has this shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from homepot_ai.answers.contracts import Problem
from homepot_ai.errors import (
    AccessError,
    DatabaseError,
    FleetError,
    HomepotAIError,
    IndexUnavailable,
    ModelMissing,
    NotFound,
    PredictionError,
    QuestionError,
    RecallError,
    ReportError,
)

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
#: A retry before that would only meet the same.
RETRY_S = 5


class Refused(Exception):
    """A request that is answered with a problem.

    Attributes:
        part: what is down; headers: e.g. Retry-After.
    """

    def __init__(
        self, status: int, detail: str, *, part: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.part = status, detail, part
        self.headers = dict(headers or {})


class PartDown(HomepotAIError):
    """Something that an answer needs does not answer; `part` names it."""

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(detail)
        self.part = part


def answer(
    status: int,
    detail: str,
    *,
    path: str,
    request_id: str,
    nearest: Sequence[str] = (),
    part: str = "",
    errors: Sequence[dict[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as a response."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, instance=path, nearest=list(nearest),
        part=part, errors=list(errors), request_id=request_id,
    )  # fmt: skip
    return JSONResponse(
        problem.model_dump(exclude_defaults=True) | {"type": problem.type},
        status,
        dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def of(error: Exception, path: str, request_id: str) -> JSONResponse:
    """The problem that an error is to whoever asked."""

    def say(status: int, detail: str, **more: Any) -> JSONResponse:
        return answer(status, detail, path=path, request_id=request_id, **more)

    if isinstance(error, Refused):
        return say(error.status, error.detail, part=error.part, headers=error.headers)
    if isinstance(error, NotFound):
        return say(404, str(error), nearest=error.nearest)
    if isinstance(error, RequestValidationError):
        return _invalid(error, say)
    if isinstance(error, HTTPException):
        return say(error.status_code, _plain(error), headers=error.headers)
    if isinstance(error, AccessError):
        return say(403, str(error))
    if isinstance(error, QuestionError | ReportError | PredictionError):
        return say(422, str(error))
    if (part := _part(error)) is not None:
        log.warning("%s is down: %s request=%s", part, _first_line(error), request_id)
        detail = str(error) if isinstance(error, HomepotAIError) else f"the {part} did not answer in time"
        return say(503, detail, part=part, headers={"Retry-After": str(RETRY_S)})
    log.error("request failed request=%s path=%r", request_id, path, exc_info=error)
    return say(500, "something went wrong here; the log has more under this request's id")


def _part(error: Exception) -> str | None:
    """Which part an error says is down."""
    if isinstance(error, PartDown):
        return error.part
    if isinstance(error, DatabaseError | FleetError | psycopg.OperationalError | psycopg.InterfaceError):
        return "database"
    if isinstance(error, IndexUnavailable | ModelMissing | RecallError):
        return "memory"
    return None


def _invalid(error: RequestValidationError, say: Any) -> JSONResponse:
    """What is wrong with which parameter; what was sent is not sent back."""
    found = [
        {"where": ".".join(str(part) for part in item["loc"]), "message": str(item["msg"])}
        for item in error.errors()
    ]
    broken = any(item["type"] == "json_invalid" for item in error.errors())
    listed = "; ".join(f"{item['where']}: {item['message']}" for item in found[:5])
    return say(400 if broken else 422, listed, errors=found)  # type: ignore[no-any-return]


def _plain(error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "there is nothing at this address; /openapi.json describes what there is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return "this address does not take this method; Allow says which it takes"
    return str(error.detail)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        return of(error, request.url.path, request.scope.get("state", {}).get("request_id", ""))

    for kind in (
        Refused, HomepotAIError, RequestValidationError, HTTPException, psycopg.OperationalError,
        psycopg.InterfaceError,
    ):  # fmt: skip
        app.add_exception_handler(kind, handle)
