"""Answering a question."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.answers.contracts import Answer, Query
from homepot_ai.answers.query import asker_of, query
from homepot_ai.language.ollama import model_of
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database
from tasks.stage import stage


# Asked again it would be written down twice; whoever waits asks again themselves.
@stage("answer-question", timeout_seconds=60, tags={"questions"}, retries=0)
def answer_question(
    database: Database, settings: Settings, question: Query, *, user: str, now: datetime
) -> Answer:
    """Understand, look up, word."""
    asker, model = asker_of(database, settings, user), model_of(settings, database)
    patience = settings.ollama.form_deadline_seconds
    answer = query(database, settings, question, asker, model, now, patience_s=patience)
    get_run_logger().info("answered intent=%s in %.0f ms", answer.intent, answer.response_time_ms)
    return answer
