"""The routes: parameters in, contracts out. What they answer is made in `homepot_ai.answers`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from homepot_ai.answers import analyze as analyzing
from homepot_ai.answers import insights as looking
from homepot_ai.answers import predict as foretelling
from homepot_ai.answers import report as reporting
from homepot_ai.answers.contracts import (
    Analysis,
    Answer,
    DeviceReport,
    Mode,
    Period,
    Predictions,
    Preferences,
    Problem,
    Run,
    SiteInsights,
    Status,
)
from homepot_ai.answers.contracts import Query as Question
from homepot_ai.answers.prefect_api import FlowRun, PrefectDown
from homepot_ai.answers.report import Kind, ReportPeriod
from homepot_ai.api import door, examples
from homepot_ai.api.access import Caller
from homepot_ai.api.door import Door, Owner, Questioner, Reader, ReportReader, Watcher
from homepot_ai.api.problems import PartDown, Refused
from homepot_ai.errors import NotFound
from homepot_ai.reporting import one_click
from homepot_ai.store import people, preferences
from homepot_ai.text import clean

DEPLOYMENT = "device-report"
PDF_SCHEMA = {"schema": {"type": "string", "format": "binary"}}
FOLLOW = "/api/ai/runs/"
KINDS = get_args(people.Kind)
DeviceId = Annotated[
    str,
    Path(
        min_length=1, max_length=200, description="Public id, number or exact name.", examples=["DEVICE-0001"]
    ),
]
SiteId = Annotated[
    str,
    Path(min_length=1, max_length=200, description="Public id, number or exact name.", examples=["SITE-1"]),
]
ModeWanted = Annotated[Mode | None, Query(description="Whom it is for; default: as the user prefers.")]


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for the OpenAPI document."""
    said = {
        400: "Not readable", 401: "No valid token", 403: "The token is not for this", 404: "No such thing",
        413: "Too large", 415: "Not JSON", 422: "A parameter is wrong", 429: "Too many requests",
        500: "Our mistake", 503: "A part is down; `part` names it",
    }  # fmt: skip
    return {
        status: {
            "model": Problem,
            "description": said[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (*statuses, 401, 403, 422, 429, 500, 503)
    }


async def no_others(request: Request) -> None:
    """Refuse a parameter that the route does not have: a typo must not be silently ignored."""
    route = request.scope["route"].path_format
    operation = request.app.openapi()["paths"][route][request.method.lower()]
    known = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    if unknown := sorted(set(request.query_params) - set(known)):
        listed = ", ".join(repr(clean(name, 40)) for name in unknown[:3])
        raise Refused(422, f"there is no parameter {listed}; there are: {', '.join(known) or 'none'}")


router = APIRouter(prefix="/api/ai", tags=["answers"], dependencies=[Depends(no_others)])


@router.post("/query", response_model=Answer, responses=documented(400, 413, 415, 422) | examples.ANSWER)
async def query(request: Request, question: Question, caller: Questioner) -> Answer:
    """Answer a question in plain words. The answer says how the question was understood."""
    from homepot_ai.answers import query as asking

    here = door.of(request)
    answer = await here.lanes.run(
        "waiting", asking.query, here.db, here.settings, question, caller.asker, here.model, here.now()
    )
    here.metrics.note_words("query", answer.grounded)
    return answer


@router.get(
    "/analyze/{device_id:path}", response_model=Analysis, responses=documented(404, 422) | examples.ANALYSIS
)
async def analyze(
    request: Request, device_id: DeviceId, caller: Reader, period: Period = "24h", mode: ModeWanted = None
) -> Analysis:
    """A device over a period: state and why, what it measured, what was alike before, what to do."""
    here = door.of(request)
    found = await here.lanes.run(
        "waiting", analyzing.analyze, here.db, here.settings, device_id, period=period,
        asker=caller.reading(mode), model=here.model, cache=here.cache, now=here.now(),
    )  # fmt: skip
    here.metrics.note_words("analyze", found.grounded)
    return found


@router.get(
    "/predict/{device_id:path}",
    response_model=Predictions,
    responses=documented(404, 422) | examples.PREDICTIONS,
)
async def predict(
    request: Request, device_id: DeviceId, caller: Reader, horizon: foretelling.Horizon = "30d"
) -> Predictions:
    """What is foretold of a device, and how good such forecasts were."""
    here = door.of(request)
    return await here.lanes.run(
        "fast", foretelling.predict, here.db, here.settings, device_id, horizon=horizon, asker=caller.asker,
        now=here.now(),
    )  # fmt: skip


@router.get(
    "/report/{device_id:path}",
    response_model=DeviceReport,
    responses={
        **documented(404, 422),
        200: {
            "description": "The report; a PDF where that was asked for",
            "content": {"application/json": {}, "application/pdf": PDF_SCHEMA},
        },
        202: {"model": Run, "description": "It is being made; follow the run"},
    },
)  # fmt: skip
async def report(
    request: Request,
    device_id: DeviceId,
    caller: ReportReader,
    period: ReportPeriod = "24h",
    report_type: Annotated[
        Kind | None, Query(description="Default: daily, weekly, monthly by period.")
    ] = None,
    mode: ModeWanted = None,
    format: Annotated[reporting.Format, Query()] = "json",
) -> Any:
    """A device's report as it was made; where nobody made it yet, a run that makes it."""
    here = door.of(request)
    asker = caller.reading(mode)
    now = here.now()

    def look() -> reporting.Stored | FlowRun:
        want = reporting.wanted(
            here.db, here.settings, device_id, period=period, report_type=report_type, mode=asker.mode,
            asker=asker, now=now,
        )  # fmt: skip
        kept = reporting.read(here.db, here.settings, want, pdf=format == "pdf")
        if kept is not None and (format == "json" or kept.pdf is not None):
            return kept
        parameters = {
            "device": want.device.public_id, "period": period, "report_type": want.kind, "mode": asker.mode,
            "language": asker.language, "at": now.isoformat(),
        }  # fmt: skip
        # Asked twice within the hour it is one run; one that failed may be tried again in the next.
        told = f"{want.report_id or f'incident{want.incident}'}/{asker.mode}/{asker.language}/{now:%Y%m%d%H}"
        key = f"api/{hashlib.sha256(told.encode()).hexdigest()[:32]}"
        try:
            return here.prefect.start(DEPLOYMENT, parameters, key)
        except PrefectDown as error:
            raise PartDown(
                "prefect", f"this report was not made yet, and it cannot be now: {error}"
            ) from error

    found = await here.lanes.run("fast", look)
    if isinstance(found, FlowRun):
        run = Run(run_id=found.id, state=found.state, follow=f"{FOLLOW}{found.id}")
        headers = {"Location": run.follow, "Retry-After": "5"}
        return JSONResponse(run.model_dump(mode="json"), 202, headers)
    if format == "pdf":
        name = f'inline; filename="{found.report.report_id}.pdf"'
        return Response(found.pdf, media_type="application/pdf", headers={"Content-Disposition": name})
    return found.report


@router.get("/runs/{run_id}", response_model=Run, responses=documented(404, 422))
async def runs(request: Request, run_id: UUID, caller: ReportReader) -> Run:
    """A run that an answer began: its state, and the report once it is there."""
    here = door.of(request)

    def look() -> Run:
        try:
            run = here.prefect.run(str(run_id))
        except PrefectDown as error:
            raise PartDown("prefect", str(error)) from error
        # Runs of other deployments are nobody's business here, and of other sites not the asker's.
        if run is None or run.deployment != DEPLOYMENT:
            raise NotFound("run", str(run_id))
        try:
            want = reporting.of_run(here.db, here.settings, run.parameters, caller.asker)
        except NotFound as error:
            raise NotFound("run", str(run_id)) from error
        kept = reporting.read(here.db, here.settings, want) if run.good else None
        return Run(
            run_id=run.id, state=run.state, follow=f"{FOLLOW}{run.id}", message=run.message,
            result=None if kept is None else kept.report.model_dump(mode="json"),
        )  # fmt: skip

    return await here.lanes.run("fast", look)


@router.get(
    "/insights/{site_id:path}",
    response_model=SiteInsights,
    responses=documented(404, 422) | examples.INSIGHTS,
)
async def insights(
    request: Request, site_id: SiteId, caller: Reader, days: Annotated[int, Query(ge=1, le=92)] = 30
) -> SiteInsights:
    """A site's last days: health, findings, what is expected, costs."""
    here = door.of(request)
    return await here.lanes.run(
        "fast", looking.insights, here.db, here.settings, site_id, days=days, asker=caller.asker,
        cache=here.cache, now=here.now(),
    )  # fmt: skip


@router.get("/status", response_model=Status, responses=documented() | examples.STATUS)
async def status(request: Request, caller: Watcher) -> Status:
    """Every part by name: what answers, what is late, what is installed."""
    here = door.of(request)
    return await here.lanes.run("fast", here.status)


@router.get("/preferences", response_model=Preferences, responses=documented(), tags=["people"])
async def get_preferences(request: Request, caller: Owner) -> Preferences:
    """How the token's user reads."""
    return Preferences(mode=caller.asker.mode, language=caller.asker.language)


@router.put(
    "/preferences",
    response_model=Preferences,
    responses=documented(400, 413, 415, 422),
    tags=["people"],
)
async def put_preferences(request: Request, wanted: Preferences, caller: Owner) -> Preferences:
    """Keep how the token's user reads; answers and analyses follow it."""
    here = door.of(request)

    def keep() -> None:
        with here.db.writer() as conn:
            wish = preferences.Preference(wanted.mode, wanted.language)
            preferences.put(conn, caller.user, wish, here.now(), actor=caller.actor, door="HTTP")

    await here.lanes.run("fast", keep)
    return wanted


Token = Annotated[str, Query(min_length=1, max_length=1000, description="Of the link in the mail.")]


@router.get("/unsubscribe", response_class=HTMLResponse, responses=documented(422), tags=["people"])
async def unsubscribe_page(request: Request, token: Token) -> HTMLResponse:
    """A page with one button: what only fetches links must not unsubscribe anybody."""
    leaving = one_click.read(token, _link_secret(door.of(request)))
    return HTMLResponse(PAGE.format(series=_escaped(leaving.series), email=_escaped(leaving.email)))


@router.post("/unsubscribe", responses=documented(413, 422), tags=["people"])
async def unsubscribe(request: Request, token: Token) -> dict[str, int]:
    """End the subscription that a mail's link names (RFC 8058); again changes nothing."""
    here = door.of(request)
    leaving = one_click.read(token, _link_secret(here))
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    if form.get("List-Unsubscribe") != ["One-Click"]:
        raise Refused(422, "post List-Unsubscribe=One-Click, as RFC 8058 says")
    kind, _, scope = leaving.series.partition("-")
    if kind not in KINDS:  # a series that nobody can be subscribed to: a custom report's
        return {"ended": 0}
    of, number = _scope(scope)

    def end() -> int:
        with here.db.writer() as conn:
            return people.unsubscribe(
                conn, leaving.email, kind=cast(people.Kind, kind), scope=of, scope_id=number,
                actor="one-click link", now=here.now(),
            )  # fmt: skip

    return {"ended": await here.lanes.run("fast", end)}


def _scope(slug: str) -> tuple[Literal["site", "device", "fleet"] | None, int | None]:
    """What `site1`, `device7` or `fleet` of a series means; all scopes where it says none.

    >>> _scope("site1"), _scope("fleet"), _scope("digest")
    (('site', 1), ('fleet', None), (None, None))
    """
    kinds: tuple[Literal["site", "device"], ...] = ("site", "device")
    for kind in kinds:
        if slug.startswith(kind) and slug.removeprefix(kind).isdecimal():
            return kind, int(slug.removeprefix(kind))
    return ("fleet", None) if slug == "fleet" else (None, None)


def _link_secret(here: Door) -> str:
    secret = here.settings.api.link_secret
    if secret is None:
        raise Refused(404, "links of this kind are not made here: api.link_secret is not set")
    return secret.get_secret_value()


def _escaped(text: str) -> str:
    from html import escape

    return escape(text.replace("-", " ", 1))


PAGE = """<!doctype html><meta charset="utf-8"><title>Unsubscribe</title>
<p>No more mails “{series}” to {email}?</p>
<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button>Unsubscribe</button></form>
"""

__all__ = ["Caller", "documented", "router"]
