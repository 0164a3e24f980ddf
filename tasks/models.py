"""Looking at the server of language models."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.language import survey
from homepot_ai.language.ollama import Ollama
from homepot_ai.settings import Settings
from homepot_ai.store.checks import ServiceCheck
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"language"}


def check_language_model(settings: Settings, *, now: datetime) -> ServiceCheck:
    """Whether the server answers and has the preferred model; part of the task that checks each service."""
    return survey.check_service(Ollama.from_settings(settings, None), now)


@stage("look-at-models", timeout_seconds=900, tags=TAGS)
def look_at_models(database: Database, settings: Settings, *, now: datetime, probe: bool) -> survey.Survey:
    """Compare installed, configured and formerly seen models; ask new ones something small with `probe`."""
    found = survey.look(Ollama.from_settings(settings, database), now, probe=probe)
    get_run_logger().info("models looked at url=%s verdict=%s", found.url, found.verdict)
    return found
