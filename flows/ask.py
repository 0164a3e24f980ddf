"""A question in plain words, answered on a form."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import Completed, State
from pydantic import Field

from flows.common import FAILURE_HOOKS, as_utc, open_fleet, publish, utc_now
from homepot_ai.answers import query_page
from homepot_ai.answers.query import asked
from homepot_ai.settings import load_settings
from tasks import ask as asking


@flow(name="ask", timeout_seconds=120, **FAILURE_HOOKS)
def ask(
    question: Annotated[str, Field(max_length=2000)] = "What can I ask?",
    mode: Literal["maintenance", "predictive", "executive"] | None = None,
    language: Literal["en", "de"] | None = None,
    timezone: Annotated[str, Field(max_length=64)] = "",
    user: Annotated[str, Field(max_length=254)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Answer a question about the fleet.

    Args:
        question: in English or German: "how is Till 3 at Berlin", "which devices are worst".
        mode: how it is worded; default what the user prefers, else for maintenance.
        language: of the answer; default what the user prefers, else English.
        timezone: relative times ("yesterday morning") are on its clock; default that of the reports.
        user: who asks: their preferences hold, and "it" refers to their last question.
        at: the moment that relative times count from (UTC where no zone is given); default now.
    """
    now, database, settings = utc_now(), open_fleet(), load_settings()
    wanted = asked(
        question=question.strip() or "What can I ask?",
        mode=mode,
        language=language,
        timezone=timezone or None,
    )
    answer = asking.answer_question(
        database, settings, wanted, user=user.strip(), now=now if at is None else as_utc(at)
    )
    publish("ask", query_page.markdown(wanted.question, answer, language or "en"))
    return Completed(message=query_page.headline(answer), data=answer.model_dump(mode="json"))
