"""A question in plain words: its answer as the contract has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from homepot_ai.answers.contracts import Answer, Device, Grounded, Query, Span
from homepot_ai.errors import QuestionError
from homepot_ai.questions.ask import Answered, ask
from homepot_ai.questions.types import Asker
from homepot_ai.store import preferences
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.language.model import Model
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database


def query(
    db: Database,
    settings: Settings,
    question: Query,
    asker: Asker,
    model: Model,
    now: datetime,
    *,
    patience_s: float | None = None,
) -> Answer:
    """Answer a question.

    Args:
        question: what is said in it (mode, language, time zone, model) goes before what the asker prefers.
        now: aware; relative times count from it.
        patience_s: how long wording may take; None: as long as at the HTTP door.

    Raises:
        QuestionError: the time zone does not exist.
        DatabaseError: the database does not answer, or was not migrated.
    """
    zone = question.timezone or asker.timezone
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise QuestionError(f"{zone!r} is no IANA time zone; write for example Europe/Berlin") from error
    on_behalf = replace(
        asker,
        timezone=zone,
        mode=question.mode or asker.mode,
    )
    answered = ask(
        db,
        settings,
        question.question,
        on_behalf,
        model,
        now,
        model_name=question.model,
        language=question.language,
        patience_s=patience_s,
    )
    return _with_model(contract(answered), question.model, settings)


def _with_model(answer: Answer, wanted: str | None, settings: Settings) -> Answer:
    """With a note where another model than the wanted one worded the answer."""
    known = settings.ollama
    by_name = {name: getattr(known, name) for name in ("fast", "balanced", "accurate")}
    if wanted is None or answer.model_used is None or by_name.get(wanted, wanted) == answer.model_used:
        return answer
    if wanted in by_name or wanted in by_name.values():
        why = f"{clean(wanted, 80)} did not answer; {answer.model_used} was used"
    else:
        why = f"{clean(wanted, 80)} is not configured; {answer.model_used} was used"
    note = f"{answer.grounded.note}; {why}" if answer.grounded.note else why
    return answer.model_copy(update={"grounded": answer.grounded.model_copy(update={"note": note})})


def asked(**said: object) -> Query:
    """A question as the contract wants it.

    >>> asked(question=" how is Till 3 ").question
    'how is Till 3'

    Raises:
        QuestionError: it is empty or too long, or something beside it is wrong.
    """
    try:
        return Query.model_validate(said)
    except ValidationError as error:
        wrong = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
        raise QuestionError(f"this cannot be asked: {wrong}") from error


def asker_of(db: Database, settings: Settings, user: str) -> Asker:
    """Somebody at this machine, who sees everything, with the mode and language that they prefer."""
    preferred = None
    if user:
        with db.reader() as conn:
            preferred = preferences.get(conn, user)
    zone = settings.reports.timezone
    if preferred is None:
        return Asker(user=user, timezone=zone)
    return Asker(user=user, timezone=zone, mode=preferred.mode, language=preferred.language)


def contract(answered: Answered) -> Answer:
    """An answer as the contract has it: moments in UTC."""
    said = answered.narration
    worded = said is not None and said.by_model
    return Answer(
        answer=answered.text,
        relevant_devices=[Device(id=d.id, name=d.name, status=d.status) for d in answered.devices],
        mode=answered.asker.mode,
        response_time_ms=round(answered.response_ms, 1),
        model_used=said.model if said is not None and worded else None,
        understood_as=answered.understood_as,
        period=None
        if answered.span is None
        else Span(
            start=answered.span.start.astimezone(UTC),
            end=answered.span.end.astimezone(UTC),
            words=answered.span.words,
        ),
        data_age_seconds=answered.data_age_s,
        grounded=Grounded(
            figures=said.figures if said else 0,
            verified=said.verified if said else 0,
            refused=said.refused if said else 0,
            worded_by="model" if worded else "template",
            note=said.note if said else "",
        ),
        intent=answered.understood.intent,
        candidates=list(answered.candidates),
        table=[list(row) for row in answered.table] if answered.table else None,
        more_rows=answered.more,
    )
