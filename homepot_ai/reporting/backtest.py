"""Keeping a backtest: its answer, words and PDF as one row of `ai_backtests`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from homepot_ai.health.backtest.answer import answer, marks_of
from homepot_ai.health.backtest.planning import BacktestPlan
from homepot_ai.health.backtest.records import Backtest, Page
from homepot_ai.reporting import backtest_view, pdf
from homepot_ai.reporting.service import templates_of
from homepot_ai.store import backtests
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


@dataclass(frozen=True)
class BacktestOutcome:
    """What a backtest came to.

    Attributes:
        number: of its row in `ai_backtests`; replayed: the same question had the same answer before.
    """

    number: int
    replayed: bool
    found: Backtest
    headline: str
    pdf: bytes
    markdown: str


def keep(
    db: Database,
    settings: Settings,
    plan: BacktestPlan,
    found: Sequence[Sequence[Page]],
    *,
    asked_by: str,
    now: datetime,
    seconds: float,
) -> BacktestOutcome:
    """Judge, word and store. Nothing else is written; an equal answer to an equal question is kept once."""
    said = answer(settings, plan, found, marks_of(db, plan))
    result = orjson.loads(said.canonical_json())
    question = {
        "range_from": plan.start,
        "range_until": plan.end,
        "site_id": plan.site_id,
        "configurations": {
            name: {"trial": trial.model_dump(mode="json"), "health": config.model_dump(mode="json")}
            for name, trial, config in zip("ab", plan.trials, plan.configurations, strict=False)
        },
        "result": result,
    }
    question["configurations"]["offsets"] = dict(plan.offsets)
    with db.reader() as conn:
        known = backtests.same(conn, **question)
    made_at = now.replace(microsecond=0) if known is None else known.asked_at
    digest = hashlib.sha256(said.canonical_json()).hexdigest()
    view = backtest_view.build(
        said, organisation=settings.reports.organisation, made_at=made_at, digest=digest
    )
    if known is None:
        folder = templates_of(settings)
        document = backtest_view.html(view, folder, made_at, settings.reports.paper)
        made = pdf.render(pdf.Job(document, folder / "fonts", said.canonical_json(), made_at))
        with db.writer() as conn:
            number = backtests.insert(
                conn, **question, asked_at=made_at, asked_by=asked_by, pdf=made, seconds=seconds
            )
    else:
        number, made = known.id, known.pdf
    return BacktestOutcome(
        number=number,
        replayed=known is not None,
        found=said,
        headline=view.headline,
        pdf=made,
        markdown=backtest_view.markdown(
            said, view, number=number, replayed=known is not None, seconds=seconds, size=len(made)
        ),
    )
