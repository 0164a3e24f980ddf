"""`homepot-ai backtest`: ask by hand, over the same functions as the flow."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from pydantic import ValidationError

from homepot_ai.errors import BacktestError
from homepot_ai.health.backtest import planning, run
from homepot_ai.health.backtest.trial import Trial
from homepot_ai.reporting.backtest import BacktestOutcome, keep
from homepot_ai.store import backtests
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.settings import Settings


def ask(
    db: Database,
    settings: Settings,
    *,
    start: str | None,
    end: str | None,
    site: str | None,
    a: Sequence[str],
    b: Sequence[str],
    now: datetime,
    show: Callable[[str], None] = lambda said: None,
) -> BacktestOutcome:
    """A whole backtest in this process.

    Args:
        start, end: moments as typed, UTC where no offset is given.
        a, b: configurations as typed, name=value; an empty b compares nothing.
        show: is told how far it is.

    Raises:
        BacktestError: the question cannot be answered; the message says which one can.
    """
    began = time.monotonic()
    trials = [parse_trial(a), *([parse_trial(b)] if b else [])]
    plan = planning.plan(
        db, settings, start=_moment(start), end=_moment(end), site=site, trials=trials, at=now
    )
    show(f"{plan.rows:,} telemetry rows, {planning.spoken(plan.expected_seconds)}")
    found = run.run(db, settings, plan, lambda done, total: show(f"{done / total:.0%} of {total:,} minutes"))
    return keep(
        db, settings, plan, found,
        asked_by=getpass.getuser(), now=now, seconds=time.monotonic() - began,
    )  # fmt: skip


def fetch(db: Database, number: int) -> bytes:
    """The PDF of a backtest that was made before.

    Raises:
        BacktestError: its PDF is no longer kept.
    """
    with db.reader() as conn:
        found = backtests.read(conn, number)
    if not found.pdf:
        raise BacktestError(
            f"the PDF of backtest {number}, asked on {found.asked_at:%Y-%m-%d}, is no longer kept "
            "(retention.backtest_pdf_days): ask the same question again to have it made anew"
        )
    return found.pdf


def parse_trial(pairs: Sequence[str]) -> Trial:
    """A configuration as typed: name=value, the value JSON where it is JSON.

    >>> parse_trial(["false_alarms_per_week=0.2"]).false_alarms_per_week
    0.2
    """
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BacktestError(f"a configuration is written name=value, not {pair!r}")
        try:
            given[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            given[name] = value
    try:
        return Trial.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        known = ", ".join(Trial.model_fields)
        raise BacktestError(f"this configuration cannot be tried ({wrong}); it may have {known}") from error


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BacktestError(f"{text!r} is no moment; write for example 2026-11-20T08:15 (UTC)") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
